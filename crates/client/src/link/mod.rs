//! The connection to a relay: requests over HTTP, and one socket.
//!
//! A [`Link`] knows nothing of Tradepost but where the relay is; reconnecting, backoff and resuming are above it.

pub(crate) mod relay;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::Shared;

/// What is asked of a relay.
#[derive(Clone)]
pub struct HttpRequest {
    /// `GET`, `PUT`, ….
    pub method: &'static str,
    /// Beginning with `/v1/`.
    pub path: String,
    /// The device's token: a secret, for the header `Authorization: Bearer`.
    pub token: Option<String>,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Bytes,
}

impl fmt::Debug for HttpRequest {
    // Paths name accounts, bodies are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// What a relay answered, as far as it has come.
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, as it comes.
    pub body: Box<dyn ResponseBody>,
}

impl HttpResponse {
    /// The value of a header, named in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A body that comes in pieces.
#[cfg(not(target_arch = "wasm32"))]
#[async_trait]
pub trait ResponseBody: Send {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError>;
}

/// A body that comes in pieces.
#[cfg(target_arch = "wasm32")]
#[async_trait(?Send)]
pub trait ResponseBody {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError>;
}

/// A body that has come as a whole.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl ResponseBody for Option<Bytes> {
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        Ok(self.take())
    }
}

/// Why the relay was not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not reached, or lost on the way: try again.
    #[error("the relay cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long: try again.
    #[error("the relay did not answer in time")]
    TimedOut,
    /// It would be spoken to in plain HTTP, and it is on another machine.
    #[error("plain HTTP beyond this machine: anybody on the way could take this device's credential")]
    PlainBeyondLoopback,
    /// The relay does not take the credential.
    #[error("the relay does not take this device's credential")]
    Unauthorized,
    /// More than is taken was sent by the relay.
    #[error("the relay sent too much")]
    TooMuch,
    /// The socket was closed, with this code if it said one.
    #[error("the socket was closed ({0:?})")]
    Closed(Option<u16>),
}

/// The way to one relay.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Link: Shared {
    /// Where the relay is, as in `https://relay.example`: what a linking code says.
    fn url(&self) -> &str;

    /// Asks, and returns when the head of the answer is there. Gives up by itself after some time. A status that means
    /// failure is not an error here.
    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, LinkError>;

    /// Opens the socket.
    async fn open(&self, token: &str) -> Result<Arc<dyn Socket>, LinkError>;
}

/// A socket. Reading and writing may happen at the same time; each is done by one task.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Socket: Shared {
    /// Sends one frame.
    async fn send(&self, frame: Bytes) -> Result<(), LinkError>;

    /// The next frame, of at most `wire::limits::FRAME` bytes. Dropped before it is done, it loses none.
    async fn next(&self) -> Result<Bytes, LinkError>;

    /// Closes it; [`Socket::next`] ends.
    async fn close(&self);
}
