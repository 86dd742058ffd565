//! What people say about themselves, sealed: the relay keeps the bytes with the account.

pub mod routes;

use std::sync::Arc;

use wire::{AccountId, limits};

use crate::{
    RelayError, accounts,
    auth::Caller,
    devices,
    ground::{Ground, shard},
    limits::Buckets,
};

/// Keeps profiles.
#[derive(Debug)]
pub struct Profiles {
    ground: Arc<Ground>,
    changes: Buckets<AccountId>,
    reads: Buckets<AccountId>,
}

impl Profiles {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let changes = Buckets::new(limits.changes, limits.remembered, clock.clone());
        let reads = Buckets::new(limits.profiles, limits.remembered, clock.clone());
        Arc::new(Self { ground, changes, reads })
    }

    /// Replaces an account's profile.
    ///
    /// # Errors
    /// `TooLarge`, `RateLimited`, `Unauthorized` if the caller is gone already; those of the database.
    pub async fn put(&self, caller: Caller, profile: Vec<u8>) -> Result<(), RelayError> {
        if profile.len() > limits::PROFILE {
            let limit = crate::edge::as_u64(limits::PROFILE);
            return Err(RelayError::TooLarge { what: "a profile in bytes", limit });
        }
        self.changes.take(&caller.account)?;
        let profile: Arc<[u8]> = profile.into();
        let written = self.ground.write(shard(caller.account), move |transaction| {
            let profile = profile.clone();
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(accounts::put_profile(transaction, caller.account, &profile).await?)
            })
        });
        written.await
    }

    /// An account's profile.
    ///
    /// # Errors
    /// `NotFound` if there is none, `RateLimited`; those of the database.
    pub async fn get(&self, caller: AccountId, account: AccountId) -> Result<Vec<u8>, RelayError> {
        self.reads.take(&caller)?;
        let profile = accounts::profile(&mut self.ground.reader().await?, account).await?;
        profile.ok_or(RelayError::NotFound)
    }
}
