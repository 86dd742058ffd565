//! Whom the business talks to, and by which numbers.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json as value};

use super::{Console, InChats, May, Outcome, Signed, json};
use crate::{
    chats::{ChatFilter, Look},
    ids::NumberId,
    inbox::routes::{cursor, limit, numbers as numbers_of},
    management::Call,
    numbers::Number,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    phone_number_id: Option<NumberId>,
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: Asked = call.body()?;
    let numbers = numbers_of(&console, &may, asked.phone_number_id).await?;
    let (after, limit) = (cursor(asked.after.as_deref())?, limit(asked.limit)?);
    let by = may.log_name();
    let look = Look { business: may.business().id, numbers: &numbers, by: &by };
    let (chats, next) = console.chats.list(&look, &ChatFilter::default(), after, limit).await?;
    let people = chats.into_iter().map(|chat| {
        value!({
            "phone_number_id": chat.number,
            "user_id": chat.profile.user_id,
            "wa_id": chat.profile.wa_id,
            "name": chat.profile.name,
            "wrote": chat.standing.wrote.map(|wrote| wrote.0),
            "blocked": chat.standing.blocked,
            "marketing_stopped": chat.standing.marketing_stopped,
        })
    });
    json(&value!({ "people": people.collect::<Vec<_>>(), "next": next.map(|next| next.to_string()) }))
}

pub(super) fn shown(number: &Number) -> Value {
    value!({
        "phone_number_id": number.id,
        "display_phone_number": number.number.as_str(),
        "verified_name": number.verified_name,
        "registered": number.registered,
        "tier": number.tier,
    })
}

pub(super) async fn numbers(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let numbers = console.api.numbers.of_waba(may.business().waba).await?;
    json(&value!({ "numbers": numbers.iter().map(shown).collect::<Vec<_>>() }))
}
