//! How a server of ours listens: TLS, connections and how many of them, who is cut off, and going down in order.
//!
//! [`Listen`] is what an operator says of it, [`Server`] what the server itself does. Requests carry their [`Peer`]: who
//! shows a good credential is [admitted](Peer::admit), and no longer among the strangers that have to make room.
//!
//! It knows no route and no credential, and nothing else of ours.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod config;
mod connection;
mod encrypted;
mod entrance;
mod files;
mod http2;
mod network;
pub mod pages;
mod patience;
mod seats;
mod stream;
mod tls;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

pub use self::{
    config::{Listen, Senseless, Tls, url},
    encrypted::Encrypted,
    files::raise_files,
    http2::Multiplexed,
    network::{is_local, network},
    patience::Patient,
    seats::{Peer, Seat, Sending},
    stream::Stream,
    tls::{Certificate, TlsError},
};
use self::{connection::Connections, entrance::Entrance, seats::Seats};

/// Connections that the system keeps until they are accepted; it may allow fewer. Whoever finds no room there tries again
/// after a second, so that a crowd would come in waves.
const BACKLOG: u32 = 4096;

/// Takes an address to listen on.
///
/// # Errors
/// Those of the system: it is taken, or not ours.
pub fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that was just stopped may begin again.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a server itself says of how it is served.
#[derive(Debug, Clone)]
pub struct Server {
    /// What answers.
    pub router: Router,
    /// Without one, plain HTTP.
    pub certificate: Option<Certificate>,
    /// Bytes of a request's head at most, and of what is read ahead of a body.
    pub head: usize,
    /// Headers of a request at most.
    pub headers: usize,
    /// Where connections are counted.
    pub figures: Figures,
}

/// Where connections are counted. Each server has names of its own, and perhaps its own recorder.
#[derive(Debug, Clone)]
pub struct Figures {
    /// How many there are.
    pub connections: metrics::Gauge,
    /// How many were sent away because there was no place for them.
    pub refused: metrics::Counter,
}

impl Server {
    /// Serves on `listener` until `closing`, then finishes what is under way.
    ///
    /// Connections are HTTP/1.1, or HTTP/2 for who says so and where there are `streams`; every request carries its
    /// [`Peer`].
    pub async fn serve(self, listener: TcpListener, config: &Listen, closing: CancellationToken) {
        let seats = Arc::new(Seats::new(config, self.figures.connections.clone()));
        let refused = self.figures.refused.clone();
        let connections = Arc::new(Connections::new(self, config, closing.clone()));
        let mut tasks = JoinSet::new();
        let mut entrance = Entrance::new(config.strangers);
        loop {
            let (tcp, peer) = tokio::select! {
                () = closing.cancelled() => break,
                accepted = listener.accept() => match accepted {
                    Ok((tcp, from)) => match seats.take(from.ip()) {
                        Some(peer) => {
                            // Also who only waits takes time from those who are in: after each it is their turn.
                            tokio::task::yield_now().await;
                            match entrance.arrive(tcp, peer, seats.strangers()) {
                                Some(guest) => guest,
                                None => continue,
                            }
                        }
                        None => {
                            refused.increment(1);
                            continue;
                        }
                    },
                    Err(error) => {
                        // Out of files, those who only wait are the first to go, then other strangers.
                        let mended = broke_off(&error) || (no_room(&error) && entrance.make_room());
                        if !mended {
                            pause_after(&error, no_room(&error) && seats.make_room()).await;
                        }
                        continue;
                    }
                },
                guest = entrance.next() => guest,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            };
            tasks.spawn(connections.clone().serve(tcp, peer));
        }
        drop(entrance);
        drop(listener);
        let drained = async { while tasks.join_next().await.is_some() {} };
        let patience = Duration::from_millis(config.drain_ms);
        if tokio::time::timeout(patience, drained).await.is_err() {
            tracing::warn!(left = tasks.len(), "requests were still under way and are cut off");
        }
        tasks.shutdown().await;
    }
}

/// Whether a connection broke before it was accepted, which is nothing.
fn broke_off(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Whether there is no file or memory for one more: what helps is that somebody goes.
fn no_room(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let error = Errno::from_io_error(error);
    error.is_some_and(|error| [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM].contains(&error))
}

/// To be out of files or memory needs a moment; who has to go needs less.
async fn pause_after(error: &io::Error, made_room: bool) {
    if made_room {
        return tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tracing::warn!(error = error as &dyn std::error::Error, "connections are not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}
