//! Why a command was not done, for a program and for a person.

use client::{Error, LinkError, VaultError};
use serde::Serialize;

/// Why a command was not done.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// What to do about it.
    pub code: ProblemCode,
    /// For developers, in English; a page has words of its own.
    pub message: String,
    /// The relay's own code, with `refused`: `code_wrong`, `registration_locked`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay_code: Option<String>,
    /// How long to wait, with `wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// How often a code or PIN may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
}

/// What to do about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// There is no device here: register or link.
    NotRegistered,
    /// There is one already.
    AlreadyRegistered,
    /// The relay was not reached: try again.
    Unreachable,
    /// Too often: wait.
    Wait,
    /// The relay says no: `relay_code`.
    Refused,
    /// The relay does not know this device any more.
    Removed,
    /// Only the primary device can.
    PrimaryOnly,
    /// The command makes no sense.
    Invalid,
    /// There is no such account (any more).
    NoSuchAccount,
    /// There is no such message.
    NoSuchMessage,
    /// Longer ago than it may be changed.
    TooLate,
    /// Nothing was exchanged with this account yet.
    UnknownIdentity,
    /// The identity key changed since it was compared.
    IdentityChanged,
    /// Too much waits to be sent.
    OutboxFull,
    /// Not a linking code.
    LinkingCode,
    /// The linking code was not used in time.
    LinkingExpired,
    /// A file was changed or cut on its way.
    Tampered,
    /// A file cannot be read or kept.
    File,
    /// What is stored cannot be read or written.
    Vault,
    /// The tab that did it was closed: look whether it happened.
    Interrupted,
    /// A defect.
    Internal,
}

impl Problem {
    /// Only a code and what to tell developers.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), relay_code: None, retry_after_ms: None, tries_left: None }
    }

    /// The command makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Invalid, message)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Self::new(code(&error), error.to_string());
        match error {
            Error::Refused(detail) => {
                problem.relay_code = Some(detail.code.as_str().to_owned());
                problem.tries_left = detail.tries_left;
            }
            Error::Wait { retry_after_ms } => problem.retry_after_ms = Some(retry_after_ms),
            _ => {}
        }
        problem
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        Self::new(ProblemCode::Vault, error.to_string())
    }
}

fn code(error: &Error) -> ProblemCode {
    match error {
        Error::Vault(_) | Error::Damaged(_) => ProblemCode::Vault,
        Error::Link(LinkError::Unauthorized | LinkError::Closed(Some(wire::close::REMOVED))) => {
            ProblemCode::Removed
        }
        Error::Link(_) | Error::Answer(_) => ProblemCode::Unreachable,
        Error::Refused(_) => ProblemCode::Refused,
        Error::Wait { .. } => ProblemCode::Wait,
        Error::NotRegistered => ProblemCode::NotRegistered,
        Error::AlreadyRegistered => ProblemCode::AlreadyRegistered,
        Error::PrimaryOnly => ProblemCode::PrimaryOnly,
        Error::Invalid(_) => ProblemCode::Invalid,
        Error::NoSuchAccount => ProblemCode::NoSuchAccount,
        Error::NoSuchMessage => ProblemCode::NoSuchMessage,
        Error::TooLate => ProblemCode::TooLate,
        Error::UnknownIdentity => ProblemCode::UnknownIdentity,
        Error::IdentityChanged => ProblemCode::IdentityChanged,
        Error::OutboxFull => ProblemCode::OutboxFull,
        Error::LinkingCode => ProblemCode::LinkingCode,
        Error::LinkingExpired => ProblemCode::LinkingExpired,
        Error::Tampered => ProblemCode::Tampered,
        Error::Medium(_) => ProblemCode::File,
        Error::Stalled => ProblemCode::Internal,
    }
}
