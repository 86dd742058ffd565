//! Asking a sender to send again what did not decrypt (the Signal specification, section 12).

use keys::PublicKey;

use crate::{
    DeviceId, EncryptedMessage, MAX_MESSAGE_LEN, Malformed, MessageKind, ParseError, PreKeySignalMessage,
    SenderKeyMessage, SignalMessage, Timestamp,
    protobuf::{Writer, fields},
};

/// Which message did not decrypt. Its sender compares the ratchet key with that of its session to see whether the
/// session itself has to be replaced before the message is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecryptionErrorMessage {
    ratchet_key: Option<PublicKey>,
    timestamp: Timestamp,
    device: Option<DeviceId>,
}

/// Why nothing can be said about a message that did not decrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// The message is not even a message.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The message was not encrypted.
    #[error("the message was not encrypted")]
    Plaintext,
}

impl DecryptionErrorMessage {
    /// About the message `original`, which `device` of its sender sent at `timestamp`.
    ///
    /// # Errors
    /// [`RetryError`].
    pub fn for_original(
        kind: MessageKind,
        original: &[u8],
        timestamp: Timestamp,
        device: DeviceId,
    ) -> Result<Self, RetryError> {
        let ratchet_key = match kind {
            MessageKind::Signal => Some(*SignalMessage::parse(original)?.ratchet_key()),
            MessageKind::PreKey => Some(*PreKeySignalMessage::parse(original)?.message().ratchet_key()),
            MessageKind::SenderKey => SenderKeyMessage::parse(original).map(|_| None)?,
            MessageKind::Plaintext => return Err(RetryError::Plaintext),
        };
        Ok(Self { ratchet_key, timestamp, device: Some(device) })
    }

    /// Reads a serialized message.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        check_length(bytes)?;
        let (mut ratchet_key, mut timestamp, mut device) = (None, None, None);
        for field in fields(bytes) {
            match field? {
                (1, value) => ratchet_key = Some(value.public_key()?),
                (2, value) => timestamp = Some(Timestamp(value.u64()?)),
                (3, value) => device = device_id(value.u32()?)?,
                _ => {}
            }
        }
        Ok(Self { ratchet_key, timestamp: timestamp.ok_or(Malformed::Missing { field: 2 })?, device })
    }

    /// The message as bytes.
    pub fn serialize(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64);
        if let Some(key) = &self.ratchet_key {
            writer.bytes(1, &key.to_bytes());
        }
        writer.uint(2, self.timestamp.0);
        if let Some(device) = self.device {
            writer.uint(3, device.get());
        }
        writer.finish()
    }

    /// The ratchet key in the message that did not decrypt; none if that went to a group.
    pub const fn ratchet_key(&self) -> Option<&PublicKey> {
        self.ratchet_key.as_ref()
    }

    /// When the message that did not decrypt was sent.
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The device that sent the message that did not decrypt, if it is told.
    pub const fn device(&self) -> Option<DeviceId> {
        self.device
    }
}

/// 0 is the same as absent.
fn device_id(id: u32) -> Result<Option<DeviceId>, Malformed> {
    match id {
        0 => Ok(None),
        id => DeviceId::new(id).map(Some).ok_or(Malformed::OutOfRange { field: 3 }),
    }
}

/// The one kind of content that travels unencrypted: without a session that works there is nothing to encrypt with.
/// Nobody vouches for it, so it can say nothing but that a message is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlaintextContent {
    /// What did not decrypt.
    pub error: DecryptionErrorMessage,
}

impl PlaintextContent {
    const MARKER: u8 = 0xC0;
    /// What ends a padded content.
    const END: u8 = 0x80;
    /// The field of a content that holds a decryption error.
    const ERROR: u32 = 8;

    /// Reads a serialized content. Other parts than the decryption error are not looked at.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let too_short = ParseError::TooShort { actual: bytes.len() };
        check_length(bytes)?;
        let (marker, padded) = bytes.split_first().ok_or(too_short)?;
        if *marker != Self::MARKER {
            return Err(ParseError::UnknownVersion(marker >> 4));
        }
        let mut content = padded;
        while let Some((0, rest)) = content.split_last() {
            content = rest;
        }
        let content = match content.split_last() {
            Some((&Self::END, content)) => content,
            _ => return Err(Malformed::Truncated.into()),
        };
        let mut error = None;
        for field in fields(content) {
            if let (Self::ERROR, value) = field? {
                error = Some(DecryptionErrorMessage::parse(value.bytes()?)?);
            }
        }
        Ok(Self { error: error.ok_or(Malformed::Missing { field: Self::ERROR })? })
    }

    /// The content, ready for an envelope.
    pub fn serialize(&self) -> EncryptedMessage {
        let error = self.error.serialize();
        let mut buffer = Vec::with_capacity(error.len() + 16);
        buffer.push(Self::MARKER);
        let mut writer = Writer::after(buffer);
        writer.bytes(Self::ERROR, &error);
        let mut bytes = writer.finish();
        bytes.push(Self::END);
        EncryptedMessage { kind: MessageKind::Plaintext, bytes }
    }
}

impl From<DecryptionErrorMessage> for PlaintextContent {
    fn from(error: DecryptionErrorMessage) -> Self {
        Self { error }
    }
}

const fn check_length(bytes: &[u8]) -> Result<(), ParseError> {
    let actual = bytes.len();
    if actual > MAX_MESSAGE_LEN { Err(ParseError::TooLong { actual }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::test_vectors::{Hex, section};

    #[derive(Deserialize)]
    struct Wire {
        decryption_error_message: Vec<Case>,
        signal_message: Vec<Serialized>,
        prekey_signal_message_v3_without_kyber: Vec<Serialized>,
    }

    #[derive(Deserialize)]
    struct Case {
        original: Hex,
        original_type: u8,
        timestamp: u64,
        device_id: u32,
        serialized: Hex,
        ratchet_key: Option<Hex>,
        plaintext_content: Hex,
    }

    #[derive(Deserialize)]
    struct Serialized {
        ratchet_key: Option<Hex>,
        serialized: Hex,
    }

    fn error() -> DecryptionErrorMessage {
        let ratchet_key = PublicKey::from_u([9; 32]).ok();
        DecryptionErrorMessage {
            ratchet_key,
            timestamp: Timestamp(1_700_000_000_000),
            device: DeviceId::new(3),
        }
    }

    #[test]
    fn recorded_retry_requests_are_written_and_read() {
        for case in section::<Wire>("wire").decryption_error_message {
            let error = DecryptionErrorMessage::for_original(
                case.original_type.try_into().unwrap(),
                &case.original,
                Timestamp(case.timestamp),
                DeviceId::new(case.device_id).unwrap(),
            )
            .unwrap();
            assert_eq!(
                error.ratchet_key().map(|key| key.to_bytes().to_vec()),
                case.ratchet_key.map(|key| key.0)
            );
            assert_eq!(error.serialize(), *case.serialized);
            assert_eq!(DecryptionErrorMessage::parse(&case.serialized), Ok(error));
            let content = PlaintextContent::from(error);
            let message = EncryptedMessage { kind: MessageKind::Plaintext, bytes: case.plaintext_content.0 };
            assert_eq!(content.serialize(), message);
            assert_eq!(PlaintextContent::parse(&message.bytes), Ok(content));
        }
    }

    #[test]
    fn the_ratchet_key_of_a_first_message_is_that_of_the_message_inside() {
        let wire = section::<Wire>("wire");
        let inner = wire.signal_message[0].ratchet_key.as_ref().unwrap();
        let original = &wire.prekey_signal_message_v3_without_kyber[0].serialized;
        let error = DecryptionErrorMessage::for_original(
            MessageKind::PreKey,
            original,
            Timestamp(0),
            DeviceId::PRIMARY,
        );
        assert_eq!(error.unwrap().ratchet_key().unwrap().to_bytes().as_slice(), inner.as_slice());
    }

    #[test]
    fn nothing_is_asked_again_that_was_no_message_or_not_encrypted() {
        let about = |kind, bytes: &[u8]| {
            DecryptionErrorMessage::for_original(kind, bytes, Timestamp(0), DeviceId::PRIMARY)
        };
        let bytes = PlaintextContent::from(error()).serialize().bytes;
        assert_eq!(about(MessageKind::Plaintext, &bytes), Err(RetryError::Plaintext));
        assert!(matches!(about(MessageKind::Signal, &[]), Err(RetryError::Parse(_))));
        assert!(matches!(about(MessageKind::SenderKey, &[0x33; 70]), Err(RetryError::Parse(_))));
    }

    #[test]
    fn padding_may_be_of_any_length_but_must_end_somewhere() {
        let content = PlaintextContent::from(error());
        let mut bytes = content.serialize().bytes;
        bytes.resize(500, 0);
        assert_eq!(PlaintextContent::parse(&bytes), Ok(content));
        assert_eq!(PlaintextContent::parse(&[0xC0, 0, 0]), Err(Malformed::Truncated.into()));
        assert_eq!(PlaintextContent::parse(&[0xC0, 0x80]), Err(Malformed::Missing { field: 8 }.into()));
        assert_eq!(PlaintextContent::parse(&[0x44, 0x80]), Err(ParseError::UnknownVersion(4)));
        assert_eq!(PlaintextContent::parse(&[]), Err(ParseError::TooShort { actual: 0 }));
        let actual = MAX_MESSAGE_LEN + 1;
        assert_eq!(PlaintextContent::parse(&vec![0xC0; actual]), Err(ParseError::TooLong { actual }));
    }

    #[test]
    fn a_device_may_be_left_out_but_not_be_one_that_cannot_exist() {
        let parse = DecryptionErrorMessage::parse;
        assert_eq!(parse(&[0x10, 5]).unwrap().device(), None);
        assert_eq!(parse(&[0x10, 5, 0x18, 0]).unwrap().device(), None);
        assert_eq!(parse(&[0x10, 5, 0x18, 127]).unwrap().device(), DeviceId::new(127));
        assert_eq!(parse(&[0x10, 5, 0x18, 128, 1]), Err(Malformed::OutOfRange { field: 3 }.into()));
        assert_eq!(parse(&[0x18, 1]), Err(Malformed::Missing { field: 2 }.into()));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(key: Option<[u8; 32]>, timestamp: u64, device in 0u8..=127) {
            let error = DecryptionErrorMessage {
                ratchet_key: key.and_then(|u| PublicKey::from_u(u).ok()),
                timestamp: Timestamp(timestamp),
                device: DeviceId::new(device),
            };
            prop_assert_eq!(DecryptionErrorMessage::parse(&error.serialize()), Ok(error));
            let content = PlaintextContent::from(error);
            prop_assert_eq!(PlaintextContent::parse(&content.serialize().bytes), Ok(content));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = DecryptionErrorMessage::parse(&bytes);
            let _ = PlaintextContent::parse(&bytes);
            let _ = PlaintextContent::parse(&[&[0xC0], bytes.as_slice(), &[0x80]].concat());
        }
    }
}
