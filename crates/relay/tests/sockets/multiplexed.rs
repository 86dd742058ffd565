//! Sockets of many devices on one connection of HTTP/2.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::{client::conn::http2::SendRequest, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use wire::{
    Message as _,
    frames::{ClientFrame, ServerFrame},
};

use crate::people::{Ground, PATIENCE, Person, Stage, message, number};

crate::on_all_grounds!(
    many_devices_share_a_connection,
    a_socket_of_http_2_asks_for_a_credential,
    going_down_closes_the_sockets_of_a_shared_connection,
);

type Shared = SendRequest<Empty<Bytes>>;
type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn connect(stage: &Stage) -> Shared {
    let tcp = TcpStream::connect(stage.nodes[0].address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(tcp));
    let (mut shared, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    // An answer says that the relay's settings have come: whether it knows what an extended CONNECT is.
    let request = Request::builder().uri("http://relay/health").body(Empty::new()).unwrap();
    assert_eq!(shared.send_request(request).await.unwrap().status(), StatusCode::OK);
    shared
}

async fn open(shared: &mut Shared, token: &str) -> Result<Socket, StatusCode> {
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://relay/v1/socket")
        .header("authorization", format!("Bearer {token}"))
        .header("sec-websocket-version", "13")
        .extension(Protocol::from_static("websocket"))
        .body(Empty::new())
        .unwrap();
    shared.ready().await.unwrap();
    let response = tokio::time::timeout(PATIENCE, shared.send_request(request)).await.unwrap().unwrap();
    if response.status() != StatusCode::OK {
        return Err(response.status());
    }
    let upgraded = hyper::upgrade::on(response).await.unwrap();
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await)
}

async fn frame(socket: &mut Socket) -> ServerFrame {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a frame in time");
        if let tokio_tungstenite::tungstenite::Message::Binary(bytes) = next.unwrap().unwrap() {
            return ServerFrame::decode(bytes).unwrap();
        }
    }
}

async fn many_devices_share_a_connection(ground: Ground) {
    let stage = Stage::with(ground, |config| {
        let often = relay::limits::Rate::new(1000, 1);
        (config.limits.codes, config.limits.registrations) = (often, often);
    })
    .await;
    let mut people: Vec<Person> = Vec::new();
    for _ in 0..16 {
        people.push(stage.person().await);
    }
    let mut shared = connect(&stage).await;
    let mut sockets = Vec::new();
    for person in &people {
        let mut socket = open(&mut shared, &person.token).await.unwrap();
        while !frame(&mut socket).await.drained {}
        sockets.push(socket);
    }
    assert_eq!(stage.nodes[0].services.queue.online(), people.len());
    // Each writes to the next, all at once.
    for (index, socket) in sockets.iter_mut().enumerate() {
        let to = people[(index + 1) % people.len()].account;
        let sends = (0..20).map(|number| message(to, number)).collect();
        let bytes = ClientFrame { sends, acknowledged: 0 }.encode_to_vec();
        socket.send(tokio_tungstenite::tungstenite::Message::Binary(bytes.into())).await.unwrap();
    }
    for (index, socket) in sockets.iter_mut().enumerate() {
        let (mut numbers, mut sent) = (Vec::new(), 0);
        while numbers.len() < 20 || sent < 20 {
            let frame = frame(socket).await;
            assert!(frame.refusals.is_empty(), "{:?}", frame.refusals);
            sent += frame.sent.len();
            for delivery in &frame.deliveries {
                numbers.push(number(delivery));
                let from = people[(index + people.len() - 1) % people.len()].account;
                assert_eq!(delivery.envelope.as_ref().unwrap().from[..], from.to_bytes());
            }
            let acknowledged = numbers.len().try_into().unwrap();
            let bytes = ClientFrame { sends: Vec::new(), acknowledged }.encode_to_vec();
            socket.send(tokio_tungstenite::tungstenite::Message::Binary(bytes.into())).await.unwrap();
        }
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    }
    // Requests go beside them.
    let request = Request::builder().uri("http://relay/v1/account");
    let request =
        request.header("authorization", format!("Bearer {}", people[3].token)).body(Empty::new()).unwrap();
    let answer = shared.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: wire::api::Account =
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body.account, people[3].account);
    stage.until_stored(0).await;
    // One that closes leaves the others alone.
    drop(sockets.remove(0));
    let bytes = ClientFrame { sends: vec![message(people[2].account, 99)], acknowledged: 0 }.encode_to_vec();
    sockets[0].send(tokio_tungstenite::tungstenite::Message::Binary(bytes.into())).await.unwrap();
    assert_eq!(number(&frame(&mut sockets[1]).await.deliveries[0]), 99);
    stage.close().await;
}

async fn a_socket_of_http_2_asks_for_a_credential(ground: Ground) {
    let stage = Stage::new(ground).await;
    let person = stage.person().await;
    let mut shared = connect(&stage).await;
    assert_eq!(open(&mut shared, "tp1_x").await.err(), Some(StatusCode::UNAUTHORIZED));
    let mut wrong = person.token.clone();
    wrong.replace_range(60..61, if &wrong[60..61] == "A" { "B" } else { "A" });
    assert_eq!(open(&mut shared, &wrong).await.err(), Some(StatusCode::UNAUTHORIZED));
    // What is no socket is no route.
    let request = Request::builder().method(Method::CONNECT).uri("http://relay/v1/socket");
    let request = request.extension(Protocol::from_static("connect-udp")).body(Empty::new()).unwrap();
    let answer = shared.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(open(&mut shared, &person.token).await.is_ok());
    stage.close().await;
}

async fn going_down_closes_the_sockets_of_a_shared_connection(ground: Ground) {
    let stage = Stage::new(ground).await;
    let person = stage.person().await;
    let mut shared = connect(&stage).await;
    let mut socket = open(&mut shared, &person.token).await.unwrap();
    while !frame(&mut socket).await.drained {}
    let closing = tokio::spawn(stage.close());
    let code = loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("an end in time");
        if let Some(Ok(tokio_tungstenite::tungstenite::Message::Close(close))) = next {
            break close.map(|close| u16::from(close.code));
        }
    };
    assert_eq!(code, Some(wire::close::AWAY));
    drop(socket);
    tokio::time::timeout(PATIENCE, closing).await.expect("the relay goes down").unwrap();
}
