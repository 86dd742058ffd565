//! Apps and tokens, asked about.

use std::sync::Arc;

use serde_json::{Value, json};
use store::Timestamp;

use super::{
    Call, Failure,
    api::{Api, Outcome},
    objects::{Node, project},
};
use crate::{
    HostError,
    apps::{App, Authorized, Known, Owned, Scope, Scopes},
    codes::Code,
};

/// `GET /oauth/access_token`: an app's own token. There is no dialogue of people here that would give a `code`.
pub(super) async fn access_token(api: Arc<Api>, call: Call) -> Outcome {
    let fields = call.fields();
    let grant = fields.text("grant_type", 64)?;
    let (id, secret) = (fields.need_text("client_id", 64)?, fields.need_text("client_secret", 256)?);
    let app = api.apps.app_itself(&id, &secret).await?;
    app.map_err(|_| Failure::new(Code::Unknown, "Error validating client secret."))?;
    match grant.as_deref() {
        Some("client_credentials") => {}
        _ if fields.value("code").is_some() => {
            return Err(Failure::parameter("code", "This authorization code is none, or was used."));
        }
        _ => return Err(Failure::parameter("grant_type", "must be client_credentials")),
    }
    Ok(json!({ "access_token": format!("{id}|{secret}"), "token_type": "bearer" }).into())
}

/// `GET /debug_token`: what a token of the same business may do.
pub(super) async fn debug_token(api: Arc<Api>, caller: Authorized, call: Call) -> Outcome {
    let token = call.fields().need_text("input_token", 1024)?;
    let known = if let Some((id, secret)) = token.split_once('|') {
        api.apps.app_itself(id, secret).await?.map(|app| app.known().clone())
    } else {
        api.apps.known(&token).await?
    };
    let known = known.ok().filter(|known| known.business == caller.business());
    let Some(known) = known else {
        let error = json!({ "code": 190, "message": "The access token could not be decrypted" });
        return Ok(json!({ "data": { "is_valid": false, "scopes": [], "error": error } }).into());
    };
    let app = api.apps.get(known.app).await?;
    let business = api.businesses.get(known.business).await?;
    let is_app = known.scopes == Scopes::NONE;
    let granular: Vec<Value> = known
        .scopes
        .iter()
        .map(|scope| {
            let target =
                if scope == Scope::Business { business.id.to_string() } else { business.waba.to_string() };
            json!({ "scope": scope.as_str(), "target_ids": [target] })
        })
        .collect();
    let Known { scopes, issued, expires, .. } = known;
    let seconds = |at: Timestamp| at.0 / 1000;
    Ok(json!({ "data": {
        "app_id": app.id,
        "type": if is_app { "APP" } else { "SYSTEM_USER" },
        "application": app.name,
        "expires_at": expires.map_or(0, seconds),
        "data_access_expires_at": 0,
        "is_valid": true,
        "issued_at": seconds(issued),
        "scopes": scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "granular_scopes": granular,
        "user_id": business.id,
    } })
    .into())
}

/// `GET /me`: the business, as its system user.
pub(super) async fn me(api: Arc<Api>, caller: Authorized, call: Call) -> Outcome {
    let business = match api.businesses.get(caller.business()).await {
        Err(HostError::NotFound(_)) => {
            return Err(Failure::token("The business of this token is gone.", None));
        }
        found => found?,
    };
    let known = vec![("id", json!(business.id)), ("name", json!(business.name))];
    Ok(project(Node::USER, &call.selection()?, known, &["id", "name"])?.into())
}

pub(super) async fn app(_: Arc<Api>, app: Owned<App>, call: Call) -> Outcome {
    let app = app.object;
    let known = vec![
        ("id", json!(app.id)),
        ("name", json!(app.name)),
        ("link", json!(call.base)),
        ("category", json!("Business and pages")),
    ];
    Ok(project(Node::APPLICATION, &call.selection()?, known, &["id", "name", "link", "category"])?.into())
}
