//! The lists of a device that are looked at again and again: what waits to be sent, and what was not taken yet. Which
//! records there are is kept in memory, what they hold is not: both are bounded by the device.

use std::collections::{BTreeMap, HashMap};

use client::vault::{Order, Space};

use super::vault::Written;

/// A list: by position, and by whose it is.
#[derive(Debug, Default)]
pub(super) struct List {
    all: BTreeMap<u64, Vec<u8>>,
    by_owner: HashMap<[u8; 32], BTreeMap<u64, Vec<u8>>>,
    places: HashMap<Vec<u8>, (Option<[u8; 32]>, u64)>,
}

impl List {
    /// Whether a space is such a list: its positions are given out once.
    pub(super) const fn is(space: Space) -> bool {
        matches!(space, Space::Outbox | Space::Feed)
    }

    pub(super) fn put(&mut self, key: Vec<u8>, owner: Option<[u8; 32]>, position: u64) {
        self.remove(&key);
        self.all.insert(position, key.clone());
        if let Some(owner) = owner {
            self.by_owner.entry(owner).or_default().insert(position, key.clone());
        }
        self.places.insert(key, (owner, position));
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        let Some((owner, position)) = self.places.remove(key) else { return };
        self.all.remove(&position);
        if let Some(owner) = owner
            && let Some(own) = self.by_owner.get_mut(&owner)
        {
            own.remove(&position);
            if own.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
    }

    /// As [`client::Vault::scan`].
    pub(super) fn scan(&self, owner: Option<[u8; 32]>, order: Order, limit: usize) -> Vec<Vec<u8>> {
        let list = match owner {
            Some(owner) => self.by_owner.get(&owner),
            None => Some(&self.all),
        };
        let Some(list) = list else { return Vec::new() };
        match order {
            Order::After(position) => match position.checked_add(1) {
                Some(first) => list.range(first..).take(limit).map(|(_, key)| key.clone()).collect(),
                None => Vec::new(),
            },
            Order::Before(position) => {
                list.range(..position).rev().take(limit).map(|(_, key)| key.clone()).collect()
            }
        }
    }
}

/// The lists of a device, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Lists(HashMap<u8, List>);

impl Lists {
    pub(super) fn get(&self, space: Space) -> Option<&List> {
        self.0.get(&(space as u8))
    }

    pub(super) fn keep(&mut self, space: Space, list: List) {
        self.0.insert(space as u8, list);
    }

    /// These were handed in.
    pub(super) fn apply(&mut self, effects: Vec<Effect>) {
        for Effect { space, key, put } in effects {
            let Some(list) = self.0.get_mut(&(space as u8)) else { continue };
            match put {
                Some((owner, position)) => list.put(key, owner, position),
                None => list.remove(&key),
            }
        }
    }
}

/// What a change does to a list: a record has this owner and position, or is gone.
pub(super) struct Effect {
    space: Space,
    key: Vec<u8>,
    put: Option<(Option<[u8; 32]>, u64)>,
}

impl Effect {
    /// That of a change to a record of this key, if its space is a list.
    pub(super) fn of(space: Space, key: &[u8], written: &Written) -> Option<Self> {
        let put = || written.1.as_ref().map(|row| (row.owner, row.position));
        List::is(space).then(|| Self { space, key: key.to_vec(), put: put() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_scanned_as_a_table_would_be() {
        let mut list = List::default();
        let (anna, ben) = ([1; 32], [2; 32]);
        for (key, owner, position) in [(b"a", anna, 3), (b"b", ben, 1), (b"c", anna, 7), (b"d", ben, 9)] {
            list.put(key.to_vec(), Some(owner), position);
        }
        let scan = |list: &List, owner, order, limit| -> Vec<String> {
            let keys = list.scan(owner, order, limit).into_iter();
            keys.map(|key| String::from_utf8(key).unwrap()).collect()
        };
        assert_eq!(scan(&list, None, Order::After(0), 9), ["b", "a", "c", "d"]);
        assert_eq!(scan(&list, None, Order::After(3), 1), ["c"]);
        assert_eq!(scan(&list, Some(anna), Order::After(0), 9), ["a", "c"]);
        assert_eq!(scan(&list, Some(ben), Order::Before(9), 9), ["b"]);
        // Written again it has one place, the new one.
        list.put(b"a".to_vec(), Some(anna), 8);
        list.remove(b"c");
        list.remove(b"nothing");
        assert_eq!(scan(&list, Some(anna), Order::After(0), 9), ["a"]);
        assert_eq!(scan(&list, None, Order::Before(u64::MAX), 2), ["d", "a"]);
        assert!(scan(&list, None, Order::After(u64::MAX), 2).is_empty());
        list.remove(b"a");
        assert!(scan(&list, Some(anna), Order::After(0), 9).is_empty());
    }
}
