//! Erasing an account, with everything of it.

use std::sync::Arc;

use super::store;
use crate::{
    RelayError,
    auth::Caller,
    blobs, blocks,
    devices::{self, Devices},
    ground::{Ground, shard},
    registration,
};

/// Erases accounts.
#[derive(Debug)]
pub struct Erasure {
    ground: Arc<Ground>,
    devices: Arc<Devices>,
}

impl Erasure {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, devices: Arc<Devices>) -> Arc<Self> {
        Arc::new(Self { ground, devices })
    }

    /// Erases an account: devices, keys, what waits for it, blocks, profile, codes, and soon its blobs.
    ///
    /// # Errors
    /// `Unauthorized` if the caller is gone already; those of the database.
    pub async fn erase(&self, caller: Caller) -> Result<(), RelayError> {
        let account = caller.account;
        let now = self.ground.now();
        let erased = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                let identity = store::identity(transaction, account).await?;
                let (_, number) = identity.ok_or(RelayError::Unauthorized)?;
                // First the number, then the account, as who registers does: neither waits for the other in a circle.
                registration::erase(transaction, &number).await?;
                devices::still(transaction, caller).await?;
                let keys = devices::keys_of(transaction, account).await?;
                devices::clear(transaction, &keys).await?;
                devices::erase_linking_code(transaction, account).await?;
                blocks::erase(transaction, account).await?;
                blobs::erase(transaction, account, now).await?;
                store::erase(transaction, account).await?;
                Ok(keys)
            })
        });
        let keys = erased.await?;
        self.devices.gone(account, &keys).await;
        self.ground.jobs.wake(blobs::EXPIRY).await;
        Ok(())
    }
}
