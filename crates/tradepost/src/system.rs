//! The edge where the system's clock and randomness come in.

use std::time::{SystemTime, UNIX_EPOCH};

use store::Timestamp;

/// The system's clock.
#[derive(Debug)]
pub(crate) struct Clock;

impl store::Clock for Clock {
    #[expect(clippy::disallowed_methods, reason = "the binary brings the system's clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The system's cryptographic generator.
#[derive(Debug)]
pub(crate) struct Entropy;

impl store::Entropy for Entropy {
    #[expect(clippy::disallowed_methods, reason = "the binary brings the system's randomness")]
    #[expect(clippy::expect_used, reason = "ids and codes that can be guessed are worse than none")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system gives random bytes");
    }
}
