//! What this process knows of one device that is online, or for which something is just being stored.
//!
//! # Why nothing acknowledged is lost, and nothing overtakes
//!
//! An envelope for a device that is online is handed to its socket at once and kept here. Its sender hears "sent" as
//! soon as the device has acknowledged it (then it is on the device's disk) or, if that takes long, as soon as it has
//! been stored. So an envelope that is only in memory was never acknowledged to anybody: with the process goes nothing
//! but what its sender will send again, and the device drops what it has by its id.
//!
//! Envelopes are handed over only while the socket is *flowing*: the store holds nothing for the device that is not
//! already on this socket, and nothing is on its way there. Everything else is stored, in the order of arrival (the lane
//! keeps the order within a device), and read from the store. The step from reading to flowing is taken under the lock
//! under which envelopes arrive. So the order on the socket is the order of arrival.
//!
//! On PostgreSQL, whoever stores for this device may be another process, unseen here. There, nothing is handed over:
//! everything is stored first, and the sockets are woken over the bus.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use bytes::Bytes;
use store::{StoreError, Timestamp};
use wire::close;

use super::{
    Queue, Refusal,
    outbox::Outbox,
    pending::Pending,
    store::{Change, Changed, Stored},
};
use crate::devices::DeviceKey;

/// Bytes and envelopes on a socket that the device has not acknowledged: over it, the rest waits in the store.
const WINDOW_BYTES: u64 = 2 << 20;
const WINDOW: usize = 4096;
/// Envelopes read from the store at once. A page of the largest has 8 MiB.
pub(super) const PAGE: usize = 32;
/// Answers a socket waits for, and bytes that wait for it: over it, nothing more is read from it.
const OUTSTANDING: usize = 4096;
const UNWRITTEN: usize = 512 << 10;

/// One device's place.
pub(crate) struct Mailbox {
    pub(super) key: DeviceKey,
    state: Mutex<State>,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailbox({})", self.key.0)
    }
}

#[derive(Default)]
struct State {
    /// Envelopes on their way into the store.
    storing: u32,
    /// Acknowledgements on their way there, and the last sequence that they cover: it is not delivered again, even if
    /// it is still there.
    acknowledging: u32,
    through: i64,
    live: Option<Box<Live>>,
    /// Whether the keeper looks at what is unsaved here.
    watched: bool,
    /// Taken out of the registry: look there again.
    retired: bool,
}

/// What there is for a device that is online.
struct Live {
    socket: u64,
    outbox: Outbox,
    waker: Option<Waker>,
    /// The number of the last delivery.
    delivered: u64,
    /// Deliveries without acknowledgement; their numbers have no gap and end with `delivered`.
    window: VecDeque<InFlight>,
    window_bytes: u64,
    /// How many of them are neither stored nor on their way there.
    unsaved: usize,
    /// How many are on their way there.
    saving: usize,
    /// The last sequence in the store that was delivered here.
    cursor: i64,
    reading: Reading,
    /// Whether the device was told that nothing waits any more.
    told_drained: bool,
    /// Sends of this socket that have no answer yet.
    outstanding: usize,
    close: Option<u16>,
    ping: bool,
    /// The keeper's tick when something was last acknowledged, or nothing was to be acknowledged and all was taken.
    progress: u32,
    /// The stream takes nothing: what comes now need not wake the socket, but its end has to.
    blocked: bool,
    /// A frame was taken for the stream since the keeper last looked.
    moved: bool,
}

/// How far a socket is with what the store holds for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// There may be something that was not read.
    Behind,
    /// Somebody reads; `again` if more came meanwhile.
    Under { again: bool },
    /// All was read, but something is on its way into the store.
    Awaiting,
    /// All is on the socket.
    Flowing,
}

struct InFlight {
    bytes: u32,
    what: What,
}

enum What {
    /// Handed over; in memory alone.
    Unsaved { envelope: Bytes, received: Timestamp, pending: Arc<Pending>, tick: u32 },
    /// On its way into the store.
    Saving,
    /// In the store, under this sequence.
    Stored(i64),
    /// Nobody waits for it.
    Transient,
}

/// What arrives for a device.
pub(super) struct Arrival<'a> {
    pub(super) envelope: &'a Bytes,
    pub(super) received: Timestamp,
    pub(super) transient: bool,
    pub(super) pending: &'a Arc<Pending>,
    /// The number of the device in its account, for refusals.
    pub(super) device: u32,
}

/// What a socket is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Write this, which has [`HEADER`](super::outbox::HEADER) free bytes in front.
    Write(Vec<u8>),
    /// Read a page after this sequence from the store and [`deliver`](Mailbox::deliver) it.
    Read(i64),
    /// Close with this code.
    Close(u16),
    /// This socket has been replaced or detached.
    Gone,
    /// Ask whether the device is still there.
    Ping,
    /// Nothing; the waker will be called.
    Wait,
}

type Failed = Vec<Arc<Pending>>;

impl Mailbox {
    pub(super) fn new(key: DeviceKey) -> Self {
        Self { key, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` on what there is of this socket; nothing if it has been replaced.
    fn with_live<R>(&self, socket: u64, act: impl FnOnce(&mut Live) -> R) -> Option<R> {
        self.lock().live.as_mut().filter(|live| live.socket == socket).map(|live| act(live))
    }

    /// Makes `socket` the one of this device; an older one hears [`Next::Gone`]. `false`: retired.
    pub(super) fn attach(self: &Arc<Self>, queue: &Arc<Queue>, socket: u64) -> bool {
        let mut state = self.lock();
        if state.retired {
            return false;
        }
        let mut live = Live::new(socket, queue.keeper.tick());
        live.cursor = state.through;
        let old = state.live.replace(Box::new(live));
        let mut failed = Failed::new();
        if let Some(mut old) = old {
            failed = self.save(queue, &mut state, &mut old, |_| true);
            old.rouse();
        }
        drop(state);
        fail(failed);
        true
    }

    /// The end of a socket: what is only in memory goes into the store.
    pub(super) fn detach(self: &Arc<Self>, queue: &Arc<Queue>, socket: u64) {
        let mut state = self.lock();
        if state.live.as_ref().is_none_or(|live| live.socket != socket) {
            return;
        }
        let Some(mut live) = state.live.take() else { return };
        let failed = self.save(queue, &mut state, &mut live, |_| true);
        drop(state);
        fail(failed);
    }

    /// Takes an envelope: hands it over or stores it. `false`: retired; look in the registry again.
    pub(super) fn post(self: &Arc<Self>, queue: &Arc<Queue>, arrival: &Arrival<'_>) -> bool {
        let mut state = self.lock();
        if state.retired {
            return false;
        }
        let mut failed = Failed::new();
        let flowing = state.live.as_ref().is_some_and(|live| live.reading == Reading::Flowing);
        if arrival.transient {
            if let Some(live) = state.live.as_mut().filter(|live| flowing && live.has_room()) {
                live.hand_over(arrival.envelope, What::Transient);
            }
            drop(state);
            arrival.pending.safe();
            return true;
        }
        if flowing && queue.hands_over {
            let Some(live) = state.live.as_mut() else { return true };
            if live.has_room() {
                live.hand_over(
                    arrival.envelope,
                    What::Unsaved {
                        envelope: arrival.envelope.clone(),
                        received: arrival.received,
                        pending: arrival.pending.clone(),
                        tick: queue.keeper.tick(),
                    },
                );
                live.unsaved += 1;
                let watched = std::mem::replace(&mut state.watched, true);
                drop(state);
                if !watched {
                    queue.keeper.watch(self.clone());
                }
                return true;
            }
            // The device is behind: what comes now waits in the store until there is room again.
            if let Some(mut live) = state.live.take() {
                live.reading = Reading::Behind;
                failed = self.save(queue, &mut state, &mut live, |_| true);
                state.live = Some(live);
            }
        }
        // Under the lock, so that the order in the store is the order of arrival.
        let handed = self.store(queue, arrival);
        if handed {
            state.storing += 1;
        } else {
            failed.push(arrival.pending.clone());
        }
        drop(state);
        fail(failed);
        true
    }

    /// Puts an arrival on its way into the store; whether there was room for it.
    fn store(self: &Arc<Self>, queue: &Arc<Queue>, arrival: &Arrival<'_>) -> bool {
        let (mailbox, pending, device) = (self.clone(), arrival.pending.clone(), arrival.device);
        let after = queue.clone();
        let change = Change::Append {
            device: self.key,
            envelope: arrival.envelope.clone(),
            received: arrival.received,
        };
        let handed = queue.lane.hand_in(change, move |outcome| {
            let idle = mailbox.stored();
            match outcome {
                Ok(Changed::Appended(_)) => {
                    after.stored(&mailbox);
                    pending.safe();
                }
                Ok(Changed::Full) => pending.failed(Refusal::Full(vec![device])),
                // Gone: removed since. The sender's next try will find out.
                _ => pending.failed(Refusal::Unavailable),
            }
            if idle {
                after.sockets.retire(&mailbox);
            }
        });
        handed.is_ok()
    }

    /// An arrival was stored, or could not be; whether nothing is left to do here.
    fn stored(&self) -> bool {
        let mut state = self.lock();
        state.storing -= 1;
        if let Some(live) = &mut state.live {
            live.look_again();
        }
        state.is_idle()
    }

    /// Somebody elsewhere stored something, or may have.
    pub(super) fn look_again(&self) {
        if let Some(live) = &mut self.lock().live {
            live.look_again();
        }
    }

    /// Retires this mailbox if nothing is going on here.
    pub(super) fn retire(&self) -> bool {
        let mut state = self.lock();
        state.retired |= state.is_idle();
        state.retired
    }

    /// Stores what was handed over before `tick` and is still unsaved; whether there is some from later, so that this
    /// mailbox is still to be watched.
    pub(super) fn save_overdue(self: &Arc<Self>, queue: &Arc<Queue>, tick: u32) -> bool {
        let mut state = self.lock();
        state.watched = false;
        let Some(mut live) = state.live.take() else { return false };
        let failed = self.save(queue, &mut state, &mut live, |since| tick.wrapping_sub(since) < u32::MAX / 2);
        state.watched = live.unsaved > 0;
        let watched = state.watched;
        state.live = Some(live);
        drop(state);
        fail(failed);
        watched
    }

    /// Puts what is only in memory, from the oldest while `overdue`, on its way into the store. Gives back those for
    /// which there was no room, to be failed when nothing is locked.
    fn save(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        state: &mut State,
        live: &mut Live,
        overdue: impl Fn(u32) -> bool,
    ) -> Failed {
        let mut failed = Failed::new();
        let first = live.first();
        for (number, entry) in (first..).zip(&mut live.window) {
            if live.unsaved == 0 {
                break;
            }
            let due = match &entry.what {
                What::Unsaved { tick, .. } => overdue(*tick),
                _ => continue,
            };
            if !due {
                break;
            }
            let what = std::mem::replace(&mut entry.what, What::Saving);
            let What::Unsaved { envelope, received, pending, .. } = what else { continue };
            live.unsaved -= 1;
            let (mailbox, after, waiting) = (self.clone(), queue.clone(), pending.clone());
            let (socket, bytes) = (live.socket, entry.bytes);
            let change = Change::Append { device: self.key, envelope, received };
            let handed = queue.lane.hand_in(change, move |outcome| {
                mailbox.saved(&after, (socket, number, bytes), &outcome);
                match outcome {
                    Ok(Changed::Appended(_)) => waiting.safe(),
                    _ => waiting.failed(Refusal::Unavailable),
                }
            });
            if handed.is_ok() {
                state.storing += 1;
                live.saving += 1;
            } else {
                entry.what = What::Transient;
                failed.push(pending);
            }
        }
        failed
    }

    /// What was handed over as `number` is stored now, or could not be.
    fn saved(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        (socket, number, bytes): (u64, u64, u32),
        outcome: &Result<Changed, StoreError>,
    ) {
        let mut state = self.lock();
        state.storing -= 1;
        let seq = match outcome {
            Ok(Changed::Appended(seq)) => Some(*seq),
            _ => None,
        };
        let mut acknowledged = None;
        match &mut state.live {
            Some(live) if live.socket == socket => {
                live.saving -= 1;
                live.cursor = live.cursor.max(seq.unwrap_or(0));
                match live.at(number) {
                    Some(entry) => entry.what = seq.map_or(What::Transient, What::Stored),
                    // The device was faster. Numbers and sequences have one order: all up to here may go.
                    None => acknowledged = seq,
                }
                live.wake();
            }
            // A newer socket delivers it once more.
            Some(live) => live.look_again(),
            None => {}
        }
        if let Some(through) = acknowledged {
            self.forget(queue, &mut state, (through, 1, bytes.into()));
        }
        let idle = state.is_idle();
        drop(state);
        if idle {
            queue.sockets.retire(self);
        }
    }

    /// The device has made everything up to `number` safe.
    ///
    /// # Errors
    /// So much was not delivered: the code to close with.
    pub(crate) fn acknowledged(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        socket: u64,
        number: u64,
    ) -> Result<(), u16> {
        let mut state = self.lock();
        let Some(live) = state.live.as_mut().filter(|live| live.socket == socket) else { return Ok(()) };
        let open = live.delivered.checked_sub(number).ok_or(close::POLICY)?;
        let (mut safe, mut through, mut count, mut bytes) = (Vec::new(), 0, 0, 0);
        while live.open() > open {
            let Some(entry) = live.window.pop_front() else { break };
            live.window_bytes = live.window_bytes.saturating_sub(u64::from(entry.bytes));
            match entry.what {
                What::Unsaved { pending, .. } => {
                    live.unsaved -= 1;
                    safe.push(pending);
                }
                What::Stored(seq) => {
                    (through, count, bytes) = (seq, count + 1, bytes + i64::from(entry.bytes))
                }
                // Whoever stores it will find it gone from here.
                What::Saving | What::Transient => {}
            }
        }
        live.progress = queue.keeper.tick();
        if live.window.is_empty() {
            live.window = VecDeque::new();
        }
        if count > 0 {
            self.forget(queue, &mut state, (through, count, bytes));
        }
        drop(state);
        // Each may lock another mailbox.
        safe.iter().for_each(|pending| pending.safe());
        Ok(())
    }

    /// Has the store delete what the device has: everything up to a sequence, so many, with so many bytes. Should that
    /// fail, it goes with the next acknowledgement, or is delivered once more and dropped by the device.
    fn forget(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        state: &mut State,
        (through, count, bytes): (i64, i64, i64),
    ) {
        let (mailbox, after) = (self.clone(), queue.clone());
        let change = Change::Acknowledge { device: self.key, through, count, bytes };
        let handed = queue.lane.hand_in(change, move |outcome| {
            if let Err(error) = outcome {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "an acknowledgement was not stored");
            }
            let mut state = mailbox.lock();
            state.acknowledging -= 1;
            let idle = state.is_idle();
            drop(state);
            if idle {
                after.sockets.retire(&mailbox);
            }
        });
        state.through = state.through.max(through);
        state.acknowledging += u32::from(handed.is_ok());
    }

    /// What the socket is to do next. `waker` is called when that changes.
    pub(crate) fn next(&self, socket: u64, waker: &Waker) -> Next {
        let next = self.with_live(socket, |live| {
            live.blocked = false;
            if let Some(frame) = live.outbox.take() {
                live.moved = true;
                return Next::Write(frame);
            }
            if let Some(code) = live.close {
                return Next::Close(code);
            }
            if std::mem::take(&mut live.ping) {
                return Next::Ping;
            }
            // What is being stored has no sequence yet, and the page must begin after it.
            if live.reading == Reading::Behind && live.saving == 0 && live.has_room() {
                live.reading = Reading::Under { again: false };
                return Next::Read(live.cursor);
            }
            if !live.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                live.waker = Some(waker.clone());
            }
            Next::Wait
        });
        next.unwrap_or(Next::Gone)
    }

    /// Whether a socket whose stream takes nothing has to end all the same, and how. `waker` is called when it has to.
    pub(crate) fn ending(&self, socket: u64, waker: &Waker) -> Option<Next> {
        let ending = self.with_live(socket, |live| {
            live.blocked = true;
            if !live.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                live.waker = Some(waker.clone());
            }
            live.close.map(Next::Close)
        });
        ending.unwrap_or(Some(Next::Gone))
    }

    /// Whether so much is open for this socket that nothing more should be read from it.
    pub(crate) fn is_congested(&self, socket: u64) -> bool {
        self.with_live(socket, |live| live.outstanding >= OUTSTANDING || live.outbox.len() >= UNWRITTEN)
            .unwrap_or(false)
    }

    /// Delivers a page that was read after [`Next::Read`], without what `expired` finds too old.
    pub(crate) fn deliver(&self, socket: u64, page: Vec<Stored>, expired: impl Fn(&[u8]) -> bool) {
        let mut state = self.lock();
        let storing = state.storing;
        let Some(live) = state.live.as_mut().filter(|live| live.socket == socket) else { return };
        let full = page.len() >= PAGE;
        for row in page {
            live.cursor = row.seq;
            if !expired(&row.body) {
                live.hand_over(&row.body, What::Stored(row.seq));
            }
        }
        live.reading = match live.reading {
            Reading::Under { again: false } if !full && storing == 0 => Reading::Flowing,
            Reading::Under { again: false } if !full => Reading::Awaiting,
            _ => Reading::Behind,
        };
        if live.reading == Reading::Flowing && !live.told_drained {
            live.told_drained = true;
            live.outbox.drained();
        }
    }

    /// A send of this socket got no answer yet.
    pub(super) fn expects(&self, socket: u64) {
        self.with_live(socket, |live| live.outstanding += 1);
    }

    /// A send of this socket is safe.
    pub(super) fn sent(&self, socket: u64, id: &[u8]) {
        self.with_live(socket, |live| {
            live.outstanding = live.outstanding.saturating_sub(1);
            live.outbox.sent(id);
            live.wake();
        });
    }

    /// A send of this socket was not accepted.
    pub(super) fn refused(&self, socket: u64, id: &[u8], refusal: &Refusal) {
        self.with_live(socket, |live| {
            live.outstanding = live.outstanding.saturating_sub(1);
            live.outbox.refused(refusal.to_frame(Bytes::copy_from_slice(id)));
            live.wake();
        });
    }

    /// Tells the device that prekeys run out.
    pub(super) fn prekeys_left(&self, left: u32) {
        if let Some(live) = &mut self.lock().live {
            live.outbox.prekeys_left(left);
            live.wake();
        }
    }

    /// Closes whatever socket there is, unless it is `except`.
    pub(crate) fn close(&self, code: u16, except: Option<u64>) {
        if let Some(live) = self.lock().live.as_mut().filter(|live| Some(live.socket) != except) {
            live.close = Some(code);
            live.rouse();
        }
    }

    /// Looks after a socket: closes it if it has not moved for `patience` ticks, pings it if `ping`.
    pub(super) fn look_after(&self, tick: u32, patience: u32, ping: bool) {
        if let Some(live) = &mut self.lock().live {
            let taken = std::mem::take(&mut live.moved) || !live.blocked && live.outbox.len() == 0;
            if live.window.is_empty() && taken {
                live.progress = tick;
            } else if tick.wrapping_sub(live.progress) > patience {
                live.close = Some(close::TOO_SLOW);
                live.rouse();
            }
            if ping {
                live.ping = true;
                live.wake();
            }
        }
    }

    /// Whether a device is online here.
    pub(super) fn is_live(&self) -> bool {
        self.lock().live.is_some()
    }
}

impl State {
    /// Whether nothing is left to do here.
    fn is_idle(&self) -> bool {
        self.storing == 0 && self.acknowledging == 0 && self.live.is_none()
    }
}

fn fail(failed: Failed) {
    failed.iter().for_each(|pending| pending.failed(Refusal::Unavailable));
}

impl Live {
    fn new(socket: u64, tick: u32) -> Self {
        Self {
            socket,
            outbox: Outbox::default(),
            waker: None,
            delivered: 0,
            window: VecDeque::new(),
            window_bytes: 0,
            unsaved: 0,
            saving: 0,
            cursor: 0,
            reading: Reading::Behind,
            told_drained: false,
            outstanding: 0,
            close: None,
            ping: false,
            progress: tick,
            blocked: false,
            moved: false,
        }
    }

    fn open(&self) -> u64 {
        u64::try_from(self.window.len()).unwrap_or(u64::MAX)
    }

    /// The number of the oldest in the window.
    fn first(&self) -> u64 {
        (self.delivered + 1).saturating_sub(self.open())
    }

    fn at(&mut self, number: u64) -> Option<&mut InFlight> {
        let index = number.checked_sub(self.first())?;
        self.window.get_mut(usize::try_from(index).ok()?)
    }

    fn has_room(&self) -> bool {
        self.window.len() < WINDOW && self.window_bytes < WINDOW_BYTES
    }

    fn hand_over(&mut self, envelope: &[u8], what: What) {
        self.delivered += 1;
        self.outbox.delivery(self.delivered, envelope);
        let bytes = u32::try_from(envelope.len()).unwrap_or(u32::MAX);
        self.window.push_back(InFlight { bytes, what });
        self.window_bytes += u64::from(bytes);
        self.wake();
    }

    fn look_again(&mut self) {
        match &mut self.reading {
            Reading::Under { again } => *again = true,
            reading => {
                *reading = Reading::Behind;
                self.wake();
            }
        }
    }

    fn wake(&mut self) {
        if !self.blocked {
            self.rouse();
        }
    }

    /// Wakes the socket even if its stream takes nothing.
    fn rouse(&mut self) {
        // Who was woken asks what to do next, and leaves a waker again.
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
