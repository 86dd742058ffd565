//! How many may do something at the same time: in all, and of one account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use wire::AccountId;

/// Places, some for all and fewer for one.
#[derive(Debug)]
pub struct Places {
    all: usize,
    of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_account: HashMap<AccountId, usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
#[must_use = "the place is free again when this is dropped"]
pub struct Place {
    places: Arc<Places>,
    account: AccountId,
}

impl Places {
    /// So many for all, and so many for one.
    #[must_use]
    pub fn new(all: usize, of_one: usize) -> Arc<Self> {
        Arc::new(Self { all, of_one, taken: Mutex::default() })
    }

    /// Takes one, if there is one.
    #[must_use]
    pub fn take(self: &Arc<Self>, account: AccountId) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = taken.by_account.get(&account).copied().unwrap_or_default();
        if taken.all >= self.all || of_one >= self.of_one {
            return None;
        }
        taken.all += 1;
        taken.by_account.insert(account, of_one + 1);
        Some(Place { places: self.clone(), account })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        match taken.by_account.get_mut(&self.account) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.by_account.remove(&self.account)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_leaves_places_for_others() {
        let places = Places::new(3, 2);
        let (one, two) = (AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]));
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert!(places.take(one).is_none());
        let _other = places.take(two).unwrap();
        assert!(places.take(two).is_none());
        drop(first);
        let _again = places.take(one).unwrap();
        assert_eq!(places.taken.lock().unwrap().all, 3);
    }
}
