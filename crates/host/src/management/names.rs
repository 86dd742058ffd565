//! What the operator decides about display names that are not plainly the business's own. The business's software is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Call, Management, Operator, Outcome, Refused, json};
use crate::{
    ids::{BusinessId, NumberId, WabaId},
    numbers::{NameReason, NameVerdict, Number},
};

/// Names of a page.
const PAGE: u32 = 100;

/// A number, and the name that it asks for.
#[derive(Debug, Serialize)]
struct Shown {
    phone_number_id: NumberId,
    business_id: BusinessId,
    waba_id: WabaId,
    number: String,
    /// What the business is called, and as it is registered: what the name is held against.
    business: String,
    legal_name: String,
    verified_name: String,
    requested_name: Option<String>,
}

async fn shown(management: &Management, number: Number) -> Result<Shown, Refused> {
    let business = management.api.businesses.get(number.business).await?;
    Ok(Shown {
        phone_number_id: number.id,
        business_id: number.business,
        waba_id: number.waba,
        number: number.number.as_str().to_owned(),
        business: business.name.clone(),
        legal_name: business.legal_name.clone(),
        verified_name: number.verified_name,
        requested_name: number.requested_name,
    })
}

pub(super) async fn waiting(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&["after", "limit"])?;
    let (after, limit) = (call.parameter("after")?, call.limit(PAGE)?);
    let mut rows = Vec::new();
    for number in management.api.numbers.asking_for_names(after, limit).await? {
        rows.push(shown(&management, number).await?);
    }
    json(&serde_json::json!({ "names": rows }))
}

async fn decide(management: &Management, call: &Call, name: &str, verdict: NameVerdict) -> Outcome {
    call.only(&[])?;
    if name.is_empty() {
        return Err(Refused::field("name", "the name that was looked at"));
    }
    let api = &management.api;
    let number = api.numbers.get(call.id(0)?).await?;
    api.numbers.decide_name(&api.webhooks, &number, name, verdict).await?;
    let number = api.numbers.get(number.id).await?;
    json(&shown(management, (*number).clone()).await?)
}

/// Which name was looked at: the business may ask for another one meanwhile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    #[serde(default)]
    name: String,
}

pub(super) async fn approve(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    let Approval { name } = call.body()?;
    decide(&management, &call, &name, NameVerdict::Approve).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    #[serde(default)]
    name: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn reject(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    let Refusal { name, reason } = call.body()?;
    let found = NameReason::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(&reason));
    let reason = found.ok_or_else(|| {
        let known: Vec<&str> = NameReason::ALL.iter().map(|reason| reason.as_str()).collect();
        Refused::field("reason", format!("one of {}", known.join(", ")))
    })?;
    decide(&management, &call, &name, NameVerdict::Reject(reason)).await
}
