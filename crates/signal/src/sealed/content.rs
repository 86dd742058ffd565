use keys::{KeyPair, PublicKey};
use rand_core::CryptoRng;

use super::{Destination, SealError, Sender, SenderCertificate, sent, v1};
use crate::{
    EncryptedMessage, MAX_MESSAGE_LEN, Malformed, MessageKind, ParseError, Part, ServiceId,
    protobuf::{Writer, fields},
};

/// What its sender asks to be done if a message cannot be decrypted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ContentHint {
    /// Tell the user that a message was lost.
    #[default]
    Default,
    /// Say nothing at first: the sender keeps the message and can be asked for it again.
    Resendable,
    /// Say nothing: the message was of no use to the user by itself.
    Implicit,
    /// A hint that is not known here; to be treated like [`ContentHint::Default`].
    Unknown(u32),
}

impl ContentHint {
    pub(super) const fn from_wire(hint: u32) -> Self {
        match hint {
            0 => Self::Default,
            1 => Self::Resendable,
            2 => Self::Implicit,
            other => Self::Unknown(other),
        }
    }

    pub(super) const fn to_wire(self) -> u32 {
        match self {
            Self::Default => 0,
            Self::Resendable => 1,
            Self::Implicit => 2,
            Self::Unknown(other) => other,
        }
    }
}

/// What is sealed: a ciphertext and who wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    certificate: SenderCertificate,
    message: EncryptedMessage,
    hint: ContentHint,
    group_id: Option<Vec<u8>>,
}

impl Content {
    /// Puts a ciphertext and its sender's certificate together. A group id without bytes is none.
    pub fn new(
        certificate: SenderCertificate,
        message: EncryptedMessage,
        hint: ContentHint,
        group_id: Option<Vec<u8>>,
    ) -> Self {
        Self { certificate, message, hint, group_id: group_id.filter(|id| !id.is_empty()) }
    }

    /// The ciphertext: what [`Content::sender`] encrypted for this device.
    pub const fn message(&self) -> &EncryptedMessage {
        &self.message
    }

    /// Who sealed it.
    pub const fn sender(&self) -> &Sender {
        self.certificate.sender()
    }

    /// What proves who sealed it.
    pub const fn certificate(&self) -> &SenderCertificate {
        &self.certificate
    }

    /// What to do if the ciphertext does not decrypt.
    pub const fn hint(&self) -> ContentHint {
        self.hint
    }

    /// The group in which a failure is to be shown, if the sender told it.
    pub fn group_id(&self) -> Option<&[u8]> {
        self.group_id.as_deref()
    }

    /// Seals it to one receiver (version 1). `sender` is the identity that the certificate is about.
    ///
    /// # Errors
    /// [`SealError::OtherIdentity`] or [`SealError::TooLong`].
    pub fn seal(
        &self,
        sender: &KeyPair,
        receiver: &PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        self.check_sender(sender)?;
        let sealed = v1::seal(&self.serialize(), sender, receiver, rng)?;
        if sealed.len() > MAX_MESSAGE_LEN {
            return Err(SealError::TooLong { actual: sealed.len() });
        }
        Ok(sealed)
    }

    /// Seals it to many receivers at once (version 2), in the form that goes to a relay. Who is `excluded` is named
    /// in it and gets nothing: so the relay can tell that nobody was forgotten.
    ///
    /// # Errors
    /// Every [`SealError`].
    pub fn seal_for_many(
        &self,
        sender: &KeyPair,
        destinations: &[Destination],
        excluded: &[ServiceId],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        self.check_sender(sender)?;
        sent::seal(&self.serialize(), sender, destinations, excluded, rng)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let (mut kind, mut certificate, mut body) = (None, None, None);
        let (mut hint, mut group_id) = (ContentHint::Default, None);
        for field in fields(bytes) {
            match field? {
                (1, value) => kind = Some(kind_from_wire(value.u32()?)?),
                (2, value) => {
                    let parsed = SenderCertificate::parse(value.bytes()?);
                    certificate = Some(parsed.map_err(|error| error.inside(Part::SenderCertificate))?);
                }
                (3, value) => body = Some(value.bytes()?),
                (4, value) => hint = ContentHint::from_wire(value.u32()?),
                (5, value) => group_id = Some(value.bytes()?.to_vec()),
                _ => {}
            }
        }
        let message = EncryptedMessage {
            kind: kind.ok_or(Malformed::Missing { field: 1 })?,
            bytes: body.ok_or(Malformed::Missing { field: 3 })?.to_vec(),
        };
        let certificate = certificate.ok_or(Malformed::Missing { field: 2 })?;
        Ok(Self::new(certificate, message, hint, group_id))
    }

    pub(super) fn serialize(&self) -> Vec<u8> {
        let group_id = self.group_id.as_deref().unwrap_or_default();
        let certificate = self.certificate.as_bytes();
        let mut writer =
            Writer::with_capacity(64 + certificate.len() + self.message.bytes.len() + group_id.len());
        writer.uint(1, kind_to_wire(self.message.kind));
        writer.bytes(2, certificate);
        writer.bytes(3, &self.message.bytes);
        if self.hint != ContentHint::Default {
            writer.uint(4, self.hint.to_wire());
        }
        if !group_id.is_empty() {
            writer.bytes(5, group_id);
        }
        writer.finish()
    }

    fn check_sender(&self, sender: &KeyPair) -> Result<(), SealError> {
        if sender.public == self.sender().identity { Ok(()) } else { Err(SealError::OtherIdentity) }
    }
}

// The first two numbers are not those of `MessageKind`.

const fn kind_to_wire(kind: MessageKind) -> u32 {
    match kind {
        MessageKind::PreKey => 1,
        MessageKind::Signal => 2,
        MessageKind::SenderKey => 7,
        MessageKind::Plaintext => 8,
    }
}

const fn kind_from_wire(kind: u32) -> Result<MessageKind, ParseError> {
    match kind {
        1 => Ok(MessageKind::PreKey),
        2 => Ok(MessageKind::Signal),
        7 => Ok(MessageKind::SenderKey),
        8 => Ok(MessageKind::Plaintext),
        other => Err(ParseError::UnknownType(other)),
    }
}
