//! What every feature stands on.

use std::{convert::Infallible, sync::Arc};

use futures_util::future::BoxFuture;
use rand_core::{TryCryptoRng, TryRng};
use store::{
    Clock, Entropy, StoreError, Timestamp,
    bus::Bus,
    jobs::Jobs,
    sql::{Connection, Database, Transaction, query},
    writer::Writer,
};
use tokio_util::sync::CancellationToken;
use wire::AccountId;

use crate::{RelayError, config::Config, limits::Nonsense};

/// Database, bus, clock, randomness and configuration, shared by all features.
#[derive(Debug)]
pub struct Ground {
    /// For reading.
    pub database: Database,
    /// For writing.
    pub writer: Writer,
    /// Signals to other tasks and nodes.
    pub bus: Arc<dyn Bus>,
    /// Wakes workers after a commit.
    pub jobs: Jobs,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Goes off when the relay goes down: who waits for something ends.
    pub closing: CancellationToken,
    /// Who said what makes no sense.
    pub nonsense: Nonsense,
    /// How the relay was told to be.
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

    /// A connection for reading.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn reader(&self) -> Result<Connection, StoreError> {
        self.database.reader().await
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn answers(&self) -> Result<(), RelayError> {
        let one: Option<i64> = query("SELECT CAST(1 AS BIGINT)").value(&mut self.reader().await?).await?;
        one.map(drop).ok_or(RelayError::Unavailable)
    }

    /// Runs `operation` in the next transaction; see [`Writer::write`].
    ///
    /// # Errors
    /// Those of `operation` and of the writer.
    pub async fn write<T, F>(&self, key: u64, operation: F) -> Result<T, RelayError>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T, RelayError>> + Send + Sync + 'static,
    {
        self.writer.write(key, operation).await
    }
}

/// The ground's random bytes, for what signs and makes keys.
#[derive(Debug)]
pub struct Randomness<'a>(pub &'a dyn Entropy);

impl TryRng for Randomness<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Randomness<'_> {}

/// The writer's key for what belongs to an account: its writes keep their order.
#[must_use]
pub fn shard(account: AccountId) -> u64 {
    shard_of(account.as_bytes())
}

/// The writer's key for what these bytes name.
#[must_use]
pub fn shard_of(bytes: &[u8]) -> u64 {
    // FNV-1a: it only spreads.
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
