//! Sealed sender, safety numbers, signatures and retry requests with the official library.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use signal::{
    DecryptionErrorMessage, EncryptedMessage, MessageKind, PlaintextContent, SafetyNumber,
    SafetyNumberVersion, ServiceId, Timestamp,
    keys::{Fingerprint, ITERATIONS, KeyPair, PublicKey, Signature},
    sealed::{
        self, CertificateIssuer, Content, ContentHint, Destination, OpenError, Receiver, Sender,
        SenderCertificate, SentMessage, ServerCertificate, ServerKeyId, ServerTrust,
    },
};

use crate::{
    ends::{NOW, OUR_NAME, Ours, THEIR_NAME, Theirs, location},
    peer::{decode, encode},
};

const EXPIRES: Timestamp = Timestamp(NOW.0 + 1000);
const THEIR_NUMBER: &str = "+14155550100";

/// A server whose certificates both sides believe, and both senders' certificates from it.
struct Authority {
    root: PublicKey,
    ours: SenderCertificate,
    theirs: SenderCertificate,
}

impl Authority {
    /// Certificates that we issue.
    fn ours(ours: &Ours, theirs: &Theirs) -> Self {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let (root, server) = (KeyPair::generate(&mut rng), KeyPair::generate(&mut rng));
        let certificate = ServerCertificate::issue(ServerKeyId(7), server.public, &root.private, &mut rng);
        let issuer = CertificateIssuer::new(certificate, server.private).unwrap();
        let here =
            Sender { address: ours.local.address.clone(), e164: None, identity: ours.local.identity.public };
        let there = Sender {
            address: theirs.address.clone(),
            e164: Some(THEIR_NUMBER.to_owned()),
            identity: theirs.identity,
        };
        Self {
            root: root.public,
            ours: issuer.issue(here, EXPIRES, &mut rng),
            theirs: issuer.issue(there, EXPIRES, &mut rng),
        }
    }

    /// Certificates that the official library issues.
    fn theirs(ours: &Ours, theirs: &mut Theirs) -> Self {
        let server = theirs.peer.call("serverCertificate", json!({ "keyId": 7 }));
        let mut certificate = |name: &str, device: u8, number: Option<&str>, identity: &PublicKey| {
            let reply = theirs.peer.call(
                "senderCertificate",
                json!({
                    "uuid": name,
                    "e164": number,
                    "device": device,
                    "identityPublic": encode(identity.to_bytes()),
                    "expires": EXPIRES.0,
                }),
            );
            SenderCertificate::parse(&decode(&reply["certificate"])).unwrap()
        };
        Self {
            root: PublicKey::from_bytes(&decode(&server["trustRoot"])).unwrap(),
            ours: certificate(OUR_NAME, 1, None, &ours.local.identity.public),
            theirs: certificate(THEIR_NAME, 2, Some(THEIR_NUMBER), &theirs.identity.clone()),
        }
    }
}

fn open(ours: &Ours, authority: &Authority, body: &[u8], now: Timestamp) -> Result<Content, OpenError> {
    let receiver = Receiver { identity: &ours.local.identity, address: &ours.local.address, e164: None };
    sealed::open(body, &receiver, &ServerTrust::new(&[authority.root]), now)
}

fn they_open(
    theirs: &mut Theirs,
    authority: &Authority,
    body: &[u8],
    now: Timestamp,
) -> Result<Value, String> {
    let arguments = json!({
        "party": theirs.party,
        "body": encode(body),
        "trustRoot": encode(authority.root.to_bytes()),
        "time": now.0,
        "e164": THEIR_NUMBER,
    });
    theirs.peer.try_call("sealedDecrypt", arguments).map_err(|refusal| refusal.message)
}

fn they_seal(ours: &Ours, theirs: &mut Theirs, authority: &Authority, plaintext: &[u8]) -> Vec<u8> {
    let arguments = json!({
        "party": theirs.party,
        "remote": location(&ours.local.address),
        "plaintext": encode(plaintext),
        "certificate": encode(authority.theirs.as_bytes()),
    });
    decode(&theirs.peer.call("sealedEncrypt", arguments)["body"])
}

#[test]
fn sealed_conversations_under_either_sides_certificates() {
    for issued_here in [true, false] {
        let (mut ours, mut theirs) = (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2));
        let authority =
            if issued_here { Authority::ours(&ours, &theirs) } else { Authority::theirs(&ours, &mut theirs) };
        let there = theirs.address.clone();
        let bundle = theirs.bundle(true);
        ours.start(&there, &bundle);
        for round in [0u8, 1, 2] {
            let message = ours.encrypt(&there, &[round]);
            assert_eq!(message.kind == MessageKind::PreKey, round == 0);
            let content = Content::new(authority.ours.clone(), message, ContentHint::Default, None);
            let body = content.seal(&ours.local.identity, &theirs.identity, &mut ours.rng).unwrap();
            let opened = they_open(&mut theirs, &authority, &body, EXPIRES).unwrap();
            assert_eq!(decode(&opened["plaintext"]), [round]);
            assert_eq!(opened["senderUuid"], json!(OUR_NAME));
            assert_eq!((&opened["senderDevice"], &opened["senderE164"]), (&json!(1), &Value::Null));

            let body = they_seal(&ours, &mut theirs, &authority, &[round, round]);
            assert!(matches!(
                open(&ours, &authority, &body, Timestamp(EXPIRES.0 + 1)),
                Err(OpenError::Certificate(_))
            ));
            let content = open(&ours, &authority, &body, EXPIRES).unwrap();
            assert_eq!(content.sender().address, there);
            assert_eq!(content.sender().e164.as_deref(), Some(THEIR_NUMBER));
            assert_eq!(ours.decrypt(&there, content.message()).unwrap(), [round, round]);
        }
        let late = ours.encrypt(&there, b"late");
        let content = Content::new(authority.ours.clone(), late, ContentHint::Default, None);
        let body = content.seal(&ours.local.identity, &theirs.identity, &mut ours.rng).unwrap();
        assert!(they_open(&mut theirs, &authority, &body, Timestamp(EXPIRES.0 + 1)).is_err());
    }
}

#[test]
fn hints_groups_and_many_receivers() {
    let (mut ours, mut theirs) = (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2));
    let authority = Authority::ours(&ours, &theirs);
    let there = theirs.address.clone();
    let bundle = theirs.bundle(true);
    ours.start(&there, &bundle);
    let message = ours.encrypt(&there, b"for many");
    let group = b"a group of 32 bytes is customary".to_vec();
    let content =
        Content::new(authority.ours.clone(), message.clone(), ContentHint::Resendable, Some(group.clone()));

    let destination = Destination {
        service_id: ServiceId::parse(THEIR_NAME).unwrap(),
        identity: theirs.identity,
        devices: vec![(there.device(), bundle.registration_id)],
    };
    let excluded = [ServiceId::Aci([5; 16])];
    let sent = content.seal_for_many(&ours.local.identity, &[destination], &excluded, &mut ours.rng).unwrap();
    let received = SentMessage::parse(&sent).unwrap().recipients()[0].received().unwrap();
    let single = content.seal(&ours.local.identity, &theirs.identity, &mut ours.rng).unwrap();
    for body in [&received, &single] {
        let arguments = json!({ "party": theirs.party, "body": encode(body) });
        let opened = theirs.peer.call("usmcDecrypt", arguments);
        assert_eq!((&opened["type"], &opened["hint"]), (&json!(3), &json!(1)));
        assert_eq!(decode(&opened["content"]), message.bytes);
        assert_eq!(decode(&opened["groupId"]), group);
        assert_eq!(decode(&opened["certificate"]), authority.ours.as_bytes());
    }
    let opened = they_open(&mut theirs, &authority, &received, NOW).unwrap();
    assert_eq!(decode(&opened["plaintext"]), b"for many");

    // And back: to us alone among many.
    let arguments = json!({
        "party": theirs.party,
        "remotes": [location(&ours.local.address)],
        "certificate": encode(authority.theirs.as_bytes()),
        "plaintext": encode(b"answer"),
        "hint": 2,
        "groupId": encode(&group),
    });
    let reply = theirs.peer.call("usmcEncryptMulti", arguments);
    let sent = decode(&reply["sent"]);
    let split = SentMessage::parse(&sent).unwrap();
    assert_eq!(split.recipients()[0].devices, [(ours.local.address.device(), ours.local.registration_id)]);
    let received = split.recipients()[0].received().unwrap();
    assert_eq!(received, decode(&reply["received"]));
    let content = open(&ours, &authority, &received, NOW).unwrap();
    assert_eq!((content.hint(), content.group_id()), (ContentHint::Implicit, Some(group.as_slice())));
    assert_eq!(ours.decrypt(&there, content.message()).unwrap(), b"answer");
}

#[test]
fn messages_to_oneself_are_refused_by_both() {
    let (mut ours, mut theirs) = (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2));
    let authority = Authority::ours(&ours, &theirs);
    let message = EncryptedMessage { kind: MessageKind::Signal, bytes: vec![0x44; 80] };
    let content = Content::new(authority.ours.clone(), message.clone(), ContentHint::Default, None);
    let own = ours.local.identity.public;
    let body = content.seal(&ours.local.identity, &own, &mut ours.rng).unwrap();
    assert_eq!(open(&ours, &authority, &body, NOW), Err(OpenError::SelfSend));

    let arguments = json!({ "party": theirs.party });
    drop(theirs.peer.call("preKeys", arguments));
    let identity = KeyPair::generate(&mut ours.rng);
    let (server, root) = (KeyPair::generate(&mut ours.rng), KeyPair::generate(&mut ours.rng));
    let certificate = ServerCertificate::issue(ServerKeyId(1), server.public, &root.private, &mut ours.rng);
    let issuer = CertificateIssuer::new(certificate, server.private).unwrap();
    // Somebody else's key under their own address: what a sender that is oneself looks like from outside.
    let sender = Sender { address: theirs.address.clone(), e164: None, identity: identity.public };
    let certificate = issuer.issue(sender, EXPIRES, &mut ours.rng);
    let content = Content::new(certificate, message, ContentHint::Default, None);
    let body = content.seal(&identity, &theirs.identity, &mut ours.rng).unwrap();
    let authority = Authority { root: root.public, ..authority };
    let refused = they_open(&mut theirs, &authority, &body, NOW).unwrap_err();
    assert!(refused.contains("self send"), "{refused}");
}

#[test]
fn safety_numbers_are_equal() {
    let (ours, mut theirs) = (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2));
    for version in [SafetyNumberVersion::PhoneNumber, SafetyNumberVersion::Account] {
        let ids: [Vec<u8>; 2] = match version {
            SafetyNumberVersion::PhoneNumber => [b"+14155550101".to_vec(), THEIR_NUMBER.into()],
            SafetyNumberVersion::Account => {
                [OUR_NAME, THEIR_NAME].map(|name| ServiceId::parse(name).unwrap().to_bytes())
            }
        };
        let here = Fingerprint::new(&ours.local.identity.public, &ids[0], ITERATIONS).unwrap();
        let there = Fingerprint::new(&theirs.identity, &ids[1], ITERATIONS).unwrap();
        let number = SafetyNumber::new(version, here, there);
        let mut arguments = json!({
            "iterations": ITERATIONS,
            "version": version as u8,
            "localId": encode(&ids[1]),
            "localKey": encode(theirs.identity.to_bytes()),
            "remoteId": encode(&ids[0]),
            "remoteKey": encode(ours.local.identity.public.to_bytes()),
        });
        let reply = theirs.peer.call("fingerprint", arguments.clone());
        assert_eq!(reply["display"], json!(number.to_string()));
        assert_eq!(number.compare(&decode(&reply["scannable"])), Ok(true));
        arguments["scanned"] = encode(number.scannable());
        assert_eq!(theirs.peer.call("fingerprintCompare", arguments.clone())["matches"], json!(true));

        let stranger = SafetyNumber::new(version, here, here);
        assert_eq!(stranger.compare(&decode(&reply["scannable"])), Ok(false));
        arguments["scanned"] = encode(stranger.scannable());
        assert_eq!(theirs.peer.call("fingerprintCompare", arguments)["matches"], json!(false));
    }
}

#[test]
fn signatures_verify_on_the_other_side() {
    let (mut ours, mut theirs) = (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2));
    for length in [0usize, 1, 33, 1000] {
        let message = vec![7; length];
        let reply = theirs.peer.call("sign", json!({ "party": theirs.party, "message": encode(&message) }));
        let signature = Signature::from_bytes(&decode(&reply["signature"])).unwrap();
        assert_eq!(theirs.identity.verify(&message, &signature), Ok(()));
        let signature = ours.local.identity.private.sign(&message, &mut ours.rng);
        let arguments = json!({
            "publicKey": encode(ours.local.identity.public.to_bytes()),
            "message": encode(&message),
            "signature": encode(signature.as_bytes()),
        });
        assert_eq!(theirs.peer.call("verify", arguments)["valid"], json!(true));
    }
    let other = KeyPair::generate(&mut ours.rng).public;
    let arguments = json!({ "party": theirs.party, "alternate": encode(other.to_bytes()) });
    let reply = theirs.peer.call("signAlternate", arguments);
    let signature = Signature::from_bytes(&decode(&reply["signature"])).unwrap();
    assert_eq!(theirs.identity.verify_alternate(&other, &signature), Ok(()));
}

#[test]
fn a_message_that_did_not_decrypt_is_asked_for_again() {
    let (mut ours, mut theirs) = (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2));
    let (here, there) = (ours.local.address.clone(), theirs.address.clone());
    let bundle = theirs.bundle(true);
    ours.start(&there, &bundle);
    let first = ours.encrypt(&there, b"first");
    theirs.decrypt(&here, &first).unwrap();
    let lost = theirs.encrypt(&here, b"lost");

    // We ask; they find the ratchet key to be their present one.
    let error = DecryptionErrorMessage::for_original(lost.kind, &lost.bytes, NOW, there.device()).unwrap();
    let request = PlaintextContent { error }.serialize();
    let reply =
        theirs.peer.call("decryptionErrorFields", json!({ "plaintextContent": encode(&request.bytes) }));
    assert_eq!(reply["timestamp"], json!(NOW.0));
    assert_eq!(reply["device"], json!(there.device().get()));
    let arguments =
        json!({ "party": theirs.party, "remote": location(&here), "ratchetKey": reply["ratchetKey"] });
    assert_eq!(theirs.peer.call("ratchetKeyMatches", arguments)["matches"], json!(true));

    // They ask; we find the same of ours.
    let lost = ours.encrypt(&there, b"lost");
    let arguments = json!({
        "original": encode(&lost.bytes),
        "type": lost.kind as u8,
        "timestamp": NOW.0,
        "device": here.device().get(),
    });
    let reply = theirs.peer.call("decryptionError", arguments);
    let request = PlaintextContent::parse(&decode(&reply["plaintextContent"])).unwrap();
    assert_eq!(DecryptionErrorMessage::parse(&decode(&reply["message"])), Ok(request.error));
    assert_eq!((request.error.timestamp(), request.error.device()), (NOW, Some(here.device())));
    let key = *request.error.ratchet_key().unwrap();
    assert!(ours.with_session(&there, |session, _| Ok::<_, ()>(session.sends_under(&key))).unwrap());
}
