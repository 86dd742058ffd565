//! What the operator says of numbers: to how many people a day each may write first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Call, Management, Operator, Outcome, Refused, json};
use crate::{
    ids::{BusinessId, NumberId, WabaId},
    numbers::{Number, Tier},
};

#[derive(Debug, Serialize)]
struct Shown {
    phone_number_id: NumberId,
    business_id: BusinessId,
    waba_id: WabaId,
    number: String,
    messaging_limit: String,
    /// Whether it stays so, however much of it is used.
    held: bool,
}

impl From<&Number> for Shown {
    fn from(number: &Number) -> Self {
        Self {
            phone_number_id: number.id,
            business_id: number.business,
            waba_id: number.waba,
            number: number.number.as_str().to_owned(),
            messaging_limit: Tier(number.tier).to_string(),
            held: number.tier_held,
        }
    }
}

pub(super) async fn limit(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&[])?;
    json(&Shown::from(&*management.api.numbers.get(call.id(0)?).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    #[serde(default)]
    messaging_limit: String,
    #[serde(default)]
    held: bool,
}

pub(super) async fn set_limit(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&[])?;
    let Limit { messaging_limit, held } = call.body()?;
    let tier: Tier = messaging_limit
        .parse()
        .map_err(|error: crate::numbers::InvalidTier| Refused::field("messaging_limit", error.to_string()))?;
    let api = &management.api;
    let number = api.numbers.get(call.id(0)?).await?;
    let business = api.businesses.get(number.business).await?;
    api.numbers.set_tier(&api.webhooks, &business, &number, (tier, held), "operator").await?;
    json(&Shown::from(&*api.numbers.get(number.id).await?))
}
