//! The task of one socket. It alone reads and writes; what others have for it waits in its mailbox.
//!
//! Between two messages it owns no buffer: it is polled with one of its thread's.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use serve::Seat;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;
use wire::{close, frames::ClientFrame, limits};

use super::frames::{self, Decoder, Message, Violation};
use crate::{
    auth::Caller,
    businesses::Reach,
    queue::{
        Budget, Mailbox, Next, Origin, Queue,
        outbox::{HEADER, give_buffer},
    },
};

/// Bytes read at once.
const READ: usize = 64 << 10;
/// How long a socket that sends too much is not read.
const SLOW: Duration = Duration::from_millis(100);
/// How long a goodbye may take, and how many bytes of what the other side still says are read meanwhile: who said a
/// little too much should hear why.
const GOODBYE: Duration = Duration::from_secs(2);
const UNHEARD: usize = 2 * limits::FRAME;
/// How long it is read no further after each piece.
const SLOWLY: Duration = Duration::from_millis(5);
/// Bytes that a socket says before others have their turn.
const TURN: usize = 2 * READ;

thread_local! {
    static INPUT: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

pub(super) struct Connection<S> {
    stream: S,
    queue: Arc<Queue>,
    caller: Caller,
    /// Whom a business may write to.
    reach: Option<Box<Reach>>,
    mailbox: Arc<Mailbox>,
    /// What its account may send, shared with the account's other sockets.
    budget: Arc<Budget>,
    socket: u64,
    decoder: Decoder,
    writing: Vec<u8>,
    written: usize,
    /// Control frames, before what waits in the mailbox.
    control: Vec<u8>,
    /// A ping without an answer.
    pinged: bool,
    /// Its place among the connections of its address.
    _seat: Option<Seat>,
}

/// What the task does outside of a poll.
enum Step {
    Messages(Vec<Message>),
    Read(i64),
    Close(u16),
    /// The other side is gone.
    Gone,
    /// A newer socket took over.
    Replaced,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(stream: S, queue: Arc<Queue>, caller: Caller, seat: Option<Seat>) -> Self {
        queue.opened();
        let (mailbox, socket) = queue.attach(caller.key);
        let budget = queue.budget(caller.account);
        Self {
            stream,
            queue,
            caller,
            reach: None,
            mailbox,
            budget,
            socket,
            decoder: Decoder::default(),
            writing: Vec::new(),
            written: 0,
            control: Vec::new(),
            pinged: false,
            _seat: seat,
        }
    }

    /// Serves it to its end, beginning with what was read `early`. Boxed, as is whatever it only does now and then: the
    /// task of a connection that waits should be small, and a future has room for all that it might ever wait for.
    pub(super) async fn run(mut self: Box<Self>, early: Bytes) {
        let mut early = self.decode(&mut BytesMut::from(early));
        // It may have been removed since its credential was checked. From now on a removal finds this socket.
        match Box::pin(self.queue.knows(self.caller.key)).await {
            Ok(true) if Box::pin(self.look_whom()).await.is_err() => early = Some(Step::Close(close::AWAY)),
            // Whoever closed all sockets before this one was there.
            Ok(true) if self.queue.is_closing() => early = Some(Step::Close(close::AWAY)),
            Ok(true) => {}
            Ok(false) => early = Some(Step::Close(close::REMOVED)),
            Err(_) => early = Some(Step::Close(close::AWAY)),
        }
        let code = loop {
            let step = match early.take() {
                Some(step) => step,
                None => poll_fn(|context| self.poll(context)).await,
            };
            match step {
                Step::Messages(messages) => match Box::pin(self.take(messages)).await {
                    Ok(()) => {}
                    Err(code) => break Some(code),
                },
                Step::Read(after) => Box::pin(self.read_page(after)).await,
                Step::Close(code) => break Some(code),
                Step::Replaced => break Some(close::REPLACED),
                Step::Gone => break None,
            }
        };
        self.queue.detach(&self.mailbox, self.socket);
        if matches!(code, Some(close::PROTOCOL | close::INVALID | close::POLICY | close::TOO_LARGE)) {
            Box::pin(self.queue.broke_rules(&self.caller)).await;
        }
        if let Some(code) = code {
            // The other side may no longer listen.
            let _ = Box::pin(tokio::time::timeout(GOODBYE, self.say_goodbye(code))).await;
        }
    }

    /// Writes what waits, then reads what came, until there is something to do or nothing.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let mut heard = 0;
        loop {
            match self.poll_write(context) {
                Poll::Ready(Some(step)) => return Poll::Ready(step),
                Poll::Ready(None) => {}
                // Nothing is read meanwhile, unless what is written is all that the other side waits for. Whoever takes
                // nothing hears of no end either.
                Poll::Pending => {
                    match self.mailbox.ending(self.socket, context.waker()) {
                        Some(Next::Close(code)) => return Poll::Ready(Step::Close(code)),
                        Some(_) => return Poll::Ready(Step::Replaced),
                        None => {}
                    }
                    if self.mailbox.is_congested(self.socket) {
                        return Poll::Pending;
                    }
                }
            }
            if self.mailbox.is_congested(self.socket) {
                return Poll::Pending;
            }
            let (count, step) = ready!(self.poll_read(context));
            if let Some(step) = step {
                return Poll::Ready(step);
            }
            heard += count;
            if heard >= TURN {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// `Ready(None)`: all is written, and the mailbox will wake this task.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Option<Step>> {
        loop {
            while let Some(rest) = self.writing.get(self.written..).filter(|rest| !rest.is_empty()) {
                match ready!(Pin::new(&mut self.stream).poll_write(context, rest)) {
                    Ok(0) | Err(_) => return Poll::Ready(Some(Step::Gone)),
                    Ok(count) => self.written += count,
                }
            }
            give_buffer(std::mem::take(&mut self.writing));
            self.written = 0;
            if !self.control.is_empty() {
                self.writing = std::mem::take(&mut self.control);
                continue;
            }
            match self.mailbox.next(self.socket, context.waker()) {
                Next::Write(mut frame) => {
                    self.written = frames::put_header(&mut frame, HEADER);
                    self.writing = frame;
                }
                Next::Ping if self.pinged => return Poll::Ready(Some(Step::Close(close::TOO_SLOW))),
                Next::Ping => {
                    self.pinged = true;
                    self.control = frames::ping();
                }
                Next::Read(after) => return Poll::Ready(Some(Step::Read(after))),
                Next::Close(code) => return Poll::Ready(Some(Step::Close(code))),
                Next::Gone => return Poll::Ready(Some(Step::Replaced)),
                Next::Wait => {
                    // TLS holds back what it was given.
                    return match ready!(Pin::new(&mut self.stream).poll_flush(context)) {
                        Ok(()) => Poll::Ready(None),
                        Err(_) => Poll::Ready(Some(Step::Gone)),
                    };
                }
            }
        }
    }

    /// How much was read, and what is to be done for it.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<(usize, Option<Step>)> {
        INPUT.with_borrow_mut(|input| {
            input.reserve(READ);
            let count = match ready!(poll_read_buf(Pin::new(&mut self.stream), context, input)) {
                Ok(count) if count > 0 => count,
                _ => return Poll::Ready((0, Some(Step::Gone))),
            };
            self.pinged = false;
            Poll::Ready((count, self.decode(input)))
        })
    }

    /// What the bytes that arrived say, if they are enough to say something.
    fn decode(&mut self, input: &mut BytesMut) -> Option<Step> {
        let mut messages = Vec::new();
        match self.decoder.feed(input, |message| messages.push(message)) {
            Ok(()) if messages.is_empty() => None,
            Ok(()) => Some(Step::Messages(messages)),
            Err(Violation(code)) => Some(Step::Close(code)),
        }
    }

    async fn take(&mut self, messages: Vec<Message>) -> Result<(), u16> {
        for message in messages {
            match message {
                Message::Binary(bytes) => self.take_frame(bytes).await?,
                Message::Ping(payload) => {
                    // One answer suffices for many questions.
                    self.control = frames::pong(&payload);
                }
                Message::Pong => {}
                Message::Close(_) => return Err(1000),
            }
        }
        Ok(())
    }

    async fn take_frame(&mut self, bytes: Bytes) -> Result<(), u16> {
        let frame = ClientFrame::read(bytes).map_err(|_| close::INVALID)?;
        if self.reach.as_ref().is_some_and(|reach| self.queue.is_stale(reach)) {
            Box::pin(self.look_whom()).await?;
        }
        let mut welcome = true;
        for send in &frame.sends {
            let socket = (&self.mailbox, self.socket);
            let origin = Origin { caller: &self.caller, reach: self.reach.as_deref() };
            welcome &= match self.queue.accept_from_socket(origin, socket, &self.budget, send) {
                Ok(welcome) => welcome,
                Err(account) => {
                    // Boxed, so that the task is small while it has nothing to load.
                    let loaded = Box::pin(self.queue.load(account)).await;
                    self.queue.accept_loaded(origin, socket, send, loaded);
                    true
                }
            };
        }
        if frame.acknowledged > 0 {
            self.mailbox.acknowledged(&self.queue, self.socket, frame.acknowledged)?;
        }
        if !welcome {
            // Whoever floods is read slowly, and so refused slowly.
            Box::pin(tokio::time::sleep(SLOW)).await;
        }
        Ok(())
    }

    /// Looks whom a business may write to.
    async fn look_whom(&mut self) -> Result<(), u16> {
        let reach = self.queue.reach(&self.caller).await.map_err(|_| close::AWAY)?;
        self.reach = reach.map(Box::new);
        Ok(())
    }

    async fn read_page(&mut self, after: i64) {
        match self.queue.page(self.caller.key, after).await {
            Ok(page) => {
                self.mailbox.deliver(self.socket, page, |envelope| self.queue.is_expired(envelope));
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what waits for a device could not be read");
                self.mailbox.close(close::AWAY, None);
            }
        }
    }

    /// Writes what was begun and the code, and waits until the other side closes.
    async fn say_goodbye(&mut self, code: u16) -> std::io::Result<()> {
        use tokio::io::AsyncWriteExt as _;
        let rest = self.writing.get(self.written..).unwrap_or_default().to_vec();
        self.stream.write_all(&rest).await?;
        self.stream.write_all(&frames::goodbye(code)).await?;
        self.stream.flush().await?;
        self.stream.shutdown().await?;
        // Closed while something is unread, the system would cut off the goodbye.
        let mut unheard = 0;
        while unheard < UNHEARD {
            match poll_fn(|context| self.poll_ignore(context)).await? {
                0 => break,
                count => unheard += count,
            }
            tokio::time::sleep(SLOWLY).await;
        }
        Ok(())
    }

    /// Reads what nobody wants to know into its thread's buffer.
    fn poll_ignore(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        INPUT.with_borrow_mut(|input| {
            input.reserve(READ);
            let read = poll_read_buf(Pin::new(&mut self.stream), context, input);
            input.clear();
            read
        })
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.queue.ended();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that a future of this function has.
    fn size<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_that_waits_is_small() {
        type Plain = Connection<tokio::net::TcpStream>;
        let (task, connection) = (size(Plain::run), size_of::<Plain>());
        assert!(task <= 256 && connection <= 384, "{task} and {connection} bytes");
    }
}
