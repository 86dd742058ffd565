//! HTTP for the operator, with the operator's token; health and figures.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use http::{
    StatusCode,
    header::{
        self, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use serde::Deserialize;
use store::blobs::BlobId;
use tokio::time::timeout;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{BusinessId, VendorId, api};

use super::{Office, reviews::Decision};
use crate::{
    RelayError,
    auth::{self, Operator},
    businesses::{Businesses, Documents, State as BusinessState},
    edge::{self, Segment, Segments},
    ground::Ground,
    metrics,
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(figures))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(document))
        .routes(routes!(review))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(suspend))
        .routes(routes!(reinstate))
        .routes(routes!(vendors, add_vendor))
        .routes(routes!(suspend_vendor))
        .routes(routes!(reinstate_vendor))
        .routes(routes!(rotate_vendor))
        .routes(routes!(host_credential))
        .routes(routes!(rotate_label_key))
        .routes(routes!(trail))
}

/// Whether the store answers.
#[utoipa::path(get, path = "/health", tag = "operator",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn health(State(ground): State<Arc<Ground>>) -> Result<&'static str, RelayError> {
    let asked = timeout(Duration::from_secs(2), ground.answers()).await;
    asked.map_err(|_| RelayError::Unavailable)?.map(|()| "ok\n")
}

/// Figures for Prometheus: on loopback, or with the operator's token.
#[utoipa::path(get, path = "/metrics", tag = "operator", security(("operator" = [])),
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn figures(State(ground): State<Arc<Ground>>, parts: Parts) -> Result<Response, RelayError> {
    if !edge::is_local(&parts) && !auth::is_operator(&ground, &parts.headers) {
        return Err(RelayError::Unauthorized);
    }
    let form = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((StatusCode::OK, form, metrics::render()).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    state: Option<BusinessState>,
    #[serde(default)]
    after: Option<String>,
}

/// Businesses, the latest change first.
#[utoipa::path(get, path = "/v1/operator/businesses", tag = "operator", security(("operator" = [])),
    params(("state" = Option<String>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = api::Businesses)))]
async fn list(
    _: Operator,
    State(businesses): State<Arc<Businesses>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<api::Businesses>, RelayError> {
    let Query(Wanted { state, after }) = wanted.map_err(|_| RelayError::invalid("?state=…&after=…"))?;
    businesses.list(state, after.as_deref()).await.map(Json)
}

/// A business with all that belongs to it.
#[utoipa::path(get, path = "/v1/operator/businesses/{business}", tag = "operator", security(("operator" = [])),
    params(("business" = String, Path)), responses((status = 200, body = api::Business)))]
async fn show(
    _: Operator,
    State(businesses): State<Arc<Businesses>>,
    Segment(business): Segment<BusinessId>,
) -> Result<Json<api::Business>, RelayError> {
    businesses.show(business).await.map(Json)
}

/// The bytes of a document.
#[utoipa::path(get, path = "/v1/operator/businesses/{business}/documents/{id}", tag = "operator",
    security(("operator" = [])), params(("business" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
async fn document(
    _: Operator,
    State(documents): State<Arc<Documents>>,
    Segments(business, id): Segments<BusinessId, BlobId>,
) -> Result<Response, RelayError> {
    let found = documents.get(business, id).await?;
    let headers = [
        (CONTENT_TYPE, found.document.content_type),
        (CONTENT_LENGTH, found.document.size.to_string()),
        // Whoever opens it in a browser has it saved, and nothing of it is run.
        (CONTENT_DISPOSITION, "attachment".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(found.bytes)).into_response())
}

/// Takes what was submitted into review.
#[utoipa::path(post, path = "/v1/operator/businesses/{business}/review", tag = "operator",
    security(("operator" = [])), params(("business" = String, Path)),
    responses((status = 200, body = api::Business)))]
async fn review(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(business): Segment<BusinessId>,
) -> Result<Json<api::Business>, RelayError> {
    office.decide(business, Decision::Review, None).await.map(Json)
}

/// Approves what is in review.
#[utoipa::path(post, path = "/v1/operator/businesses/{business}/approve", tag = "operator",
    security(("operator" = [])), params(("business" = String, Path)),
    responses((status = 200, body = api::Business)))]
async fn approve(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(business): Segment<BusinessId>,
) -> Result<Json<api::Business>, RelayError> {
    office.decide(business, Decision::Approve, None).await.map(Json)
}

/// Rejects what is in review, with a reason.
#[utoipa::path(post, path = "/v1/operator/businesses/{business}/reject", tag = "operator",
    security(("operator" = [])), params(("business" = String, Path)), request_body = api::Reason,
    responses((status = 200, body = api::Business)))]
async fn reject(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(business): Segment<BusinessId>,
    edge::Json(request): edge::Json<api::Reason>,
) -> Result<Json<api::Business>, RelayError> {
    office.decide(business, Decision::Reject, Some(&request.reason)).await.map(Json)
}

/// Suspends an approved business, with a reason: nothing goes out from it.
#[utoipa::path(post, path = "/v1/operator/businesses/{business}/suspend", tag = "operator",
    security(("operator" = [])), params(("business" = String, Path)), request_body = api::Reason,
    responses((status = 200, body = api::Business)))]
async fn suspend(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(business): Segment<BusinessId>,
    edge::Json(request): edge::Json<api::Reason>,
) -> Result<Json<api::Business>, RelayError> {
    office.decide(business, Decision::Suspend, Some(&request.reason)).await.map(Json)
}

/// Ends a suspension.
#[utoipa::path(post, path = "/v1/operator/businesses/{business}/reinstate", tag = "operator",
    security(("operator" = [])), params(("business" = String, Path)),
    responses((status = 200, body = api::Business)))]
async fn reinstate(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(business): Segment<BusinessId>,
) -> Result<Json<api::Business>, RelayError> {
    office.decide(business, Decision::Reinstate, None).await.map(Json)
}

/// All vendors.
#[utoipa::path(get, path = "/v1/operator/vendors", tag = "operator", security(("operator" = [])),
    responses((status = 200, body = api::Vendors)))]
async fn vendors(_: Operator, State(office): State<Arc<Office>>) -> Result<Json<api::Vendors>, RelayError> {
    office.vendors().await.map(Json)
}

/// A vendor, who may host businesses that choose it.
#[utoipa::path(post, path = "/v1/operator/vendors", tag = "operator", security(("operator" = [])),
    request_body = api::AddVendor, responses((status = 201, body = api::VendorMade)))]
async fn add_vendor(
    _: Operator,
    State(office): State<Arc<Office>>,
    edge::Json(request): edge::Json<api::AddVendor>,
) -> Result<(StatusCode, Json<api::VendorMade>), RelayError> {
    Ok((StatusCode::CREATED, Json(office.add_vendor(&request.name).await?)))
}

/// Suspends a vendor: nothing goes out from what it hosts.
#[utoipa::path(post, path = "/v1/operator/vendors/{vendor}/suspend", tag = "operator",
    security(("operator" = [])), params(("vendor" = String, Path)), responses((status = 204)))]
async fn suspend_vendor(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(vendor): Segment<VendorId>,
) -> Result<StatusCode, RelayError> {
    office.suspend_vendor(vendor, true).await.map(|()| StatusCode::NO_CONTENT)
}

/// Ends a vendor's suspension.
#[utoipa::path(post, path = "/v1/operator/vendors/{vendor}/reinstate", tag = "operator",
    security(("operator" = [])), params(("vendor" = String, Path)), responses((status = 204)))]
async fn reinstate_vendor(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(vendor): Segment<VendorId>,
) -> Result<StatusCode, RelayError> {
    office.suspend_vendor(vendor, false).await.map(|()| StatusCode::NO_CONTENT)
}

/// Another credential for a vendor; the one before it is void.
#[utoipa::path(post, path = "/v1/operator/vendors/{vendor}/credential", tag = "operator",
    security(("operator" = [])), params(("vendor" = String, Path)),
    responses((status = 200, body = api::CredentialMade)))]
async fn rotate_vendor(
    _: Operator,
    State(office): State<Arc<Office>>,
    Segment(vendor): Segment<VendorId>,
) -> Result<Json<api::CredentialMade>, RelayError> {
    office.rotate_vendor(vendor).await.map(Json)
}

/// A host credential for the operator's own host; the one before it is void.
#[utoipa::path(post, path = "/v1/operator/host-credential", tag = "operator", security(("operator" = [])),
    responses((status = 200, body = api::CredentialMade)))]
async fn host_credential(
    _: Operator,
    State(office): State<Arc<Office>>,
) -> Result<Json<api::CredentialMade>, RelayError> {
    office.host_credential().await.map(Json)
}

/// Another label key, which the one before it certifies.
#[utoipa::path(post, path = "/v1/operator/label-key", tag = "operator", security(("operator" = [])),
    responses((status = 200, body = api::LabelKey)))]
async fn rotate_label_key(
    _: Operator,
    State(office): State<Arc<Office>>,
) -> Result<Json<api::LabelKey>, RelayError> {
    office.rotate_label_key().await.map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    #[serde(default)]
    after: u64,
}

/// What was decided and changed, in order.
#[utoipa::path(get, path = "/v1/operator/audit", tag = "operator", security(("operator" = [])),
    params(("after" = Option<u64>, Query)), responses((status = 200, body = api::AuditTrail)))]
async fn trail(
    _: Operator,
    State(office): State<Arc<Office>>,
    after: Result<Query<After>, QueryRejection>,
) -> Result<Json<api::AuditTrail>, RelayError> {
    let Query(After { after }) = after.map_err(|_| RelayError::field("after", "the number of an entry"))?;
    office.trail(after).await.map(Json)
}
