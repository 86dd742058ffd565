//! The tables of numbers, of who runs them, and of their devices' state.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::AccountId;

use super::Number;
use crate::ids::{BusinessId, NumberId, WabaId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "numbers",
    migrations: &[Migration::new(
        "numbers, who runs them, and what their devices keep",
        "CREATE TABLE numbers (
            id {integer} PRIMARY KEY,
            waba {integer} NOT NULL,
            business {integer} NOT NULL,
            account {bytes},
            number TEXT NOT NULL UNIQUE,
            verified_name TEXT NOT NULL,
            registered {boolean} NOT NULL,
            tier {integer},
            created {integer} NOT NULL
        ) {options};
        CREATE INDEX numbers_of_waba ON numbers (waba);
        CREATE TABLE number_leases (
            number {integer} PRIMARY KEY,
            holder {bytes} NOT NULL,
            until {integer} NOT NULL
        ) {options};
        CREATE TABLE hosts_alive (
            host {bytes} PRIMARY KEY,
            until {integer} NOT NULL
        ) {options};
        CREATE TABLE vault_records (
            number {integer} NOT NULL,
            space {integer} NOT NULL,
            name {bytes} NOT NULL,
            owner {bytes} NOT NULL,
            position {integer} NOT NULL,
            value {bytes} NOT NULL,
            PRIMARY KEY (number, space, name)
        ) {options};
        CREATE INDEX vault_records_by_owner ON vault_records (number, space, owner, position);
        CREATE INDEX vault_records_by_position ON vault_records (number, space, position);",
    )],
};

::store::row! {
    struct Stored from "numbers" {
        id: NumberId,
        waba: WabaId,
        business: BusinessId,
        account: Option<Vec<u8>>,
        number: String,
        verified_name: String,
        registered: bool,
        tier: Option<i64>,
        created: Timestamp,
    }
}

impl Stored {
    fn number(self) -> Result<Number, StoreError> {
        let wrong = |column: &'static str, error: wire::InvalidId| {
            ::store::sql::ColumnError::new(column, error).within("numbers")
        };
        let account = self.account.map(|bytes| AccountId::try_from(&bytes[..]));
        let number = self.number.parse();
        Ok(Number {
            id: self.id,
            waba: self.waba,
            business: self.business,
            account: account.transpose().map_err(|error| wrong("account", error))?,
            number: number
                .map_err(|error| ::store::sql::ColumnError::new("number", error).within("numbers"))?,
            verified_name: self.verified_name,
            registered: self.registered,
            tier: self.tier.and_then(|tier| u32::try_from(tier).ok()),
            created: self.created,
        })
    }
}

pub(super) async fn insert(transaction: &mut Transaction, new: &Number) -> Result<(), StoreError> {
    query(
        "INSERT INTO numbers (id, waba, business, account, number, verified_name, registered, tier, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.id)
    .bind(new.waba)
    .bind(new.business)
    .bind(new.account.map(|account| account.as_bytes().to_vec()))
    .bind(new.number.as_str())
    .bind(&*new.verified_name)
    .bind(new.registered)
    .bind(new.tier.map(i64::from))
    .bind(new.created)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn by_id(reader: &mut Connection, id: NumberId) -> Result<Option<Number>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM numbers WHERE id = $1").bind(id).optional(reader).await?;
    found.map(Stored::number).transpose()
}

pub(super) async fn by_display(reader: &mut Connection, number: &str) -> Result<Option<Number>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM numbers WHERE number = $1").bind(number).optional(reader).await?;
    found.map(Stored::number).transpose()
}

pub(super) async fn of_waba(reader: &mut Connection, waba: WabaId) -> Result<Vec<Number>, StoreError> {
    let found: Vec<Stored> =
        query("SELECT * FROM numbers WHERE waba = $1 ORDER BY id").bind(waba).all(reader).await?;
    found.into_iter().map(Stored::number).collect()
}

pub(super) async fn set_registered(
    transaction: &mut Transaction,
    id: NumberId,
    account: Option<AccountId>,
    registered: bool,
) -> Result<(), StoreError> {
    query("UPDATE numbers SET registered = $2, account = COALESCE($3, account) WHERE id = $1")
        .bind(id)
        .bind(registered)
        .bind(account.map(|account| account.as_bytes().to_vec()))
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn set_tier(
    transaction: &mut Transaction,
    id: NumberId,
    tier: Option<u32>,
) -> Result<(), StoreError> {
    query("UPDATE numbers SET tier = $2 WHERE id = $1")
        .bind(id)
        .bind(tier.map(i64::from))
        .execute(transaction)
        .await
        .map(drop)
}
