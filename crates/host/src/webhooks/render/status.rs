//! How far messages came.

use serde_json::{Value, json};

use super::{contact, error, of_number, put, seconds};
use crate::content::{Category, Status, StatusUpdate};

/// The value of field `messages` for a status; `None` for one that webhooks do not say.
///
/// `conversation` is left out: newer versions have it in free entry point windows only, and there are none here.
#[must_use]
pub fn status(update: &StatusUpdate) -> Option<Value> {
    if update.status == Status::Accepted {
        return None;
    }
    let mut status = json!({
        "id": update.id,
        "status": update.status.as_str(),
        "timestamp": seconds(update.at).to_string(),
        "recipient_user_id": update.to.user_id,
    });
    put(&mut status, "recipient_id", update.to.wa_id.clone());
    put(&mut status, "biz_opaque_callback_data", update.tracker.clone());
    match update.status {
        // Once when it is passed on and once when it is there: whoever counts by either counts each message once.
        Status::Sent | Status::Delivered => put(&mut status, "pricing", Some(pricing(update))),
        Status::Failed => {
            let errors: Vec<Value> = update.refusal.iter().map(|refusal| error(refusal, true)).collect();
            put(&mut status, "errors", Some(errors));
        }
        _ => {}
    }
    let mut value = of_number(&update.display_number, update.number);
    put(&mut value, "contacts", Some(json!([contact(&update.to)])));
    put(&mut value, "statuses", Some(json!([status])));
    Some(value)
}

fn pricing(update: &StatusUpdate) -> Value {
    let free = update.in_window && matches!(update.category, Category::Service | Category::Utility);
    json!({
        "billable": !free,
        "pricing_model": "PMP",
        "type": if free { "free_customer_service" } else { "regular" },
        "category": update.category.as_str(),
    })
}
