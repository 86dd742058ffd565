//! The handle, and what it is opened from.

use std::{path::Path, time::Duration};

use serde::Deserialize;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgPool, SqlitePool,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    Connection, Transaction,
    connection::{Inner, Raw},
    owner::Owner,
};
use crate::{Location, StoreError};

/// How many prepared statements a connection keeps: those of all features, and the sizes of their [`super::Rows`].
const STATEMENTS_KEPT: usize = 500;

/// Which of the two speaks SQL here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, in this process.
    Sqlite,
    /// A server that speaks PostgreSQL's protocol.
    Postgres,
}

impl Engine {
    /// How many parameters a statement may have.
    pub(super) const fn most_parameters(self) -> usize {
        match self {
            Self::Sqlite => 32_766,
            Self::Postgres => 65_535,
        }
    }
}

/// Where the database is and how many connections to keep to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH`, a file that is made if it is not there, or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: Location,
    /// Connections besides the writing one of SQLite; all connections to PostgreSQL. Default 8.
    #[serde(default = "connections")]
    pub connections: u32,
    /// How long a caller waits for a connection, or SQLite for another process, before `Unavailable`. Default 5000.
    #[serde(default = "wait_ms")]
    pub wait_ms: u64,
    /// Whether others that say the same may open the file of SQLite meanwhile: for tools and tests. A server is its
    /// file's only owner. Default false.
    #[serde(default)]
    pub shared: bool,
    /// Whether SQLite overwrites what is deleted: for keys. Default false.
    #[serde(default)]
    pub overwrite: bool,
}

const fn connections() -> u32 {
    8
}

const fn wait_ms() -> u64 {
    5000
}

impl DatabaseConfig {
    /// This database, with defaults for everything else.
    pub fn at(url: impl Into<Location>) -> Self {
        Self {
            url: url.into(),
            connections: connections(),
            wait_ms: wait_ms(),
            shared: false,
            overwrite: false,
        }
    }
}

/// A database, on either engine. Clones share their connections.
///
/// SQLite: write-ahead log, `synchronous=FULL` (a commit is on disk), foreign keys, one connection that writes and some
/// that only read; the file has one owner, unless the configuration says otherwise. PostgreSQL: one pool; a server with
/// `synchronous_commit` off is told otherwise.
#[derive(Debug, Clone)]
pub struct Database(Pools);

#[derive(Debug, Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool, owner: Owner },
    Postgres(PgPool),
}

impl Database {
    /// Connects, and makes the file of SQLite if it is not there. Tables are the business of [`super::migrations`].
    ///
    /// # Errors
    /// `Invalid` for a URL that is neither; `Unavailable` if there is nobody at home, or if another process has the
    /// file of SQLite open.
    pub async fn open(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let wait = Duration::from_millis(config.wait_ms);
        let url = config.url.expose();
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = Path::new(path);
            let owner = Owner::of(path, config.shared, wait).await?;
            return open_sqlite(path, owner, config, wait).await;
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return open_postgres(url, config.connections, wait).await;
        }
        Err(StoreError::Invalid(format!("{}: a database is sqlite:PATH or postgres://…", config.url)))
    }

    /// The same for a command that works beside a server for a while: of SQLite it takes no file for itself, and writes
    /// when it is its turn. Nothing that it writes wakes the server.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn beside(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let wait = Duration::from_millis(config.wait_ms);
        match config.url.expose().strip_prefix("sqlite:") {
            Some(path) => open_sqlite(Path::new(path), Owner::beside(), config, wait).await,
            None => Self::open(config).await,
        }
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.0 {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// Whether no other process can have it open: then whatever an earlier one held there is nobody's.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        match &self.0 {
            Pools::Sqlite { owner, .. } => owner.is_alone(),
            Pools::Postgres(_) => false,
        }
    }

    /// A connection for reading. With SQLite it cannot write.
    ///
    /// # Errors
    /// `Unavailable`, also when none becomes free in time.
    pub async fn reader(&self) -> Result<Connection, StoreError> {
        Ok(Connection(match &self.0 {
            Pools::Sqlite { readers, .. } => Inner::Sqlite(readers.acquire().await?),
            Pools::Postgres(pool) => Inner::Postgres(pool.acquire().await?),
        }))
    }

    /// Begins a transaction that writes. With SQLite there is one at a time: a server writes through
    /// [`Writer`](crate::writer::Writer), this is for what runs before it.
    ///
    /// # Errors
    /// `Unavailable`, also when none becomes free in time.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction(Connection(match &self.0 {
            Pools::Sqlite { writer, .. } => {
                Inner::SqliteTransaction(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pools::Postgres(pool) => Inner::PostgresTransaction(pool.begin().await?),
        })))
    }

    /// Whether SQLite overwrites from now on what is deleted.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_overwrite(&self, overwrite: bool) -> Result<(), StoreError> {
        let Pools::Sqlite { writer, .. } = &self.0 else { return Ok(()) };
        let text = if overwrite { "PRAGMA secure_delete = ON" } else { "PRAGMA secure_delete = OFF" };
        // It answers what it is now.
        sqlx::query(text).fetch_all(writer).await?;
        Ok(())
    }

    /// Empties SQLite's write-ahead log into its file, so that what was deleted stands there no longer; a PostgreSQL server
    /// keeps its own log as it was told to. Whether it could: somebody may just be reading.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        let Pools::Sqlite { writer, .. } = &self.0 else { return Ok(true) };
        let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer).await?;
        Ok(busy == 0)
    }

    /// Closes all connections, when those who hold one have given it back.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { writer, readers, owner } => {
                readers.close().await;
                // The last to close moves the write-ahead log into the file.
                writer.close().await;
                owner.leave();
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Runs several statements without parameters, as migrations are.
pub(super) async fn execute_script(connection: &mut Connection, script: String) -> Result<(), StoreError> {
    let script = sqlx::raw_sql(AssertSqlSafe(script));
    match connection.raw() {
        Raw::Sqlite(raw) => raw.execute(script).await.map(drop)?,
        Raw::Postgres(raw) => raw.execute(script).await.map(drop)?,
    }
    Ok(())
}

async fn open_sqlite(
    path: &Path,
    owner: Owner,
    config: &DatabaseConfig,
    wait: Duration,
) -> Result<Database, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(wait)
        // Sorting and the like is small and short-lived: not worth a file.
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(STATEMENTS_KEPT);
    let writing = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Every 1000 pages, as is the default, means every few commits. A queue's rows are mostly gone again when
        // 16,000 (64 MiB) have come together, and a page that many commits changed is copied into the file once.
        .pragma("wal_autocheckpoint", "16000")
        // A log that once grew is cut back to 64 MiB.
        .pragma("journal_size_limit", (64 << 20).to_string())
        .pragma("secure_delete", if config.overwrite { "ON" } else { "OFF" })
        // In KiB, being negative: the indexes that inserts go to, and what a large transaction changes.
        .pragma("cache_size", "-65536");
    // The connections are to a file in this process: there is nothing to test before they are used.
    let pool = PoolOptions::new().acquire_timeout(wait).test_before_acquire(false).idle_timeout(None);
    let writer = pool
        .clone()
        .max_connections(1)
        .max_lifetime(None)
        // When the disk fails a commit, SQLite has undone it already; sqlx still counts the transaction and would begin
        // no other on this connection. Nor is one used again on which a transaction was left open.
        .after_release(|connection: &mut SqliteConnection, _| {
            Box::pin(async move {
                if connection.is_in_transaction() {
                    // One that was dropped is undone by the connection's own thread, in its turn.
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(writing)
        .await?;
    // Little for each of them, since there are several; the system's cache stands behind.
    let reading = options.read_only(true).pragma("cache_size", "-512");
    let readers = pool.max_connections(config.connections.max(1)).connect_with(reading).await?;
    Ok(Database(Pools::Sqlite { writer, readers, owner }))
}

async fn open_postgres(url: &str, connections: u32, wait: Duration) -> Result<Database, StoreError> {
    let options = url.parse::<PgConnectOptions>()?.statement_cache_capacity(STATEMENTS_KEPT);
    let pool = PoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(wait)
        .after_connect(|connection: &mut PgConnection, _| {
            Box::pin(async move {
                // What is acknowledged must be on disk. A stricter setting than `on` stays.
                let durable = "SELECT set_config('synchronous_commit', 'on', false)
                    WHERE current_setting('synchronous_commit') = 'off'";
                connection.execute(durable).await.map(drop)
            })
        })
        .connect_with(options)
        .await?;
    Ok(Database(Pools::Postgres(pool)))
}
