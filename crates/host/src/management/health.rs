//! Whether a host is well, and what it counts. Neither names anybody.

use std::{net::IpAddr, sync::Mutex, time::Duration};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use serde_json::json;
use store::Timestamp;
use tokio::time::timeout;

use super::{Management, Refused, bearer};
use crate::server::Peer;

/// How long each part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer of the relay counts: whoever asks often does not have it asked often.
const FRESH: Duration = Duration::from_secs(5);

/// When the relay was asked last, and whether it was well.
#[derive(Debug, Default)]
pub(super) struct RelayHealth(Mutex<Option<(Timestamp, bool)>>);

impl RelayHealth {
    fn recent(&self, now: Timestamp) -> Option<bool> {
        let known = *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.filter(|(at, _)| now < at.after(FRESH)).map(|(_, well)| well)
    }

    fn keep(&self, now: Timestamp, well: bool) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((now, well));
    }
}

impl Management {
    /// `ok` or not, and for who may see the figures what is wrong. Without its database a host serves nothing (503); without
    /// the relay it still takes what is to be sent.
    pub(super) async fn health(&self, in_detail: bool) -> Response {
        let numbers = timeout(PATIENCE, self.api.numbers.counts()).await;
        let relay = self.relay_is_well().await;
        let idle = match &numbers {
            Ok(Ok((_, idle))) => *idle,
            _ => 0,
        };
        let database = if matches!(numbers, Ok(Ok(_))) { "ok" } else { "does not answer" };
        let relay = if relay { "ok" } else { "does not answer, or is not well" };
        let numbers = match idle {
            0 => "ok".to_owned(),
            count => format!("{count} are run by no process at present"),
        };
        let (status, word) = match (database, relay, idle) {
            ("ok", "ok", 0) => (StatusCode::OK, "ok"),
            ("ok", ..) => (StatusCode::OK, "degraded"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        };
        let body = if in_detail {
            json!({ "status": word, "database": database, "relay": relay, "numbers": numbers })
        } else {
            json!({ "status": word })
        };
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (status, kind, format!("{body}\n")).into_response()
    }

    /// Whether who asks may see the figures: with the operator's token. Where a request comes from says nothing by itself,
    /// since a proxy on this machine may pass on anybody's; so it counts only if the operator said that there is none.
    pub(super) fn sees_figures(&self, request: &Request) -> bool {
        let shown = bearer(request.headers());
        let on_loopback = self.ground.config.operator.figures_on_loopback;
        (on_loopback && is_local(request)) || self.operator(shown.as_deref().map(String::as_str)).is_ok()
    }

    async fn relay_is_well(&self) -> bool {
        let now = self.ground.now();
        if let Some(well) = self.relay.recent(now) {
            return well;
        }
        let well = matches!(timeout(PATIENCE, client::hosting::relay_is_well(self.link())).await, Ok(Ok(())));
        self.relay.keep(now, well);
        well
    }

    /// Figures for Prometheus.
    pub(super) async fn metrics(&self, allowed: bool) -> Response {
        if !allowed {
            return Refused::unauthorized().answer(String::new, "/metrics");
        }
        self.figures.gauge("host_numbers_live", self.running.count());
        if let Ok((registered, idle)) = self.api.numbers.counts().await {
            self.figures.gauge("host_numbers_registered", registered);
            self.figures.gauge("host_numbers_idle", idle);
        }
        if let Ok((waiting, dead)) = self.api.webhooks.counts().await {
            self.figures.gauge("host_webhook_deliveries_waiting", waiting);
            self.figures.gauge("host_webhook_dead_letters", dead);
        }
        let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
        (StatusCode::OK, kind, self.figures.render()).into_response()
    }
}

/// Whether the request comes from this machine, asks for it by a name that only it has, and does not say that a proxy passed
/// it on.
fn is_local(request: &Request) -> bool {
    let forwarded =
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "via", "x-real-ip"];
    let peer: Option<IpAddr> = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    peer.is_some_and(|address| address.to_canonical().is_loopback())
        && host.is_some_and(names_this_machine)
        && !forwarded.iter().any(|name| request.headers().contains_key(*name))
}

/// Whether this is `localhost` or an address of loopback, with or without a port.
fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_request_is_local_only_if_nothing_speaks_against_it() {
        let local = |peer: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri("/metrics").body(Body::empty()).unwrap();
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
            for (name, value) in headers {
                let name: header::HeaderName = name.parse().unwrap();
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            is_local(&request)
        };
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080", "[::1]"] {
            assert!(local("127.0.0.1", &[("host", host)]), "{host}");
        }
        assert!(local("::ffff:127.0.0.1", &[("host", "localhost")]));
        for (peer, headers) in [
            ("192.168.1.2", &[("host", "localhost")][..]),
            ("127.0.0.1", &[]),
            ("127.0.0.1", &[("host", "api.bank.example")]),
            ("127.0.0.1", &[("host", "localhost.bank.example")]),
            ("127.0.0.1", &[("host", "127.0.0.1.bank.example:80")]),
            ("127.0.0.1", &[("host", "")]),
            ("127.0.0.1", &[("host", "localhost"), ("x-forwarded-for", "198.51.100.1")]),
            ("127.0.0.1", &[("host", "localhost"), ("x-forwarded-proto", "https")]),
            ("127.0.0.1", &[("host", "localhost"), ("forwarded", "for=198.51.100.1")]),
            ("127.0.0.1", &[("host", "localhost"), ("via", "1.1 x")]),
        ] {
            assert!(!local(peer, headers), "{peer} {headers:?}");
        }
    }
}
