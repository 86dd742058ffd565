//! The table of meetings.

use store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

pub(crate) const MIGRATIONS: Module = Module {
    name: "provisioning",
    migrations: &[Migration::new(
        "meetings of a new device and its primary one",
        "CREATE TABLE provisioning (
            id {bytes} PRIMARY KEY,
            message {bytes},
            expires {integer} NOT NULL
        ) {options};
        CREATE INDEX provisioning_expires ON provisioning (expires);",
    )],
};

pub(super) async fn insert(
    transaction: &mut Transaction,
    id: [u8; 16],
    expires: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO provisioning (id, expires) VALUES ($1, $2)")
        .bind(id)
        .bind(expires)
        .execute(transaction)
        .await
        .map(drop)
}

/// Leaves a message; `false` if there is no such meeting, or there is a message.
pub(super) async fn leave(
    transaction: &mut Transaction,
    id: [u8; 16],
    message: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed =
        query("UPDATE provisioning SET message = $1 WHERE id = $2 AND message IS NULL AND expires > $3")
            .bind(message)
            .bind(id)
            .bind(now)
            .execute(transaction)
            .await?;
    Ok(changed == 1)
}

/// Whether there is a message; nothing if there is no such meeting.
pub(super) async fn there(
    reader: &mut Connection,
    id: [u8; 16],
    now: Timestamp,
) -> Result<Option<bool>, StoreError> {
    query("SELECT message IS NOT NULL AS there FROM provisioning WHERE id = $1 AND expires > $2")
        .bind(id)
        .bind(now)
        .value(reader)
        .await
}

/// Takes the message, and with it the meeting ends.
pub(super) async fn take(
    transaction: &mut Transaction,
    id: [u8; 16],
    now: Timestamp,
) -> Result<Option<Vec<u8>>, StoreError> {
    query("DELETE FROM provisioning WHERE id = $1 AND message IS NOT NULL AND expires > $2 RETURNING message")
        .bind(id)
        .bind(now)
        .value(transaction)
        .await
}

pub(super) async fn sweep(transaction: &mut Transaction, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM provisioning WHERE expires <= $1").bind(now).execute(transaction).await.map(drop)
}
