//! Files as what they are shown as, by their ids and by links, wherever those lead.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use bytes::Bytes;
use client::{Body, Draft, MediaKind};
use futures_util::stream;
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::{
    Office, of,
    watching::{messages, open, statuses},
};
use crate::{
    webhooks::receiver::Receiver,
    world::{Person, World, until},
};

/// The beginning of a WebP picture with the flags of its extended header, and so many bytes.
fn webp(flags: u8, size: usize) -> Vec<u8> {
    let mut bytes = [&b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0"[..], &[flags, 0, 0, 0]].concat();
    bytes.resize(size, 0);
    bytes
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n picture";
const OGG: &[u8] = b"OggS sound";
const MOVES: u8 = 2;

/// A customer in whose window everything may be sent.
async fn talking(office: &Office, receiver: &Receiver, brought: &Value) -> Person {
    let ada = office.world.customer().await;
    ada.device.send(office.account(brought).await, Draft::text("hello")).await.unwrap();
    until("it came", async || messages(receiver).len() == 1).await;
    ada
}

async fn send(office: &Office, brought: &Value, to: &Person, kind: &str, file: Value) -> (u16, Value) {
    let path = format!("/v24.0/{}/messages", of(&brought["numbers"][0], "phone_number_id"));
    let body = json!({ "messaging_product": "whatsapp", "to": to.number, "type": kind, kind: file });
    office.ask(of(brought, "token"), "POST", &path, body).await
}

/// Until a message failed, and its code.
async fn failed(receiver: &Receiver, answer: &Value) -> Value {
    let id = of(&answer["messages"][0], "id").to_owned();
    let found =
        || statuses(receiver).into_iter().find(|status| status["id"] == id && status["status"] != "sent");
    until("it failed", async || found().is_some()).await;
    let status = found().unwrap();
    assert_eq!(status["status"], "failed", "{status}");
    status["errors"][0]["code"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_sent_only_as_what_it_is() {
    let (office, receiver, brought) = open(World::sqlite().await).await;
    let ada = talking(&office, &receiver, &brought).await;
    let number = of(&brought["numbers"][0], "phone_number_id").parse().unwrap();
    let number = office.host.api.numbers.get(number).await.unwrap();
    let mut heard = 0;
    for (mime, bytes, kind, voice, good) in [
        ("application/pdf", b"%PDF-1.7".to_vec(), "document", false, true),
        ("application/pdf", b"%PDF-1.7".to_vec(), "image", false, false),
        ("application/pdf", b"%PDF-1.7".to_vec(), "video", false, false),
        ("image/png", PNG.to_vec(), "image", false, true),
        ("image/png", PNG.to_vec(), "document", false, true),
        ("image/png", PNG.to_vec(), "sticker", false, false),
        ("image/webp", webp(0, 30), "image", false, false),
        ("audio/mpeg", b"ID3 sound".to_vec(), "audio", false, true),
        ("audio/mpeg", b"ID3 sound".to_vec(), "audio", true, false),
        ("audio/mpeg", b"ID3 sound".to_vec(), "video", false, false),
        ("audio/ogg", OGG.to_vec(), "audio", true, true),
        ("audio/ogg; codecs=opus", OGG.to_vec(), "audio", true, true),
        ("audio/ogg; codecs=vorbis", OGG.to_vec(), "audio", true, false),
        ("image/webp", webp(0, 100 << 10), "sticker", false, true),
        ("image/webp", webp(0, (100 << 10) + 1), "sticker", false, false),
        ("image/webp", webp(MOVES, 500 << 10), "sticker", false, true),
    ] {
        let what = format!("{mime} of {} bytes as {kind}, voice {voice}", bytes.len());
        let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes))]);
        let id = office.host.api.media.put(&number, mime, None, pieces).await.unwrap();
        let mut file = json!({ "id": id });
        if voice {
            file["voice"] = true.into();
        }
        let (status, answer) = send(&office, &brought, &ada, kind, file).await;
        if good {
            assert_eq!(status, 200, "{what}: {answer}");
            heard += 1;
        } else {
            assert_eq!((status, &answer["error"]["code"]), (400, &json!(131_053)), "{what}: {answer}");
        }
    }
    let heard = ada.hears(office.account(&brought).await, heard).await;
    let stickers: Vec<bool> = heard
        .iter()
        .filter_map(|message| match &message.body {
            Body::Media(media) if media.kind == MediaKind::Sticker => Some(media.animated),
            _ => None,
        })
        .collect();
    assert_eq!(stickers, [false, true]);
    let larger = stream::iter([Ok::<_, std::io::Error>(Bytes::from(webp(MOVES, (500 << 10) + 1)))]);
    office.host.api.media.put(&number, "image/webp", None, larger).await.unwrap_err();
    office.close().await;
}

/// A server of files that are called by their types, and of addresses that lead to others.
async fn files() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let answer = async move |uri: Uri| {
        counted.fetch_add(1, SeqCst);
        let to = uri.query().and_then(|query| query.strip_prefix("to=")).unwrap_or_default().to_owned();
        let status = match uri.path() {
            "/moved" => StatusCode::FOUND,
            "/nowhere" => StatusCode::PERMANENT_REDIRECT,
            _ => StatusCode::OK,
        };
        let (kind, bytes) = match uri.path() {
            "/pdf" => ("application/pdf", &b"%PDF-1.7"[..]),
            "/mp3" => ("audio/mpeg", &b"ID3 sound"[..]),
            "/bytes" => ("binary/octet-stream", PNG),
            _ => ("image/png", PNG),
        };
        let location = if to.is_empty() { "/png".to_owned() } else { to };
        (status, [("content-type", kind.to_owned()), ("location", location)], bytes)
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_link_leads_to_is_sent_only_as_what_it_is() {
    let (office, receiver, brought) = open(World::sqlite().await).await;
    let ada = talking(&office, &receiver, &brought).await;
    let (address, _) = files().await;
    for (path, kind, voice) in [("pdf", "image", false), ("mp3", "audio", true), ("png", "sticker", false)] {
        let file = json!({ "link": format!("http://{address}/{path}"), "voice": voice });
        let (status, answer) = send(&office, &brought, &ada, kind, file).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(failed(&receiver, &answer).await, 131_053, "{path} as {kind}");
    }
    // Who serves a file may not know what it is.
    let file = json!({ "link": format!("http://{address}/bytes") });
    assert_eq!(send(&office, &brought, &ada, "image", file).await.0, 200);
    let heard = ada.hears(office.account(&brought).await, 1).await;
    assert!(matches!(&heard[0].body, Body::Media(media) if media.content_type == "image/png"));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_on_three_times_and_only_where_a_link_may() {
    let (office, receiver, brought) = open(World::sqlite().await).await;
    let ada = talking(&office, &receiver, &brought).await;
    let (address, asked) = files().await;
    let link = async |path: &str| {
        let file = json!({ "link": format!("http://{address}{path}") });
        let (status, answer) = send(&office, &brought, &ada, "image", file).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    link("/moved?to=/moved?to=/nowhere").await;
    let heard = ada.hears(office.account(&brought).await, 1).await;
    assert!(matches!(&heard[0].body, Body::Media(_)));
    assert_eq!(asked.load(SeqCst), 4);
    let far = link("/moved?to=/moved?to=/moved?to=/nowhere").await;
    assert_eq!(failed(&receiver, &far).await, 131_053, "too often");
    assert_eq!(asked.load(SeqCst), 8);
    for inside in
        ["http://10.0.0.1:8080/", "http://169.254.169.254/latest/meta-data", "ftp://x.example/a.png"]
    {
        let answer = link(&format!("/moved?to={inside}")).await;
        assert_eq!(failed(&receiver, &answer).await, 131_053, "{inside}");
    }
    office.close().await;
}
