//! Devices to test with: their clock stands still while nothing waits, their vaults can lose power.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use client::{
    AccountId, Body, Clock, Device, Draft, Edges, Ended, Error, Event, Linking, MemoryVault, Message,
    MessageRef, Randomness, Registration, Vault, VaultError,
    vault::{Change, Order, Record, Saving, Space},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};

use super::relay::{self, Relay, TestLink};

/// The time of the test: it jumps when everybody waits.
#[derive(Clone)]
pub(crate) struct TestClock {
    start: Instant,
    /// Milliseconds that it is behind.
    behind: Arc<AtomicU64>,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> u64 {
        let since = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        1_800_000_000_000 + since - self.behind.load(Ordering::SeqCst)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

impl TestClock {
    fn new() -> Self {
        Self { start: Instant::now(), behind: Arc::default() }
    }

    /// The clock of somebody who can set it back.
    fn own(&self) -> Self {
        Self { behind: Arc::default(), ..self.clone() }
    }

    /// Sets it back by so many milliseconds.
    pub(crate) fn set_back(&self, by: u64) {
        self.behind.fetch_add(by, Ordering::SeqCst);
    }
}

/// A vault that loses power at a save: before it happens or after.
pub(crate) struct TestVault {
    /// What outlasts a loss of power.
    pub(crate) memory: MemoryVault,
    /// What was handed in and is under way, and what can be read because of it; of a vault that is late.
    under_way: Option<(mpsc::UnboundedSender<UnderWay>, MemoryVault)>,
    pub(crate) saves: AtomicI64,
    fail_at: AtomicI64,
    after: AtomicBool,
    dead: AtomicBool,
    /// Of whoever has this vault.
    clock: std::sync::OnceLock<TestClock>,
}

type UnderWay = (Vec<Change>, oneshot::Sender<Result<(), VaultError>>);

impl TestVault {
    pub(crate) fn new(memory: MemoryVault) -> Arc<Self> {
        Arc::new(Self::with(memory, None))
    }

    /// One in which what is handed in is durable some milliseconds later.
    pub(crate) fn late(memory: MemoryVault) -> Arc<Self> {
        let (sender, mut handed) = mpsc::unbounded_channel::<UnderWay>();
        let under_way = Some((sender, memory.snapshot()));
        let vault = Arc::new(Self::with(memory, under_way));
        let weak = Arc::downgrade(&vault);
        tokio::spawn(async move {
            while let Some((changes, reply)) = handed.recv().await {
                tokio::time::sleep(Duration::from_millis(3)).await;
                let Some(vault) = weak.upgrade() else { return };
                let _ =
                    reply.send(if changes.is_empty() { vault.power() } else { vault.write(changes).await });
            }
        });
        vault
    }

    fn with(memory: MemoryVault, under_way: Option<(mpsc::UnboundedSender<UnderWay>, MemoryVault)>) -> Self {
        Self {
            memory,
            under_way,
            saves: AtomicI64::new(0),
            fail_at: AtomicI64::new(-1),
            after: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            clock: std::sync::OnceLock::new(),
        }
    }

    fn clock(&self, world: &World) -> TestClock {
        self.clock.get_or_init(|| world.clock.own()).clone()
    }

    /// Fails in the save after so many others.
    pub(crate) fn fail(&self, after_saves: i64, after: bool) {
        self.after.store(after, Ordering::SeqCst);
        self.fail_at.store(self.saves.load(Ordering::SeqCst) + after_saves, Ordering::SeqCst);
    }

    pub(crate) fn dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn power(&self) -> Result<(), VaultError> {
        if self.dead() { Err(VaultError::Unavailable("no power".into())) } else { Ok(()) }
    }

    fn seen(&self) -> &MemoryVault {
        self.under_way.as_ref().map_or(&self.memory, |(_, seen)| seen)
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        self.power()?;
        if self.saves.fetch_add(1, Ordering::SeqCst) == self.fail_at.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
            if self.after.load(Ordering::SeqCst) {
                self.memory.save(changes).await?;
            }
            return Err(VaultError::Unavailable("the power went".into()));
        }
        self.memory.save(changes).await
    }
}

#[async_trait]
impl Vault for TestVault {
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError> {
        self.power()?;
        self.seen().load(space, key).await
    }

    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        self.power()?;
        self.seen().scan(space, owner, order, limit).await
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        tokio::task::yield_now().await;
        self.write(changes).await
    }

    async fn hand_in(&self, changes: Vec<Change>) -> Result<Saving, VaultError> {
        let Some((sender, seen)) = &self.under_way else {
            if !changes.is_empty() {
                self.save(changes).await?;
            }
            return Ok(Saving::done());
        };
        tokio::task::yield_now().await;
        self.power()?;
        seen.save(changes.clone()).await?;
        let (reply, saving) = Saving::under_way();
        sender.send((changes, reply)).map_err(|_| VaultError::Unavailable("gone".into()))?;
        Ok(saving)
    }
}

/// A relay and its time.
pub(crate) struct World {
    pub(crate) relay: Arc<Relay>,
    pub(crate) clock: TestClock,
    seed: Mutex<u64>,
    /// Whether vaults are late: those of every other seed.
    late: bool,
}

/// A device, and what it heard.
pub(crate) struct Person {
    pub(crate) device: Device,
    pub(crate) vault: Arc<TestVault>,
    pub(crate) clock: TestClock,
    pub(crate) link: Arc<TestLink>,
    pub(crate) heard: Arc<std::sync::Mutex<Vec<Event>>>,
    running: JoinHandle<Result<Ended, Error>>,
    hearing: JoinHandle<()>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            relay: relay::relay(),
            clock: TestClock::new(),
            seed: Mutex::new(seed * 1000),
            late: seed.is_multiple_of(2),
        }
    }

    fn vault(&self, memory: MemoryVault) -> Arc<TestVault> {
        if self.late { TestVault::late(memory) } else { TestVault::new(memory) }
    }

    pub(crate) async fn seed(&self) -> u64 {
        let mut seed = self.seed.lock().await;
        *seed += 1;
        *seed
    }

    pub(crate) async fn edges(&self, vault: &Arc<TestVault>) -> (Edges, Arc<TestLink>) {
        let seed = self.seed().await;
        let link = TestLink::new(&self.relay, self.clock.clone(), seed);
        let rng: Randomness = Box::new(ChaCha20Rng::seed_from_u64(seed));
        let (clock, vault) = (Arc::new(vault.clock(self)), Arc::clone(vault) as Arc<dyn Vault>);
        (Edges { vault, link: link.clone(), clock, rng }, link)
    }

    /// Registers a number and runs its device.
    pub(crate) async fn person(&self, last_digits: u32) -> Person {
        let vault = self.vault(MemoryVault::new());
        let (edges, link) = self.edges(&vault).await;
        let registration = Registration {
            number: format!("+49151123456{last_digits:02}").parse().unwrap(),
            code: "123456".into(),
            pin: None,
            device_name: "phone".into(),
        };
        Person::run(Device::register(edges, registration).await.unwrap(), vault, link)
    }

    /// Links another device.
    pub(crate) async fn linked(&self, primary: &Person) -> Person {
        let vault = self.vault(MemoryVault::new());
        let (edges, link) = self.edges(&vault).await;
        let linking = Linking::begin(edges).await.unwrap();
        let request = linking.url().parse().unwrap();
        let (new, joined) = tokio::join!(linking.finish("tablet"), primary.device.link(&request));
        let new = new.unwrap();
        assert_eq!(joined.unwrap().id, new.own().device);
        Person::run(new, vault, link)
    }

    /// Runs what a vault holds, as after a crash.
    pub(crate) async fn open(&self, vault: MemoryVault) -> Person {
        let vault = self.vault(vault);
        let (edges, link) = self.edges(&vault).await;
        Person::run(Device::open(edges).await.unwrap(), vault, link)
    }
}

impl Person {
    pub(crate) fn run(device: Device, vault: Arc<TestVault>, link: Arc<TestLink>) -> Self {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut events = device.events();
        let hearing = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                loop {
                    let event = events.next().await;
                    heard.lock().unwrap().push(event);
                }
            }
        });
        let running = tokio::spawn({
            let device = device.clone();
            async move { device.run().await }
        });
        let clock = vault.clock.get().unwrap().clone();
        Self { device, vault, clock, link, heard, running, hearing }
    }

    pub(crate) fn account(&self) -> AccountId {
        self.device.own().account
    }

    pub(crate) async fn say(&self, to: &Self, text: &str) -> MessageRef {
        self.device.send(to.account(), Draft::text(text)).await.unwrap()
    }

    /// The texts of a chat, the first first.
    pub(crate) async fn texts(&self, with: &Self) -> Vec<String> {
        self.chat(with).await.into_iter().map(|message| text(&message)).collect()
    }

    pub(crate) async fn chat(&self, with: &Self) -> Vec<Message> {
        let mut messages = self.device.history(with.account(), None, 1000).await.unwrap();
        messages.reverse();
        messages
    }

    pub(crate) async fn message(&self, id: MessageRef) -> Message {
        self.device.message(id).await.unwrap().expect("the message")
    }

    /// Ends it as a crash would.
    pub(crate) async fn crash(mut self) -> MemoryVault {
        self.running.abort();
        self.hearing.abort();
        let _ = (&mut self.running).await;
        self.vault.memory.snapshot()
    }

    /// Ends it, and says how that went.
    pub(crate) async fn ended(mut self) -> Result<Ended, Error> {
        self.hearing.abort();
        (&mut self.running).await.unwrap()
    }

    pub(crate) fn heard(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.heard.lock().unwrap().iter().filter(|event| matches(event)).count()
    }

    /// Waits until it was heard.
    pub(crate) async fn hears(&self, matches: impl Fn(&Event) -> bool + Copy) {
        until(async || self.heard(matches) > 0).await;
    }

    pub(crate) async fn settled(&self) {
        until(async || self.device.outbox_len().await.unwrap() == 0).await;
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.running.abort();
        self.hearing.abort();
    }
}

pub(crate) fn text(message: &Message) -> String {
    match &message.body {
        Body::Text { text } => text.clone(),
        other => format!("{other:?}"),
    }
}

/// Waits for something, for at most an hour of the test's time.
pub(crate) async fn until(mut happened: impl AsyncFnMut() -> bool) {
    for _ in 0..36_000 {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not happen");
}
