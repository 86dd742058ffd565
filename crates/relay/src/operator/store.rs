//! The tables of vendors and of the audit trail.

use store::{
    StoreError, Timestamp,
    sql::{
        Connection, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::{VendorId, api};

pub(crate) const MIGRATIONS: Module = Module {
    name: "operator",
    migrations: &[Migration::new(
        "vendors, and the audit trail",
        "CREATE TABLE vendors (
            vendor {bytes} PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            credential_hash {bytes} NOT NULL,
            suspended {boolean} NOT NULL,
            created {integer} NOT NULL
        ) {options};
        CREATE TABLE audit_trail (
            number {integer} PRIMARY KEY,
            at {integer} NOT NULL,
            who TEXT NOT NULL,
            what TEXT NOT NULL,
            subject TEXT NOT NULL,
            was TEXT NOT NULL,
            became TEXT NOT NULL,
            hash {bytes} NOT NULL
        ) {options};
        CREATE TABLE audit_head (
            only {integer} PRIMARY KEY,
            number {integer} NOT NULL,
            hash {bytes} NOT NULL
        ) {options};",
    )],
};

store::row! {
    /// A vendor.
    pub(crate) struct Vendor from "vendors" {
        pub(crate) vendor: [u8; 16],
        pub(crate) name: String,
        pub(crate) credential_hash: [u8; 32],
        pub(crate) suspended: bool,
        pub(crate) created: Timestamp,
    }
}

store::row! {
    /// The last entry of the trail.
    pub(super) struct Head from "audit_head" { pub(super) number: i64, pub(super) hash: [u8; 32] }
}

store::row! {
    pub(super) struct Entry from "audit_trail" {
        pub(super) number: i64,
        pub(super) at: Timestamp,
        pub(super) who: String,
        pub(super) what: String,
        pub(super) subject: String,
        pub(super) was: String,
        pub(super) became: String,
        pub(super) hash: [u8; 32],
    }
}

const VENDOR: &str =
    "SELECT vendor, name, credential_hash, suspended, created FROM vendors WHERE vendor = $1";

/// A vendor.
pub(crate) async fn vendor(reader: &mut Connection, vendor: VendorId) -> Result<Option<Vendor>, StoreError> {
    query(VENDOR).bind(vendor.to_bytes()).optional(reader).await
}

/// A vendor. Until the transaction ends, nobody else changes it.
pub(crate) async fn hold_vendor(
    transaction: &mut Transaction,
    vendor: VendorId,
) -> Result<Option<Vendor>, StoreError> {
    query(Sql::each(
        VENDOR,
        "SELECT vendor, name, credential_hash, suspended, created FROM vendors WHERE vendor = $1 FOR UPDATE",
    ))
    .bind(vendor.to_bytes())
    .optional(transaction)
    .await
}

pub(super) async fn vendors(reader: &mut Connection) -> Result<Vec<Vendor>, StoreError> {
    query("SELECT vendor, name, credential_hash, suspended, created FROM vendors ORDER BY name, vendor")
        .all(reader)
        .await
}

/// A new vendor; `false` if one has the name.
pub(super) async fn add_vendor(
    transaction: &mut Transaction,
    vendor: VendorId,
    name: &str,
    credential_hash: [u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = query(
        "INSERT INTO vendors (vendor, name, credential_hash, suspended, created) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(vendor.to_bytes())
    .bind(name)
    .bind(credential_hash)
    .bind(false)
    .bind(now)
    .execute(transaction)
    .await?;
    Ok(added == 1)
}

pub(super) async fn set_suspended(
    transaction: &mut Transaction,
    vendor: VendorId,
    suspended: bool,
) -> Result<(), StoreError> {
    query("UPDATE vendors SET suspended = $1 WHERE vendor = $2")
        .bind(suspended)
        .bind(vendor.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn set_credential(
    transaction: &mut Transaction,
    vendor: VendorId,
    credential_hash: [u8; 32],
) -> Result<(), StoreError> {
    query("UPDATE vendors SET credential_hash = $1 WHERE vendor = $2")
        .bind(credential_hash)
        .bind(vendor.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// The last entry. Until the transaction ends, nobody else adds one.
pub(super) async fn hold_head(transaction: &mut Transaction) -> Result<Head, StoreError> {
    query("INSERT INTO audit_head (only, number, hash) VALUES (1, 0, $1) ON CONFLICT (only) DO NOTHING")
        .bind([0_u8; 32])
        .execute(transaction)
        .await?;
    let head: Option<Head> = query(Sql::each(
        "SELECT number, hash FROM audit_head WHERE only = 1",
        "SELECT number, hash FROM audit_head WHERE only = 1 FOR UPDATE",
    ))
    .optional(transaction)
    .await?;
    Ok(head.unwrap_or(Head { number: 0, hash: [0; 32] }))
}

pub(super) async fn add_entry(
    transaction: &mut Transaction,
    entry: &api::AuditEntry,
    hash: [u8; 32],
) -> Result<(), StoreError> {
    let number = i64::try_from(entry.number).unwrap_or(i64::MAX);
    query(
        "INSERT INTO audit_trail (number, at, who, what, subject, was, became, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(number)
    .bind(i64::try_from(entry.at).unwrap_or(i64::MAX))
    .bind(entry.who.as_str())
    .bind(entry.what.as_str())
    .bind(entry.subject.as_str())
    .bind(entry.before.as_str())
    .bind(entry.after.as_str())
    .bind(hash)
    .execute(transaction)
    .await?;
    query("UPDATE audit_head SET number = $1, hash = $2 WHERE only = 1")
        .bind(number)
        .bind(hash)
        .execute(transaction)
        .await
        .map(drop)
}

/// Entries after a number, at most `limit`.
pub(super) async fn entries(
    reader: &mut Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    query(
        "SELECT number, at, who, what, subject, was, became, hash FROM audit_trail
         WHERE number > $1 ORDER BY number LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .all(reader)
    .await
}
