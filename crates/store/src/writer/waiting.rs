//! What waits to be written, per writer task.

use std::sync::{Mutex, PoisonError};

use super::stopped;
use crate::StoreError;

/// One queue per writer task; `None` once that task takes no more.
pub(super) struct Waiting<T>(Vec<Mutex<Option<Vec<T>>>>);

impl<T> Waiting<T> {
    pub(super) fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| Mutex::new(Some(Vec::new()))).collect())
    }

    /// Puts one at the end, or gives it back with the reason.
    pub(super) fn push(&self, shard: usize, one: T) -> Result<(), (T, StoreError)> {
        let mut one = Some(one);
        self.with(shard, |queue| queue.as_mut().map(|queue| queue.extend(one.take())));
        one.map_or(Ok(()), |one| Err((one, stopped())))
    }

    /// Takes at most `most` from the front.
    pub(super) fn take(&self, shard: usize, most: usize) -> Vec<T> {
        let taken = self.with(shard, |queue| {
            let queue = queue.as_mut()?;
            let later = queue.split_off(most.min(queue.len()));
            Some(std::mem::replace(queue, later))
        });
        taken.unwrap_or_default()
    }

    /// Takes what is left and refuses what comes later.
    pub(super) fn close(&self, shard: usize) -> Vec<T> {
        self.with(shard, Option::take).unwrap_or_default()
    }

    fn with<R>(&self, shard: usize, act: impl FnOnce(&mut Option<Vec<T>>) -> Option<R>) -> Option<R> {
        act(&mut self.0.get(shard)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
