//! The table of blobs.

use store::{
    StoreError, Timestamp,
    blobs::BlobId,
    jobs::{self, NewJob},
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::AccountId;

use super::EXPIRY;

pub(crate) const MIGRATIONS: Module = Module {
    name: "blobs",
    migrations: &[Migration::new(
        "blobs, and whose they are",
        "CREATE TABLE blobs (
            id TEXT PRIMARY KEY,
            account {bytes} NOT NULL,
            size {integer} NOT NULL,
            finished {boolean} NOT NULL,
            created {integer} NOT NULL,
            expires {integer} NOT NULL
        ) {options};
        CREATE INDEX blobs_of ON blobs (account);",
    )],
};

store::row! {
    /// What is known of a blob.
    pub(super) struct Blob from "blobs" {
        pub(super) account: [u8; 16],
        pub(super) size: i64,
        pub(super) finished: bool,
        pub(super) created: Timestamp,
    }
}

store::row! {
    struct Id from "blobs" { id: String }
}

fn expiry(id: &str, due: Timestamp) -> NewJob {
    NewJob { kind: EXPIRY, payload: id.as_bytes().to_vec(), due, unique_key: None }
}

/// A new blob, with the job that removes it if it is not finished in time.
pub(super) async fn insert(
    transaction: &mut Transaction,
    id: BlobId,
    account: AccountId,
    size: i64,
    (now, expires): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let id = id.to_string();
    query(
        "INSERT INTO blobs (id, account, size, finished, created, expires) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.as_str())
    .bind(account.to_bytes())
    .bind(size)
    .bind(false)
    .bind(now)
    .bind(expires)
    .execute(transaction)
    .await?;
    jobs::add(transaction, [expiry(&id, expires)]).await.map(drop)
}

/// How many uploads of an account are not finished.
pub(super) async fn unfinished(reader: &mut Connection, account: AccountId) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM blobs WHERE account = $1 AND finished = $2");
    Ok(count.bind(account.to_bytes()).bind(false).value(reader).await?.unwrap_or_default())
}

/// A blob that has not expired.
pub(super) async fn blob(
    reader: &mut Connection,
    id: BlobId,
    now: Timestamp,
) -> Result<Option<Blob>, StoreError> {
    query("SELECT account, size, finished, created FROM blobs WHERE id = $1 AND expires > $2")
        .bind(id.to_string())
        .bind(now)
        .optional(reader)
        .await
}

/// The upload is a blob now, and expires when blobs do. `false` if it is gone.
pub(super) async fn finish(
    transaction: &mut Transaction,
    id: BlobId,
    expires: Timestamp,
) -> Result<bool, StoreError> {
    let id = id.to_string();
    let changed = query("UPDATE blobs SET finished = $1, expires = $2 WHERE id = $3")
        .bind(true)
        .bind(expires)
        .bind(id.as_str())
        .execute(transaction)
        .await?;
    if changed == 1 {
        jobs::add(transaction, [expiry(&id, expires)]).await?;
    }
    Ok(changed == 1)
}

/// Removes a blob; its bytes go soon after the commit.
pub(super) async fn remove(
    transaction: &mut Transaction,
    id: BlobId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = id.to_string();
    query("DELETE FROM blobs WHERE id = $1").bind(id.as_str()).execute(transaction).await?;
    jobs::add(transaction, [expiry(&id, now)]).await.map(drop)
}

/// Removes all blobs of an account; their bytes go soon after the commit.
pub(crate) async fn erase(
    transaction: &mut Transaction,
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let gone: Vec<Id> = query("DELETE FROM blobs WHERE account = $1 RETURNING id")
        .bind(account.to_bytes())
        .all(transaction)
        .await?;
    jobs::add(transaction, gone.iter().map(|row| expiry(&row.id, now))).await.map(drop)
}

/// Removes a blob that has expired; whether it is gone now, or was before.
pub(super) async fn expire(
    transaction: &mut Transaction,
    id: BlobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = id.to_string();
    query("DELETE FROM blobs WHERE id = $1 AND expires <= $2")
        .bind(id.as_str())
        .bind(now)
        .execute(transaction)
        .await?;
    let there: Option<i64> =
        query("SELECT COUNT(*) FROM blobs WHERE id = $1").bind(id.as_str()).value(transaction).await?;
    Ok(there == Some(0))
}
