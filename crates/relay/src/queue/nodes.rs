//! How the nodes of a relay wake each other. All of it may be lost: a look at the store now and then finds what was
//! missed, also that a device was removed, and a device that is online twice gets everything twice and drops it.
//!
//! A message on the bus is entries of 17 bytes: what happened, the device's key, and for an attached socket its number.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError, Weak},
    time::Duration,
};

use ::store::{
    StoreError,
    bus::{Signal, Subject},
};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::sync::Notify;
use wire::close;

use super::{Queue, store};
use crate::{RelayError, devices::DeviceKey};

/// Entries in one message at most.
const MOST: usize = 4096;
/// How often a node looks by itself whether something waits for its sockets.
const LOOK: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    /// Something was stored for this device.
    Stored(i64),
    /// This device has this socket now.
    Attached(i64, u64),
    /// This device was removed.
    Removed(i64),
}

/// What this node has to tell the others.
#[derive(Debug)]
pub(super) struct Nodes {
    entries: Mutex<BTreeSet<Entry>>,
    wake: Notify,
}

impl Nodes {
    pub(super) fn new() -> Self {
        Self { entries: Mutex::default(), wake: Notify::new() }
    }

    pub(super) fn stored(&self, device: DeviceKey) {
        self.add(Entry::Stored(device.0));
    }

    pub(super) fn attached(&self, device: DeviceKey, socket: u64) {
        self.add(Entry::Attached(device.0, socket));
    }

    pub(super) fn removed(&self, device: DeviceKey) {
        self.add(Entry::Removed(device.0));
    }

    fn add(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let first = entries.is_empty();
        entries.insert(entry);
        drop(entries);
        if first {
            self.wake.notify_one();
        }
    }

    fn take(&self) -> Option<Bytes> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut message = BytesMut::new();
        for _ in 0..MOST {
            let Some(entry) = entries.pop_first() else { break };
            let (kind, device, socket) = match entry {
                Entry::Stored(device) => (1, device, 0),
                Entry::Attached(device, socket) => (2, device, socket),
                Entry::Removed(device) => (3, device, 0),
            };
            message.put_u8(kind);
            message.put_i64(device);
            message.put_u64(socket);
        }
        (!message.is_empty()).then(|| message.freeze())
    }
}

fn subject() -> Result<Subject, StoreError> {
    Subject::new("mailboxes")
}

/// Tells the other nodes, many things at once.
pub(super) async fn announce(queue: Weak<Queue>) {
    loop {
        let Some(strong) = queue.upgrade() else { return };
        let Some(nodes) = &strong.nodes else { return };
        while let Some(message) = nodes.take() {
            let Ok(subject) = subject() else { return };
            if strong.ground.bus.publish(&subject, message).await.is_err() {
                tracing::debug!("other nodes were not woken: the bus is lost");
            }
        }
        // With a strong reference: the task is ended when the queue is closed.
        nodes.wake.notified().await;
    }
}

/// Hears the other nodes, and oneself.
pub(super) async fn listen(queue: Weak<Queue>) {
    loop {
        let Some(bus) = queue.upgrade().map(|queue| queue.ground.bus.clone()) else { return };
        let Ok(subject) = subject() else { return };
        let Ok(mut subscription) = bus.subscribe(&subject).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        loop {
            let signal = subscription.next().await;
            let Some(queue) = queue.upgrade() else { return };
            match signal {
                Signal::Message(message) => hear(&queue, message),
                Signal::Lagged => queue.sockets.live().iter().for_each(|mailbox| mailbox.look_again()),
            }
        }
    }
}

fn hear(queue: &Queue, mut message: Bytes) {
    while message.remaining() >= 17 {
        let (kind, device, socket) = (message.get_u8(), DeviceKey(message.get_i64()), message.get_u64());
        let Some(mailbox) = queue.sockets.get(device) else { continue };
        match kind {
            1 => mailbox.look_again(),
            2 => mailbox.close(close::REPLACED, Some(socket)),
            3 => mailbox.close(close::REMOVED, None),
            _ => {}
        }
    }
}

/// Looks now and then for what nobody told this node of, until the queue is gone.
pub(super) async fn look_again(queue: Weak<Queue>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(queue) = queue.upgrade() else { return };
        if let Err(error) = queue.look_again().await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "could not look for what waits");
        }
    }
}

impl Queue {
    /// Looks what there is for the sockets of this node: something may wait that nobody told it of, and a device may
    /// have been removed elsewhere. Done every 30 seconds where other processes write too.
    ///
    /// # Errors
    /// Those of the database; the next look finds it.
    pub async fn look_again(&self) -> Result<(), RelayError> {
        for mailboxes in self.sockets.live().chunks(512) {
            let devices: Vec<DeviceKey> = mailboxes.iter().map(|mailbox| mailbox.key).collect();
            let mut reader = self.ground.reader().await?;
            let waiting = store::waiting(&mut reader, &devices).await?;
            drop(reader);
            for mailbox in mailboxes {
                match waiting.get(&mailbox.key) {
                    Some(true) => mailbox.look_again(),
                    Some(false) => {}
                    None => mailbox.close(close::REMOVED, None),
                }
            }
        }
        Ok(())
    }
}
