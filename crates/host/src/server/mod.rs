//! Serving: the listener, TLS, connections and how many of them, and going down in order.

mod patience;

use std::{io, path::Path, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::patience::Patient;
use crate::config::Tls;

/// Who is at the other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) std::net::IpAddr);

/// Connections at the same time; others wait to be taken.
const CONNECTIONS: usize = 10_000;
/// How long a handshake may take, and how long the head of a request.
const HEAD: Duration = Duration::from_secs(20);
/// How long an answer may wait without any of it being taken.
const STALL: Duration = Duration::from_secs(30);
/// How long requests under way are waited for when the host goes down.
const DRAIN: Duration = Duration::from_secs(20);
/// Bytes of a request's head, and of what is read ahead of a body. Tokens and parameters may stand in the address.
const BUFFER: usize = 64 << 10;
const HEADERS: usize = 100;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or does not hold what it should.
    #[error("{path}: not the PEM of a certificate or key")]
    Pem {
        /// Which.
        path: String,
        /// Why not.
        #[source]
        source: pem::Error,
    },
    /// Certificate and key cannot be used.
    #[error("certificate and key cannot be used")]
    Use(#[from] rustls::Error),
}

/// What takes connections with this certificate.
///
/// # Errors
/// [`TlsError`].
pub fn acceptor(config: &Tls) -> Result<TlsAcceptor, TlsError> {
    let pem = |path: &Path| {
        let path = path.display().to_string();
        move |source| TlsError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(&config.certificate).map_err(pem(&config.certificate))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(pem(&config.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(pem(&config.key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves `router` on `listener` until `closing`, then finishes what is under way.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    closing: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER).max_headers(HEADERS);
    let connections = Arc::new(Connections { tls, router, http, closing: closing.clone() });
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = accept(&listener, &seats) => accepted,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
        };
        match accepted {
            Ok(Some((tcp, seat))) => {
                let connections = connections.clone();
                tasks.spawn(async move {
                    connections.serve(tcp).await;
                    drop(seat);
                });
            }
            Ok(None) => break,
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(left = tasks.len(), "requests were still under way and are cut off");
    }
    tasks.shutdown().await;
}

type Seat = tokio::sync::OwnedSemaphorePermit;

async fn accept(listener: &TcpListener, seats: &Arc<Semaphore>) -> io::Result<Option<(TcpStream, Seat)>> {
    let Ok(seat) = seats.clone().acquire_owned().await else { return Ok(None) };
    Ok(Some((listener.accept().await?.0, seat)))
}

/// A connection that broke before it was accepted is nothing; to be out of files or memory needs a moment.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::warn!(error = error as &dyn std::error::Error, "connections are not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// What all connections share.
struct Connections {
    tls: Option<TlsAcceptor>,
    router: Router,
    http: http1::Builder,
    closing: CancellationToken,
}

impl Connections {
    async fn serve(&self, tcp: TcpStream) {
        // Answers are small and wait for nothing.
        let _ = tcp.set_nodelay(true);
        let Ok(peer) = tcp.peer_addr().map(|address| Peer(address.ip())) else { return };
        match &self.tls {
            None => self.talk(tcp, peer).await,
            // Who does not speak TLS, or not in time, is gone.
            Some(acceptor) => {
                if let Ok(Ok(stream)) = timeout(HEAD, acceptor.accept(tcp)).await {
                    self.talk(stream, peer).await;
                }
            }
        }
    }

    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send, peer: Peer) {
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            self.router.clone().oneshot(request)
        });
        let mut connection =
            pin!(self.http.serve_connection(TokioIo::new(Patient::new(stream, STALL)), service));
        let mut leaving = false;
        loop {
            tokio::select! {
                // It failed, or it is over: all the same here.
                _ = connection.as_mut() => return,
                () = self.closing.cancelled(), if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
