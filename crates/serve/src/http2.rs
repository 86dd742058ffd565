//! HTTP/2: many requests, and the sockets of many devices, on one connection.
//!
//! A socket is an extended CONNECT (RFC 8441). It goes through the same router as the upgrade of HTTP/1.1: what it asks
//! for is a `GET` that says so.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::{
    HeaderValue, Method, Request, Response,
    header::{CONNECTION, UPGRADE},
};
use hyper::{body::Incoming, ext::Protocol, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::{Listen, Peer, Stream, connection::Connections};

/// With what a client begins that knows that HTTP/2 is spoken (RFC 9113, section 3.4). No method begins so.
const PREFACE: &[u8; 4] = b"PRI ";
/// Bytes that wait to be written, of one stream.
const SEND_BUFFER: usize = 64 << 10;
/// Bytes that a stream may be sent before it was read.
const WINDOW: u32 = 256 << 10;
/// Bytes that a connection may be sent before they were read.
const CONNECTION_WINDOW: u32 = 4 << 20;
const HEADERS: u32 = 16 << 10;

/// A request that opens a socket on a connection of HTTP/2.
#[derive(Debug, Clone, Copy)]
pub struct Multiplexed;

pub(super) fn builder(config: &Listen) -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(config.streams)
        .max_header_list_size(HEADERS)
        .max_send_buf_size(SEND_BUFFER)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(30));
    http
}

/// Whether a plain connection begins as one of HTTP/2. Nothing of it is taken.
pub(super) async fn is_spoken(tcp: &TcpStream) -> bool {
    loop {
        let mut begin = [0; PREFACE.len()];
        let Ok(count) = tcp.peek(&mut begin).await else { return false };
        let begun = begin.get(..count).unwrap_or_default();
        if count == 0 || !PREFACE.starts_with(begun) {
            return false;
        }
        if count == PREFACE.len() {
            return true;
        }
        // What is there is peeked at again at once; the rest is on its way.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(connections: Arc<Connections>, stream: Stream, peer: Peer) {
    let service = service_fn({
        let (connections, peer) = (connections.clone(), peer.clone());
        move |request: Request<Incoming>| answer(connections.clone(), peer.clone(), request)
    });
    let connection = connections.multiplexed.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut leaving = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = peer.evicted() => return,
            () = peer.stalled(connections.stall) => return,
            () = connections.closing.cancelled(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(
    connections: Arc<Connections>,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(peer);
    if request.method() == Method::CONNECT {
        let websocket =
            request.extensions().get::<Protocol>().is_some_and(|name| name.as_str() == "websocket");
        if websocket {
            *request.method_mut() = Method::GET;
            request.extensions_mut().insert(Multiplexed);
            request.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
    }
    connections.answer(request).await
}
