//! Who hosts the business, what the host may do, and what it did.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json as value;

use super::{Audit, Console, May, Outcome, Own, Refused, Signed, json};
use crate::{
    businesses::Business,
    management::{Call, downloaded},
    purposes::{
        Entry, Head, Instructions,
        log::{Broken, Checking},
    },
};

/// Entries of a page.
const PAGE: u32 = 200;
/// Entries that are read at once to be checked.
const CHECKED: u32 = 1000;

async fn shown(console: &Console, business: &Business) -> Outcome {
    let api = &console.api;
    let instructions = api.gate.instructions(business.id).await?;
    let numbers = api.numbers.of_waba(business.waba).await?;
    json(&value!({
        "business_id": business.id,
        "name": business.name,
        "legal_name": business.legal_name,
        "country": business.country,
        "state": business.state,
        "mode": business.mode,
        "host_name": business.host_name,
        "suspended": business.suspended,
        "numbers": numbers.iter().map(super::people::shown).collect::<Vec<_>>(),
        "kept_days": instructions.kept_days(),
        "instructions": instructions,
        "log": api.gate.head(business.id).await?,
    }))
}

pub(super) async fn show(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    shown(&console, may.business()).await
}

pub(super) async fn instruct(console: Arc<Console>, may: May<Own>, call: Call) -> Outcome {
    call.only(&[])?;
    let instructions: Instructions = call.body()?;
    console.api.gate.instruct(may.business().id, instructions, &may.log_name()).await?;
    shown(&console, may.business()).await
}

pub(super) async fn log(console: Arc<Console>, may: May<Audit>, call: Call) -> Outcome {
    call.only(&["before", "limit"])?;
    let (before, limit) = (call.parameter::<u64>("before")?, call.limit(PAGE)?);
    let (gate, business) = (&console.api.gate, may.business().id);
    let head = gate.head(business).await?;
    // Entries count from 1 without a gap: the page below this one begins so far before it.
    let end = before.unwrap_or(u64::MAX).min(head.seq.saturating_add(1));
    let after = end.saturating_sub(1).saturating_sub(limit.into());
    let most = u32::try_from(end.saturating_sub(1).saturating_sub(after)).unwrap_or(limit);
    let mut entries: Vec<Entry> =
        if most == 0 { Vec::new() } else { gate.entries(business, after, most).await? };
    entries.reverse();
    json(&value!({ "entries": entries, "head": head }))
}

pub(super) async fn download(console: Arc<Console>, may: May<Audit>, call: Call) -> Outcome {
    call.only(&["after"])?;
    let after = call.parameter("after")?.unwrap_or(0);
    Ok(downloaded(console.api.clone(), may.business().id, after).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Noted {
    seq: Option<u64>,
    hash: Option<String>,
}

pub(super) async fn verify(console: Arc<Console>, may: May<Audit>, call: Call) -> Outcome {
    call.only(&[])?;
    let noted = match call.body()? {
        Noted { seq: Some(seq), hash: Some(hash) } => Some(Head { seq, hash: hash.to_ascii_lowercase() }),
        Noted { seq: None, hash: None } => None,
        _ => return Err(Refused::field("hash", "with seq, or neither")),
    };
    let (gate, business) = (&console.api.gate, may.business().id);
    // What is written meanwhile is for the next time.
    let head = gate.head(business).await?;
    let (mut checking, mut after) = (Checking::against(noted), 0);
    let broken = loop {
        if after >= head.seq {
            break match checking.end() {
                Ok(found) if found == head => None,
                Ok(_) => Some("the log ends elsewhere than it says".to_owned()),
                Err(broken) => Some(broken.to_string()),
            };
        }
        let left = u32::try_from(head.seq - after).unwrap_or(CHECKED).min(CHECKED);
        let entries = gate.entries(business, after, left).await?;
        let Some(last) = entries.last() else { break Some("the log ends before its head".to_owned()) };
        after = last.seq;
        let checked: Result<(), Broken> = entries.iter().try_for_each(|entry| {
            // As they are downloaded: what is checked here is what can be checked elsewhere.
            checking.line(&serde_json::to_string(entry).unwrap_or_default())
        });
        if let Err(broken) = checked {
            break Some(broken.to_string());
        }
    };
    json(&value!({ "intact": broken.is_none(), "problem": broken, "head": head }))
}
