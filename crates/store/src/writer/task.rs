//! The task that commits.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use super::{Shard, Shared, WriterConfig, lane::Batch};
use crate::{StoreError, sql::Database};

/// How often a transaction that lost against a parallel one is tried as a whole.
const TRIES: u32 = 3;

/// Commits what waits in `shard` until the writer closes and nothing waits.
pub(super) async fn run(shared: Arc<Shared>, shard: usize, database: Database, config: WriterConfig) {
    let _closed = CloseOnExit { shared: &shared, shard };
    let Some(state) = shared.shards.get(shard) else { return };
    let patience = Duration::from_millis(config.patience_ms);
    let mut last = 1;
    loop {
        gather(state, last.min(config.batch)).await;
        let batches = take(&shared, |lane| lane.take(shard, config.batch.max(1)));
        if !batches.is_empty() {
            last = batches.iter().map(|batch| batch.len()).sum();
            state.waiting.fetch_sub(last, SeqCst);
            commit(&database, batches, patience).await;
        } else if shared.closing.load(SeqCst) {
            break;
        } else if state.waiting.load(SeqCst) == 0 {
            state.wake.notified().await;
        } else {
            // A caller has announced an item and is about to hand it in.
            tokio::task::yield_now().await;
        }
    }
    // What slipped in while the lanes were found empty.
    let rest = take(&shared, |lane| lane.close(shard));
    commit(&database, rest, patience).await;
}

/// Under load, lets the callers that were just answered come back, as long as more of them do: else a batch of one
/// would follow each large one.
async fn gather(state: &Shard, last: usize) {
    let mut before = state.waiting.load(SeqCst);
    while before < last {
        tokio::task::yield_now().await;
        let now = state.waiting.load(SeqCst);
        if now == before {
            break;
        }
        before = now;
    }
}

fn take(
    shared: &Shared,
    from: impl Fn(&dyn super::AnyLane) -> Option<Box<dyn Batch>>,
) -> Vec<Box<dyn Batch>> {
    shared.lanes().iter().filter_map(|lane| from(lane.as_ref())).collect()
}

/// Writes all batches in one transaction and answers their callers.
async fn commit(database: &Database, mut batches: Vec<Box<dyn Batch>>, patience: Duration) {
    if batches.is_empty() {
        return;
    }
    let work = async {
        for _ in 0..TRIES {
            match attempt(database, &mut batches, false).await {
                Err(StoreError::Contended(_)) => {}
                Ok(()) => return Ok(()),
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                // Some item is at fault.
                Err(_) => break,
            }
        }
        attempt(database, &mut batches, true).await
    };
    let outcome = tokio::time::timeout(patience, work).await;
    match outcome.unwrap_or_else(|_| Err(StoreError::unavailable("the database takes too long"))) {
        Ok(()) => batches.into_iter().for_each(|batch| batch.acknowledge()),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "nothing was committed");
            batches.into_iter().for_each(|batch| batch.fail(&error));
        }
    }
}

async fn attempt(database: &Database, batches: &mut [Box<dyn Batch>], apart: bool) -> Result<(), StoreError> {
    let mut transaction = database.begin().await?;
    for batch in batches {
        let applied = if apart {
            batch.apply_apart(&mut transaction).await
        } else {
            batch.apply(&mut transaction).await
        };
        if let Err(error) = applied {
            // The connection is free again before the next attempt wants it.
            let _ = transaction.rollback().await;
            return Err(error);
        }
    }
    transaction.commit().await
}

/// However the task ends, also by a panic in a lane: who waits hears of it, and nobody waits in vain later.
struct CloseOnExit<'a> {
    shared: &'a Shared,
    shard: usize,
}

impl Drop for CloseOnExit<'_> {
    fn drop(&mut self) {
        drop(take(self.shared, |lane| lane.close(self.shard)));
    }
}
