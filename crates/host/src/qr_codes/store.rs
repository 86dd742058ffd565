//! The table of short links.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use super::QrCode;
use crate::ids::{BusinessId, NumberId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "qr_codes",
    migrations: &[
        Migration::new(
            "short links into chats",
            "CREATE TABLE qr_codes (
            number {integer} NOT NULL,
            code TEXT NOT NULL,
            business {integer} NOT NULL,
            sealed {bytes} NOT NULL,
            created {integer} NOT NULL,
            PRIMARY KEY (number, code)
        ) {options};
        CREATE INDEX qr_codes_of_business ON qr_codes (business);",
        ),
        Migration::new(
            "short links by their codes alone, as people follow them",
            "CREATE INDEX qr_codes_by_code ON qr_codes (code);",
        ),
    ],
};

::store::row! {
    pub(super) struct Stored from "qr_codes" {
        pub(super) code: String,
        pub(super) sealed: Vec<u8>,
        pub(super) created: Timestamp,
    }
}

pub(super) async fn count(transaction: &mut Transaction, number: NumberId) -> Result<i64, StoreError> {
    let counted: Option<i64> = query("SELECT COUNT(*) AS value FROM qr_codes WHERE number = $1")
        .bind(number)
        .value(transaction)
        .await?;
    Ok(counted.unwrap_or_default())
}

pub(super) async fn insert(
    transaction: &mut Transaction,
    (business, number): (BusinessId, NumberId),
    code: &QrCode,
    sealed: &[u8],
) -> Result<(), StoreError> {
    query("INSERT INTO qr_codes (number, code, business, sealed, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(number)
        .bind(code.code.as_str())
        .bind(business)
        .bind(sealed)
        .bind(code.created)
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn change(
    transaction: &mut Transaction,
    number: NumberId,
    code: &str,
    sealed: &[u8],
) -> Result<(), StoreError> {
    query("UPDATE qr_codes SET sealed = $3 WHERE number = $1 AND code = $2")
        .bind(number)
        .bind(code)
        .bind(sealed)
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn get(
    reader: &mut Connection,
    number: NumberId,
    code: &str,
) -> Result<Option<Stored>, StoreError> {
    query("SELECT code, sealed, created FROM qr_codes WHERE number = $1 AND code = $2")
        .bind(number)
        .bind(code)
        .optional(reader)
        .await
}

/// Whose link this is.
pub(super) async fn number_of(reader: &mut Connection, code: &str) -> Result<Option<NumberId>, StoreError> {
    query("SELECT number FROM qr_codes WHERE code = $1 ORDER BY created LIMIT 1")
        .bind(code)
        .value(reader)
        .await
}

pub(super) async fn list(reader: &mut Connection, number: NumberId) -> Result<Vec<Stored>, StoreError> {
    query("SELECT code, sealed, created FROM qr_codes WHERE number = $1 ORDER BY created DESC, code")
        .bind(number)
        .all(reader)
        .await
}

pub(super) async fn delete(
    transaction: &mut Transaction,
    number: NumberId,
    code: &str,
) -> Result<bool, StoreError> {
    let deleted = query("DELETE FROM qr_codes WHERE number = $1 AND code = $2")
        .bind(number)
        .bind(code)
        .execute(transaction)
        .await?;
    Ok(deleted > 0)
}

pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    query("DELETE FROM qr_codes WHERE business = $1").bind(business).execute(transaction).await.map(drop)
}
