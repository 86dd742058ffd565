//! HTTP for businesses, with their own credential.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, Request, State, rejection::QueryRejection},
};
use http::StatusCode;
use serde::Deserialize;
use store::blobs::BlobId;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{PhoneNumber, api};

use super::{Businesses, Documents, Numbers, documents::Arriving};
use crate::{
    RelayError,
    auth::Owner,
    edge::{self, Address, Patience, Segment},
    hosting::Hosting,
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(show))
        .routes(routes!(apply))
        .routes(routes!(submit))
        .routes(routes!(rotate))
        .routes(routes!(add_document))
        .routes(routes!(remove_document))
        .routes(routes!(bind))
        .routes(routes!(unbind))
        .routes(routes!(add_tester, remove_tester))
        .routes(routes!(host))
}

/// Begins a business, with a draft of its application.
#[utoipa::path(post, path = "/v1/businesses", tag = "businesses", request_body = api::Application,
    responses((status = 201, body = api::BusinessMade)))]
async fn begin(
    State(businesses): State<Arc<Businesses>>,
    Address(address): Address,
    edge::Json(application): edge::Json<api::Application>,
) -> Result<(StatusCode, Json<api::BusinessMade>), RelayError> {
    Ok((StatusCode::CREATED, Json(businesses.begin(address, application).await?)))
}

/// The business as it stands.
#[utoipa::path(get, path = "/v1/business", tag = "businesses", security(("business" = [])),
    responses((status = 200, body = api::Business)))]
async fn show(
    State(businesses): State<Arc<Businesses>>,
    Owner(business): Owner,
) -> Result<Json<api::Business>, RelayError> {
    businesses.show(business).await.map(Json)
}

/// Replaces the application of a draft, or of what was rejected.
#[utoipa::path(put, path = "/v1/business/application", tag = "businesses", security(("business" = [])),
    request_body = api::Application, responses((status = 204)))]
async fn apply(
    State(businesses): State<Arc<Businesses>>,
    Owner(business): Owner,
    edge::Json(application): edge::Json<api::Application>,
) -> Result<StatusCode, RelayError> {
    businesses.apply(business, application).await.map(|()| StatusCode::NO_CONTENT)
}

/// Hands the application to the operator.
#[utoipa::path(post, path = "/v1/business/submit", tag = "businesses", security(("business" = [])),
    responses((status = 200, body = api::Business)))]
async fn submit(
    State(businesses): State<Arc<Businesses>>,
    Owner(business): Owner,
) -> Result<Json<api::Business>, RelayError> {
    businesses.submit(business).await.map(Json)
}

/// Another credential for the business; the one that asked is void.
#[utoipa::path(post, path = "/v1/business/credential", tag = "businesses", security(("business" = [])),
    responses((status = 200, body = api::CredentialMade)))]
async fn rotate(
    State(businesses): State<Arc<Businesses>>,
    Owner(business): Owner,
) -> Result<Json<api::CredentialMade>, RelayError> {
    businesses.rotate(business).await.map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    name: String,
}

/// Adds a document: the body is its bytes.
#[utoipa::path(post, path = "/v1/business/documents", tag = "businesses", security(("business" = [])),
    params(("name" = String, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = api::Document)))]
async fn add_document(
    State(documents): State<Arc<Documents>>,
    Owner(business): Owner,
    called: Result<Query<Called>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<api::Document>), RelayError> {
    let Query(Called { name }) = called.map_err(|_| RelayError::field("name", "?name=FILE.pdf"))?;
    let length = edge::content_length(request.headers())?;
    let length = length.ok_or_else(|| RelayError::field("content-length", "the header is missing"))?;
    let patience = request.extensions().get::<Patience>().copied();
    let seconds = Duration::from_secs;
    let patience = patience.unwrap_or(Patience { idle: seconds(20), whole: seconds(60) });
    let arriving = Arriving { name, length, body: request.into_body(), patience };
    Ok((StatusCode::CREATED, Json(documents.add(business, arriving).await?)))
}

/// Removes a document of a draft, or of what was rejected.
#[utoipa::path(delete, path = "/v1/business/documents/{id}", tag = "businesses", security(("business" = [])),
    params(("id" = String, Path)), responses((status = 204)))]
async fn remove_document(
    State(documents): State<Arc<Documents>>,
    Owner(business): Owner,
    Segment(id): Segment<BlobId>,
) -> Result<StatusCode, RelayError> {
    documents.remove(business, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Binds a number, which a code proves that the business has.
#[utoipa::path(put, path = "/v1/business/numbers", tag = "businesses", security(("business" = [])),
    request_body = api::BindNumber, responses((status = 204)))]
async fn bind(
    State(numbers): State<Arc<Numbers>>,
    Owner(business): Owner,
    Address(address): Address,
    edge::Json(request): edge::Json<api::BindNumber>,
) -> Result<StatusCode, RelayError> {
    numbers.bind(address, business, request).await.map(|()| StatusCode::NO_CONTENT)
}

/// Takes a number from the business; its devices are gone.
#[utoipa::path(delete, path = "/v1/business/numbers/{number}", tag = "businesses", security(("business" = [])),
    params(("number" = String, Path)), responses((status = 204)))]
async fn unbind(
    State(numbers): State<Arc<Numbers>>,
    Owner(business): Owner,
    Segment(number): Segment<PhoneNumber>,
) -> Result<StatusCode, RelayError> {
    numbers.unbind(business, number).await.map(|()| StatusCode::NO_CONTENT)
}

/// Lists a number to which the business may write before it is approved.
#[utoipa::path(put, path = "/v1/business/testers/{number}", tag = "businesses", security(("business" = [])),
    params(("number" = String, Path)), responses((status = 204)))]
async fn add_tester(
    State(numbers): State<Arc<Numbers>>,
    Owner(business): Owner,
    Segment(number): Segment<PhoneNumber>,
) -> Result<StatusCode, RelayError> {
    numbers.add_tester(business, number).await.map(|()| StatusCode::NO_CONTENT)
}

/// Takes a tester from the list.
#[utoipa::path(delete, path = "/v1/business/testers/{number}", tag = "businesses", security(("business" = [])),
    params(("number" = String, Path)), responses((status = 204)))]
async fn remove_tester(
    State(numbers): State<Arc<Numbers>>,
    Owner(business): Owner,
    Segment(number): Segment<PhoneNumber>,
) -> Result<StatusCode, RelayError> {
    numbers.remove_tester(business, number).await.map(|()| StatusCode::NO_CONTENT)
}

/// Says who hosts the business. Another host: the devices of the one before are gone, and customers see it.
#[utoipa::path(put, path = "/v1/business/hosting", tag = "hosting", security(("business" = [])),
    request_body = api::SetHosting, responses((status = 200, body = api::Hosting)))]
async fn host(
    State(hosting): State<Arc<Hosting>>,
    Owner(business): Owner,
    edge::Json(request): edge::Json<api::SetHosting>,
) -> Result<Json<api::Hosting>, RelayError> {
    hosting.set(business, request).await.map(Json)
}
