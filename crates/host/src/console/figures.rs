//! Messages, and how fast was answered, by time.

use std::{collections::BTreeSet, sync::Arc};

use ::store::Timestamp;
use serde_json::json as value;

use super::{Audit, Console, May, Outcome, Refused, json};
use crate::{
    analytics::{Apart, Granularity, Question},
    ids::NumberId,
    management::Call,
};

pub(super) async fn show(console: Arc<Console>, may: May<Audit>, call: Call) -> Outcome {
    call.only(&["start", "end", "granularity", "phone_number_id"])?;
    let need = |name: &'static str| -> Result<i64, Refused> {
        call.parameter(name)?.ok_or_else(|| Refused::field(name, "is missing: milliseconds since 1970"))
    };
    let (start, end) = (Timestamp(need("start")?), Timestamp(need("end")?));
    let granularity = match call.parameter::<String>("granularity")?.as_deref() {
        Some("half_hour") => Granularity::HalfHour,
        None | Some("day") => Granularity::Day,
        Some("month") => Granularity::Month,
        Some(_) => return Err(Refused::field("granularity", "half_hour, day or month")),
    };
    let number: Option<NumberId> = call.parameter("phone_number_id")?;
    let business = may.business();
    if let Some(number) = number {
        console.inbox.number(business.id, number).await?;
    }
    let question = Question {
        start,
        end,
        granularity,
        numbers: number.into_iter().collect(),
        countries: BTreeSet::new(),
        templates: BTreeSet::new(),
        categories: BTreeSet::new(),
    };
    let of = (business.id, business.waba);
    let tallies = console.api.analytics.count(of, &question, Apart::default()).await?;
    let messages = tallies.into_iter().map(|(key, tally)| {
        value!({
            "start": key.start.saturating_mul(1000),
            "end": key.end.saturating_mul(1000),
            "sent": tally.sent,
            "delivered": tally.delivered,
            "read": tally.read,
        })
    });
    let messages: Vec<_> = messages.collect();
    let around = |at| granularity.around(at);
    let answers = console.inbox.answers(business.id, (start, end), number, around).await?;
    json(&value!({ "messages": messages, "answers": answers }))
}
