//! Where requests come in: bodies, path segments and addresses become types, or the request is refused.

use std::{net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_LENGTH, request::Parts};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serve::Peer;
use tokio::time::timeout;
use wire::PhoneNumber;

use crate::{
    RelayError,
    ground::Ground,
    limits::{Asker, Speaker, network},
};

/// Bytes of a JSON body at most, unless the route says otherwise: 100 signed KEM keys need 250 KiB.
pub const JSON: usize = 512 << 10;

/// How long bodies may take; a layer puts it into every request.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until the next bytes.
    pub idle: Duration,
    /// Until all of them.
    pub whole: Duration,
}

/// Who asks, as far as the network knows: behind proxies, the address that the outermost of ours saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

/// The layer that finds out the [`Address`], and notes who asked what makes no sense.
pub async fn identify(State(ground): State<Arc<Ground>>, mut request: Request, next: Next) -> Response {
    let listen = &ground.config.listen;
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), Peer::address);
    let address = forwarded(request.headers(), listen.proxies).unwrap_or(peer);
    let address = Address(address.to_canonical());
    let asker = Asker::new(network(address.0));
    request.extensions_mut().insert(address);
    request.extensions_mut().insert(asker.clone());
    request.extensions_mut().insert(Patience {
        idle: Duration::from_millis(listen.body_idle_ms),
        whole: Duration::from_millis(listen.body_timeout_ms),
    });
    let response = next.run(request).await;
    ground.nonsense.judge(asker.speaker(), response.status()).await;
    response
}

/// What the outermost of `proxies` proxies saw. What is left of it was written by anybody.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    let place = addresses.len().checked_sub(proxies).filter(|_| proxies > 0)?;
    addresses.get(place)?.trim().parse().ok()
}

/// Whether the request comes from this machine, and not through a proxy on it.
#[must_use]
pub fn is_local(parts: &Parts) -> bool {
    serve::is_local(&parts.extensions, &parts.headers)
}

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RelayError> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(IpAddr::from([0, 0, 0, 0]))))
    }
}

/// A JSON body of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = JSON>(pub T);

impl<T, S, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT>
where
    T: DeserializeOwned,
    Arc<Ground>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = RelayError;

    async fn from_request(request: Request, state: &S) -> Result<Self, RelayError> {
        // Who showed a credential was asked about with it.
        if let Some(stranger @ Speaker::Stranger(_)) = request.extensions().get().map(Asker::speaker) {
            Arc::<Ground>::from_ref(state).nonsense.hear(stranger).await?;
        }
        let patience = request.extensions().get::<Patience>().copied();
        let patience =
            patience.unwrap_or(Patience { idle: Duration::from_secs(20), whole: Duration::from_secs(60) });
        if content_length(request.headers())?.is_some_and(|length| length > as_u64(LIMIT)) {
            return Err(too_large(LIMIT));
        }
        let bytes = timeout(patience.whole, read(request.into_body(), patience.idle, LIMIT));
        let bytes = bytes.await.map_err(|_| RelayError::invalid("the body took too long"))??;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| refused(&bytes, &error))
    }
}

async fn read(mut body: Body, idle: Duration, limit: usize) -> Result<Bytes, RelayError> {
    let mut bytes = BytesMut::new();
    loop {
        let frame = timeout(idle, body.frame());
        let frame = frame.await.map_err(|_| RelayError::invalid("the body took too long"))?;
        let Some(frame) = frame else { return Ok(bytes.freeze()) };
        let frame = frame.map_err(|_| RelayError::invalid("the body broke off"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Why a body is not what it should be. That a number is none has a code of its own.
fn refused(bytes: &[u8], error: &serde_json::Error) -> RelayError {
    let number =
        |value: &serde_json::Value| value.as_str().is_some_and(|text| text.parse::<PhoneNumber>().is_err());
    let body: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let many = body.get("numbers").and_then(|numbers| numbers.as_array());
    if body.get("number").is_some_and(number) || many.is_some_and(|many| many.iter().any(number)) {
        return RelayError::InvalidNumber;
    }
    RelayError::invalid(error.to_string())
}

/// How long the body says that it is.
///
/// # Errors
/// It says nothing readable.
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, RelayError> {
    number(headers, CONTENT_LENGTH.as_str())
}

/// A header that holds a number.
///
/// # Errors
/// It holds something else.
pub fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, RelayError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = text.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| RelayError::invalid(format!("the header {name} is not a number")))
}

fn too_large(limit: usize) -> RelayError {
    RelayError::TooLarge { what: "a body in bytes", limit: as_u64(limit) }
}

/// A size as the API says it.
pub(crate) fn as_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// The only parameter in the path.
#[derive(Debug)]
pub struct Segment<T>(pub T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for Segment<T> {
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let axum::extract::Path(text) = path.map_err(|_| RelayError::NotFound)?;
        segment(&text).map(Self)
    }
}

/// Both parameters in the path.
#[derive(Debug)]
pub struct Segments<A, B>(pub A, pub B);

impl<A: FromStr + Send, B: FromStr + Send, S: Send + Sync> FromRequestParts<S> for Segments<A, B> {
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let axum::extract::Path((first, second)) = path.map_err(|_| RelayError::NotFound)?;
        Ok(Self(segment(&first)?, segment(&second)?))
    }
}

/// What cannot be a name of anything names nothing.
fn segment<T: FromStr>(text: &str) -> Result<T, RelayError> {
    text.parse().map_err(|_| RelayError::NotFound)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.1, 203.0.113.5"));
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(forwarded(&headers, 2), Some(IpAddr::from([203, 0, 113, 5])));
        assert_eq!(forwarded(&headers, 4), None);
    }

    #[test]
    fn a_number_that_is_none_has_its_own_code() {
        let refuse = |text: &str| {
            let error = serde_json::from_str::<wire::api::RequestCode>(text).unwrap_err();
            refused(text.as_bytes(), &error).code().as_str()
        };
        assert_eq!(refuse(r#"{"number": "110"}"#), "invalid_number");
        assert_eq!(refuse(r#"{"number": "+4915112345678", "x": 1}"#), "invalid_request");
        assert_eq!(refuse("{"), "invalid_request");
    }
}
