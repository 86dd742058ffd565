//! What happened, and to whom it goes.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, Value, query},
};

use crate::{
    ids::{AppId, BusinessId, UserId, WabaId},
    webhooks::{NewEvent, Target},
};

::store::row! {
    /// A callback that an account's events may go to.
    pub(in crate::webhooks) struct Route from "webhook_callbacks" {
        pub(in crate::webhooks) app: AppId,
        pub(in crate::webhooks) fields: Option<String>,
        pub(in crate::webhooks) target: Target,
        pub(in crate::webhooks) callback: i64,
    }
}

/// All callbacks of all apps that are subscribed to an account. Some are of other accounts and numbers.
pub(in crate::webhooks) async fn routes(
    connection: &mut Connection,
    waba: WabaId,
) -> Result<Vec<Route>, StoreError> {
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
    pub(in crate::webhooks) struct Inserted from "webhook_events" { pub(in crate::webhooks) id: i64, pub(in crate::webhooks) unique_key: String }
}

/// Inserts events of one account; those that are new.
pub(in crate::webhooks) async fn insert_events(
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
    pub(in crate::webhooks) struct Told from "webhook_events" {
        pub(in crate::webhooks) id: i64,
        pub(in crate::webhooks) unique_key: String,
        pub(in crate::webhooks) created: Timestamp,
        pub(in crate::webhooks) attempts: Option<i64>,
        pub(in crate::webhooks) died: Option<Timestamp>,
    }
}

/// Events of these names; `attempts` is there while one is still to be delivered to the app, or was given up.
pub(in crate::webhooks) async fn told(
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

pub(in crate::webhooks) async fn insert_deliveries(
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
pub(in crate::webhooks) async fn erase_person(
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
pub(in crate::webhooks) async fn erase_business(
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
pub(in crate::webhooks) async fn counts(reader: &mut Connection) -> Result<(i64, i64), StoreError> {
    let waiting = query("SELECT COUNT(*) FROM webhook_deliveries WHERE died IS NULL").value(reader).await?;
    let dead = query("SELECT COUNT(*) FROM webhook_deliveries WHERE died IS NOT NULL").value(reader).await?;
    Ok((waiting.unwrap_or_default(), dead.unwrap_or_default()))
}
