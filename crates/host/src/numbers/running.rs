//! The devices of this process's numbers.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::store::writer::LaneHandle;
use async_trait::async_trait;
use client::{Device, Edges, Ended, HostedRegistration, Link, LinkError, Registration, Settings};
use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use super::{
    Number, Numbers,
    edges::{HostClock, rng},
    leases::Leases,
    vault::{Saves, SqlVault, Token},
};
use crate::{HostError, businesses::Businesses, ground::Ground, ids::NumberId, sealing::Keys};

/// What the devices of a business are called.
const DEVICE_NAME: &str = "Tradepost host";
/// How long until a device that ended is begun again.
const AGAIN: Duration = Duration::from_secs(2);

/// A number that this process runs.
pub struct Live {
    /// Which.
    pub number: Arc<Number>,
    /// Its device.
    pub device: Device,
    /// There is something to do for it.
    pub wake: Notify,
    /// There may be files to bring to the relay.
    pub files: Notify,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("number", &self.number.id).finish_non_exhaustive()
    }
}

/// What is done for a number, as long as this process runs it.
#[async_trait]
pub trait Desk: Send + Sync + fmt::Debug {
    /// Works until it fails; dropped when the number is somebody else's.
    async fn work(&self, live: Arc<Live>) -> HostError;
}

/// Runs devices.
pub struct Running {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    numbers: Arc<Numbers>,
    businesses: Arc<Businesses>,
    link: Arc<dyn Link>,
    saves: LaneHandle<Saves>,
    leases: Leases,
    live: Mutex<HashMap<NumberId, Entry>>,
}

struct Entry {
    live: Option<Arc<Live>>,
    tasks: Vec<AbortHandle>,
    ended: Arc<Notify>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("leases", &self.leases).finish_non_exhaustive()
    }
}

impl Running {
    /// Over this link. Nothing runs yet.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        keys: Arc<Keys>,
        numbers: Arc<Numbers>,
        businesses: Arc<Businesses>,
        link: Arc<dyn Link>,
    ) -> Arc<Self> {
        let saves = ground.writer.lane(Saves);
        let leases = Leases::new(ground.clone());
        Arc::new(Self { ground, keys, numbers, businesses, link, saves, leases, live: Mutex::default() })
    }

    /// Registers a number's device at the relay with the credential of who hosts its business, or lets it go on with the
    /// device that it has. Safe to repeat.
    ///
    /// # Errors
    /// `Conflict` while another process does it; `Device` if the relay says no; those of the database.
    pub async fn connect(&self, number: NumberId, credential: &str) -> Result<Arc<Number>, HostError> {
        let known = self.numbers.get(number).await?;
        if known.registered {
            return Ok(known);
        }
        let business = self.businesses.get(known.business).await?.relay_id;
        let connected = self.connect_by(&known, true, async |edges| {
            let registration = HostedRegistration {
                business,
                number: known.number.clone(),
                credential: credential.to_owned(),
                device_name: DEVICE_NAME.to_owned(),
            };
            Ok(Device::register_hosted(edges, registration).await?)
        });
        connected.await
    }

    /// Has the relay send a code to a number of a business, by which its holder agrees.
    ///
    /// # Errors
    /// `Device` if the relay says no.
    pub async fn request_code(&self, number: &Number) -> Result<(), HostError> {
        Device::request_code(&*self.link, &number.number).await?;
        Ok(())
    }

    /// Registers the device of a number whose holder agreed by that code: beside another number of the business, which the
    /// relay knows. It neither sends nor receives before it is registered with its PIN.
    ///
    /// # Errors
    /// `Conflict` while another process does it, or where the business has no number at the relay; `Device` if the relay
    /// says no; those of the database.
    pub async fn verify(&self, number: &Number, code: String) -> Result<Arc<Number>, HostError> {
        let others = self.numbers.of_waba(number.waba).await?;
        let beside = others.iter().find(|other| other.registered && other.id != number.id);
        let beside = beside.ok_or(HostError::Conflict(
            "the business has no other registered number here, which the relay would know it by",
        ))?;
        let beside = self.asking(beside).await?;
        let registration = Registration {
            number: number.number.clone(),
            code,
            pin: None,
            device_name: DEVICE_NAME.to_owned(),
        };
        let connected = self.connect_by(number, false, async |edges| {
            Ok(Device::register_beside(edges, &beside, registration).await?)
        });
        connected.await
    }

    /// Lets a number have the device that it has, or one that `register` registers; and lets it send and receive, or not
    /// yet.
    async fn connect_by(
        &self,
        known: &Number,
        registered: bool,
        register: impl AsyncFnOnce(Edges) -> Result<Device, HostError>,
    ) -> Result<Arc<Number>, HostError> {
        let number = known.id;
        let holder: Token = self.ground.random();
        if !self.leases.take(number, holder).await? {
            return Err(HostError::Conflict("this number is being connected"));
        }
        let connected = async {
            let edges = || self.edges(known, holder);
            let kept = match Device::open(edges().await?).await {
                // The relay may have removed it: then what is left of it is of no use.
                Ok(device) => match device.devices().await {
                    Ok(_) => Some(device),
                    Err(client::Error::Link(LinkError::Unauthorized)) => {
                        device.erase().await?;
                        None
                    }
                    Err(error) => return Err(error.into()),
                },
                Err(client::Error::NotRegistered) => None,
                Err(error) => return Err(error.into()),
            };
            let device = match kept {
                Some(device) => device,
                None => register(edges().await?).await?,
            };
            // The API tells of a changed key, and sends all the same unless it was told which key it is to be.
            let settings = Settings {
                accept_changed_identities: true,
                read_in_silence: false,
                keep_history: false,
                ignore_labels: true,
            };
            device.set_settings(settings).await?;
            Ok(device.own().account)
        };
        let account: Result<client::AccountId, HostError> = async {
            // Before the relay is asked, which spends a code: it may have been taken away meanwhile.
            self.numbers.still(number).await?;
            connected.await
        }
        .await;
        // Written down as long as nobody else can take the number away.
        let written = match account {
            Ok(account) => self.numbers.set_registered(number, Some(account), registered).await,
            Err(error) => Err(error),
        };
        self.leases.release(number, holder).await?;
        written?;
        self.ground.changed(known.business).await;
        self.leases.wake().await;
        self.numbers.get(number).await
    }

    /// Stops a number's sending and receiving. What is written to it waits at the relay.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn disconnect(&self, number: NumberId) -> Result<(), HostError> {
        self.numbers.set_registered(number, None, false).await?;
        self.leases.wake().await;
        Ok(())
    }

    /// Waits until no process runs any number of a business: they were all disconnected, or it was erased.
    ///
    /// # Errors
    /// `Conflict` if one still does after its lease; those of the database.
    pub async fn stopped(&self, business: crate::ids::BusinessId) -> Result<(), HostError> {
        const LOOK: Duration = Duration::from_millis(100);
        // A process that is gone holds its leases no longer than this.
        const LOOKS: u32 = 200;
        for _ in 0..LOOKS {
            let mut reader = self.ground.reader().await?;
            if !super::store::leased(&mut reader, business, self.ground.now()).await? {
                return Ok(());
            }
            drop(reader);
            self.leases.wake().await;
            tokio::time::sleep(LOOK).await;
        }
        Err(HostError::Conflict("a number of the business is still being run"))
    }

    /// Has all processes look which numbers are theirs.
    pub async fn look_again(&self) {
        self.leases.wake().await;
    }

    /// How many numbers this process runs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().values().filter(|entry| entry.live.is_some()).count()
    }

    /// The businesses of the numbers that this process runs.
    #[must_use]
    pub fn businesses(&self) -> Vec<crate::ids::BusinessId> {
        let here = self.lock();
        let mut here: Vec<_> =
            here.values().filter_map(|entry| Some(entry.live.as_ref()?.number.business)).collect();
        here.sort_unstable();
        here.dedup();
        here
    }

    /// The number, if this process runs it.
    #[must_use]
    pub fn live(&self, number: NumberId) -> Option<Arc<Live>> {
        self.lock().get(&number).and_then(|entry| entry.live.clone())
    }

    /// A device of the number to ask the relay with, whoever runs it: nothing that changes its state may be done with it
    /// unless this process does.
    ///
    /// # Errors
    /// `Device` if it was never connected; those of the database.
    pub async fn asking(&self, number: &Number) -> Result<Device, HostError> {
        if let Some(live) = self.live(number.id) {
            return Ok(live.device.clone());
        }
        // No lease has this holder.
        let holder: Token = self.ground.random();
        Ok(Device::open(self.edges(number, holder).await?).await?)
    }

    /// The id that a number's business has at the relay.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub(crate) async fn relay_id(&self, number: &Number) -> Result<wire::BusinessId, HostError> {
        Ok(self.businesses.get(number.business).await?.relay_id)
    }

    async fn edges(&self, number: &Number, token: Token) -> Result<Edges, HostError> {
        let key = self.keys.of(number.business).await?;
        let vault = SqlVault::new(self.ground.clone(), self.saves.clone(), key, number.id, token);
        Ok(Edges {
            vault: Arc::new(vault),
            link: self.link.clone(),
            clock: Arc::new(HostClock(self.ground.clock.clone())),
            rng: rng(self.ground.entropy.clone()),
        })
    }

    /// Runs this process's share of all numbers until the host goes down.
    pub fn start(self: &Arc<Self>, desk: Arc<dyn Desk>) -> JoinHandle<()> {
        let running = self.clone();
        tokio::spawn(async move {
            let closing = running.ground.closing.clone();
            // However this task ends, nothing of it goes on.
            let _all = AbortAll(running.clone());
            tokio::select! {
                () = running.keep(desk) => {}
                () = closing.cancelled() => {}
            }
            running.stop_all().await;
            if let Err(error) = running.leases.leave().await {
                tracing::info!(error = &error as &dyn std::error::Error, "leases run out by themselves");
            }
        })
    }

    async fn keep(self: &Arc<Self>, desk: Arc<dyn Desk>) {
        let mut signals = self.leases.listen().await;
        if let Err(error) = self.leases.inherit().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "leases of an earlier process stay until they run out"
            );
        }
        loop {
            match self.leases.share(|| self.held()).await {
                Ok(share) => {
                    for number in share.lost {
                        self.stop(number).await;
                    }
                    for number in share.spare {
                        self.stop(number).await;
                        if let Err(error) = self.leases.give_up(number).await {
                            tracing::warn!(
                                error = &error as &dyn std::error::Error,
                                "a number was not given up"
                            );
                        }
                    }
                    for number in share.taken {
                        self.begin(number, desk.clone());
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "leases could not be renewed");
                }
            }
            self.leases.pause(&mut signals).await;
        }
    }

    fn held(&self) -> Vec<NumberId> {
        self.lock().keys().copied().collect()
    }

    fn begin(self: &Arc<Self>, number: NumberId, desk: Arc<dyn Desk>) {
        let running = self.clone();
        let ended = Arc::new(Notify::new());
        let over = CancellationToken::new();
        let entry = Entry { live: None, tasks: Vec::new(), ended: ended.clone() };
        // Before the task begins: it notes there what it runs.
        self.lock().entry(number).or_insert(entry);
        let task = tokio::spawn({
            let guard = over.clone().drop_guard();
            async move {
                let _guard = guard;
                loop {
                    if let Err(error) = running.run(number, &*desk, &over).await {
                        tracing::warn!(%number, error = &error as &dyn std::error::Error, "a number's device ended");
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        });
        if let Some(entry) = self.lock().get_mut(&number) {
            entry.tasks.push(task.abort_handle());
        }
        // When the task is gone, however it ended, nobody touches the device any more.
        tokio::spawn(async move {
            let _ = task.await;
            ended.notify_one();
        });
    }

    async fn run(
        &self,
        number: NumberId,
        desk: &dyn Desk,
        over: &CancellationToken,
    ) -> Result<(), HostError> {
        let known = self.numbers.get(number).await?;
        // Of this run alone: what an earlier one may still have on its way is refused.
        let token: Token = self.ground.random();
        if !self.leases.claim(number, token).await? {
            return Err(HostError::Conflict("another process runs this number"));
        }
        let device = Device::open(self.edges(&known, token).await?).await?;
        let live = Arc::new(Live {
            number: known,
            device: device.clone(),
            wake: Notify::new(),
            files: Notify::new(),
        });
        if let Some(entry) = self.lock().get_mut(&number) {
            entry.live = Some(live.clone());
        }
        // A task of its own: whatever the desk waits for, the device goes on. It ends with this one.
        let over = over.clone();
        let mut connection = tokio::spawn(async move {
            tokio::select! {
                ended = device.run() => ended,
                () = over.cancelled() => Ok(Ended::Stopped),
            }
        });
        let _stop = StopOnDrop(connection.abort_handle());
        let outcome = tokio::select! {
            error = desk.work(live) => Err(error),
            ended = &mut connection => match ended {
                Ok(Ok(Ended::Stopped | Ended::Replaced)) => Ok(()),
                Ok(Ok(Ended::Removed)) => {
                    // The relay took the device away: switched hosting, or another registration.
                    self.numbers.set_registered(number, None, false).await?;
                    Err(HostError::Conflict("the relay removed the device of this number"))
                }
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Ok(()),
            },
        };
        if let Some(entry) = self.lock().get_mut(&number) {
            entry.live = None;
        }
        outcome
    }

    /// Stops a number and returns when nothing of it runs any more.
    async fn stop(&self, number: NumberId) {
        let Some(entry) = self.lock().remove(&number) else { return };
        entry.tasks.iter().for_each(AbortHandle::abort);
        entry.ended.notified().await;
    }

    async fn stop_all(&self) {
        for number in self.held() {
            self.stop(number).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<NumberId, Entry>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct AbortAll(Arc<Running>);

impl Drop for AbortAll {
    fn drop(&mut self) {
        for entry in self.0.lock().values() {
            entry.tasks.iter().for_each(AbortHandle::abort);
        }
    }
}

struct StopOnDrop(AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
