//! The buckets of one limit.

use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use quick_cache::sync::Cache;
use store::Clock;

use super::{Rate, TooOften};

/// A bucket per key. Of each key only one number is kept: when its bucket will be full again.
pub struct Buckets<K> {
    clock: Arc<dyn Clock>,
    interval_us: i64,
    burst: i64,
    full_at: Cache<K, Arc<AtomicI64>>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets of this size, for `remembered` keys at most.
    #[must_use]
    pub fn new(rate: Rate, remembered: usize, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            interval_us: i64::try_from(rate.every_ms).unwrap_or(i64::MAX / 1000).saturating_mul(1000),
            burst: i64::from(rate.burst),
            full_at: Cache::new(remembered),
        }
    }

    /// Which part of the bucket is taken: from 0 to 1.
    pub fn taken(&self, key: &K) -> f64 {
        let Some(bucket) = self.full_at.get(key) else { return 0.0 };
        let now = self.now();
        let (owed, all) = (bucket.load(Relaxed).max(now) - now, self.most(now) - now);
        // Both are far below 2^52.
        (owed as f64 / all.max(1) as f64).min(1.0)
    }

    /// Takes one token.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&self, key: &K) -> Result<(), TooOften> {
        self.take_many(key, 1)
    }

    /// Whether there is a token, which is left there.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn has(&self, key: &K) -> Result<(), TooOften> {
        let Some(bucket) = self.full_at.get(key) else { return Ok(()) };
        let now = self.now();
        let wait =
            bucket.load(Relaxed).max(now).saturating_add(self.interval_us).saturating_sub(self.most(now));
        if wait > 0 { Err(TooOften(Duration::from_micros(wait.unsigned_abs()))) } else { Ok(()) }
    }

    /// Takes `count` tokens or none. More than ever fit in the bucket are taken as if they just did.
    ///
    /// # Errors
    /// How long until there are so many.
    pub fn take_many(&self, key: &K, count: u32) -> Result<(), TooOften> {
        let now = self.now();
        let cost = self.interval_us.saturating_mul(i64::from(count).min(self.burst));
        let most = self.most(now);
        let made = self.full_at.get_or_insert_with::<_, std::convert::Infallible>(key, || Ok(Arc::default()));
        let bucket = made.unwrap_or_default();
        let taken = bucket.fetch_update(Relaxed, Relaxed, |full_at| {
            Some(full_at.max(now).saturating_add(cost)).filter(|full_at| *full_at <= most)
        });
        taken.map(drop).map_err(|full_at| {
            let wait = full_at.max(now).saturating_add(cost).saturating_sub(most);
            TooOften(Duration::from_micros(wait.unsigned_abs()))
        })
    }

    /// Microseconds.
    fn now(&self) -> i64 {
        self.clock.now().0.saturating_mul(1000)
    }

    /// When an empty bucket will be full.
    fn most(&self, now: i64) -> i64 {
        now.saturating_add(self.interval_us.saturating_mul(self.burst))
    }
}

impl<K> fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use store::{Timestamp, testing::HandClock};

    use super::*;

    #[test]
    fn so_many_at_once_then_one_every_so_often() {
        let clock = Arc::new(HandClock::at(Timestamp(1_000_000)));
        let buckets = Buckets::new(Rate::new(3, 1000), 10, clock.clone());
        for _ in 0..3 {
            assert_eq!(buckets.has(&"a"), Ok(()));
            buckets.take(&"a").unwrap();
        }
        assert_eq!(buckets.take(&"a"), Err(TooOften(Duration::from_secs(1))));
        assert_eq!(buckets.has(&"a"), Err(TooOften(Duration::from_secs(1))));
        assert_eq!((buckets.taken(&"a"), buckets.taken(&"b")), (1.0, 0.0));
        buckets.take(&"b").unwrap();
        clock.advance(Duration::from_millis(400));
        assert_eq!(buckets.take(&"a"), Err(TooOften(Duration::from_millis(600))));
        clock.advance(Duration::from_millis(600));
        buckets.take(&"a").unwrap();
        assert!(buckets.take(&"a").is_err());
        clock.advance(Duration::from_secs(100));
        assert!(buckets.take_many(&"a", 3).is_ok());
        assert_eq!(buckets.take_many(&"a", 2), Err(TooOften(Duration::from_secs(2))));
    }

    #[test]
    fn memory_is_bounded() {
        let clock = Arc::new(HandClock::at(Timestamp(0)));
        let buckets = Buckets::new(Rate::new(1, 1000), 100, clock);
        for key in 0..10_000 {
            let _ = buckets.take(&key);
        }
        assert!(buckets.full_at.len() <= 100);
    }
}
