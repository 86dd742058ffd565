//! The link over TCP and TLS, against servers that are no relays.
#![cfg(feature = "native")]

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use client::{
    LinkError, NativeLink, NativeLinkOptions,
    link::{HttpRequest, Link},
};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::{
    Message,
    handshake::server::{Request, Response},
    protocol::{CloseFrame, frame::coding::CloseCode},
};

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// Serves every connection over TLS with a certificate of its own; gives the URL and the certificate.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(Box<dyn Stream>) -> F + Send + Sync + 'static,
) -> (String, Vec<u8>) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(Box::new(stream)));
            }
        }
    });
    (url, certified.cert.pem().into_bytes())
}

fn link(url: &str, certificate: Vec<u8>) -> NativeLink {
    NativeLink::new(url, NativeLinkOptions { trusted: vec![certificate], ..NativeLinkOptions::default() })
        .unwrap()
}

fn get(path: &str) -> HttpRequest {
    HttpRequest {
        method: "GET",
        path: path.to_owned(),
        token: Some("token".to_owned()),
        headers: vec![("range", "bytes=5-".to_owned())],
        body: Bytes::new(),
    }
}

#[tokio::test]
async fn a_request_says_what_it_should_and_its_answer_comes_in_pieces() {
    let (url, certificate) = serve(async |mut stream: Box<dyn Stream>| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("get /v1/account?x=1 http/1.1\r\n"), "{head}");
        for header in ["authorization: bearer token\r\n", "range: bytes=5-\r\n", "user-agent: tradepost/"] {
            assert!(head.contains(header), "{head}");
        }
        stream
            .write_all(b"HTTP/1.1 206 Partial\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\nhello")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        stream.write_all(b"world").await.unwrap();
        stream.flush().await.unwrap();
    })
    .await;
    let mut response = link(&url, certificate).request(get("/v1/account?x=1")).await.unwrap();
    assert_eq!((response.status, response.header("retry-after")), (206, Some("7")));
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await.unwrap() {
        body.extend_from_slice(&piece);
    }
    assert_eq!(body, b"helloworld");
}

#[tokio::test]
async fn a_redirection_is_not_followed_and_a_body_that_breaks_off_is_an_error() {
    let (url, certificate) = serve(async |mut stream: Box<dyn Stream>| {
        let _ = stream.read(&mut [0; 1000]).await;
        let head = b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 10\r\n\r\nhalf";
        stream.write_all(head).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let mut response = link(&url, certificate).request(get("/v1/account")).await.unwrap();
    assert_eq!(response.status, 302);
    let error = loop {
        match response.body.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the body seems whole"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LinkError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn only_a_certificate_that_is_trusted_will_do() {
    let (url, _) = serve(async |_: Box<dyn Stream>| {}).await;
    let (_, other) = serve(async |_: Box<dyn Stream>| {}).await;
    for options in [
        NativeLinkOptions::default(),
        NativeLinkOptions { trusted: vec![other], ..NativeLinkOptions::default() },
    ] {
        let link = NativeLink::new(&url, options).unwrap();
        assert!(matches!(link.request(get("/")).await, Err(LinkError::Unreachable(_))));
        assert!(matches!(link.open("token").await, Err(LinkError::Unreachable(_))));
    }
    for bad in ["", "relay.example", "ftp://relay.example", "https://relay.example/?a=b"] {
        assert!(NativeLink::new(bad, NativeLinkOptions::default()).is_err(), "{bad}");
    }
    let rubbish = NativeLinkOptions { trusted: vec![b"rubbish".to_vec()], ..NativeLinkOptions::default() };
    assert!(NativeLink::new("https://relay.example", rubbish).is_err());
}

#[tokio::test]
async fn a_socket_carries_frames_until_the_relay_closes_it() {
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    fn check(
        request: &Request,
        response: Response,
    ) -> Result<Response, tokio_tungstenite::tungstenite::handshake::server::ErrorResponse> {
        assert_eq!(request.uri().path(), "/v1/socket");
        assert_eq!(request.headers()["authorization"], "Bearer token");
        Ok(response)
    }
    let (url, certificate) = serve(async |stream: Box<dyn Stream>| {
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, check).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Binary(frame) = message {
                if frame.is_empty() {
                    break;
                }
                socket.send(Message::Ping(Bytes::new())).await.unwrap();
                socket.send(Message::Binary(frame)).await.unwrap();
            }
        }
        let frame = CloseFrame { code: CloseCode::from(4001), reason: "".into() };
        socket.close(Some(frame)).await.unwrap();
        while socket.next().await.is_some() {}
    })
    .await;
    let socket = link(&url, certificate).open("token").await.unwrap();
    for frame in [vec![1; 10], vec![2; 1 << 20]] {
        socket.send(frame.clone().into()).await.unwrap();
        assert_eq!(socket.next().await.unwrap(), frame);
    }
    socket.send(Bytes::new()).await.unwrap();
    assert_eq!(socket.next().await, Err(LinkError::Closed(Some(4001))));
    socket.close().await;
}

#[tokio::test]
async fn a_credential_that_is_not_taken_is_told_apart() {
    let (url, certificate) = serve(async |mut stream: Box<dyn Stream>| {
        let _ = stream.read(&mut [0; 2000]).await;
        stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
    })
    .await;
    assert!(matches!(link(&url, certificate).open("token").await, Err(LinkError::Unauthorized)));
}

#[tokio::test]
async fn plain_http_stays_on_this_machine_unless_it_is_said() {
    for url in ["http://127.0.0.1:8443", "http://localhost", "http://[::1]:1", "http://127.9.9.9"] {
        assert!(client::is_loopback(url), "{url}");
        assert!(NativeLink::new(url, NativeLinkOptions::default()).is_ok(), "{url}");
    }
    for url in [
        "http://relay.example",
        "http://127.0.0.1.example.org",
        "http://127.0.0.1:80@evil.example",
        "http://[2001:db8::1]:1",
        "HTTP://relay.example",
    ] {
        assert!(!client::is_loopback(url), "{url}");
        let refused = NativeLink::new(url, NativeLinkOptions::default()).map(drop);
        assert_eq!(refused, Err(LinkError::PlainBeyondLoopback), "{url}");
        let told = NativeLinkOptions { plain_beyond_loopback: true, ..NativeLinkOptions::default() };
        assert!(NativeLink::new(url, told).is_ok(), "{url}");
    }
    assert!(NativeLink::new("https://relay.example", NativeLinkOptions::default()).is_ok());
}
