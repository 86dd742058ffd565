//! Delivering: a callback is held by one process at a time.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Sql, Transaction, Value, query},
};

use super::callbacks::Callback;
use crate::{
    ids::{AppId, BusinessId, WabaId},
    webhooks::Field,
};

/// Whether somebody should [`claim`].
pub(in crate::webhooks) async fn any_due(
    reader: &mut Connection,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found: Option<i64> = query(
        "SELECT c.id FROM webhook_callbacks c WHERE c.leased_until <= $1 AND c.resume <= $1 AND EXISTS (
            SELECT 1 FROM webhook_deliveries d WHERE d.callback = c.id AND d.died IS NULL AND d.due <= $1)
         LIMIT 1",
    )
    .bind(now)
    .value(reader)
    .await?;
    Ok(found.is_some())
}

/// Takes callbacks with something due, those that were free for longest first.
pub(in crate::webhooks) async fn claim(
    transaction: &mut Transaction,
    now: Timestamp,
    until: Timestamp,
    token: &[u8],
    most: i64,
) -> Result<Vec<Callback>, StoreError> {
    query(Sql::each(
        "UPDATE webhook_callbacks SET lease = $1, leased_until = $2 WHERE id IN (
            SELECT c.id FROM webhook_callbacks c WHERE c.leased_until <= $3 AND c.resume <= $3 AND EXISTS (
                SELECT 1 FROM webhook_deliveries d WHERE d.callback = c.id AND d.died IS NULL AND d.due <= $3)
            ORDER BY c.leased_until LIMIT $4
         ) RETURNING id, app, target, business, url, failures",
        "UPDATE webhook_callbacks SET lease = $1, leased_until = $2 WHERE id IN (
            SELECT c.id FROM webhook_callbacks c WHERE c.leased_until <= $3 AND c.resume <= $3 AND EXISTS (
                SELECT 1 FROM webhook_deliveries d WHERE d.callback = c.id AND d.died IS NULL AND d.due <= $3)
            ORDER BY c.leased_until LIMIT $4 FOR UPDATE SKIP LOCKED
         ) RETURNING id, app, target, business, url, failures",
    ))
    .bind(token)
    .bind(until)
    .bind(now)
    .bind(most)
    .all(transaction)
    .await
}

/// Holds a callback for longer; `false` if another process has it by now, or it is gone or has another address.
pub(in crate::webhooks) async fn renew(
    transaction: &mut Transaction,
    callback: &Callback,
    token: &[u8],
    until: Timestamp,
) -> Result<bool, StoreError> {
    let renewed =
        query("UPDATE webhook_callbacks SET leased_until = $1 WHERE id = $2 AND lease = $3 AND url = $4")
            .bind(until)
            .bind(callback.id)
            .bind(token)
            .bind(&*callback.url)
            .execute(transaction)
            .await?;
    Ok(renewed == 1)
}

/// Gives a callback back.
pub(in crate::webhooks) async fn release(
    transaction: &mut Transaction,
    callback: i64,
    token: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE webhook_callbacks SET lease = NULL, leased_until = $3 WHERE id = $1 AND lease = $2")
        .bind(callback)
        .bind(token)
        .bind(now)
        .execute(transaction)
        .await
        .map(drop)
}

/// Nobody holds any callback.
pub(in crate::webhooks) async fn release_all(transaction: &mut Transaction) -> Result<(), StoreError> {
    query("UPDATE webhook_callbacks SET lease = NULL, leased_until = 0 WHERE lease IS NOT NULL")
        .execute(transaction)
        .await
        .map(drop)
}

/// How a callback is: failures in a row, and until when it is left alone.
pub(in crate::webhooks) async fn set_health(
    transaction: &mut Transaction,
    callback: i64,
    token: &[u8],
    failures: i64,
    resume: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE webhook_callbacks SET failures = $3, resume = $4 WHERE id = $1 AND lease = $2")
        .bind(callback)
        .bind(token)
        .bind(failures)
        .bind(resume)
        .execute(transaction)
        .await
        .map(drop)
}

::store::row! {
    /// What is to be delivered.
    #[derive(Debug, Clone)]
    pub(in crate::webhooks) struct Due from "webhook_deliveries" {
        pub(in crate::webhooks) event: i64,
        pub(in crate::webhooks) business: BusinessId,
        pub(in crate::webhooks) waba: WabaId,
        pub(in crate::webhooks) field: Field,
        pub(in crate::webhooks) unique_key: String,
        pub(in crate::webhooks) about: Option<String>,
        pub(in crate::webhooks) created: Timestamp,
        pub(in crate::webhooks) attempts: i64,
        pub(in crate::webhooks) size: i64,
    }
}

/// What is due at a callback, oldest first.
pub(in crate::webhooks) async fn due(
    reader: &mut Connection,
    callback: i64,
    now: Timestamp,
    most: i64,
) -> Result<Vec<Due>, StoreError> {
    query(
        "SELECT d.event AS event, e.business AS business, e.waba AS waba, e.field AS field,
            e.unique_key AS unique_key, e.about AS about, d.created AS created, d.attempts AS attempts,
            CAST(LENGTH(e.value) AS BIGINT) AS size
         FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event
         WHERE d.callback = $1 AND d.died IS NULL AND d.due <= $2 AND e.value IS NOT NULL
         ORDER BY d.event LIMIT $3",
    )
    .bind(callback)
    .bind(now)
    .bind(most)
    .all(reader)
    .await
}

::store::row! {
    pub(in crate::webhooks) struct Stored from "webhook_events" { pub(in crate::webhooks) id: i64, pub(in crate::webhooks) value: Vec<u8> }
}

/// The sealed values of events.
pub(in crate::webhooks) async fn values(
    reader: &mut Connection,
    events: impl IntoIterator<Item = i64>,
) -> Result<Vec<Stored>, StoreError> {
    query("SELECT id, value FROM webhook_events WHERE value IS NOT NULL AND id IN (VALUES {rows})")
        .rows(events.into_iter().map(|event| [event.into()]))
        .all(reader)
        .await
}

/// What became of a delivery.
#[derive(Debug, Clone)]
pub(in crate::webhooks) struct Done {
    pub(in crate::webhooks) event: i64,
    pub(in crate::webhooks) field: Field,
    pub(in crate::webhooks) next: Next,
    pub(in crate::webhooks) number: i64,
    pub(in crate::webhooks) at: Timestamp,
    pub(in crate::webhooks) millis: i64,
    pub(in crate::webhooks) status: Option<i64>,
    pub(in crate::webhooks) outcome: &'static str,
}

/// What comes after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::webhooks) enum Next {
    /// Nothing: it is delivered.
    Nothing,
    /// Another one, not before this.
    Again(Timestamp),
    /// Nothing: it was given up.
    Dead,
}

/// Writes down what became of deliveries; contents that nobody waits for any more are deleted.
pub(in crate::webhooks) async fn finish(
    transaction: &mut Transaction,
    callback: i64,
    app: AppId,
    done: &[Done],
) -> Result<(), StoreError> {
    let delivered = || done.iter().filter(|done| done.next == Next::Nothing);
    query("DELETE FROM webhook_deliveries WHERE callback = $1 AND event IN (VALUES {rows})")
        .bind(callback)
        .rows(delivered().map(|done| [done.event.into()]))
        .execute(transaction)
        .await?;
    query(
        "UPDATE webhook_events SET value = NULL WHERE id IN (VALUES {rows}) AND NOT EXISTS (
            SELECT 1 FROM webhook_deliveries d WHERE d.event = webhook_events.id)",
    )
    .rows(delivered().map(|done| [done.event.into()]))
    .execute(transaction)
    .await?;
    for done in done {
        let (due, died) = match done.next {
            Next::Nothing => continue,
            Next::Again(due) => (due, None),
            Next::Dead => (done.at, Some(done.at)),
        };
        query(
            "UPDATE webhook_deliveries SET due = $3, attempts = $4, died = $5, failure = $6
             WHERE callback = $1 AND event = $2",
        )
        .bind(callback)
        .bind(done.event)
        .bind(due)
        .bind(done.number)
        .bind(died)
        .bind(done.outcome)
        .execute(transaction)
        .await?;
    }
    query(
        "INSERT INTO webhook_attempts (app, callback, event, field, number, at, millis, status, outcome)
         VALUES {rows}",
    )
    .rows(done.iter().map(|done| -> [Value; 9] {
        [
            app.into(),
            callback.into(),
            done.event.into(),
            done.field.as_str().into(),
            done.number.into(),
            done.at.into(),
            done.millis.into(),
            done.status.into(),
            done.outcome.into(),
        ]
    }))
    .execute(transaction)
    .await
    .map(drop)
}

/// Gives up what has waited at a callback since before `before`.
pub(in crate::webhooks) async fn give_up(
    transaction: &mut Transaction,
    callback: i64,
    before: Timestamp,
    now: Timestamp,
    failure: &'static str,
) -> Result<u64, StoreError> {
    query(
        "UPDATE webhook_deliveries SET died = $3, failure = $4
         WHERE callback = $1 AND died IS NULL AND created < $2",
    )
    .bind(callback)
    .bind(before)
    .bind(now)
    .bind(failure)
    .execute(transaction)
    .await
}
