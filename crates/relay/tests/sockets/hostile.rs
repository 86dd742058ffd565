//! What breaks the rules closes one socket and nothing else.

use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use relay::limits::Rate;
use tokio_tungstenite::tungstenite::Message as Frame;
use wire::{Message as _, close, frames::ClientFrame};

use crate::people::{Ground, Stage, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_breaks_the_rules_is_closed_with_the_code_for_it() {
    let stage = Stage::new(Ground::Sqlite).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    for (frame, code) in [
        (Frame::Binary(vec![0xff; 40].into()), close::INVALID),
        (Frame::Text("hello".into()), close::POLICY),
        (Frame::Binary(vec![0; wire::limits::FRAME + 1].into()), close::TOO_LARGE),
    ] {
        let mut socket = anna.connect().await;
        socket.stream.send(frame).await.unwrap();
        assert_eq!(socket.closed().await, Some(code));
    }
    let mut socket = anna.connect().await;
    socket.acknowledge(1).await;
    assert_eq!(socket.closed().await, Some(close::POLICY));
    let mut socket = anna.connect().await;
    socket.send([message(bank.account, 1)]).await;
    socket.until_sent(1..2).await;
    stage.close().await;
}

/// Sockets share their threads' buffers: what is behind a violation must not be read as the next one's words.
#[tokio::test]
async fn what_stands_behind_a_violation_is_nobodys() {
    let stage = Stage::new(Ground::Sqlite).await;
    let (anna, mallory) = (stage.person().await, stage.person().await);
    for _ in 0..20 {
        let mut hostile = mallory.connect().await;
        let mut honest = anna.connect().await;
        // In one piece, so that the relay reads both at once: a frame against the rules, and an acknowledgement of what was
        // never delivered, for which a socket would be closed.
        hostile.stream.feed(Frame::Text("hello".into())).await.unwrap();
        let acknowledgement = ClientFrame { acknowledged: 1, ..ClientFrame::default() };
        hostile.stream.send(Frame::Binary(acknowledgement.encode_to_vec().into())).await.unwrap();
        assert_eq!(hostile.closed().await, Some(close::POLICY));
        honest.send([message(mallory.account, 1)]).await;
        honest.until_sent(1..2).await;
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_websocket_handshake_opens_a_socket() {
    let stage = Stage::new(Ground::Sqlite).await;
    let anna = stage.person().await;
    let plain = anna.request("GET", "/v1/socket").send().await.unwrap();
    assert_eq!(plain.status(), 400);
    let nobody = anna.http.get(plain.url().clone()).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    let old = anna
        .request("GET", "/v1/socket")
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-version", "8")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(old.status(), 400);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_opens_so_many_sockets_and_breaks_the_rules_so_often() {
    let few = |config: &mut relay::Config| {
        config.limits.sockets = Rate::new(4, 2_000);
        config.limits.nonsense = Rate::new(2, 1_000);
        config.limits.held_ms = 200;
    };
    let stage = Stage::with(Ground::Sqlite, few).await;
    let (anna, mallory) = (stage.person().await, stage.person().await);
    for _ in 0..4 {
        anna.connect().await;
    }
    let asked = Instant::now();
    assert_eq!(anna.handshake().await, 429);
    assert!(asked.elapsed() >= Duration::from_millis(200));
    for _ in 0..2 {
        let mut hostile = mallory.connect().await;
        hostile.stream.send(Frame::Text("hello".into())).await.unwrap();
        let broken = Instant::now();
        assert_eq!(hostile.closed().await, Some(close::POLICY));
        assert!(broken.elapsed() >= Duration::from_millis(150), "it is left alone for a while");
    }
    assert_eq!(mallory.handshake().await, 429);
    assert_eq!(mallory.request("GET", "/v1/account").send().await.unwrap().status(), 429);
    stage.clock.advance(Duration::from_secs(2));
    anna.connect().await;
    mallory.connect().await;
    stage.close().await;
}
