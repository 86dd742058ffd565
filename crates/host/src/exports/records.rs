//! The lines of an export.

use ::store::Timestamp;
use serde::Serialize;

use super::ExportError;
use crate::{
    HostError,
    content::{Category, Content, Context, Status},
    ids::{MessageId, UserId},
    messages::{About, Document},
};

/// A message.
#[derive(Debug, Serialize)]
pub(super) struct MessageRecord<'a> {
    id: MessageId,
    at: String,
    person: &'a UserId,
    direction: &'static str,
    #[serde(rename = "type")]
    kind: &'a str,
    status: Option<Status>,
    read: bool,
    imported: bool,
    category: Category,
    content: &'a Content,
    context: &'a Context,
}

impl<'a> MessageRecord<'a> {
    pub(super) fn of(about: &'a About, person: &'a UserId, document: &'a Document) -> Self {
        Self {
            id: about.id,
            at: time(about.at),
            person,
            direction: if about.outbound { "out" } else { "in" },
            kind: &about.kind,
            status: about.status,
            read: about.read,
            imported: about.imported,
            category: about.category,
            content: &document.content,
            context: &document.context,
        }
    }
}

/// As in RFC 3339, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string()
}

/// A line of JSON.
pub(super) fn line(record: &impl Serialize) -> Result<Vec<u8>, ExportError> {
    let mut line = serde_json::to_vec(record).map_err(HostError::internal)?;
    line.push(b'\n');
    Ok(line)
}
