//! Notes, labels and canned replies over HTTP.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json as value};

use super::{chat, cursor, limit, made};
use crate::{
    HostError,
    console::{Console, InChats, Manage, May, Outcome, Refused, json, nothing},
    inbox::{Kind, Label, Reply, Words},
    management::Call,
};

pub(crate) async fn notes(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&["after", "limit"])?;
    let chat = chat(&console, &may, &call).await?;
    let before = cursor(call.parameter::<String>("after")?.as_deref())?;
    let limit = limit(call.parameter("limit")?)?;
    let notes = console.inbox.notes(may.by(), &chat, before, limit).await?;
    let next = notes.last().filter(|_| notes.len() == limit as usize).map(|note| note.note_id.clone());
    json(&value!({ "notes": notes, "next": next }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    text: String,
}

pub(crate) async fn note(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    let Noted { text } = call.body()?;
    made(&console.inbox.note(may.by(), &chat, &text).await?)
}

pub(crate) async fn delete_note(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    console.inbox.delete_note(may.by(), &chat, call.id(2)?, may.has::<Manage>()).await?;
    nothing()
}

pub(crate) async fn put_label(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    console.inbox.label(may.by(), &chat, call.id(2)?, true).await?;
    nothing()
}

pub(crate) async fn remove_label(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let chat = chat(&console, &may, &call).await?;
    console.inbox.label(may.by(), &chat, call.id(2)?, false).await?;
    nothing()
}

/// Words, with their id under this name.
fn shown<W: Words>(name: &str, id: i64, words: &W) -> Result<Value, Refused> {
    let mut shown = serde_json::to_value(words).map_err(HostError::internal)?;
    if let Some(shown) = shown.as_object_mut() {
        shown.insert(name.to_owned(), id.to_string().into());
    }
    Ok(shown)
}

async fn all<W: Words>(console: &Console, may: &May<InChats>, name: &str) -> Result<Vec<Value>, Refused> {
    let words = console.inbox.words::<W>(may.business().id).await?;
    words.iter().map(|(id, words)| shown(name, *id, words)).collect()
}

async fn add<W: Words>(console: &Console, may: &May<Manage>, call: &Call, name: &str) -> Outcome {
    call.only(&[])?;
    let words: W = call.body()?;
    let id = console.inbox.add_words(may.business().id, &words).await?;
    made(&shown(name, id, &words)?)
}

async fn change<W: Words>(console: &Console, may: &May<Manage>, call: &Call, name: &str) -> Outcome {
    call.only(&[])?;
    let (id, words): (i64, W) = (call.id(0)?, call.body()?);
    console.inbox.change_words(may.business().id, id, &words).await?;
    json(&shown(name, id, &words)?)
}

async fn delete(console: &Console, may: &May<Manage>, call: &Call, kind: Kind) -> Outcome {
    call.only(&[])?;
    console.inbox.delete_words(may.business().id, kind, call.id(0)?).await?;
    nothing()
}

pub(crate) async fn labels(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&value!({ "labels": all::<Label>(&console, &may, "label_id").await? }))
}

pub(crate) async fn add_label(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    add::<Label>(&console, &may, &call, "label_id").await
}

pub(crate) async fn change_label(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    change::<Label>(&console, &may, &call, "label_id").await
}

pub(crate) async fn delete_label(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    delete(&console, &may, &call, Kind::Label).await
}

pub(crate) async fn replies(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&value!({ "replies": all::<Reply>(&console, &may, "reply_id").await? }))
}

pub(crate) async fn add_reply(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    add::<Reply>(&console, &may, &call, "reply_id").await
}

pub(crate) async fn change_reply(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    change::<Reply>(&console, &may, &call, "reply_id").await
}

pub(crate) async fn delete_reply(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    delete(&console, &may, &call, Kind::Reply).await
}
