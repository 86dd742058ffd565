//! Certificates and messages of the official library, as they were recorded.

use keys::{PrivateKey, PublicKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    SenderKeyMessage,
    test_vectors::{Hex, Recorded, section},
};

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
