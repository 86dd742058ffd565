//! Which apps are told of what, and where.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    Call, Failure, Fields,
    api::{Api, Outcome},
    lists::page,
};
use crate::{
    HostError,
    apps::{App, Apps, Owned},
    businesses::Business,
    ids::{AppId, BusinessId, WabaId},
    numbers::Number,
    webhooks::{Field, Secret, Secrets, Target, Webhooks},
};

#[async_trait]
impl Secrets for Apps {
    async fn of(&self, app: AppId) -> Result<Secret, HostError> {
        Ok(Secret::new(self.secret(app).await?.expose()))
    }
}

fn success() -> Outcome {
    Ok(json!({ "success": true }).into())
}

/// Bytes of a callback's address.
const LINK: usize = 2048;

/// Sets or removes where an app is told of an account or a number. `None` if nothing is said of it.
async fn set_override(
    webhooks: &Webhooks,
    (business, app): (BusinessId, AppId),
    target: Target,
    waba: crate::ids::WabaId,
    fields: &Fields<'_>,
) -> Result<(), Failure> {
    match fields.text("override_callback_uri", LINK)? {
        Some(url) => {
            let token = fields.need_text("verify_token", 1024)?;
            Ok(webhooks.set_override((business, app), target, &url, &token).await?)
        }
        None => Ok(webhooks.remove_override(app, target, waba).await?),
    }
}

pub(super) async fn subscribe(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let (app, business) = (business.caller().app(), business.object);
    let target = Target::Waba(business.waba);
    set_override(&api.webhooks, (business.id, app), target, business.waba, &call.fields()).await?;
    api.webhooks.subscribe(business.waba, app).await?;
    success()
}

pub(super) async fn unsubscribe(api: Arc<Api>, business: Owned<Arc<Business>>, _: Call) -> Outcome {
    let (app, business) = (business.caller().app(), business.object);
    api.webhooks.remove_override(app, Target::Waba(business.waba), business.waba).await?;
    api.webhooks.unsubscribe(business.waba, app).await?;
    success()
}

pub(super) async fn subscribed(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let base = call.base.clone();
    let rows = subscribed_to(&api, business.object.waba, &base).await?;
    Ok(page(&call, rows)?.into())
}

/// The apps that are told of an account, by id.
pub(super) async fn subscribed_to(
    api: &Api,
    waba: WabaId,
    base: &str,
) -> Result<Vec<(String, Value)>, HostError> {
    let mut rows = Vec::new();
    for id in api.webhooks.subscribed(waba).await? {
        let app = api.apps.get(id).await?;
        let data = json!({ "id": app.id, "name": app.name, "link": base, "category": "Business and pages" });
        let mut row = json!({ "whatsapp_business_api_data": data });
        let callback = api.webhooks.callback(id, Target::Waba(waba)).await?;
        if let (Some(row), Some(callback)) = (row.as_object_mut(), callback) {
            row.insert("override_callback_uri".to_owned(), callback.url.into());
        }
        rows.push((id.to_string(), row));
    }
    Ok(rows)
}

const OBJECT: &str = "whatsapp_business_account";

pub(super) async fn set_app(api: Arc<Api>, app: Owned<App>, call: Call) -> Outcome {
    let (app, fields) = (app.object, call.fields());
    fields.word("object", &[OBJECT])?.ok_or_else(|| fields.missing("object"))?;
    let url = fields.need_text("callback_url", LINK)?;
    let token = fields.need_text("verify_token", 1024)?;
    let mut wanted = BTreeSet::new();
    for word in fields.texts("fields", 100)? {
        let field: Field = word.parse().map_err(|_| fields.invalid("fields", "not a field of webhooks"))?;
        wanted.insert(field);
    }
    api.webhooks.set_app_callback((app.business, app.id), &url, &token, &wanted).await?;
    success()
}

pub(super) async fn remove_app(api: Arc<Api>, app: Owned<App>, call: Call) -> Outcome {
    call.fields().word("object", &[OBJECT])?;
    api.webhooks.remove_app_callback(app.object.id).await?;
    success()
}

pub(super) async fn of_app(api: Arc<Api>, app: Owned<App>, call: Call) -> Outcome {
    let id = app.object.id;
    let Some(callback) = api.webhooks.callback(id, Target::App(id)).await? else {
        return Ok(page(&call, Vec::new())?.into());
    };
    let fields = api.webhooks.fields(id).await?.unwrap_or_default();
    let version = call.version.to_string();
    let fields: Vec<Value> =
        fields.iter().map(|field| json!({ "name": field.as_str(), "version": version })).collect();
    let row = json!({ "object": OBJECT, "callback_url": callback.url, "active": true, "fields": fields });
    Ok(page(&call, vec![(OBJECT.to_owned(), row)])?.into())
}

/// `POST /{phone}` with `webhook_configuration`; `false` if there is none.
pub(super) async fn of_number(
    api: &Api,
    app: AppId,
    number: &Number,
    fields: &Fields<'_>,
) -> Result<bool, Failure> {
    let Some(configuration) = fields.object("webhook_configuration")? else { return Ok(false) };
    let target = Target::Number(number.id);
    set_override(&api.webhooks, (number.business, app), target, number.waba, &configuration).await?;
    Ok(true)
}

/// The callbacks that there are for a number, as its `webhook_configuration` names them.
pub(super) async fn configuration(api: &Api, app: AppId, number: &Number) -> Result<Value, HostError> {
    let mut configuration = json!({});
    for (name, target) in [
        ("application", Target::App(app)),
        ("whatsapp_business_account", Target::Waba(number.waba)),
        ("phone_number", Target::Number(number.id)),
    ] {
        let callback = api.webhooks.callback(app, target).await?;
        if let (Some(object), Some(callback)) = (configuration.as_object_mut(), callback) {
            object.insert(name.to_owned(), callback.url.into());
        }
    }
    Ok(configuration)
}
