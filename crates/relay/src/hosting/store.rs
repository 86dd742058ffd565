//! The tables of hosted accounts and of the operator's own host credential.

use store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::{AccountId, BusinessId, VendorId, api::HostingMode};

use crate::devices::DeviceKey;

pub(crate) const MIGRATIONS: Module = Module {
    name: "hosting",
    migrations: &[Migration::new(
        "who hosts which account, and with what the operator does",
        "CREATE TABLE hosted_accounts (
            account {bytes} PRIMARY KEY REFERENCES accounts (account),
            business {bytes} NOT NULL REFERENCES businesses (business),
            mode TEXT NOT NULL,
            vendor {bytes},
            since {integer} NOT NULL
        ) {options};
        CREATE INDEX hosted_accounts_of ON hosted_accounts (business);
        CREATE INDEX hosted_accounts_by ON hosted_accounts (vendor);
        CREATE TABLE operator_host (
            only {integer} PRIMARY KEY,
            credential_hash {bytes} NOT NULL
        ) {options};",
    )],
};

/// Who hosts an account: written when its primary device is registered, from the credential that did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hosted {
    pub(crate) business: BusinessId,
    pub(crate) mode: HostingMode,
    pub(crate) vendor: Option<VendorId>,
    pub(crate) since: Timestamp,
}

impl Hosted {
    pub(super) fn is(&self, business: BusinessId, mode: HostingMode, vendor: Option<VendorId>) -> bool {
        (self.business, self.mode, self.vendor) == (business, mode, vendor)
    }
}

struct Mode(HostingMode);

impl Column for Mode {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let text: String = row.get(column)?;
        text.parse().map(Self).map_err(|error: wire::InvalidId| ColumnError::new(column, error))
    }
}

struct Vendor(Option<VendorId>);

impl Column for Vendor {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let bytes: Option<Vec<u8>> = row.get(column)?;
        let vendor = bytes.map(|bytes| VendorId::try_from(&*bytes)).transpose();
        vendor.map(Self).map_err(|error| ColumnError::new(column, error))
    }
}

store::row! {
    struct Found from "hosted_accounts" { business: [u8; 16], mode: Mode, vendor: Vendor, since: Timestamp }
}

store::row! {
    struct Account from "hosted_accounts" { account: [u8; 16] }
}

store::row! {
    struct Key from "devices" { key: DeviceKey }
}

store::row! {
    struct Hash from "operator_host" { credential_hash: [u8; 32] }
}

/// Who hosts this account, if it is a business's.
pub(crate) async fn hosted(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Option<Hosted>, StoreError> {
    let row: Option<Found> =
        query("SELECT business, mode, vendor, since FROM hosted_accounts WHERE account = $1")
            .bind(account.to_bytes())
            .optional(reader)
            .await?;
    Ok(row.map(|row| Hosted {
        business: BusinessId::from_bytes(row.business),
        mode: row.mode.0,
        vendor: row.vendor.0,
        since: row.since,
    }))
}

/// Says who hosts an account.
pub(super) async fn put(
    transaction: &mut Transaction,
    account: AccountId,
    hosted: &Hosted,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO hosted_accounts (account, business, mode, vendor, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account) DO UPDATE SET business = excluded.business, mode = excluded.mode,
            vendor = excluded.vendor, since = excluded.since",
    )
    .bind(account.to_bytes())
    .bind(hosted.business.to_bytes())
    .bind(hosted.mode.as_str())
    .bind(hosted.vendor.map(|vendor| vendor.to_bytes().to_vec()))
    .bind(hosted.since)
    .execute(transaction)
    .await
    .map(drop)
}

/// Nobody hosts this account any more.
pub(crate) async fn erase(transaction: &mut Transaction, account: AccountId) -> Result<(), StoreError> {
    query("DELETE FROM hosted_accounts WHERE account = $1")
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// The accounts of a business, in one order for all who lock them.
pub(super) async fn accounts_of(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<AccountId>, StoreError> {
    let rows: Vec<Account> =
        query("SELECT account FROM hosted_accounts WHERE business = $1 ORDER BY account")
            .bind(business.to_bytes())
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| AccountId::from_bytes(row.account)).collect())
}

/// The devices of a business.
pub(crate) async fn devices_of(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<DeviceKey>, StoreError> {
    let rows: Vec<Key> = query(
        "SELECT d.key FROM hosted_accounts h JOIN devices d ON d.account = h.account WHERE h.business = $1",
    )
    .bind(business.to_bytes())
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

/// The devices of all businesses that a vendor hosts.
pub(crate) async fn devices_of_vendor(
    reader: &mut Connection,
    vendor: VendorId,
) -> Result<Vec<DeviceKey>, StoreError> {
    let rows: Vec<Key> = query(
        "SELECT d.key FROM hosted_accounts h JOIN devices d ON d.account = h.account WHERE h.vendor = $1",
    )
    .bind(vendor.to_bytes())
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

/// The hash of the operator's own host credential, if there is one.
pub(crate) async fn operator_hash(reader: &mut Connection) -> Result<Option<[u8; 32]>, StoreError> {
    let row: Option<Hash> =
        query("SELECT credential_hash FROM operator_host WHERE only = 1").optional(reader).await?;
    Ok(row.map(|row| row.credential_hash))
}

/// Replaces the operator's own host credential.
pub(crate) async fn set_operator_hash(
    transaction: &mut Transaction,
    credential_hash: [u8; 32],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO operator_host (only, credential_hash) VALUES (1, $1)
         ON CONFLICT (only) DO UPDATE SET credential_hash = excluded.credential_hash",
    )
    .bind(credential_hash)
    .execute(transaction)
    .await
    .map(drop)
}
