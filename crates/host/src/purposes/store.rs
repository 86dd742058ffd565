//! The tables of instructions and of the log.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};

use super::{
    Instructions,
    log::{BEGINNING, Entry, hex},
};
use crate::ids::BusinessId;

pub(crate) const MIGRATIONS: Module = Module {
    name: "purposes",
    migrations: &[Migration::new(
        "what businesses allow, and what was read",
        "CREATE TABLE instructions (
            business {integer} PRIMARY KEY,
            document TEXT NOT NULL,
            since {integer} NOT NULL
        ) {options};
        CREATE TABLE reading_heads (
            business {integer} PRIMARY KEY,
            seq {integer} NOT NULL,
            hash {bytes} NOT NULL
        ) {options};
        CREATE TABLE readings (
            business {integer} NOT NULL,
            seq {integer} NOT NULL,
            at {integer} NOT NULL,
            purpose TEXT NOT NULL,
            reader TEXT NOT NULL,
            subject TEXT NOT NULL,
            names TEXT NOT NULL,
            refused {boolean} NOT NULL,
            hash {bytes} NOT NULL,
            PRIMARY KEY (business, seq)
        ) {options};",
    )],
};

::store::row! {
    struct Stored from "instructions" { document: String }
}

pub(super) async fn instructions(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Option<Instructions>, StoreError> {
    let found: Option<Stored> = query("SELECT document FROM instructions WHERE business = $1")
        .bind(business)
        .optional(reader)
        .await?;
    let Some(found) = found else { return Ok(None) };
    serde_json::from_str(&found.document)
        .map(Some)
        .map_err(|error| inconsistent("instructions", "document", error))
}

pub(super) async fn instruct(
    transaction: &mut Transaction,
    business: BusinessId,
    instructions: &Instructions,
    now: Timestamp,
) -> Result<(), StoreError> {
    let document =
        serde_json::to_string(instructions).map_err(|error| StoreError::Invalid(error.to_string()))?;
    query(
        "INSERT INTO instructions (business, document, since) VALUES ($1, $2, $3)
         ON CONFLICT (business) DO UPDATE SET document = excluded.document, since = excluded.since",
    )
    .bind(business)
    .bind(document)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    struct HeadRow from "reading_heads" { seq: i64, hash: [u8; 32] }
}

/// The last entry of a business's log; its row stays locked until the transaction ends, so that two processes do not
/// follow the same entry.
pub(super) async fn head(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<(u64, [u8; 32]), StoreError> {
    query("INSERT INTO reading_heads (business, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (business) DO NOTHING")
        .bind(business)
        .bind(BEGINNING)
        .execute(transaction)
        .await?;
    let text = ::store::sql::Sql::each(
        "SELECT seq, hash FROM reading_heads WHERE business = $1",
        "SELECT seq, hash FROM reading_heads WHERE business = $1 FOR UPDATE",
    );
    let found: Option<HeadRow> = query(text).bind(business).optional(transaction).await?;
    Ok(found.map_or((0, BEGINNING), |row| (row.seq.cast_unsigned(), row.hash)))
}

/// The last entry of a business's log.
pub(super) async fn last(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<(u64, [u8; 32]), StoreError> {
    let found: Option<HeadRow> = query("SELECT seq, hash FROM reading_heads WHERE business = $1")
        .bind(business)
        .optional(reader)
        .await?;
    Ok(found.map_or((0, BEGINNING), |row| (row.seq.cast_unsigned(), row.hash)))
}

pub(super) async fn set_head(
    transaction: &mut Transaction,
    business: BusinessId,
    seq: u64,
    hash: [u8; 32],
) -> Result<(), StoreError> {
    query("UPDATE reading_heads SET seq = $2, hash = $3 WHERE business = $1")
        .bind(business)
        .bind(seq.cast_signed())
        .bind(hash)
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn append(
    transaction: &mut Transaction,
    business: BusinessId,
    entries: &[(Entry, [u8; 32])],
) -> Result<(), StoreError> {
    let mut rows: Vec<[Value; 9]> = Vec::with_capacity(entries.len());
    for (entry, hash) in entries {
        let names =
            serde_json::to_string(&entry.names).map_err(|error| StoreError::Invalid(error.to_string()))?;
        rows.push([
            business.into(),
            entry.seq.cast_signed().into(),
            entry.at.into(),
            entry.purpose.as_str().into(),
            entry.reader.as_str().into(),
            entry.subject.as_str().into(),
            names.into(),
            entry.refused.into(),
            (*hash).into(),
        ]);
    }
    query(
        "INSERT INTO readings (business, seq, at, purpose, reader, subject, names, refused, hash) VALUES {rows}",
    )
    .rows(rows)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    struct Reading from "readings" {
        seq: i64,
        at: i64,
        purpose: String,
        reader: String,
        subject: String,
        names: String,
        refused: bool,
        hash: [u8; 32],
    }
}

/// Entries after this one, in order.
pub(super) async fn entries(
    reader: &mut Connection,
    business: BusinessId,
    after: u64,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let rows: Vec<Reading> = query(
        "SELECT seq, at, purpose, reader, subject, names, refused, hash FROM readings
         WHERE business = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(business)
    .bind(after.cast_signed())
    .bind(limit)
    .all(reader)
    .await?;
    let entry = |row: Reading| {
        let names = serde_json::from_str(&row.names);
        Ok(Entry {
            seq: row.seq.cast_unsigned(),
            at: row.at,
            purpose: row.purpose,
            reader: row.reader,
            subject: row.subject,
            names: names.map_err(|error| inconsistent("readings", "names", error))?,
            refused: row.refused,
            hash: hex(&row.hash),
        })
    };
    rows.into_iter().map(entry).collect()
}

fn inconsistent(table: &'static str, column: &str, error: serde_json::Error) -> StoreError {
    ::store::sql::ColumnError::new(column, error).within(table)
}

/// Deletes what a business allows. The log of what was read stays: it is the proof of what was done before.
pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    query("DELETE FROM instructions WHERE business = $1").bind(business).execute(transaction).await.map(drop)
}
