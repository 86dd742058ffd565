//! HTTP for blocks.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{AccountId, api};

use super::Blocks;
use crate::{RelayError, auth::Caller, edge::Segment, router::Services};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(block, unblock))
}

/// Whom the account blocks.
#[utoipa::path(get, path = "/v1/blocks", tag = "blocks", security(("device" = [])),
    responses((status = 200, body = api::Blocks)))]
async fn list(State(blocks): State<Arc<Blocks>>, caller: Caller) -> Result<Json<api::Blocks>, RelayError> {
    let accounts = blocks.list(caller.account).await?;
    Ok(Json(api::Blocks { accounts }))
}

/// Drops what an account sends, from now on, without telling it.
#[utoipa::path(put, path = "/v1/blocks/{account}", tag = "blocks", security(("device" = [])),
    params(("account" = String, Path)), responses((status = 204)))]
async fn block(
    State(blocks): State<Arc<Blocks>>,
    caller: Caller,
    Segment(account): Segment<AccountId>,
) -> Result<StatusCode, RelayError> {
    blocks.block(caller, account).await.map(|()| StatusCode::NO_CONTENT)
}

/// Hears from an account again.
#[utoipa::path(delete, path = "/v1/blocks/{account}", tag = "blocks", security(("device" = [])),
    params(("account" = String, Path)), responses((status = 204)))]
async fn unblock(
    State(blocks): State<Arc<Blocks>>,
    caller: Caller,
    Segment(account): Segment<AccountId>,
) -> Result<StatusCode, RelayError> {
    blocks.unblock(caller, account).await.map(|()| StatusCode::NO_CONTENT)
}
