/// Checks off numbers that count up from 0: which came, which twice, which late.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    times: Vec<u8>,
    unique: u64,
    highest: Option<usize>,
    duplicates: u64,
    out_of_order: u64,
}

impl Tally {
    /// Takes a number below `sent`; whether there can be such a number.
    pub(super) fn take(&mut self, number: u64, sent: u64) -> bool {
        let Some(number) = usize::try_from(number).ok().filter(|number| (*number as u64) < sent) else {
            return false;
        };
        if self.times.len() <= number {
            self.times.resize(number + 1, 0);
        }
        let Some(times) = self.times.get_mut(number) else { return false };
        *times = times.saturating_add(1);
        if *times > 1 {
            self.duplicates += 1;
            return true;
        }
        self.unique += 1;
        if self.highest.is_some_and(|highest| highest > number) {
            self.out_of_order += 1;
        }
        self.highest = self.highest.max(Some(number));
        true
    }

    pub(super) fn has(&self, number: u64) -> bool {
        usize::try_from(number).ok().and_then(|number| self.times.get(number)).is_some_and(|times| *times > 0)
    }

    /// How many different ones came.
    pub(super) fn unique(&self) -> u64 {
        self.unique
    }

    /// How many came again.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// How many came for the first time after a higher one.
    pub(super) fn out_of_order(&self) -> u64 {
        self.out_of_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_wrong() {
        let mut tally = Tally::default();
        for number in [0, 1, 3, 2, 3, 4] {
            assert!(tally.take(number, 6));
        }
        assert!(!tally.take(6, 6));
        assert_eq!((tally.unique(), tally.duplicates(), tally.out_of_order()), (5, 1, 1));
        assert!(tally.has(4) && !tally.has(5));
    }
}
