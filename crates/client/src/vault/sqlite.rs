use std::{fmt, path::Path, time::Duration};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteRow, SqliteSynchronous},
};
use tokio::sync::Mutex;

use super::{
    Change, Order, Record, Space, Vault, VaultError, VaultKey,
    seal::{Row, Seal},
    vault_key::SALT,
};
use crate::Randomness;

/// A vault in a SQLite file, encrypted. A save that returned survives a loss of power.
pub struct SqliteVault {
    inner: Mutex<Inner>,
    seal: Seal,
}

struct Inner {
    connection: SqliteConnection,
    rng: Randomness,
}

impl fmt::Debug for SqliteVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteVault").finish_non_exhaustive()
    }
}

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS records (
        space INTEGER NOT NULL,
        name BLOB NOT NULL,
        owner BLOB NOT NULL,
        position INTEGER NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (space, name)
    );
    CREATE INDEX IF NOT EXISTS records_by_owner ON records (space, owner, position);
    CREATE INDEX IF NOT EXISTS records_by_position ON records (space, position);
";

/// The version of what is stored.
const FORMAT: &[u8] = b"1";

impl SqliteVault {
    /// Opens a vault, or makes it if it is not there. The file belongs to this process until it is dropped.
    ///
    /// # Errors
    /// [`VaultError::InUse`], [`VaultError::WrongKey`], [`VaultError::Unavailable`].
    pub async fn open(path: &Path, key: VaultKey, mut rng: Randomness) -> Result<Self, VaultError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // What is deleted, above all used keys, is to be gone.
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_millis(500));
        let mut connection = options.connect().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;

        let salt = match Self::meta(&mut connection, "salt").await? {
            Some(salt) => salt.try_into().map_err(|_| VaultError::Damaged)?,
            None => {
                let mut salt = [0; SALT];
                rng.fill_bytes(&mut salt);
                Self::set_meta(&mut connection, "salt", &salt).await?;
                salt
            }
        };
        let seal = Seal::new(&*key.derive(salt).await?);
        // Whether the key is right is told by the first thing that was sealed with it.
        let row = Row { space: Space::Own, name: b"check", owner: &[], position: 0 };
        match Self::meta(&mut connection, "check").await? {
            Some(check) => match seal.open(row, &check) {
                Ok(record) if *record.value == FORMAT => {}
                Ok(_) => return Err(VaultError::Damaged),
                Err(_) => return Err(VaultError::WrongKey),
            },
            None => {
                let record = Record { key: Vec::new(), position: 0, value: FORMAT.to_vec().into() };
                let check = seal.seal(row, &record, &mut rng)?;
                Self::set_meta(&mut connection, "check", &check).await?;
            }
        }
        Ok(Self { inner: Mutex::new(Inner { connection, rng }), seal })
    }

    /// Closes it, so that another process may open it at once.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    pub async fn close(self) -> Result<(), VaultError> {
        Ok(self.inner.into_inner().connection.close().await?)
    }

    async fn meta(connection: &mut SqliteConnection, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let found = sqlx::query_scalar("SELECT value FROM meta WHERE name = ?").bind(name);
        Ok(found.fetch_optional(connection).await?)
    }

    async fn set_meta(connection: &mut SqliteConnection, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let set = sqlx::query("INSERT INTO meta (name, value) VALUES (?, ?)").bind(name).bind(value);
        set.execute(connection).await?;
        Ok(())
    }

    fn record(&self, space: Space, row: &SqliteRow) -> Result<Record, VaultError> {
        let position: i64 = row.try_get("position")?;
        let row_of = Row {
            space,
            name: row.try_get("name")?,
            owner: row.try_get("owner")?,
            position: u64::try_from(position).map_err(|_| VaultError::Damaged)?,
        };
        self.seal.open(row_of, row.try_get("value")?)
    }
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        // The primary result codes SQLITE_BUSY, SQLITE_CORRUPT and SQLITE_NOTADB, in the low byte of the extended ones.
        match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xFF) {
            Some(5) => Self::InUse,
            Some(11 | 26) => Self::Damaged,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

fn sql(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

#[async_trait]
impl Vault for SqliteVault {
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError> {
        let found = {
            let mut inner = self.inner.lock().await;
            sqlx::query("SELECT name, owner, position, value FROM records WHERE space = ? AND name = ?")
                .bind(space as u8)
                .bind(self.seal.name(space, key))
                .fetch_optional(&mut inner.connection)
                .await?
        };
        let record = found.map(|row| self.record(space, &row)).transpose()?;
        // A name stands for one key; anything else was put there by somebody else.
        match record {
            Some(record) if record.key != key => Err(VaultError::Damaged),
            other => Ok(other),
        }
    }

    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        const COLUMNS: [&str; 4] = [
            "SELECT name, owner, position, value FROM records
             WHERE space = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
            "SELECT name, owner, position, value FROM records
             WHERE space = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3",
            "SELECT name, owner, position, value FROM records
             WHERE space = ?1 AND owner = ?4 AND position > ?2 ORDER BY position LIMIT ?3",
            "SELECT name, owner, position, value FROM records
             WHERE space = ?1 AND owner = ?4 AND position < ?2 ORDER BY position DESC LIMIT ?3",
        ];
        let [all_after, all_before, after, before] = COLUMNS;
        let (text, position) = match (order, owner) {
            (Order::After(position), None) => (all_after, position),
            (Order::Before(position), None) => (all_before, position),
            (Order::After(position), Some(_)) => (after, position),
            (Order::Before(position), Some(_)) => (before, position),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = sqlx::query(text).bind(space as u8).bind(sql(position)).bind(limit);
        if let Some(owner) = owner {
            query = query.bind(self.seal.owner(space, owner));
        }
        let rows = {
            let mut inner = self.inner.lock().await;
            query.fetch_all(&mut inner.connection).await?
        };
        rows.iter().map(|row| self.record(space, row)).collect()
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        let mut inner = self.inner.lock().await;
        let Inner { connection, rng } = &mut *inner;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for change in changes {
            match change {
                Change::Put { space, key, owner, position, value } => {
                    let (name, owner) = (self.seal.name(space, &key), self.seal.owner(space, &owner));
                    let row = Row { space, name: &name, owner: &owner, position };
                    let sealed = self.seal.seal(row, &Record { key, position, value }, rng)?;
                    sqlx::query(
                        "INSERT INTO records (space, name, owner, position, value) VALUES (?, ?, ?, ?, ?)
                         ON CONFLICT (space, name) DO UPDATE
                         SET owner = excluded.owner, position = excluded.position, value = excluded.value",
                    )
                    .bind(space as u8)
                    .bind(&name)
                    .bind(&owner)
                    .bind(sql(position))
                    .bind(sealed)
                    .execute(&mut *transaction)
                    .await?;
                }
                Change::Delete { space, key } => {
                    sqlx::query("DELETE FROM records WHERE space = ? AND name = ?")
                        .bind(space as u8)
                        .bind(self.seal.name(space, &key))
                        .execute(&mut *transaction)
                        .await?;
                }
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}
