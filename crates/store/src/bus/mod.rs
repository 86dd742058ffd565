//! Small wake-up signals between tasks and between nodes.
//!
//! A signal says "look again" and never carries what must not be lost: it may get lost on the way, and a subscriber
//! that falls behind hears [`Signal::Lagged`] in place of what it missed. Who subscribes *first* and reads the table
//! *then* misses nothing that a later look would not find.

mod local;
mod mailbox;
mod nats;
mod way;

use std::{fmt, path::PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;

use self::mailbox::Mailbox;
pub use self::{local::LocalBus, nats::NatsBus};
use crate::{Location, StoreError};

/// What a signal is about: words of letters, digits, `-` and `_`, joined by points, as in `jobs.webhook`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// The longest that is accepted.
    pub const MOST: usize = 200;

    /// Checks the form.
    ///
    /// # Errors
    /// `Invalid` for anything else; so a subject from outside reaches no other than itself (NATS has wildcards).
    pub fn new(text: impl Into<String>) -> Result<Self, StoreError> {
        let text = text.into();
        let word = |word: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !word.is_empty() && word.bytes().all(fits)
        };
        if text.len() <= Self::MOST && text.split('.').all(word) {
            Ok(Self(text))
        } else {
            Err(StoreError::Invalid("a subject is words joined by points".to_owned()))
        }
    }

    /// It as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Somebody published this.
    Message(Bytes),
    /// An unknown number of signals was missed: read again what they are about.
    Lagged,
}

/// Carries signals.
#[async_trait]
pub trait Bus: Send + Sync + fmt::Debug {
    /// Tells all present subscribers of `subject`. It does not wait for them.
    ///
    /// # Errors
    /// `Unavailable` if the bus is known to be lost. Callers may ignore it: polling is the safety net.
    async fn publish(&self, subject: &Subject, message: Bytes) -> Result<(), StoreError>;

    /// Listens to `subject` until the subscription is dropped. What is published after this returned is heard, unless
    /// it gets lost.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn subscribe(&self, subject: &Subject) -> Result<Subscription, StoreError>;
}

/// Hears the signals of one subject, in order.
pub struct Subscription {
    mailbox: std::sync::Arc<Mailbox>,
    /// Ends what feeds the mailbox.
    _feed: Box<dyn Send + Sync>,
}

impl Subscription {
    /// Waits for the next signal. May be given up and called again without losing one.
    pub async fn next(&mut self) -> Signal {
        self.mailbox.next().await
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Which bus, and how much it holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// `nats://HOST:PORT`, or `tls://HOST:PORT` if it must be encrypted; several separated by commas; none for a bus
    /// within this process. Credentials may stand in it, percent-encoded: `nats://USER:PASSWORD@HOST:PORT` or
    /// `nats://TOKEN@HOST:PORT`. Default: none.
    pub nats: Option<Location>,
    /// A file with `USER:PASSWORD` or `TOKEN`, as they are, in place of those in the address. Default: none.
    pub credentials_file: Option<PathBuf>,
    /// How the way to NATS is encrypted.
    pub tls: BusTls,
    /// The first word of all subjects on NATS, so that two installations may share one. Default `tradepost`.
    pub prefix: String,
    /// Signals that wait for a subscriber at most; over it the subscriber has lagged. Default 64.
    pub capacity: usize,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            nats: None,
            credentials_file: None,
            tls: BusTls::default(),
            prefix: "tradepost".to_owned(),
            capacity: 64,
        }
    }
}

/// How the way to NATS is encrypted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusTls {
    /// Refuse to talk without TLS, whatever the server offers. A `tls://` address or a file here says so too. Default:
    /// false, with which TLS is used if the server wants it.
    pub required: bool,
    /// PEM file of the authorities that may vouch for the server, in place of the system's. Default: none.
    pub authorities_file: Option<PathBuf>,
    /// PEM file of the certificate that we show the server; with `key_file`. Default: none.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of its key. Default: none.
    pub key_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_words_joined_by_points() {
        for good in ["a", "jobs.web-hook", "A_1.b.c"] {
            assert_eq!(Subject::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "a.", "a..b", "a.*", ">", "a b", "ä", "a\r\nPUB b", &"a".repeat(201)] {
            assert!(Subject::new(bad).is_err(), "{bad}");
        }
    }
}
