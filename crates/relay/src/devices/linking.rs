//! Linking further devices to an account.

use std::{sync::Arc, time::Duration};

use ::store::Timestamp;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use wire::{AccountId, DeviceId, Token, api, limits};

use super::{
    DeviceKey, Devices,
    parse::{NewDevice, Offered},
    still, store,
};
use crate::{
    RelayError, accounts,
    auth::{Caller, day, hash},
    error::millis,
    ground::{Ground, shard},
    keys,
    limits::{Buckets, network},
    queue::store::open_mailboxes,
};

/// How long a linking code is good.
const CODE: Duration = Duration::from_secs(10 * 60);

/// Links devices.
#[derive(Debug)]
pub struct Linking {
    ground: Arc<Ground>,
    devices: Arc<Devices>,
    codes: Buckets<AccountId>,
    tries: Buckets<std::net::IpAddr>,
}

impl Linking {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, devices: Arc<Devices>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let codes = Buckets::new(limits.changes, limits.remembered, clock.clone());
        let tries = Buckets::new(limits.registrations, limits.remembered, clock.clone());
        Arc::new(Self { ground, devices, codes, tries })
    }

    /// A code with which one device can be linked to the account; an earlier one is void.
    ///
    /// # Errors
    /// `RateLimited`, `Unauthorized` if the caller is gone already; those of the database.
    pub async fn code(&self, caller: Caller) -> Result<api::LinkingCode, RelayError> {
        let account = caller.account;
        self.codes.take(&account)?;
        let code = URL_SAFE_NO_PAD.encode(self.ground.random::<16>());
        let (code_hash, expires) = (hash(code.as_bytes()), self.ground.now().after(CODE));
        let written = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                still(transaction, caller).await?;
                Ok(store::put_linking_code(transaction, account, code_hash, expires).await?)
            })
        });
        written.await?;
        Ok(api::LinkingCode { code, expires_in_ms: millis(CODE) })
    }

    /// Links a device with the code that its primary device got.
    ///
    /// # Errors
    /// `CodeExpired`, `Invalid`, `TooLarge` when the account has all devices that it may, `RateLimited`; those of the
    /// database.
    pub async fn link(
        &self,
        address: std::net::IpAddr,
        request: api::LinkDevice,
    ) -> Result<api::Registered, RelayError> {
        self.tries.take(&network(address))?;
        let offered = Offered::parse(request.device)?;
        let code_hash = hash(request.code.as_bytes());
        let now = self.ground.now();
        let mut reader = self.ground.reader().await?;
        let account = store::linking_code(&mut reader, code_hash, now).await?;
        let account = account.ok_or(RelayError::CodeExpired)?;
        let known = accounts::identity(&mut reader, account).await?;
        drop(reader);
        let (identity_key, number) = known.ok_or(RelayError::CodeExpired)?;
        if identity_key != offered.identity_key {
            return Err(RelayError::field("identity_key", "not that of the account"));
        }
        let device = Arc::new(offered.verify().await?);
        let (secret, token_hash) = mint(&self.ground);
        let linked = self.ground.write(shard(account), move |transaction| {
            let device = device.clone();
            Box::pin(async move {
                accounts::hold(transaction, account).await?;
                if !store::take_linking_code(transaction, code_hash, now).await? {
                    return Err(RelayError::CodeExpired);
                }
                let taken = store::endpoints(transaction, account).await?;
                let taken: Vec<DeviceId> = taken.into_iter().map(|endpoint| endpoint.device).collect();
                let free = free(&taken).ok_or(RelayError::TooLarge {
                    what: "an account in devices",
                    limit: crate::edge::as_u64(limits::DEVICES),
                })?;
                create(transaction, account, free, &device, token_hash, now).await?;
                Ok(free)
            })
        });
        let device = linked.await?;
        self.devices.gone(account, &[]).await;
        Ok(api::Registered { account, device, token: Token { account, device, secret }.expose(), number })
    }

    /// Removes codes that were not used in time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep(&self) -> Result<(), RelayError> {
        let now = self.ground.now();
        let swept = self
            .ground
            .write(0, move |transaction| Box::pin(async move { Ok(store::sweep(transaction, now).await?) }));
        swept.await
    }
}

/// The lowest number that is free, if the account may have one more device.
fn free(taken: &[DeviceId]) -> Option<DeviceId> {
    if taken.len() >= limits::DEVICES {
        return None;
    }
    (2..=127).filter_map(|number| DeviceId::try_from(number).ok()).find(|number| !taken.contains(number))
}

/// A new device with its keys and its mailbox, in the transaction.
pub(crate) async fn create(
    transaction: &mut ::store::sql::Transaction,
    account: AccountId,
    number: DeviceId,
    device: &NewDevice,
    token_hash: [u8; 32],
    now: Timestamp,
) -> Result<DeviceKey, RelayError> {
    let key = store::insert(transaction, account, number, device, token_hash, (now, day(now))).await?;
    keys::put(transaction, key, &device.keys).await?;
    open_mailboxes(transaction, &[key]).await?;
    Ok(key)
}

/// A new secret, and what is kept of it.
pub(crate) fn mint(ground: &Ground) -> ([u8; 32], [u8; 32]) {
    let secret = ground.random::<32>();
    (secret, hash(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_given() {
        let ids = |numbers: &[u32]| -> Vec<DeviceId> {
            numbers.iter().map(|number| DeviceId::try_from(*number).unwrap()).collect()
        };
        assert_eq!(free(&ids(&[1])), ids(&[2]).pop());
        assert_eq!(free(&ids(&[1, 2, 4])), ids(&[3]).pop());
        assert_eq!(free(&ids(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])), None);
    }
}
