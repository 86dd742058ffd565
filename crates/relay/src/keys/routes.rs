//! HTTP for prekeys.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{AccountId, DeviceId, api};

use super::Keys;
use crate::{
    RelayError,
    auth::Caller,
    edge::{self, Segment, Segments},
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(count, upload)).routes(routes!(fetch)).routes(routes!(fetch_one))
}

/// How many one-time prekeys are left.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", security(("device" = [])),
    responses((status = 200, body = api::KeyCounts)))]
async fn count(State(keys): State<Arc<Keys>>, caller: Caller) -> Result<Json<api::KeyCounts>, RelayError> {
    keys.count(caller.key).await.map(Json)
}

/// Replaces current prekeys, adds one-time prekeys.
#[utoipa::path(put, path = "/v1/keys", tag = "keys", security(("device" = [])),
    request_body = api::UploadKeys, responses((status = 204)))]
async fn upload(
    State(keys): State<Arc<Keys>>,
    caller: Caller,
    edge::Json(request): edge::Json<api::UploadKeys>,
) -> Result<StatusCode, RelayError> {
    keys.upload(caller, request).await.map(|()| StatusCode::NO_CONTENT)
}

/// What sessions with all devices of an account begin with.
#[utoipa::path(get, path = "/v1/accounts/{account}/keys", tag = "keys", security(("device" = [])),
    params(("account" = String, Path)), responses((status = 200, body = api::Bundles)))]
async fn fetch(
    State(keys): State<Arc<Keys>>,
    caller: Caller,
    Segment(account): Segment<AccountId>,
) -> Result<Json<api::Bundles>, RelayError> {
    keys.fetch(caller.account, account, None).await.map(Json)
}

/// What a session with one device begins with.
#[utoipa::path(get, path = "/v1/accounts/{account}/keys/{device}", tag = "keys", security(("device" = [])),
    params(("account" = String, Path), ("device" = u32, Path)),
    responses((status = 200, body = api::Bundles)))]
async fn fetch_one(
    State(keys): State<Arc<Keys>>,
    caller: Caller,
    Segments(account, device): Segments<AccountId, DeviceId>,
) -> Result<Json<api::Bundles>, RelayError> {
    keys.fetch(caller.account, account, Some(device)).await.map(Json)
}
