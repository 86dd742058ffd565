use keys::{KeyError, KeyPair, PrivateKey, PublicKey, Secret};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    DeviceId, EncryptedMessage, Malformed, MessageKind, RegistrationId, SenderKeyMessage, ServiceId,
    test_vectors::{Hex, Recorded, section},
};

const EXPIRES: Timestamp = Timestamp(2_000_000_000_000);
const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn address(account: u8, device: u8) -> Address {
    Address::from((ServiceId::Aci([account; 16]), DeviceId::new(device).unwrap()))
}

/// A server with its root, a sender that it certified, and a receiver.
struct Scene {
    root: KeyPair,
    server: KeyPair,
    issuer: CertificateIssuer,
    alice: KeyPair,
    bob: KeyPair,
    bob_address: Address,
}

impl Scene {
    fn new() -> Self {
        let mut rng = rng(1);
        let [root, server, alice, bob] = [(); 4].map(|()| KeyPair::generate(&mut rng));
        let certificate = ServerCertificate::issue(ServerKeyId(5), server.public, &root.private, &mut rng);
        let issuer = CertificateIssuer::new(certificate, server.private.clone()).unwrap();
        Self { root, server, issuer, alice, bob, bob_address: address(2, 1) }
    }

    fn sender(&self) -> Sender {
        Sender { address: address(1, 3), e164: Some("+14155550101".to_owned()), identity: self.alice.public }
    }

    fn certificate(&self) -> SenderCertificate {
        self.issuer.issue(self.sender(), EXPIRES, &mut rng(2))
    }

    fn content(&self, bytes: &[u8]) -> Content {
        let message = EncryptedMessage { kind: MessageKind::Signal, bytes: bytes.to_vec() };
        Content::new(self.certificate(), message, ContentHint::Resendable, Some(b"group".to_vec()))
    }

    fn destination(&self) -> Destination {
        Destination {
            service_id: self.bob_address.service_id().unwrap(),
            identity: self.bob.public,
            devices: vec![(DeviceId::PRIMARY, RegistrationId(77))],
        }
    }

    const fn receiver(&self) -> Receiver<'_> {
        Receiver { identity: &self.bob, address: &self.bob_address, e164: Some("+14155550102") }
    }

    fn open(&self, message: &[u8]) -> Result<Content, OpenError> {
        let roots = [self.root.public];
        open(message, &self.receiver(), &ServerTrust::new(&roots), NOW)
    }

    /// The content sealed by both versions, as the receiver gets it.
    fn sealed(&self, content: &Content) -> [Vec<u8>; 2] {
        let one = content.seal(&self.alice, &self.bob.public, &mut rng(3)).unwrap();
        let sent = content.seal_for_many(&self.alice, &[self.destination()], &[], &mut rng(3)).unwrap();
        let sent = SentMessage::parse(&sent).unwrap();
        [one, sent.recipients()[0].received().unwrap()]
    }
}

mod recorded {
    use super::*;

    #[derive(Deserialize)]
    struct Parties {
        alice: Party,
        bob: Party,
    }

    #[derive(Deserialize)]
    struct Party {
        name: String,
        device_id: u8,
        identity_private: Hex,
    }

    impl Party {
        fn address(&self) -> Address {
            Address::new(&self.name, DeviceId::new(self.device_id).unwrap())
        }

        fn identity(&self) -> KeyPair {
            KeyPair::from(PrivateKey::from_slice(&self.identity_private).unwrap())
        }
    }

    #[derive(Deserialize)]
    struct Vectors {
        trust_root_private: Hex,
        trust_root_public: Hex,
        server_key_public: Hex,
        server_key_private: Hex,
        server_certificate: Hex,
        server_key_id: u32,
        sender_certificate: Hex,
        sender_uuid: String,
        sender_e164: String,
        sender_device: u8,
        expires: u64,
        sender_certificate_without_e164: Hex,
        validation: Vec<Validation>,
        v1_prekey: One,
        v1_sender_key: One,
        v2: Many,
    }

    #[derive(Deserialize)]
    struct Validation {
        note: String,
        certificate: Hex,
        trust_root: Hex,
        time: u64,
        valid: bool,
    }

    #[derive(Deserialize)]
    struct One {
        message: Hex,
        usmc: Option<Hex>,
        usmc_sha256: Option<Hex>,
        inner_type: u8,
        inner: Option<Hex>,
        inner_sha256: Option<Hex>,
        content_hint: u32,
        group_id: Option<Hex>,
        decrypted_sender: Option<RecordedSender>,
    }

    #[derive(Deserialize)]
    struct RecordedSender {
        uuid: String,
        e164: Option<String>,
        device: u8,
    }

    #[derive(Deserialize)]
    struct Many {
        recipient_registration_id: u32,
        excluded: String,
        sent_with_excluded: Hex,
        sent: Hex,
        received: Hex,
        usmc: Hex,
    }

    fn vectors() -> (Vectors, Parties) {
        (section("sealed_sender"), section("parties"))
    }

    fn key(bytes: &Hex) -> PublicKey {
        PublicKey::from_bytes(bytes).unwrap()
    }

    #[test]
    fn certificates_are_read_and_issued_as_recorded() {
        let (vectors, parties) = vectors();
        let root = PrivateKey::from_slice(&vectors.trust_root_private).unwrap();
        assert_eq!(root.public_key(), key(&vectors.trust_root_public));
        let server = ServerCertificate::parse(&vectors.server_certificate).unwrap();
        assert_eq!(server.key_id(), ServerKeyId(vectors.server_key_id));
        assert_eq!(*server.key(), key(&vectors.server_key_public));
        assert_eq!(server.as_bytes(), *vectors.server_certificate);
        // Signatures are random: all before them is compared.
        let ours = ServerCertificate::issue(server.key_id(), *server.key(), &root, &mut rng(1));
        let signed = ours.as_bytes().len() - 64;
        assert_eq!(ours.as_bytes()[..signed], vectors.server_certificate[..signed]);

        let private = PrivateKey::from_slice(&vectors.server_key_private).unwrap();
        let issuer = CertificateIssuer::new(server, private).unwrap();
        for (bytes, e164) in [
            (&vectors.sender_certificate, Some(vectors.sender_e164.clone())),
            (&vectors.sender_certificate_without_e164, None),
        ] {
            let certificate = SenderCertificate::parse(bytes).unwrap();
            let sender = certificate.sender();
            assert_eq!(sender.address.name(), vectors.sender_uuid);
            assert_eq!(sender.address.device().get(), vectors.sender_device);
            assert_eq!(sender.e164, e164);
            assert_eq!(sender.identity, parties.alice.identity().public);
            assert_eq!(certificate.expires(), Timestamp(vectors.expires));
            assert_eq!(certificate.as_bytes(), **bytes);
            let ours = issuer.issue(sender.clone(), certificate.expires(), &mut rng(1));
            let signed = bytes.len() - 64;
            assert_eq!(ours.as_bytes()[..signed], bytes[..signed]);
            assert_eq!(SenderCertificate::parse(ours.as_bytes()).unwrap(), ours);
        }
    }

    #[test]
    fn certificates_are_valid_when_the_official_library_says_so() {
        for case in vectors().0.validation {
            let certificate = SenderCertificate::parse(&case.certificate).unwrap();
            let roots = [key(&case.trust_root)];
            let result = certificate.validate(&ServerTrust::new(&roots), Timestamp(case.time));
            let expected = match case.note.as_str() {
                "at expiry" | "before expiry" => Ok(()),
                "after expiry" => Err(CertificateError::Expired(certificate.expires())),
                "wrong trust root" => Err(CertificateError::UntrustedServer),
                "revoked server key id 0xDEADC357" => {
                    Err(CertificateError::RevokedServer(ServerKeyId(0xDEAD_C357)))
                }
                other => panic!("{other}"),
            };
            assert_eq!(result, expected, "{}", case.note);
            assert_eq!(result.is_ok(), case.valid);
        }
    }

    #[test]
    fn messages_for_one_receiver_open_as_recorded() {
        let (vectors, parties) = vectors();
        let (bob, address) = (parties.bob.identity(), parties.bob.address());
        let receiver = Receiver { identity: &bob, address: &address, e164: None };
        let roots = [key(&vectors.trust_root_public)];
        let trust = ServerTrust::new(&roots);
        for case in [&vectors.v1_prekey, &vectors.v1_sender_key] {
            let content = open(&case.message, &receiver, &trust, NOW).unwrap();
            assert_eq!(content.sender().address, parties.alice.address());
            assert_eq!(content.sender().identity, parties.alice.identity().public);
            if let Some(sender) = &case.decrypted_sender {
                assert_eq!(content.sender().address.name(), sender.uuid);
                assert_eq!(content.sender().address.device().get(), sender.device);
                assert_eq!(content.sender().e164, sender.e164);
            }
            assert_eq!(content.message().kind as u8, case.inner_type);
            assert_eq!(content.hint().to_wire(), case.content_hint);
            assert_eq!(content.group_id(), case.group_id.as_ref().map(|id| id.as_slice()));
            let usmc = content.serialize();
            for (bytes, plain, hash) in [
                (&usmc, &case.usmc, &case.usmc_sha256),
                (&content.message().bytes, &case.inner, &case.inner_sha256),
            ] {
                assert!(plain.as_ref().is_none_or(|plain| **plain == *bytes));
                assert!(hash.as_ref().is_none_or(|hash| **hash == *Sha256::digest(bytes)));
                assert!(plain.is_some() || hash.is_some());
            }
        }
    }

    #[test]
    fn messages_for_many_are_split_opened_and_sealed_as_recorded() {
        let (vectors, parties) = vectors();
        let case = vectors.v2;
        let (alice, bob) = (parties.alice.identity(), parties.bob.identity());
        let address = parties.bob.address();
        let receiver = Receiver { identity: &bob, address: &address, e164: None };
        let roots = [key(&vectors.trust_root_public)];
        let devices = vec![(address.device(), RegistrationId(case.recipient_registration_id))];

        let sent = SentMessage::parse(&case.sent).unwrap();
        let [recipient] = sent.recipients() else { panic!("{sent:?}") };
        assert_eq!(Some(recipient.service_id), address.service_id());
        assert_eq!(recipient.devices, devices);
        assert_eq!(recipient.received().unwrap(), *case.received);

        let excluded = ServiceId::parse(&case.excluded).unwrap();
        let destination = Destination { service_id: recipient.service_id, identity: bob.public, devices };
        let with_excluded = SentMessage::parse(&case.sent_with_excluded).unwrap();
        let [first, second] = with_excluded.recipients() else { panic!("{with_excluded:?}") };
        assert_eq!(second.service_id, excluded);
        assert_eq!((second.devices.len(), second.received()), (0, None));

        // What a receiver learns includes the one random value, so both messages can be sealed again, byte for byte.
        let received = first.received().unwrap();
        for (received, sent, excluded) in
            [(&*case.received, &case.sent, &[][..]), (&received, &case.sent_with_excluded, &[excluded])]
        {
            let content = open(received, &receiver, &ServerTrust::new(&roots), NOW).unwrap();
            assert_eq!(content.sender().address, parties.alice.address());
            assert_eq!(content.message().kind, MessageKind::SenderKey);
            assert!(SenderKeyMessage::parse(&content.message().bytes).is_ok());
            assert_eq!(content.serialize(), *case.usmc);
            let secret = v2::message_secret(&received[1..], &bob);
            let mut recorded = Recorded::new(&[secret.expose()]);
            let destinations = [destination.clone()];
            let ours = content.seal_for_many(&alice, &destinations, excluded, &mut recorded).unwrap();
            assert_eq!(ours, **sent);
        }
    }
}

#[test]
fn what_was_sealed_opens_with_everything_in_it() {
    let scene = Scene::new();
    for kind in [MessageKind::Signal, MessageKind::PreKey, MessageKind::SenderKey, MessageKind::Plaintext] {
        for hint in [ContentHint::Default, ContentHint::Implicit, ContentHint::Unknown(9)] {
            for group_id in [None, Some(vec![]), Some(vec![7; 32])] {
                let message = EncryptedMessage { kind, bytes: b"ciphertext".to_vec() };
                let content = Content::new(scene.certificate(), message, hint, group_id.clone());
                for sealed in scene.sealed(&content) {
                    let opened = scene.open(&sealed).unwrap();
                    assert_eq!(opened, content);
                    assert_eq!(*opened.sender(), scene.sender());
                    assert_eq!(opened.group_id(), group_id.as_deref().filter(|id| !id.is_empty()));
                    assert_eq!(opened.hint(), hint);
                }
            }
        }
    }
}

#[test]
fn only_the_identity_that_it_was_sealed_to_opens_a_message() {
    let scene = Scene::new();
    let roots = [scene.root.public];
    for sealed in scene.sealed(&scene.content(b"text")) {
        let receiver = Receiver { identity: &scene.alice, ..scene.receiver() };
        let result = open(&sealed, &receiver, &ServerTrust::new(&roots), NOW);
        assert_eq!(result, Err(OpenError::BadCiphertext));
    }
}

#[test]
fn a_message_under_a_certificate_of_somebody_else_is_refused() {
    let scene = Scene::new();
    let content = scene.content(b"text");
    let mallory = KeyPair::generate(&mut rng(9));
    assert_eq!(content.seal(&mallory, &scene.bob.public, &mut rng(3)), Err(SealError::OtherIdentity));
    let destinations = [scene.destination()];
    assert_eq!(
        content.seal_for_many(&mallory, &destinations, &[], &mut rng(3)),
        Err(SealError::OtherIdentity)
    );
    // One who does it nevertheless.
    let one = v1::seal(&content.serialize(), &mallory, &scene.bob.public, &mut rng(3)).unwrap();
    let sent = sent::seal(&content.serialize(), &mallory, &destinations, &[], &mut rng(3)).unwrap();
    let sent = SentMessage::parse(&sent).unwrap();
    for sealed in [one, sent.recipients()[0].received().unwrap()] {
        assert_eq!(scene.open(&sealed), Err(OpenError::OtherSender));
    }
}

#[test]
fn the_certificate_in_a_message_is_validated() {
    let scene = Scene::new();
    let roots = [scene.alice.public];
    for sealed in scene.sealed(&scene.content(b"text")) {
        let result = |trust: &ServerTrust<'_>, now| open(&sealed, &scene.receiver(), trust, now);
        let refused = |error: CertificateError| Err(OpenError::Certificate(error));
        assert_eq!(result(&ServerTrust::new(&[]), NOW), refused(CertificateError::UntrustedServer));
        assert_eq!(result(&ServerTrust::new(&roots), NOW), refused(CertificateError::UntrustedServer));
        let roots = [scene.alice.public, scene.root.public];
        assert!(result(&ServerTrust::new(&roots), EXPIRES).is_ok());
        let late = Timestamp(EXPIRES.0 + 1);
        assert_eq!(result(&ServerTrust::new(&roots), late), refused(CertificateError::Expired(EXPIRES)));
        let revoked = [ServerKeyId(4), ServerKeyId(5)];
        let trust = ServerTrust { revoked: &revoked, ..ServerTrust::new(&roots) };
        assert_eq!(result(&trust, NOW), refused(CertificateError::RevokedServer(ServerKeyId(5))));
    }
}

#[test]
fn a_message_from_this_device_is_refused_and_one_from_another_device_of_the_account_is_not() {
    let scene = Scene::new();
    let roots = [scene.root.public];
    let number = scene.sender().e164;
    let other = Address::new("somebody", DeviceId::new(3).unwrap());
    for (address, e164, expected) in [
        (&address(1, 3), None, Err(OpenError::SelfSend)),
        (&address(1, 3), Some("+14155550102"), Err(OpenError::SelfSend)),
        (&address(1, 4), number.as_deref(), Ok(())),
        (&address(2, 3), number.as_deref(), Err(OpenError::SelfSend)),
        (&address(2, 3), None, Ok(())),
        (&other, None, Ok(())),
        (
            &Address::new(address(1, 3).name().to_uppercase(), address(1, 3).device()),
            None,
            Err(OpenError::SelfSend),
        ),
    ] {
        for sealed in scene.sealed(&scene.content(b"text")) {
            let receiver = Receiver { identity: &scene.bob, address, e164 };
            let result = open(&sealed, &receiver, &ServerTrust::new(&roots), NOW);
            assert_eq!(result.map(drop), expected, "{address}");
        }
    }
}

#[test]
fn names_that_are_no_service_ids_are_compared_as_they_are() {
    let scene = Scene::new();
    let roots = [scene.root.public];
    let own = Address::new("bob", DeviceId::PRIMARY);
    for (name, expected) in [("bob", Err(OpenError::SelfSend)), ("Bob", Ok(()))] {
        let sender = Sender { address: Address::new(name, DeviceId::PRIMARY), e164: None, ..scene.sender() };
        let certificate = scene.issuer.issue(sender, EXPIRES, &mut rng(2));
        let content =
            Content::new(certificate, scene.content(b"").message().clone(), ContentHint::Default, None);
        for sealed in scene.sealed(&content) {
            let receiver = Receiver { identity: &scene.bob, address: &own, e164: None };
            let result = open(&sealed, &receiver, &ServerTrust::new(&roots), NOW);
            assert_eq!(result.map(drop), expected);
        }
    }
}

/// Certificates as others may write them: the server by number, the sender by UUID.
mod foreign {
    use super::*;
    use crate::protobuf::Writer;

    fn certificate(scene: &Scene, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::with_capacity(0);
        writer.uint(2, 3u32);
        writer.fixed64(3, EXPIRES.0);
        writer.bytes(4, &scene.alice.public.to_bytes());
        write(&mut writer);
        let certificate = writer.finish();
        let signature = scene.server.private.sign(&certificate, &mut rng(4));
        let mut writer = Writer::with_capacity(0);
        writer.bytes(1, &certificate);
        writer.bytes(2, signature.as_bytes());
        writer.finish()
    }

    #[test]
    fn a_server_named_by_number_is_looked_up_among_those_that_are_known() {
        let scene = Scene::new();
        let bytes = certificate(&scene, |writer| {
            writer.bytes(7, &[1; 16]);
            writer.uint(8, 5u32);
        });
        let certificate = SenderCertificate::parse(&bytes).unwrap();
        assert_eq!(certificate.sender().address, address(1, 3));
        let message = scene.content(b"").message().clone();
        let content = Content::new(certificate, message, ContentHint::Default, None);
        let roots = [scene.root.public];
        let trust = ServerTrust::new(&roots);
        let issue = |id| {
            ServerCertificate::issue(ServerKeyId(id), scene.server.public, &scene.root.private, &mut rng(5))
        };
        let unsigned =
            ServerCertificate::issue(ServerKeyId(5), scene.server.public, &scene.alice.private, &mut rng(5));
        let unknown = OpenError::Certificate(CertificateError::UnknownServer(ServerKeyId(5)));
        for (known, expected) in [
            (vec![], Err(unknown)),
            (vec![issue(4)], Err(unknown)),
            (vec![issue(4), issue(5)], Ok(())),
            (vec![unsigned], Err(CertificateError::UntrustedServer.into())),
        ] {
            for sealed in scene.sealed(&content) {
                let trust = ServerTrust { known_servers: &known, ..trust };
                assert_eq!(open(&sealed, &scene.receiver(), &trust, NOW).map(drop), expected);
            }
        }
    }

    #[test]
    fn a_service_id_is_spelled_in_one_way_whichever_the_certificate_chose() {
        let scene = Scene::new();
        let id = ServiceId::Aci([0xAB; 16]).to_string();
        for name in [id.clone(), id.to_uppercase()] {
            let bytes = certificate(&scene, |writer| {
                writer.bytes(6, name.as_bytes());
                writer.uint(8, 2u32);
            });
            assert_eq!(SenderCertificate::parse(&bytes).unwrap().sender().address.name(), id);
        }
    }

    #[test]
    fn certificates_with_parts_missing_or_wrong_are_told_apart() {
        let scene = Scene::new();
        let parse =
            |write: &dyn Fn(&mut Writer)| SenderCertificate::parse(&certificate(&scene, write)).unwrap_err();
        assert_eq!(parse(&|writer| writer.uint(8, 5u32)), Malformed::Missing { field: 6 }.into());
        assert_eq!(parse(&|writer| writer.bytes(6, b"x")), Malformed::Missing { field: 5 }.into());
        assert_eq!(parse(&|writer| writer.bytes(6, &[0xFF])), Malformed::Text { field: 6 }.into());
        assert_eq!(parse(&|writer| writer.bytes(7, &[1; 17])), Malformed::Length { field: 7 }.into());
        assert_eq!(
            parse(&|writer| {
                writer.bytes(6, b"x");
                writer.uint(2, 128u32);
            }),
            Malformed::OutOfRange { field: 2 }.into()
        );
        assert_eq!(parse(&|writer| writer.uint(3, 5u32)), Malformed::WireType { field: 3 }.into());
        let low_order = KeyError::LowOrder;
        assert_eq!(
            parse(&|writer| writer.bytes(4, &[&[5][..], &[0; 32]].concat())),
            Malformed::Key { field: 4, source: low_order }.into()
        );
        let actual = MAX_MESSAGE_LEN + 1;
        assert_eq!(SenderCertificate::parse(&vec![0; actual]), Err(ParseError::TooLong { actual }));
        assert_eq!(ServerCertificate::parse(&vec![0; actual]), Err(ParseError::TooLong { actual }));
    }
}

#[test]
fn certificates_are_issued_only_with_the_key_that_they_are_checked_with() {
    let scene = Scene::new();
    let certificate = scene.issuer.certificate().clone();
    let result = CertificateIssuer::new(certificate, scene.root.private.clone());
    assert_eq!(result.unwrap_err(), CertificateError::OtherKey);
}

#[test]
fn versions_and_lengths_that_cannot_be_opened_are_told_apart() {
    let scene = Scene::new();
    let [one, two] = scene.sealed(&scene.content(b"text"));
    // Only the high nibble counts.
    for (message, bytes) in [(&one, [0x00, 0x0F, 0x11, 0x1F]), (&two, [0x20, 0x22, 0x23, 0x2F])] {
        for byte in bytes {
            let mut message = message.clone();
            message[0] = byte;
            assert!(scene.open(&message).is_ok());
        }
    }
    assert_eq!(scene.open(&[]), Err(ParseError::TooShort { actual: 0 }.into()));
    assert_eq!(scene.open(&two[..80]), Err(ParseError::TooShort { actual: 80 }.into()));
    assert_eq!(scene.open(&two[..90]), Err(OpenError::BadCiphertext));
    assert_eq!(scene.open(&[0x11]), Err(Malformed::Missing { field: 1 }.into()));
    assert_eq!(scene.open(&[0x30]), Err(ParseError::UnknownVersion(3).into()));
    let actual = MAX_MESSAGE_LEN + 1;
    assert_eq!(scene.open(&vec![0x11; actual]), Err(ParseError::TooLong { actual }.into()));
}

#[test]
fn what_would_be_too_long_is_not_sealed() {
    let scene = Scene::new();
    let overhead = 1024;
    let content = scene.content(&vec![0; MAX_MESSAGE_LEN - overhead]);
    for sealed in scene.sealed(&content) {
        assert_eq!(scene.open(&sealed).unwrap(), content);
    }
    let content = scene.content(&vec![0; MAX_MESSAGE_LEN]);
    let one = content.seal(&scene.alice, &scene.bob.public, &mut rng(3));
    let many = content.seal_for_many(&scene.alice, &[scene.destination()], &[], &mut rng(3));
    assert!(matches!(one, Err(SealError::TooLong { .. })));
    assert!(matches!(many, Err(SealError::TooLong { .. })));
}

mod many {
    use super::*;

    #[test]
    fn each_device_of_each_receiver_is_named_and_each_receiver_opens_its_part() {
        let scene = Scene::new();
        let content = scene.content(b"to all");
        let identities: Vec<_> = (0..4u8).map(|seed| KeyPair::generate(&mut rng(20 + seed))).collect();
        let destinations: Vec<_> = (0u8..)
            .zip(&identities)
            .map(|(account, identity)| Destination {
                service_id: if account == 2 {
                    ServiceId::Pni([2; 16])
                } else {
                    ServiceId::Aci([account; 16])
                },
                identity: identity.public,
                devices: (1..=account * 42 + 1)
                    .map(|device| {
                        (DeviceId::new(device).unwrap(), RegistrationId(0x3FFF - u32::from(device)))
                    })
                    .collect(),
            })
            .collect();
        let excluded = [ServiceId::Aci([0xEE; 16]), ServiceId::Pni([0xEE; 16])];
        let sent = content.seal_for_many(&scene.alice, &destinations, &excluded, &mut rng(3)).unwrap();
        let sent = SentMessage::parse(&sent).unwrap();
        assert_eq!(sent.recipients().len(), 6);
        let address = address(9, 1);
        let roots = [scene.root.public];
        for ((destination, identity), recipient) in
            destinations.iter().zip(&identities).zip(sent.recipients())
        {
            assert_eq!(recipient.service_id, destination.service_id);
            assert_eq!(recipient.devices, destination.devices);
            let received = recipient.received().unwrap();
            let receiver = Receiver { identity, address: &address, e164: None };
            assert_eq!(open(&received, &receiver, &ServerTrust::new(&roots), NOW), Ok(content.clone()));
        }
        for (recipient, id) in sent.recipients()[4..].iter().zip(excluded) {
            assert_eq!((recipient.service_id, recipient.devices.len()), (id, 0));
            assert_eq!(recipient.received(), None);
        }
    }

    #[test]
    fn recipients_that_cannot_be_written_are_refused() {
        let scene = Scene::new();
        let content = scene.content(b"");
        let seal = |destination: Destination, excluded: &[ServiceId]| {
            content.seal_for_many(&scene.alice, &[destination], excluded, &mut rng(3)).unwrap_err()
        };
        let destination = scene.destination();
        let service_id = destination.service_id;
        let with = |devices| Destination { devices, ..destination.clone() };
        assert_eq!(seal(with(vec![]), &[]), SealError::Devices { service_id, actual: 0 });
        let device = (DeviceId::PRIMARY, RegistrationId(0x4000));
        assert_eq!(seal(with(vec![device]), &[]), SealError::RegistrationId(RegistrationId(0x4000)));
        let device = (DeviceId::PRIMARY, RegistrationId(1));
        assert_eq!(seal(with(vec![device; 128]), &[]), SealError::Devices { service_id, actual: 128 });
        let excluded = vec![service_id; MAX_RECIPIENTS];
        assert_eq!(seal(destination.clone(), &excluded), SealError::TooManyRecipients(MAX_RECIPIENTS + 1));
    }

    /// A sent form with these bytes for its recipients.
    fn sent(version: u8, count: &[u8], recipients: &[u8]) -> Vec<u8> {
        [&[version], count, recipients, &[7; 48]].concat()
    }

    #[test]
    fn the_older_form_names_accounts_alone() {
        let recipients = [&[1; 16], &[3, 0xC0, 5, 4, 0, 6][..], &[0x55; 48], &[2; 16], &[0]].concat();
        let bytes = sent(0x22, &[2], &recipients);
        let message = SentMessage::parse(&bytes).unwrap();
        let [first, second] = message.recipients() else { panic!("{message:?}") };
        assert_eq!(first.service_id, ServiceId::Aci([1; 16]));
        let device = |device: u8, id| (DeviceId::new(device).unwrap(), RegistrationId(id));
        // Bit 14 of a registration id has no meaning.
        assert_eq!(first.devices, [device(3, 5), device(4, 6)]);
        assert_eq!(first.received().unwrap(), [&[0x22][..], &[0x55; 48], &[7; 48]].concat());
        assert_eq!((second.service_id, second.devices.len()), (ServiceId::Aci([2; 16]), 0));
    }

    #[test]
    fn sent_forms_that_are_wrong_are_told_apart() {
        let parse = |bytes: &[u8]| SentMessage::parse(bytes).unwrap_err();
        assert!(SentMessage::parse(&sent(0x23, &[0], &[])).is_ok());
        assert_eq!(parse(&[]), ParseError::TooShort { actual: 0 }.into());
        assert_eq!(parse(&sent(0x11, &[0], &[])), ParseError::UnknownVersion(0x11).into());
        assert_eq!(parse(&sent(0x23, &[0], &[])[..49]), ParseError::TooShort { actual: 49 }.into());
        // More recipients are claimed than there are bytes.
        assert_eq!(parse(&sent(0x23, &[0x87, 0x27], &[])), SplitError::ServiceId);
        assert_eq!(parse(&sent(0x23, &[0x89, 0x27], &[])), SplitError::TooManyRecipients(5001));
        let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1];
        assert_eq!(parse(&sent(0x23, &huge, &[])), SplitError::TooManyRecipients(u64::MAX));
        let id = [&[0][..], &[1; 16]].concat();
        let with = |devices: &[u8]| parse(&sent(0x23, &[1], &[&id[..], devices].concat()));
        assert_eq!(with(&[128, 0, 1]), SplitError::Device(128));
        // 0 excludes a recipient only where its devices begin.
        assert_eq!(with(&[1, 0x80, 1, 0]), SplitError::Device(0));
        let many: Vec<u8> = (1..=127).chain([1]).flat_map(|device| [device, 0x80, 1]).collect();
        assert_eq!(with(&many), SplitError::TooManyDevices(ServiceId::Aci([1; 16])));
        assert_eq!(with(&[1, 0]), Malformed::Truncated.into());
        let long = sent(0x23, &[0], &vec![0; MAX_MESSAGE_LEN]);
        assert!(matches!(parse(&long), SplitError::Parse(ParseError::TooLong { .. })));
    }
}

#[test]
fn a_sealed_message_with_any_bit_changed_is_not_opened() {
    let scene = Scene::new();
    for sealed in scene.sealed(&scene.content(b"text")) {
        // The low nibble of the first byte has no meaning. All other bits are authenticated.
        for bit in 4..sealed.len() * 8 {
            let mut tampered = sealed.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            // Without its lowest bit, version 1 is version 0, which is the same.
            let expected = sealed[0] == 0x11 && bit == 4;
            assert_eq!(scene.open(&tampered).is_ok(), expected, "bit {bit}");
        }
    }
}

#[test]
fn a_certificate_with_any_bit_changed_is_not_believed() {
    let scene = Scene::new();
    let roots = [scene.root.public];
    let good = scene.certificate().as_bytes().to_vec();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(certificate) = SenderCertificate::parse(&bytes) {
            assert!(certificate.validate(&ServerTrust::new(&roots), NOW).is_err(), "bit {bit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn contents_come_out_as_they_went_in(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        hint: u32,
        group_id: Option<Vec<u8>>,
    ) {
        let scene = Scene::new();
        let message = EncryptedMessage { kind: MessageKind::SenderKey, bytes: body };
        let content = Content::new(scene.certificate(), message, ContentHint::from_wire(hint), group_id);
        prop_assert_eq!(Content::parse(&content.serialize()), Ok(content.clone()));
        for sealed in scene.sealed(&content) {
            prop_assert_eq!(scene.open(&sealed), Ok(content.clone()));
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), version in 0u8..4) {
        let bob = KeyPair::from(PrivateKey::from_secret(Secret::new([7; 32])));
        let address = address(1, 1);
        let receiver = Receiver { identity: &bob, address: &address, e164: None };
        let versioned = [&[version << 4], bytes.as_slice()].concat();
        prop_assert!(open(&versioned, &receiver, &ServerTrust::new(&[]), NOW).is_err());
        for version in [0x22, 0x23] {
            if let Ok(sent) = SentMessage::parse(&[&[version], bytes.as_slice()].concat()) {
                for recipient in sent.recipients() {
                    let _ = recipient.received();
                }
            }
        }
        let _ = SentMessage::parse(&bytes);
        let _ = ServerCertificate::parse(&bytes);
        let _ = SenderCertificate::parse(&bytes);
        let _ = Content::parse(&bytes);
    }
}
