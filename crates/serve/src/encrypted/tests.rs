use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, ServerName},
    version::{TLS12, TLS13},
};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{CHUNK, Encrypted};

struct Sides {
    server: Arc<ServerConfig>,
    client: TlsConnector,
}

impl Sides {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        Self::speaking(version, &[b"h2".to_vec(), b"http/1.1".to_vec()])
    }

    fn speaking(version: &'static SupportedProtocolVersion, protocols: &[Vec<u8>]) -> Self {
        let made = rcgen::generate_simple_self_signed(["relay.test".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = protocols.to_vec();
        Self { server: Arc::new(server), client: Arc::new(client).into() }
    }

    /// Over a pipe that holds so many bytes.
    async fn meet(&self, room: usize) -> (Encrypted<DuplexStream>, TlsStream<DuplexStream>) {
        let (near, far) = duplex(room);
        let name = ServerName::try_from("relay.test").unwrap();
        let accept = async {
            let mut server = Encrypted::accept(self.server.clone(), near).await.unwrap();
            // Here the server's word is the last of the handshake.
            if server.session.protocol_version() == Some(ProtocolVersion::TLSv1_2) {
                server.flush().await.unwrap();
            }
            server
        };
        let (server, client) = tokio::join!(accept, self.client.connect(name, far));
        (server, client.unwrap())
    }
}

fn some(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index * 31 % 251).unwrap()).collect()
}

fn owns_no_buffer<S>(connection: &Encrypted<S>) -> bool {
    let buffers = [&connection.incoming, &connection.content, &connection.outgoing];
    buffers.iter().all(|buffer| buffer.capacity() == 0)
}

#[tokio::test]
async fn what_is_said_arrives_both_ways_through_pipes_of_any_width() {
    for version in [&TLS13, &TLS12] {
        for room in [7, 300, CHUNK, 1 << 20] {
            let (server, client) = Sides::new(version).meet(room).await;
            let length = if room == 7 { 40_000 } else { 400_000 };
            let (mut from_server, mut to_server) = tokio::io::split(server);
            let (mut from_client, mut to_client) = tokio::io::split(client);
            let say = async |to: &mut (dyn AsyncWrite + Send + Unpin)| {
                for part in some(length).chunks(CHUNK + 1000) {
                    to.write_all(part).await.unwrap();
                }
                to.flush().await.unwrap();
            };
            let hear = async |from: &mut (dyn AsyncRead + Send + Unpin)| {
                let mut heard = vec![0; length];
                from.read_exact(&mut heard).await.unwrap();
                assert!(heard == some(length));
            };
            tokio::join!(
                say(&mut to_server),
                say(&mut to_client),
                hear(&mut from_server),
                hear(&mut from_client)
            );
        }
    }
}

#[tokio::test]
async fn who_waits_owns_no_buffer() {
    let (mut server, mut client) = Sides::new(&TLS13).meet(1 << 16).await;
    assert!(owns_no_buffer(&server));
    for _ in 0..3 {
        client.write_all(b"ping").await.unwrap();
        let mut heard = [0; 4];
        server.read_exact(&mut heard).await.unwrap();
        server.write_all(b"pong").await.unwrap();
        server.flush().await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        let wait = tokio::time::timeout(Duration::from_millis(5), server.read_u8());
        assert!(wait.await.is_err());
        assert!(owns_no_buffer(&server));
    }
}

#[tokio::test]
async fn what_two_connections_of_a_thread_say_stays_apart() {
    let sides = Sides::new(&TLS13);
    let (mut first, mut to_first) = sides.meet(1 << 16).await;
    let (mut second, mut to_second) = sides.meet(1 << 16).await;
    for round in 0..50_u8 {
        to_first.write_all(&[round; 100]).await.unwrap();
        to_second.write_all(&[255 - round; 5000]).await.unwrap();
        let (mut heard, mut other) = ([0; 100], [0; 5000]);
        // In parts, so that one has something left while the other reads.
        first.read_exact(&mut heard[..50]).await.unwrap();
        second.read_exact(&mut other).await.unwrap();
        first.read_exact(&mut heard[50..]).await.unwrap();
        assert!(heard == [round; 100] && other == [255 - round; 5000]);
    }
}

#[tokio::test]
async fn an_end_is_one_only_if_it_was_said() {
    let sides = Sides::new(&TLS13);
    let (mut server, mut client) = sides.meet(1 << 16).await;
    client.write_all(b"last words").await.unwrap();
    client.shutdown().await.unwrap();
    let mut heard = Vec::new();
    server.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"last words");
    // And what is said after the other side's end still arrives, with our own.
    server.write_all(b"goodbye").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(server.write(b"more").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"goodbye");

    let (mut server, client) = sides.meet(1 << 16).await;
    drop(client);
    assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn who_speaks_something_else_is_told_and_left() {
    let (near, mut far) = duplex(1 << 16);
    far.write_all(b"GET / HTTP/1.1\r\nHost: relay.test\r\n\r\n").await.unwrap();
    let sides = Sides::new(&TLS13);
    let refused = Encrypted::accept(sides.server.clone(), near).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    let mut told = Vec::new();
    far.read_to_end(&mut told).await.unwrap();
    // An alert (21), fatal (2).
    assert_eq!((told[0], told[5]), (21, 2), "{told:?}");

    // A handshake that announces more than may wait.
    let (near, mut far) = duplex(1 << 20);
    let mut record = vec![22, 3, 1, 0x40, 0];
    record.extend([1, 0xff, 0xff, 0xff]);
    record.resize(5 + 0x4000, 0);
    let refused = tokio::join!(Encrypted::accept(sides.server.clone(), near), async {
        for _ in 0..20 {
            if far.write_all(&record).await.is_err() {
                return;
            }
        }
        // Neither ended nor more to come: it must have been left by now.
        let _ = far.read_to_end(&mut Vec::new()).await;
    });
    assert_eq!(refused.0.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn the_protocol_inside_is_agreed_on_or_nothing_is() {
    let (server, _) = Sides::new(&TLS13).meet(1 << 16).await;
    assert_eq!(server.protocol(), Some(&b"h2"[..]));
    let (server, _) = Sides::speaking(&TLS13, &[]).meet(1 << 16).await;
    assert_eq!(server.protocol(), None);

    let sides = Sides::speaking(&TLS13, &[b"imap".to_vec()]);
    let (near, far) = duplex(1 << 16);
    let name = ServerName::try_from("relay.test").unwrap();
    let (server, client) =
        tokio::join!(Encrypted::accept(sides.server.clone(), near), sides.client.connect(name, far));
    assert_eq!(server.unwrap_err().kind(), io::ErrorKind::InvalidData);
    client.unwrap_err();
}

/// Turns over one bit of what passes, once so much has.
struct Forger {
    inner: DuplexStream,
    after: usize,
}

impl AsyncRead for Forger {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let new = &mut buffer.filled_mut()[before..];
        if self.after < new.len() {
            new[self.after] ^= 1;
            self.after = usize::MAX;
        } else if self.after != usize::MAX {
            self.after -= new.len();
        }
        polled
    }
}

impl AsyncWrite for Forger {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_refused() {
    let sides = Sides::new(&TLS13);
    let (near, far) = duplex(1 << 16);
    let forger = Forger { inner: near, after: usize::MAX };
    let name = ServerName::try_from("relay.test").unwrap();
    let (server, client) =
        tokio::join!(Encrypted::accept(sides.server.clone(), forger), sides.client.connect(name, far));
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    client.write_all(b"good").await.unwrap();
    let mut heard = [0; 4];
    server.read_exact(&mut heard).await.unwrap();
    server.stream.after = 9;
    client.write_all(b"evil").await.unwrap();
    assert_eq!(server.read_exact(&mut heard).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(client.read_u8().await.unwrap_err().to_string().contains("alert"));
}

#[tokio::test]
async fn no_bytes_at_all_make_it_panic() {
    let sides = Sides::new(&TLS13);
    let mut random = ChaCha20Rng::seed_from_u64(7);
    for round in 0..3000 {
        let (near, mut far) = duplex(1 << 20);
        let mut bytes = Vec::new();
        for _ in 0..1 + random.next_u32() % 6 {
            // Records with plausible heads, so that what is in them is looked at.
            let kind = [20, 21, 22, 22, 22, 23][random.next_u32() as usize % 6];
            let length = (random.next_u32() % if round % 10 == 0 { 17_000 } else { 300 }) as usize;
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            bytes.extend([kind, 3, 3, high, low]);
            let begin = bytes.len();
            bytes.resize(begin + length, 0);
            random.fill_bytes(&mut bytes[begin..]);
            if let Some(head) = bytes.get_mut(begin..begin + 4) {
                head.copy_from_slice(&[
                    1,
                    0,
                    (random.next_u32() % 3) as u8,
                    random.next_u32().to_le_bytes()[0],
                ]);
            }
        }
        far.write_all(&bytes).await.unwrap();
        far.shutdown().await.unwrap();
        Encrypted::accept(sides.server.clone(), near).await.unwrap_err();
    }
}
