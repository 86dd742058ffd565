//! The table of accounts.

use store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::{AccountId, PhoneNumber};

use super::Endpoint;
use crate::devices::{DeviceKey, account_column, endpoint};

pub(crate) const MIGRATIONS: Module = Module {
    name: "accounts",
    migrations: &[Migration::new(
        "accounts",
        "CREATE TABLE accounts (
            account {bytes} PRIMARY KEY,
            number TEXT NOT NULL UNIQUE,
            identity_key {bytes} NOT NULL,
            discoverable {boolean} NOT NULL,
            profile {bytes},
            pin_hash {bytes},
            pin_tries {integer} NOT NULL DEFAULT 0,
            pin_tries_since {integer} NOT NULL DEFAULT 0,
            created {integer} NOT NULL
        ) {options};",
    )],
};

/// An account in a column.
pub(crate) struct Id(pub(crate) AccountId);

impl Column for Id {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        account_column(row, column).map(Self)
    }
}

store::row! {
    pub(super) struct About from "accounts" {
        pub(super) number: String,
        pub(super) discoverable: bool,
        pub(super) locked: bool,
    }
}

store::row! {
    pub(super) struct Found from "accounts" { pub(super) number: String, pub(super) account: Id }
}

store::row! {
    struct Identity from "accounts" { identity_key: [u8; 33], number: String }
}

store::row! {
    struct Profile from "accounts" { profile: Option<Vec<u8>> }
}

store::row! {
    struct ByNumber from "accounts" {
        account: Id,
        pin_hash: Option<Vec<u8>>,
        last_seen_day: Option<i64>,
    }
}

/// An account that has the number.
pub(crate) struct Known {
    pub(crate) account: AccountId,
    /// Its registration lock.
    pub(crate) lock: Option<Lock>,
}

/// A registration lock.
pub(crate) struct Lock {
    pub(crate) pin_hash: Vec<u8>,
    /// The day on which the account was last online.
    pub(crate) last_seen_day: Timestamp,
}

store::row! {
    /// A device of an account, or with the number 0 an account that it blocks.
    struct Reached from "devices and blocks" { number: i64, registration_id: i64, key: DeviceKey, other: Id }
}

/// Where envelopes to an account go, by device number, and whose are dropped, in order.
///
/// One statement over the tables of two other features: it is on the way of every message to somebody who is not known
/// here, and a second one would cost as much again.
pub(super) async fn recipient(
    reader: &mut Connection,
    account: AccountId,
) -> Result<(Vec<Endpoint>, Vec<AccountId>), StoreError> {
    let rows: Vec<Reached> = query(
        "SELECT number, registration_id, key, account AS other FROM devices WHERE account = $1
         UNION ALL SELECT 0, 0, 0, blocked FROM blocks WHERE account = $1",
    )
    .bind(account.to_bytes())
    .all(reader)
    .await?;
    let (mut endpoints, mut blocked) = (Vec::new(), Vec::new());
    for row in rows {
        match row.number {
            0 => blocked.push(row.other.0),
            number => endpoints.push(endpoint(number, row.registration_id, row.key)?),
        }
    }
    endpoints.sort_unstable_by_key(|endpoint| endpoint.device);
    blocked.sort_unstable();
    Ok((endpoints, blocked))
}

/// A number as it is stored.
pub(crate) fn number(text: &str) -> Result<PhoneNumber, StoreError> {
    text.parse().map_err(|error: wire::InvalidPhoneNumber| StoreError::Inconsistent {
        table: "accounts",
        column: "number".to_owned(),
        source: std::sync::Arc::new(error),
    })
}

/// Who has this number. Until the transaction ends, nobody else changes that account.
pub(crate) async fn by_number(
    transaction: &mut Transaction,
    number: &PhoneNumber,
) -> Result<Option<Known>, StoreError> {
    let row: Option<ByNumber> = query(Sql::each(
        "SELECT account, pin_hash,
            (SELECT MAX(last_seen_day) FROM devices WHERE devices.account = accounts.account) AS last_seen_day
         FROM accounts WHERE number = $1",
        "SELECT account, pin_hash,
            (SELECT MAX(last_seen_day) FROM devices WHERE devices.account = accounts.account) AS last_seen_day
         FROM accounts WHERE number = $1 FOR UPDATE",
    ))
    .bind(number.as_str())
    .optional(transaction)
    .await?;
    Ok(row.map(|row| {
        let last_seen_day = Timestamp(row.last_seen_day.unwrap_or_default());
        let lock = |pin_hash| Lock { pin_hash, last_seen_day };
        Known { account: row.account.0, lock: row.pin_hash.map(lock) }
    }))
}

/// Until the transaction ends, nobody else changes the devices of this account: not by linking, removing, registering
/// again or erasing, here or on another node.
pub(crate) async fn hold(transaction: &mut Transaction, account: AccountId) -> Result<(), StoreError> {
    // On SQLite, the transaction itself is the only one.
    query(Sql::each(
        "SELECT 1 AS held FROM accounts WHERE account = $1",
        "SELECT 1 AS held FROM accounts WHERE account = $1 FOR UPDATE",
    ))
    .bind(account.to_bytes())
    .execute(transaction)
    .await
    .map(drop)
}

/// A new account.
pub(crate) async fn insert(
    transaction: &mut Transaction,
    account: AccountId,
    number: &PhoneNumber,
    identity_key: [u8; 33],
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO accounts (account, number, identity_key, discoverable, created) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(account.to_bytes())
    .bind(number.as_str())
    .bind(identity_key)
    .bind(true)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

/// Another identity, no profile, no tries counted; the lock stays if it was opened with its PIN.
pub(crate) async fn reset(
    transaction: &mut Transaction,
    account: AccountId,
    identity_key: [u8; 33],
    keep_lock: bool,
) -> Result<(), StoreError> {
    query(
        "UPDATE accounts SET identity_key = $1, profile = NULL, pin_tries = 0, discoverable = $2,
            pin_hash = CASE WHEN $3 THEN pin_hash ELSE NULL END WHERE account = $4",
    )
    .bind(identity_key)
    .bind(true)
    .bind(keep_lock)
    .bind(account.to_bytes())
    .execute(transaction)
    .await
    .map(drop)
}

/// Counts a try of the PIN, if one is left; how many are left after it.
pub(crate) async fn took_pin_try(
    transaction: &mut Transaction,
    account: AccountId,
    most: u32,
    (now, window_began): (Timestamp, Timestamp),
) -> Result<Option<i64>, StoreError> {
    let count: Option<i64> = query(
        "UPDATE accounts SET
            pin_tries = CASE WHEN pin_tries_since <= $1 THEN 1 ELSE pin_tries + 1 END,
            pin_tries_since = CASE WHEN pin_tries_since <= $1 THEN $2 ELSE pin_tries_since END
         WHERE account = $3 AND (pin_tries < $4 OR pin_tries_since <= $1) RETURNING pin_tries",
    )
    .bind(window_began)
    .bind(now)
    .bind(account.to_bytes())
    .bind(most)
    .value(transaction)
    .await?;
    Ok(count.map(|count| i64::from(most) - count))
}

/// Sets the registration lock, or removes it.
pub(crate) async fn set_lock(
    transaction: &mut Transaction,
    account: AccountId,
    pin_hash: Option<&[u8]>,
) -> Result<(), StoreError> {
    query("UPDATE accounts SET pin_hash = $1, pin_tries = 0 WHERE account = $2")
        .bind(pin_hash.map(<[u8]>::to_vec))
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn about(reader: &mut Connection, account: AccountId) -> Result<Option<About>, StoreError> {
    query("SELECT number, discoverable, pin_hash IS NOT NULL AS locked FROM accounts WHERE account = $1")
        .bind(account.to_bytes())
        .optional(reader)
        .await
}

pub(super) async fn set_discoverable(
    transaction: &mut Transaction,
    account: AccountId,
    discoverable: bool,
) -> Result<(), StoreError> {
    query("UPDATE accounts SET discoverable = $1 WHERE account = $2")
        .bind(discoverable)
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn discoverable(
    reader: &mut Connection,
    numbers: &[PhoneNumber],
) -> Result<Vec<Found>, StoreError> {
    query("SELECT number, account FROM accounts WHERE discoverable = $1 AND number IN (VALUES {rows})")
        .bind(true)
        .rows(numbers.iter().map(|number| [number.as_str().into()]))
        .all(reader)
        .await
}

/// The identity key of an account, and its number.
pub(crate) async fn identity(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Option<([u8; 33], PhoneNumber)>, StoreError> {
    let row: Option<Identity> = query("SELECT identity_key, number FROM accounts WHERE account = $1")
        .bind(account.to_bytes())
        .optional(reader)
        .await?;
    row.map(|row| Ok((row.identity_key, number(&row.number)?))).transpose()
}

/// The numbers of those of these accounts that there are.
pub(crate) async fn numbers(
    reader: &mut Connection,
    accounts: &[AccountId],
) -> Result<Vec<(AccountId, PhoneNumber)>, StoreError> {
    let rows: Vec<Found> = query("SELECT number, account FROM accounts WHERE account IN (VALUES {rows})")
        .rows(accounts.iter().map(|account| [account.to_bytes().into()]))
        .all(reader)
        .await?;
    rows.into_iter().map(|row| Ok((row.account.0, number(&row.number)?))).collect()
}

/// The sealed profile of an account, if it has one.
pub(crate) async fn profile(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<Profile> = query("SELECT profile FROM accounts WHERE account = $1")
        .bind(account.to_bytes())
        .optional(reader)
        .await?;
    Ok(row.and_then(|row| row.profile))
}

/// Replaces the sealed profile.
pub(crate) async fn put_profile(
    transaction: &mut Transaction,
    account: AccountId,
    profile: &[u8],
) -> Result<(), StoreError> {
    query("UPDATE accounts SET profile = $1 WHERE account = $2")
        .bind(profile)
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn erase(transaction: &mut Transaction, account: AccountId) -> Result<u64, StoreError> {
    query("DELETE FROM accounts WHERE account = $1").bind(account.to_bytes()).execute(transaction).await
}
