//! HTTP for devices.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{DeviceId, api};

use super::{Devices, Linking};
use crate::{
    RelayError,
    auth::{Caller, Primary},
    edge::{self, Address, Segment},
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(list, link)).routes(routes!(remove)).routes(routes!(code))
}

/// All devices of the account.
#[utoipa::path(get, path = "/v1/devices", tag = "devices", security(("device" = [])),
    responses((status = 200, body = api::Devices)))]
async fn list(State(devices): State<Arc<Devices>>, caller: Caller) -> Result<Json<api::Devices>, RelayError> {
    devices.list(caller.account).await.map(Json)
}

/// Removes a device: the primary any other, a linked one itself.
#[utoipa::path(delete, path = "/v1/devices/{id}", tag = "devices", security(("device" = [])),
    params(("id" = u32, Path)), responses((status = 204)))]
async fn remove(
    State(devices): State<Arc<Devices>>,
    caller: Caller,
    Segment(id): Segment<DeviceId>,
) -> Result<StatusCode, RelayError> {
    devices.remove(caller, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// A code with which a device can be linked.
#[utoipa::path(post, path = "/v1/devices/codes", tag = "devices", security(("device" = ["primary"])),
    responses((status = 200, body = api::LinkingCode)))]
async fn code(
    State(linking): State<Arc<Linking>>,
    Primary(caller): Primary,
) -> Result<Json<api::LinkingCode>, RelayError> {
    linking.code(caller).await.map(Json)
}

/// Links a device; the linking code is the credential.
#[utoipa::path(post, path = "/v1/devices", tag = "devices", request_body = api::LinkDevice,
    responses((status = 200, body = api::Registered)))]
async fn link(
    State(linking): State<Arc<Linking>>,
    Address(address): Address,
    edge::Json(request): edge::Json<api::LinkDevice>,
) -> Result<Json<api::Registered>, RelayError> {
    linking.link(address, request).await.map(Json)
}
