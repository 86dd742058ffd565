//! Names by which numbers are found.

use std::sync::Arc;

use serde_json::json;

use super::{
    Call,
    api::{Api, Outcome},
};
use crate::{HostError, apps::Owned, numbers::Number, usernames::Username};

pub(super) async fn get(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    match api.usernames.of(&number.object).await? {
        Some(name) => Ok(json!({ "username": name, "status": "approved" }).into()),
        None => Err(HostError::NotFound("username").into()),
    }
}

pub(super) async fn set(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    let name = Username::new(&fields.need_text("username", 256)?);
    let name = name.ok_or_else(|| {
        fields.invalid("username", "3 to 35 of a-z, 0-9, . and _ with at least one letter, and no address")
    })?;
    let transfer = fields.word("transfer_action", &["none", "force_transfer"])?;
    api.usernames.set(&number.object, &name, transfer == Some("force_transfer")).await?;
    Ok(json!({ "success": true, "username": name.as_str(), "status": "approved" }).into())
}

pub(super) async fn remove(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    api.usernames.remove(&number.object).await?;
    Ok(json!({ "success": true }).into())
}

pub(super) async fn suggestions(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let business = api.businesses.get(number.object.business).await?;
    let names = api.usernames.suggestions(&business).await?;
    Ok(json!({ "data": [{ "username_suggestions": names }] }).into())
}
