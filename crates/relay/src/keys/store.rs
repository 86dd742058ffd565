//! The tables of prekeys.

use std::collections::HashMap;

use store::{
    StoreError,
    sql::{
        Connection, Sql, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};
use wire::limits;

use super::{Signed, Upload};
use crate::devices::DeviceKey;

/// A one-time curve key.
pub(super) const ONE_TIME: i64 = 0;
/// A one-time KEM key.
pub(super) const KEM: i64 = 1;

pub(crate) const MIGRATIONS: Module = Module {
    name: "keys",
    migrations: &[Migration::new(
        "current keys of devices, and one-time prekeys in the order in which they came",
        "CREATE TABLE current_keys (
            device_key {integer} PRIMARY KEY REFERENCES devices (key),
            signed_id {integer} NOT NULL,
            signed_public {bytes} NOT NULL,
            signed_signature {bytes} NOT NULL,
            kem_id {integer} NOT NULL,
            kem_public {bytes} NOT NULL,
            kem_signature {bytes} NOT NULL
        ) {options};
        CREATE TABLE one_time_keys (
            seq {sequence},
            device_key {integer} NOT NULL REFERENCES devices (key),
            kind {integer} NOT NULL,
            id {integer} NOT NULL,
            public_key {bytes} NOT NULL,
            signature {bytes},
            UNIQUE (device_key, kind, id)
        ) {options};
        CREATE INDEX one_time_keys_in_order ON one_time_keys (device_key, kind, seq);",
    )],
};

store::row! {
    pub(super) struct Current from "current_keys" {
        pub(super) device_key: DeviceKey,
        pub(super) signed_id: i64,
        pub(super) signed_public: Vec<u8>,
        pub(super) signed_signature: Vec<u8>,
        pub(super) kem_id: i64,
        pub(super) kem_public: Vec<u8>,
        pub(super) kem_signature: Vec<u8>,
    }
}

store::row! {
    pub(super) struct Taken from "one_time_keys" {
        pub(super) device_key: DeviceKey,
        pub(super) kind: i64,
        pub(super) id: i64,
        pub(super) public_key: Vec<u8>,
        pub(super) signature: Option<Vec<u8>>,
    }
}

store::row! {
    struct Count from "one_time_keys" { device_key: DeviceKey, kind: i64, left_over: i64 }
}

/// Stores what a device offers; of one-time keys only the newest are kept.
pub(crate) async fn put(
    transaction: &mut Transaction,
    device: DeviceKey,
    upload: &Upload,
) -> Result<(), StoreError> {
    match (&upload.signed, &upload.last_resort) {
        (Some(signed), Some(kem)) => put_both(transaction, device, signed, kem).await?,
        (Some(signed), None) => replace(transaction, device, SIGNED, signed).await?,
        (None, Some(kem)) => replace(transaction, device, LAST_RESORT, kem).await?,
        (None, None) => {}
    }
    let one_time = upload.one_time.iter().map(|key| {
        let none: Option<Vec<u8>> = None;
        [device.into(), ONE_TIME.into(), key.id.into(), key.public_key.clone().into(), none.into()]
    });
    let kem = upload.one_time_kem.iter().map(|key| {
        let (public_key, signature) = (key.public_key.clone(), key.signature.clone());
        [device.into(), KEM.into(), key.id.into(), public_key.into(), signature.into()]
    });
    let rows: Vec<[Value; 5]> = one_time.chain(kem).collect();
    if rows.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO one_time_keys (device_key, kind, id, public_key, signature) VALUES {rows}
         ON CONFLICT (device_key, kind, id)
         DO UPDATE SET public_key = excluded.public_key, signature = excluded.signature",
    )
    .rows(rows)
    .execute(transaction)
    .await?;
    for kind in [ONE_TIME, KEM] {
        trim(transaction, device, kind).await?;
    }
    Ok(())
}

async fn put_both(
    transaction: &mut Transaction,
    device: DeviceKey,
    signed: &Signed,
    kem: &Signed,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO current_keys (device_key, signed_id, signed_public, signed_signature, kem_id, kem_public,
            kem_signature) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (device_key) DO UPDATE SET signed_id = excluded.signed_id,
            signed_public = excluded.signed_public, signed_signature = excluded.signed_signature,
            kem_id = excluded.kem_id, kem_public = excluded.kem_public, kem_signature = excluded.kem_signature",
    )
    .bind(device)
    .bind(signed.id)
    .bind(signed.public_key.as_slice())
    .bind(signed.signature.as_slice())
    .bind(kem.id)
    .bind(kem.public_key.as_slice())
    .bind(kem.signature.as_slice())
    .execute(transaction)
    .await
    .map(drop)
}

/// The statements that replace one current key of a device.
const SIGNED: &str =
    "UPDATE current_keys SET signed_id = $1, signed_public = $2, signed_signature = $3 WHERE device_key = $4";
const LAST_RESORT: &str =
    "UPDATE current_keys SET kem_id = $1, kem_public = $2, kem_signature = $3 WHERE device_key = $4";

async fn replace(
    transaction: &mut Transaction,
    device: DeviceKey,
    statement: &'static str,
    key: &Signed,
) -> Result<(), StoreError> {
    query(statement)
        .bind(key.id)
        .bind(key.public_key.as_slice())
        .bind(key.signature.as_slice())
        .bind(device)
        .execute(transaction)
        .await
        .map(drop)
}

/// Forgets the oldest of a kind over the limit.
async fn trim(transaction: &mut Transaction, device: DeviceKey, kind: i64) -> Result<(), StoreError> {
    query(
        "DELETE FROM one_time_keys WHERE device_key = $1 AND kind = $2 AND seq <= (
            SELECT seq FROM one_time_keys WHERE device_key = $1 AND kind = $2
            ORDER BY seq DESC LIMIT 1 OFFSET $3)",
    )
    .bind(device)
    .bind(kind)
    .bind(i64::try_from(limits::KEYS_KEPT).unwrap_or(i64::MAX))
    .execute(transaction)
    .await
    .map(drop)
}

/// Takes the oldest one-time key of each kind from each device. Each key is given to one caller only, also when
/// several nodes take at once: on PostgreSQL each passes over what another is just taking.
pub(super) async fn take(
    transaction: &mut Transaction,
    devices: &[DeviceKey],
) -> Result<Vec<Taken>, StoreError> {
    query(Sql::each(
        "DELETE FROM one_time_keys WHERE seq IN (
            SELECT MIN(seq) FROM one_time_keys WHERE device_key IN (VALUES {rows}) GROUP BY device_key, kind
         ) RETURNING device_key, kind, id, public_key, signature",
        // Materialized, so that it runs once: run again, it would take further keys.
        "WITH oldest AS MATERIALIZED (
            SELECT found.seq
            FROM (VALUES {rows}) AS wanted (device_key)
            CROSS JOIN (VALUES (0), (1)) AS kinds (kind)
            CROSS JOIN LATERAL (
                SELECT seq FROM one_time_keys AS keys
                WHERE keys.device_key = wanted.device_key AND keys.kind = kinds.kind
                ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED
            ) AS found
         )
         DELETE FROM one_time_keys AS keys USING oldest WHERE keys.seq = oldest.seq
         RETURNING keys.device_key, keys.kind, keys.id, keys.public_key, keys.signature",
    ))
    .rows(devices.iter().map(|key| [Value::from(*key)]))
    .all(transaction)
    .await
}

/// The current keys of devices.
pub(super) async fn current(
    reader: &mut Connection,
    devices: &[DeviceKey],
) -> Result<Vec<Current>, StoreError> {
    query(
        "SELECT device_key, signed_id, signed_public, signed_signature, kem_id, kem_public, kem_signature
         FROM current_keys WHERE device_key IN (VALUES {rows})",
    )
    .rows(devices.iter().map(|key| [Value::from(*key)]))
    .all(reader)
    .await
}

/// How many one-time keys devices have left, by kind.
pub(super) async fn counts(
    reader: &mut Connection,
    devices: &[DeviceKey],
) -> Result<HashMap<(DeviceKey, i64), u32>, StoreError> {
    let counts: Vec<Count> = query(
        "SELECT device_key, kind, COUNT(*) AS left_over FROM one_time_keys
         WHERE device_key IN (VALUES {rows}) GROUP BY device_key, kind",
    )
    .rows(devices.iter().map(|key| [Value::from(*key)]))
    .all(reader)
    .await?;
    let count =
        |count: Count| ((count.device_key, count.kind), u32::try_from(count.left_over).unwrap_or(u32::MAX));
    Ok(counts.into_iter().map(count).collect())
}

/// Removes all keys of devices.
pub(crate) async fn erase(transaction: &mut Transaction, devices: &[DeviceKey]) -> Result<(), StoreError> {
    let rows = || devices.iter().map(|key| [Value::from(*key)]);
    query("DELETE FROM one_time_keys WHERE device_key IN (VALUES {rows})")
        .rows(rows())
        .execute(transaction)
        .await?;
    query("DELETE FROM current_keys WHERE device_key IN (VALUES {rows})")
        .rows(rows())
        .execute(transaction)
        .await
        .map(drop)
}
