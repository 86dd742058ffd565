//! A connection, and a transaction on one.

use std::ops::{Deref, DerefMut};

use sqlx::{Postgres, Sqlite, pool::PoolConnection, postgres::PgConnection, sqlite::SqliteConnection};

use super::{Engine, query};
use crate::StoreError;

/// A connection on which statements run. Goes back to its pool when dropped.
#[derive(Debug)]
pub struct Connection(pub(super) Inner);

#[derive(Debug)]
pub(super) enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

/// The engine's own connection, for the few lines that must know which it is.
pub(super) enum Raw<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Connection {
    pub(super) fn raw(&mut self) -> Raw<'_> {
        match &mut self.0 {
            Inner::Sqlite(connection) => Raw::Sqlite(connection),
            Inner::SqliteTransaction(transaction) => Raw::Sqlite(transaction),
            Inner::Postgres(connection) => Raw::Postgres(connection),
            Inner::PostgresTransaction(transaction) => Raw::Postgres(transaction),
        }
    }

    /// Which engine is at the other end.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.0 {
            Inner::Sqlite(_) | Inner::SqliteTransaction(_) => Engine::Sqlite,
            Inner::Postgres(_) | Inner::PostgresTransaction(_) => Engine::Postgres,
        }
    }
}

/// A transaction that writes. Dropped without [`commit`](Self::commit), it leaves no trace.
#[derive(Debug)]
pub struct Transaction(pub(super) Connection);

impl Transaction {
    /// Makes everything done in it durable, all or none.
    ///
    /// # Errors
    /// `Conflict` for a deferred constraint; `Unavailable` if the database was lost meanwhile, and then it is unknown
    /// whether it happened.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.0.0 {
            Inner::SqliteTransaction(transaction) => transaction.commit().await?,
            Inner::PostgresTransaction(transaction) => transaction.commit().await?,
            Inner::Sqlite(_) | Inner::Postgres(_) => {}
        }
        Ok(())
    }

    /// Undoes everything done in it now, and not at some time after it is dropped.
    ///
    /// # Errors
    /// `Unavailable`; it is undone nevertheless.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.0.0 {
            Inner::SqliteTransaction(transaction) => transaction.rollback().await?,
            Inner::PostgresTransaction(transaction) => transaction.rollback().await?,
            Inner::Sqlite(_) | Inner::Postgres(_) => {}
        }
        Ok(())
    }

    /// Runs `work` so that its failure undoes only what it did itself, and the transaction goes on.
    ///
    /// # Errors
    /// Those of `work`; and `Unavailable`, with which the transaction is lost.
    pub async fn attempt<T, E: From<StoreError>>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.mark().await?;
        let outcome = work(self).await;
        match &outcome {
            Ok(_) => self.keep().await?,
            Err(_) => self.undo().await?,
        }
        outcome
    }

    /// Sets a mark to which [`undo`](Self::undo) returns.
    pub(crate) async fn mark(&mut self) -> Result<(), StoreError> {
        query("SAVEPOINT mark").execute(self).await.map(drop)
    }

    /// Forgets the last mark and keeps what was done since.
    pub(crate) async fn keep(&mut self) -> Result<(), StoreError> {
        query("RELEASE SAVEPOINT mark").execute(self).await.map(drop)
    }

    /// Undoes what was done since the last mark, and forgets it. Where there is no mark any more, there is no
    /// transaction either: when the disk fails, SQLite undoes all of it.
    pub(crate) async fn undo(&mut self) -> Result<(), StoreError> {
        let undone = query("ROLLBACK TO SAVEPOINT mark").execute(self).await;
        undone.map_err(StoreError::unavailable)?;
        self.keep().await
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}
