//! The tables of resumable uploads.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};

use super::UploadId;
use crate::ids::BusinessId;

pub(crate) const MIGRATIONS: Module = Module {
    name: "uploads",
    migrations: &[Migration::new(
        "files that come in pieces",
        "CREATE TABLE uploads (
            id {bytes} PRIMARY KEY,
            business {integer} NOT NULL,
            mime_type TEXT NOT NULL,
            size {integer} NOT NULL,
            received {integer} NOT NULL,
            expires {integer}
        ) {options};
        CREATE INDEX uploads_of_business ON uploads (business);
        CREATE INDEX uploads_expire ON uploads (expires);
        CREATE TABLE upload_parts (
            upload {bytes} NOT NULL,
            start {integer} NOT NULL,
            size {integer} NOT NULL,
            blob TEXT NOT NULL,
            PRIMARY KEY (upload, start)
        ) {options};",
    )],
};

impl Column for UploadId {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get::<[u8; 16]>(column).map(Self)
    }
}

impl From<UploadId> for Value {
    fn from(id: UploadId) -> Self {
        id.0.into()
    }
}

::store::row! {
    /// An upload, without its bytes.
    #[derive(Debug, Clone)]
    pub(super) struct Stored from "uploads" {
        pub(super) id: UploadId,
        pub(super) business: BusinessId,
        pub(super) mime_type: String,
        pub(super) size: i64,
        pub(super) received: i64,
        pub(super) expires: Option<Timestamp>,
    }
}

::store::row! {
    /// A piece of one.
    #[derive(Debug, Clone)]
    pub(super) struct Part from "upload_parts" {
        pub(super) start: i64,
        pub(super) size: i64,
        pub(super) blob: String,
    }
}

pub(super) async fn insert(transaction: &mut Transaction, new: &Stored) -> Result<(), StoreError> {
    query(
        "INSERT INTO uploads (id, business, mime_type, size, received, expires) VALUES ($1, $2, $3, $4, 0, $5)",
    )
    .bind(new.id)
    .bind(new.business)
    .bind(&*new.mime_type)
    .bind(new.size)
    .bind(new.expires.map(|at| at.0))
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    /// What a business has.
    struct Held from "uploads" { unfinished: i64, bytes: i64 }
}

/// How many of a business are not finished, and how many bytes all are to have. Until the transaction ends nobody else
/// begins one, of a business that is here.
pub(super) async fn held(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<(i64, u64), StoreError> {
    let lock = Sql::each(
        "SELECT id FROM businesses WHERE id = $1",
        "SELECT id FROM businesses WHERE id = $1 FOR NO KEY UPDATE",
    );
    query(lock).bind(business).execute(transaction).await?;
    let held: Option<Held> = query(
        "SELECT COUNT(CASE WHEN received < size THEN 1 END) AS unfinished,
             CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
         FROM uploads WHERE business = $1",
    )
    .bind(business)
    .optional(transaction)
    .await?;
    Ok(held.map_or((0, 0), |held| (held.unfinished, held.bytes.cast_unsigned())))
}

pub(super) async fn get(reader: &mut Connection, id: UploadId) -> Result<Option<Stored>, StoreError> {
    query("SELECT id, business, mime_type, size, received, expires FROM uploads WHERE id = $1")
        .bind(id)
        .optional(reader)
        .await
}

/// Adds a piece behind those that are there; `false` if they end elsewhere.
pub(super) async fn add_part(
    transaction: &mut Transaction,
    id: UploadId,
    part: &Part,
    expires: Timestamp,
) -> Result<bool, StoreError> {
    let moved = query("UPDATE uploads SET received = $3, expires = $4 WHERE id = $1 AND received = $2")
        .bind(id)
        .bind(part.start)
        .bind(part.start + part.size)
        .bind(expires)
        .execute(transaction)
        .await?;
    if moved == 0 {
        return Ok(false);
    }
    query("INSERT INTO upload_parts (upload, start, size, blob) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(part.start)
        .bind(part.size)
        .bind(&*part.blob)
        .execute(transaction)
        .await?;
    Ok(true)
}

pub(super) async fn parts(reader: &mut Connection, id: UploadId) -> Result<Vec<Part>, StoreError> {
    query("SELECT start, size, blob FROM upload_parts WHERE upload = $1 ORDER BY start")
        .bind(id)
        .all(reader)
        .await
}

/// Until when it is kept; for ever if `None`.
pub(super) async fn keep(
    transaction: &mut Transaction,
    id: UploadId,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    query("UPDATE uploads SET expires = $2 WHERE id = $1")
        .bind(id)
        .bind(until.map(|at| at.0))
        .execute(transaction)
        .await
        .map(drop)
}

/// Those whose time is over, or whose business is gone.
pub(super) async fn expired(
    reader: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(
        "SELECT id, business, mime_type, size, received, expires FROM uploads
         WHERE expires <= $1 OR business NOT IN (SELECT id FROM businesses) LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .all(reader)
    .await
}

pub(super) async fn delete(transaction: &mut Transaction, id: UploadId) -> Result<(), StoreError> {
    for text in ["DELETE FROM upload_parts WHERE upload = $1", "DELETE FROM uploads WHERE id = $1"] {
        query(text).bind(id).execute(transaction).await?;
    }
    Ok(())
}
