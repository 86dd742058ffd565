//! The connection: opened, kept, and opened again.

use std::{
    sync::{
        PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use wire::{
    AccountId, Message as _, close,
    frames::{ClientFrame, Send, ServerFrame},
};

use super::{
    Device,
    lanes::{Lane, Wanted},
};
use crate::{Connection, Error, Event, LinkError, link::Socket, records::EntryState};

/// Milliseconds before the first try to connect again; doubled with each, to at most [`LONGEST`].
const FIRST: u64 = 500;
const LONGEST: u64 = 60_000;
/// Milliseconds after which a connection was a good one.
const LASTING: u64 = 30_000;
/// Milliseconds after which an unanswered send means that the socket is dead.
const ANSWER: u64 = 60_000;
/// Deliveries, or answers to sends, with which no further frame is waited for.
const TOGETHER: usize = 256;
/// Accounts whose keys are fetched at the same time.
const FETCHES: usize = 8;
/// Milliseconds between looks at what is due.
const UPKEEP: u64 = 60_000;

/// Milliseconds between questions to the relay about what is due.
const ASK: u64 = 3_600_000;

/// Why [`Device::run`] returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// [`Device::stop`] was called.
    Stopped,
    /// A newer socket of the same device took over: somebody else runs it.
    Replaced,
    /// The device was removed, or its account deleted. What it keeps can still be read.
    Removed,
}

/// What the reader and the writer of one socket share.
#[derive(Default)]
struct Pipe {
    /// Everything up to this delivery is safe here.
    safe: AtomicU64,
    written: AtomicU64,
}

/// How a connection ended.
enum Lost {
    /// To be tried again, after this time at least.
    Again {
        at_least: u64,
    },
    Ended(Ended),
}

impl Device {
    /// Keeps the device connected: receives, sends what waits, renews prekeys, lets messages disappear. Returns when it
    /// is stopped, or connecting again would be wrong. Dropping it is safe at any moment.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it runs already; [`Error::Stalled`]; [`Error::Vault`] and [`Error::Damaged`]: what cannot be stored is not acknowledged.
    pub async fn run(&self) -> Result<Ended, Error> {
        if self.0.running.swap(true, Ordering::AcqRel) {
            return Err(Error::Invalid("the device runs already"));
        }
        let running = Running(self);
        let mut failures = 0;
        loop {
            let began = self.now();
            let heard = AtomicBool::new(false);
            let lost = tokio::select! {
                lost = self.connection(&heard) => lost?,
                () = self.0.stop.notified() => Lost::Ended(Ended::Stopped),
            };
            let at_least = match lost {
                Lost::Again { at_least } => at_least,
                Lost::Ended(ended) => {
                    let connection = match ended {
                        Ended::Stopped => None,
                        Ended::Replaced => Some(Connection::Replaced),
                        Ended::Removed => Some(Connection::Removed),
                    };
                    connection.into_iter().for_each(|connection| self.tell(connection));
                    drop(running);
                    return Ok(ended);
                }
            };
            // A relay that speaks and then hangs up is not to be rushed; a network that comes and goes is no relay's fault.
            failures = match heard.into_inner() {
                true if self.now() >= began + LASTING => 0,
                true => (failures + 1).min(4),
                false => failures + 1,
            };
            let longest = (FIRST << failures.min(7)).min(LONGEST);
            let retry_in_ms = self.between(longest / 2, longest).await?.max(at_least);
            self.tell(Connection::Offline { retry_in_ms });
            tokio::select! {
                () = self.0.clock.sleep(Duration::from_millis(retry_in_ms)) => {}
                () = self.0.stop.notified() => return Ok(Ended::Stopped),
            }
        }
    }

    fn tell(&self, connection: Connection) {
        self.0.readers.tell(&Event::Connection { connection });
    }

    /// A random time, so that those who lost their relay together do not come back together.
    async fn between(&self, low: u64, high: u64) -> Result<u64, Error> {
        let random = self.rng().await?.next_u64();
        Ok(low + random % (high - low + 1))
    }

    async fn connection(&self, heard: &AtomicBool) -> Result<Lost, Error> {
        let socket = match self.0.link.open(&self.0.token).await {
            Ok(socket) => socket,
            Err(error) => return Ok(lost(&error)),
        };
        self.transient().clear();
        self.0.lanes.reset(self.waiting().await?);
        self.tell(Connection::Online);
        let pipe = Pipe::default();
        let outcome = tokio::select! {
            outcome = self.read(&*socket, &pipe, heard) => outcome,
            outcome = self.write(&*socket, &pipe) => outcome,
            outcome = self.fetch() => outcome,
            outcome = self.upkeep() => outcome,
        };
        socket.close().await;
        match outcome {
            Err(Error::Link(error)) => Ok(lost(&error)),
            Err(error) => Err(error),
            Ok(never) => match never {},
        }
    }

    async fn read(
        &self,
        socket: &dyn Socket,
        pipe: &Pipe,
        heard: &AtomicBool,
    ) -> Result<std::convert::Infallible, Error> {
        loop {
            self.0.readers.room().await;
            self.room_in_feed().await;
            let mut frame = decoded(socket.next().await?)?;
            heard.store(true, Ordering::Relaxed);
            // What has come meanwhile is taken with it: one save for all of it. After an error nothing more is read, for what
            // stood there is missing.
            let mut broken = None;
            while frame.deliveries.len() < TOGETHER && frame.sent.len() < TOGETHER && broken.is_none() {
                match socket.next().now_or_never() {
                    Some(Ok(next)) => join(&mut frame, decoded(next)?),
                    Some(Err(error)) => broken = Some(error),
                    None => break,
                }
            }
            if let Some(safe) = self.take_in(&frame.deliveries, &frame.sent, &frame.refusals).await? {
                pipe.safe.fetch_max(safe, Ordering::AcqRel);
                self.0.lanes.wake.notify_one();
            }
            if frame.drained {
                self.0.readers.tell(&Event::Drained);
            }
            if frame.prekeys_left.is_some() {
                self.0.prekeys_low.notify_one();
            }
            if let Some(error) = broken {
                return Err(error.into());
            }
        }
    }

    async fn write(&self, socket: &dyn Socket, pipe: &Pipe) -> Result<std::convert::Infallible, Error> {
        loop {
            let mut sends = self.next_sends().await?;
            sends.extend(self.transient().drain(..));
            let safe = pipe.safe.load(Ordering::Acquire);
            let news = safe > pipe.written.swap(safe, Ordering::AcqRel);
            if news || !sends.is_empty() {
                for frame in frames(sends, if news { safe } else { 0 }) {
                    socket.send(frame.encode_to_vec().into()).await?;
                }
                continue;
            }
            let (until, since) = self.0.lanes.times();
            let due = [until, since.map(|since| since + ANSWER)].into_iter().flatten().min();
            let now = self.now();
            if since.is_some_and(|since| now >= since + ANSWER) {
                return Err(LinkError::TimedOut.into());
            }
            let wait = due.map_or(UPKEEP, |due| due.saturating_sub(now).min(UPKEEP));
            tokio::select! {
                () = self.0.lanes.wake.notified() => {}
                () = self.0.clock.sleep(Duration::from_millis(wait)) => {}
            }
        }
    }

    /// Fetches the keys that lanes want.
    async fn fetch(&self) -> Result<std::convert::Infallible, Error> {
        let mut fetches = FuturesUnordered::new();
        loop {
            while fetches.len() < FETCHES
                && let Some((account, wanted)) = self.0.lanes.next_fetch()
            {
                fetches.push(self.fetch_for(account, wanted));
            }
            tokio::select! {
                Some(outcome) = fetches.next() => outcome?,
                () = self.0.lanes.fetch.notified() => {}
            }
        }
    }

    async fn fetch_for(&self, account: AccountId, wanted: Wanted) -> Result<(), Error> {
        let fetched = match &wanted {
            Wanted::Keys(devices) => self.fetch_keys(account, devices.as_deref()).await,
            Wanted::Label => self.fetch_label(account).await,
        };
        let lane = match fetched {
            Ok(()) => Lane::Ready,
            Err(error @ (Error::Vault(_) | Error::Damaged(_))) => return Err(error),
            Err(Error::Wait { retry_after_ms }) => Lane::Until(self.now() + retry_after_ms.max(FIRST)),
            Err(Error::Link(error)) => {
                if error == LinkError::Unauthorized {
                    return Err(error.into());
                }
                Lane::Until(self.now() + self.between(1000, 5000).await?)
            }
            Err(error) if matches!(wanted, Wanted::Label) => {
                tracing::warn!(%error, "a label could not be fetched");
                Lane::Until(self.now() + UPKEEP)
            }
            Err(error) => {
                tracing::warn!(%error, "keys could not be fetched");
                let mut work = self.work().await?;
                let lane = match Self::head(&work, account).await? {
                    Some(item) if matches!(error, Error::NoSuchAccount) => {
                        self.fail(&mut work, &item, EntryState::NoSuchAccount).await?;
                        Lane::Ready
                    }
                    Some(mut item) => match self.try_anew(&mut work, &mut item).await? {
                        Lane::Ready => Lane::Until(work.now + FIRST),
                        later => later,
                    },
                    None => Lane::Ready,
                };
                self.save(work).await?;
                lane
            }
        };
        self.0.lanes.set(account, lane);
        Ok(())
    }

    /// Does what is due, at once and then from time to time.
    async fn upkeep(&self) -> Result<std::convert::Infallible, Error> {
        let mut asked = None;
        loop {
            self.sweep(self.now()).await?;
            if asked.is_none_or(|asked| self.now() >= asked + ASK) {
                asked = Some(self.now());
                let outcomes = [
                    self.refresh_devices().await.map(drop),
                    self.renew_prekeys().await,
                    self.renew_labels().await,
                ];
                for outcome in outcomes {
                    match outcome {
                        Ok(()) => {}
                        Err(error @ (Error::Vault(_) | Error::Damaged(_))) => return Err(error),
                        // The next look at it will do: there is a last-resort key, and a send tells of other devices.
                        Err(error) => tracing::info!(%error, "upkeep was put off"),
                    }
                }
            }
            tokio::select! {
                () = self.0.prekeys_low.notified() => {
                    // However often the relay says it.
                    self.0.clock.sleep(Duration::from_millis(FIRST)).await;
                    asked = None;
                }
                () = self.0.clock.sleep(Duration::from_millis(UPKEEP)) => {}
            }
        }
    }

    fn transient(&self) -> std::sync::MutexGuard<'_, std::collections::VecDeque<Send>> {
        self.0.transient.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A relay that speaks something else is no better after a new connection, but it may be replaced meanwhile.
fn decoded(frame: bytes::Bytes) -> Result<ServerFrame, LinkError> {
    ServerFrame::decode(frame).map_err(|_| LinkError::Closed(Some(close::INVALID)))
}

/// Puts what the next frame says behind what the one before said.
fn join(frame: &mut ServerFrame, next: ServerFrame) {
    frame.deliveries.extend(next.deliveries);
    frame.sent.extend(next.sent);
    frame.refusals.extend(next.refusals);
    frame.drained |= next.drained;
    frame.prekeys_left = next.prekeys_left.or(frame.prekeys_left);
}

/// The frames for what is to be sent: one, unless what is only for who is connected now makes it too long.
fn frames(sends: Vec<Send>, acknowledged: u64) -> Vec<ClientFrame> {
    let mut frames = vec![ClientFrame { sends: Vec::new(), acknowledged }];
    let mut size = 0;
    for send in sends {
        let len = send.encoded_len() + 16;
        if size + len > wire::limits::FRAME - 64 && size > 0 {
            frames.push(ClientFrame::default());
            size = 0;
        }
        size += len;
        if let Some(frame) = frames.last_mut() {
            frame.sends.push(send);
        }
    }
    frames
}

fn lost(error: &LinkError) -> Lost {
    match error {
        LinkError::Unauthorized | LinkError::Closed(Some(close::REMOVED)) => Lost::Ended(Ended::Removed),
        LinkError::Closed(Some(close::REPLACED)) => Lost::Ended(Ended::Replaced),
        // This client or that relay is wrong: the same again will not go better soon.
        LinkError::Closed(Some(close::PROTOCOL | close::INVALID | close::POLICY | close::TOO_LARGE))
        | LinkError::TooMuch => Lost::Again { at_least: LONGEST },
        _ => Lost::Again { at_least: 0 },
    }
}

/// Says that the device runs, until it is dropped.
struct Running<'a>(&'a Device);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.running.store(false, Ordering::Release);
    }
}
