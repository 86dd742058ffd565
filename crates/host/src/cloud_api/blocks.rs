//! Whom a number takes nothing from.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Call, Failure,
    api::{Api, Outcome},
    lists::Seek,
    parse::{self, Sender},
};
use crate::{
    apps::Owned,
    codes::Code,
    numbers::Number,
    people::{Known, NotBlocked, PersonId},
};

/// People of one request at most.
const AT_ONCE: usize = 1000;

/// Somebody as they are listed. What is not known of them is left out.
fn row(known: &Known) -> Value {
    let profile = known.profile();
    let mut row = json!({ "user_id": profile.user_id });
    if let (Some(row), Some(wa_id)) = (row.as_object_mut(), profile.wa_id) {
        row.insert("wa_id".to_owned(), wa_id.into());
    }
    row
}

fn with(mut row: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.insert(name.to_owned(), value.into());
    }
    row
}

pub(super) async fn list(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let seek = Seek::of(&call)?;
    let from = match &seek.from {
        Some(name) => {
            let row =
                name.parse().map_err(|_| Failure::new(Code::CursorInvalid, "no cursor of this list"))?;
            Some(PersonId(row))
        }
        None => None,
    };
    let limit = u32::try_from(seek.limit).unwrap_or(u32::MAX).saturating_add(1);
    let people = api.people.blocked(&number.object, from, seek.back, limit).await?;
    let rows = people.iter().map(|known| {
        let profile = known.profile();
        // Clients read who was asked for here too.
        let input = profile.wa_id.unwrap_or_else(|| profile.user_id.as_str().to_owned());
        let row = with(with(row(known), "messaging_product", "whatsapp"), "input", input);
        (known.person.id.0.to_string(), row)
    });
    Ok(seek.page(&call, rows.collect()).into())
}

pub(super) async fn block(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    set(&api, &number.object, call, true).await
}

pub(super) async fn unblock(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    set(&api, &number.object, call, false).await
}

async fn set(api: &Api, number: &Number, call: Call, blocked: bool) -> Outcome {
    let fields = call.fields();
    parse::product(&fields)?;
    let business = api.businesses.get(number.business).await?;
    let sender = Sender { id: number.id, country: Some(&business.country) };
    let asked = fields.objects("block_users", AT_ONCE)?;
    if asked.is_empty() {
        return Err(fields.missing("block_users"));
    }
    // All is read before anything is done.
    let mut wanted = Vec::with_capacity(asked.len());
    for user in &asked {
        let name = if user.value("user").is_some() { "user" } else { "user_id" };
        let input = user.need_text(name, 256)?;
        let recipient = parse::to(sender, &input);
        wanted.push((recipient.ok_or_else(|| user.invalid(name, "no phone number and no user id"))?, input));
    }
    let (mut done, mut failed, mut people) = (Vec::new(), Vec::new(), Vec::new());
    for (recipient, input) in wanted {
        match api.people.to_block(number, &recipient, blocked).await? {
            Ok(known) => {
                people.push(known.person.id);
                done.push(with(row(&known), "input", input));
            }
            Err(NotBlocked { known, refusal }) => {
                let row = known.map_or_else(|| json!({}), |known| row(&known));
                let errors = json!([{
                    "code": refusal.code.number(),
                    "message": refusal.code.title(),
                    "error_data": { "details": refusal.details },
                }]);
                failed.push(with(with(row, "input", input), "errors", errors));
            }
        }
    }
    let details = "Some of the people could not be blocked or unblocked.";
    if done.is_empty() {
        let first = failed.first().and_then(|row| row.pointer("/errors/0/error_data/details"));
        let first = first.and_then(Value::as_str).unwrap_or(details).to_owned();
        return Err(Failure::new(Code::BlockFailed, first));
    }
    people.sort_unstable();
    people.dedup();
    api.people.set_blocked(number, &people, blocked).await?;
    let mut users = json!({});
    users = with(users, if blocked { "added_users" } else { "removed_users" }, done);
    let mut answer = json!({ "messaging_product": "whatsapp" });
    if !failed.is_empty() {
        users = with(users, "failed_users", failed);
        let error = Failure::new(Code::BlockFailed, details);
        let error = error.body(call.version, &call.trace).get("error").cloned();
        answer = with(answer, "errors", error);
    }
    Ok(with(answer, "block_users", users).into())
}
