//! Numbers of businesses, and the numbers of those who try them out.

use std::{net::IpAddr, sync::Arc};

use ::store::{Timestamp, sql::Transaction};
use wire::{BusinessId, PhoneNumber, api};

use super::{held, store};
use crate::{
    RelayError,
    devices::{DeviceKey, Devices},
    ground::{Ground, shard_of},
    hosting,
    limits::Buckets,
    operator::{Event, Who, append},
    queue::Queue,
    registration::{Pin, Registration},
};

/// Binds numbers to businesses.
#[derive(Debug)]
pub struct Numbers {
    ground: Arc<Ground>,
    registration: Arc<Registration>,
    devices: Arc<Devices>,
    queue: Arc<Queue>,
    changes: Buckets<BusinessId>,
}

impl Numbers {
    /// On this ground.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        registration: Arc<Registration>,
        devices: Arc<Devices>,
        queue: Arc<Queue>,
    ) -> Arc<Self> {
        let limits = &ground.config.limits;
        let changes = Buckets::new(limits.changes, limits.remembered, ground.clock.clone());
        Arc::new(Self { ground, registration, devices, queue, changes })
    }

    /// Binds a number, which the code proves that the business has. From another business it goes over to this one.
    ///
    /// # Errors
    /// `CodeWrong`, `CodeExpired`, `RegistrationLocked`, `TooLarge`, `RateLimited`; those of the database.
    pub async fn bind(
        &self,
        address: IpAddr,
        business: BusinessId,
        request: api::BindNumber,
    ) -> Result<(), RelayError> {
        self.changes.take(&business)?;
        let pin = request.pin.map(Pin::parse).transpose()?;
        let number = Arc::new(request.number);
        let proof = Arc::new(self.registration.prove(Some(address), &number, request.code, pin).await?);
        let (now, most) = (self.ground.now(), self.ground.config.businesses.numbers);
        let bound = self.ground.write(shard_of(number.as_str().as_bytes()), move |transaction| {
            let (number, proof) = (number.clone(), proof.clone());
            Box::pin(async move {
                held(transaction, business).await?;
                proof.spend(transaction, &number, now).await?;
                bind_number(transaction, business, &number, (Who::Business, most), now).await
            })
        });
        if let Some((account, devices)) = bound.await? {
            self.devices.gone(account, &devices).await;
        }
        Ok(())
    }

    /// Takes a number from a business, with the account that was registered for it: its devices are gone.
    ///
    /// # Errors
    /// `NotFound`, `RateLimited`; those of the database.
    pub async fn unbind(&self, business: BusinessId, number: PhoneNumber) -> Result<(), RelayError> {
        self.changes.take(&business)?;
        let (now, number) = (self.ground.now(), Arc::new(number));
        let unbound = self.ground.write(shard_of(number.as_str().as_bytes()), move |transaction| {
            let number = number.clone();
            Box::pin(async move {
                held(transaction, business).await?;
                // In the order in which registration locks; an error undoes it.
                let gone = hosting::end(transaction, &number).await?;
                if store::hold_number(transaction, &number).await? != Some(business) {
                    return Err(RelayError::NotFound);
                }
                store::unbind_number(transaction, &number).await?;
                noted(transaction, business, Who::Business, "number_removed", now).await?;
                Ok(gone)
            })
        });
        if let Some((account, devices)) = unbound.await? {
            self.devices.gone(account, &devices).await;
        }
        Ok(())
    }

    /// Lists a number as a tester's: the business may write to it before it is approved. Safe to repeat.
    ///
    /// # Errors
    /// `TooLarge`, `RateLimited`; those of the database.
    pub async fn add_tester(&self, business: BusinessId, number: PhoneNumber) -> Result<(), RelayError> {
        self.changes.take(&business)?;
        let (number, most) = (Arc::new(number), self.ground.config.businesses.testers);
        let changed = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let number = number.clone();
            Box::pin(async move {
                held(transaction, business).await?;
                if !store::add_tester(transaction, business, &number).await? {
                    return Ok(Vec::new());
                }
                if store::count_testers(transaction, business).await? > i64::from(most) {
                    return Err(RelayError::TooLarge { what: "a business in testers", limit: most.into() });
                }
                Ok(hosting::devices_of(transaction, business).await?)
            })
        });
        let devices: Vec<DeviceKey> = changed.await?;
        self.queue.renew(&devices);
        Ok(())
    }

    /// Takes a tester from the list. Safe to repeat.
    ///
    /// # Errors
    /// `RateLimited`; those of the database.
    pub async fn remove_tester(&self, business: BusinessId, number: PhoneNumber) -> Result<(), RelayError> {
        self.changes.take(&business)?;
        let number = Arc::new(number);
        let changed = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let number = number.clone();
            Box::pin(async move {
                held(transaction, business).await?;
                store::remove_tester(transaction, business, &number).await?;
                Ok(hosting::devices_of(transaction, business).await?)
            })
        });
        let devices: Vec<DeviceKey> = changed.await?;
        self.queue.renew(&devices);
        Ok(())
    }
}

/// Binds a number that was proved to a business that is held, which may have so many. What is gone with whom had it before.
pub(crate) async fn bind_number(
    transaction: &mut Transaction,
    business: BusinessId,
    number: &PhoneNumber,
    (who, most): (Who, u32),
    now: Timestamp,
) -> Result<Option<(wire::AccountId, Vec<DeviceKey>)>, RelayError> {
    if store::hold_number(transaction, number).await? == Some(business) {
        if matches!(who, Who::Host) {
            // Its device is about to be another one.
            noted(transaction, business, who, "number_bound_again", now).await?;
        }
        return Ok(None);
    }
    let lost = lose_number(transaction, number, now).await?;
    if store::count_numbers(transaction, business).await? >= i64::from(most) {
        return Err(RelayError::TooLarge { what: "a business in numbers", limit: most.into() });
    }
    store::bind_number(transaction, business, number, now).await?;
    noted(transaction, business, who, "number_bound", now).await?;
    Ok(lost)
}

/// Somebody proved to have a number: the business that it was bound to has it no more, nor an account for it. What is
/// gone with it.
pub(crate) async fn lose_number(
    transaction: &mut Transaction,
    number: &PhoneNumber,
    now: Timestamp,
) -> Result<Option<(wire::AccountId, Vec<DeviceKey>)>, RelayError> {
    let Some(business) = store::hold_number(transaction, number).await? else { return Ok(None) };
    let gone = hosting::end(transaction, number).await?;
    store::unbind_number(transaction, number).await?;
    noted(transaction, business, Who::NumberHolder, "number_lost", now).await?;
    Ok(gone)
}

/// That the numbers of a business changed. Which one it was is nobody's business who reads the trail.
async fn noted(
    transaction: &mut Transaction,
    business: BusinessId,
    who: Who,
    what: &'static str,
    now: Timestamp,
) -> Result<(), RelayError> {
    let count = store::count_numbers(transaction, business).await?;
    let after = Some(serde_json::json!({ "numbers": count }));
    append(transaction, Event { who, what, subject: business.to_string(), before: None, after }, now).await
}
