/// How long things took, to within 1 %, in little memory however many they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

/// Buckets between a power of two and the next.
const STEPS: u64 = 128;
const STEP_BITS: u32 = STEPS.ilog2();

impl Histogram {
    pub(crate) fn add(&mut self, nanoseconds: u64) {
        let bucket = bucket(nanoseconds);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
        self.count += 1;
    }

    /// What is in either.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let (mut longer, shorter) = (self.clone(), other);
        if longer.buckets.len() < shorter.buckets.len() {
            longer.buckets.resize(shorter.buckets.len(), 0);
        }
        longer.buckets.iter_mut().zip(&shorter.buckets).for_each(|(sum, count)| *sum += count);
        longer.count += shorter.count;
        longer
    }

    /// Milliseconds that this share of all did not exceed; not a number if there are none.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut below = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            below += count;
            if *count > 0 && below as f64 >= self.count as f64 * share {
                return middle(bucket) / 1e6;
            }
        }
        f64::NAN
    }
}

fn bucket(value: u64) -> usize {
    let shift = value.checked_ilog2().unwrap_or(0).saturating_sub(STEP_BITS);
    let bucket = (u64::from(shift) << STEP_BITS) + (value >> shift);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The middle of the values of a bucket.
fn middle(bucket: usize) -> f64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket as f64;
    }
    let shift = (bucket >> STEP_BITS) - 1;
    let low = (bucket - (shift << STEP_BITS)) as f64;
    (low + 0.5) * f64::from(u32::try_from(shift).unwrap_or(0)).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_within_a_hundredth() {
        for value in [0, 1, 100, 255, 256, 1000, 123_456, 1_000_000_007, 3_600_000_000_000] {
            let near = middle(bucket(value));
            assert!((near - value as f64).abs() <= value as f64 / 100.0, "{value}: {near}");
        }
        assert!((1..100_000).all(|value| bucket(value) >= bucket(value - 1)));
    }

    #[test]
    fn quantiles_are_of_what_was_added() {
        let mut histogram = Histogram::default();
        assert!(histogram.quantile(0.5).is_nan());
        (1..=1000).for_each(|ms| histogram.add(ms * 1_000_000));
        for (share, ms) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            let quantile = histogram.quantile(share);
            assert!((quantile / ms - 1.0).abs() < 0.01, "{share}: {quantile}");
        }
    }
}
