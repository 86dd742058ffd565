//! One connection.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{Encrypted, Peer, Stream, http2};
use crate::config::Listen;

/// Bytes of a request's head, and of what is read ahead of a body.
const BUFFER: usize = 16 << 10;
const HEADERS: usize = 64;

/// What all connections share.
pub(super) struct Connections {
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    http: http1::Builder,
    pub(super) multiplexed: hyper::server::conn::http2::Builder<TokioExecutor>,
    head_timeout: Duration,
    pub(super) stall: Duration,
    pub(super) closing: CancellationToken,
}

impl Connections {
    pub(super) fn new(
        tls: Option<Arc<ServerConfig>>,
        router: Router,
        config: &Listen,
        closing: CancellationToken,
    ) -> Self {
        let head_timeout = Duration::from_millis(config.head_timeout_ms);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_buf_size(BUFFER)
            .max_headers(HEADERS);
        let stall = Duration::from_millis(config.body_idle_ms);
        Self { tls, router, http, multiplexed: http2::builder(config), head_timeout, stall, closing }
    }

    pub(super) async fn serve(self: Arc<Self>, tcp: TcpStream, peer: Peer) {
        // Frames are small and wait for nothing.
        let _ = tcp.set_nodelay(true);
        let stream = match &self.tls {
            None => {
                let begins = timeout(self.head_timeout, http2::is_spoken(&tcp));
                let multiplexed = tokio::select! {
                    begins = begins => begins,
                    () = peer.evicted() => return,
                    // Nothing was asked yet.
                    () = self.closing.cancelled() => return,
                };
                match multiplexed {
                    // Boxed, so that the task of a connection that is not one is no larger for it.
                    Ok(true) => return Box::pin(http2::serve(self, Stream::Plain(tcp), peer)).await,
                    Ok(false) => Stream::Plain(tcp),
                    Err(_) => return,
                }
            }
            Some(tls) => {
                let handshake = timeout(self.head_timeout, Encrypted::accept(tls.clone(), tcp));
                let outcome = tokio::select! {
                    outcome = handshake => outcome,
                    () = peer.evicted() => return,
                };
                match outcome {
                    Ok(Ok(stream)) => {
                        let multiplexed = stream.protocol() == Some(b"h2");
                        let stream = Stream::Tls(Box::new(stream));
                        if multiplexed {
                            return Box::pin(http2::serve(self, stream, peer)).await;
                        }
                        stream
                    }
                    // Not one that speaks TLS, or not in time.
                    Ok(Err(_)) | Err(_) => return,
                }
            }
        };
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            self.answer(request)
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        let mut leaving = false;
        loop {
            tokio::select! {
                // It failed, or it is over, or it was upgraded and is somebody else's: all the same here.
                _ = connection.as_mut() => return,
                () = peer.evicted() => return,
                () = peer.stalled(self.stall) => return,
                () = self.closing.cancelled(), if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        self.router.clone().oneshot(request.map(Body::new)).await
    }
}
