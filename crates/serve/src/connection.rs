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

use super::{Encrypted, Listen, Patient, Peer, Server, Stream, http2};

/// What all connections share.
pub(super) struct Connections {
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    http: http1::Builder,
    pub(super) multiplexed: hyper::server::conn::http2::Builder<TokioExecutor>,
    /// Whether HTTP/2 is spoken at all.
    multiplexes: bool,
    head_timeout: Duration,
    pub(super) stall: Duration,
    pub(super) closing: CancellationToken,
}

impl Connections {
    pub(super) fn new(server: Server, config: &Listen, closing: CancellationToken) -> Self {
        let head_timeout = Duration::from_millis(config.head_timeout_ms);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_buf_size(server.head)
            .max_headers(server.headers);
        Self {
            tls: server.certificate.map(|certificate| certificate.config(config.streams > 0)),
            router: server.router,
            http,
            multiplexed: http2::builder(config),
            multiplexes: config.streams > 0,
            head_timeout,
            stall: Duration::from_millis(config.body_idle_ms),
            closing,
        }
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
                    Ok(true) if self.multiplexes => {
                        return Box::pin(http2::serve(self, Stream::Plain(tcp), peer)).await;
                    }
                    Ok(_) => Stream::Plain(tcp),
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
        let stream = TokioIo::new(Patient::new(stream, self.stall));
        let mut connection = pin!(self.http.serve_connection(stream, service).with_upgrades());
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
