//! The table of settings.

use ::store::{
    StoreError,
    sql::{
        Connection, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use crate::ids::{BusinessId, NumberId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "settings",
    migrations: &[Migration::new(
        "what businesses set for their numbers",
        "CREATE TABLE settings (
            number {integer} NOT NULL,
            kind TEXT NOT NULL,
            business {integer} NOT NULL,
            sealed {bytes} NOT NULL,
            PRIMARY KEY (number, kind)
        ) {options};
        CREATE INDEX settings_of_business ON settings (business);",
    )],
};

::store::row! {
    struct Stored from "settings" { sealed: Vec<u8> }
}

pub(super) async fn get(
    reader: &mut Connection,
    number: NumberId,
    kind: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<Stored> = query("SELECT sealed FROM settings WHERE number = $1 AND kind = $2")
        .bind(number)
        .bind(kind)
        .optional(reader)
        .await?;
    Ok(found.map(|row| row.sealed))
}

/// The same, and nobody else changes it until the transaction ends.
pub(super) async fn locked(
    transaction: &mut Transaction,
    number: NumberId,
    kind: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let text = Sql::each(
        "SELECT sealed FROM settings WHERE number = $1 AND kind = $2",
        "SELECT sealed FROM settings WHERE number = $1 AND kind = $2 FOR UPDATE",
    );
    let found: Option<Stored> = query(text).bind(number).bind(kind).optional(transaction).await?;
    Ok(found.map(|row| row.sealed))
}

pub(super) async fn set(
    transaction: &mut Transaction,
    (business, number): (BusinessId, NumberId),
    kind: &str,
    sealed: &[u8],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO settings (number, kind, business, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (number, kind) DO UPDATE SET sealed = excluded.sealed",
    )
    .bind(number)
    .bind(kind)
    .bind(business)
    .bind(sealed)
    .execute(transaction)
    .await
    .map(drop)
}

pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    query("DELETE FROM settings WHERE business = $1").bind(business).execute(transaction).await.map(drop)
}
