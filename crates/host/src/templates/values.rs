//! Values as clients write them inside templates: `null` is absent, numbers and booleans may be text and text a number
//! (`cloud_api::Fields` reads the rest of a request so).

use std::borrow::Cow;

use serde_json::Value;

/// A text field; none if it is missing, null or something else.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

/// The words of a field, which may be a number.
pub(super) fn words<'a>(value: &'a Value, field: &str) -> Option<Cow<'a, str>> {
    match value.get(field)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Yes or no: `true`, `"True"`, `1`, `"0"`, ….
pub(super) fn flag(value: &Value, field: &str) -> Option<bool> {
    match value.get(field)? {
        Value::Bool(said) => Some(*said),
        other => {
            match other.as_str().map_or_else(|| other.to_string(), |text| text.trim().to_lowercase()).as_str()
            {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            }
        }
    }
}

/// A whole number.
pub(super) fn whole(value: &Value, field: &str) -> Option<u64> {
    match value.get(field)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a field says nothing: it is missing, null or empty.
pub(super) fn is_nothing(value: &Value, field: &str) -> bool {
    match value.get(field) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}
