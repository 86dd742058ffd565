use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Mutex, OwnedSemaphorePermit},
    time::timeout,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        error::CapacityError,
        http::{HeaderValue, StatusCode, header::AUTHORIZATION},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use wire::limits;

use crate::link::{LinkError, Socket};

/// How long a frame may take to be written.
const WRITE: Duration = Duration::from_secs(30);
/// How long the relay may say nothing at all: it pings every few minutes.
const SILENCE: Duration = Duration::from_secs(900);
/// How long to wait for a socket to close.
const CLOSE: Duration = Duration::from_secs(2);

/// A socket over any stream.
pub(super) struct NativeSocket<S> {
    sender: Mutex<SplitSink<WebSocketStream<S>, Message>>,
    receiver: Mutex<SplitStream<WebSocketStream<S>>>,
    /// Its place on a shared connection.
    _place: Option<OwnedSemaphorePermit>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> NativeSocket<S> {
    pub(super) fn new(stream: WebSocketStream<S>, place: Option<OwnedSemaphorePermit>) -> Self {
        let (sender, receiver) = stream.split();
        Self { sender: Mutex::new(sender), receiver: Mutex::new(receiver), _place: place }
    }
}

pub(super) fn credential(token: &str) -> Result<HeaderValue, LinkError> {
    let mut credential = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| unreachable("the credential is no header"))?;
    credential.set_sensitive(true);
    Ok(credential)
}

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(limits::FRAME)).max_frame_size(Some(limits::FRAME))
}

pub(super) async fn open(
    url: &str,
    token: &str,
    tls: Arc<ClientConfig>,
) -> Result<NativeSocket<MaybeTlsStream<TcpStream>>, LinkError> {
    // `http` becomes `ws`, `https` `wss`.
    let url = url.strip_prefix("http").ok_or_else(|| unreachable("this is no URL"))?;
    let mut request =
        format!("ws{url}/v1/socket").into_client_request().map_err(|_| unreachable("this is no URL"))?;
    request.headers_mut().insert(AUTHORIZATION, credential(token)?);
    let connector = Connector::Rustls(tls);
    let connected = connect_async_tls_with_config(request, Some(config()), true, Some(connector)).await;
    let (stream, _) = connected.map_err(failed)?;
    Ok(NativeSocket::new(stream, None))
}

fn unreachable(what: &str) -> LinkError {
    LinkError::Unreachable(what.to_owned())
}

fn failed(error: Error) -> LinkError {
    match error {
        Error::Http(response) if response.status() == StatusCode::UNAUTHORIZED => LinkError::Unauthorized,
        Error::Http(response) => LinkError::Unreachable(format!("status {}", response.status().as_u16())),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => LinkError::TooMuch,
        Error::ConnectionClosed | Error::AlreadyClosed => LinkError::Closed(None),
        other => LinkError::Unreachable(other.to_string()),
    }
}

#[async_trait]
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for NativeSocket<S> {
    async fn send(&self, frame: Bytes) -> Result<(), LinkError> {
        let mut sender = self.sender.lock().await;
        let sent = timeout(WRITE, sender.send(Message::Binary(frame))).await;
        sent.map_err(|_| LinkError::TimedOut)?.map_err(failed)
    }

    async fn next(&self) -> Result<Bytes, LinkError> {
        let mut receiver = self.receiver.lock().await;
        loop {
            match timeout(SILENCE, receiver.next()).await.map_err(|_| LinkError::TimedOut)? {
                Some(Ok(Message::Binary(frame))) => return Ok(frame),
                Some(Ok(Message::Close(frame))) => {
                    return Err(LinkError::Closed(frame.map(|frame| frame.code.into())));
                }
                // Pings are answered below this.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(failed(error)),
                None => return Err(LinkError::Closed(None)),
            }
        }
    }

    async fn close(&self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let close = async { self.sender.lock().await.send(Message::Close(Some(frame))).await };
        // Whether the relay hears it does not matter: it notices.
        let _ = timeout(CLOSE, close).await;
    }
}
