//! The table of blocks.

use store::{
    StoreError,
    sql::{
        Column, ColumnError, Connection, Row, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::AccountId;

use crate::devices::account_column;

pub(crate) const MIGRATIONS: Module = Module {
    name: "blocks",
    migrations: &[Migration::new(
        "who blocks whom",
        "CREATE TABLE blocks (
            account {bytes} NOT NULL,
            blocked {bytes} NOT NULL,
            PRIMARY KEY (account, blocked)
        ) {options};
        CREATE INDEX blocks_of ON blocks (blocked);",
    )],
};

struct Id(AccountId);

impl Column for Id {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        account_column(row, column).map(Self)
    }
}

store::row! {
    struct Blocked from "blocks" { blocked: Id }
}

/// Whom an account blocks, in order.
pub(super) async fn blocked(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Vec<AccountId>, StoreError> {
    let rows: Vec<Blocked> = query("SELECT blocked FROM blocks WHERE account = $1 ORDER BY blocked")
        .bind(account.to_bytes())
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(|row| row.blocked.0).collect())
}

pub(super) async fn block(
    transaction: &mut Transaction,
    account: AccountId,
    other: AccountId,
) -> Result<(), StoreError> {
    query("INSERT INTO blocks (account, blocked) VALUES ($1, $2) ON CONFLICT (account, blocked) DO NOTHING")
        .bind(account.to_bytes())
        .bind(other.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn count(reader: &mut Connection, account: AccountId) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM blocks WHERE account = $1").bind(account.to_bytes());
    Ok(count.value(reader).await?.unwrap_or_default())
}

pub(super) async fn unblock(
    transaction: &mut Transaction,
    account: AccountId,
    other: AccountId,
) -> Result<(), StoreError> {
    query("DELETE FROM blocks WHERE account = $1 AND blocked = $2")
        .bind(account.to_bytes())
        .bind(other.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes an account's own block list.
pub(crate) async fn erase_own(transaction: &mut Transaction, account: AccountId) -> Result<(), StoreError> {
    query("DELETE FROM blocks WHERE account = $1")
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes an account from all block lists, and its own.
pub(crate) async fn erase(transaction: &mut Transaction, account: AccountId) -> Result<(), StoreError> {
    erase_own(transaction, account).await?;
    query("DELETE FROM blocks WHERE blocked = $1")
        .bind(account.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}
