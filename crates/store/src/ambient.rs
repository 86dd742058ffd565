//! What the world outside gives: the time and random bytes.

use std::fmt;

/// Milliseconds since 1970 in UTC. Stored as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This much later; the end of time if that is past it.
    #[must_use]
    pub fn after(self, delay: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is from here until `later`; zero if that is past.
    #[must_use]
    pub fn until(self, later: Self) -> std::time::Duration {
        let millis = u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0);
        std::time::Duration::from_millis(millis)
    }
}

/// Tells the time. The binary brings the system's, tests one they turn by hand.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes. The binary brings the system's cryptographic generator, tests a seeded one.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills all of `bytes`. Ids made from them must be impossible to guess.
    fn fill(&self, bytes: &mut [u8]);
}
