use keys::{KeyError, PublicKey};

use crate::{KemPreKeyId, OneTimePreKeyId, SignedPreKeyId, SpqrError, StateError};

/// Why a session cannot begin from a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The bundle's identity key is not the one that is trusted.
    #[error("the identity key changed")]
    UntrustedIdentity(PublicKey),
    /// The bundle is for another device than the session.
    #[error("the bundle is for another device")]
    WrongDevice,
    /// The signature of the signed prekey is not by the identity key.
    #[error("the signed prekey is not signed by the identity key")]
    BadSignedPreKey,
    /// The signature of the KEM prekey is not by the identity key.
    #[error("the KEM prekey is not signed by the identity key")]
    BadKemPreKey,
    /// A key is unfit for an agreement.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Why nothing was encrypted. The session is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// There is no session to send in: fetch a bundle and start one.
    #[error("there is no session; start one from a prekey bundle")]
    NoSession,
    /// The peer has left the session unanswered for 30 days: fetch a bundle and start anew.
    #[error("the session was not answered for 30 days; start one from a prekey bundle")]
    Unanswered,
    /// The session's identity key is not the one that is trusted.
    #[error("the identity key changed")]
    UntrustedIdentity(PublicKey),
    /// More than fits in a message: send it as a blob.
    #[error("a plaintext of {actual} bytes is too long")]
    TooLong {
        /// Bytes that were given.
        actual: usize,
    },
    /// 2^32 - 1 messages were sent without an answer.
    #[error("the sending chain is used up")]
    ChainExhausted,
}

/// Why nothing was decrypted. The session is as it was, and no prekey was used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// The message was decrypted before, or is so old that its key was dropped.
    #[error("the message was received before")]
    Duplicate,
    /// No session with this device exists.
    #[error("there is no session with the sender")]
    NoSession,
    /// The sender's identity key is not the one that is trusted.
    #[error("the identity key changed")]
    UntrustedIdentity(PublicKey),
    /// The message claims to be of a session with another identity key than it names.
    #[error("the message names another identity key than its session has")]
    OtherIdentity,
    /// The message begins a session, and no prekeys were given to answer it.
    #[error("the message begins a session; its prekeys are needed")]
    PreKeysNeeded,
    /// The message uses a one-time prekey that is not there.
    #[error("one-time prekey {0} is unknown")]
    UnknownOneTimePreKey(OneTimePreKeyId),
    /// The message uses a signed prekey that is not there.
    #[error("signed prekey {0} is unknown")]
    UnknownSignedPreKey(SignedPreKeyId),
    /// The message uses a KEM prekey that is not there.
    #[error("KEM prekey {0} is unknown")]
    UnknownKemPreKey(KemPreKeyId),
    /// The initiator's base key is not in its one proper form.
    #[error("the base key is not canonical")]
    BaseKey,
    /// The message is of a version that no session speaks any more.
    #[error("message version {0} is not spoken in sessions")]
    Version(u8),
    /// The message is further ahead than a chain may jump.
    #[error("the message is {ahead} messages ahead")]
    TooFarAhead {
        /// How far.
        ahead: u32,
    },
    /// The post-quantum ratchet refuses its part.
    #[error("post-quantum ratchet: {0}")]
    Spqr(#[from] SpqrError),
    /// The message was not made with this session's keys, or was changed.
    #[error("the message is not authentic")]
    BadMac,
    /// The message is authentic, but for or from another device.
    #[error("the message names other devices")]
    WrongAddresses,
    /// The ciphertext is no whole number of blocks or its padding is wrong.
    #[error("the ciphertext is damaged")]
    BadCiphertext,
    /// A key is unfit for an agreement.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An archived session cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}
