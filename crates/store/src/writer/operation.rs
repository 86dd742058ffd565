//! Closures that write, in the same transaction as the lanes. As long as none refuses, none needs a savepoint, for which
//! SQLite copies every page that is written behind it; if one does, all is undone and each runs again behind its own.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    lane::{AnyLane, Batch},
    waiting::Waiting,
};
use crate::{StoreError, sql::Transaction};

/// The operations that wait.
pub(super) struct Operations(Waiting<Box<dyn AnyOperation>>);

impl Operations {
    pub(super) fn new(shards: usize) -> Self {
        Self(Waiting::new(shards))
    }

    pub(super) fn push<T, E, F>(
        &self,
        shard: usize,
        run: F,
        reply: oneshot::Sender<Result<T, E>>,
        place: OwnedSemaphorePermit,
    ) -> Result<(), StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let operation = Box::new(Operation { run, outcome: None, reply, _place: place });
        self.0.push(shard, operation).map_err(|(_, error)| error)
    }
}

impl AnyLane for Operations {
    fn take(&self, shard: usize, most: usize) -> Option<Box<dyn Batch>> {
        batch(self.0.take(shard, most))
    }

    fn close(&self, shard: usize) -> Option<Box<dyn Batch>> {
        batch(self.0.close(shard))
    }
}

fn batch(operations: Vec<Box<dyn AnyOperation>>) -> Option<Box<dyn Batch>> {
    (!operations.is_empty()).then(|| Box::new(OperationBatch(operations)) as Box<dyn Batch>)
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}

struct Operation<T, E, F> {
    run: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    _place: OwnedSemaphorePermit,
}

#[async_trait]
trait AnyOperation: Send {
    /// Runs it; whether it did what it wanted.
    async fn apply(&mut self, transaction: &mut Transaction) -> bool;
    /// Runs it so that only its own work is undone if it refuses.
    async fn apply_apart(&mut self, transaction: &mut Transaction) -> Result<(), StoreError>;
    fn acknowledge(self: Box<Self>);
    fn fail(self: Box<Self>, error: &StoreError);
}

#[async_trait]
impl<T, E, F> AnyOperation for Operation<T, E, F>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
{
    async fn apply(&mut self, transaction: &mut Transaction) -> bool {
        let outcome = (self.run)(transaction).await;
        let done = outcome.is_ok();
        self.outcome = Some(outcome);
        done
    }

    async fn apply_apart(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        transaction.mark().await?;
        let outcome = (self.run)(transaction).await;
        match &outcome {
            Ok(_) => transaction.keep().await?,
            // Fails if the database is lost: then everything in the transaction is.
            Err(_) => transaction.undo().await?,
        }
        self.outcome = Some(outcome);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            let _ = self.reply.send(outcome);
        }
    }

    fn fail(self: Box<Self>, error: &StoreError) {
        let _ = self.reply.send(Err(error.clone().into()));
    }
}

struct OperationBatch(Vec<Box<dyn AnyOperation>>);

#[async_trait]
impl Batch for OperationBatch {
    fn len(&self) -> usize {
        self.0.len()
    }

    async fn apply(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        for operation in &mut self.0 {
            if !operation.apply(transaction).await {
                return Err(StoreError::Invalid("an operation refused".to_owned()));
            }
        }
        Ok(())
    }

    async fn apply_apart(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        for operation in &mut self.0 {
            operation.apply_apart(transaction).await?;
        }
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        self.0.into_iter().for_each(|operation| operation.acknowledge());
    }

    fn fail(self: Box<Self>, error: &StoreError) {
        self.0.into_iter().for_each(|operation| operation.fail(error));
    }
}
