//! From a request to a socket.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use serve::{Multiplexed, Patient, Peer, Stream};
use sha1::{Digest as _, Sha1};
use wire::api::ErrorBody;

use super::connection::Connection;
use crate::{
    RelayError,
    auth::{Caller, SUBPROTOCOL},
    queue::Queue,
};

/// RFC 6455, section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Opens the socket of a device
///
/// A WebSocket with binary messages: frames of `socket.proto`. A browser offers the subprotocols `tradepost.v1` and
/// `tradepost.token.TOKEN`. Over HTTP/2 it is an extended CONNECT (RFC 8441), and one connection carries the sockets of
/// many devices.
#[utoipa::path(
    get,
    path = "/v1/socket",
    responses(
        (status = 101, description = "The socket is open"),
        (status = 400, body = ErrorBody, description = "Not the handshake of a WebSocket"),
        (status = 429, body = ErrorBody, description = "Opened too often"),
    ),
    security(("device" = [])),
)]
pub async fn open(
    State(queue): State<Arc<Queue>>,
    caller: Caller,
    mut request: Request,
) -> Result<Response, RelayError> {
    let multiplexed = request.extensions().get::<Multiplexed>().is_some();
    let response = handshake(request.headers(), multiplexed)?;
    queue.admit(&caller).await?;
    let upgrade = hyper::upgrade::on(&mut request);
    // The connection goes on to count among those of its address.
    let seat = request.extensions().get::<Peer>().map(Peer::seat);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        if multiplexed {
            let connection = Connection::new(TokioIo::new(upgraded), queue, caller, seat);
            tokio::spawn(Box::new(connection).run(Bytes::new()));
            return;
        }
        // The stream itself: what was around it for HTTP goes.
        let Ok(parts) = upgraded.downcast::<TokioIo<Patient<Stream>>>() else {
            tracing::error!("a socket is not what the server serves");
            return;
        };
        // The client may have spoken as soon as it was answered, and HTTP have read it. A task of its own, which is
        // smaller than this one.
        let connection = Connection::new(parts.io.into_inner().into_inner(), queue, caller, seat);
        tokio::spawn(Box::new(connection).run(parts.read_buf));
    });
    Ok(response)
}

/// RFC 6455, section 4.2; RFC 8441, section 5, which needs no key, as nobody mistakes HTTP/2 for something else.
fn handshake(headers: &HeaderMap, multiplexed: bool) -> Result<Response, RelayError> {
    let has = |name: header::HeaderName, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let mut tokens = values.flat_map(|value| value.split(',')).map(str::trim);
        tokens.any(|found| found.eq_ignore_ascii_case(token))
    };
    if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
        return Err(RelayError::invalid("this is a WebSocket: ask for an upgrade"));
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(RelayError::invalid("only version 13 of WebSocket is spoken here"));
    }
    if multiplexed {
        let mut response = Response::builder().status(StatusCode::OK);
        if has(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
            response = response.header(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        }
        return response.body(Body::empty()).map_err(RelayError::internal);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let key = key.filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
    let key = key.ok_or_else(|| RelayError::invalid("Sec-WebSocket-Key is 16 bytes in base64"))?;
    let accept = STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    if has(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    }
    response.body(Body::empty()).map_err(RelayError::internal)
}
