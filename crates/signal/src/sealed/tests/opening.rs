//! What opens a sealed message, and what does not.

use super::*;

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
