//! Whom an account wants to hear nothing from.

pub mod routes;
mod store;

use std::sync::Arc;

use wire::{AccountId, limits};

pub(crate) use self::store::{MIGRATIONS, erase, erase_own};
use crate::{
    RelayError,
    accounts::Accounts,
    auth::Caller,
    devices,
    ground::{Ground, shard},
    limits::Buckets,
};

/// Keeps block lists.
#[derive(Debug)]
pub struct Blocks {
    ground: Arc<Ground>,
    accounts: Arc<Accounts>,
    changes: Buckets<AccountId>,
}

impl Blocks {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, accounts: Arc<Accounts>) -> Arc<Self> {
        let limits = &ground.config.limits;
        let changes = Buckets::new(limits.changes, limits.remembered, ground.clock.clone());
        Arc::new(Self { ground, accounts, changes })
    }

    /// Whom an account blocks.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, account: AccountId) -> Result<Vec<AccountId>, RelayError> {
        Ok(store::blocked(&mut self.ground.reader().await?, account).await?)
    }

    /// Blocks an account, which is not told, and need not exist: to say whether it does is not the business of this.
    ///
    /// # Errors
    /// `Invalid` for oneself, `TooLarge`, `RateLimited`, `Unauthorized` if the caller is gone already; those of the
    /// database.
    pub async fn block(&self, caller: Caller, other: AccountId) -> Result<(), RelayError> {
        let account = caller.account;
        if account == other {
            return Err(RelayError::invalid("nobody blocks themselves"));
        }
        self.changes.take(&account)?;
        let limit = crate::edge::as_u64(limits::BLOCKS);
        let most = i64::try_from(limits::BLOCKS).unwrap_or(i64::MAX);
        let written = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                store::block(transaction, account, other).await?;
                if store::count(transaction, account).await? > most {
                    return Err(RelayError::TooLarge { what: "a block list in accounts", limit });
                }
                Ok(())
            })
        });
        written.await?;
        self.accounts.changed(account).await;
        Ok(())
    }

    /// Unblocks an account. Safe to repeat.
    ///
    /// # Errors
    /// `RateLimited`, `Unauthorized` if the caller is gone already; those of the database.
    pub async fn unblock(&self, caller: Caller, other: AccountId) -> Result<(), RelayError> {
        let account = caller.account;
        self.changes.take(&account)?;
        let written = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(store::unblock(transaction, account, other).await?)
            })
        });
        written.await?;
        self.accounts.changed(account).await;
        Ok(())
    }
}
