//! HTTP for registration.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::{StatusCode, request::Parts};
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{PhoneNumber, api};

use super::{Pin, Registration};
use crate::{
    RelayError,
    auth::Primary,
    edge::{self, Address, Segment},
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new()
        .routes(routes!(request_code))
        .routes(routes!(register))
        .routes(routes!(development_code))
        .routes(routes!(lock, unlock))
}

/// Sends a six-digit code to a number.
#[utoipa::path(post, path = "/v1/registration/codes", tag = "registration",
    request_body = api::RequestCode, responses((status = 200, body = api::CodeRequested)))]
async fn request_code(
    State(registration): State<Arc<Registration>>,
    Address(address): Address,
    edge::Json(request): edge::Json<api::RequestCode>,
) -> Result<Json<api::CodeRequested>, RelayError> {
    registration.request_code(address, request.number).await.map(Json)
}

/// Registers a number with the code that was sent to it.
#[utoipa::path(post, path = "/v1/registration", tag = "registration",
    request_body = api::Register, responses((status = 200, body = api::Registered)))]
async fn register(
    State(registration): State<Arc<Registration>>,
    Address(address): Address,
    edge::Json(request): edge::Json<api::Register>,
) -> Result<Json<api::Registered>, RelayError> {
    registration.register(address, request).await.map(Json)
}

/// The development mailbox: only with the sender `console`, and only on loopback.
#[utoipa::path(get, path = "/v1/dev/codes/{number}", tag = "registration",
    params(("number" = String, Path)), responses((status = 200, body = api::DevCode)))]
async fn development_code(
    State(registration): State<Arc<Registration>>,
    Segment(number): Segment<PhoneNumber>,
    parts: Parts,
) -> Result<Json<api::DevCode>, RelayError> {
    if !edge::is_local(&parts) {
        return Err(RelayError::NotFound);
    }
    registration.development_code(&number).map(|code| Json(api::DevCode { code }))
}

/// Sets the registration lock.
#[utoipa::path(put, path = "/v1/account/registration-lock", tag = "account", security(("device" = ["primary"])),
    request_body = api::SetRegistrationLock, responses((status = 204)))]
async fn lock(
    State(registration): State<Arc<Registration>>,
    Primary(caller): Primary,
    edge::Json(request): edge::Json<api::SetRegistrationLock>,
) -> Result<StatusCode, RelayError> {
    registration.lock(caller, Pin::parse(request.pin)?).await.map(|()| StatusCode::NO_CONTENT)
}

/// Removes the registration lock.
#[utoipa::path(delete, path = "/v1/account/registration-lock", tag = "account",
    security(("device" = ["primary"])), responses((status = 204)))]
async fn unlock(
    State(registration): State<Arc<Registration>>,
    Primary(caller): Primary,
) -> Result<StatusCode, RelayError> {
    registration.unlock(caller).await.map(|()| StatusCode::NO_CONTENT)
}
