//! What went wrong, for a person and for a script: the table of exit codes is here.

use std::{fmt, process::ExitCode};

use client::{Error, LinkError, VaultError};
use serde::Serialize;
use wire::{ErrorCode, api::ErrorDetail};

/// How the program ends. Stable; in `docs/using-chat.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Anything else.
    Failed = 1,
    /// The call makes no sense. Clap ends with the same.
    Usage = 2,
    /// No device here, or the relay does not know it any more.
    NotRegistered = 3,
    /// The relay was not reached.
    Unreachable = 4,
    /// The relay says no.
    Refused = 5,
    /// Nothing is sent to a changed identity key.
    IdentityChanged = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked, and what to do about it.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    pub(crate) exit: Exit,
    /// A stable word.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tries_left: Option<u32>,
}

pub(crate) type Answer<T = ()> = Result<T, Problem>;

impl Problem {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), hint: None, retry_after_ms: None, tries_left: None }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "failed", message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file could not be used.
    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(Exit::Failed, "file", format!("{}: {error}", path.display()))
    }

    /// Nothing is sent to whom this is about before their key is accepted.
    pub(crate) fn identity_changed(who: &str, to: &str) -> Self {
        let message = format!("the identity key of {who} changed: nothing is sent to them");
        Self::new(Exit::IdentityChanged, "identity_changed", message).hint(format!(
            "A new phone does that, and so would somebody in between. Compare safety numbers: tradepost chat \
             verify {to}; then --mark, or --accept-new-identity if you could not compare"
        ))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::render::clean(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let problem = |exit, code| Self::new(exit, code, text.clone());
        match &error {
            Error::Vault(VaultError::InUse) => problem(Exit::Failed, "in_use"),
            Error::Vault(VaultError::WrongKey) => problem(Exit::Failed, "wrong_key")
                .hint("The passphrase, or the file vault.key beside the vault, is another one than it was made with."),
            Error::Vault(_) | Error::Damaged(_) => problem(Exit::Failed, "vault"),
            Error::Link(LinkError::Unauthorized) => gone(),
            Error::Link(LinkError::Closed(Some(4004))) => gone(),
            Error::Link(LinkError::PlainBeyondLoopback) => problem(Exit::Usage, "usage")
                .hint("Say https://…; or --plain-beyond-loopback, if you know that nobody is there."),
            Error::Link(_) => problem(Exit::Unreachable, "unreachable")
                .hint("Does it run, and is its URL right? Say it with --relay URL."),
            Error::Answer(_) => problem(Exit::Unreachable, "bad_answer")
                .hint("Is that a relay of Tradepost? Say its URL with --relay URL."),
            Error::Refused(detail) => refused(detail),
            Error::Wait { retry_after_ms } => {
                let seconds = retry_after_ms.div_ceil(1000);
                let text = "the relay asks to wait: too often, or it is overloaded";
                let mut problem =
                    Self::new(Exit::Refused, "wait", text).hint(format!("Try again in {seconds} s."));
                problem.retry_after_ms = Some(*retry_after_ms);
                problem
            }
            Error::NotRegistered => not_registered(),
            Error::AlreadyRegistered => problem(Exit::Failed, "already_registered")
                .hint("Another account beside it: --as NAME. To end this one: tradepost chat delete-account"),
            Error::PrimaryOnly => problem(Exit::Failed, "primary_only")
                .hint("Do it on the device that the account was registered on."),
            Error::Invalid(_) => problem(Exit::Usage, "invalid"),
            Error::NoSuchAccount => problem(Exit::Failed, "no_such_account"),
            Error::NoSuchMessage => problem(Exit::Failed, "no_such_message"),
            Error::TooLate => problem(Exit::Failed, "too_late"),
            Error::UnknownIdentity => {
                problem(Exit::Failed, "unknown_identity").hint("Send a message first, or receive one.")
            }
            Error::Stalled => problem(Exit::Failed, "stalled"),
            Error::IdentityChanged => problem(Exit::IdentityChanged, "identity_changed")
                .hint("Compare again: tradepost chat verify"),
            Error::OutboxFull => {
                problem(Exit::Failed, "outbox_full").hint("tradepost chat receive sends what waits.")
            }
            Error::LinkingCode => problem(Exit::Failed, "linking_code"),
            Error::LinkingExpired => problem(Exit::Failed, "linking_expired")
                .hint("Begin again on the new device: tradepost chat link"),
            Error::Tampered => problem(Exit::Failed, "tampered"),
            Error::Medium(_) => problem(Exit::Failed, "file"),
        }
    }
}

pub(crate) fn not_registered() -> Problem {
    Problem::new(Exit::NotRegistered, "not_registered", "no account here yet").hint(
        "tradepost chat register +4915112345678 makes one, tradepost chat link joins one. \
         Is it another one? Say which with --as NAME.",
    )
}

fn gone() -> Problem {
    let text =
        "the relay does not know this device any more: it was removed, or its number was registered again";
    Problem::new(Exit::NotRegistered, "credential_gone", text)
        .hint("tradepost chat forget clears this account here (history too), then register or link again.")
}

fn refused(detail: &ErrorDetail) -> Problem {
    let message = format!("the relay says: {} ({})", detail.message, detail.code);
    let mut problem = Problem::new(Exit::Refused, detail.code.as_str(), message);
    problem.tries_left = detail.tries_left;
    let left = detail.tries_left.map(|left| format!(" {left} tries are left.")).unwrap_or_default();
    match detail.code {
        ErrorCode::CodeWrong => problem.hint(format!("Look at the code again: --code 123456.{left}")),
        ErrorCode::CodeExpired => problem.hint("Ask for a new one: run it again without --code."),
        ErrorCode::RegistrationLocked => {
            let hours = detail.expires_in_ms.map(|ms| ms.div_ceil(3_600_000));
            let lapses = hours.map(|hours| format!(" The lock lapses in {hours} hours.")).unwrap_or_default();
            problem.hint(format!("The number has a PIN: --pin PIN.{left}{lapses}"))
        }
        ErrorCode::InvalidNumber => problem.hint("With the country code, such as +4915112345678."),
        ErrorCode::Internal => match &detail.reference {
            Some(reference) => problem.hint(format!("Tell the relay's operator this reference: {reference}")),
            None => problem,
        },
        _ => problem,
    }
}
