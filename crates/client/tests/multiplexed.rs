//! The link that many devices share, against a server of HTTP/2 that is no relay.
#![cfg(feature = "native")]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use client::{
    LinkError, NativeLink, NativeLinkOptions,
    link::{HttpRequest, Link, Socket},
};
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, body::Incoming, ext::Protocol, server::conn::http2, service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    /// Cuts all connections when it changes.
    cut: watch::Sender<u32>,
}

/// Sends every frame back; closes at an empty one.
async fn echo(upgraded: hyper::upgrade::Upgraded) {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    while let Some(Ok(Message::Binary(frame))) = socket.next().await {
        if frame.is_empty() {
            let frame = CloseFrame { code: CloseCode::from(4001), reason: "".into() };
            let _ = socket.close(Some(frame)).await;
            return;
        }
        if socket.send(Message::Binary(frame)).await.is_err() {
            return;
        }
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let authorized = request.headers().get("authorization").is_some_and(|value| value == "Bearer token");
    if !authorized {
        return Ok(Response::builder().status(401).body(Full::default()).unwrap());
    }
    if request.method() == Method::CONNECT {
        assert_eq!(request.extensions().get::<Protocol>().unwrap().as_str(), "websocket");
        assert_eq!(request.uri().path(), "/v1/socket");
        tokio::spawn(async move { echo(hyper::upgrade::on(&mut request).await.unwrap()).await });
        return Ok(Response::new(Full::default()));
    }
    let method = request.method().to_string();
    let body = request.collect().await.unwrap().to_bytes();
    let answer = format!("{method} {}", body.len());
    Ok(Response::builder().header("upload-offset", "7").body(answer.into()).unwrap())
}

impl Server {
    async fn start(streams: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, (cut, cuts)) = (Arc::new(AtomicUsize::new(0)), watch::channel(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    let mut http = http2::Builder::new(TokioExecutor::new());
                    http.enable_connect_protocol().max_concurrent_streams(streams);
                    tokio::select! {
                        _ = http.serve_connection(TokioIo::new(stream), service_fn(answer)) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { url, connections, cut }
    }

    fn link(&self) -> NativeLink {
        let options = NativeLinkOptions { multiplexed: true, ..NativeLinkOptions::default() };
        NativeLink::new(&self.url, options).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn put(body: usize) -> HttpRequest {
    HttpRequest {
        method: "PUT",
        path: "/v1/keys".to_owned(),
        token: Some("token".to_owned()),
        headers: vec![("content-type", "application/json".to_owned())],
        body: vec![1; body].into(),
    }
}

async fn says(socket: &dyn Socket, frame: &[u8]) {
    socket.send(frame.to_vec().into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap(), frame);
}

#[tokio::test]
async fn many_devices_share_one_connection() {
    let server = Server::start(1000).await;
    let link = server.link();
    let mut devices = JoinSet::new();
    for device in 0..100_u8 {
        let link = link.clone();
        devices.spawn(async move {
            let socket = link.open("token").await.unwrap();
            says(&*socket, &[device; 100]).await;
            let mut response = link.request(put(1000)).await.unwrap();
            assert_eq!((response.status, response.header("upload-offset")), (200, Some("7")));
            assert_eq!(response.body.next().await.unwrap().unwrap(), "PUT 1000");
            assert_eq!(response.body.next().await.unwrap(), None);
            socket
        });
    }
    let sockets = devices.join_all().await;
    assert_eq!(server.connections(), 1);
    // One who does not read holds up nobody.
    let lazy = &sockets[0];
    let fill = async { while lazy.send(vec![0; 100_000].into()).await.is_ok() {} };
    let _full = tokio::time::timeout(Duration::from_millis(500), fill).await;
    for socket in &sockets[1..] {
        tokio::time::timeout(Duration::from_secs(10), says(&**socket, &[9; 300_000])).await.unwrap();
    }
    sockets[1].send(Bytes::new()).await.unwrap();
    assert_eq!(sockets[1].next().await, Err(LinkError::Closed(Some(4001))));
    sockets[2].close().await;
    assert!(matches!(link.open("other").await, Err(LinkError::Unauthorized)));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_cut_is_told_and_made_again() {
    let server = Server::start(1000).await;
    let link = server.link();
    let socket = link.open("token").await.unwrap();
    says(&*socket, b"one").await;
    server.cut.send_modify(|cut| *cut += 1);
    assert!(socket.next().await.is_err());
    let mut again = link.open("token").await;
    for _ in 0..50 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        again = link.open("token").await;
    }
    says(&*again.unwrap(), b"two").await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn more_sockets_than_one_connection_has_room_for_make_another() {
    let server = Server::start(1000).await;
    let link = server.link();
    let mut sockets = Vec::new();
    for _ in 0..401 {
        sockets.push(link.open("token").await.unwrap());
    }
    assert_eq!(server.connections(), 2);
    says(&*sockets[400], b"the last").await;
    // Whoever leaves makes room.
    sockets.remove(0).close().await;
    sockets.push(link.open("token").await.unwrap());
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let options = NativeLinkOptions { multiplexed: true, ..NativeLinkOptions::default() };
    let link = NativeLink::new(&url, options).unwrap();
    assert!(matches!(link.open("token").await, Err(LinkError::Unreachable(_))));
    assert!(matches!(link.request(put(1)).await, Err(LinkError::Unreachable(_))));
}
