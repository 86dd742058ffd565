//! The inbox over HTTP.

mod events;
mod files;
mod shared;

use std::{str::FromStr, sync::Arc};

use ::store::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json as value};

pub(crate) use self::{
    events::{Streams, events},
    files::{download, upload},
    shared::{
        add_label, add_reply, change_label, change_reply, delete_label, delete_note, delete_reply, labels,
        note, notes, put_label, remove_label, replies,
    },
};
use super::{ChatRef, Send, To, Update};
use crate::{
    HostError,
    chats::{Assigned, ChatFilter, Direction, Filter, Look, PAGE, Work},
    console::{Console, InChats, May, Outcome, Refused, json, nothing},
    ids::{AgentId, MessageId, NumberId, UserId},
    management::{Call, MessageShown},
    messages::{About, Document},
    people::PersonId,
    purposes::Plain,
};

/// Items of a page, if nobody says how many.
const USUAL: u32 = 50;

pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Refused> {
    match asked {
        None => Ok(USUAL),
        Some(limit) if (1..=PAGE).contains(&limit) => Ok(limit),
        Some(_) => Err(Refused::field("limit", format!("from 1 to {PAGE}"))),
    }
}

pub(crate) fn cursor<T: FromStr>(after: Option<&str>) -> Result<Option<T>, Refused> {
    let parsed = after.map(str::parse).transpose();
    parsed.map_err(|_| Refused::field("after", "no cursor of this list: it is what `next` said"))
}

/// This number of the business, or all.
pub(crate) async fn numbers(
    console: &Console,
    may: &May<InChats>,
    wanted: Option<NumberId>,
) -> Result<Vec<NumberId>, Refused> {
    let all = console.api.numbers.of_waba(may.business().waba).await?;
    let chosen: Vec<NumberId> =
        all.iter().map(|number| number.id).filter(|id| wanted.is_none_or(|wanted| wanted == *id)).collect();
    if wanted.is_some() && chosen.is_empty() {
        return Err(Refused::field("phone_number_id", "no number of this business"));
    }
    Ok(chosen)
}

/// The chat that a path names.
async fn chat(console: &Console, may: &May<InChats>, call: &Call) -> Result<ChatRef, Refused> {
    let (number, user) = (call.id::<NumberId>(0)?, call.id::<UserId>(1)?);
    Ok(console.inbox.chat(may.business().id, number, user).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChatsAsked {
    phone_number_id: Option<NumberId>,
    user_id: Option<String>,
    unread: bool,
    assigned: Option<String>,
    label: Option<String>,
    status: Option<String>,
    words: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    after: Option<String>,
    limit: Option<u32>,
}

impl ChatsAsked {
    /// How agents handle it.
    fn work(&self, me: AgentId) -> Result<Option<Work>, Refused> {
        let assigned = match self.assigned.as_deref() {
            None => Assigned::Any,
            Some("me") => Assigned::To(me),
            Some("nobody") => Assigned::Nobody,
            Some("somebody") => Assigned::Somebody,
            Some(agent) => {
                let agent = agent.parse();
                Assigned::To(
                    agent.map_err(|_| Refused::field("assigned", "me, nobody, somebody or an agent_id"))?,
                )
            }
        };
        let label = self.label.as_deref().map(str::parse::<i64>).transpose();
        let label = label.ok().filter(|label| label.is_none_or(|label| label > 0));
        let work = Work {
            assigned,
            closed: self.status.as_deref().map(is_closed).transpose()?,
            label: label.ok_or_else(|| Refused::field("label", "a label_id"))?,
        };
        Ok((work != Work::default()).then_some(work))
    }
}

fn is_closed(status: &str) -> Result<bool, Refused> {
    match status {
        "open" => Ok(false),
        "closed" => Ok(true),
        _ => Err(Refused::field("status", "open or closed")),
    }
}

/// Whom an id names, of those with whom the business has a chat.
async fn person(
    console: &Console,
    may: &May<InChats>,
    named: Option<&str>,
) -> Result<Option<PersonId>, Refused> {
    let Some(named) = named else { return Ok(None) };
    let wrong = || Refused::field("user_id", "nobody with whom the business has a chat");
    let user = crate::messages::Recipient::User(named.parse().map_err(|_| wrong())?);
    let found = console.api.people.named(may.business().id, &user).await?;
    found.map(Some).ok_or_else(wrong)
}

pub(crate) async fn list(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: ChatsAsked = call.body()?;
    let numbers = numbers(&console, &may, asked.phone_number_id).await?;
    let filter = ChatFilter {
        person: person(&console, &may, asked.user_id.as_deref()).await?,
        unread: asked.unread,
        since: asked.since.map(Timestamp),
        until: asked.until.map(Timestamp),
        work: asked.work(may.by().agent)?,
        words: asked.words,
    };
    let (after, limit) = (cursor(asked.after.as_deref())?, limit(asked.limit)?);
    let by = may.log_name();
    let look = Look { business: may.business().id, numbers: &numbers, by: &by };
    let (chats, next) = console.inbox.list(&look, &filter, after, limit).await?;
    json(&value!({ "chats": chats, "next": next.map(|next| next.to_string()) }))
}

pub(crate) async fn show(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    json(&console.inbox.get(may.by(), &chat).await?)
}

/// Tells what is not said from what is said to be nobody.
#[expect(clippy::option_option, reason = "not said, nobody, and somebody are three things")]
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<AgentId>>, D::Error> {
    Option::<AgentId>::deserialize(deserializer).map(Some)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "not said, nobody, and somebody are three things")]
struct Asked {
    #[serde(default)]
    status: Option<String>,
    #[serde(default, deserialize_with = "said")]
    assigned_to: Option<Option<AgentId>>,
    #[serde(default, deserialize_with = "said")]
    expected: Option<Option<AgentId>>,
}

pub(crate) async fn update(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    let asked: Asked = call.body()?;
    if let Some(Some(agent)) = asked.assigned_to {
        let agent = match console.agents.get(may.business().id, agent).await {
            Err(HostError::NotFound(_)) => Err(Refused::field("assigned_to", "no agent of this business"))?,
            found => found?,
        };
        if agent.disabled || !crate::console::sees_chats(agent.role) {
            return Err(Refused::field("assigned_to", "somebody who may not see chats"));
        }
    }
    let closed = asked.status.as_deref().map(is_closed).transpose()?;
    let update = Update { closed, assigned_to: asked.assigned_to, expected: asked.expected };
    console.inbox.update(may.by(), &chat, update).await?;
    json(&console.inbox.get(may.by(), &chat).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MessagesAsked {
    words: Option<String>,
    direction: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

fn direction(asked: Option<&str>) -> Result<Option<Direction>, Refused> {
    match asked {
        None => Ok(None),
        Some("in") => Ok(Some(Direction::In)),
        Some("out") => Ok(Some(Direction::Out)),
        Some(_) => Err(Refused::field("direction", "in or out")),
    }
}

pub(crate) async fn messages(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    let asked: MessagesAsked = call.body()?;
    let filter = Filter {
        person: Some(chat.person),
        direction: direction(asked.direction.as_deref())?,
        kind: asked.kind,
        ..Filter::default()
    };
    let page = (asked.after.as_deref(), asked.limit);
    found(&console, &may, &[chat.number.id], asked.words.as_deref(), &filter, page).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Searched {
    words: String,
    #[serde(default)]
    phone_number_id: Option<NumberId>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    since: Option<i64>,
    #[serde(default)]
    until: Option<i64>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

pub(crate) async fn search(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: Searched = call.body()?;
    let numbers = numbers(&console, &may, asked.phone_number_id).await?;
    let filter = Filter {
        direction: direction(asked.direction.as_deref())?,
        kind: asked.kind,
        since: asked.since.map(Timestamp),
        until: asked.until.map(Timestamp),
        ..Filter::default()
    };
    let page = (asked.after.as_deref(), asked.limit);
    found(&console, &may, &numbers, Some(&asked.words), &filter, page).await
}

/// A message, its place, and which agent sent it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    seq: String,
    #[serde(flatten)]
    message: MessageShown<'a>,
    agent_id: Option<AgentId>,
}

async fn found(
    console: &Console,
    may: &May<InChats>,
    numbers: &[NumberId],
    words: Option<&str>,
    filter: &Filter,
    (after, asked): (Option<&str>, Option<u32>),
) -> Outcome {
    let (before, limit) = (cursor(after)?, limit(asked)?);
    let by = may.log_name();
    let look = Look { business: may.business().id, numbers, by: &by };
    let found: Vec<(About, Plain<Document>)> = match words {
        Some(words) => console.chats.search(&look, words, filter, before, limit).await?,
        None => console.chats.history(&look, filter, before, limit).await?,
    };
    let people: Vec<PersonId> = found.iter().map(|(about, _)| about.person).collect();
    let people = console.api.people.user_ids(may.business().id, &people).await?;
    let sent: Vec<MessageId> =
        found.iter().filter(|(about, _)| about.outbound).map(|(about, _)| about.id).collect();
    let senders = console.inbox.senders(&sent).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|(about, _)| about.seq.to_string());
    let messages: Vec<_> = found
        .iter()
        // Whoever was erased meanwhile has no messages.
        .filter_map(|(about, document)| {
            Some(Shown {
                seq: about.seq.to_string(),
                message: MessageShown::of(about, people.get(&about.person)?, document),
                agent_id: senders.get(&about.id).copied(),
            })
        })
        .collect();
    json(&value!({ "messages": messages, "next": next }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    message: Map<String, Value>,
    #[serde(default)]
    seen: Option<String>,
    #[serde(default)]
    force: bool,
}

fn message_id(name: &'static str, text: &str) -> Result<MessageId, Refused> {
    text.parse().map_err(|_| Refused::field(name, "the id of a message"))
}

pub(crate) async fn send(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    let asked: Sent = call.body()?;
    let seen = asked.seen.as_deref().map(|seen| message_id("seen", seen)).transpose()?;
    let send = Send { message: asked.message, seen, force: asked.force, once: call.once() };
    let accepted = console.inbox.send(may.by(), To::Chat(&chat), send).await?;
    json(&value!({ "id": accepted.id, "user_id": accepted.to.user_id }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    to: String,
    message: Map<String, Value>,
}

pub(crate) async fn begin(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    let asked: Begun = call.body()?;
    let send = Send { message: asked.message, seen: None, force: true, once: call.once() };
    let accepted = console.inbox.send(may.by(), To::New(&number, &asked.to), send).await?;
    json(&value!({ "id": accepted.id, "user_id": accepted.to.user_id }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadUpTo {
    message_id: String,
    #[serde(default)]
    typing: bool,
}

pub(crate) async fn read(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    let asked: ReadUpTo = call.body()?;
    let message = message_id("message_id", &asked.message_id)?;
    console.inbox.read(may.by(), &chat, message, asked.typing).await?;
    nothing()
}

pub(crate) async fn answering(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    json(&value!({ "answering": console.inbox.answering(may.by(), &chat).await? }))
}

pub(crate) async fn answers_no_longer(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    console.inbox.answers_no_longer(may.by(), &chat).await?;
    nothing()
}

pub(crate) async fn block(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    set_blocked(&console, &may, &call, true).await
}

pub(crate) async fn unblock(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    set_blocked(&console, &may, &call, false).await
}

async fn set_blocked(console: &Console, may: &May<InChats>, call: &Call, blocked: bool) -> Outcome {
    call.only(&[])?;
    let chat = chat(console, may, call).await?;
    console.inbox.block(may.by(), &chat, blocked).await?;
    nothing()
}

/// What was made.
fn made(shown: &impl Serialize) -> Outcome {
    crate::console::answer(StatusCode::CREATED, shown)
}
