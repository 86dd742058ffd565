use keys::KeyError;

use super::ServerKeyId;
use crate::{Malformed, ParseError, RegistrationId, ServiceId, Timestamp};

/// Why a sender certificate proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It names the server's certificate by a number and does not contain it, and none of that number is known.
    #[error("the server certificate {} is not known", .0.0)]
    UnknownServer(ServerKeyId),
    /// No trust root signed the server's certificate.
    #[error("no trust root signed the server certificate")]
    UntrustedServer,
    /// The server's key was revoked.
    #[error("the server key {} is revoked", .0.0)]
    RevokedServer(ServerKeyId),
    /// The server did not sign the sender's certificate.
    #[error("the signature of the sender certificate does not verify")]
    BadSignature,
    /// The sender's certificate is too old.
    #[error("the sender certificate expired at {} ms", .0.0)]
    Expired(Timestamp),
    /// The private key to issue with is not that of the server's certificate.
    #[error("the key does not belong to the server certificate")]
    OtherKey,
}

/// Why a sealed message was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The message, or the content in it, is not one.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A key is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message was not sealed to this identity, or was damaged.
    #[error("the message was sealed to another identity, or damaged")]
    BadCiphertext,
    /// The message was not sealed by the holder of the key in its certificate.
    #[error("the message was not sealed by the sender that it names")]
    OtherSender,
    /// The certificate proves nothing.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// This device sent the message.
    #[error("the message comes from this device itself")]
    SelfSend,
}

impl From<Malformed> for OpenError {
    fn from(malformed: Malformed) -> Self {
        ParseError::from(malformed).into()
    }
}

/// Why a content cannot be sealed as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The certificate in the content is for another identity key: no receiver would open the message.
    #[error("the certificate belongs to another identity")]
    OtherIdentity,
    /// A key is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message would have more than [`MAX_MESSAGE_LEN`](crate::MAX_MESSAGE_LEN) bytes.
    #[error("a sealed message of {actual} bytes is too long")]
    TooLong {
        /// Bytes that it would have.
        actual: usize,
    },
    /// More recipients than [`MAX_RECIPIENTS`](super::MAX_RECIPIENTS), excluded ones included.
    #[error("{0} recipients are too many")]
    TooManyRecipients(usize),
    /// A recipient has no device, or more than there are device numbers.
    #[error("{service_id} has {actual} devices")]
    Devices {
        /// The recipient.
        service_id: ServiceId,
        /// How many devices were given for it.
        actual: usize,
    },
    /// A registration id has more than 14 bits.
    #[error("registration id {0} has more than 14 bits")]
    RegistrationId(RegistrationId),
}

/// Why bytes are not a message sealed for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Version or length are wrong.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The message claims more recipients than [`MAX_RECIPIENTS`](super::MAX_RECIPIENTS).
    #[error("{0} recipients are too many")]
    TooManyRecipients(u64),
    /// A recipient is of no known kind.
    #[error("a recipient is no service id")]
    ServiceId,
    /// A device number is outside 1..=127.
    #[error("device {0} does not exist")]
    Device(u8),
    /// A recipient has more devices than there are device numbers.
    #[error("{0} has too many devices")]
    TooManyDevices(ServiceId),
}

impl From<Malformed> for SplitError {
    fn from(malformed: Malformed) -> Self {
        ParseError::from(malformed).into()
    }
}
