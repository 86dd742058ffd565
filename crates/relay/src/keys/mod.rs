//! Prekeys: uploads are verified, one-time keys are given out once, their owners hear when they run out.

mod parse;
pub mod routes;
mod store;

use std::{collections::HashMap, sync::Arc};

use wire::{AccountId, DeviceId, api, limits};

pub use self::parse::{OneTime, Signed, Unverified, Upload};
use self::store::{Current, KEM, ONE_TIME, Taken};
pub(crate) use self::store::{MIGRATIONS, erase, put};
use crate::{
    RelayError,
    accounts::{self, Endpoint},
    auth::Caller,
    devices::{self, DeviceKey},
    ground::{Ground, shard},
    limits::Buckets,
    queue::Queue,
};

/// Takes and gives prekeys.
#[derive(Debug)]
pub struct Keys {
    ground: Arc<Ground>,
    queue: Arc<Queue>,
    fetches: Buckets<AccountId>,
    fetches_of_one: Buckets<(AccountId, AccountId)>,
    uploads: Buckets<DeviceKey>,
}

/// The bundles of an account, and whose one-time keys run out.
struct Fetched {
    bundles: api::Bundles,
    low: Vec<(DeviceKey, u32)>,
}

impl Keys {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, queue: Arc<Queue>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let fetches = Buckets::new(limits.bundles, limits.remembered, clock.clone());
        let fetches_of_one = Buckets::new(limits.bundles_of_one, limits.remembered, clock.clone());
        let uploads = Buckets::new(limits.uploads_of_keys, limits.remembered, clock.clone());
        Arc::new(Self { ground, queue, fetches, fetches_of_one, uploads })
    }

    /// How many one-time keys a device has left.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count(&self, device: DeviceKey) -> Result<api::KeyCounts, RelayError> {
        let counts = store::counts(&mut self.ground.reader().await?, &[device]).await?;
        let count = |kind| counts.get(&(device, kind)).copied().unwrap_or_default();
        Ok(api::KeyCounts { one_time_prekeys: count(ONE_TIME), one_time_kem_prekeys: count(KEM) })
    }

    /// Takes keys that the identity key of the account signed.
    ///
    /// # Errors
    /// `Invalid`, with which nothing is stored; `RateLimited`, `Unauthorized` if the caller is gone already; those of the
    /// database.
    pub async fn upload(&self, caller: Caller, request: api::UploadKeys) -> Result<(), RelayError> {
        self.uploads.take(&caller.key)?;
        let offered = Unverified::parse(
            request.signed_prekey,
            request.last_resort_kem_prekey,
            request.one_time_prekeys,
            request.one_time_kem_prekeys,
        )?;
        let identity = accounts::identity(&mut self.ground.reader().await?, caller.account).await?;
        let (identity_key, _) = identity.ok_or(RelayError::Unauthorized)?;
        let upload = Arc::new(offered.verify(identity_key).await?);
        let key = caller.key;
        let written = self.ground.write(shard(caller.account), move |transaction| {
            let upload = upload.clone();
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(put(transaction, key, &upload).await?)
            })
        });
        written.await
    }

    /// What sessions with an account, or one device of it, begin with. Takes a one-time key of each kind from each.
    ///
    /// # Errors
    /// `NotFound`, `RateLimited`; those of the database.
    pub async fn fetch(
        &self,
        caller: AccountId,
        account: AccountId,
        device: Option<DeviceId>,
    ) -> Result<api::Bundles, RelayError> {
        self.fetches.take(&caller)?;
        self.fetches_of_one.take(&(caller, account))?;
        let fetched = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                let mut endpoints = devices::endpoints(transaction, account).await?;
                endpoints.retain(|endpoint| device.is_none_or(|device| device == endpoint.device));
                if endpoints.is_empty() {
                    return Err(RelayError::NotFound);
                }
                let identity = accounts::identity(transaction, account).await?;
                let (identity_key, _) = identity.ok_or(RelayError::NotFound)?;
                let keys: Vec<DeviceKey> = endpoints.iter().map(|endpoint| endpoint.key).collect();
                let taken = store::take(transaction, &keys).await?;
                let current = store::current(transaction, &keys).await?;
                let counts = store::counts(transaction, &keys).await?;
                let devices = bundles(&endpoints, current, taken)?;
                let bundles = api::Bundles { identity_key: identity_key.to_vec().into(), devices };
                Ok(Fetched { bundles, low: low(&keys, &counts) })
            })
        });
        let Fetched { bundles, low } = fetched.await?;
        for (device, left) in low {
            self.queue.prekeys_low(device, left);
        }
        Ok(bundles)
    }
}

/// Those of `keys` that have few of a kind left, and how many.
fn low(keys: &[DeviceKey], counts: &HashMap<(DeviceKey, i64), u32>) -> Vec<(DeviceKey, u32)> {
    let left = |key: &DeviceKey| {
        let count = |kind| counts.get(&(*key, kind)).copied().unwrap_or_default();
        count(ONE_TIME).min(count(KEM))
    };
    keys.iter().map(|key| (*key, left(key))).filter(|(_, left)| *left < limits::KEYS_LOW).collect()
}

fn bundles(
    endpoints: &[Endpoint],
    current: Vec<Current>,
    taken: Vec<Taken>,
) -> Result<Vec<api::Bundle>, RelayError> {
    let mut current: HashMap<DeviceKey, Current> =
        current.into_iter().map(|keys| (keys.device_key, keys)).collect();
    let mut taken: HashMap<(DeviceKey, i64), Taken> =
        taken.into_iter().map(|key| ((key.device_key, key.kind), key)).collect();
    let mut bundles = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        let keys = current.remove(&endpoint.key);
        let keys = keys.ok_or_else(|| RelayError::internal("a device without current keys"))?;
        let one_time = taken.remove(&(endpoint.key, ONE_TIME));
        let kem = taken.remove(&(endpoint.key, KEM));
        bundles.push(api::Bundle {
            device: endpoint.device,
            registration_id: endpoint.registration_id,
            signed_prekey: signed(keys.signed_id, keys.signed_public, keys.signed_signature)?,
            one_time_prekey: match one_time {
                Some(key) => Some(api::Key { id: id(key.id)?, public_key: key.public_key.into() }),
                None => None,
            },
            kem_prekey: match kem {
                Some(key) => signed(key.id, key.public_key, key.signature.unwrap_or_default())?,
                None => signed(keys.kem_id, keys.kem_public, keys.kem_signature)?,
            },
        });
    }
    Ok(bundles)
}

fn signed(number: i64, public_key: Vec<u8>, signature: Vec<u8>) -> Result<api::SignedKey, RelayError> {
    Ok(api::SignedKey { id: id(number)?, public_key: public_key.into(), signature: signature.into() })
}

fn id(number: i64) -> Result<u32, RelayError> {
    u32::try_from(number).map_err(RelayError::internal)
}
