//! HTTP for labels.

use std::sync::Arc;

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{AccountId, api};

use super::Labels;
use crate::{
    RelayError,
    auth::Caller,
    edge::{self, Segment},
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(key)).routes(routes!(declaration)).routes(routes!(prove_number))
}

/// The key that signs declarations and number proofs, and how it came to be.
#[utoipa::path(get, path = "/v1/labels/key", tag = "labels", responses((status = 200, body = api::LabelKey)))]
async fn key(State(labels): State<Arc<Labels>>) -> Result<Json<api::LabelKey>, RelayError> {
    labels.key().await.map(Json)
}

/// Who hosts a business.
#[utoipa::path(get, path = "/v1/accounts/{account}/declaration", tag = "labels", security(("device" = [])),
    params(("account" = String, Path)), responses((status = 200, body = api::DeclarationOf)))]
async fn declaration(
    State(labels): State<Arc<Labels>>,
    caller: Caller,
    Segment(account): Segment<AccountId>,
) -> Result<Json<api::DeclarationOf>, RelayError> {
    labels.declaration(caller.account, account).await.map(Json)
}

/// That the caller has their number, for one business to be shown.
#[utoipa::path(post, path = "/v1/account/number-proof", tag = "labels", security(("device" = [])),
    request_body = api::ProveNumber, responses((status = 200, body = api::NumberShown)))]
async fn prove_number(
    State(labels): State<Arc<Labels>>,
    caller: Caller,
    edge::Json(request): edge::Json<api::ProveNumber>,
) -> Result<Json<api::NumberShown>, RelayError> {
    labels.prove_number(caller.account, request.account).await.map(Json)
}
