//! Which sends became safe lately: a repeated one is answered and not delivered again.
//!
//! This is a courtesy in memory, bounded. What guarantees that nothing is shown twice is the device, which remembers
//! the ids it has processed.

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::devices::DeviceKey;

pub(super) struct RecentIds(Cache<u128, ()>);

impl std::fmt::Debug for RecentIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecentIds({})", self.0.len())
    }
}

impl RecentIds {
    pub(super) fn new(most: usize) -> Self {
        Self(Cache::new(most))
    }

    /// The key of a send: by whom, to whom, with which id. Hashed, so that nobody can choose it.
    pub(super) fn key(sender: DeviceKey, to: &[u8], id: &[u8]) -> u128 {
        let digest =
            Sha256::new().chain_update(sender.0.to_le_bytes()).chain_update(to).chain_update(id).finalize();
        digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
    }

    pub(super) fn insert(&self, key: u128) {
        self.0.insert(key, ());
    }

    pub(super) fn contains(&self, key: u128) -> bool {
        self.0.get(&key).is_some()
    }
}
