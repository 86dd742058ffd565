//! One connection for the requests and sockets of many devices: HTTP/2, sockets by extended CONNECT (RFC 8441).

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http2, ext::Protocol, upgrade::Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    net::TcpStream,
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::{
    link::{CONNECT, SILENCE},
    socket::{self, NativeSocket},
};
use crate::link::{HttpRequest, HttpResponse, LinkError, ResponseBody};

/// Sockets on one connection: with as many more for requests it is within what relays allow.
const SOCKETS: usize = 400;
/// Requests under way on one connection; the next ones wait.
const REQUESTS: usize = 100;
/// Bytes that may wait here of one stream, and of all: so much that none waits for another that is not read.
const WINDOW: u32 = 128 << 10;
const CONNECTION_WINDOW: u32 = 64 << 20;
/// How often the relay is asked whether it is there, and how long it may take.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

type Sender = http2::SendRequest<Full<Bytes>>;

/// A connection, and how much there is room for on it.
#[derive(Clone)]
struct Connection {
    sender: Sender,
    sockets: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

impl Connection {
    fn lives(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// All connections to one relay: another one is made when those before are full.
pub(super) struct Pool {
    origin: Uri,
    tls: Option<TlsConnector>,
    connections: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

fn unreachable(what: impl fmt::Display) -> LinkError {
    LinkError::Unreachable(what.to_string())
}

/// The innermost cause: the outer ones say only that it failed.
fn failed(error: &hyper::Error) -> LinkError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    unreachable(cause)
}

impl Pool {
    pub(super) fn new(url: &str, tls: &ClientConfig) -> Result<Self, LinkError> {
        let origin: Uri = url.parse().map_err(|_| unreachable("this is no URL"))?;
        let tls = (origin.scheme_str() == Some("https")).then(|| {
            let mut tls = tls.clone();
            tls.alpn_protocols = vec![b"h2".to_vec()];
            TlsConnector::from(Arc::new(tls))
        });
        Ok(Self { origin, tls, connections: Mutex::default() })
    }

    /// A connection on which there is room for another socket; for a request, the first that lives.
    ///
    /// Whoever comes while one is made waits for it: there is one at a time.
    async fn connection(
        &self,
        socket: bool,
    ) -> Result<(Connection, Option<OwnedSemaphorePermit>), LinkError> {
        let mut connections = self.connections.lock().await;
        connections.retain(Connection::lives);
        for connection in connections.iter() {
            if !socket {
                return Ok((connection.clone(), None));
            }
            if let Ok(permit) = Arc::clone(&connection.sockets).try_acquire_owned() {
                return Ok((connection.clone(), Some(permit)));
            }
        }
        let sender = timeout(CONNECT, self.connect()).await.map_err(|_| LinkError::TimedOut)??;
        let connection = Connection {
            sender,
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            requests: Arc::new(Semaphore::new(REQUESTS)),
        };
        connections.push(connection.clone());
        let permit = if socket { Arc::clone(&connection.sockets).try_acquire_owned().ok() } else { None };
        Ok((connection, permit))
    }

    async fn connect(&self) -> Result<Sender, LinkError> {
        let host = self.origin.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = self.origin.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let tcp = TcpStream::connect((bare, port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let Some(tls) = &self.tls else { return shake(tcp).await };
        let name = ServerName::try_from(bare.to_owned()).map_err(unreachable)?;
        let stream = tls.connect(name, tcp).await.map_err(unreachable)?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(unreachable("the relay does not speak HTTP/2"));
        }
        shake(stream).await
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>) -> Result<Request<()>, LinkError> {
        let wrong = |_| unreachable("this is no request");
        let (scheme, authority) = (self.origin.scheme_str(), self.origin.authority());
        let uri = Uri::builder()
            .scheme(scheme.unwrap_or("https"))
            .authority(authority.map_or("", |authority| authority.as_str()))
            .path_and_query(format!("{}{path}", self.origin.path().trim_end_matches('/')))
            .build()
            .map_err(wrong)?;
        let mut request = Request::builder().method(method).uri(uri).body(()).map_err(wrong)?;
        let headers = request.headers_mut();
        let agent = HeaderValue::from_static(concat!("tradepost/", env!("CARGO_PKG_VERSION")));
        headers.insert(header::USER_AGENT, agent);
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, socket::credential(token)?);
        }
        Ok(request)
    }

    pub(super) async fn ask(&self, asked: HttpRequest) -> Result<HttpResponse, LinkError> {
        let method =
            Method::from_bytes(asked.method.as_bytes()).map_err(|_| unreachable("this is no method"))?;
        let mut request = self.request(method, &asked.path, asked.token.as_deref())?;
        for (name, value) in &asked.headers {
            let value = HeaderValue::try_from(value).map_err(|_| unreachable("this is no header"))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let (mut connection, _) = self.connection(false).await?;
        let turn = Arc::clone(&connection.requests).acquire_owned();
        let turn = timeout(SILENCE, turn).await.map_err(|_| LinkError::TimedOut)?;
        let turn = turn.map_err(unreachable)?;
        let answer = connection.sender.send_request(request.map(|()| Full::new(asked.body)));
        let response = timeout(SILENCE, answer).await.map_err(|_| LinkError::TimedOut)?;
        let (head, body) = response.map_err(|error| failed(&error))?.into_parts();
        let headers = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Ok(HttpResponse {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: Box::new(Body { body, _turn: turn }),
        })
    }

    /// Opens a socket.
    pub(super) async fn open(&self, token: &str) -> Result<NativeSocket<TokioIo<Upgraded>>, LinkError> {
        let mut request = self.request(Method::CONNECT, "/v1/socket", Some(token))?;
        request.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        let (mut connection, permit) = self.connection(true).await?;
        let answer = connection.sender.send_request(request.map(|()| Full::new(Bytes::new())));
        let Ok(response) = timeout(CONNECT, answer).await else {
            // The relay may allow fewer streams: the next socket is tried on a connection with one place less.
            permit.into_iter().for_each(OwnedSemaphorePermit::forget);
            return Err(LinkError::TimedOut);
        };
        let response = response.map_err(|error| failed(&error))?;
        match response.status().as_u16() {
            200 => {}
            401 => return Err(LinkError::Unauthorized),
            status => return Err(unreachable(format_args!("status {status}"))),
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| failed(&error))?;
        let stream =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(socket::config()));
        Ok(NativeSocket::new(stream.await, permit))
    }
}

async fn shake(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
) -> Result<Sender, LinkError> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .keep_alive_while_idle(true);
    let shaken = builder.handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| failed(&error))?;
    // It ends with the last sender, or with the connection.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a shared connection ended");
        }
    });
    Ok(sender)
}

struct Body {
    body: Incoming,
    /// The request is under way until its answer was read.
    _turn: OwnedSemaphorePermit,
}

#[async_trait::async_trait]
impl ResponseBody for Body {
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        loop {
            let frame = timeout(SILENCE, self.body.frame()).await.map_err(|_| LinkError::TimedOut)?;
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(failed(&error)),
                None => return Ok(None),
            }
        }
    }
}
