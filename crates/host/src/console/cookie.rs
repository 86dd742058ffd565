//! What a request shows at the edge: its cookie, its CSRF token, whether it comes from our page.

use std::net::IpAddr;

use axum::extract::Request;
use http::{HeaderMap, HeaderValue, header};
use serve::Peer;
use zeroize::Zeroizing;

use super::{
    CSRF,
    error::{Kind, Refused},
};
use crate::agents::Browser;

/// The name of the cookie.
const NAME: &str = "tradepost_console";
/// How long a browser keeps it: as long as a session lasts.
const LASTS: u32 = 7 * 24 * 60 * 60;

/// What a request shows.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(super) secret: Option<Zeroizing<String>>,
    pub(super) csrf: Option<String>,
    origin: Option<String>,
    hosts: Vec<String>,
    network: Option<IpAddr>,
    browser: String,
    /// Whether the cookie may go over the network only encrypted.
    secure: bool,
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The host and port that an origin or an address names.
fn authority(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    Some(uri.authority()?.as_str().to_ascii_lowercase())
}

impl Edge {
    pub(super) fn of(request: &Request, public_url: Option<&str>, tls: bool) -> Self {
        let headers = request.headers();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let secret = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == NAME)
            .map(|(_, value)| Zeroizing::new(value.to_owned()));
        let host = text(headers, header::HOST)
            .or_else(|| request.uri().authority().map(|authority| authority.as_str().to_owned()));
        let hosts = host.map(|host| host.to_ascii_lowercase());
        let is_encrypted = tls || public_url.is_some_and(|url| url.starts_with("https://"));
        Self {
            secret,
            csrf: text(headers, CSRF),
            origin: text(headers, header::ORIGIN),
            hosts: hosts.into_iter().chain(public_url.and_then(authority)).collect(),
            network: request.extensions().get::<Peer>().map(Peer::address),
            browser: text(headers, header::USER_AGENT).unwrap_or_default(),
            secure: is_encrypted || !serve::is_local(request.extensions(), headers),
        }
    }

    /// Whether it comes from our own page, as far as the browser says.
    pub(super) fn same_origin(&self) -> Result<(), Refused> {
        let Some(origin) = &self.origin else { return Ok(()) };
        let ours = authority(origin).is_some_and(|origin| self.hosts.contains(&origin));
        if ours {
            Ok(())
        } else {
            Err(Refused::new(Kind::Csrf, "the request comes from another site's page"))
        }
    }

    /// Where somebody signs in.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.browser, self.network)
    }

    /// The cookie of a session.
    pub(crate) fn cookie(&self, secret: &str) -> Result<HeaderValue, crate::HostError> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text =
            format!("{NAME}={secret}; Path=/console; Max-Age={LASTS}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::from_str(&text).map_err(crate::HostError::internal)
    }
}

/// The cookie of a session that ended.
pub(crate) const fn expired() -> HeaderValue {
    HeaderValue::from_static("tradepost_console=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn edge(headers: &[(&str, &str)], public_url: Option<&str>) -> Edge {
        let mut request = Request::builder().uri("/console/v1/session");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Edge::of(&request.body(Body::empty()).unwrap(), public_url, false)
    }

    #[test]
    fn only_our_own_pages_write() {
        let host = ("host", "bank.example:8080");
        for (origin, ours) in [
            ("http://bank.example:8080", true),
            ("https://Bank.example:8080", true),
            ("https://console.example", true),
            ("https://bank.example", false),
            ("https://evil.example", false),
            ("null", false),
            ("https://bank.example:8080.evil.example", false),
            ("", false),
        ] {
            let edge = edge(&[host, ("origin", origin)], Some("https://console.example/x"));
            assert_eq!(edge.same_origin().is_ok(), ours, "{origin}");
        }
        assert!(edge(&[host], None).same_origin().is_ok(), "no browser");
    }

    #[test]
    fn the_cookie_is_found_among_others_and_is_for_the_console_alone() {
        let edge = edge(&[("cookie", "a=b; tradepost_console=tps1_x;c"), ("cookie", "d=e")], None);
        assert_eq!(edge.secret.as_ref().map(|secret| &***secret), Some("tps1_x"));
        let cookie = edge.cookie("tps1_x").unwrap();
        let cookie = cookie.to_str().unwrap();
        for part in ["Path=/console;", "HttpOnly", "SameSite=Strict", "Secure"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
    }
}
