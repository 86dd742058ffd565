//! Envelopes on their way: accepted from senders, handed to devices that are online, kept for those that are not.
//!
//! - [`Queue::accept`]: the rules for a send, from HTTP and from sockets alike.
//! - `mailbox`: one device's place; why nothing acknowledged is lost and nothing overtakes is written there.
//! - `store`: the SQL; `arrivals`: where SQLite writes first; `shares`: how much a mailbox takes, and of whom. `expiry`:
//!   what is not collected in time. `nodes`: how the nodes of a relay wake each other.
//! - `budget`: how much an account may send.
//! - `keeper`: what is overdue is stored, what does not move is closed.

mod arrivals;
mod budget;
mod expiry;
mod keeper;
pub(crate) mod mailbox;
mod nodes;
pub(crate) mod outbox;
mod pending;
mod recent;
pub mod routes;
mod shares;
mod sockets;
pub(crate) mod store;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use ::store::{StoreError, Timestamp, sql::Engine, writer::LaneHandle};
use bytes::Bytes;
use serde::Deserialize;
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};
use wire::{
    AccountId, DeviceId, Message as _, MessageId, close,
    frames::{self, Envelope, Kind, Reason},
    limits,
};

use self::{
    arrivals::Arrivals,
    budget::Budgets,
    keeper::Keeper,
    mailbox::Arrival,
    nodes::Nodes,
    pending::{Pending, Sender},
    recent::RecentIds,
    shares::Bounds,
    sockets::Sockets,
    store::{Change, MailboxLane},
};
pub(crate) use self::{
    budget::Budget,
    mailbox::{Mailbox, Next},
};
use crate::{
    RelayError,
    accounts::{Accounts, Recipient},
    auth::Caller,
    businesses::{self, Reach},
    devices::DeviceKey,
    ground::Ground,
    limits::{Buckets, Speaker},
};

/// How much the queue takes, and how long it keeps it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// Envelopes that wait for one device at most; over it, senders get `queue_full`. Default 10000.
    pub envelopes: u32,
    /// Bytes that wait for one device at most. Default 67108864 (64 MiB).
    pub bytes: u64,
    /// Days after which what was not collected is deleted. Default 30.
    pub days: u32,
    /// Parts, one for each recipient device, that one account may send in a second, in the long run, with all its
    /// devices together. Nodes count each for itself. Default 2000.
    pub sends_per_second: u32,
    /// Parts that it may send at once. Default 10000.
    pub burst: u32,
    /// How long a device may leave what it was sent unread or unacknowledged before its socket is closed. Default 60.
    pub patience_s: u32,
    /// Ids of sends that are remembered, so that a repeated one is not delivered again. Default 100000.
    pub remembered: u32,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            envelopes: 10_000,
            bytes: 64 << 20,
            days: 30,
            sends_per_second: 2000,
            burst: 10_000,
            patience_s: 60,
            remembered: 100_000,
        }
    }
}

impl QueueConfig {
    fn bounds(&self) -> Bounds {
        Bounds { envelopes: self.envelopes.into(), bytes: i64::try_from(self.bytes).unwrap_or(i64::MAX) }
    }
}

/// Why a send was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Malformed or too large.
    #[error("{0}")]
    Invalid(&'static str),
    /// Nobody has this account.
    #[error("there is no such account")]
    NoSuchAccount,
    /// Not one part for each device.
    #[error("not one part for each device")]
    Mismatched {
        /// These have none.
        missing: Vec<u32>,
        /// These do not exist.
        extra: Vec<u32>,
    },
    /// These devices were set up anew since.
    #[error("devices were set up anew")]
    Stale(Vec<u32>),
    /// These devices take no more; the others have it.
    #[error("devices take no more until they collect what waits")]
    Full(Vec<u32>),
    /// Too often; milliseconds to wait.
    #[error("too often")]
    RateLimited(u64),
    /// It could not be stored. It may or may not be delivered.
    #[error("it could not be stored just now")]
    Unavailable,
    /// The business may not write to this account.
    #[error("the business may not write to this account")]
    Forbidden,
}

/// How long a socket believes what it was told of whom it may write to.
const FRESH: Duration = Duration::from_secs(30);
/// Milliseconds to wait before a send that could not be stored is sent again.
const RETRY_AFTER: u64 = 1000;

/// How often a reader asks a writer that is busy, how long it waits in between, and in all.
const SETTLE_TRIES: u32 = 10;
const SETTLE_PAUSE: Duration = Duration::from_millis(20);
const SETTLE_PATIENCE: Duration = Duration::from_secs(2);

impl Refusal {
    fn to_frame(&self, id: Bytes) -> frames::Refusal {
        let mut frame = frames::Refusal { id, ..frames::Refusal::default() };
        let reason = match self {
            Self::Invalid(_) => Reason::Invalid,
            Self::NoSuchAccount => Reason::NoSuchAccount,
            Self::Mismatched { missing, extra } => {
                (frame.missing, frame.extra) = (missing.clone(), extra.clone());
                Reason::MismatchedDevices
            }
            Self::Stale(devices) => {
                frame.devices.clone_from(devices);
                Reason::StaleDevices
            }
            Self::Full(devices) => {
                frame.devices.clone_from(devices);
                frame.retry_after = RETRY_AFTER;
                Reason::QueueFull
            }
            Self::RateLimited(millis) => {
                frame.retry_after = *millis;
                Reason::RateLimited
            }
            Self::Unavailable => {
                frame.retry_after = RETRY_AFTER;
                Reason::Unavailable
            }
            Self::Forbidden => Reason::Forbidden,
        };
        frame.reason = reason.into();
        frame
    }
}

/// All mailboxes of this relay, as far as this process has to do with them.
#[derive(Debug)]
pub struct Queue {
    ground: Arc<Ground>,
    accounts: Arc<Accounts>,
    lane: LaneHandle<MailboxLane>,
    arrivals: Arc<Arrivals>,
    sockets: Sockets,
    keeper: Arc<Keeper>,
    nodes: Option<Nodes>,
    recent: Arc<RecentIds>,
    budgets: Budgets,
    opening: Buckets<DeviceKey>,
    /// Whether this process sees everything that is stored, so that it may hand envelopes to sockets before they are
    /// stored.
    hands_over: bool,
    next_socket: AtomicU64,
    /// How many sockets there are, also those that only take their leave.
    open: watch::Sender<usize>,
    config: QueueConfig,
    counts: Counts,
}

struct Counts {
    accepted: metrics::Counter,
    refused: metrics::Counter,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counts")
    }
}

/// Who sends, and whom they may write to, if not everybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) reach: Option<&'a Reach>,
}

/// The tasks of a [`Queue`]; they end with it.
#[derive(Debug)]
#[must_use = "the queue is not looked after when this is dropped"]
pub struct QueueTasks(JoinSet<()>);

impl QueueTasks {
    /// Ends them.
    pub async fn close(mut self) {
        self.0.shutdown().await;
    }
}

impl Queue {
    /// Starts the queue on this ground.
    pub fn start(ground: Arc<Ground>, accounts: Arc<Accounts>) -> (Arc<Self>, QueueTasks) {
        let config = ground.config.queue.clone();
        let limits = &ground.config.limits;
        let opening = Buckets::new(limits.sockets, limits.remembered, ground.clock.clone());
        let nodes = ground.config.bus.nats.is_some().then(Nodes::new);
        let counts = Counts {
            accepted: metrics::counter!("relay_sends_accepted"),
            refused: metrics::counter!("relay_sends_refused"),
        };
        let arrivals = Arc::new(Arrivals::new());
        let queue = Arc::new(Self {
            lane: ground.writer.lane(MailboxLane { bounds: config.bounds(), arrivals: arrivals.clone() }),
            arrivals,
            sockets: Sockets::new(),
            keeper: Arc::new(Keeper::new()),
            // A file has one owner. Another process may store into the same PostgreSQL, with a bus or without.
            hands_over: nodes.is_none() && ground.database.engine() == Engine::Sqlite,
            nodes,
            recent: Arc::new(RecentIds::new(usize::try_from(config.remembered).unwrap_or(usize::MAX))),
            budgets: Budgets::new(config.sends_per_second, config.burst),
            opening,
            // Numbers of sockets are known to other nodes: begin somewhere.
            next_socket: AtomicU64::new(u64::from_le_bytes(ground.random()) >> 1),
            open: watch::Sender::new(0),
            config,
            counts,
            ground,
            accounts,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper::save_overdue(Arc::downgrade(&queue)));
        tasks.spawn(keeper::look_after(Arc::downgrade(&queue)));
        tasks.spawn(expiry::sweep(Arc::downgrade(&queue)));
        if queue.nodes.is_some() {
            tasks.spawn(nodes::announce(Arc::downgrade(&queue)));
            tasks.spawn(nodes::listen(Arc::downgrade(&queue)));
        }
        if !queue.hands_over {
            tasks.spawn(nodes::look_again(Arc::downgrade(&queue)));
        }
        (queue, QueueTasks(tasks))
    }

    /// Devices were removed, and that is committed: their sockets close.
    pub fn removed(&self, devices: &[DeviceKey]) {
        for device in devices {
            if let Some(mailbox) = self.sockets.get(*device) {
                mailbox.close(close::REMOVED, None);
            }
        }
        if let Some(nodes) = &self.nodes {
            devices.iter().for_each(|device| nodes.removed(*device));
        }
    }

    /// What devices may has changed, and that is committed: their sockets open anew.
    pub fn renew(&self, devices: &[DeviceKey]) {
        for device in devices {
            if let Some(mailbox) = self.sockets.get(*device) {
                mailbox.close(close::AWAY, None);
            }
        }
        if let Some(nodes) = &self.nodes {
            devices.iter().for_each(|device| nodes.renewed(*device));
        }
    }

    /// Whom a caller may write to, if not everybody.
    pub(crate) async fn reach(&self, caller: &Caller) -> Result<Option<Reach>, StoreError> {
        if !caller.hosted {
            return Ok(None);
        }
        let mut reader = self.ground.reader().await?;
        businesses::reach(&mut reader, caller.account, self.ground.now()).await.map(Some)
    }

    /// Whether what is known of whom a socket may write to has to be looked up again: that it changed may have been lost
    /// on the way from another node.
    pub(crate) fn is_stale(&self, reach: &Reach) -> bool {
        reach.loaded.until(self.ground.now()) > FRESH
    }

    /// One-time prekeys of a device run out: it is told, if it is online here.
    pub fn prekeys_low(&self, device: DeviceKey, left: u32) {
        if let Some(mailbox) = self.sockets.get(device) {
            mailbox.prekeys_left(left);
        }
    }

    /// How many devices are online here.
    #[must_use]
    pub fn online(&self) -> usize {
        self.sockets.live().len()
    }

    /// Closes all sockets, each with "reconnect elsewhere".
    pub fn close_all(&self) {
        self.sockets.live().iter().for_each(|mailbox| mailbox.close(close::AWAY, None));
    }

    /// Waits until every socket is closed and what came of it is on its way into the store, but no longer than this;
    /// whether it is so.
    pub async fn drained(&self, patience: Duration) -> bool {
        let mut open = self.open.subscribe();
        tokio::time::timeout(patience, open.wait_for(|open| *open == 0)).await.is_ok()
    }

    /// Whether this device may open a socket now.
    ///
    /// # Errors
    /// `RateLimited`, after a while.
    pub(crate) async fn admit(&self, caller: &Caller) -> Result<(), RelayError> {
        Ok(self.ground.nonsense.held_back(self.opening.take(&caller.key)).await?)
    }

    /// A socket is to be closed for what it said, after a while.
    pub(crate) async fn broke_rules(&self, caller: &Caller) {
        self.ground.nonsense.leave_alone(Speaker::Device(caller.key)).await;
    }

    /// A socket was opened.
    pub(crate) fn opened(&self) {
        self.open.send_modify(|open| *open += 1);
    }

    /// Nothing of a socket is left.
    pub(crate) fn ended(&self) {
        self.open.send_modify(|open| *open = open.saturating_sub(1));
    }

    /// Whether the relay goes down.
    pub(crate) fn is_closing(&self) -> bool {
        self.ground.closing.is_cancelled()
    }

    /// The budget of an account, for its sockets to keep at hand.
    pub(crate) fn budget(&self, account: AccountId) -> Arc<Budget> {
        self.budgets.of(account, self.ground.now())
    }

    /// Begins a socket of this device, which takes over from an older one.
    pub(crate) fn attach(self: &Arc<Self>, device: DeviceKey) -> (Arc<Mailbox>, u64) {
        let socket = self.next_socket.fetch_add(1, Relaxed);
        let mailbox = self.sockets.with(device, |mailbox| mailbox.attach(self, socket));
        if let Some(nodes) = &self.nodes {
            nodes.attached(device, socket);
        }
        (mailbox, socket)
    }

    /// Ends a socket.
    pub(crate) fn detach(self: &Arc<Self>, mailbox: &Arc<Mailbox>, socket: u64) {
        mailbox.detach(self, socket);
        self.sockets.retire(mailbox);
    }

    /// The oldest envelopes in the store after a sequence.
    pub(crate) async fn page(&self, device: DeviceKey, after: i64) -> Result<Vec<store::Stored>, StoreError> {
        let settled = self.settle(Some(device)).await;
        let mut reader = self.ground.reader().await?;
        let limit = i64::try_from(mailbox::PAGE).unwrap_or(i64::MAX);
        match settled {
            Ok(()) => store::page(&mut reader, device, after, limit).await,
            // A full disk, or a writer that has too much to do, keeps nobody from what is stored for them.
            Err(_) => arrivals::page(&mut reader, device, after, limit).await,
        }
    }

    /// Sees to it that what was stored for this device, or for anybody, can be read.
    async fn settle(&self, device: Option<DeviceKey>) -> Result<(), StoreError> {
        if self.ground.database.engine() != Engine::Sqlite || !self.arrivals.holds(device) {
            return Ok(());
        }
        let settled = async {
            for _ in 0..SETTLE_TRIES {
                match self.lane.submit(Change::Settle(device)).await {
                    Err(StoreError::Busy) => tokio::time::sleep(SETTLE_PAUSE).await,
                    outcome => return outcome.map(drop),
                }
            }
            Err(StoreError::Busy)
        };
        tokio::time::timeout(SETTLE_PATIENCE, settled).await.unwrap_or(Err(StoreError::Busy))
    }

    /// Whether a device is still there.
    pub(crate) async fn knows(&self, device: DeviceKey) -> Result<bool, StoreError> {
        let mut reader = self.ground.reader().await?;
        Ok(crate::devices::owner(&mut reader, device).await?.is_some())
    }

    /// Whether a stored envelope came so long ago that it is as good as deleted.
    pub(crate) fn is_expired(&self, envelope: &[u8]) -> bool {
        // The first fields are short, and `received` is among them: no body is copied.
        let received = Envelope::decode(envelope).map_or(0, |envelope| envelope.received);
        i64::try_from(received).unwrap_or(i64::MAX) < self.cutoff().0
    }

    fn cutoff(&self) -> Timestamp {
        let age = i64::from(self.config.days) * 24 * 60 * 60 * 1000;
        Timestamp(self.ground.now().0.saturating_sub(age))
    }

    fn patience_ticks(&self) -> u32 {
        keeper::ticks(Duration::from_secs(self.config.patience_s.into()))
    }

    /// Something was stored for this device: its socket, wherever it is, looks again.
    fn stored(&self, mailbox: &Mailbox) {
        if let Some(nodes) = &self.nodes {
            nodes.stored(mailbox.key);
        }
    }

    /// Accepts a send from a socket; the answer goes to its outbox, and `false` means that the socket sends too much.
    /// `Err`: nothing happened, this account has to be [loaded](Self::load) first, for
    /// [`accept_loaded`](Self::accept_loaded).
    pub(crate) fn accept_from_socket(
        self: &Arc<Self>,
        origin: Origin<'_>,
        socket: (&Arc<Mailbox>, u64),
        budget: &Budget,
        send: &frames::Send,
    ) -> Result<bool, AccountId> {
        let (mailbox, number) = socket;
        mailbox.expects(number);
        // Before anything is looked up: who sends too much costs nothing more.
        if let Err(wait) = budget.spend(send.parts.len(), self.ground.now()) {
            self.counts.refused.increment(1);
            mailbox.refused(number, &send.id, &Refusal::RateLimited(wait));
            return Ok(false);
        }
        let recipient = match AccountId::try_from(&*send.to) {
            Ok(to) => self.accounts.cached(to).ok_or(to).map(Ok)?,
            Err(_) => Err(Refusal::Invalid("no account")),
        };
        self.accept_loaded(origin, socket, send, recipient);
        Ok(true)
    }

    /// Accepts a send from a socket to an account that was loaded, or refuses it because it was not.
    pub(crate) fn accept_loaded(
        self: &Arc<Self>,
        origin: Origin<'_>,
        (mailbox, socket): (&Arc<Mailbox>, u64),
        send: &frames::Send,
        recipient: Result<Arc<Recipient>, Refusal>,
    ) {
        let sender = Sender::Socket(mailbox.clone(), socket);
        let accepted =
            recipient.and_then(|recipient| self.accept(origin, send, &recipient, self.ground.now(), sender));
        if let Err(refusal) = accepted {
            self.counts.refused.increment(1);
            mailbox.refused(socket, &send.id, &refusal);
        }
    }

    /// Loads an account so that a send to it can be accepted.
    ///
    /// # Errors
    /// `NoSuchAccount`, `Unavailable`.
    pub(crate) async fn load(&self, account: AccountId) -> Result<Arc<Recipient>, Refusal> {
        match self.accounts.recipient(account).await {
            Ok(Some(recipient)) => Ok(recipient),
            Ok(None) => Err(Refusal::NoSuchAccount),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "an account was not loaded");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// Accepts a send from a request, and waits until it is safe.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn accept_and_wait(
        self: &Arc<Self>,
        caller: &Caller,
        send: &frames::Send,
    ) -> Result<(), Refusal> {
        let budget = self.budget(caller.account);
        budget.spend(send.parts.len(), self.ground.now()).map_err(Refusal::RateLimited)?;
        let to = AccountId::try_from(&*send.to).map_err(|_| Refusal::Invalid("no account"))?;
        let recipient = self.load(to).await?;
        let reach = self.reach(caller).await.map_err(|_| Refusal::Unavailable)?;
        let origin = Origin { caller, reach: reach.as_ref() };
        let (reply, answer) = oneshot::channel();
        let sender = Sender::Request(std::sync::Mutex::new(Some(reply)));
        self.accept(origin, send, &recipient, self.ground.now(), sender)?;
        answer.await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// The rules. `Err`: nothing of it was delivered to anybody; else `sender` hears what became of it.
    fn accept(
        self: &Arc<Self>,
        Origin { caller, reach }: Origin<'_>,
        send: &frames::Send,
        recipient: &Recipient,
        now: Timestamp,
        sender: Sender,
    ) -> Result<(), Refusal> {
        let id = check(send)?;
        let key = RecentIds::key(caller.key, &send.to, &send.id);
        let open = send.parts.len().max(1);
        let pending = |sender| Pending::new(open, sender, id, key, self.recent.clone());
        // What was safe before is safe, whatever devices there are by now.
        if self.recent.contains(key) {
            let pending = pending(sender);
            (0..open).for_each(|_| pending.safe());
            return Ok(());
        }
        let own = (recipient.account == caller.account).then_some(caller.device);
        if own.is_none() && reach.is_some_and(|reach| !reach.includes(recipient.account)) {
            return Err(Refusal::Forbidden);
        }
        check_devices(send, recipient, own)?;
        let pending = pending(sender);
        self.counts.accepted.increment(1);
        // Who is blocked is not told.
        if recipient.blocks(caller.account) || send.parts.is_empty() {
            (0..open).for_each(|_| pending.safe());
            return Ok(());
        }
        for part in &send.parts {
            let endpoint =
                recipient.endpoints.iter().find(|endpoint| u32::from(endpoint.device) == part.device);
            let Some(endpoint) = endpoint else {
                pending.failed(Refusal::Unavailable);
                continue;
            };
            let envelope = Envelope {
                id: send.id.clone(),
                from: Bytes::copy_from_slice(caller.account.as_bytes()),
                from_device: caller.device.into(),
                timestamp: send.timestamp,
                received: u64::try_from(now.0).unwrap_or(0),
                kind: part.kind,
                body: part.body.clone(),
            };
            let arrival = Arrival {
                envelope: &Bytes::from(envelope.encode_to_vec()),
                received: now,
                transient: send.transient,
                pending: &pending,
                device: part.device,
            };
            self.sockets.with(endpoint.key, |mailbox| mailbox.post(self, &arrival));
        }
        Ok(())
    }
}

/// What can be said of a send by itself.
fn check(send: &frames::Send) -> Result<MessageId, Refusal> {
    let id = MessageId::try_from(&*send.id).map_err(|_| Refusal::Invalid("an id has 16 bytes"))?;
    if send.parts.len() > limits::DEVICES {
        return Err(Refusal::Invalid("too many parts"));
    }
    if i64::try_from(send.timestamp).is_err() {
        return Err(Refusal::Invalid("no such time"));
    }
    for part in &send.parts {
        if part.body.is_empty() || part.body.len() > limits::BODY {
            return Err(Refusal::Invalid("a body has from 1 to 262144 bytes"));
        }
        if !Kind::try_from(part.kind).is_ok_and(Kind::may_be_sent) {
            return Err(Refusal::Invalid("no such kind"));
        }
        DeviceId::try_from(part.device).map_err(|_| Refusal::Invalid("no such device"))?;
    }
    Ok(id)
}

/// One part for each device of the recipient, except one's `own`.
fn check_devices(send: &frames::Send, recipient: &Recipient, own: Option<DeviceId>) -> Result<(), Refusal> {
    let endpoints = || recipient.endpoints.iter().filter(|endpoint| Some(endpoint.device) != own);
    // Nearly always they are the same, in the same order.
    let same = send.parts.len() == endpoints().count()
        && send.parts.iter().zip(endpoints()).all(|(part, endpoint)| {
            part.device == u32::from(endpoint.device) && part.registration_id == endpoint.registration_id
        });
    if same {
        return Ok(());
    }
    let wanted: BTreeSet<u32> = endpoints().map(|endpoint| endpoint.device.into()).collect();
    let given: BTreeSet<u32> = send.parts.iter().map(|part| part.device).collect();
    if given.len() != send.parts.len() {
        return Err(Refusal::Invalid("two parts for one device"));
    }
    if wanted != given {
        return Err(Refusal::Mismatched {
            missing: wanted.difference(&given).copied().collect(),
            extra: given.difference(&wanted).copied().collect(),
        });
    }
    let stale = send.parts.iter().filter(|part| {
        endpoints().any(|endpoint| {
            u32::from(endpoint.device) == part.device && endpoint.registration_id != part.registration_id
        })
    });
    let stale: Vec<u32> = stale.map(|part| part.device).collect();
    if stale.is_empty() { Ok(()) } else { Err(Refusal::Stale(stale)) }
}
