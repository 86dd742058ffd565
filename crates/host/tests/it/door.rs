//! Connections of a whole host.

use std::sync::Arc;

use host::{
    Host,
    businesses::{BusinessState, HostingMode, NewBusiness},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::world::{PATIENCE, RealClock, World};

async fn connect(host: &Host) -> TcpStream {
    TcpStream::connect(host.address).await.unwrap()
}

/// Asks on a connection that stays, and gives the status.
async fn ask(stream: &mut TcpStream, path: &str, token: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}

/// Waits until the other side has ended it without a word.
async fn ended(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes, b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_make_room_and_who_has_shown_a_good_token_does_not() {
    let world = World::sqlite().await;
    let (host, operator) = world.serve_with(Arc::new(RealClock), |config| config.listen.strangers = 2).await;
    let new = NewBusiness {
        relay_id: wire::BusinessId::from_bytes([1; 16]),
        name: "Sample".to_owned(),
        legal_name: "Sample Ltd".to_owned(),
        country: "DE".to_owned(),
        currency: "EUR".to_owned(),
        timezone_id: "1".to_owned(),
        state: BusinessState::Approved,
        mode: HostingMode::Own,
        host_name: String::new(),
    };
    let business = host.api.businesses.create(new).await.unwrap();
    let token = host.api.apps.create(business.id, "sample", "test").await.unwrap().token;
    let about = format!("/host/v1/businesses/{}", business.id);

    let mut known = [
        (connect(&host).await, "/host/v1/businesses", operator.as_str()),
        (connect(&host).await, about.as_str(), token.expose()),
    ];
    for (stream, path, token) in &mut known {
        assert_eq!(ask(stream, path, token).await, "200", "{path}");
    }
    let mut program = connect(&host).await;
    assert_eq!(ask(&mut program, "/v24.0/me", token.expose()).await, "200");
    let (mut wrong, mut other) = (connect(&host).await, connect(&host).await);
    assert_eq!(ask(&mut wrong, "/v24.0/me", "nonsense").await, "401");
    assert_eq!(ask(&mut other, "/host/v1/businesses", "nonsense").await, "401");
    // Two more, for whom those make room in turn.
    let _silent = (connect(&host).await, connect(&host).await);
    ended(&mut wrong).await;
    ended(&mut other).await;
    for (stream, path, token) in &mut known {
        assert_eq!(ask(stream, path, token).await, "200", "{path}");
    }
    assert_eq!(ask(&mut program, "/v24.0/me", token.expose()).await, "200");

    let url = format!("http://{}/metrics", host.address);
    let figures = timeout(PATIENCE, reqwest::get(url)).await.unwrap().unwrap().text().await.unwrap();
    assert!(figures.contains("host_connections ") && figures.contains("host_connections_refused_total 0"));
    drop((known, program));
    timeout(2 * PATIENCE, host.shutdown()).await.unwrap();
}
