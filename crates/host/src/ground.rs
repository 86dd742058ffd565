//! What every feature stands on.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use store::{
    Clock, Entropy, StoreError, Timestamp,
    blobs::Blobs,
    bus::{Bus, Subject, Subscription},
    jobs::Jobs,
    sql::{Connection, Database, Transaction},
    writer::Writer,
};
use tokio_util::sync::CancellationToken;

use crate::{Config, HostError};

const CHANGED: &str = "host.changed";

/// Database, bus, clock, randomness and configuration, shared by all features.
#[derive(Debug)]
pub struct Ground {
    /// For reading.
    pub database: Database,
    /// For writing.
    pub writer: Writer,
    /// Signals to other tasks and processes.
    pub bus: Arc<dyn Bus>,
    /// Wakes workers after a commit.
    pub jobs: Jobs,
    /// Large bytes, each of them encrypted before it gets there.
    pub blobs: Blobs,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Goes off when the host goes down: who waits for something ends.
    pub closing: CancellationToken,
    /// How the host was told to be.
    pub config: Config,
}

impl Ground {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fresh random bytes.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A fresh name that nobody guesses, of 24 hexadecimal digits.
    #[must_use]
    pub fn random_name(&self) -> String {
        self.random::<12>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Tells all processes that something of a business was changed, so that none goes on with what it read before. If it
    /// gets lost, they look again after [`Recent::FRESH`].
    pub async fn changed(&self, business: crate::ids::BusinessId) {
        let told = match Subject::new(CHANGED) {
            Ok(subject) => self.bus.publish(&subject, business.to_string().into()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::info!(
                error = &error as &dyn std::error::Error,
                "other processes were not told of a change"
            );
        }
    }

    /// Hears of what [`changed`](Self::changed).
    ///
    /// # Errors
    /// `Unavailable`.
    pub(crate) async fn changes(&self) -> Result<Subscription, StoreError> {
        self.bus.subscribe(&Subject::new(CHANGED)?).await
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn reader(&self) -> Result<Connection, StoreError> {
        self.database.reader().await
    }

    /// Runs `operation` in the next transaction; see [`Writer::write`]. `key`: the id of the business or number whose
    /// writes keep their order.
    ///
    /// # Errors
    /// Those of `operation` and of the writer.
    pub async fn write<T, F>(&self, key: u64, operation: F) -> Result<T, HostError>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T, HostError>> + Send + Sync + 'static,
    {
        self.writer.write(key, operation).await
    }
}

/// What was read a moment ago, so that not every request reads it again. Changes made by other processes are seen after
/// [`Recent::FRESH`].
#[derive(Debug)]
pub struct Recent<K, V>(quick_cache::sync::Cache<K, (Timestamp, V)>);

impl<K: Eq + std::hash::Hash, V: Clone> Recent<K, V> {
    /// How long something counts as just read.
    pub const FRESH: std::time::Duration = std::time::Duration::from_secs(5);

    /// For at most so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(quick_cache::sync::Cache::new(most))
    }

    /// What was read, if that was not long ago.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        self.0.get(key).filter(|(read, _)| now < read.after(Self::FRESH)).map(|(_, value)| value)
    }

    /// Keeps what was just read.
    pub fn keep(&self, key: K, value: V, now: Timestamp) {
        self.0.insert(key, (now, value));
    }

    /// It was changed.
    pub fn forget(&self, key: &K) {
        self.0.remove(key);
    }

    /// Nobody knows what was changed.
    pub fn forget_all(&self) {
        self.0.clear();
    }
}
