//! Accounts: who there is, how they are reached, and what they say about themselves.

mod erasure;
mod recipients;
pub mod routes;
mod store;

use wire::{AccountId, PhoneNumber, api};

pub(crate) use self::store::{
    Lock, MIGRATIONS, by_number, hold, identity, insert, number, numbers, profile, put_profile, reset,
    set_lock, took_pin_try,
};
pub use self::{
    erasure::Erasure,
    recipients::{Accounts, Endpoint, Recipient},
};
use crate::{RelayError, auth::Caller, businesses, devices, ground::shard, hosting};

impl Accounts {
    /// Who the caller is.
    ///
    /// # Errors
    /// `Unauthorized` if it was removed meanwhile; those of the database.
    pub async fn about(&self, caller: Caller) -> Result<api::Account, RelayError> {
        let mut reader = self.ground.reader().await?;
        let found = store::about(&mut reader, caller.account).await?;
        let found = found.ok_or(RelayError::Unauthorized)?;
        let business = match hosting::hosted(&mut reader, caller.account).await? {
            Some(hosted) => businesses::business(&mut reader, hosted.business).await?,
            None => None,
        };
        Ok(api::Account {
            account: caller.account,
            device: caller.device,
            number: self::store::number(&found.number)?,
            discoverable: found.discoverable,
            registration_lock: found.locked,
            business_state: business.map(|business| business.state()),
        })
    }

    /// Says whether others find the account by its number.
    ///
    /// # Errors
    /// `RateLimited`, `Unauthorized` if the caller is gone already; those of the database.
    pub async fn set_discoverable(&self, caller: Caller, discoverable: bool) -> Result<(), RelayError> {
        self.changes.take(&caller.account)?;
        let written = self.ground.write(shard(caller.account), move |transaction| {
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(store::set_discoverable(transaction, caller.account, discoverable).await?)
            })
        });
        written.await
    }

    /// Those of these numbers that have an account and may be found.
    ///
    /// # Errors
    /// `Invalid`, `RateLimited`; those of the database.
    pub async fn lookup(
        &self,
        account: AccountId,
        mut numbers: Vec<PhoneNumber>,
    ) -> Result<api::Found, RelayError> {
        if numbers.len() > wire::limits::LOOKUP {
            return Err(RelayError::field("numbers", "at most 100"));
        }
        let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        self.lookups.take_many(&account, count)?;
        numbers.sort_unstable();
        numbers.dedup();
        let found = store::discoverable(&mut self.ground.reader().await?, &numbers).await?;
        let accounts = found.into_iter().map(|found| {
            Ok(api::FoundAccount { number: store::number(&found.number)?, account: found.account.0 })
        });
        Ok(api::Found { accounts: accounts.collect::<Result<_, RelayError>>()? })
    }
}
