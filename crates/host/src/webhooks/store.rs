//! The tables of callbacks, events, deliveries and attempts.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};

use super::{Attempt, DeadLetter, Field, NewEvent, Target};
use crate::ids::{AppId, BusinessId, UserId, WabaId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "webhooks",
    migrations: &[Migration::new(
        "callbacks, events, deliveries and attempts",
        "CREATE TABLE webhook_apps (
            app {integer} PRIMARY KEY,
            fields TEXT NOT NULL
        ) {options};
        CREATE TABLE webhook_subscriptions (
            waba {integer} NOT NULL,
            app {integer} NOT NULL,
            since {integer} NOT NULL,
            PRIMARY KEY (waba, app)
        ) {options};
        CREATE TABLE webhook_callbacks (
            id {sequence},
            app {integer} NOT NULL,
            target {integer} NOT NULL,
            business {integer} NOT NULL,
            url {bytes} NOT NULL,
            failures {integer} NOT NULL DEFAULT 0,
            resume {integer} NOT NULL DEFAULT 0,
            lease {bytes},
            leased_until {integer} NOT NULL DEFAULT 0,
            UNIQUE (app, target)
        ) {options};
        CREATE TABLE webhook_events (
            id {sequence},
            business {integer} NOT NULL,
            waba {integer} NOT NULL,
            field TEXT NOT NULL,
            unique_key TEXT NOT NULL,
            about TEXT,
            value {bytes},
            created {integer} NOT NULL,
            UNIQUE (waba, unique_key)
        ) {options};
        CREATE INDEX webhook_events_created ON webhook_events (created);
        CREATE INDEX webhook_events_about ON webhook_events (business, about) WHERE value IS NOT NULL;
        CREATE TABLE webhook_deliveries (
            callback {integer} NOT NULL,
            event {integer} NOT NULL,
            created {integer} NOT NULL,
            due {integer} NOT NULL,
            attempts {integer} NOT NULL DEFAULT 0,
            died {integer},
            failure TEXT,
            PRIMARY KEY (callback, event)
        ) {options};
        CREATE INDEX webhook_deliveries_due ON webhook_deliveries (callback, due) WHERE died IS NULL;
        CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event);
        CREATE TABLE webhook_attempts (
            id {sequence},
            app {integer} NOT NULL,
            callback {integer} NOT NULL,
            event {integer} NOT NULL,
            field TEXT NOT NULL,
            number {integer} NOT NULL,
            at {integer} NOT NULL,
            millis {integer} NOT NULL,
            status {integer},
            outcome TEXT NOT NULL
        ) {options};
        CREATE INDEX webhook_attempts_app ON webhook_attempts (app, id);
        CREATE INDEX webhook_attempts_at ON webhook_attempts (at);",
    )],
};

impl Column for Field {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get::<String>(column)?.parse().map_err(|error| ColumnError::new(column, error))
    }
}

impl Column for Target {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let id: i64 = row.get(column)?;
        Self::from_id(id.cast_unsigned()).ok_or_else(|| ColumnError::new(column, "no app, account or number"))
    }
}

::store::row! {
    struct Id from "webhook_callbacks" { id: i64 }
}

::store::row! {
    /// A callback as it is stored.
    #[derive(Debug, Clone)]
    pub(super) struct Callback from "webhook_callbacks" {
        pub(super) id: i64,
        pub(super) app: AppId,
        pub(super) target: Target,
        pub(super) business: BusinessId,
        pub(super) url: Vec<u8>,
        pub(super) failures: i64,
    }
}

// Who is asked, and for what.

/// Sets or replaces the callback of an app for a target. What waits for it goes to the new address, at once.
pub(super) async fn set_callback(
    transaction: &mut Transaction,
    (app, target): (AppId, Target),
    business: BusinessId,
    url: &[u8],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO webhook_callbacks (app, target, business, url) VALUES ($1, $2, $3, $4)
         ON CONFLICT (app, target) DO UPDATE SET
            business = excluded.business, url = excluded.url, failures = 0, resume = 0",
    )
    .bind(app)
    .bind(target)
    .bind(business)
    .bind(url)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn set_fields(
    transaction: &mut Transaction,
    app: AppId,
    fields: &str,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO webhook_apps (app, fields) VALUES ($1, $2)
         ON CONFLICT (app) DO UPDATE SET fields = excluded.fields",
    )
    .bind(app)
    .bind(fields)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn forget_fields(transaction: &mut Transaction, app: AppId) -> Result<(), StoreError> {
    query("DELETE FROM webhook_apps WHERE app = $1").bind(app).execute(transaction).await.map(drop)
}

pub(super) async fn fields(reader: &mut Connection, app: AppId) -> Result<Option<String>, StoreError> {
    query("SELECT fields FROM webhook_apps WHERE app = $1").bind(app).value(reader).await
}

pub(super) async fn callback(
    reader: &mut Connection,
    app: AppId,
    target: Target,
) -> Result<Option<Callback>, StoreError> {
    query(
        "SELECT id, app, target, business, url, failures FROM webhook_callbacks WHERE app = $1 AND target = $2",
    )
    .bind(app)
    .bind(target)
    .optional(reader)
    .await
}

/// Removes a callback; what waits for it goes to `instead`, or nowhere.
pub(super) async fn remove_callback(
    transaction: &mut Transaction,
    callback: i64,
    instead: Option<i64>,
) -> Result<(), StoreError> {
    if let Some(instead) = instead {
        query("UPDATE webhook_deliveries SET callback = $2 WHERE callback = $1")
            .bind(callback)
            .bind(instead)
            .execute(transaction)
            .await?;
    }
    query("DELETE FROM webhook_deliveries WHERE callback = $1").bind(callback).execute(transaction).await?;
    query("DELETE FROM webhook_callbacks WHERE id = $1").bind(callback).execute(transaction).await.map(drop)
}

pub(super) async fn subscribe(
    transaction: &mut Transaction,
    waba: WabaId,
    app: AppId,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO webhook_subscriptions (waba, app, since) VALUES ($1, $2, $3)
         ON CONFLICT (waba, app) DO NOTHING",
    )
    .bind(waba)
    .bind(app)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn unsubscribe(
    transaction: &mut Transaction,
    waba: WabaId,
    app: AppId,
) -> Result<bool, StoreError> {
    let removed = query("DELETE FROM webhook_subscriptions WHERE waba = $1 AND app = $2")
        .bind(waba)
        .bind(app)
        .execute(transaction)
        .await?;
    Ok(removed == 1)
}

::store::row! {
    struct Subscribed from "webhook_subscriptions" { app: AppId }
}

pub(super) async fn subscribed(reader: &mut Connection, waba: WabaId) -> Result<Vec<AppId>, StoreError> {
    let rows: Vec<Subscribed> =
        query("SELECT app FROM webhook_subscriptions WHERE waba = $1 ORDER BY since, app")
            .bind(waba)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.app).collect())
}

// Events.

::store::row! {
    /// A callback that an account's events may go to.
    pub(super) struct Route from "webhook_callbacks" {
        pub(super) app: AppId,
        pub(super) fields: Option<String>,
        pub(super) target: Target,
        pub(super) callback: i64,
    }
}

/// All callbacks of all apps that are subscribed to an account. Some are of other accounts and numbers.
pub(super) async fn routes(connection: &mut Connection, waba: WabaId) -> Result<Vec<Route>, StoreError> {
    query(
        "SELECT s.app AS app, a.fields AS fields, c.target AS target, c.id AS callback
         FROM webhook_subscriptions s
         JOIN webhook_callbacks c ON c.app = s.app
         LEFT JOIN webhook_apps a ON a.app = s.app
         WHERE s.waba = $1",
    )
    .bind(waba)
    .all(connection)
    .await
}

::store::row! {
    pub(super) struct Inserted from "webhook_events" { pub(super) id: i64, pub(super) unique_key: String }
}

/// Inserts events of one account; those that are new.
pub(super) async fn insert_events(
    transaction: &mut Transaction,
    events: &[&NewEvent],
    now: Timestamp,
) -> Result<Vec<Inserted>, StoreError> {
    query(
        "INSERT INTO webhook_events (business, waba, field, unique_key, about, value, created) VALUES {rows}
         ON CONFLICT (waba, unique_key) DO NOTHING RETURNING id, unique_key",
    )
    .rows(events.iter().map(|event| -> [Value; 7] {
        [
            event.business.into(),
            event.waba.into(),
            event.field.as_str().into(),
            event.unique.as_str().into(),
            event.about.as_ref().map(|about| about.as_str().to_owned()).into(),
            event.value.stored().into(),
            now.into(),
        ]
    }))
    .all(transaction)
    .await
}

::store::row! {
    /// An event, and how far its delivery to an app is.
    pub(super) struct Told from "webhook_events" {
        pub(super) id: i64,
        pub(super) unique_key: String,
        pub(super) created: Timestamp,
        pub(super) attempts: Option<i64>,
        pub(super) died: Option<Timestamp>,
    }
}

/// Events of these names; `attempts` is there while one is still to be delivered to the app, or was given up.
pub(super) async fn told(
    reader: &mut Connection,
    (waba, app): (WabaId, AppId),
    names: &[String],
) -> Result<Vec<Told>, StoreError> {
    query(
        "SELECT e.id, e.unique_key, e.created, d.attempts, d.died FROM webhook_events e
         LEFT JOIN webhook_deliveries d ON d.event = e.id
             AND d.callback IN (SELECT id FROM webhook_callbacks WHERE app = $2)
         WHERE e.waba = $1 AND e.unique_key IN (VALUES {rows})",
    )
    .bind(waba)
    .bind(app)
    .rows(names.iter().map(|name| [name.as_str().into()]))
    .all(reader)
    .await
}

pub(super) async fn insert_deliveries(
    transaction: &mut Transaction,
    deliveries: Vec<(i64, i64)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO webhook_deliveries (callback, event, created, due) VALUES {rows}")
        .rows(
            deliveries
                .into_iter()
                .map(|(callback, event)| [callback.into(), event.into(), now.into(), now.into()]),
        )
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes what is still to be said about a person.
pub(super) async fn erase_person(
    transaction: &mut Transaction,
    business: BusinessId,
    person: &UserId,
) -> Result<(), StoreError> {
    query(
        "DELETE FROM webhook_deliveries WHERE event IN (
            SELECT id FROM webhook_events WHERE business = $1 AND about = $2)",
    )
    .bind(business)
    .bind(person.as_str())
    .execute(transaction)
    .await?;
    query("DELETE FROM webhook_events WHERE business = $1 AND about = $2")
        .bind(business)
        .bind(person.as_str())
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes all that a business has here.
pub(super) async fn erase_business(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM webhook_deliveries
         WHERE callback IN (SELECT id FROM webhook_callbacks WHERE business = $1)
            OR event IN (SELECT id FROM webhook_events WHERE business = $1)",
        "DELETE FROM webhook_events WHERE business = $1",
        "DELETE FROM webhook_callbacks WHERE business = $1",
        "DELETE FROM webhook_attempts WHERE app IN (SELECT id FROM apps WHERE business = $1)",
        "DELETE FROM webhook_subscriptions WHERE app IN (SELECT id FROM apps WHERE business = $1)",
        "DELETE FROM webhook_apps WHERE app IN (SELECT id FROM apps WHERE business = $1)",
    ] {
        query(text).bind(business).execute(transaction).await?;
    }
    Ok(())
}

/// How many deliveries wait, and how many are dead letters.
pub(super) async fn counts(reader: &mut Connection) -> Result<(i64, i64), StoreError> {
    let waiting = query("SELECT COUNT(*) FROM webhook_deliveries WHERE died IS NULL").value(reader).await?;
    let dead = query("SELECT COUNT(*) FROM webhook_deliveries WHERE died IS NOT NULL").value(reader).await?;
    Ok((waiting.unwrap_or_default(), dead.unwrap_or_default()))
}

// Delivering: a callback is held by one process at a time.

/// Whether somebody should [`claim`].
pub(super) async fn any_due(reader: &mut Connection, now: Timestamp) -> Result<bool, StoreError> {
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
pub(super) async fn claim(
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
pub(super) async fn renew(
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
pub(super) async fn release(
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
pub(super) async fn release_all(transaction: &mut Transaction) -> Result<(), StoreError> {
    query("UPDATE webhook_callbacks SET lease = NULL, leased_until = 0 WHERE lease IS NOT NULL")
        .execute(transaction)
        .await
        .map(drop)
}

/// How a callback is: failures in a row, and until when it is left alone.
pub(super) async fn set_health(
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
    pub(super) struct Due from "webhook_deliveries" {
        pub(super) event: i64,
        pub(super) business: BusinessId,
        pub(super) waba: WabaId,
        pub(super) field: Field,
        pub(super) unique_key: String,
        pub(super) about: Option<String>,
        pub(super) created: Timestamp,
        pub(super) attempts: i64,
        pub(super) size: i64,
    }
}

/// What is due at a callback, oldest first.
pub(super) async fn due(
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
    pub(super) struct Stored from "webhook_events" { pub(super) id: i64, pub(super) value: Vec<u8> }
}

/// The sealed values of events.
pub(super) async fn values(
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
pub(super) struct Done {
    pub(super) event: i64,
    pub(super) field: Field,
    pub(super) next: Next,
    pub(super) number: i64,
    pub(super) at: Timestamp,
    pub(super) millis: i64,
    pub(super) status: Option<i64>,
    pub(super) outcome: &'static str,
}

/// What comes after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it is delivered.
    Nothing,
    /// Another one, not before this.
    Again(Timestamp),
    /// Nothing: it was given up.
    Dead,
}

/// Writes down what became of deliveries; contents that nobody waits for any more are deleted.
pub(super) async fn finish(
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
pub(super) async fn give_up(
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

// What the business reads.

pub(super) async fn attempts(
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

pub(super) async fn dead(
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
pub(super) async fn revive(
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
pub(super) async fn purge(
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
