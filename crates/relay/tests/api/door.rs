//! Connections: TLS, those who are slow, those who are many, and going down. The same on every engine.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use relay::{Config, Relay, StartError, config::Tls};
use serde_json::json;
use store::testing::{HandClock, SeededEntropy};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use crate::stage::{START, Site, Stage};

/// What comes until the other side ends it.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn plain_http_beyond_loopback_is_refused() {
    let mut config = Config { data: tempfile::tempdir().unwrap().path().join("data"), ..Config::default() };
    config.listen.address = SocketAddr::from(([0, 0, 0, 0], 0));
    let (clock, entropy) = (Arc::new(HandClock::at(START)), Arc::new(SeededEntropy::new(1)));
    let refused = Relay::start(config, clock, entropy).await;
    assert!(matches!(refused, Err(StartError::Config(_))), "{refused:?}");
}

#[tokio::test]
async fn a_certificate_of_our_own_is_made_once_and_kept() {
    let stage = Site::sqlite()
        .stage_with(|config| config.listen.tls = Some(Tls::SelfSigned(vec!["localhost".to_owned()])))
        .await;
    let fingerprint = stage.relay.fingerprint.clone().unwrap();
    assert_eq!(fingerprint.len(), 64);
    let path = stage.config.data.join("tls/certificate.pem");
    let certificate = reqwest::Certificate::from_pem(&std::fs::read(&path).unwrap()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap();
    let port = stage.relay.address.port();
    let answer = http.get(format!("https://localhost:{port}/health")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // Whoever trusts others does not trust it, and plain HTTP is not spoken.
    assert!(stage.http.get(format!("https://localhost:{port}/health")).send().await.is_err());
    assert!(stage.http.get(format!("http://localhost:{port}/health")).send().await.is_err());
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = std::fs::metadata(stage.config.data.join("tls/key.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    // The next relay finds it, in the folder or named as files.
    let Stage { relay, config, clock, folder, .. } = stage;
    relay.shutdown().await;
    let key = config.data.join("tls/key.pem");
    for tls in [config.listen.tls.clone().unwrap(), Tls::Files { certificate: path, key }] {
        let mut config = config.clone();
        config.listen.tls = Some(tls);
        let again = Relay::start(config, clock.clone(), Arc::new(SeededEntropy::new(1))).await.unwrap();
        assert_eq!(again.fingerprint.clone().unwrap(), fingerprint);
        again.shutdown().await;
    }
    drop(folder);
}

#[tokio::test]
async fn who_is_slow_with_the_head_is_cut_off() {
    let stage = Site::sqlite().stage_with(|config| config.listen.head_timeout_ms = 300).await;
    let began = Instant::now();
    let mut silent = TcpStream::connect(stage.relay.address).await.unwrap();
    let mut slow = TcpStream::connect(stage.relay.address).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nx-a: ").await.unwrap();
    rest(&mut silent).await;
    rest(&mut slow).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    stage.close().await;
}

#[tokio::test]
async fn who_is_slow_with_the_body_is_cut_off() {
    let stage = Site::sqlite()
        .stage_with(|config| {
            config.listen.body_idle_ms = 1000;
            config.blobs.uploads = 1;
        })
        .await;
    let one = stage.person().await;
    let began = Instant::now();
    let mut slow = TcpStream::connect(stage.relay.address).await.unwrap();
    let head = "POST /v1/registration/codes HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let begun = one.send("POST", "/v1/blobs", json!({ "size": 1000 })).await.json();
    let path = format!("/v1/blobs/{}", begun["id"].as_str().unwrap());
    let mut upload = TcpStream::connect(stage.relay.address).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nupload-offset: 0\r\ncontent-length: 1000\r\n\r\nx",
        one.token
    );
    upload.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut slow).await.starts_with("HTTP/1.1 400"));
    assert!(rest(&mut upload).await.starts_with("HTTP/1.1 400"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // What came is kept, and the place is free.
    let request = one.request("PATCH", &path).header("upload-offset", 1).body(vec![7; 999]);
    assert_eq!(request.send().await.unwrap().status(), 204);
    stage.close().await;
}

#[tokio::test]
async fn an_upload_that_only_drips_is_cut_off() {
    let stage = Site::sqlite().stage_with(|config| config.blobs.slowest = u64::MAX).await;
    let one = stage.person().await;
    let begun = one.send("POST", "/v1/blobs", json!({ "size": 4 })).await.json();
    let path = format!("/v1/blobs/{}", begun["id"].as_str().unwrap());
    // Within its first half minute nobody looks at the speed.
    let request = one.request("PATCH", &path).header("upload-offset", 0).body(vec![7; 4]);
    assert_eq!(request.send().await.unwrap().status(), 204);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_a_blob_and_does_not_take_it_is_cut_off() {
    let stage = Site::sqlite()
        .stage_with(|config| {
            config.listen.body_idle_ms = 1500;
            config.blobs.downloads_of_one = 1;
        })
        .await;
    let one = stage.person().await;
    let size = 32 << 20;
    let begun = one.send("POST", "/v1/blobs", json!({ "size": size })).await.json();
    let path = format!("/v1/blobs/{}", begun["id"].as_str().unwrap());
    let request = one.request("PATCH", &path).header("upload-offset", 0).body(vec![7; size]);
    assert_eq!(request.send().await.unwrap().status(), 204);
    let mut lazy = TcpStream::connect(stage.relay.address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", one.token);
    lazy.write_all(head.as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    lazy.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    one.get(&path).await.refused(503, "unavailable");
    // Nothing more is read, and after a while the place is free again.
    let free = async {
        while one.request("GET", &path).send().await.unwrap().status() != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), free).await.unwrap();
    assert!(rest(&mut lazy).await.len() < size);
    // A second one after a first on the same connection is whole, however long the pause between them.
    for _ in 0..2 {
        assert_eq!(one.get(&path).await.is(200).bytes.len(), size);
        tokio::time::sleep(Duration::from_millis(1800)).await;
    }
    stage.close().await;
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let stage = Site::sqlite().stage_with(|config| config.listen.connections_per_address = 5).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(TcpStream::connect(stage.relay.address).await.unwrap());
    }
    let mut refused = TcpStream::connect(stage.relay.address).await.unwrap();
    assert_eq!(rest(&mut refused).await, "");
    drop(open);
    let answers = async {
        while stage.http.get(format!("{}/health", stage.url())).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), answers).await.unwrap();
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_say_nothing_do_not_keep_others_out() {
    let stage = Site::sqlite()
        .stage_with(|config| {
            config.listen.connections_per_address = 100_000;
            config.listen.strangers = 100;
            config.listen.head_timeout_ms = 60_000;
        })
        .await;
    let known = stage.person().await;
    known.get("/v1/account").await.is(200);
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(TcpStream::connect(stage.relay.address).await.unwrap());
    }
    let began = Instant::now();
    for _ in 0..20 {
        // On a connection that was there before, and on new ones.
        known.get("/v1/account").await.is(200);
        let new = reqwest::get(format!("{}/health", stage.url())).await.unwrap();
        assert_eq!(new.status(), 200);
    }
    // The silent could wait for a minute.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    // The first of the silent were sent away.
    let mut first = silent.swap_remove(0);
    tokio::time::timeout(Duration::from_secs(30), rest(&mut first)).await.unwrap();
    drop(silent);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_down_finishes_what_is_under_way() {
    let stage = Site::sqlite().stage().await;
    let one = stage.person().await;
    let begun = stage.post("/v1/provisioning", json!({})).await.json();
    let waiting = format!("{}/v1/provisioning/{}?wait_ms=25000", stage.url(), begun["id"].as_str().unwrap());
    let waiting = tokio::spawn(stage.http.get(waiting).send());
    let begun = one.send("POST", "/v1/blobs", json!({ "size": 10 })).await.json();
    let path = format!("/v1/blobs/{}", begun["id"].as_str().unwrap());
    let mut upload = stage.begin_patch(&one, &path, 10).await;
    upload.write_all(b"12345").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let address = stage.relay.address;
    let began = Instant::now();
    let down = tokio::spawn(stage.close());
    // Nobody new gets in; who is in gets their answer.
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    upload.write_all(b"67890").await.unwrap();
    let answer = rest(&mut upload).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert_eq!(waiting.await.unwrap().unwrap().status(), 204);
    down.await.unwrap();
    // Neither the question nor the time for draining was waited out.
    assert!(began.elapsed() < Duration::from_secs(18), "{:?}", began.elapsed());
}
