//! The table of files.

use std::collections::BTreeMap;

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
    migrations: &[
        Migration::new(
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
        ),
        Migration::new(
            "how many bytes each business has, so that they need not be counted",
            "CREATE TABLE media_held (
            business {integer} PRIMARY KEY,
            bytes {integer} NOT NULL
        ) {options};
        INSERT INTO media_held (business, bytes)
            SELECT business, CAST(SUM(size) AS BIGINT) FROM media GROUP BY business;",
        ),
    ],
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

/// What came of writing a file down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    New,
    There,
    /// With it the business would have more than it may: undo it.
    TooMuch,
}

/// Writes a file down, unless it is there, and counts it.
pub(super) async fn insert(
    transaction: &mut Transaction,
    row: &Row,
    bound: u64,
) -> Result<Written, StoreError> {
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
    if inserted == 0 {
        return Ok(Written::There);
    }
    // The row stays locked until the transaction ends: all processes together keep to the bound.
    let held: Option<i64> = query(
        "INSERT INTO media_held (business, bytes) VALUES ($1, $2)
         ON CONFLICT (business) DO UPDATE SET bytes = media_held.bytes + excluded.bytes RETURNING bytes",
    )
    .bind(row.business)
    .bind(row.size)
    .value(transaction)
    .await?;
    Ok(if held.unwrap_or_default().cast_unsigned() > bound { Written::TooMuch } else { Written::New })
}

/// Bytes of a business's files.
pub(super) async fn held(reader: &mut Connection, business: BusinessId) -> Result<u64, StoreError> {
    let held: Option<i64> =
        query("SELECT bytes FROM media_held WHERE business = $1").bind(business).value(reader).await?;
    Ok(held.unwrap_or_default().cast_unsigned())
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

::store::row! {
    struct Gone from "media" { business: BusinessId, size: i64 }
}

/// Deletes files, and counts them no longer.
pub(super) async fn delete(transaction: &mut Transaction, ids: &[MediaId]) -> Result<(), StoreError> {
    let gone: Vec<Gone> = query("DELETE FROM media WHERE id IN (VALUES {rows}) RETURNING business, size")
        .rows(ids.iter().map(|id| [(*id).into()]))
        .all(transaction)
        .await?;
    let mut freed: BTreeMap<BusinessId, i64> = BTreeMap::new();
    for row in gone {
        *freed.entry(row.business).or_default() += row.size;
    }
    for (business, bytes) in freed {
        query("UPDATE media_held SET bytes = bytes - $2 WHERE business = $1")
            .bind(business)
            .bind(bytes)
            .execute(transaction)
            .await?;
        query("DELETE FROM media_held WHERE business = $1 AND bytes <= 0")
            .bind(business)
            .execute(transaction)
            .await?;
    }
    Ok(())
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
