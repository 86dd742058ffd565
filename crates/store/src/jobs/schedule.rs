//! When to try again.

use std::time::Duration;

use serde::Deserialize;

use crate::Entropy;

/// How long to wait after each failure. When all delays are used up, the job is dead.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// The delay after the first failure, after the second, and so on, in seconds. Default: 5 s, 30 s, 2 min, 10 min,
    /// 1 h, 6 h, 24 h.
    pub delays_s: Vec<u64>,
    /// Each delay is longer or shorter by up to this many percent, so that what failed together does not return
    /// together. Default 20.
    pub jitter_percent: u8,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { delays_s: vec![5, 30, 120, 600, 3_600, 21_600, 86_400], jitter_percent: 20 }
    }
}

impl Schedule {
    /// How long to wait after so many failed attempts; `None` if the job is to be given up.
    pub fn delay(&self, attempts: i64, entropy: &dyn Entropy) -> Option<Duration> {
        let index = usize::try_from(attempts.max(1) - 1).ok()?;
        let millis = self.delays_s.get(index)?.saturating_mul(1000);
        let mut random = [0; 8];
        entropy.fill(&mut random);
        let percent = u64::from(self.jitter_percent.min(100));
        // From 100 - percent to 100 + percent, in thousandths of a percent.
        let share = (100 - percent) * 1000 + u64::from_le_bytes(random) % (2 * percent * 1000 + 1);
        Some(Duration::from_millis(millis / 1000 * share / 100 + millis % 1000))
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::SeededEntropy;

    #[test]
    fn delays_stay_within_the_jitter_and_end() {
        let schedule = Schedule { delays_s: vec![10, 100], jitter_percent: 20 };
        let entropy = SeededEntropy::new(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let delay = schedule.delay(1, &entropy).unwrap();
            assert!((8..=12).contains(&delay.as_secs()), "{delay:?}");
            seen.insert(delay);
            assert!((80..=120).contains(&schedule.delay(2, &entropy).unwrap().as_secs()));
        }
        assert!(seen.len() > 100);
        assert_eq!(schedule.delay(3, &entropy), None);
    }
}
