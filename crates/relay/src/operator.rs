//! The operator's routes: health, figures.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::IntoResponse as _, response::Response};
use http::{StatusCode, header, request::Parts};
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{RelayError, auth::hash, edge, ground::Ground, metrics, router::Services};

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(figures))
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
    if !edge::is_local(&parts) && !is_operator(&ground, &parts) {
        return Err(RelayError::Unauthorized);
    }
    let form = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((StatusCode::OK, form, metrics::render()).into_response())
}

fn is_operator(ground: &Ground, parts: &Parts) -> bool {
    let Some(wanted) = &ground.config.operator.token else { return false };
    let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // Hashes have one length, whatever was shown.
    hash(shown.as_bytes()).ct_eq(&hash(wanted.expose().as_bytes())).into()
}
