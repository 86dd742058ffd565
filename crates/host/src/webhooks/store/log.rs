//! What the business reads of it, and for how long.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, query},
};

use crate::{
    ids::AppId,
    webhooks::{Attempt, DeadLetter},
};

pub(in crate::webhooks) async fn attempts(
    reader: &mut Connection,
    app: AppId,
    before: i64,
    most: i64,
) -> Result<Vec<Attempt>, StoreError> {
    query(
        "SELECT id, callback, event, field, number, at, millis, status, outcome FROM webhook_attempts
         WHERE app = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(app)
    .bind(before)
    .bind(most)
    .all(reader)
    .await
}

pub(in crate::webhooks) async fn dead(
    reader: &mut Connection,
    app: AppId,
    after: i64,
    most: i64,
) -> Result<Vec<DeadLetter>, StoreError> {
    query(
        "SELECT d.event AS event, d.callback AS callback, c.target AS target, e.field AS field,
            d.created AS created, d.died AS died, d.attempts AS attempts, d.failure AS failure
         FROM webhook_callbacks c
         JOIN webhook_deliveries d ON d.callback = c.id
         JOIN webhook_events e ON e.id = d.event
         WHERE c.app = $1 AND d.died IS NOT NULL AND d.event > $2 ORDER BY d.event LIMIT $3",
    )
    .bind(app)
    .bind(after)
    .bind(most)
    .all(reader)
    .await
}

/// Lets dead letters of an app begin anew: one event, or all; how many.
pub(in crate::webhooks) async fn revive(
    transaction: &mut Transaction,
    app: AppId,
    event: Option<i64>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let revived = query(
        "UPDATE webhook_deliveries SET died = NULL, failure = NULL, attempts = 0, created = $3, due = $3
         WHERE died IS NOT NULL AND ($2 = 0 OR event = $2)
            AND callback IN (SELECT id FROM webhook_callbacks WHERE app = $1)",
    )
    .bind(app)
    .bind(event.unwrap_or(0))
    .bind(now)
    .execute(transaction)
    .await?;
    query("UPDATE webhook_callbacks SET resume = 0, failures = 0 WHERE app = $1")
        .bind(app)
        .execute(transaction)
        .await?;
    Ok(revived)
}

/// Deletes what was before `before`, at most `most` of each; how many rows.
pub(in crate::webhooks) async fn purge(
    transaction: &mut Transaction,
    before: Timestamp,
    most: i64,
) -> Result<u64, StoreError> {
    let attempts = query(
        "DELETE FROM webhook_attempts WHERE id IN (
            SELECT id FROM webhook_attempts WHERE at < $1 ORDER BY at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute(transaction)
    .await?;
    query(
        "DELETE FROM webhook_deliveries WHERE event IN (
            SELECT id FROM webhook_events WHERE created < $1 ORDER BY created LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute(transaction)
    .await?;
    let events = query(
        "DELETE FROM webhook_events WHERE id IN (
            SELECT id FROM webhook_events WHERE created < $1 ORDER BY created LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute(transaction)
    .await?;
    Ok(attempts + events)
}
