//! What happens to templates, numbers, people and the account.

use serde_json::{Value, json};
use store::Timestamp;

use super::{contact, digits, of_number, put, seconds};
use crate::{
    content::Profile,
    ids::{NumberId, TemplateId},
    templates::{ButtonPart, HeaderPart, Parts},
};

/// A template, as its webhooks name it. Its id is a number there.
#[derive(Debug, Clone, Copy)]
pub struct TemplateName<'a> {
    /// Which.
    pub id: TemplateId,
    /// What the business calls it.
    pub name: &'a str,
    /// `en_US`, ….
    pub language: &'a str,
}

impl TemplateName<'_> {
    fn with(self, more: Value) -> Value {
        let mut value = json!({
            "message_template_id": self.id.get(),
            "message_template_name": self.name,
            "message_template_language": self.language,
        });
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        value
    }
}

/// Of `message_template_status_update`: `event` and `category` in capitals; `reason` only for REJECTED.
#[must_use]
pub fn template_status(
    template: TemplateName<'_>,
    category: &str,
    event: &str,
    reason: Option<&str>,
    recommendation: Option<&str>,
) -> Value {
    let mut value = template.with(json!({
        "event": event,
        "message_template_category": category,
        "reason": reason.unwrap_or("NONE"),
    }));
    if let (Some(reason), Some(recommendation)) = (reason, recommendation) {
        put(&mut value, "rejection_info", Some(json!({"reason": reason, "recommendation": recommendation})));
    }
    value
}

/// Of `message_template_status_update`, for PAUSED, DISABLED and their like: `title` as FIRST_PAUSE; `disable_date` in
/// Unix seconds if it is known.
#[must_use]
pub fn template_stopped(
    template: TemplateName<'_>,
    category: &str,
    event: &str,
    (title, description): (&str, &str),
    disable_date: Option<Timestamp>,
) -> Value {
    let mut value = template_status(template, category, event, None, None);
    put(&mut value, "other_info", Some(json!({"title": title, "description": description})));
    put(&mut value, "disable_info", disable_date.map(|at| json!({"disable_date": seconds(at)})));
    value
}

/// Of `message_template_components_update`: what a template consists of now.
#[must_use]
pub fn template_components(template: TemplateName<'_>, parts: &Parts) -> Value {
    let mut value =
        template.with(json!({"message_template_element": parts.body.as_deref().unwrap_or_default()}));
    if let Some(HeaderPart::Text { text }) = &parts.header {
        put(&mut value, "message_template_title", Some(text.as_str()));
    }
    put(&mut value, "message_template_footer", parts.footer.as_deref());
    let buttons: Vec<Value> = parts.buttons.iter().map(button).collect();
    put(&mut value, "message_template_buttons", (!buttons.is_empty()).then_some(buttons));
    value
}

fn button(button: &ButtonPart) -> Value {
    let (kind, text, url, number) = match button {
        ButtonPart::QuickReply { text } => ("QUICK_REPLY", text.as_str(), None, None),
        ButtonPart::Url { text, url } => ("URL", text.as_str(), Some(url.as_str()), None),
        ButtonPart::PhoneNumber { text, phone_number } => {
            ("PHONE_NUMBER", text.as_str(), None, Some(phone_number.as_str()))
        }
        ButtonPart::CopyCode => ("COPY_CODE", "", None, None),
        ButtonPart::Otp { text } => ("OTP", text.as_str(), None, None),
        ButtonPart::RequestContactInfo { text } => ("REQUEST_CONTACT_INFO", text.as_str(), None, None),
    };
    let mut value = json!({"message_template_button_type": kind, "message_template_button_text": text});
    put(&mut value, "message_template_button_url", url);
    put(&mut value, "message_template_button_phone_number", number);
    value
}

/// Of `template_category_update`, when it was done.
#[must_use]
pub fn template_category(template: TemplateName<'_>, previous: &str, new: &str) -> Value {
    template.with(json!({"previous_category": previous, "new_category": new}))
}

/// Of `user_preferences`: marketing messages `stop` or `resume`.
#[must_use]
pub fn user_preference(
    (display, number): (&str, NumberId),
    person: &Profile,
    stopped: bool,
    at: Timestamp,
) -> Value {
    let (word, detail) = if stopped {
        ("stop", "User requested to stop marketing messages")
    } else {
        ("resume", "User requested to resume marketing messages")
    };
    let mut preference = json!({
        "user_id": person.user_id,
        "detail": detail,
        "category": "marketing_messages",
        "value": word,
        "timestamp": seconds(at),
    });
    put(&mut preference, "wa_id", person.wa_id.clone());
    let mut value = of_number(display, number);
    put(&mut value, "contacts", Some(json!([contact(person)])));
    put(&mut value, "user_preferences", Some(json!([preference])));
    value
}

/// Of `account_update`: `details` has the members that go with the event (`violation_info`, `ban_info`, …).
#[must_use]
pub fn account(event: &str, details: Value) -> Value {
    let mut value = json!({"event": event});
    if let (Some(value), Value::Object(details)) = (value.as_object_mut(), details) {
        value.extend(details);
    }
    value
}

/// Of `account_review_update`: APPROVED, REJECTED, PENDING or DEFERRED.
#[must_use]
pub fn account_review(decision: &str) -> Value {
    json!({"decision": decision})
}

/// Of `phone_number_name_update`: `reason` only for REJECTED.
#[must_use]
pub fn number_name(display: &str, decision: &str, requested: &str, reason: Option<&str>) -> Value {
    json!({
        "display_phone_number": digits(display),
        "decision": decision,
        "requested_verified_name": requested,
        "rejection_reason": reason,
    })
}

/// Of `phone_number_quality_update`: limits as TIER_….
#[must_use]
pub fn number_quality(display: &str, event: &str, old: Option<&str>, current: &str) -> Value {
    let mut value = json!({
        "display_phone_number": digits(display),
        "event": event,
        "current_limit": current,
        "max_daily_conversations_per_business": current,
    });
    put(&mut value, "old_limit", old);
    value
}

/// Of `business_capability_update`: the limit of first messages, as a number and as TIER_…. How many numbers a business may
/// have is the relay's bound, before its approval too.
#[must_use]
pub fn capability((most, tier): (Option<u32>, &str), _approved: bool) -> Value {
    let numbers = wire::limits::NUMBERS;
    json!({
        "max_daily_conversation_per_phone": most.map_or(-1, i64::from),
        "max_daily_conversations_per_business": tier,
        "max_phone_numbers_per_business": numbers,
        "max_phone_numbers_per_waba": numbers,
    })
}

/// Of `security`: PIN_CHANGED, PIN_RESET_REQUEST or PIN_REQUEST_SUCCESS.
#[must_use]
pub fn security(display: &str, event: &str, requester: Option<&str>) -> Value {
    let mut value = json!({"display_phone_number": digits(display), "event": event});
    put(&mut value, "requester", requester);
    value
}

/// Of `business_username_update`: `approved`, `reserved` or `deleted`.
#[must_use]
pub fn username(display: &str, name: Option<&str>, status: &str) -> Value {
    let mut value = json!({"display_phone_number": digits(display), "status": status});
    put(&mut value, "username", name);
    value
}
