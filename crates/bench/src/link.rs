//! A socket of a device: RFC 6455 by hand, so that the generator costs little and an idle connection owns no buffer.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::io::poll_read_buf;
use wire::{
    Message as _,
    frames::{ClientFrame, ServerFrame},
};

use super::{
    BenchError,
    error::Tried as _,
    place::{Place, Stream},
};

type ReadHalf = Pin<Box<dyn AsyncRead>>;
type WriteHalf = Pin<Box<dyn AsyncWrite>>;

/// Bytes read at once.
const READ: usize = 256 << 10;
/// Bytes of a frame's header at most: two, a length of eight, a mask of four.
const HEADER: usize = 14;
/// The example of RFC 6455, section 1.3, and the only answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

thread_local! {
    static INPUT: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Both directions of one.
pub(crate) struct Link {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Link {
    /// Logs in: the socket is open.
    pub(crate) async fn open(place: &Place, token: &str) -> Result<Self, BenchError> {
        let mut stream = place.connect().await?;
        let request = format!(
            "GET /v1/socket HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.tried("asking for a socket")?;
        stream.flush().await.tried("asking for a socket")?;
        let mut input = BytesMut::with_capacity(1024);
        let end = loop {
            if let Some(end) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut input).await.tried("waiting for a socket")? == 0 {
                return Err(BenchError::Closed(None));
            }
        };
        let head = input.split_to(end);
        let head = String::from_utf8_lossy(&head);
        if !head.starts_with("HTTP/1.1 101 ") || !head.contains(ACCEPT) {
            return Err(BenchError::Protocol(format!("a socket was answered with {head}")));
        }
        // What came behind the answer has to be looked at before anything more is waited for.
        let unseen = !input.is_empty();
        let partial = BytesMut::from(&input[..]);
        let (reader, writer): (ReadHalf, WriteHalf) = match stream {
            Stream::Plain(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::pin(reader), Box::pin(writer))
            }
            stream @ Stream::Tls(_) => {
                let (reader, writer) = tokio::io::split(stream);
                (Box::pin(reader), Box::pin(writer))
            }
        };
        Ok(Self {
            reader: Reader { stream: reader, partial, unseen, ping: None },
            writer: Writer { stream: writer },
        })
    }
}

/// What comes from the relay.
pub(crate) struct Reader {
    stream: ReadHalf,
    /// The beginning of a frame; without memory between frames.
    partial: BytesMut,
    unseen: bool,
    ping: Option<Bytes>,
}

impl Reader {
    /// Waits for bytes, reads once and hands over every frame that is now whole.
    pub(crate) async fn read(&mut self, mut take: impl FnMut(ServerFrame)) -> Result<(), BenchError> {
        poll_fn(|context| self.poll(context, &mut take)).await
    }

    /// What has to be answered, if the relay asked whether anybody is there.
    pub(crate) fn ping(&mut self) -> Option<Bytes> {
        self.ping.take()
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        take: &mut impl FnMut(ServerFrame),
    ) -> Poll<Result<(), BenchError>> {
        if std::mem::take(&mut self.unseen) {
            let mut partial = std::mem::take(&mut self.partial);
            self.feed(&mut partial, take)?;
            self.partial = partial;
            return Poll::Ready(Ok(()));
        }
        INPUT.with_borrow_mut(|input| {
            input.reserve(READ);
            let read = ready!(poll_read_buf(self.stream.as_mut(), context, input));
            if read.tried("reading from a socket")? == 0 {
                return Poll::Ready(Err(BenchError::Closed(None)));
            }
            let fed = self.feed_shared(input, take);
            // Also after an error: the next socket of this thread reads into it.
            input.clear();
            Poll::Ready(fed)
        })
    }

    fn feed_shared(
        &mut self,
        input: &mut BytesMut,
        take: &mut impl FnMut(ServerFrame),
    ) -> Result<(), BenchError> {
        if self.partial.is_empty() {
            self.feed(input, take)?;
            if !input.is_empty() {
                self.partial = BytesMut::from(&input[..]);
            }
        } else {
            let mut partial = std::mem::take(&mut self.partial);
            partial.extend_from_slice(input);
            self.feed(&mut partial, take)?;
            if !partial.is_empty() {
                self.partial = partial;
            }
        }
        Ok(())
    }

    fn feed(&mut self, input: &mut BytesMut, take: &mut impl FnMut(ServerFrame)) -> Result<(), BenchError> {
        while let Some((opcode, payload)) = frame(input)? {
            match opcode {
                2 => take(
                    ServerFrame::decode(payload).map_err(|error| BenchError::Protocol(error.to_string()))?,
                ),
                8 => {
                    let code = payload.get(..2).and_then(|code| code.try_into().ok());
                    return Err(BenchError::Closed(code.map(u16::from_be_bytes)));
                }
                9 => self.ping = Some(payload),
                10 => {}
                opcode => return Err(BenchError::Protocol(format!("opcode {opcode}"))),
            }
        }
        Ok(())
    }
}

/// The next whole frame of a server: not masked, and the relay does not cut messages.
fn frame(input: &mut BytesMut) -> Result<Option<(u8, Bytes)>, BenchError> {
    let [first, second, rest @ ..] = &input[..] else { return Ok(None) };
    let opcode = first & 0x0f;
    if first & 0xf0 != 0x80 || second & 0x80 != 0 {
        return Err(BenchError::Protocol(format!("a frame that begins with {first:#x} {second:#x}")));
    }
    let (header, length) = match second {
        126 => match rest.split_first_chunk() {
            Some((length, _)) => (4, u64::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, _)) => (10, u64::from_be_bytes(*length)),
            None => return Ok(None),
        },
        length => (2, u64::from(*length)),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= 16 << 20);
    let length = length.ok_or_else(|| BenchError::Protocol("a frame over 16 MiB".to_owned()))?;
    if input.len() < header + length {
        return Ok(None);
    }
    input.advance(header);
    Ok(Some((opcode, input.split_to(length).freeze())))
}

/// What goes to the relay.
pub(crate) struct Writer {
    stream: WriteHalf,
}

impl Writer {
    /// Writes a frame in one go.
    pub(crate) async fn write(&mut self, frame: &mut Frame) -> Result<(), BenchError> {
        self.stream.write_all(frame.finished(2)).await.tried("writing to a socket")?;
        self.stream.flush().await.tried("writing to a socket")
    }

    /// Says that everything up to this delivery is safe.
    pub(crate) async fn acknowledge(&mut self, number: u64, frame: &mut Frame) -> Result<(), BenchError> {
        frame.clear();
        let acknowledgement = ClientFrame { sends: Vec::new(), acknowledged: number };
        frame.payload().extend(acknowledgement.encode_to_vec());
        self.write(frame).await
    }

    /// Answers a ping.
    pub(crate) async fn pong(&mut self, payload: &[u8]) -> Result<(), BenchError> {
        let mut frame = Frame::default();
        frame.payload().extend_from_slice(payload);
        self.stream.write_all(frame.finished(10)).await.tried("answering a ping")?;
        self.stream.flush().await.tried("answering a ping")
    }
}

/// A frame that is being put together, with room for its header in front.
#[derive(Debug)]
pub(crate) struct Frame(Vec<u8>);

impl Default for Frame {
    fn default() -> Self {
        Self(vec![0; HEADER])
    }
}

impl Frame {
    pub(crate) fn clear(&mut self) {
        self.0.truncate(HEADER);
    }

    /// Where encoded protobuf is appended.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The bytes of the frame. It is masked, as a client's must be, with zeros, which change nothing.
    fn finished(&mut self, opcode: u8) -> &[u8] {
        let length = self.0.len() - HEADER;
        let mut header = [0; HEADER];
        header[0] = 0x80 | opcode;
        let size = if let Some(short) = u8::try_from(length).ok().filter(|length| *length < 126) {
            header[1] = 0x80 | short;
            6
        } else if let Ok(length) = u16::try_from(length) {
            header[1] = 0x80 | 126;
            header[2..4].copy_from_slice(&length.to_be_bytes());
            8
        } else {
            header[1] = 0x80 | 127;
            header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            HEADER
        };
        let start = HEADER - size;
        self.0[start..HEADER].copy_from_slice(&header[..size]);
        &self.0[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_how_long_the_payload_is() {
        for (length, begin) in [
            (5, vec![0x82, 0x85]),
            (200, vec![0x82, 0xfe, 0, 200]),
            (70_000, vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
        ] {
            let mut frame = Frame::default();
            frame.payload().extend(vec![9; length]);
            let begin = [begin, vec![0; 4], vec![9; length]].concat();
            assert_eq!(frame.finished(2), begin);
            frame.clear();
            assert_eq!(frame.finished(2).len(), 6);
        }
    }

    /// Sockets share their thread's buffer.
    #[tokio::test]
    async fn what_stands_behind_a_goodbye_is_nobodys() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut readers = Vec::new();
        for said in [&[0x88, 2, 0x03, 0xe9, 0x82, 126][..], &[0x82, 2, 0x20, 1]] {
            let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut relay, _) = listener.accept().await.unwrap();
            relay.write_all(said).await.unwrap();
            let (stream, writer) = stream.into_split();
            readers.push((
                Reader { stream: Box::pin(stream), partial: BytesMut::new(), unseen: false, ping: None },
                writer,
                relay,
            ));
        }
        let closed = readers[0].0.read(|_| ()).await;
        assert!(matches!(closed, Err(BenchError::Closed(Some(1001)))), "{closed:?}");
        let mut frames = Vec::new();
        readers[1].0.read(|frame| frames.push(frame)).await.unwrap();
        assert!(frames.len() == 1 && frames[0].drained);
    }

    #[test]
    fn frames_come_whole_however_they_are_cut() {
        let mut bytes = vec![0x82, 3, 1, 2, 3, 0x82, 126, 0, 130];
        bytes.extend([7; 130]);
        bytes.extend([0x89, 0]);
        let mut input = BytesMut::new();
        let mut found = Vec::new();
        for byte in bytes {
            input.extend([byte]);
            while let Some((opcode, payload)) = frame(&mut input).unwrap() {
                found.push((opcode, payload.len()));
            }
        }
        assert_eq!(found, [(2, 3), (2, 130), (9, 0)]);
        assert!(frame(&mut BytesMut::from(&[0x82, 0x83, 0, 0][..])).is_err());
    }
}
