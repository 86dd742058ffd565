//! The numbers of businesses, and the devices that they have at the relay.

mod edges;
mod leases;
mod lists;
mod names;
pub mod running;
mod store;
mod tiers;
mod vault;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

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

/// Numbers of an account that wait to be verified at most.
const UNVERIFIED: i64 = 20;
/// How long a number is kept for the first who says that it is theirs.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Codes that a business asks for or tries, and within what time.
const CODES: usize = 20;
const CODES_WITHIN: Duration = Duration::from_secs(60 * 60);

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
    codes: quick_cache::sync::Cache<BusinessId, Arc<Mutex<Vec<Timestamp>>>>,
}

impl Numbers {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        Arc::new(Self { recent: Recent::new(10_000), codes: quick_cache::sync::Cache::new(10_000), ground })
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
        self.add_of(business, number, verified_name, None).await
    }

    /// The same; unless so many of the account wait to be verified already.
    async fn add_of(
        &self,
        business: &Business,
        number: PhoneNumber,
        verified_name: String,
        most: Option<i64>,
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
            Box::pin(async move {
                if let Some(most) = most
                    && store::count_unverified(transaction, row.waba).await? >= most
                {
                    let why =
                        format!("{most} numbers of the account wait to be verified: verify those first");
                    return Err(HostError::invalid("phone_number", why));
                }
                Ok(store::insert(transaction, &row).await?)
            })
        });
        if written.await? {
            return Ok(Arc::new(new));
        }
        // Somebody else was faster.
        self.taken(business, &new.number).await?.ok_or(HostError::Conflict("the number was erased meanwhile"))
    }

    /// Gives a business a number whose holder has not agreed yet. The same again is the one that is there.
    ///
    /// # Errors
    /// `Invalid` if too many wait for that, `Conflict` if it is verified as another business's; those of the database.
    pub async fn add_unverified(
        &self,
        business: &Business,
        number: PhoneNumber,
    ) -> Result<Arc<Number>, HostError> {
        self.add_of(business, number, business.name.clone(), Some(UNVERIFIED)).await
    }

    /// Whether a number is still there.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub(crate) async fn still(&self, id: NumberId) -> Result<(), HostError> {
        let found = store::by_id(&mut self.ground.reader().await?, id).await?;
        found.map(drop).ok_or(HostError::NotFound("phone number"))
    }

    /// Counts a code that a business asks for, or tries: so many in a while, lest it be in the way of the others of this
    /// host, who share its address at the relay.
    ///
    /// # Errors
    /// `Wait`.
    pub fn count_code(&self, business: BusinessId) -> Result<(), HostError> {
        let now = self.ground.now();
        let made =
            self.codes.get_or_insert_with::<_, std::convert::Infallible>(&business, || Ok(Arc::default()));
        let asked = made.unwrap_or_default();
        let mut asked = asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        asked.retain(|at| now < at.after(CODES_WITHIN));
        match asked.first() {
            Some(first) if asked.len() >= CODES => {
                Err(HostError::Wait { retry_after: now.until(first.after(CODES_WITHIN)) })
            }
            _ => {
                asked.push(now);
                Ok(())
            }
        }
    }

    /// The number as it is here, if it is this business's.
    async fn taken(
        &self,
        business: &Business,
        number: &PhoneNumber,
    ) -> Result<Option<Arc<Number>>, HostError> {
        let found = store::by_display(&mut self.ground.reader().await?, number.as_str()).await?;
        match found {
            // Whoever says first that a number is theirs does not keep whose it is from it for long.
            Some(found)
                if found.business != business.id
                    && found.account.is_none()
                    && found.created.after(KEPT) <= self.ground.now() =>
            {
                let (id, before, now) = (found.id, found.created, self.ground.now());
                let removed = self.ground.write(id.get(), move |transaction| {
                    Box::pin(async move { Ok(store::remove_unverified(transaction, id, before, now).await?) })
                });
                removed.await?;
                self.recent.forget(&id);
                self.ground.changed(found.business).await;
                Ok(None)
            }
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
    /// `NotFound`; those of the database.
    pub async fn set_registered(
        &self,
        id: NumberId,
        account: Option<AccountId>,
        registered: bool,
    ) -> Result<(), HostError> {
        let written = self.ground.write(id.get(), move |transaction| {
            Box::pin(async move { Ok(store::set_registered(transaction, id, account, registered).await?) })
        });
        let changed = written.await?;
        self.recent.forget(&id);
        if changed { Ok(()) } else { Err(HostError::NotFound("phone number")) }
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
