//! Sending by a request.

use std::sync::Arc;

use axum::{Json, extract::State};
use bytes::Bytes;
use wire::{
    AccountId,
    api::{ErrorBody, MessageSent, SendMessage},
    frames, limits,
};

use super::{Queue, Refusal};
use crate::{RelayError, auth::Caller, edge};

/// Sends a message to all devices of an account
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/messages",
    params(("account" = AccountId, Path)),
    request_body = SendMessage,
    responses(
        (status = 200, body = MessageSent),
        (status = 409, body = ErrorBody, description = "`mismatched_devices`"),
        (status = 410, body = ErrorBody, description = "`stale_devices`"),
        (status = 507, body = ErrorBody, description = "`queue_full`"),
    ),
    security(("device" = [])),
)]
pub async fn send(
    State(queue): State<Arc<Queue>>,
    caller: Caller,
    edge::Segment(account): edge::Segment<AccountId>,
    edge::Json(message): edge::Json<SendMessage, { limits::FRAME }>,
) -> Result<Json<MessageSent>, RelayError> {
    queue.accept_and_wait(&caller, &to_frame(account, message)?).await?;
    Ok(Json(MessageSent { sent: true }))
}

/// The request as it would be on the socket.
fn to_frame(to: AccountId, message: SendMessage) -> Result<frames::Send, RelayError> {
    let parts = message.parts.into_iter().map(|part| {
        Ok(frames::Part {
            device: part.device.into(),
            registration_id: part.registration_id,
            kind: i32::try_from(part.kind).map_err(|_| RelayError::field("kind", "no such kind"))?,
            body: part.body.0.into(),
        })
    });
    Ok(frames::Send {
        id: message.id.0.into(),
        to: Bytes::copy_from_slice(to.as_bytes()),
        timestamp: message.timestamp,
        transient: message.transient,
        parts: parts.collect::<Result<_, RelayError>>()?,
    })
}

impl From<Refusal> for RelayError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(reason) => Self::invalid(reason),
            Refusal::NoSuchAccount => Self::NotFound,
            Refusal::Mismatched { missing, extra } => Self::MismatchedDevices { missing, extra },
            Refusal::Stale(devices) => Self::StaleDevices { devices },
            Refusal::Full(devices) => Self::QueueFull { devices },
            Refusal::RateLimited(millis) => {
                Self::RateLimited { retry_after: std::time::Duration::from_millis(millis) }
            }
            Refusal::Unavailable => Self::Unavailable,
            Refusal::Forbidden => Self::Forbidden("the business may not write to this account"),
        }
    }
}
