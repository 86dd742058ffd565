//! The numbers of businesses, and the devices that they have at the relay.

mod edges;
mod leases;
mod lists;
mod names;
pub mod running;
mod store;
mod tiers;
mod vault;

use std::sync::Arc;

use ::store::Timestamp;
use wire::{AccountId, PhoneNumber};

pub use self::names::{NameDecision, NameReason, NameVerdict};
pub(crate) use self::store::MIGRATIONS;
pub use self::tiers::{InvalidTier, Tier};
use crate::{
    HostError,
    businesses::Business,
    ground::{Ground, Recent},
    ids::{BusinessId, NumberId, WabaId},
};

/// A number of a business. Nothing of it is secret: it is what customers write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its id: the API's `phone_number_id`.
    pub id: NumberId,
    /// The account that it belongs to.
    pub waba: WabaId,
    /// Whose it is.
    pub business: BusinessId,
    /// Its account at the relay, once a device is registered.
    pub account: Option<AccountId>,
    /// The number.
    pub number: PhoneNumber,
    /// Under what name customers see it.
    pub verified_name: String,
    /// The name that it asked for instead, until that is decided.
    pub requested_name: Option<String>,
    /// Whether it can send and receive: it has a device, and was not deregistered.
    pub registered: bool,
    /// How many people a day it may write to first; none for as many as it likes.
    pub tier: Option<u32>,
    /// Whether that stays so, however much of it is used.
    pub tier_held: bool,
    /// When it came to this host.
    pub created: Timestamp,
}

impl Number {
    /// Its digits, without `+`: `display_phone_number`.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.number.as_str().trim_start_matches('+')
    }
}

/// What there is of numbers.
#[derive(Debug)]
pub struct Numbers {
    ground: Arc<Ground>,
    recent: Recent<NumberId, Arc<Number>>,
}

impl Numbers {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        Arc::new(Self { recent: Recent::new(10_000), ground })
    }

    /// Gives a business a number, not connected yet. The same again is the one that is there.
    ///
    /// # Errors
    /// `Invalid`, `Conflict` if another business has it; those of the database.
    pub async fn add(
        &self,
        business: &Business,
        number: PhoneNumber,
        verified_name: String,
    ) -> Result<Arc<Number>, HostError> {
        if verified_name.is_empty() || verified_name.len() > 300 {
            return Err(HostError::invalid("verified_name", "from 1 to 300 bytes"));
        }
        if let Some(found) = self.taken(business, &number).await? {
            return Ok(found);
        }
        let new = Number {
            id: NumberId::random(&*self.ground.entropy),
            waba: business.waba,
            business: business.id,
            account: None,
            number,
            verified_name,
            requested_name: None,
            registered: false,
            tier: self.ground.config.messaging.tier,
            tier_held: false,
            created: self.ground.now(),
        };
        let row = new.clone();
        let written = self.ground.write(new.id.get(), move |transaction| {
            let row = row.clone();
            Box::pin(async move { Ok(store::insert(transaction, &row).await?) })
        });
        if written.await? {
            return Ok(Arc::new(new));
        }
        // Somebody else was faster.
        self.taken(business, &new.number).await?.ok_or(HostError::Conflict("the number was erased meanwhile"))
    }

    /// The number as it is here, if it is this business's.
    async fn taken(
        &self,
        business: &Business,
        number: &PhoneNumber,
    ) -> Result<Option<Arc<Number>>, HostError> {
        let found = store::by_display(&mut self.ground.reader().await?, number.as_str()).await?;
        match found {
            Some(found) if found.business != business.id => {
                Err(HostError::Conflict("another business of this host has this number"))
            }
            found => Ok(found.map(Arc::new)),
        }
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn get(&self, id: NumberId) -> Result<Arc<Number>, HostError> {
        if let Some(known) = self.recent.get(&id, self.ground.now()) {
            return Ok(known);
        }
        let found = store::by_id(&mut self.ground.reader().await?, id).await?;
        let found = Arc::new(found.ok_or(HostError::NotFound("phone number"))?);
        self.recent.keep(id, found.clone(), self.ground.now());
        Ok(found)
    }

    /// Those of an account, in the order of their ids.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_waba(&self, waba: WabaId) -> Result<Vec<Number>, HostError> {
        Ok(store::of_waba(&mut self.ground.reader().await?, waba).await?)
    }

    /// The one with these digits.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn by_display(&self, number: &PhoneNumber) -> Result<Number, HostError> {
        let found = store::by_display(&mut self.ground.reader().await?, number.as_str()).await?;
        found.ok_or(HostError::NotFound("phone number"))
    }

    /// Lets a number send and receive, or no longer. It keeps its device.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn set_registered(
        &self,
        id: NumberId,
        account: Option<AccountId>,
        registered: bool,
    ) -> Result<(), HostError> {
        let written = self.ground.write(id.get(), move |transaction| {
            Box::pin(async move { Ok(store::set_registered(transaction, id, account, registered).await?) })
        });
        written.await?;
        self.recent.forget(&id);
        Ok(())
    }

    /// How many numbers can send and receive, and how many of them no process runs.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn counts(&self) -> Result<(i64, i64), HostError> {
        Ok(store::counts(&mut self.ground.reader().await?, self.ground.now()).await?)
    }

    /// Forgets all numbers that are in memory.
    pub fn forget_all(&self) {
        self.recent.forget_all();
    }
}
