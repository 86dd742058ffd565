use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{Change, Order, Record, Space, Vault, VaultError};

/// A vault that is gone with its process: for tests, and for what shall leave no trace.
#[derive(Default)]
pub struct MemoryVault(Mutex<Records>);

type Records = BTreeMap<(Space, Vec<u8>), Entry>;

#[derive(Clone)]
struct Entry {
    owner: Vec<u8>,
    position: u64,
    value: Zeroizing<Vec<u8>>,
}

impl MemoryVault {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of everything in it, as a backup would be.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self(Mutex::new(self.records().clone()))
    }

    fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        // Nothing that could panic happens under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryVault").finish_non_exhaustive()
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Vault for MemoryVault {
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError> {
        let found = self.records().get(&(space, key.to_vec())).cloned();
        Ok(found.map(|entry| Record { key: key.to_vec(), position: entry.position, value: entry.value }))
    }

    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        let records = self.records();
        let mut found: Vec<Record> = records
            .range((space, Vec::new())..)
            .take_while(|((of, _), _)| *of == space)
            .filter(|(_, entry)| owner.is_none_or(|owner| entry.owner == owner))
            .filter(|(_, entry)| match order {
                Order::After(position) => entry.position > position,
                Order::Before(position) => entry.position < position,
            })
            .map(|((_, key), entry)| Record {
                key: key.clone(),
                position: entry.position,
                value: entry.value.clone(),
            })
            .collect();
        drop(records);
        found.sort_by(|a, b| match order {
            Order::After(_) => a.position.cmp(&b.position),
            Order::Before(_) => b.position.cmp(&a.position),
        });
        found.truncate(limit);
        Ok(found)
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        let mut records = self.records();
        for change in changes {
            match change {
                Change::Put { space, key, owner, position, value } => {
                    records.insert((space, key), Entry { owner, position, value });
                }
                Change::Delete { space, key } => drop(records.remove(&(space, key))),
            }
        }
        Ok(())
    }
}
