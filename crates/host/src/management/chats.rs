//! A business's chats: listed, read and searched. What is looked for stands in bodies: addresses get into the logs of
//! proxies.

use std::{str::FromStr, sync::Arc};

use ::store::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use wire::{ErrorCode, PhoneNumber, api::HostingMode};

use super::{Call, Granted, Management, Outcome, Party, Refused, json};
use crate::{
    chats::{Chat, ChatFilter, Direction, Filter, Look, PAGE},
    content::{Category, Content, Context, Status},
    ids::{MessageId, NumberId, UserId},
    messages::{About, Document, Recipient},
    people::{PersonId, Standing},
    purposes::Plain,
};

/// Items of a page, if nobody says how many.
const USUAL: u32 = 50;

/// Which chats.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChatsAsked {
    phone_number_id: Option<NumberId>,
    person: Option<String>,
    unread: bool,
    since: Option<i64>,
    until: Option<i64>,
    words: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// Which messages.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MessagesAsked {
    phone_number_id: Option<NumberId>,
    person: Option<String>,
    words: Option<String>,
    direction: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
struct ChatShown {
    phone_number_id: NumberId,
    user_id: UserId,
    /// Their number, if the business has it.
    wa_id: Option<String>,
    name: String,
    /// When something was last said, and when they wrote; milliseconds since 1970.
    latest: i64,
    wrote: Option<i64>,
    /// Until when anything may be written to them, and not only templates.
    window_until: Option<i64>,
    unread: u32,
    blocked: bool,
    marketing_stopped: bool,
}

impl From<Chat> for ChatShown {
    fn from(chat: Chat) -> Self {
        Self {
            phone_number_id: chat.number,
            user_id: chat.profile.user_id,
            wa_id: chat.profile.wa_id,
            name: chat.profile.name,
            latest: chat.latest.0,
            wrote: chat.standing.wrote.map(|wrote| wrote.0),
            window_until: chat.standing.wrote.map(|wrote| wrote.after(Standing::WINDOW).0),
            unread: chat.unread,
            blocked: chat.standing.blocked,
            marketing_stopped: chat.standing.marketing_stopped,
        }
    }
}

/// A message as it is answered.
#[derive(Debug, Serialize)]
pub(crate) struct MessageShown<'a> {
    id: MessageId,
    phone_number_id: NumberId,
    user_id: &'a UserId,
    direction: &'static str,
    #[serde(rename = "type")]
    kind: &'a str,
    /// Milliseconds since 1970.
    at: i64,
    status: Option<Status>,
    read: bool,
    imported: bool,
    category: Category,
    content: &'a Content,
    context: &'a Context,
}

impl<'a> MessageShown<'a> {
    pub(crate) fn of(about: &'a About, user_id: &'a UserId, document: &'a Document) -> Self {
        Self {
            id: about.id,
            phone_number_id: about.id.number(),
            user_id,
            direction: if about.outbound { "out" } else { "in" },
            kind: &about.kind,
            at: about.at.0,
            status: about.status,
            read: about.read,
            imported: about.imported,
            category: about.category,
            content: &document.content,
            context: &document.context,
        }
    }
}

/// As whom chats are read. Whoever hosts another's business does not read them here: that is the business's.
fn reader(granted: &Granted) -> Result<String, Refused> {
    if granted.by == Party::Operator && granted.business.mode != HostingMode::Own {
        let message =
            "who hosts another's business does not read its chats here: the business does, with its token";
        return Err(Refused::new(ErrorCode::Forbidden, message));
    }
    Ok(granted.by.log_name())
}

/// This number of a business, or all.
async fn numbers(
    management: &Management,
    granted: &Granted,
    wanted: Option<NumberId>,
) -> Result<Vec<NumberId>, Refused> {
    let all = management.api.numbers.of_waba(granted.business.waba).await?;
    let chosen: Vec<NumberId> =
        all.iter().map(|number| number.id).filter(|id| wanted.is_none_or(|wanted| wanted == *id)).collect();
    if wanted.is_some() && chosen.is_empty() {
        return Err(Refused::field("phone_number_id", "no number of this business"));
    }
    Ok(chosen)
}

/// Whom an id or a number names.
async fn person(
    management: &Management,
    granted: &Granted,
    named: Option<&str>,
) -> Result<Option<PersonId>, Refused> {
    let Some(named) = named else { return Ok(None) };
    let recipient = match (named.parse::<UserId>(), named.parse::<PhoneNumber>()) {
        (Ok(user_id), _) => Recipient::User(user_id),
        (_, Ok(number)) => Recipient::Number(number),
        _ => return Err(Refused::field("person", "a user_id, or a number such as +4915112345678")),
    };
    let found = management.api.people.named(granted.business.id, &recipient).await?;
    found.map(Some).ok_or_else(|| Refused::field("person", "nobody with whom the business has a chat"))
}

fn limit(asked: Option<u32>) -> Result<u32, Refused> {
    match asked {
        None => Ok(USUAL),
        Some(limit) if (1..=PAGE).contains(&limit) => Ok(limit),
        Some(_) => Err(Refused::field("limit", format!("from 1 to {PAGE}"))),
    }
}

fn cursor<T: FromStr>(after: Option<&str>) -> Result<Option<T>, Refused> {
    let parsed = after.map(str::parse).transpose();
    parsed.map_err(|_| Refused::field("after", "no cursor of this list: it is what `next` said"))
}

pub(super) async fn list(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: ChatsAsked = call.body()?;
    let by = reader(&granted)?;
    let numbers = numbers(&management, &granted, asked.phone_number_id).await?;
    let filter = ChatFilter {
        person: person(&management, &granted, asked.person.as_deref()).await?,
        unread: asked.unread,
        since: asked.since.map(Timestamp),
        until: asked.until.map(Timestamp),
        words: asked.words,
        work: None,
    };
    let (after, limit) = (cursor(asked.after.as_deref())?, limit(asked.limit)?);
    let look = Look { business: granted.business.id, numbers: &numbers, by: &by };
    let (chats, next) = management.chats.list(&look, &filter, after, limit).await?;
    let chats: Vec<ChatShown> = chats.into_iter().map(Into::into).collect();
    json(&value!({ "chats": chats, "next": next.map(|next| next.to_string()) }))
}

pub(super) async fn messages(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: MessagesAsked = call.body()?;
    let by = reader(&granted)?;
    let numbers = numbers(&management, &granted, asked.phone_number_id).await?;
    let direction = match asked.direction.as_deref() {
        None => None,
        Some("in") => Some(Direction::In),
        Some("out") => Some(Direction::Out),
        Some(_) => return Err(Refused::field("direction", "in or out")),
    };
    let filter = Filter {
        person: person(&management, &granted, asked.person.as_deref()).await?,
        direction,
        kind: asked.kind,
        since: asked.since.map(Timestamp),
        until: asked.until.map(Timestamp),
    };
    let (before, limit) = (cursor(asked.after.as_deref())?, limit(asked.limit)?);
    let look = Look { business: granted.business.id, numbers: &numbers, by: &by };
    let found = match &asked.words {
        Some(words) => management.chats.search(&look, words, &filter, before, limit).await?,
        None => management.chats.history(&look, &filter, before, limit).await?,
    };
    shown(&management, &granted, found, limit).await
}

async fn shown(
    management: &Management,
    granted: &Granted,
    found: Vec<(About, Plain<Document>)>,
    limit: u32,
) -> Outcome {
    let people: Vec<PersonId> = found.iter().map(|(about, _)| about.person).collect();
    let people = management.api.people.user_ids(granted.business.id, &people).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|(about, _)| about.seq.to_string());
    let messages: Vec<_> = found
        .iter()
        // Whoever was erased meanwhile has no messages.
        .filter_map(|(about, document)| Some(MessageShown::of(about, people.get(&about.person)?, document)))
        .collect();
    json(&value!({ "messages": messages, "next": next }))
}
