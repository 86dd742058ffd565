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

/// Where a page of a long list begins, of which only that page is read.
#[derive(Debug)]
pub(super) struct Seek {
    /// The row's name that it begins behind, or ends in front of.
    pub(super) from: Option<String>,
    /// Whether it is the rows in front of that.
    pub(super) back: bool,
    /// Rows at most.
    pub(super) limit: usize,
}

impl Seek {
    /// What a call asks for.
    ///
    /// # Errors
    /// A cursor or limit that is none.
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        let fields = call.fields();
        let limit = fields.integer("limit", 0..=i64::from(u32::MAX))?.map(|limit| limit.clamp(1, MOST));
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(USUAL);
        let named = |name: &str| fields.text(name, 1024)?.map(|text| read(name, &text)).transpose();
        let (after, before) = (named("after")?, named("before")?);
        let back = after.is_none() && before.is_some();
        Ok(Self { from: after.or(before), back, limit })
    }

    /// One row more than the page has says whether there are further ones.
    pub(super) fn page(self, call: &Call, mut rows: Vec<(String, Value)>) -> Value {
        let more = rows.len() > self.limit;
        if self.back && more {
            rows.remove(0);
        }
        rows.truncate(self.limit);
        let (Some(first), Some(last)) =
            (rows.first().map(|(name, _)| cursor(name)), rows.last().map(|(name, _)| cursor(name)))
        else {
            return json!({ "data": [] });
        };
        let mut paging = json!({ "cursors": { "before": first, "after": last } });
        if let Some(paging) = paging.as_object_mut() {
            if more || self.back {
                paging.insert("next".to_owned(), call.again(&[("after", &last)]).into());
            }
            let before = if self.back { more } else { self.from.is_some() };
            if before {
                paging.insert("previous".to_owned(), call.again(&[("before", &first)]).into());
            }
        }
        json!({ "data": rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), "paging": paging })
    }
}
