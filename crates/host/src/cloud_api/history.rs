//! How far messages came, and what was told of it.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    Call, Failure,
    api::{Api, Outcome},
    lists::Seek,
    objects::{Node, project},
};
use crate::{
    HostError,
    apps::Owned,
    codes::Code,
    content::Status,
    ids::{AppId, MessageId},
    messages::About,
    numbers::Number,
    webhooks::{Delivery, Target, Told},
};

/// Messages of one page at most: each may have several events.
const PAGE: usize = 100;
/// What can become of a message, in order.
const STATUSES: [Status; 5] = [Status::Sent, Status::Delivered, Status::Read, Status::Played, Status::Failed];

pub(super) async fn list(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let (app, number) = (number.caller().app(), number.object);
    let selected = call.selection()?;
    let fields = call.fields();
    let mut seek = Seek::of(&call)?;
    seek.limit = seek.limit.min(PAGE);
    let abouts = match fields.text("message_id", 512)? {
        Some(text) => {
            let none = || fields.invalid("message_id", "no message that this number sent");
            let id: MessageId = text.parse().map_err(|_| none())?;
            if id.number() != number.id {
                return Err(none());
            }
            match api.messages.get(id).await {
                Ok(about) if about.outbound => vec![about],
                Ok(_) | Err(HostError::NotFound(_)) => return Err(none()),
                Err(error) => return Err(error.into()),
            }
        }
        None => {
            let from = seek.from.as_deref().map(str::parse).transpose();
            let from = from.map_err(|_| Failure::new(Code::CursorInvalid, "no cursor of this list"))?;
            let limit = u32::try_from(seek.limit).unwrap_or(u32::MAX).saturating_add(1);
            api.messages.sent_by(number.id, from, seek.back, limit).await?
        }
    };
    let names: Vec<String> =
        abouts.iter().flat_map(|about| STATUSES.map(|status| name(about, status))).collect();
    let told = api.webhooks.told(number.waba, app, &names).await?;
    let told: HashMap<_, _> = told.iter().map(|told| (told.unique.as_str(), told)).collect();
    let address = address(&api, app, &number).await?;
    let mut rows = Vec::with_capacity(abouts.len());
    for about in &abouts {
        let events: Vec<Value> = STATUSES
            .into_iter()
            .filter_map(|status| event(about, status, &told, (app, address.as_deref())))
            .collect();
        let known = vec![
            ("id", json!(about.seq.to_string())),
            ("message_id", json!(about.id)),
            ("events", json!({ "data": events })),
        ];
        let usual = ["id", "message_id", "events"];
        rows.push((about.seq.to_string(), project(Node::HISTORY, &selected, known, &usual)?));
    }
    Ok(seek.page(&call, rows).into())
}

/// By what webhooks name it.
fn name(about: &About, status: Status) -> String {
    format!("{} {}", about.id, status.as_str())
}

/// What is known of a status: that it was told, or that the message has come so far.
fn event(
    about: &About,
    status: Status,
    told: &HashMap<&str, &Told>,
    (app, address): (AppId, Option<&str>),
) -> Option<Value> {
    let told = told.get(name(about, status).as_str());
    if told.is_none() && about.status != Some(status) {
        return None;
    }
    let at = told.map_or(about.at, |told| told.at);
    let mut event = json!({
        "id": told.map_or_else(|| format!("{}{}", about.seq, status.as_str()), |told| told.id.to_string()),
        "delivery_status": status.as_str().to_ascii_uppercase(),
        "timestamp": at.0.div_euclid(1000),
    });
    if let (Some(told), Some(event)) = (told, event.as_object_mut()) {
        let state = match told.delivery {
            Delivery::Pending => "PENDING",
            Delivery::Retrying => "RETRYING",
            Delivery::Delivered => "DELIVERED",
            Delivery::Failed => "FAILED",
        };
        event.insert("webhook_update_state".to_owned(), state.into());
        event.insert("application".to_owned(), json!({ "id": app }));
        if let Some(address) = address {
            event.insert("webhook_uri".to_owned(), address.into());
        }
    }
    Some(event)
}

/// Where the app is told of the number.
async fn address(api: &Api, app: AppId, number: &Number) -> Result<Option<String>, HostError> {
    for target in [Target::Number(number.id), Target::Waba(number.waba), Target::App(app)] {
        if let Some(callback) = api.webhooks.callback(app, target).await? {
            return Ok(Some(callback.url));
        }
    }
    Ok(None)
}
