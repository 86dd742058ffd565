//! HTTP for accounts.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::api;

use super::{Accounts, Erasure};
use crate::{
    RelayError,
    auth::{Caller, Primary},
    edge,
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(about, change, erase)).routes(routes!(lookup))
}

/// Who one is.
#[utoipa::path(get, path = "/v1/account", tag = "account", security(("device" = [])),
    responses((status = 200, body = api::Account)))]
async fn about(
    State(accounts): State<Arc<Accounts>>,
    caller: Caller,
) -> Result<Json<api::Account>, RelayError> {
    accounts.about(caller).await.map(Json)
}

/// Whether others find the account by its number.
#[utoipa::path(patch, path = "/v1/account", tag = "account", security(("device" = ["primary"])),
    request_body = api::ChangeAccount, responses((status = 204)))]
async fn change(
    State(accounts): State<Arc<Accounts>>,
    Primary(caller): Primary,
    edge::Json(request): edge::Json<api::ChangeAccount>,
) -> Result<StatusCode, RelayError> {
    accounts.set_discoverable(caller, request.discoverable).await.map(|()| StatusCode::NO_CONTENT)
}

/// Erases the account, at once and for good.
#[utoipa::path(delete, path = "/v1/account", tag = "account", security(("device" = ["primary"])),
    responses((status = 204)))]
async fn erase(
    State(erasure): State<Arc<Erasure>>,
    Primary(caller): Primary,
) -> Result<StatusCode, RelayError> {
    erasure.erase(caller).await.map(|()| StatusCode::NO_CONTENT)
}

/// Those of these numbers that may be found.
#[utoipa::path(post, path = "/v1/accounts/lookup", tag = "account", security(("device" = [])),
    request_body = api::Lookup, responses((status = 200, body = api::Found)))]
async fn lookup(
    State(accounts): State<Arc<Accounts>>,
    caller: Caller,
    edge::Json(request): edge::Json<api::Lookup>,
) -> Result<Json<api::Found>, RelayError> {
    accounts.lookup(caller.account, request.numbers).await.map(Json)
}
