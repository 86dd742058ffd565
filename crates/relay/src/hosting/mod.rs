//! Who hosts businesses: which credential registers their devices, and what becomes of those when it is another one.
//!
//! A device of a business is registered with a credential of exactly the kind that the business has chosen: its own, its
//! vendor's, or the operator's. What the account is hosted by is written in that same transaction and nowhere else
//! (`hosted_accounts`), and the label is derived from it: nobody who hosts can choose what customers read. Another host
//! begins with other devices; those of the one before are gone with the switch.

mod further;
pub mod routes;
mod store;

use std::sync::Arc;

use ::store::{StoreError, sql::Transaction};
use subtle::ConstantTimeEq as _;
use wire::{
    AccountId, BusinessId, Credential, DeviceId, Party, PhoneNumber, Token, VendorId,
    api::{self, HostingMode},
};

pub(crate) use self::store::{
    Hosted, MIGRATIONS, devices_of, devices_of_vendor, erase, hosted, operator_hash, set_operator_hash,
};
use crate::{
    RelayError, accounts,
    auth::Host,
    blocks, businesses,
    devices::{self, DeviceKey, Devices, Offered, since_1970},
    ground::{Ground, shard_of},
    limits::Buckets,
    operator::{self, Event, Who, append},
    queue::Queue,
    registration::Registration,
};

/// Registers devices of businesses, and switches who does.
#[derive(Debug)]
pub struct Hosting {
    ground: Arc<Ground>,
    registration: Arc<Registration>,
    devices: Arc<Devices>,
    queue: Arc<Queue>,
    changes: Buckets<BusinessId>,
    registrations: Buckets<BusinessId>,
    brought: Buckets<BusinessId>,
}

/// Accounts whose devices are gone after the commit.
type Gone = Vec<(AccountId, Vec<DeviceKey>)>;

impl Hosting {
    /// On this ground.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        registration: Arc<Registration>,
        devices: Arc<Devices>,
        queue: Arc<Queue>,
    ) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let changes = Buckets::new(limits.changes, limits.remembered, clock.clone());
        let registrations = Buckets::new(limits.hosted_registrations, limits.remembered, clock.clone());
        let brought = Buckets::new(limits.numbers_brought, limits.remembered, clock.clone());
        Arc::new(Self { ground, registration, devices, queue, changes, registrations, brought })
    }

    /// Says who hosts a business. With `self` a credential is made, and one that was there is void; said again, only
    /// that happens. Another host than before: the devices registered under that one are gone.
    ///
    /// # Errors
    /// `Invalid` for what is not served or makes no sense, `NotFound`, `Conflict` for a suspended vendor, `RateLimited`;
    /// those of the database.
    pub async fn set(
        &self,
        business: BusinessId,
        request: api::SetHosting,
    ) -> Result<api::Hosting, RelayError> {
        self.changes.take(&business)?;
        let api::SetHosting { mode, vendor } = request;
        match (mode, vendor) {
            (HostingMode::Sealed, _) => {
                return Err(RelayError::field("mode", "sealed hosting is not supported yet"));
            }
            (HostingMode::Vendor, None) => return Err(RelayError::field("vendor", "say which vendor")),
            (HostingMode::Own | HostingMode::Operator, Some(_)) => {
                return Err(RelayError::field("vendor", "only with the mode vendor"));
            }
            _ => {}
        }
        let own = (mode == HostingMode::Own).then(|| devices::mint(&self.ground));
        let (now, own_hash) = (self.ground.now(), own.map(|(_, hash)| hash));
        let operator = Arc::new(self.ground.config.operator.name.clone());
        let switched = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let operator = operator.clone();
            Box::pin(async move {
                let found = businesses::held(transaction, business).await?;
                let host_name = match (mode, vendor) {
                    (HostingMode::Vendor, Some(vendor)) => {
                        let vendor = operator::store::hold_vendor(transaction, vendor).await?;
                        let vendor =
                            vendor.ok_or_else(|| RelayError::field("vendor", "there is no such vendor"))?;
                        if vendor.suspended {
                            return Err(RelayError::Conflict("the vendor is suspended"));
                        }
                        Some(vendor.name)
                    }
                    (HostingMode::Operator, _) => Some((*operator).clone()),
                    _ => None,
                };
                let before = found.hosting();
                let same = before.filter(|(was, by, _)| (*was, *by) == (mode, vendor));
                let (since, gone) = match same {
                    Some((_, _, since)) => (since, Gone::new()),
                    None => {
                        businesses::set_hosting(transaction, business, mode, vendor, now).await?;
                        (now, end_all(transaction, business).await?)
                    }
                };
                if let Some(hash) = own_hash {
                    businesses::set_host_hash(transaction, business, hash).await?;
                }
                let what = match (same, own_hash) {
                    (None, _) => Some("hosting_changed"),
                    (Some(_), Some(_)) => Some("host_credential_made"),
                    (Some(_), None) => None,
                };
                if let Some(what) = what {
                    let event = Event {
                        who: Who::Business,
                        what,
                        subject: business.to_string(),
                        before: before.map(|(mode, vendor, _)| stated(mode, vendor)),
                        after: Some(stated(mode, vendor)),
                    };
                    append(transaction, event, now).await?;
                }
                Ok((since, host_name, gone))
            })
        });
        let (since, host_name, gone) = switched.await?;
        for (account, devices) in gone {
            self.devices.gone(account, &devices).await;
        }
        let credential =
            own.map(|(secret, _)| Credential { party: Party::OwnHost(business), secret }.expose());
        Ok(api::Hosting { mode, vendor, host_name, since: since_1970(since), credential })
    }

    /// Registers the primary device of the account that one of a business's numbers has, or sets it up anew.
    ///
    /// # Errors
    /// `Forbidden` for any credential but the one of who hosts the business, `NotFound` for a number that it has not,
    /// `Invalid`, `RateLimited`; those of the database.
    pub async fn register(
        &self,
        host: Host,
        request: api::RegisterHosted,
    ) -> Result<api::Registered, RelayError> {
        let api::RegisterHosted { business, number, device } = request;
        self.registrations.take(&business)?;
        // Before the keys are looked at, which takes time; again in the transaction.
        let mut reader = self.ground.reader().await?;
        let found = businesses::business(&mut reader, business).await?;
        drop(reader);
        by_whom(host, business, found.as_ref())?;
        let device = Arc::new(Offered::parse(device)?.verify().await?);
        let (secret, token_hash) = devices::mint(&self.ground);
        let new_account = AccountId::from_random(self.ground.random());
        let (now, number) = (self.ground.now(), Arc::new(number));
        let wanted = number.clone();
        let registered = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let (number, device) = (wanted.clone(), device.clone());
            Box::pin(async move {
                let found = businesses::hold(transaction, business).await?;
                let (mode, vendor) = by_whom(host, business, found.as_ref())?;
                still_good(transaction, host).await?;
                let known = accounts::by_number(transaction, &number).await?;
                if businesses::hold_number(transaction, &number).await? != Some(business) {
                    return Err(RelayError::NotFound);
                }
                let account = known.map_or(new_account, |known| known.account);
                let hosted = Hosted { business, mode, vendor, since: now };
                settle(transaction, (&number, account), hosted, &device, token_hash).await
            })
        });
        let settled = registered.await?;
        Ok(self.settled(settled, &number, secret).await)
    }

    /// A device was registered, and that is committed. What it is told.
    async fn settled(&self, settled: Settled, number: &PhoneNumber, secret: [u8; 32]) -> api::Registered {
        let Settled { account, removed, testing } = settled;
        self.devices.gone(account, &removed).await;
        self.queue.renew(&testing);
        let device = DeviceId::PRIMARY;
        let token = Token { account, device, secret }.expose();
        api::Registered { account, device, token, number: number.clone() }
    }

    /// Whether this credential is the one with which a business is hosted.
    ///
    /// # Errors
    /// `Forbidden` for any other, and where there is no such business; those of the database.
    pub async fn hosts(&self, host: Host, business: BusinessId) -> Result<(), RelayError> {
        let found = businesses::business(&mut self.ground.reader().await?, business).await?;
        by_whom(host, business, found.as_ref()).map(drop)
    }
}

/// A device that was registered for a number.
struct Settled {
    account: AccountId,
    /// Those that the account had before.
    removed: Vec<DeviceKey>,
    /// Devices of businesses that the number tries out.
    testing: Vec<DeviceKey>,
}

/// Gives a number that is bound to a business its primary device: in this account, whether it is there already or not.
async fn settle(
    transaction: &mut Transaction,
    (number, account): (&PhoneNumber, AccountId),
    hosted: Hosted,
    device: &devices::NewDevice,
    token_hash: [u8; 32],
) -> Result<Settled, RelayError> {
    let now = hosted.since;
    let removed = if accounts::by_number(transaction, number).await?.is_none() {
        accounts::insert(transaction, account, number, device.identity_key, now).await?;
        Vec::new()
    } else {
        let removed = devices::keys_of(transaction, account).await?;
        devices::clear(transaction, &removed).await?;
        devices::erase_linking_code(transaction, account).await?;
        blocks::erase_own(transaction, account).await?;
        accounts::reset(transaction, account, device.identity_key, false).await?;
        removed
    };
    let before = store::hosted(transaction, account).await?;
    let same = before.filter(|before| before.is(hosted.business, hosted.mode, hosted.vendor));
    let since = same.map_or(now, |before| before.since);
    store::put(transaction, account, &Hosted { since, ..hosted }).await?;
    devices::create(transaction, account, DeviceId::PRIMARY, device, token_hash, now).await?;
    let testing = businesses::whose_tester(transaction, number).await?;
    Ok(Settled { account, removed, testing })
}

fn stated(mode: HostingMode, vendor: Option<VendorId>) -> serde_json::Value {
    match vendor {
        Some(vendor) => serde_json::json!({ "mode": mode, "vendor": vendor }),
        None => serde_json::json!({ "mode": mode }),
    }
}

/// As whom a host registers a device of a business: by its credential alone, which must be the one that the business has
/// chosen.
fn by_whom(
    host: Host,
    business: BusinessId,
    found: Option<&businesses::Business>,
) -> Result<(HostingMode, Option<VendorId>), RelayError> {
    // Whoever hosts nothing here does not learn what there is.
    let forbidden = RelayError::Forbidden("the business is not hosted with this credential");
    let Some((mode, vendor, _)) = found.and_then(businesses::Business::hosting) else {
        return Err(forbidden);
    };
    match (host.party, mode) {
        (Party::OwnHost(own), HostingMode::Own) if own == business => {
            let kept = found.and_then(businesses::Business::host_hash);
            let good = kept.is_some_and(|kept| host.hash.ct_eq(&kept).into());
            if good { Ok((mode, None)) } else { Err(RelayError::Unauthorized) }
        }
        (Party::Vendor(asks), HostingMode::Vendor) if Some(asks) == vendor => Ok((mode, vendor)),
        (Party::OperatorHost, HostingMode::Operator) => Ok((mode, None)),
        _ => Err(forbidden),
    }
}

/// A vendor may have been suspended, or a credential replaced, since the request came in.
async fn still_good(transaction: &mut Transaction, host: Host) -> Result<(), RelayError> {
    let kept = match host.party {
        Party::Vendor(vendor) => {
            let vendor = operator::store::hold_vendor(transaction, vendor).await?;
            let vendor = vendor.ok_or(RelayError::Unauthorized)?;
            if vendor.suspended {
                return Err(RelayError::Forbidden("the vendor is suspended"));
            }
            Some(vendor.credential_hash)
        }
        Party::OperatorHost => store::operator_hash(transaction).await?,
        // Looked at with the business.
        Party::OwnHost(_) => return Ok(()),
        Party::Business(_) => None,
    };
    let good = kept.is_some_and(|kept| host.hash.ct_eq(&kept).into());
    if good { Ok(()) } else { Err(RelayError::Unauthorized) }
}

/// Ends the hosted account of a number, if there is one: it has no devices any more, and nobody hosts it.
pub(crate) async fn end(
    transaction: &mut Transaction,
    number: &PhoneNumber,
) -> Result<Option<(AccountId, Vec<DeviceKey>)>, StoreError> {
    let Some(known) = accounts::by_number(transaction, number).await? else { return Ok(None) };
    if store::hosted(transaction, known.account).await?.is_none() {
        return Ok(None);
    }
    let devices = end_account(transaction, known.account).await?;
    Ok(Some((known.account, devices)))
}

async fn end_account(
    transaction: &mut Transaction,
    account: AccountId,
) -> Result<Vec<DeviceKey>, StoreError> {
    let devices = devices::keys_of(transaction, account).await?;
    devices::clear(transaction, &devices).await?;
    devices::erase_linking_code(transaction, account).await?;
    store::erase(transaction, account).await?;
    Ok(devices)
}

/// Ends all hosted accounts of a business.
async fn end_all(transaction: &mut Transaction, business: BusinessId) -> Result<Gone, StoreError> {
    let mut gone = Gone::new();
    for account in store::accounts_of(transaction, business).await? {
        accounts::hold(transaction, account).await?;
        gone.push((account, end_account(transaction, account).await?));
    }
    Ok(gone)
}
