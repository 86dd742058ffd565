//! TLS below HTTP. All that is of TLS is rustls's; this moves bytes between it and the socket.
//!
//! rustls's own stream keeps 4 KiB for reading, always. Here a connection that waits owns no buffer: buffers belong to
//! the thread, a connection has one as long as there is something in it, and only an empty one is passed on.

use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustls::{
    ServerConfig,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are read at once, and enciphered at once: what a record holds.
const CHUNK: usize = 16 << 10;
/// Bytes that may wait for the rest of what they belong to: a record is not longer than 16.3 KiB, but a message of the
/// handshake may come in several.
const MOST: usize = 64 << 10;
/// What a record is longer than its content, at most, with room to spare; rustls says if it was too little.
const OVERHEAD: usize = 64;

thread_local! {
    static INCOMING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTGOING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The server's side of a connection with TLS.
pub struct Encrypted<S> {
    stream: S,
    session: UnbufferedServerConnection,
    /// What came and is no whole record yet.
    incoming: Vec<u8>,
    /// What was deciphered and is not taken yet.
    content: Vec<u8>,
    /// How much of `content` is taken.
    taken: usize,
    /// Records that are to be written.
    outgoing: Vec<u8>,
    /// How much of `outgoing` is written.
    written: usize,
    /// The other side said that it writes no more.
    ended: bool,
    /// We have said so.
    closed: bool,
}

/// What is to be said once the session can.
#[derive(Clone, Copy)]
enum Say<'a> {
    Nothing,
    Content(&'a [u8]),
    Goodbye,
}

impl<S> fmt::Debug for Encrypted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Encrypted<S> {
    /// Does the handshake.
    ///
    /// # Errors
    /// If the other side does not speak TLS, or not one that both can; it is told why.
    pub async fn accept(config: Arc<ServerConfig>, stream: S) -> io::Result<Self> {
        let session = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        let mut connection = Self {
            stream,
            session,
            incoming: Vec::new(),
            content: Vec::new(),
            taken: 0,
            outgoing: Vec::new(),
            written: 0,
            ended: false,
            closed: false,
        };
        poll_fn(|context| connection.poll_handshake(context)).await?;
        Ok(connection)
    }

    /// The protocol that was agreed on for what is inside.
    #[must_use]
    pub fn protocol(&self) -> Option<&[u8]> {
        self.session.alpn_protocol()
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.advance(context, Say::Nothing)?;
            let drained = self.poll_drain(context)?;
            if !self.session.is_handshaking() {
                // What is left of it, such as tickets, is written by whoever reads or writes first: the other side may
                // not listen yet.
                return Poll::Ready(Ok(()));
            }
            ready!(drained);
            ready!(self.poll_fill(context))?;
        }
    }

    /// Takes what came as far as it is whole, and says this.
    fn advance(&mut self, context: &mut Context<'_>, say: Say<'_>) -> io::Result<()> {
        let result = self.process(say);
        if result.is_err() {
            // Whoever is on the other side is told what was wrong, if that can be done at once.
            self.gather_alert();
            let _ = self.poll_drain(context);
        }
        result
    }

    fn process(&mut self, say: Say<'_>) -> io::Result<()> {
        loop {
            let status = self.session.process_tls_records(&mut self.incoming);
            let mut discard = status.discard;
            let mut waits = false;
            let state = match status.state {
                Ok(state) => state,
                Err(error) => {
                    self.incoming.drain(..discard.min(self.incoming.len()));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            };
            match state {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        discard += record.discard;
                        self.content.extend_from_slice(record.payload);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    write(&mut self.outgoing, 0, |room| match data.encode(room) {
                        Ok(length) => Ok(Ok(length)),
                        Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
                            Ok(Err(required_size))
                        }
                        Err(error) => Err(io::Error::other(error)),
                    })?;
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    waits = true;
                    let length = match say {
                        Say::Nothing => None,
                        Say::Content(content) => Some(content.len()),
                        Say::Goodbye => Some(0),
                    };
                    let encipher = |room: &mut [u8]| {
                        let enciphered = match say {
                            Say::Content(content) => traffic.encrypt(content, room),
                            _ => traffic.queue_close_notify(room),
                        };
                        match enciphered {
                            Ok(length) => Ok(Ok(length)),
                            Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
                                Ok(Err(required_size))
                            }
                            Err(error) => Err(io::Error::other(error)),
                        }
                    };
                    if let Some(length) = length {
                        write(&mut self.outgoing, length + OVERHEAD, encipher)?;
                    }
                }
                ConnectionState::PeerClosed => self.ended = true,
                ConnectionState::Closed => {
                    self.ended = true;
                    if matches!(say, Say::Content(_)) {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                    waits = true;
                }
                ConnectionState::BlockedHandshake => {
                    if !matches!(say, Say::Nothing) {
                        return Err(io::ErrorKind::NotConnected.into());
                    }
                    waits = true;
                }
                // Data before the handshake's end is not asked for.
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
            self.incoming.drain(..discard.min(self.incoming.len()));
            if self.incoming.is_empty() {
                give_back(&INCOMING, &mut self.incoming);
            }
            if waits {
                self.incoming.shrink_to_fit();
                return Ok(());
            }
        }
    }

    /// Takes the alert, if there is one. rustls gives it before it looks at what came.
    fn gather_alert(&mut self) {
        let state = self.session.process_tls_records(&mut self.incoming).state;
        if let Ok(ConnectionState::EncodeTlsData(mut data)) = state {
            let begin = self.outgoing.len();
            self.outgoing.resize(begin + CHUNK, 0);
            let length = data.encode(self.outgoing.get_mut(begin..).unwrap_or_default()).unwrap_or(0);
            self.outgoing.truncate(begin + length);
        }
    }

    /// Reads once.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.incoming.len() >= MOST {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        if self.incoming.capacity() == 0 {
            self.incoming = INCOMING.take();
        }
        let begin = self.incoming.len();
        self.incoming.resize(begin + CHUNK, 0);
        let mut buffer = ReadBuf::new(self.incoming.get_mut(begin..).unwrap_or_default());
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        let length = buffer.filled().len();
        self.incoming.truncate(begin + length);
        if self.incoming.is_empty() {
            give_back(&INCOMING, &mut self.incoming);
        } else if polled.is_pending() {
            self.incoming.shrink_to_fit();
        }
        ready!(polled)?;
        // An end without a word might be somebody else's doing.
        Poll::Ready(if length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) })
    }

    /// Writes what is to be written.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.outgoing.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.written += length,
            }
        }
        if self.outgoing.capacity() > 0 {
            self.written = 0;
            self.outgoing.clear();
            give_back(&OUTGOING, &mut self.outgoing);
        }
        Poll::Ready(Ok(()))
    }

    /// Gives what was deciphered, as much as there is room for.
    fn take(&mut self, buffer: &mut ReadBuf<'_>) {
        let rest = self.content.get(self.taken..).unwrap_or_default();
        let part = rest.get(..buffer.remaining()).unwrap_or(rest);
        buffer.put_slice(part);
        self.taken += part.len();
        if self.taken == self.content.len() {
            self.taken = 0;
            self.content = Vec::new();
        }
    }
}

/// Appends what `encode` writes, which says how much that was, or how much room it needs.
fn write(
    outgoing: &mut Vec<u8>,
    expected: usize,
    mut encode: impl FnMut(&mut [u8]) -> io::Result<Result<usize, usize>>,
) -> io::Result<()> {
    if outgoing.capacity() == 0 {
        *outgoing = OUTGOING.take();
    }
    let (begin, mut room) = (outgoing.len(), expected);
    loop {
        outgoing.resize(begin + room, 0);
        let error = match encode(outgoing.get_mut(begin..).unwrap_or_default()) {
            Ok(Ok(length)) => {
                outgoing.truncate(begin + length);
                return Ok(());
            }
            Ok(Err(required)) if required > room => {
                room = required;
                continue;
            }
            Ok(Err(_)) => io::ErrorKind::InvalidData.into(),
            Err(error) => error,
        };
        outgoing.truncate(begin);
        return Err(error);
    }
}

/// Leaves an empty buffer to the thread's next connection.
fn give_back(place: &'static std::thread::LocalKey<RefCell<Vec<u8>>>, buffer: &mut Vec<u8>) {
    let buffer = mem::take(buffer);
    if buffer.is_empty() && buffer.capacity() <= 4 * CHUNK {
        place.set(buffer);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.content.is_empty() {
                this.take(buffer);
                return Poll::Ready(Ok(()));
            }
            if this.ended || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            // What TLS itself has to say, such as the end of the handshake: nobody else might write it.
            if let Poll::Ready(written) = this.poll_drain(context) {
                written?;
            }
            ready!(this.poll_fill(context))?;
            this.advance(context, Say::Nothing)?;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_drain(context))?;
        let content = bytes.get(..CHUNK).unwrap_or(bytes);
        if content.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        this.advance(context, Say::Content(content))?;
        // It is taken; what cannot be written yet is before the next, or at the flush.
        if let Poll::Ready(written) = this.poll_drain(context) {
            written?;
        }
        Poll::Ready(Ok(content.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            this.closed = true;
            this.advance(context, Say::Goodbye)?;
        }
        ready!(this.poll_drain(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
