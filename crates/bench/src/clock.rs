//! The one place that reads clocks.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

static START: OnceLock<Instant> = OnceLock::new();

#[expect(clippy::disallowed_methods, reason = "measuring time is what this crate is for")]
fn start() -> Instant {
    *START.get_or_init(Instant::now)
}

/// Nanoseconds since the first call in this process, on a clock that only goes forward.
pub(crate) fn now() -> u64 {
    u64::try_from(start().elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// When [`now`] will say `nanoseconds`.
pub(crate) fn instant(nanoseconds: u64) -> tokio::time::Instant {
    (start() + Duration::from_nanos(nanoseconds)).into()
}

/// Seconds since an earlier [`now`].
pub(crate) fn seconds_since(earlier: u64) -> f64 {
    Duration::from_nanos(now().saturating_sub(earlier)).as_secs_f64()
}

/// Time since 1970.
#[expect(clippy::disallowed_methods, reason = "messages carry the sender's clock")]
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
