//! HTTP for who hosts businesses.

use std::sync::Arc;

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::{BusinessId, api};

use super::Hosting;
use crate::{
    RelayError,
    auth::{Caller, Host, Primary},
    businesses::Businesses,
    edge::{self, Segment},
    labels::Labels,
    router::Services,
};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(hosted))
        .routes(routes!(add_number))
        .routes(routes!(people))
}

/// Registers the primary device of one of a business's numbers, with the credential of who hosts it.
#[utoipa::path(post, path = "/v1/hosting/devices", tag = "hosting", security(("host" = [])),
    request_body = api::RegisterHosted, responses((status = 200, body = api::Registered)))]
async fn register(
    State(hosting): State<Arc<Hosting>>,
    host: Host,
    edge::Json(request): edge::Json<api::RegisterHosted>,
) -> Result<Json<api::Registered>, RelayError> {
    hosting.register(host, request).await.map(Json)
}

/// A business, for who hosts it.
#[utoipa::path(get, path = "/v1/hosting/businesses/{business}", tag = "hosting", security(("host" = [])),
    params(("business" = String, Path)), responses((status = 200, body = api::HostedBusiness)))]
async fn hosted(
    State(hosting): State<Arc<Hosting>>,
    State(businesses): State<Arc<Businesses>>,
    host: Host,
    Segment(business): Segment<BusinessId>,
) -> Result<Json<api::HostedBusiness>, RelayError> {
    hosting.hosts(host, business).await?;
    businesses.hosted(business).await.map(Json)
}

/// Binds a further number to the business of this device, and registers that number's primary device.
#[utoipa::path(post, path = "/v1/hosting/numbers", tag = "hosting", security(("device" = ["primary"])),
    request_body = api::AddHostedNumber, responses((status = 200, body = api::Registered)))]
async fn add_number(
    State(hosting): State<Arc<Hosting>>,
    primary: Primary,
    edge::Json(request): edge::Json<api::AddHostedNumber>,
) -> Result<Json<api::Registered>, RelayError> {
    hosting.add_number(primary, request).await.map(Json)
}

/// The business-scoped ids of people, for a device of the business.
#[utoipa::path(post, path = "/v1/hosting/people", tag = "hosting", security(("device" = [])),
    request_body = api::WhichPeople, responses((status = 200, body = api::People)))]
async fn people(
    State(labels): State<Arc<Labels>>,
    caller: Caller,
    edge::Json(request): edge::Json<api::WhichPeople>,
) -> Result<Json<api::People>, RelayError> {
    labels.people(caller.account, request.accounts).await.map(Json)
}
