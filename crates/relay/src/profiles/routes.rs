//! HTTP for profiles.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{AccountId, api};

use super::Profiles;
use crate::{
    RelayError,
    auth::Caller,
    edge::{self, Segment},
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(put)).routes(routes!(get))
}

/// Replaces the profile.
#[utoipa::path(put, path = "/v1/profile", tag = "profiles", security(("device" = [])),
    request_body = api::SetProfile, responses((status = 204)))]
async fn put(
    State(profiles): State<Arc<Profiles>>,
    caller: Caller,
    edge::Json(request): edge::Json<api::SetProfile>,
) -> Result<StatusCode, RelayError> {
    profiles.put(caller, request.profile.0).await.map(|()| StatusCode::NO_CONTENT)
}

/// Somebody's profile.
#[utoipa::path(get, path = "/v1/accounts/{account}/profile", tag = "profiles", security(("device" = [])),
    params(("account" = String, Path)), responses((status = 200, body = api::Profile)))]
async fn get(
    State(profiles): State<Arc<Profiles>>,
    caller: Caller,
    Segment(account): Segment<AccountId>,
) -> Result<Json<api::Profile>, RelayError> {
    let profile = profiles.get(caller.account, account).await?.into();
    Ok(Json(api::Profile { profile }))
}
