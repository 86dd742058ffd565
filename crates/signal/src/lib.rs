//! The Signal protocol as pure state machines: bytes, state and randomness in; bytes and new state out.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod address;
mod chain;
mod cipher;
mod entropy;
mod error;
mod kdf;
#[cfg(test)]
mod known_answers;
mod message;
mod prekey;
mod protobuf;
mod retry;
mod safety_number;
pub mod sealed;
mod sender_key;
mod session;
mod spqr;
#[cfg(test)]
mod test_vectors;
mod time;

pub use address::{Address, DeviceId, ServiceId};
pub use error::{Malformed, ParseError, StateError};
pub use keys::{self, KeyError};
pub use message::{EncryptedMessage, MessageKind, PreKeyIds, PreKeySignalMessage, SignalMessage};
pub use prekey::{
    KemPreKey, KemPreKeyId, OneTimePreKey, OneTimePreKeyId, PreKeyBundle, RegistrationId, SignedPreKey,
    SignedPreKeyId,
};
pub use retry::{DecryptionErrorMessage, PlaintextContent, RetryError};
pub use safety_number::{SafetyNumber, SafetyNumberVersion, ScanError};
pub use sender_key::{
    DistributionId, DistributionMessage, SenderKeyError, SenderKeyMessage, SenderKeyRecord,
};
pub use session::{
    DecryptError, Decrypted, EncryptError, LocalDevice, MAX_PLAINTEXT_LEN, ResponderKeys, Session,
    StartError, Trust, UsedPreKeys,
};
pub use spqr::SpqrError;
pub use time::Timestamp;

/// Bytes of the longest message that is read or written: 1 MiB. Larger things travel as blobs.
pub const MAX_MESSAGE_LEN: usize = 1 << 20;
