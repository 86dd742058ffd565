//! What the operator decides about templates. The business's software is told, as of the automatic rules' decisions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Management, Operator, Outcome, Refused, json};
use crate::{
    ids::{TemplateId, WabaId},
    templates::{Decision, Reason, Template},
};

/// Templates of a page.
const PAGE: u32 = 100;

#[derive(Debug, Serialize)]
struct Shown {
    template_id: TemplateId,
    waba_id: WabaId,
    name: String,
    language: String,
    category: String,
    status: &'static str,
    reason: String,
    components: Vec<Value>,
}

impl From<Template> for Shown {
    fn from(template: Template) -> Self {
        Self {
            template_id: template.id,
            waba_id: template.waba,
            name: template.definition.name,
            language: template.definition.language,
            category: template.definition.category.as_str().to_ascii_uppercase(),
            status: template.status.as_str(),
            reason: template.reason,
            components: template.definition.components,
        }
    }
}

pub(super) async fn waiting(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&["after", "limit"])?;
    let found = management.api.templates.waiting(call.parameter("after")?, call.limit(PAGE)?).await?;
    let found: Vec<Shown> = found.into_iter().map(Into::into).collect();
    json(&serde_json::json!({ "templates": found }))
}

pub(super) async fn show(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&[])?;
    json(&Shown::from(management.api.templates.of_any(call.id(0)?).await?))
}

async fn decide(management: &Management, call: &Call, decision: Decision) -> Outcome {
    call.only(&[])?;
    let id = call.id(0)?;
    management.api.templates.decide(id, decision).await?;
    json(&Shown::from(management.api.templates.of_any(id).await?))
}

pub(super) async fn approve(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    decide(&management, &call, Decision::Approve).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    reason: String,
}

pub(super) async fn reject(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    let Refusal { reason } = call.body()?;
    let reason = Reason::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(&reason));
    let reason = reason.ok_or_else(|| {
        let known: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        Refused::field("reason", format!("one of {}", known.join(", ")))
    })?;
    decide(&management, &call, Decision::Reject(reason)).await
}

pub(super) async fn pause(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    decide(&management, &call, Decision::Pause).await
}

pub(super) async fn unpause(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    decide(&management, &call, Decision::Unpause).await
}

pub(super) async fn disable(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    decide(&management, &call, Decision::Disable).await
}
