//! Which devices are online in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::mailbox::Mailbox;
use crate::devices::DeviceKey;

const SHARDS: usize = 64;

/// The mailboxes of devices that are online, or for which something is just being stored.
#[derive(Debug)]
pub(crate) struct Sockets(Box<[Mutex<Shard>]>);

type Shard = HashMap<DeviceKey, Arc<Mailbox>>;

impl Sockets {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    fn shard(&self, device: DeviceKey) -> Option<MutexGuard<'_, Shard>> {
        let index = usize::try_from(device.0.rem_euclid(64)).unwrap_or(0);
        self.0.get(index).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The mailbox of a device, if it has one here.
    pub(super) fn get(&self, device: DeviceKey) -> Option<Arc<Mailbox>> {
        self.shard(device)?.get(&device).cloned()
    }

    /// Runs `act` on the mailbox of a device until it is not a retired one.
    pub(super) fn with(&self, device: DeviceKey, act: impl Fn(&Arc<Mailbox>) -> bool) -> Arc<Mailbox> {
        loop {
            let mailbox = self.shard(device).map(|mut shard| {
                shard.entry(device).or_insert_with(|| Arc::new(Mailbox::new(device))).clone()
            });
            let mailbox = mailbox.unwrap_or_else(|| Arc::new(Mailbox::new(device)));
            if act(&mailbox) {
                return mailbox;
            }
        }
    }

    /// Forgets a mailbox in which nothing is going on.
    pub(super) fn retire(&self, mailbox: &Arc<Mailbox>) {
        let Some(mut shard) = self.shard(mailbox.key) else { return };
        let known = shard.get(&mailbox.key).is_some_and(|known| Arc::ptr_eq(known, mailbox));
        if known && mailbox.retire() {
            shard.remove(&mailbox.key);
        }
    }

    /// All that are online now.
    pub(super) fn live(&self) -> Vec<Arc<Mailbox>> {
        let mut live = Vec::new();
        for shard in &self.0 {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            live.extend(shard.values().filter(|mailbox| mailbox.is_live()).cloned());
        }
        live
    }
}
