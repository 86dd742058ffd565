//! Any content and any bytes.

use keys::{PrivateKey, Secret};
use proptest::prelude::*;

use super::*;

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
