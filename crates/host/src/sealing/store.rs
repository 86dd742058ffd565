//! The table of businesses' keys.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use crate::ids::BusinessId;

pub(crate) const MIGRATIONS: Module = Module {
    name: "sealing",
    migrations: &[Migration::new(
        "keys of businesses, wrapped",
        "CREATE TABLE business_keys (
            business {integer} NOT NULL,
            version {integer} NOT NULL,
            master {bytes} NOT NULL,
            wrapped {bytes} NOT NULL,
            created {integer} NOT NULL,
            PRIMARY KEY (business, version)
        ) {options};
        CREATE INDEX business_keys_under ON business_keys (master);",
    )],
};

/// From 1 to 255.
pub(super) struct Version(u8);

impl Column for Version {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let version: i64 = row.get(column)?;
        u8::try_from(version).map(Self).map_err(|error| ColumnError::new(column, error))
    }
}

::store::row! {
    struct Stored from "business_keys" {
        business: BusinessId,
        version: Version,
        master: [u8; 8],
        wrapped: Vec<u8>,
    }
}

/// A wrapped key.
#[derive(Clone)]
pub(super) struct Wrapped {
    pub(super) business: BusinessId,
    pub(super) version: u8,
    pub(super) master: [u8; 8],
    pub(super) wrapped: Vec<u8>,
}

impl From<Stored> for Wrapped {
    fn from(row: Stored) -> Self {
        Self { business: row.business, version: row.version.0, master: row.master, wrapped: row.wrapped }
    }
}

pub(super) async fn versions(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<Wrapped>, StoreError> {
    let rows: Vec<Stored> = query(
        "SELECT business, version, master, wrapped FROM business_keys WHERE business = $1 ORDER BY version",
    )
    .bind(business)
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Keys of any business.
pub(super) async fn all(reader: &mut Connection, limit: i64) -> Result<Vec<Wrapped>, StoreError> {
    let text =
        "SELECT business, version, master, wrapped FROM business_keys ORDER BY business, version LIMIT $1";
    let rows: Vec<Stored> = query(text).bind(limit).all(reader).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Whether there is a business, which has a key then. Among the other tables.
pub(super) async fn knows(reader: &mut Connection, business: BusinessId) -> Result<bool, StoreError> {
    let count: Option<i64> =
        query("SELECT COUNT(*) FROM businesses WHERE id = $1").bind(business).value(reader).await?;
    Ok(count.unwrap_or(0) > 0)
}

/// Keys that are not wrapped under this master key.
pub(super) async fn not_under(
    reader: &mut Connection,
    master: [u8; 8],
    limit: i64,
) -> Result<Vec<Wrapped>, StoreError> {
    let rows: Vec<Stored> = query(
        "SELECT business, version, master, wrapped FROM business_keys WHERE master <> $1
         ORDER BY business, version LIMIT $2",
    )
    .bind(master)
    .bind(limit)
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

::store::row! {
    struct Master from "business_keys" { master: [u8; 8] }
}

/// The master keys that keys are under.
pub(super) async fn masters(reader: &mut Connection) -> Result<Vec<[u8; 8]>, StoreError> {
    let rows: Vec<Master> = query("SELECT DISTINCT master FROM business_keys").all(reader).await?;
    Ok(rows.into_iter().map(|row| row.master).collect())
}

pub(super) async fn insert(
    transaction: &mut Transaction,
    business: BusinessId,
    version: u8,
    master: [u8; 8],
    wrapped: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO business_keys (business, version, master, wrapped, created) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (business, version) DO NOTHING",
    )
    .bind(business)
    .bind(i64::from(version))
    .bind(master)
    .bind(wrapped)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn replace(
    transaction: &mut Transaction,
    business: BusinessId,
    version: u8,
    master: [u8; 8],
    wrapped: &[u8],
) -> Result<(), StoreError> {
    query("UPDATE business_keys SET master = $3, wrapped = $4 WHERE business = $1 AND version = $2")
        .bind(business)
        .bind(i64::from(version))
        .bind(master)
        .bind(wrapped)
        .execute(transaction)
        .await
        .map(drop)
}

/// Deletes a business's keys.
pub(super) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    for row in versions(transaction, business).await? {
        remove(transaction, &row).await?;
    }
    Ok(())
}

/// Deletes a key. It is written over first: the page of a file keeps what is deleted from it.
pub(super) async fn remove(transaction: &mut Transaction, row: &Wrapped) -> Result<(), StoreError> {
    let nothing = vec![0; row.wrapped.len()];
    replace(transaction, row.business, row.version, row.master, &nothing).await?;
    query("DELETE FROM business_keys WHERE business = $1 AND version = $2")
        .bind(row.business)
        .bind(i64::from(row.version))
        .execute(transaction)
        .await
        .map(drop)
}
