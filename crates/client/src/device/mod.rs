//! What a device does.

mod account;
mod contacts;
mod feed;
mod heal;
mod history;
mod label;
mod lanes;
mod latest;
mod linking;
mod media;
mod menu;
mod names;
mod number;
mod outbox;
mod prekeys;
mod profile;
mod reading;
mod receive;
mod reference;
mod register;
mod run;
mod seal;
mod send;
mod settle;
mod sweep;
mod sync;
mod trust;
mod unsaved;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex as Lock,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use signal::LocalDevice;
use tokio::sync::{Mutex, MutexGuard, Notify};
use wire::{AccountId, DeviceId, frames};
use zeroize::Zeroizing;

use self::{lanes::Lanes, unsaved::Untold};
pub use self::{
    linking::{Linking, LinkingRequest},
    register::{HostedRegistration, Registration},
    run::Ended,
    trust::Settings,
    unsaved::Unsaved,
};
use crate::{
    Clock, Edges, Error, Events, Link, Own, Randomness, Vault,
    event::Readers,
    link::relay::Relay,
    records::{OwnRecord, Work},
    vault::Space,
};

/// How long a call waits for those before it. None takes so long that is polled.
const PATIENCE: Duration = Duration::from_secs(60);

/// One device of an account. Copies are the same device.
///
/// Its methods may be called at any time, whether or not [`Device::run`] runs: what is to be sent waits in the vault.
///
/// They happen one after another, so a call that was begun must be polled to its end or dropped: kept unpolled, say beside
/// the arm of a `select!` that is being worked on, it would hold up all others. Those fail with [`Error::Stalled`] after
/// a minute, and nothing of them is done. This holds for [`Device::run`] too: it belongs in a task of its own.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    vault: Arc<dyn Vault>,
    link: Arc<dyn Link>,
    clock: Arc<dyn Clock>,
    /// Held by whoever changes the device's state.
    rng: Mutex<Randomness>,
    own: Own,
    local: Arc<LocalDevice>,
    token: Zeroizing<String>,
    profile_key: Zeroizing<Vec<u8>>,
    readers: Readers,
    untold: Untold,
    lanes: Lanes,
    /// Sends that are only for who is connected now.
    transient: Lock<VecDeque<frames::Send>>,
    /// How many are in the feed, and that some were taken from it.
    fed: AtomicU64,
    taken: Notify,
    running: AtomicBool,
    stop: Notify,
    /// The relay said that prekeys run out.
    prekeys_low: Notify,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("account", &self.0.own.account)
            .field("device", &self.0.own.device)
            .finish_non_exhaustive()
    }
}

impl Device {
    /// Opens the device that a vault holds.
    ///
    /// # Errors
    /// [`Error::NotRegistered`] if it holds none.
    pub async fn open(edges: Edges) -> Result<Self, Error> {
        let Edges { vault, link, clock, rng } = edges;
        let rng = Mutex::new(rng);
        let (own, fed) = {
            let mut work = Work::begin(&*vault, rng.lock().await, clock.now()).await?;
            let own = work.load::<OwnRecord>(Space::Own, &[]).await?.ok_or(Error::NotRegistered)?;
            (own, work.upkeep().fed)
        };
        Ok(Self(Arc::new(Inner {
            own: own.who()?,
            local: own.local()?,
            token: Zeroizing::new(own.token.clone()),
            profile_key: Zeroizing::new(own.profile_key.clone()),
            vault,
            link,
            clock,
            rng,
            readers: Readers::default(),
            untold: Untold::default(),
            lanes: Lanes::default(),
            transient: Lock::default(),
            fed: AtomicU64::new(fed),
            taken: Notify::new(),
            running: AtomicBool::new(false),
            stop: Notify::new(),
            prekeys_low: Notify::new(),
        })))
    }

    /// Who this device is.
    #[must_use]
    pub fn own(&self) -> &Own {
        &self.0.own
    }

    /// What happens from now on. It must be read while it lives: when much waits in it, receiving stops.
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.readers.subscribe()
    }

    /// Makes [`Device::run`] return.
    pub fn stop(&self) {
        self.0.stop.notify_one();
    }

    fn account(&self) -> AccountId {
        self.0.own.account
    }

    fn device(&self) -> DeviceId {
        self.0.own.device
    }

    fn relay(&self) -> Relay<'_> {
        Relay { link: &*self.0.link, token: Some(&self.0.token) }
    }

    fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Begins a change of the state, after all others. It ends with [`Device::save`], also if it only reads, when what it
    /// gives away must not be taken back by a crash.
    async fn work(&self) -> Result<Work<'_>, Error> {
        let rng = self.rng().await?;
        Work::begin(&*self.0.vault, rng, self.now()).await
    }

    /// The randomness, and with it the right to change the state.
    async fn rng(&self) -> Result<MutexGuard<'_, Randomness>, Error> {
        if let Ok(rng) = self.0.rng.try_lock() {
            return Ok(rng);
        }
        tokio::select! {
            biased;
            rng = self.0.rng.lock() => Ok(rng),
            // Whoever holds it is not polled any more: to say so is better than to wait for ever.
            () = self.0.clock.sleep(PATIENCE) => Err(Error::Stalled),
        }
    }

    fn primary_only(&self) -> Result<(), Error> {
        if self.device() == DeviceId::PRIMARY { Ok(()) } else { Err(Error::PrimaryOnly) }
    }
}
