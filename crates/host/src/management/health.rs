//! Whether a host is well, and what it counts. Neither names anybody.

use std::{net::IpAddr, sync::Mutex, time::Duration};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use store::Timestamp;
use tokio::time::timeout;
use wire::ErrorCode;

use super::{Management, Refused, Shown};

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
        let on_loopback = self.ground.config.operator.figures_on_loopback;
        let is_local =
            serve::is_local(request.extensions(), request.headers()) && asks_this_machine(request.headers());
        (on_loopback && is_local) || self.operator(&Shown::of(request)).is_ok()
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
            let refused = Refused::new(ErrorCode::Unauthorized, "figures are for the operator's token");
            return refused.answer(String::new, "/metrics");
        }
        self.figures.gauge("host_numbers_live", Some(self.running.count()));
        let (registered, idle) = self.api.numbers.counts().await.ok().unzip();
        self.figures.gauge("host_numbers_registered", registered);
        self.figures.gauge("host_numbers_idle", idle);
        let (waiting, dead) = self.api.webhooks.counts().await.ok().unzip();
        self.figures.gauge("host_webhook_deliveries_waiting", waiting);
        self.figures.gauge("host_webhook_dead_letters", dead);
        let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
        (StatusCode::OK, kind, self.figures.render()).into_response()
    }
}

/// Whether a request asks for `localhost` or an address of loopback, with or without a port.
fn asks_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(Ok(authority)) = host.map(str::parse::<http::uri::Authority>) else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_another_name_came_through_a_proxy() {
        let asks =
            |host: &str| asks_this_machine(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]));
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080", "[::1]"] {
            assert!(asks(host), "{host}");
        }
        let others =
            ["api.bank.example", "localhost.bank.example", "127.0.0.1.bank.example:80", "192.168.1.2", ""];
        for host in others {
            assert!(!asks(host), "{host}");
        }
        assert!(!asks_this_machine(&HeaderMap::new()));
    }
}
