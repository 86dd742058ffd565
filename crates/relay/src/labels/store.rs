//! The tables of label keys and of secrets that never change.

use std::fmt;

use store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use zeroize::Zeroizing;

pub(crate) const MIGRATIONS: Module = Module {
    name: "labels",
    migrations: &[Migration::new(
        "label keys, and the secret of user ids",
        "CREATE TABLE label_keys (
            number {integer} PRIMARY KEY,
            private_key {bytes} NOT NULL,
            public_key {bytes} NOT NULL,
            certificate {bytes},
            created {integer} NOT NULL
        ) {options};
        CREATE TABLE secrets (
            name TEXT PRIMARY KEY,
            secret {bytes} NOT NULL
        ) {options};",
    )],
};

/// The secret from which user ids are made.
pub(super) const USER_IDS: &str = "user_ids";

/// Thirty-two bytes that are wiped and not shown.
pub(super) struct Private(pub(super) Zeroizing<[u8; 32]>);

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Column for Private {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get(column).map(Zeroizing::new).map(Self)
    }
}

store::row! {
    /// The label key that signs now.
    #[derive(Debug)]
    pub(super) struct KeyRow from "label_keys" {
        pub(super) number: i64,
        pub(super) private_key: Private,
        pub(super) public_key: [u8; 33],
    }
}

store::row! {
    struct Certificate from "label_keys" { certificate: Vec<u8> }
}

store::row! {
    struct Kept from "secrets" { secret: [u8; 32] }
}

const CURRENT: &str = "SELECT number, private_key, public_key FROM label_keys ORDER BY number DESC LIMIT 1";

pub(super) async fn current(reader: &mut Connection) -> Result<Option<KeyRow>, StoreError> {
    query(CURRENT).optional(reader).await
}

/// The key that signs now. Until the transaction ends, no other one is made.
pub(super) async fn hold_current(transaction: &mut Transaction) -> Result<Option<KeyRow>, StoreError> {
    let held =
        "SELECT number, private_key, public_key FROM label_keys ORDER BY number DESC LIMIT 1 FOR UPDATE";
    query(Sql::each(CURRENT, held)).optional(transaction).await
}

/// How each key but the first was certified by the one before it, in order.
pub(super) async fn certificates(reader: &mut Connection) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows: Vec<Certificate> =
        query("SELECT certificate FROM label_keys WHERE certificate IS NOT NULL ORDER BY number")
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.certificate).collect())
}

/// The first key, unless there is one.
pub(super) async fn add_first_key(
    transaction: &mut Transaction,
    private_key: &[u8; 32],
    public_key: [u8; 33],
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO label_keys (number, private_key, public_key, certificate, created)
         VALUES (1, $1, $2, NULL, $3) ON CONFLICT (number) DO NOTHING",
    )
    .bind(*private_key)
    .bind(public_key)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

/// A further key.
pub(super) async fn add_key(
    transaction: &mut Transaction,
    number: i64,
    (private_key, public_key): (&[u8; 32], [u8; 33]),
    certificate: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO label_keys (number, private_key, public_key, certificate, created)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(number)
    .bind(*private_key)
    .bind(public_key)
    .bind(certificate)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

/// A secret, unless there is one of the name.
pub(super) async fn add_secret(
    transaction: &mut Transaction,
    name: &str,
    secret: &[u8; 32],
) -> Result<(), StoreError> {
    query("INSERT INTO secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(*secret)
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn secret(reader: &mut Connection, name: &str) -> Result<Option<[u8; 32]>, StoreError> {
    let row: Option<Kept> =
        query("SELECT secret FROM secrets WHERE name = $1").bind(name).optional(reader).await?;
    Ok(row.map(|row| row.secret))
}
