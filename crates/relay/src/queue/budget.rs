//! How much an account may send: one budget for all its devices, sockets and requests on this node.
//!
//! What is counted are parts, since each is an envelope to carry. A socket keeps its account's budget at hand, so that a
//! send costs one atomic step and no look-up. A budget stays known until it is full again: who comes back with a new
//! socket finds what they left.
//!
//! Nodes do not tell each other what was spent: with devices on several of them an account has a budget on each.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use store::Timestamp;
use wire::AccountId;

/// What one account may spend. Only one number is kept: when it will be full again, in nanoseconds since 1970.
#[derive(Debug)]
pub(crate) struct Budget {
    full_at: AtomicI64,
    interval: i64,
    burst: i64,
}

impl Budget {
    /// Takes so many parts or none; a send of none counts as one. More than ever fit are taken as if they just did.
    ///
    /// # Errors
    /// How many milliseconds until there are so many, at least one.
    pub(super) fn spend(&self, parts: usize, now: Timestamp) -> Result<(), u64> {
        let parts = i64::try_from(parts).unwrap_or(i64::MAX).clamp(1, self.burst);
        let (now, cost) = (nanoseconds(now), self.interval.saturating_mul(parts));
        let most = now.saturating_add(self.interval.saturating_mul(self.burst));
        let after = |full_at: i64| full_at.max(now).saturating_add(cost);
        let taken = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            Some(after(full_at)).filter(|full_at| *full_at <= most)
        });
        taken.map(drop).map_err(|full_at| {
            let wait = after(full_at).saturating_sub(most).unsigned_abs();
            wait.div_ceil(1_000_000).max(1)
        })
    }

    fn is_full(&self, now: Timestamp) -> bool {
        self.full_at.load(Relaxed) <= nanoseconds(now)
    }
}

fn nanoseconds(time: Timestamp) -> i64 {
    time.0.saturating_mul(1_000_000)
}

/// The budgets of those who are online, and of those whose budget is not full again.
#[derive(Debug)]
pub(super) struct Budgets {
    interval: i64,
    burst: i64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    budgets: HashMap<AccountId, Arc<Budget>>,
    /// When there are so many, those that say nothing are forgotten.
    sweep_at: usize,
}

/// Fewer are not swept.
const FEW: usize = 1024;

impl Budgets {
    /// Budgets of `burst` parts at once and `per_second` in the long run.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            interval: 1_000_000_000 / i64::from(per_second.max(1)),
            burst: i64::from(burst.max(1)),
            known: Mutex::default(),
        }
    }

    /// The budget of an account.
    pub(super) fn of(&self, account: AccountId, now: Timestamp) -> Arc<Budget> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = known.budgets.get(&account) {
            return budget.clone();
        }
        if known.budgets.len() >= known.sweep_at.max(FEW) {
            // Nobody holds it and it is full: the next one will be the same.
            known.budgets.retain(|_, budget| Arc::strong_count(budget) > 1 || !budget.is_full(now));
            known.sweep_at = known.budgets.len().saturating_mul(2);
        }
        let (interval, burst) = (self.interval, self.burst);
        let budget = Arc::new(Budget { full_at: AtomicI64::new(0), interval, burst });
        known.budgets.insert(account, budget.clone());
        budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_800_000_000_000);

    fn account(number: u32) -> AccountId {
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        AccountId::from_bytes(bytes)
    }

    fn later(millis: i64) -> Timestamp {
        Timestamp(START.0 + millis)
    }

    #[test]
    fn so_many_parts_at_once_then_so_many_a_second() {
        let budget = Budgets::new(1000, 10).of(account(1), START);
        budget.spend(8, START).unwrap();
        assert_eq!(budget.spend(4, START), Err(2));
        budget.spend(2, START).unwrap();
        assert_eq!(budget.spend(0, START), Err(1), "a send to nobody counts too");
        budget.spend(3, later(3)).unwrap();
        // More than ever fit: as soon as it is full.
        assert_eq!(budget.spend(1000, later(4)), Err(9));
        budget.spend(1000, later(13)).unwrap();
    }

    #[test]
    fn an_account_has_one_budget_and_finds_what_it_left() {
        let budgets = Budgets::new(1000, 10);
        budgets.of(account(1), START).spend(10, START).unwrap();
        budgets.of(account(2), START).spend(10, START).unwrap();
        assert!(budgets.of(account(1), START).spend(1, START).is_err());
    }

    #[test]
    fn only_what_says_something_is_remembered() {
        let budgets = Budgets::new(1000, 10);
        let held = budgets.of(account(0), START);
        for number in 1..20_000 {
            // Every tenth one's is not full when it is looked at.
            let spent = usize::from(number % 10 == 0) * 9 + 1;
            let now = later(i64::from(number) / 100);
            budgets.of(account(number), now).spend(spent, now).unwrap();
        }
        let known = budgets.known.lock().unwrap();
        assert!(known.budgets.len() <= 2 * FEW, "{}", known.budgets.len());
        assert!(Arc::ptr_eq(&known.budgets[&account(0)], &held));
    }

    /// The most extreme settings neither panic nor lock anybody out for good.
    #[test]
    fn any_setting_makes_sense() {
        for (per_second, burst) in [(0, 0), (u32::MAX, u32::MAX), (1, u32::MAX), (u32::MAX, 1)] {
            let budget = Budgets::new(per_second, burst).of(account(1), START);
            for _ in 0..100 {
                let wait = budget.spend(10, START).err().unwrap_or(0);
                assert!(wait <= 10_000, "{wait} with {per_second}, {burst}");
            }
        }
    }
}
