//! The table of files.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use crate::ids::{BusinessId, MediaId, NumberId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "media",
    migrations: &[Migration::new(
        "files",
        "CREATE TABLE media (
            id {integer} PRIMARY KEY,
            number {integer} NOT NULL,
            business {integer} NOT NULL,
            mime_type TEXT NOT NULL,
            size {integer} NOT NULL,
            blob TEXT NOT NULL,
            sealed {bytes} NOT NULL,
            expires {integer} NOT NULL,
            relay {bytes},
            relay_until {integer}
        ) {options};
        CREATE INDEX media_expire ON media (expires);
        CREATE INDEX media_of_business ON media (business);",
    )],
};

::store::row! {
    /// A file.
    pub(super) struct Row from "media" {
        pub(super) id: MediaId,
        pub(super) number: NumberId,
        pub(super) business: BusinessId,
        pub(super) mime_type: String,
        pub(super) size: i64,
        pub(super) blob: String,
        pub(super) sealed: Vec<u8>,
        pub(super) expires: Timestamp,
        pub(super) relay: Option<Vec<u8>>,
        pub(super) relay_until: Option<Timestamp>,
    }
}

/// Writes a file down, unless it is there.
pub(super) async fn insert(transaction: &mut Transaction, row: &Row) -> Result<bool, StoreError> {
    let inserted = query(
        "INSERT INTO media (id, number, business, mime_type, size, blob, sealed, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    )
    .bind(row.id)
    .bind(row.number)
    .bind(row.business)
    .bind(&*row.mime_type)
    .bind(row.size)
    .bind(&*row.blob)
    .bind(&*row.sealed)
    .bind(row.expires)
    .execute(transaction)
    .await?;
    Ok(inserted == 1)
}

pub(super) async fn by_ids(reader: &mut Connection, ids: &[MediaId]) -> Result<Vec<Row>, StoreError> {
    query("SELECT * FROM media WHERE id IN (VALUES {rows})")
        .rows(ids.iter().map(|id| [(*id).into()]))
        .all(reader)
        .await
}

pub(super) async fn expired(
    reader: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    query("SELECT * FROM media WHERE expires <= $1 ORDER BY expires LIMIT $2")
        .bind(now)
        .bind(limit)
        .all(reader)
        .await
}

pub(super) async fn of_business(
    reader: &mut Connection,
    business: BusinessId,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    query("SELECT * FROM media WHERE business = $1 LIMIT $2").bind(business).bind(limit).all(reader).await
}

::store::row! {
    struct IdRow from "media" { id: MediaId }
}

/// Files of a business that are not over, after this one.
pub(super) async fn after(
    reader: &mut Connection,
    business: BusinessId,
    after: i64,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<MediaId>, StoreError> {
    let rows: Vec<IdRow> =
        query("SELECT id FROM media WHERE business = $1 AND id > $2 AND expires > $3 ORDER BY id LIMIT $4")
            .bind(business)
            .bind(after)
            .bind(now)
            .bind(limit)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

pub(super) async fn delete(transaction: &mut Transaction, ids: &[MediaId]) -> Result<(), StoreError> {
    query("DELETE FROM media WHERE id IN (VALUES {rows})")
        .rows(ids.iter().map(|id| [(*id).into()]))
        .execute(transaction)
        .await
        .map(drop)
}

/// It is at the relay too, until then.
pub(super) async fn set_relay(
    transaction: &mut Transaction,
    id: MediaId,
    sealed: &[u8],
    until: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE media SET relay = $2, relay_until = $3 WHERE id = $1")
        .bind(id)
        .bind(sealed)
        .bind(until)
        .execute(transaction)
        .await
        .map(drop)
}
