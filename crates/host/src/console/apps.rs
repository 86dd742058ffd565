//! Programs of the business: their tokens, where they are told, and what came of that.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json as value};

use super::{Audit, Console, Integrate, May, Outcome, Refused, answer, json, nothing};
use crate::{
    apps::{App, Scope, Scopes},
    ids::AppId,
    management::{Call, dead_letters_of, deliveries_of, replay_of},
    purposes::decisions::Decided,
    webhooks::{Field, Target},
};

/// Apps of one business at most.
const MOST: usize = 50;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An app of the business.
async fn app(console: &Console, may: &May<Integrate>, id: AppId) -> Result<App, Refused> {
    let app = console.api.apps.get(id).await?;
    if app.business == may.business().id { Ok(app) } else { Err(Refused::not_found()) }
}

async fn shown(console: &Console, app: &App) -> Result<Value, Refused> {
    let webhooks = &console.api.webhooks;
    let callback = match webhooks.callback(app.id, Target::App(app.id)).await? {
        Some(callback) => {
            let fields = webhooks.fields(app.id).await?.unwrap_or_default();
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            value!({ "url": callback.url, "fields": fields, "failures": callback.failures })
        }
        None => Value::Null,
    };
    let tokens = console.api.apps.tokens(app.id).await?;
    let tokens = tokens.iter().map(|token| {
        let scopes: Vec<&str> = token.known.scopes.iter().map(Scope::as_str).collect();
        value!({
            "token_id": token.id,
            "scopes": scopes,
            "issued": token.known.issued.0,
            "expires": token.known.expires.map(|at| at.0),
        })
    });
    Ok(value!({
        "app_id": app.id,
        "name": app.name,
        "created": app.created.0,
        "callback": callback,
        "tokens": tokens.collect::<Vec<_>>(),
    }))
}

pub(super) async fn list(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    call.only(&[])?;
    let mut apps = Vec::new();
    for app in console.api.apps.of_business(may.business().id).await? {
        apps.push(shown(&console, &app).await?);
    }
    json(&value!({ "apps": apps }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

pub(super) async fn create(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    call.only(&[])?;
    let Named { name } = call.body()?;
    let fits = (1..=100).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        return Err(Refused::field("name", "from 1 to 100 characters"));
    }
    let (apps, business) = (&console.api.apps, may.business());
    if apps.of_business(business.id).await?.len() >= MOST {
        return Err(crate::HostError::Conflict("a business has at most 50 apps").into());
    }
    let made = apps.create(business.id, name.trim(), &may.log_name()).await?;
    // An app is told of its business's account, as the first one is.
    console.api.webhooks.subscribe(business.waba, made.app).await?;
    answer(
        StatusCode::CREATED,
        &value!({ "app_id": made.app, "secret": made.secret.expose(), "token": made.token.expose() }),
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    scopes: Option<Vec<String>>,
    days: Option<u32>,
}

pub(super) async fn issue(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    call.only(&[])?;
    let app = app(&console, &may, call.id(0)?).await?;
    let wanted: Wanted = call.body()?;
    let scopes = match wanted.scopes {
        None => Scopes::ALL,
        Some(words) => {
            let read = words.iter().map(|word| {
                Scope::GRANTED.into_iter().find(|scope| scope.as_str() == word).ok_or_else(|| {
                    let known = Scope::GRANTED.map(Scope::as_str).join(", ");
                    Refused::field("scopes", format!("of these: {known}"))
                })
            });
            Scopes::of(&read.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let expires = match wanted.days {
        None => None,
        Some(days) if (1..=3650).contains(&days) => Some(console.ground.now().after(DAY * days)),
        Some(_) => return Err(Refused::field("days", "from 1 to 3650")),
    };
    let token = console.api.apps.issue(app.id, scopes, expires, &may.log_name()).await?;
    answer(
        StatusCode::CREATED,
        &value!({ "token": token.expose(), "token_id": token.id(), "expires": expires.map(|at| at.0) }),
    )
}

pub(super) async fn revoke(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    call.only(&[])?;
    let app = app(&console, &may, call.id(0)?).await?;
    let id: String = call.id(1)?;
    if console.api.apps.revoke_by_id(&app, &id, &may.log_name()).await? {
        nothing()
    } else {
        Err(Refused::not_found())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Callback {
    url: String,
    verify_token: String,
    fields: Vec<String>,
}

pub(super) async fn set_callback(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    call.only(&[])?;
    let app = app(&console, &may, call.id(0)?).await?;
    let asked: Callback = call.body()?;
    if asked.url.len() > 2048 {
        return Err(Refused::field("url", "at most 2048 bytes"));
    }
    if !(1..=1024).contains(&asked.verify_token.len()) {
        return Err(Refused::field("verify_token", "from 1 to 1024 bytes"));
    }
    let mut fields = BTreeSet::new();
    for word in &asked.fields {
        let field: Field = word.parse().map_err(|_| Refused::field("fields", "not a field of webhooks"))?;
        fields.insert(field);
    }
    let of = (app.business, app.id);
    console.api.webhooks.set_app_callback(of, &asked.url, &asked.verify_token, &fields).await?;
    console.noted(&may, Decided::Callback, vec![format!("app {}", app.id), "set".to_owned()]).await?;
    json(&shown(&console, &app).await?)
}

pub(super) async fn remove_callback(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    call.only(&[])?;
    let app = app(&console, &may, call.id(0)?).await?;
    console.api.webhooks.remove_app_callback(app.id).await?;
    console.noted(&may, Decided::Callback, vec![format!("app {}", app.id), "removed".to_owned()]).await?;
    nothing()
}

pub(super) async fn deliveries(console: Arc<Console>, may: May<Audit>, call: Call) -> Outcome {
    Ok(deliveries_of(&console.api, may.business().id, call).await?)
}

pub(super) async fn dead_letters(console: Arc<Console>, may: May<Audit>, call: Call) -> Outcome {
    Ok(dead_letters_of(&console.api, may.business().id, call).await?)
}

pub(super) async fn replay(console: Arc<Console>, may: May<Integrate>, call: Call) -> Outcome {
    Ok(replay_of(&console.api, may.business().id, call).await?)
}
