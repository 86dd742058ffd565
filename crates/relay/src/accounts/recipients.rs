//! Where envelopes to an account go: looked up for every one of them, so kept in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use store::{
    Timestamp,
    bus::{Signal, Subject, Subscription},
};
use wire::{AccountId, DeviceId};

use crate::{RelayError, devices::DeviceKey, ground::Ground, limits::Buckets};

/// On which subject nodes tell each other that an account changed: its 16 bytes.
const SUBJECT: &str = "accounts";
/// A signal may get lost. What is older than this is looked up again.
const FRESH: Duration = Duration::from_secs(30);

/// One device that envelopes go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Its number.
    pub device: DeviceId,
    /// Tells it from its predecessor with this number.
    pub registration_id: u32,
    /// Its row.
    pub key: DeviceKey,
}

/// An account as a sender sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Which.
    pub account: AccountId,
    /// By device number.
    pub endpoints: Vec<Endpoint>,
    /// In order.
    blocked: Vec<AccountId>,
}

impl Recipient {
    /// Whether envelopes from `sender` are to be dropped.
    #[must_use]
    pub fn blocks(&self, sender: AccountId) -> bool {
        self.blocked.binary_search(&sender).is_ok()
    }
}

#[derive(Debug, Clone)]
struct Cached {
    loaded: Timestamp,
    recipient: Arc<Recipient>,
}

/// An account counts once, and once more for every so many that it blocks.
#[derive(Debug, Clone)]
struct BySize;

impl Weighter<AccountId, Cached> for BySize {
    fn weight(&self, _: &AccountId, cached: &Cached) -> u64 {
        1 + u64::try_from(cached.recipient.blocked.len() / 16).unwrap_or(u64::MAX - 1)
    }
}

/// All accounts.
#[derive(Debug)]
pub struct Accounts {
    pub(super) ground: Arc<Ground>,
    pub(super) changes: Buckets<AccountId>,
    pub(super) lookups: Buckets<AccountId>,
    recipients: Cache<AccountId, Cached, BySize>,
    /// Counts changes: what was read before one must not stay after it.
    changed: AtomicU64,
}

impl Accounts {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let changes = Buckets::new(limits.changes, limits.remembered, clock.clone());
        let lookups = Buckets::new(limits.lookups, limits.remembered, clock.clone());
        let capacity = ground.config.recipients_cached;
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        let recipients = Cache::with_weighter(capacity, weight, BySize);
        Arc::new(Self { ground, changes, lookups, recipients, changed: AtomicU64::new(0) })
    }

    /// Where envelopes to an account go, if it is known here and now.
    #[must_use]
    pub fn cached(&self, account: AccountId) -> Option<Arc<Recipient>> {
        let cached = self.recipients.get(&account)?;
        (cached.loaded.until(self.ground.now()) < FRESH).then_some(cached.recipient)
    }

    /// Where envelopes to an account go; `None` if nobody has it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recipient(&self, account: AccountId) -> Result<Option<Arc<Recipient>>, RelayError> {
        if let Some(recipient) = self.cached(account) {
            return Ok(Some(recipient));
        }
        let changed = self.changed.load(SeqCst);
        let loaded = self.ground.now();
        let mut reader = self.ground.reader().await?;
        let (endpoints, blocked) = super::store::recipient(&mut reader, account).await?;
        drop(reader);
        if endpoints.is_empty() {
            return Ok(None);
        }
        let recipient = Arc::new(Recipient { account, endpoints, blocked });
        self.recipients.insert(account, Cached { loaded, recipient: recipient.clone() });
        if self.changed.load(SeqCst) != changed {
            self.recipients.remove(&account);
        }
        Ok(Some(recipient))
    }

    /// After the commit of a change to an account's devices or blocks: forgets it here and tells the other nodes.
    pub async fn changed(&self, account: AccountId) {
        self.forget(account);
        let told = match Subject::new(SUBJECT) {
            Ok(subject) => {
                let message = Bytes::copy_from_slice(account.as_bytes());
                self.ground.bus.publish(&subject, message).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "other nodes were not told of a change"
            );
        }
    }

    fn forget(&self, account: AccountId) {
        self.changed.fetch_add(1, SeqCst);
        self.recipients.remove(&account);
    }

    fn forget_all(&self) {
        self.changed.fetch_add(1, SeqCst);
        self.recipients.clear();
    }

    /// Listens to what other nodes change, for as long as it is polled.
    pub async fn listen(&self) {
        loop {
            match self.subscribe().await {
                Ok(mut signals) => {
                    // Between two subscriptions anything may have been said.
                    self.forget_all();
                    loop {
                        match signals.next().await {
                            Signal::Message(bytes) => match AccountId::try_from(&*bytes) {
                                Ok(account) => self.forget(account),
                                Err(_) => self.forget_all(),
                            },
                            Signal::Lagged => self.forget_all(),
                        }
                    }
                }
                Err(error) => {
                    deaf(&error);
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            }
        }
    }

    async fn subscribe(&self) -> Result<Subscription, store::StoreError> {
        self.ground.bus.subscribe(&Subject::new(SUBJECT)?).await
    }
}

fn deaf(error: &store::StoreError) {
    tracing::warn!(error = error as &dyn std::error::Error, "changes on other nodes are not heard");
}
