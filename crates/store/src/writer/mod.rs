//! Group commit: what many tasks write goes into one transaction, and each hears of it after the commit.
//!
//! A commit waits for the disk, a statement for its turn; both cost the same for one row as for hundreds. So callers
//! hand their items to *lanes*, and the writer turns what has come together into one multi-row statement per lane and
//! one commit. When it is idle, an item is written at once: batches grow only because items arrive during a commit.
//!
//! - **Acknowledged is durable.** [`LaneHandle::submit`] and [`Writer::write`] return after the commit.
//! - **No poison.** If a batch fails, it is undone and run again in halves behind savepoints, until only the items at
//!   fault have failed.
//! - **Bounded.** Over [`WriterConfig::capacity`] callers get [`StoreError::Busy`] at once.
//! - **Order.** Items with the same [`Lane::key`] are applied in the order they were submitted. Between lanes there is
//!   no order: who needs one waits for the first before submitting the second.
//!
//! SQLite has one writer task. PostgreSQL has some, each with its own share of the keys.

mod lane;
mod operation;
mod task;
mod waiting;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot},
    task::JoinSet,
};

pub use self::lane::{Lane, LaneHandle};
use self::{
    lane::{AnyLane, LaneQueue},
    operation::Operations,
};
use crate::{
    StoreError,
    sql::{Database, Engine, Transaction},
};

/// How much a writer takes on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WriterConfig {
    /// Items waiting at most; over it callers get `Busy`. Default 16384.
    pub capacity: usize,
    /// Items of a lane in one transaction at most. Default 4096.
    pub batch: usize,
    /// Writers side by side on PostgreSQL; SQLite has one. Default 4.
    pub writers: usize,
    /// How long one transaction may take before its callers get `Unavailable`. Default 30000.
    pub patience_ms: u64,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self { capacity: 16_384, batch: 4096, writers: 4, patience_ms: 30_000 }
    }
}

/// Takes writes from many tasks and commits them together. Clones hand to the same tasks.
#[derive(Debug, Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    operations: Arc<Operations>,
}

/// Owns the tasks of a [`Writer`]. Dropped, it stops them where they are: what was not acknowledged may be lost.
#[derive(Debug)]
#[must_use = "the writer stops when this is dropped"]
pub struct WriterTasks {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

/// What callers and tasks see of each other.
#[derive(Debug)]
struct Shared {
    places: Arc<Semaphore>,
    shards: Box<[Shard]>,
    lanes: Mutex<Vec<Arc<dyn AnyLane>>>,
    closing: AtomicBool,
}

/// The share of one writer task.
#[derive(Debug, Default)]
struct Shard {
    waiting: AtomicUsize,
    wake: Notify,
}

impl Writer {
    /// Starts the tasks that write to `database`.
    pub fn start(database: &Database, config: &WriterConfig) -> (Self, WriterTasks) {
        let writers = match database.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => config.writers.max(1),
        };
        let operations = Arc::new(Operations::new(writers));
        let shared = Arc::new(Shared {
            places: Arc::new(Semaphore::new(config.capacity.clamp(1, Semaphore::MAX_PERMITS))),
            shards: (0..writers).map(|_| Shard::default()).collect(),
            lanes: Mutex::new(vec![operations.clone()]),
            closing: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        for shard in 0..writers {
            tasks.spawn(task::run(shared.clone(), shard, database.clone(), config.clone()));
        }
        (Self { shared: shared.clone(), operations }, WriterTasks { shared, tasks })
    }

    /// Opens a lane. A feature does this once, at its start, and keeps the handle.
    pub fn lane<L: Lane>(&self, lane: L) -> LaneHandle<L> {
        let queue = Arc::new(LaneQueue::new(lane, self.shared.shards.len()));
        let mut lanes = self.shared.lanes();
        // Under the lock: either the tasks see the lane when they close, or it is closed from the start.
        if self.shared.closing.load(SeqCst) {
            (0..self.shared.shards.len()).for_each(|shard| drop(queue.close(shard)));
        }
        lanes.push(queue.clone());
        LaneHandle::new(self.shared.clone(), queue)
    }

    /// Runs `operation` in the next transaction, for what is too rare for a lane; returns after the commit.
    ///
    /// It may run more than once before it is committed, and must do nothing but use the transaction. If it fails, only
    /// what it did itself is undone. `key` as in [`Lane::key`].
    ///
    /// # Errors
    /// Those of `operation`; `Busy`, `Contended`, `Unavailable`. Whoever stops waiting does not stop the operation.
    pub async fn write<T, E, F>(&self, key: u64, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let place = self.shared.place()?;
        let shard = self.shared.announce(key);
        let (reply, answer) = oneshot::channel();
        self.operations.push(shard, operation, reply, place)?;
        self.shared.wake(shard);
        answer.await.unwrap_or_else(|_| Err(stopped().into()))
    }
}

impl WriterTasks {
    /// Refuses new work, finishes what was accepted, and ends the tasks.
    pub async fn close(mut self) {
        self.shared.close();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for WriterTasks {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    /// A place in the queue, given back when the item is answered.
    fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        self.places.clone().try_acquire_owned().map_err(|refusal| match refusal {
            TryAcquireError::NoPermits => StoreError::Busy,
            TryAcquireError::Closed => stopped(),
        })
    }

    /// Counts an item with this key and says whose it is. Before it is handed in, so that no task ever takes more than
    /// was counted.
    fn announce(&self, key: u64) -> usize {
        let shards = u64::try_from(self.shards.len()).unwrap_or(1).max(1);
        let index = usize::try_from(key % shards).unwrap_or(0);
        if let Some(shard) = self.shards.get(index) {
            shard.waiting.fetch_add(1, SeqCst);
        }
        index
    }

    /// Tells the task of `shard` that an item was handed in.
    fn wake(&self, shard: usize) {
        if let Some(shard) = self.shards.get(shard) {
            shard.wake.notify_one();
        }
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, Vec<Arc<dyn AnyLane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let lanes = self.lanes();
        self.closing.store(true, SeqCst);
        drop(lanes);
        self.places.close();
        self.shards.iter().for_each(|shard| shard.wake.notify_one());
    }
}

fn stopped() -> StoreError {
    StoreError::unavailable("the writer has stopped")
}
