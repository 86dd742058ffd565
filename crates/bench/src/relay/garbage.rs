//! What makes no sense: frames on sockets, bodies of requests.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::{JoinSet, yield_now},
    time::timeout,
};

use super::{BenchError, error::Tried as _, flood::Effect, http::Http, place::Place};

/// Sockets at the same time, of which every other one has a credential; and connections with requests.
pub(super) const SOCKETS: usize = 400;
pub(super) const CONNECTIONS: usize = 200;
/// Bytes of the largest piece that is sent.
const LARGEST: usize = 64 << 10;
/// Bytes of a body that is larger than any that is taken, and how many of them are sent.
const OVERSIZED: usize = 64 << 20;
const SENT_OF_IT: usize = 2 << 20;
/// How long a socket is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Numbers that look random.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % most.max(1)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let words = length.div_ceil(4);
        let bytes = (0..words).flat_map(|_| self.next().to_le_bytes().into_iter().take(4));
        bytes.take(length).collect()
    }
}

/// Opens sockets, says nonsense until the relay closes them, and opens new ones.
pub(super) async fn frames(place: &Place, tokens: &[String], effect: &Arc<Effect>) {
    let mut tasks = JoinSet::new();
    for number in 0..SOCKETS {
        let token =
            (number % 2 == 0).then(|| tokens.get(number / 2 % tokens.len().max(1)).cloned()).flatten();
        let (place, effect) = (place.clone(), effect.clone());
        let mut noise = Noise(number as u64);
        tasks.spawn_local(async move {
            loop {
                // Closed by the relay, or there is no place for it just now: both are refusals.
                let _ = one_socket(&place, token.as_deref(), &mut noise, &effect).await;
                effect.refused.fetch_add(1, Relaxed);
                yield_now().await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn one_socket(
    place: &Place,
    token: Option<&str>,
    noise: &mut Noise,
    effect: &Effect,
) -> Result<(), BenchError> {
    let mut stream = place.connect().await?;
    let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let handshake = format!(
        "GET /v1/socket HTTP/1.1\r\nHost: {place}\r\n{credential}Connection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(handshake.as_bytes()).await.tried("asking for a socket")?;
    stream.flush().await.tried("asking for a socket")?;
    effect.done.fetch_add(1, Relaxed);
    let length = 1 + noise.below(LARGEST);
    let nonsense = match noise.below(4) {
        // No frame at all.
        0 => noise.bytes(length),
        // A whole frame, binary and masked, with nothing that means anything.
        1 => framed(0x82, length as u64, &noise.bytes(length)),
        // One that says that it is far larger than it may be.
        2 => framed(0x82, u64::MAX >> 1, &noise.bytes(length)),
        // Pieces that never end.
        _ => {
            let piece = framed(0x00, LARGEST as u64, &noise.bytes(LARGEST));
            [framed(0x02, LARGEST as u64, &noise.bytes(LARGEST)), piece.repeat(17)].concat()
        }
    };
    // It may be closed before all of it is taken; why, it says itself.
    let _ = stream.write_all(&nonsense).await;
    let _ = stream.flush().await;
    let mut answer = [0; 512];
    let end = async {
        while stream.read(&mut answer).await.tried("waiting for the end of a socket")? > 0 {}
        Ok(())
    };
    // What is the beginning of something is waited for by the relay too.
    timeout(PATIENCE, end).await.unwrap_or(Ok(()))
}

/// RFC 6455, section 5.2, with a mask that changes nothing.
fn framed(first: u8, length: u64, payload: &[u8]) -> Vec<u8> {
    let head = [&[first, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    [head, payload.to_vec()].concat()
}

/// Sends requests with bodies that are none, or far too large.
pub(super) async fn bodies(place: &Place, tokens: &[String], effect: &Arc<Effect>) {
    let mut tasks = JoinSet::new();
    for number in 0..CONNECTIONS {
        let token = tokens.get(number % tokens.len().max(1)).cloned().unwrap_or_default();
        let (place, effect) = (place.clone(), effect.clone());
        let mut noise = Noise(number as u64);
        tasks.spawn_local(async move {
            loop {
                // Cut off while it still sends: a refusal too.
                if one_connection(&place, &token, &mut noise, &effect).await.is_err() {
                    effect.refused.fetch_add(1, Relaxed);
                }
                yield_now().await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Requests on one connection until it is closed.
async fn one_connection(
    place: &Place,
    token: &str,
    noise: &mut Noise,
    effect: &Effect,
) -> Result<(), BenchError> {
    let mut http = Http::connect(place).await?;
    let json = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
    loop {
        effect.done.fetch_add(1, Relaxed);
        let length = noise.below(LARGEST);
        let (method, path, body) = match noise.below(5) {
            0 => ("POST", "/v1/registration", noise.bytes(length)),
            1 => ("PUT", "/v1/keys", b"[".repeat(length.max(1))),
            2 => ("POST", "/v1/blobs", [b"{\"size\": 1", &b"0".repeat(length)[..]].concat()),
            3 => ("PUT", "/v1/profile", noise.bytes(length)),
            _ => {
                http.begin("POST", "/v1/accounts/lookup", &json, OVERSIZED, &noise.bytes(SENT_OF_IT)).await?;
                let (status, _) = http.answer().await?;
                // Whoever was answered before the end of its body goes.
                judge(status, effect);
                return Ok(());
            }
        };
        http.begin(method, path, &json, body.len(), &body).await?;
        let (status, _) = http.answer().await?;
        judge(status, effect);
    }
}

/// Nonsense is refused; anything else is the relay's mistake.
fn judge(status: u16, effect: &Effect) {
    let refused = (400..500).contains(&status) || status == 503;
    if refused { &effect.refused } else { &effect.wrong }.fetch_add(1, Relaxed);
}
