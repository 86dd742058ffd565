//! Devices of accounts: listing, linking, removing, and the credentials they hold.

mod linking;
mod parse;
pub mod routes;
mod store;

use std::sync::Arc;

use ::store::{
    StoreError, Timestamp,
    sql::{Column, ColumnError, Row, Transaction, Value},
};
use wire::{AccountId, DeviceId, api};

pub use self::{
    linking::Linking,
    parse::{NewDevice, Offered},
};
pub(crate) use self::{
    linking::{create, mint},
    store::{MIGRATIONS, credential, endpoint, endpoints, erase, erase_linking_code, keys_of, owner, seen},
};
use crate::{
    RelayError,
    accounts::{self, Accounts},
    auth::Caller,
    ground::{Ground, shard},
    keys,
    limits::Buckets,
    queue::{Queue, store::erase_mailboxes},
};

/// The row of a device: names it for good, also when its number is given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub i64);

impl Column for DeviceKey {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get(column).map(Self)
    }
}

impl From<DeviceKey> for Value {
    fn from(key: DeviceKey) -> Self {
        key.0.into()
    }
}

/// A column that holds an account.
pub(crate) fn account_column(row: &Row, column: &str) -> Result<AccountId, ColumnError> {
    row.get(column).map(AccountId::from_bytes)
}

/// Lists and removes devices.
#[derive(Debug)]
pub struct Devices {
    ground: Arc<Ground>,
    accounts: Arc<Accounts>,
    queue: Arc<Queue>,
    changes: Buckets<AccountId>,
}

impl Devices {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, accounts: Arc<Accounts>, queue: Arc<Queue>) -> Arc<Self> {
        let limits = &ground.config.limits;
        let changes = Buckets::new(limits.changes, limits.remembered, ground.clock.clone());
        Arc::new(Self { ground, accounts, queue, changes })
    }

    /// All devices of an account, by number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, account: AccountId) -> Result<api::Devices, RelayError> {
        let rows = store::list(&mut self.ground.reader().await?, account).await?;
        let device = |row: store::Listed| -> Result<api::Device, RelayError> {
            Ok(api::Device {
                id: store::number(row.number)?,
                name: row.name.into(),
                created: since_1970(row.created),
                last_seen: since_1970(row.last_seen_day),
            })
        };
        Ok(api::Devices { devices: rows.into_iter().map(device).collect::<Result<_, _>>()? })
    }

    /// Removes a device, with its keys and all that waits for it. The primary may remove any but itself, a linked
    /// device itself.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `RateLimited`; those of the database.
    pub async fn remove(&self, caller: Caller, device: DeviceId) -> Result<(), RelayError> {
        if caller.device != DeviceId::PRIMARY && caller.device != device {
            return Err(RelayError::Forbidden("a linked device may remove itself only"));
        }
        if device == DeviceId::PRIMARY {
            return Err(RelayError::Forbidden("an account does not go on without its primary device"));
        }
        self.changes.take(&caller.account)?;
        let account = caller.account;
        let removed = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                still(transaction, caller).await?;
                let Some(found) = store::credential(transaction, account, device).await? else {
                    return Err(RelayError::NotFound);
                };
                let keys = vec![DeviceKey(found.key)];
                clear(transaction, &keys).await?;
                Ok(keys)
            })
        });
        self.gone(account, &removed.await?).await;
        Ok(())
    }

    /// After the commit that removed devices or the account.
    pub(crate) async fn gone(&self, account: AccountId, devices: &[DeviceKey]) {
        self.accounts.changed(account).await;
        self.queue.removed(devices);
    }
}

/// Whether a caller's device is still there: it may have been removed, or the account set up anew, since it was asked.
/// Whatever writes for a caller begins with it; until the transaction ends, nobody removes the device.
pub(crate) async fn still(transaction: &mut Transaction, caller: Caller) -> Result<(), RelayError> {
    accounts::hold(transaction, caller.account).await?;
    let found = store::credential(transaction, caller.account, caller.device).await?;
    match found {
        Some(found) if found.key == caller.key.0 => Ok(()),
        _ => Err(RelayError::Unauthorized),
    }
}

/// Removes devices with all that hangs on them, in the transaction.
pub(crate) async fn clear(transaction: &mut Transaction, devices: &[DeviceKey]) -> Result<(), StoreError> {
    erase_mailboxes(transaction, devices).await?;
    keys::erase(transaction, devices).await?;
    erase(transaction, devices).await
}

/// A time as the API says it.
pub(crate) fn since_1970(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or_default()
}
