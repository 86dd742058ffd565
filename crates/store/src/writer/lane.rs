//! Items of one kind, from many callers, on their way into one statement.

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Shared, stopped, waiting::Waiting};
use crate::{StoreError, sql::Transaction};

/// A kind of write that is frequent, and how to do many of them at once.
pub trait Lane: Send + Sync + 'static {
    /// What a caller hands in.
    type Item: Send + Sync + 'static;
    /// What a caller gets back. What may befall a single item in the course of things ("the queue is full") belongs
    /// here and not among the errors, which make the whole batch run again in halves.
    type Output: Send + 'static;

    /// Writes all `items`; one output for each, in their order. May be called again with the same items, after what it
    /// did was undone.
    fn apply(
        &self,
        transaction: &mut Transaction,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Output>, StoreError>> + Send;

    /// Items with the same key are written in the order they were submitted; those with different keys may be written
    /// side by side on PostgreSQL. Without one, all are in order.
    fn key(&self, _item: &Self::Item) -> u64 {
        0
    }

    /// This item is at fault and will not be written, though others of its transaction may be; before any later one is.
    /// For a lane whose items build upon each other.
    fn refused(&self, _item: &Self::Item) {}

    /// The transaction of the last [`apply`](Self::apply) has ended; before any caller hears of it. `committed` is false
    /// also if that is not known. For a lane that remembers what it has written; on PostgreSQL several transactions may
    /// be under way at once.
    fn ended(&self, _committed: bool) {}
}

/// Where the items of a lane are handed in.
pub struct LaneHandle<L: Lane> {
    shared: Arc<Shared>,
    queue: Arc<LaneQueue<L>>,
}

impl<L: Lane> LaneHandle<L> {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<LaneQueue<L>>) -> Self {
        Self { shared, queue }
    }

    /// Hands in an item and waits until it is committed. Whoever stops waiting does not stop the write.
    ///
    /// # Errors
    /// `Busy` at once if too much is waiting; what `apply` says of this item by itself; `Unavailable`, with which it
    /// may or may not have been written if the database was lost during the commit.
    pub async fn submit(&self, item: L::Item) -> Result<L::Output, StoreError> {
        let (reply, answer) = oneshot::channel();
        let answer_it = move |outcome| {
            // Who no longer waits does not need to know.
            let _ = reply.send(outcome);
        };
        self.hand_in(item, answer_it)?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Hands in an item, for a caller that does not wait in a task of its own. `answer` is called once, later, on the
    /// writer's task, with what [`submit`](Self::submit) would return. It must not block.
    ///
    /// # Errors
    /// `Busy` at once if too much is waiting, `Unavailable` if the writer has stopped; then `answer` is not called.
    pub fn hand_in(
        &self,
        item: L::Item,
        answer: impl FnOnce(Result<L::Output, StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let place = self.shared.place()?;
        let shard = self.shared.announce(self.queue.lane.key(&item));
        let caller = Caller { answer: Some(Box::new(answer)), _place: place };
        self.queue.waiting.push(shard, (item, caller)).map_err(|((_, mut caller), error)| {
            caller.answer = None;
            error
        })?;
        self.shared.wake(shard);
        Ok(())
    }
}

impl<L: Lane> Clone for LaneHandle<L> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), queue: self.queue.clone() }
    }
}

impl<L: Lane> fmt::Debug for LaneHandle<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneHandle").finish_non_exhaustive()
    }
}

/// What the writer's tasks see of any lane.
pub(super) trait AnyLane: Send + Sync + fmt::Debug {
    /// Takes at most `most` of what waits in `shard`.
    fn take(&self, shard: usize, most: usize) -> Option<Box<dyn Batch>>;
    /// Takes all that is left in `shard` and refuses what comes later.
    fn close(&self, shard: usize) -> Option<Box<dyn Batch>>;
}

/// Some items of a lane, with their callers.
#[async_trait]
pub(super) trait Batch: Send {
    fn len(&self) -> usize;
    /// Writes all of it.
    async fn apply(&mut self, transaction: &mut Transaction) -> Result<(), StoreError>;
    /// Writes what can be written of it and notes for each item whether it was; an error loses the transaction.
    async fn apply_apart(&mut self, transaction: &mut Transaction) -> Result<(), StoreError>;
    /// After the commit: tells each caller what was noted.
    fn acknowledge(self: Box<Self>);
    /// Tells all callers that nothing was written.
    fn fail(self: Box<Self>, error: &StoreError);
}

pub(super) struct LaneQueue<L: Lane> {
    lane: Arc<L>,
    waiting: Waiting<(L::Item, Caller<L::Output>)>,
}

type Answer<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

struct Caller<T> {
    answer: Option<Answer<T>>,
    /// Kept until the caller has its answer.
    _place: OwnedSemaphorePermit,
}

impl<T> Caller<T> {
    fn answer(mut self, outcome: Result<T, StoreError>) {
        if let Some(answer) = self.answer.take() {
            answer(outcome);
        }
    }
}

impl<T> Drop for Caller<T> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer(Err(stopped()));
        }
    }
}

impl<L: Lane> LaneQueue<L> {
    pub(super) fn new(lane: L, shards: usize) -> Self {
        Self { lane: Arc::new(lane), waiting: Waiting::new(shards) }
    }

    fn batch(&self, waiting: Vec<(L::Item, Caller<L::Output>)>) -> Option<Box<dyn Batch>> {
        if waiting.is_empty() {
            return None;
        }
        let (items, callers) = waiting.into_iter().unzip();
        Some(Box::new(LaneBatch { lane: self.lane.clone(), items, callers, outcomes: Vec::new() }))
    }
}

impl<L: Lane> AnyLane for LaneQueue<L> {
    fn take(&self, shard: usize, most: usize) -> Option<Box<dyn Batch>> {
        self.batch(self.waiting.take(shard, most))
    }

    fn close(&self, shard: usize) -> Option<Box<dyn Batch>> {
        self.batch(self.waiting.close(shard))
    }
}

impl<L: Lane> fmt::Debug for LaneQueue<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneQueue").finish_non_exhaustive()
    }
}

struct LaneBatch<L: Lane> {
    lane: Arc<L>,
    items: Vec<L::Item>,
    callers: Vec<Caller<L::Output>>,
    outcomes: Vec<Result<L::Output, StoreError>>,
}

/// Writes some items of a lane, and counts what it gives back.
async fn write<L: Lane>(
    lane: &L,
    transaction: &mut Transaction,
    items: Option<&[L::Item]>,
) -> Result<Vec<L::Output>, StoreError> {
    let items = items.unwrap_or_default();
    let outputs = lane.apply(transaction, items).await?;
    if outputs.len() == items.len() {
        return Ok(outputs);
    }
    Err(StoreError::Invalid(format!("a lane gave {} outputs for {} items", outputs.len(), items.len())))
}

#[async_trait]
impl<L: Lane> Batch for LaneBatch<L> {
    fn len(&self) -> usize {
        self.items.len()
    }

    async fn apply(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let outputs = write(&*self.lane, transaction, Some(&self.items)).await?;
        self.outcomes = outputs.into_iter().map(Ok).collect();
        Ok(())
    }

    async fn apply_apart(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        self.outcomes.clear();
        // Halves that are still to be written, the first on top.
        let mut parts = Vec::from([(0, self.items.len())]);
        while let Some((start, end)) = parts.pop() {
            transaction.mark().await?;
            match write(&*self.lane, transaction, self.items.get(start..end)).await {
                Ok(outputs) => {
                    transaction.keep().await?;
                    self.outcomes.extend(outputs.into_iter().map(Ok));
                }
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    transaction.undo().await?;
                    if end - start <= 1 {
                        self.items.get(start).into_iter().for_each(|item| self.lane.refused(item));
                        self.outcomes.push(Err(error));
                        continue;
                    }
                    let middle = start + (end - start) / 2;
                    parts.push((middle, end));
                    parts.push((start, middle));
                }
            }
        }
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        self.lane.ended(true);
        for (caller, outcome) in self.callers.into_iter().zip(self.outcomes) {
            caller.answer(outcome);
        }
    }

    fn fail(self: Box<Self>, error: &StoreError) {
        self.lane.ended(false);
        for caller in self.callers {
            caller.answer(Err(error.clone()));
        }
    }
}
