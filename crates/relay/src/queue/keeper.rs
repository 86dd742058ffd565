//! Looks after what is online: stores what was handed over and not acknowledged in time, closes sockets that do not
//! move, pings silent ones.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{Queue, mailbox::Mailbox};

/// The grain of what is overdue.
const TICK: Duration = Duration::from_millis(25);
/// How long a device has to acknowledge what was handed over, before it is stored so that its sender hears "sent".
const PATIENCE_TO_SAVE: u32 = 6;
/// How often all sockets are looked at, and how many rounds it takes until each was pinged.
const ROUND: Duration = Duration::from_secs(5);
const PING_ROUNDS: u64 = 48;

/// The watch list, and the ticks since it was begun.
#[derive(Debug)]
pub(super) struct Keeper {
    since: Instant,
    watched: Mutex<Vec<Arc<Mailbox>>>,
    wake: Notify,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), watched: Mutex::default(), wake: Notify::new() }
    }

    /// Ticks since the start; they begin anew after three years.
    pub(super) fn tick(&self) -> u32 {
        let ticks = self.since.elapsed().as_millis() / TICK.as_millis();
        u32::try_from(ticks % (1 << 32)).unwrap_or(0)
    }

    /// Something is unsaved in this mailbox.
    pub(super) fn watch(&self, mailbox: Arc<Mailbox>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push(mailbox);
        let first = watched.len() == 1;
        drop(watched);
        if first {
            self.wake.notify_one();
        }
    }

    fn take(&self) -> Vec<Arc<Mailbox>> {
        std::mem::take(&mut *self.watched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Stores what is overdue, until the queue is gone.
pub(super) async fn save_overdue(queue: Weak<Queue>) {
    loop {
        let Some(keeper) = queue.upgrade().map(|queue| queue.keeper.clone()) else { return };
        keeper.wake.notified().await;
        loop {
            tokio::time::sleep(TICK).await;
            let Some(queue) = queue.upgrade() else { return };
            let cutoff = keeper.tick().wrapping_sub(PATIENCE_TO_SAVE);
            let watched = keeper.take();
            if watched.is_empty() {
                break;
            }
            for mailbox in watched {
                if mailbox.save_overdue(&queue, cutoff) {
                    keeper.watch(mailbox);
                }
            }
        }
    }
}

/// Looks at all sockets now and then, until the queue is gone.
pub(super) async fn look_after(queue: Weak<Queue>) {
    let mut round = 0u64;
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(queue) = queue.upgrade() else { return };
        let (tick, patience) = (queue.keeper.tick(), queue.patience_ticks());
        for mailbox in queue.sockets.live() {
            let turn = mailbox.key.0.unsigned_abs() % PING_ROUNDS == round % PING_ROUNDS;
            mailbox.look_after(tick, patience, turn);
        }
        round += 1;
    }
}

/// A duration in ticks.
pub(super) fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX / 2)
}
