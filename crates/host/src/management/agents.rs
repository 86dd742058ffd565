//! The first people who work for a business in the console: invited by its own software, or by who runs its own host.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json as value;
use wire::{ErrorCode, api::HostingMode};

use super::{Call, Granted, Management, Outcome, Party, Refused, answer, json};
use crate::agents::routes::{Invite, invited};

/// Whoever hosts another's business makes nobody who could read its chats.
fn own(granted: &Granted) -> Result<(), Refused> {
    if granted.by == Party::Operator && granted.business.mode != HostingMode::Own {
        let message = "who hosts another's business does not say who reads its chats: the business does, with its token";
        return Err(Refused::new(ErrorCode::Forbidden, message));
    }
    Ok(())
}

pub(super) async fn invite(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    own(&granted)?;
    let Invite { name, display_name, role } = call.body()?;
    let (business, by) = (granted.business.id, granted.by.log_name());
    let made = management.agents.invite(business, (&name, &display_name), role, None, &by).await?;
    answer(StatusCode::CREATED, &invited(&management.api.base, &made))
}

pub(super) async fn list(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    own(&granted)?;
    json(&value!({ "agents": management.agents.list(granted.business.id).await? }))
}
