//! HTTP for provisioning.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{Base64, api};

use super::{MeetingId, Provisioning};
use crate::{
    RelayError,
    auth::Caller,
    edge::{self, Address, Segment},
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(leave, take))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    #[serde(default)]
    wait_ms: u64,
}

/// A place for a new device to meet its primary one.
#[utoipa::path(post, path = "/v1/provisioning", tag = "linking",
    responses((status = 200, body = api::Provisioning)))]
async fn begin(
    State(provisioning): State<Arc<Provisioning>>,
    Address(address): Address,
) -> Result<Json<api::Provisioning>, RelayError> {
    provisioning.begin(address).await.map(Json)
}

/// Leaves the sealed message, once.
#[utoipa::path(put, path = "/v1/provisioning/{id}", tag = "linking", security(("device" = [])),
    params(("id" = String, Path)), request_body = api::Provision, responses((status = 204)))]
async fn leave(
    State(provisioning): State<Arc<Provisioning>>,
    caller: Caller,
    Segment(id): Segment<MeetingId>,
    edge::Json(request): edge::Json<api::Provision>,
) -> Result<StatusCode, RelayError> {
    provisioning.leave(caller, id, request.message.0).await.map(|()| StatusCode::NO_CONTENT)
}

/// Takes the sealed message, waiting for it a while.
#[utoipa::path(get, path = "/v1/provisioning/{id}", tag = "linking",
    params(("id" = String, Path), ("wait_ms" = Option<u64>, Query)),
    responses((status = 200, body = api::ProvisioningMessage), (status = 204)))]
async fn take(
    State(provisioning): State<Arc<Provisioning>>,
    Address(address): Address,
    Segment(id): Segment<MeetingId>,
    wait: Result<Query<Wait>, QueryRejection>,
) -> Result<Response, RelayError> {
    let Query(Wait { wait_ms }) = wait.map_err(|_| RelayError::field("wait_ms", "milliseconds"))?;
    let message = provisioning.take(address, id, Duration::from_millis(wait_ms)).await?;
    Ok(match message {
        Some(message) => Json(api::ProvisioningMessage { message: Base64(message) }).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
