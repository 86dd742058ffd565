//! What the operator counts. The figures are of the process: a second relay in it counts in the same ones.

use std::{sync::OnceLock, time::Duration};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::time::Instant;

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Seconds: from what memory answers to what is felt.
const BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0];

/// Begins to count, once. If the program around has a recorder of its own, that one counts and [`render`] is empty.
pub fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS).ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok().map(|()| handle)
    });
}

/// The figures as Prometheus reads them.
#[must_use]
pub fn render() -> String {
    RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Where connections are counted.
#[must_use]
pub fn connections() -> serve::Figures {
    serve::Figures {
        connections: metrics::gauge!("relay_connections"),
        refused: metrics::counter!("relay_connections_refused_total"),
    }
}

/// Notes how many devices are online, and tidies up what was measured; now and then.
pub fn upkeep(online: usize) {
    metrics::gauge!("relay_devices_online").set(f64::from(u32::try_from(online).unwrap_or(u32::MAX)));
    if let Some(handle) = RECORDER.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

/// How often [`upkeep`] is due.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// The layer that counts requests by route, never by what is in them.
pub async fn measure(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let status = response.status().as_u16().to_string();
    metrics::histogram!("relay_http_seconds", "route" => route.clone()).record(began.elapsed().as_secs_f64());
    let labels = [("method", method), ("route", route), ("status", status)];
    metrics::counter!("relay_http_requests_total", &labels).increment(1);
    response
}
