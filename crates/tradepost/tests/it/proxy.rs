//! A proxy that records what goes through it, both ways, as the relay sees it.

use std::{
    io::{Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// One direction of each connection.
type Streams = Arc<Mutex<Vec<Vec<u8>>>>;

pub(crate) struct Proxy {
    pub(crate) url: String,
    streams: Streams,
}

impl Proxy {
    /// Before this relay. Its threads end with the test.
    pub(crate) fn before(relay: &str) -> Self {
        let relay = relay.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let streams = Streams::default();
        let recorded = streams.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&relay).unwrap());
                let both = [(&client, &server), (&server, &client)];
                for (from, to) in both.map(|(from, to)| (from.try_clone().unwrap(), to.try_clone().unwrap()))
                {
                    let streams = recorded.clone();
                    thread::spawn(move || copy(from, to, &streams));
                }
            }
        });
        Self { url, streams }
    }

    /// Everything that went through, with the masks of WebSockets taken off.
    pub(crate) fn seen(&self) -> Vec<Vec<u8>> {
        let streams = self.streams.lock().unwrap();
        streams.iter().map(|stream| unmasked(stream).unwrap_or_else(|| stream.clone())).collect()
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, streams: &Streams) {
    let place = {
        let mut streams = streams.lock().unwrap();
        streams.push(Vec::new());
        streams.len() - 1
    };
    let mut buffer = [0; 65_536];
    loop {
        match from.read(&mut buffer) {
            Ok(read) if read > 0 => {
                streams.lock().unwrap()[place].extend_from_slice(&buffer[..read]);
                if to.write_all(&buffer[..read]).is_err() {
                    return;
                }
            }
            _ => {
                // It may be closed already.
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}

/// What a client said on a WebSocket: frames are masked (RFC 6455, section 5.3).
fn unmasked(stream: &[u8]) -> Option<Vec<u8>> {
    let head = stream.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let request = String::from_utf8_lossy(&stream[..head]).to_lowercase();
    if !request.starts_with("get ") || !request.contains("upgrade: websocket") {
        return None;
    }
    let mut clear = stream[..head].to_vec();
    let mut rest = &stream[head..];
    while rest.len() >= 2 {
        let (len, skip) = match rest[1] & 127 {
            126 => (usize::from(u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(rest.get(2..10)?.try_into().ok()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        assert!(rest[1] & 128 != 0, "a client masks");
        let mask = rest.get(skip..skip + 4)?;
        let body = rest.get(skip + 4..skip + 4 + len)?;
        clear.extend(body.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        rest = &rest[skip + 4 + len..];
    }
    Some(clear)
}
