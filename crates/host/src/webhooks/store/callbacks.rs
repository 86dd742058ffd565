//! Who is asked, and for what.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, query},
};

use crate::{
    ids::{AppId, BusinessId, WabaId},
    webhooks::Target,
};

::store::row! {
    struct Id from "webhook_callbacks" { id: i64 }
}

::store::row! {
    /// A callback as it is stored.
    #[derive(Debug, Clone)]
    pub(in crate::webhooks) struct Callback from "webhook_callbacks" {
        pub(in crate::webhooks) id: i64,
        pub(in crate::webhooks) app: AppId,
        pub(in crate::webhooks) target: Target,
        pub(in crate::webhooks) business: BusinessId,
        pub(in crate::webhooks) url: Vec<u8>,
        pub(in crate::webhooks) failures: i64,
    }
}

/// Sets or replaces the callback of an app for a target. What waits for it goes to the new address, at once.
pub(in crate::webhooks) async fn set_callback(
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

pub(in crate::webhooks) async fn set_fields(
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

pub(in crate::webhooks) async fn forget_fields(
    transaction: &mut Transaction,
    app: AppId,
) -> Result<(), StoreError> {
    query("DELETE FROM webhook_apps WHERE app = $1").bind(app).execute(transaction).await.map(drop)
}

pub(in crate::webhooks) async fn fields(
    reader: &mut Connection,
    app: AppId,
) -> Result<Option<String>, StoreError> {
    query("SELECT fields FROM webhook_apps WHERE app = $1").bind(app).value(reader).await
}

pub(in crate::webhooks) async fn callback(
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

/// All callbacks of an app.
pub(in crate::webhooks) async fn callbacks(
    reader: &mut Connection,
    app: AppId,
) -> Result<Vec<Callback>, StoreError> {
    query("SELECT id, app, target, business, url, failures FROM webhook_callbacks WHERE app = $1")
        .bind(app)
        .all(reader)
        .await
}

/// Removes a callback; what waits for it goes to `instead`, or nowhere.
pub(in crate::webhooks) async fn remove_callback(
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

pub(in crate::webhooks) async fn subscribe(
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

pub(in crate::webhooks) async fn unsubscribe(
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

pub(in crate::webhooks) async fn subscribed(
    reader: &mut Connection,
    waba: WabaId,
) -> Result<Vec<AppId>, StoreError> {
    let rows: Vec<Subscribed> =
        query("SELECT app FROM webhook_subscriptions WHERE waba = $1 ORDER BY since, app")
            .bind(waba)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.app).collect())
}
