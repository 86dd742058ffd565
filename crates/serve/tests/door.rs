//! A server from outside. What more it does is tested where it is used: `crates/relay/tests/api/door.rs`.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Extension, Router, routing::get};
use metrics::atomics::AtomicU64;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serve::{Certificate, Figures, Listen, Peer, Server, Tls};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer that no socket takes unless it is read.
const LARGE: usize = 64 << 20;

struct Open {
    address: SocketAddr,
    connections: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    closing: CancellationToken,
    serving: JoinHandle<()>,
}

async fn open(listen: Listen, certificate: Option<Certificate>) -> Open {
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/large", get(async || vec![b'x'; LARGE]))
        .route("/known", get(async |Extension(peer): Extension<Peer>| peer.admit()));
    let (connections, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let figures = Figures {
        connections: metrics::Gauge::from_arc(connections.clone()),
        refused: metrics::Counter::from_arc(refused.clone()),
    };
    let server = Server { router, certificate, head: 16 << 10, headers: 64, figures };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, closing) = (listener.local_addr().unwrap(), CancellationToken::new());
    let serving = tokio::spawn({
        let closing = closing.clone();
        async move { server.serve(listener, &listen, closing).await }
    });
    Open { address, connections, refused, closing, serving }
}

impl Open {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until so many connections are counted.
    async fn counts(&self, expected: f64) {
        let counted = async {
            while f64::from_bits(self.connections.load(std::sync::atomic::Ordering::SeqCst)) != expected {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, counted).await.unwrap();
    }

    async fn close(self) {
        self.closing.cancel();
        self.serving.await.unwrap();
    }
}

async fn ask(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut bytes = vec![0; 12];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// What comes until the other side ends it.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_takes_no_answer_is_cut_off_though_the_answer_is_an_ordinary_one() {
    let here = open(Listen { body_idle_ms: 300, ..Listen::default() }, None).await;
    let mut lazy = here.connect().await;
    assert_eq!(ask(&mut lazy, "/large").await, "HTTP/1.1 200");
    here.counts(1.0).await;
    here.counts(0.0).await;
    assert!(rest(&mut lazy).await.len() < LARGE);
    // Who pauses between answers is not.
    let mut slow = here.connect().await;
    for _ in 0..2 {
        assert_eq!(ask(&mut slow, "/").await, "HTTP/1.1 200");
        let mut answer = Vec::new();
        while !answer.ends_with(b"here") {
            answer.push(slow.read_u8().await.unwrap());
        }
        sleep(Duration::from_millis(700)).await;
    }
    here.close().await;
}

#[tokio::test]
async fn connections_are_counted_and_who_is_known_makes_no_room() {
    let here = open(Listen { connections: 3, strangers: 1, ..Listen::default() }, None).await;
    let mut known = here.connect().await;
    assert_eq!(ask(&mut known, "/known").await, "HTTP/1.1 200");
    let mut first = here.connect().await;
    here.counts(2.0).await;
    let mut second = here.connect().await;
    // The first made room; nobody else had to.
    assert_eq!(rest(&mut first).await, b"");
    here.counts(2.0).await;
    let mut other = here.connect().await;
    assert_eq!(ask(&mut other, "/known").await, "HTTP/1.1 200");
    assert_eq!(rest(&mut second).await, b"");
    here.counts(2.0).await;
    let _third = here.connect().await;
    here.counts(3.0).await;
    let mut refused = here.connect().await;
    assert_eq!(rest(&mut refused).await, b"");
    assert_eq!(here.refused.load(std::sync::atomic::Ordering::SeqCst), 1);
    drop((known, other));
    here.close().await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing_keeps_nobody_out() {
    const PLACES: usize = 300;
    let here = open(Listen { strangers: PLACES, ..Listen::default() }, None).await;
    let mut crowd = Vec::new();
    for _ in 0..PLACES + 60 {
        let mut one = here.connect().await;
        // It may have had to go already.
        let _ = one.write_all(b"GET / HT").await;
        crowd.push(one);
    }
    let mut last = here.connect().await;
    assert_eq!(timeout(PATIENCE, ask(&mut last, "/")).await.unwrap(), "HTTP/1.1 200");
    // Those who had to go are gone, and nobody else.
    here.counts(PLACES as f64).await;
    // Who says the rest is answered.
    let late = crowd.last_mut().unwrap();
    late.write_all(b"TP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut begin = [0; 12];
    timeout(PATIENCE, late.read_exact(&mut begin)).await.unwrap().unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    here.close().await;
}

fn connector(certificate: &Path, protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let mut client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(client))
}

#[tokio::test]
async fn http_2_is_spoken_where_there_are_streams_and_nowhere_else() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::SelfSigned(vec!["localhost".to_owned()]);
    for (streams, agreed) in [(10, &b"h2"[..]), (0, b"http/1.1")] {
        let listen = Listen { streams, ..Listen::default() };
        let certificate = Certificate::open(&tls, folder.path()).unwrap();
        let here = open(listen.clone(), Some(certificate)).await;
        let connector = connector(&folder.path().join("tls/certificate.pem"), &[b"h2", b"http/1.1"]);
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, here.connect().await).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(agreed));
        drop(stream);
        here.close().await;

        let here = open(listen, None).await;
        let mut plain = here.connect().await;
        plain.write_all(PREFACE).await.unwrap();
        let mut begin = [0; 4];
        let spoken = plain.read_exact(&mut begin).await.is_ok() && begin[3] == 4;
        assert_eq!(spoken, streams > 0, "{begin:?}");
        drop(plain);
        here.close().await;
    }
}
