//! What a host counts. Each host has its own figures, also where several run in one process; labels are routes, never what
//! stands in a path.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use metrics::with_local_recorder;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::time::Instant;

use super::routes;
use crate::{cloud_api, console};

/// Seconds: from what memory answers to what is felt.
const BUCKETS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0];

/// The figures of one host.
pub struct Figures {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self::new()
    }
}

impl Figures {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        // The buckets are not empty, which is all that can be wrong with them.
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// Where connections are counted.
    pub(crate) fn connections(&self) -> serve::Figures {
        with_local_recorder(&self.recorder, || serve::Figures {
            connections: metrics::gauge!("host_connections"),
            refused: metrics::counter!("host_connections_refused_total"),
        })
    }

    /// Notes how many there are, or that nobody knows: then it is no number, rather than the one from before.
    pub(super) fn gauge(&self, name: &'static str, count: Option<impl TryInto<u32>>) {
        let count = count.map_or(f64::NAN, |count| f64::from(count.try_into().unwrap_or(u32::MAX)));
        with_local_recorder(&self.recorder, || metrics::gauge!(name).set(count));
    }

    /// As Prometheus reads them.
    pub(super) fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }

    fn request(&self, (method, route): (&'static str, String), status: u16, seconds: f64) {
        with_local_recorder(&self.recorder, || {
            metrics::histogram!("host_http_seconds", "route" => route.clone()).record(seconds);
            let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
            metrics::counter!("host_http_requests_total", &labels).increment(1);
        });
    }
}

/// The layer that counts requests.
pub(crate) async fn measure(State(figures): State<Arc<Figures>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = (method(request.method()), label(&request));
    let response = next.run(request).await;
    figures.request(route, response.status().as_u16(), began.elapsed().as_secs_f64());
    response
}

/// The route of a request, of which there are as many as there are routes.
fn label(request: &Request) -> String {
    let path = request.uri().path();
    if matches!(path, "/health" | "/metrics" | "/openapi.json") {
        return path.to_owned();
    }
    if path.starts_with("/host/v1") {
        return routes::find(request.method(), path)
            .map_or_else(|_| "none".to_owned(), |(route, _)| format!("/host/v1/{}", route.path));
    }
    if path.starts_with("/console/v1") {
        return console::label(request.method(), path);
    }
    let (_, parts) = cloud_api::edge::path(path);
    cloud_api::routes::find(&cloud_api::meant(request.method()), &parts)
        .map_or_else(|| "none".to_owned(), |route| format!("{:?}/{}", route.node, route.edge))
}

const fn method(method: &http::Method) -> &'static str {
    match *method {
        http::Method::GET => "GET",
        http::Method::POST => "POST",
        http::Method::PUT => "PUT",
        http::Method::DELETE => "DELETE",
        _ => "other",
    }
}
