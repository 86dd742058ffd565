//! The tables of devices and linking codes.

use store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};
use wire::{AccountId, DeviceId};

use super::{DeviceKey, parse::NewDevice};
use crate::accounts::Endpoint;

pub(crate) const MIGRATIONS: Module = Module {
    name: "devices",
    migrations: &[Migration::new(
        "devices, and the codes with which they are linked",
        "CREATE TABLE devices (
            key {sequence},
            account {bytes} NOT NULL REFERENCES accounts (account),
            number {integer} NOT NULL,
            registration_id {integer} NOT NULL,
            token_hash {bytes} NOT NULL,
            name {bytes} NOT NULL,
            created {integer} NOT NULL,
            last_seen_day {integer} NOT NULL,
            UNIQUE (account, number)
        ) {options};
        CREATE TABLE linking_codes (
            account {bytes} PRIMARY KEY,
            code_hash {bytes} NOT NULL UNIQUE,
            expires {integer} NOT NULL
        ) {options};
        CREATE INDEX linking_codes_expire ON linking_codes (expires);",
    )],
};

store::row! {
    /// What a credential is checked against.
    pub(crate) struct Credential from "devices" {
        pub(crate) key: i64,
        pub(crate) token_hash: [u8; 32],
        pub(crate) last_seen_day: Timestamp,
        pub(crate) hosted: bool,
    }
}

store::row! {
    pub(super) struct Listed from "devices" {
        pub(super) number: i64,
        pub(super) name: Vec<u8>,
        pub(super) created: Timestamp,
        pub(super) last_seen_day: Timestamp,
    }
}

store::row! {
    struct Reached from "devices" { key: DeviceKey, number: i64, registration_id: i64 }
}

store::row! {
    struct Key from "devices" { key: DeviceKey }
}

store::row! {
    struct Owner from "devices" { account: [u8; 16], number: i64 }
}

store::row! {
    struct Linked from "linking_codes" { account: [u8; 16] }
}

fn inconsistent(column: &str, reason: &'static str) -> StoreError {
    StoreError::Inconsistent {
        table: "devices",
        column: column.to_owned(),
        source: std::sync::Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(reason)),
    }
}

pub(super) fn number(number: i64) -> Result<DeviceId, StoreError> {
    let number = u32::try_from(number).ok().and_then(|number| DeviceId::try_from(number).ok());
    number.ok_or_else(|| inconsistent("number", "not from 1 to 127"))
}

/// The device with this number.
pub(crate) async fn credential(
    reader: &mut Connection,
    account: AccountId,
    device: DeviceId,
) -> Result<Option<Credential>, StoreError> {
    query(
        "SELECT key, token_hash, last_seen_day,
            EXISTS (SELECT 1 FROM hosted_accounts WHERE hosted_accounts.account = devices.account) AS hosted
         FROM devices WHERE account = $1 AND number = $2",
    )
    .bind(account.to_bytes())
    .bind(u32::from(device))
    .optional(reader)
    .await
}

/// Whose device this is, and its number.
pub(crate) async fn owner(
    reader: &mut Connection,
    device: DeviceKey,
) -> Result<Option<(AccountId, u32)>, StoreError> {
    let row: Option<Owner> =
        query("SELECT account, number FROM devices WHERE key = $1").bind(device).optional(reader).await?;
    row.map(|row| Ok((AccountId::from_bytes(row.account), number(row.number)?.into()))).transpose()
}

/// Notes that devices were online on this day.
pub(crate) async fn seen(
    transaction: &mut Transaction,
    devices: &[DeviceKey],
    day: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE devices SET last_seen_day = $1 WHERE last_seen_day < $1 AND key IN (VALUES {rows})")
        .bind(day)
        .rows(devices.iter().map(|key| [Value::from(*key)]))
        .execute(transaction)
        .await
        .map(drop)
}

/// All devices that envelopes to an account go to, by number.
pub(crate) async fn endpoints(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Vec<Endpoint>, StoreError> {
    let rows: Vec<Reached> =
        query("SELECT key, number, registration_id FROM devices WHERE account = $1 ORDER BY number")
            .bind(account.to_bytes())
            .all(reader)
            .await?;
    rows.into_iter().map(|row| endpoint(row.number, row.registration_id, row.key)).collect()
}

/// A device as its columns say it.
pub(crate) fn endpoint(device: i64, registration_id: i64, key: DeviceKey) -> Result<Endpoint, StoreError> {
    let registration_id = u32::try_from(registration_id);
    let registration_id = registration_id.map_err(|_| inconsistent("registration_id", "not a number"))?;
    Ok(Endpoint { device: number(device)?, registration_id, key })
}

/// All devices of an account.
pub(crate) async fn keys_of(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Vec<DeviceKey>, StoreError> {
    let rows: Vec<Key> = query("SELECT key FROM devices WHERE account = $1 ORDER BY key")
        .bind(account.to_bytes())
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

pub(super) async fn list(reader: &mut Connection, account: AccountId) -> Result<Vec<Listed>, StoreError> {
    query("SELECT number, name, created, last_seen_day FROM devices WHERE account = $1 ORDER BY number")
        .bind(account.to_bytes())
        .all(reader)
        .await
}

/// A new device; its row is the answer.
pub(crate) async fn insert(
    transaction: &mut Transaction,
    account: AccountId,
    number: DeviceId,
    device: &NewDevice,
    token_hash: [u8; 32],
    (now, today): (Timestamp, Timestamp),
) -> Result<DeviceKey, StoreError> {
    let row: Option<Key> = query(
        "INSERT INTO devices (account, number, registration_id, token_hash, name, created, last_seen_day)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING key",
    )
    .bind(account.to_bytes())
    .bind(u32::from(number))
    .bind(device.registration_id)
    .bind(token_hash)
    .bind(device.name.as_slice())
    .bind(now)
    .bind(today)
    .optional(transaction)
    .await?;
    row.map(|row| row.key).ok_or_else(|| inconsistent("key", "an insertion without a row"))
}

/// Removes devices.
pub(crate) async fn erase(transaction: &mut Transaction, devices: &[DeviceKey]) -> Result<(), StoreError> {
    query("DELETE FROM devices WHERE key IN (VALUES {rows})")
        .rows(devices.iter().map(|key| [Value::from(*key)]))
        .execute(transaction)
        .await
        .map(drop)
}

/// Keeps a linking code; one that the account had before is void.
pub(super) async fn put_linking_code(
    transaction: &mut Transaction,
    account: AccountId,
    code_hash: [u8; 32],
    expires: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO linking_codes (account, code_hash, expires) VALUES ($1, $2, $3)
         ON CONFLICT (account) DO UPDATE SET code_hash = excluded.code_hash, expires = excluded.expires",
    )
    .bind(account.to_bytes())
    .bind(code_hash)
    .bind(expires)
    .execute(transaction)
    .await
    .map(drop)
}

/// Whose linking code this is.
pub(super) async fn linking_code(
    reader: &mut Connection,
    code_hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<AccountId>, StoreError> {
    let row: Option<Linked> =
        query("SELECT account FROM linking_codes WHERE code_hash = $1 AND expires > $2")
            .bind(code_hash)
            .bind(now)
            .optional(reader)
            .await?;
    Ok(row.map(|row| AccountId::from_bytes(row.account)))
}

/// Uses a linking code up; `false` if somebody else did.
pub(super) async fn take_linking_code(
    transaction: &mut Transaction,
    code_hash: [u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let taken = query("DELETE FROM linking_codes WHERE code_hash = $1 AND expires > $2")
        .bind(code_hash)
        .bind(now)
        .execute(transaction)
        .await?;
    Ok(taken == 1)
}

/// Removes the linking code of an account.
pub(crate) async fn erase_linking_code(
    transaction: &mut Transaction,
    account: AccountId,
) -> Result<(), StoreError> {
    query("DELETE FROM linking_codes WHERE account = $1")
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes linking codes that nobody used in time.
pub(super) async fn sweep(transaction: &mut Transaction, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM linking_codes WHERE expires <= $1").bind(now).execute(transaction).await.map(drop)
}
