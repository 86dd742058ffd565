//! What webhooks say, as JSON. Pure: the same in, the same out.
//!
//! Each function here gives the `value` of one change; [`body`] puts it into the envelope. One entry, one change, one message
//! or status: many consumers read only the first of each.

mod account;
mod message;
mod status;

use serde_json::{Value, json};
use store::Timestamp;

pub use self::{account::*, message::message, status::status};
use super::Field;
use crate::{
    codes::Refusal,
    content::Profile,
    ids::{NumberId, WabaId},
};

/// What `metadata.display_phone_number` is: digits only.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// `messaging_product` and `metadata`, with which every value of `messages` begins.
fn of_number(display: &str, number: NumberId) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": digits(display), "phone_number_id": number},
    })
}

/// `contacts` has one element. The name is always a string: strict consumers need one.
fn contact(person: &Profile) -> Value {
    let mut contact = json!({"profile": {"name": person.name}, "user_id": person.user_id});
    put(&mut contact, "wa_id", person.wa_id.clone());
    contact
}

/// An element of `errors`.
fn error(refusal: &Refusal, href: bool) -> Value {
    let mut error = json!({
        "code": refusal.code.number(),
        "title": refusal.code.title(),
        "message": refusal.code.title(),
        "error_data": {"details": refusal.details},
    });
    if href {
        put(&mut error, "href", Some(HREF));
    }
    error
}

/// Where the API's codes are explained; part of the API.
const HREF: &str = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/";

/// Adds a member, if it is there.
fn put(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(name.to_owned(), value.into());
    }
}

/// Unix seconds.
const fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// The bytes of a request: the envelope around a value that is ASCII JSON already.
#[must_use]
pub fn body(waba: WabaId, field: Field, at: Timestamp, value: &[u8]) -> Vec<u8> {
    let time = if field.is_timed() { format!(r#","time":{}"#, seconds(at)) } else { String::new() };
    let before = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba}"{time},"changes":[{{"field":"{}","value":"#,
        field.as_str()
    );
    [before.as_bytes(), value, b"}]}]}"].concat()
}
