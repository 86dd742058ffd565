//! Lists, a page at a time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Call, Failure};
use crate::codes::Code;

/// Rows of a page, if nothing is said.
const USUAL: usize = 25;
/// Rows of a page at most; more are not refused, but come on further pages.
const MOST: i64 = 1000;

/// A cursor is opaque: the row's name in base64.
fn cursor(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn read(field: &str, text: &str) -> Result<String, Failure> {
    let decoded = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let name = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| Failure::new(Code::CursorInvalid, format!("{field}: no cursor of this list")))
}

/// The page that a call asks for, of all rows with their names, in order.
///
/// # Errors
/// A cursor or limit that is none.
pub(super) fn page(call: &Call, rows: Vec<(String, Value)>) -> Result<Value, Failure> {
    let fields = call.fields();
    let limit = fields.integer("limit", 0..=i64::from(u32::MAX))?.map(|limit| limit.clamp(1, MOST));
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(USUAL);
    let place = |name: &str| -> Result<Option<usize>, Failure> {
        let Some(text) = fields.text(name, 1024)? else { return Ok(None) };
        let wanted = read(name, &text)?;
        let found = rows.iter().position(|(name, _)| *name == wanted);
        // A row that is gone since: the list begins anew.
        Ok(found.or(Some(usize::MAX)))
    };
    let (after, before) = (place("after")?, place("before")?);
    let (start, end) = match (after, before) {
        (Some(usize::MAX), _) | (None, None | Some(usize::MAX)) => (0, limit),
        (Some(after), _) => (after + 1, after + 1 + limit),
        (None, Some(before)) => (before.saturating_sub(limit), before),
    };
    let whole = rows.len();
    let (start, end) = (start.min(whole), end.min(whole));
    let names = |at: usize| rows.get(at).map(|(name, _)| cursor(name));
    let (first, last) = (names(start), end.checked_sub(1).and_then(names));
    let more = end < whole;
    let (Some(first), Some(last)) = (first.filter(|_| start < end), last) else {
        return Ok(json!({ "data": [] }));
    };
    let data: Vec<Value> = rows.into_iter().skip(start).take(end - start).map(|(_, row)| row).collect();
    let mut paging = json!({ "cursors": { "before": first, "after": last } });
    if let Some(paging) = paging.as_object_mut() {
        if more {
            paging.insert("next".to_owned(), call.again(&[("after", &last)]).into());
        }
        if start > 0 {
            paging.insert("previous".to_owned(), call.again(&[("before", &first)]).into());
        }
    }
    Ok(json!({ "data": data, "paging": paging }))
}
