//! Serving: the listener, TLS, connections and how many of them, and going down in order.

mod connection;
mod encrypted;
mod http2;
mod seats;
mod stream;
mod tls;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use rustls::ServerConfig;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{connection::Connections, seats::Seats};
pub use self::{
    encrypted::Encrypted,
    http2::Multiplexed,
    seats::{Peer, Seat, Sending},
    stream::Stream,
    tls::{Certificate, TlsError},
};
use crate::config::Listen;

/// Serves `router` on `listener` until `closing`, then finishes what is under way.
///
/// Connections are HTTP/1.1 over a [`Stream`], or HTTP/2 for who says so; every request carries its [`Peer`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    config: &Listen,
    closing: CancellationToken,
) {
    let seats = Arc::new(Seats::new(config));
    let connections = Arc::new(Connections::new(tls, router, config, closing.clone()));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
        };
        match accepted {
            Ok((tcp, from)) => match seats.take(from.ip()) {
                Some(peer) => {
                    tasks.spawn(connections.clone().serve(tcp, peer));
                }
                None => metrics::counter!("relay_connections_refused_total").increment(1),
            },
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    let drained = async { while tasks.join_next().await.is_some() {} };
    let patience = Duration::from_millis(config.drain_ms);
    if tokio::time::timeout(patience, drained).await.is_err() {
        tracing::warn!(left = tasks.len(), "requests were still under way and are cut off");
    }
    tasks.shutdown().await;
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
