use wire::{ErrorCode, api::ErrorDetail};

use crate::{LinkError, VaultError};

/// Why a device did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its state cannot be read or written.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another call of this device was begun, and nobody has polled it to its end for a minute: nothing was done.
    #[error("another call of this device was begun and is not being finished")]
    Stalled,
    /// Its state holds something that this version did not write.
    #[error("stored state is damaged: {0}")]
    Damaged(&'static str),
    /// The relay was not reached: try again.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The relay answered something that its API does not allow.
    #[error("the relay's answer makes no sense: {0}")]
    Answer(&'static str),
    /// The relay says no.
    #[error("the relay says: {} ({})", .0.message, .0.code)]
    Refused(Box<ErrorDetail>),
    /// Too often, or the relay is overloaded: wait.
    #[error("the relay asks to wait {retry_after_ms} ms")]
    Wait {
        /// How long.
        retry_after_ms: u64,
    },
    /// The vault holds no device.
    #[error("this vault holds no device: register or link first")]
    NotRegistered,
    /// The vault holds a device already.
    #[error("this vault holds a device already")]
    AlreadyRegistered,
    /// Only the primary device may.
    #[error("only the primary device of an account can do this")]
    PrimaryOnly,
    /// The call makes no sense; the text says what is wrong.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is no such account (any more).
    #[error("there is no such account")]
    NoSuchAccount,
    /// There is no such message here.
    #[error("there is no such message")]
    NoSuchMessage,
    /// Longer ago than it may be changed.
    #[error("messages can be changed for 24 hours")]
    TooLate,
    /// Nothing was ever received from or sent to this account.
    #[error("the identity key of this account is not known yet")]
    UnknownIdentity,
    /// What was compared is not the present identity key of this account.
    #[error("the identity key of this account changed since it was compared")]
    IdentityChanged,
    /// Too much waits to be sent already.
    #[error("too much waits to be sent")]
    OutboxFull,
    /// The linking code is not one, or for another relay.
    #[error("not a linking code of this relay")]
    LinkingCode,
    /// The linking code was not used in time.
    #[error("the linking code has expired")]
    LinkingExpired,
    /// Encrypted bytes are not what their sender described.
    #[error("the medium was changed or cut on its way")]
    Tampered,
    /// Reading or writing a medium failed.
    #[error("the medium cannot be read or written: {0}")]
    Medium(#[from] std::io::Error),
}

impl Error {
    /// What the relay said, if it said no.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(detail) => Some(detail.code),
            _ => None,
        }
    }
}

impl From<ErrorDetail> for Error {
    fn from(detail: ErrorDetail) -> Self {
        Self::Refused(Box::new(detail))
    }
}

/// What is stored and is not what was written.
pub(crate) const fn damaged(what: &'static str) -> Error {
    Error::Damaged(what)
}
