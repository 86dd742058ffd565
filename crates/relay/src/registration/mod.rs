//! How accounts begin: a code to a number, and the number with the code.

mod pin;
pub mod routes;
mod sender;
mod store;

use std::{net::IpAddr, sync::Arc, time::Duration};

use ::store::{
    Timestamp,
    jobs::{self, Handler},
    sql::Transaction,
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use wire::{AccountId, DeviceId, PhoneNumber, Token, api};

pub use self::pin::Pin;
pub(crate) use self::store::{MIGRATIONS, erase};
use self::{
    pin::Pins,
    sender::{Mailbox, Texts},
    store::NewCode,
};
use crate::{
    RelayError,
    accounts::{self, Lock},
    auth::Caller,
    blocks, businesses,
    config::Sender,
    devices::{self, DeviceKey, Devices, Offered},
    error::millis,
    ground::{Ground, shard, shard_of},
    limits::{Buckets, network},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Registers accounts.
#[derive(Debug)]
pub struct Registration {
    ground: Arc<Ground>,
    devices: Arc<Devices>,
    mailbox: Mailbox,
    pins: Pins,
    codes: Buckets<IpAddr>,
    tries: Buckets<IpAddr>,
    changes: Buckets<AccountId>,
}

/// What came of trying a code.
enum Tried {
    Wrong {
        tries_left: u32,
    },
    Expired,
    /// The code is right, and there is a lock.
    Locked(Locked),
    /// The code is right, and nothing is in the way.
    Open {
        code_hash: [u8; 32],
    },
}

/// A lock in the way.
struct Locked {
    code_hash: [u8; 32],
    pin_hash: Vec<u8>,
    /// Tries left after this one; nothing if there was none left for it, or no PIN was shown.
    tries_left: Option<i64>,
    lapses_in: Duration,
}

/// The account that was made or set up anew.
struct Created {
    account: AccountId,
    removed: Vec<DeviceKey>,
    /// Devices of businesses that have this person as a tester.
    tried: Vec<DeviceKey>,
}

/// That somebody has a number: they had its code, and its PIN if there was one. Good for one transaction.
#[derive(Debug)]
pub(crate) struct Proof {
    code_hash: [u8; 32],
    /// The lock that the PIN opened.
    opened: Option<Vec<u8>>,
    lock_days: u32,
}

impl Proof {
    /// Uses the code up, in the transaction. Who has the number, if anybody, and whether the lock stays, which the PIN
    /// opened.
    ///
    /// # Errors
    /// `CodeExpired`, `RegistrationLocked` if there is another lock by now; those of the database.
    pub(crate) async fn spend(
        &self,
        transaction: &mut Transaction,
        number: &PhoneNumber,
        now: Timestamp,
    ) -> Result<Option<(AccountId, bool)>, RelayError> {
        // On PostgreSQL the row of the code holds back whoever registers the number at the same time.
        if !store::take(transaction, number, self.code_hash, now).await? {
            return Err(RelayError::CodeExpired);
        }
        let Some(known) = accounts::by_number(transaction, number).await? else { return Ok(None) };
        let keep_lock = may_reset(known.lock.as_ref(), self.opened.as_deref(), now, self.lock_days)?;
        Ok(Some((known.account, keep_lock)))
    }
}

impl Registration {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, devices: Arc<Devices>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let codes = Buckets::new(limits.codes, limits.remembered, clock.clone());
        let tries = Buckets::new(limits.registrations, limits.remembered, clock.clone());
        let changes = Buckets::new(limits.changes, limits.remembered, clock.clone());
        Arc::new(Self {
            ground,
            devices,
            mailbox: Mailbox::default(),
            pins: Pins::new(),
            codes,
            tries,
            changes,
        })
    }

    /// Who does the jobs that bring codes to the gateway, if there is one.
    ///
    /// # Errors
    /// `Internal` if no HTTP client can be made.
    pub fn texts(&self) -> Result<Option<Arc<dyn Handler>>, RelayError> {
        match &self.ground.config.registration.sender {
            Sender::Console => Ok(None),
            Sender::Http(gateway) => {
                let texts = Texts::new(gateway.clone(), self.ground.clock.clone())?;
                Ok(Some(Arc::new(texts)))
            }
        }
    }

    /// Sends a code. The answer is the same whether somebody has the number or not.
    ///
    /// # Errors
    /// `RateLimited`; those of the database.
    pub async fn request_code(
        &self,
        address: IpAddr,
        number: PhoneNumber,
    ) -> Result<api::CodeRequested, RelayError> {
        self.codes.take(&network(address))?;
        let config = &self.ground.config.registration;
        let now = self.ground.now();
        let (good, pause) = (Duration::from_millis(config.code_ms), Duration::from_millis(config.pause_ms));
        let code = six_digits(self.ground.random());
        let salt = self.ground.random();
        let kept = NewCode {
            code_hash: hash(&salt, &code),
            salt,
            expires: now.after(good),
            tries: config.tries,
            now,
            pause_began: before(now, pause),
            day_began: before(now, DAY),
            most: config.codes_per_day,
        };
        let by_text = matches!(config.sender, Sender::Http(_));
        let (to, text) = (Arc::new(number.clone()), code.clone());
        let wait = self.ground.write(shard_of(number.as_str().as_bytes()), move |transaction| {
            let (number, code) = (to.clone(), text.clone());
            Box::pin(async move {
                if !store::put(transaction, &number, kept).await? {
                    let sent = store::sent(transaction, &number).await?;
                    return Ok(Some(sent.map_or(pause, |sent| until_next(&sent, now, pause, kept.most))));
                }
                if by_text {
                    let job = sender::job(&number, &code, kept.expires, now)?;
                    jobs::add(transaction, [job]).await?;
                }
                Ok(None)
            })
        });
        if let Some(retry_after) = wait.await? {
            return Err(RelayError::RateLimited { retry_after });
        }
        if by_text {
            self.ground.jobs.wake(sender::KIND).await;
        } else {
            self.mailbox.put(&number, &code, kept.expires, now);
        }
        Ok(api::CodeRequested { expires_in_ms: config.code_ms, retry_after_ms: config.pause_ms })
    }

    /// What lies in the development mailbox.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn development_code(&self, number: &PhoneNumber) -> Result<String, RelayError> {
        self.mailbox.get(number, self.ground.now()).ok_or(RelayError::NotFound)
    }

    /// Registers a number: makes its account, or sets it up anew.
    ///
    /// # Errors
    /// `CodeWrong`, `CodeExpired`, `RegistrationLocked`, `Invalid`, `RateLimited`; those of the database.
    pub async fn register(
        &self,
        address: IpAddr,
        request: api::Register,
    ) -> Result<api::Registered, RelayError> {
        let pin = request.pin.map(Pin::parse).transpose()?;
        let offered = Offered::parse(request.device)?;
        let number = Arc::new(request.number);
        let proof = Arc::new(self.prove(Some(address), &number, request.code, pin).await?);
        let device = Arc::new(offered.verify().await?);
        let (secret, token_hash) = devices::mint(&self.ground);
        let new_account = AccountId::from_random(self.ground.random());
        let (now, to) = (self.ground.now(), number.clone());
        let created = self.ground.write(shard_of(number.as_str().as_bytes()), move |transaction| {
            let (number, device, proof) = (to.clone(), device.clone(), proof.clone());
            Box::pin(async move {
                let known = proof.spend(transaction, &number, now).await?;
                // Whoever has the number has it for themselves from now on, also if it was a business's.
                let lost = businesses::lose_number(transaction, &number, now).await?;
                let created = match known {
                    None => {
                        accounts::insert(transaction, new_account, &number, device.identity_key, now).await?;
                        let tried = businesses::whose_tester(transaction, &number).await?;
                        Created { account: new_account, removed: Vec::new(), tried }
                    }
                    Some((account, keep_lock)) => {
                        let mut removed = devices::keys_of(transaction, account).await?;
                        removed.extend(lost.into_iter().flat_map(|(_, devices)| devices));
                        devices::clear(transaction, &removed).await?;
                        devices::erase_linking_code(transaction, account).await?;
                        blocks::erase_own(transaction, account).await?;
                        accounts::reset(transaction, account, device.identity_key, keep_lock).await?;
                        Created { account, removed, tried: Vec::new() }
                    }
                };
                let primary = DeviceId::PRIMARY;
                devices::create(transaction, created.account, primary, &device, token_hash, now).await?;
                Ok(created)
            })
        });
        let Created { account, removed, tried } = created.await?;
        self.devices.gone(account, &removed).await;
        self.devices.renew(&tried);
        let device = DeviceId::PRIMARY;
        let token = Token { account, device, secret }.expose();
        Ok(api::Registered { account, device, token, number: (*number).clone() })
    }

    /// Finds out whether somebody has a number: whether they have its code, and its PIN if there is one. Tries are counted by
    /// the address, unless whoever asks is known and counted otherwise.
    ///
    /// # Errors
    /// `CodeWrong`, `CodeExpired`, `RegistrationLocked`, `RateLimited`; those of the database.
    pub(crate) async fn prove(
        &self,
        address: Option<IpAddr>,
        number: &Arc<PhoneNumber>,
        code: String,
        pin: Option<Pin>,
    ) -> Result<Proof, RelayError> {
        address.map_or(Ok(()), |address| self.tries.take(&network(address)))?;
        let config = &self.ground.config.registration;
        let (code_hash, opened) = match self.try_code(number, code, pin.is_some()).await? {
            Tried::Wrong { tries_left } => return Err(RelayError::CodeWrong { tries_left }),
            Tried::Expired => return Err(RelayError::CodeExpired),
            Tried::Open { code_hash } => (code_hash, None),
            Tried::Locked(lock) => {
                let refusal = |tries_left| RelayError::RegistrationLocked {
                    tries_left: u32::try_from(tries_left).unwrap_or_default(),
                    expires_in: lock.lapses_in,
                };
                let Some(pin) = pin else { return Err(refusal(config.pin_tries.into())) };
                let tries_left = lock.tries_left.ok_or_else(|| refusal(0))?;
                if !self.pins.matches(pin, &lock.pin_hash).await? {
                    return Err(refusal(tries_left));
                }
                (lock.code_hash, Some(lock.pin_hash))
            }
        };
        Ok(Proof { code_hash, opened, lock_days: config.lock_days })
    }

    /// Tries a code, and with it, if there is a lock and a PIN is shown, counts a try of the PIN.
    async fn try_code(
        &self,
        number: &Arc<PhoneNumber>,
        code: String,
        with_pin: bool,
    ) -> Result<Tried, RelayError> {
        let (now, config) = (self.ground.now(), &self.ground.config.registration);
        let (lock_days, pin_tries) = (config.lock_days, config.pin_tries);
        let (shard, number, code) = (shard_of(number.as_str().as_bytes()), number.clone(), Arc::new(code));
        let tried = self.ground.write(shard, move |transaction| {
            let (number, code) = (number.clone(), code.clone());
            Box::pin(async move {
                let Some(found) = store::attempt(transaction, &number, now).await? else {
                    return Ok(Tried::Expired);
                };
                if !bool::from(hash(&found.salt, &code).ct_eq(&found.code_hash)) {
                    // An error would undo that the try was counted.
                    return Ok(Tried::Wrong {
                        tries_left: u32::try_from(found.tries_left).unwrap_or_default(),
                    });
                }
                store::forgive(transaction, &number).await?;
                let code_hash = found.code_hash;
                let known = accounts::by_number(transaction, &number).await?;
                let Some((account, lock)) = known.and_then(|known| Some((known.account, known.lock?))) else {
                    return Ok(Tried::Open { code_hash });
                };
                let Some(lapses_in) = lapses_in(&lock, now, lock_days) else {
                    return Ok(Tried::Open { code_hash });
                };
                let mut tries_left = None;
                if with_pin {
                    let times = (now, before(now, DAY));
                    tries_left = accounts::took_pin_try(transaction, account, pin_tries, times).await?;
                }
                Ok(Tried::Locked(Locked { code_hash, pin_hash: lock.pin_hash, tries_left, lapses_in }))
            })
        });
        tried.await
    }

    /// Sets the registration lock, or another PIN for it.
    ///
    /// # Errors
    /// `RateLimited`; those of the database.
    pub async fn lock(&self, caller: Caller, pin: Pin) -> Result<(), RelayError> {
        self.changes.take(&caller.account)?;
        let pin_hash = self.pins.hash(pin, self.ground.random()).await?;
        self.set_lock(caller, Some(pin_hash)).await
    }

    /// Removes the registration lock.
    ///
    /// # Errors
    /// `RateLimited`; those of the database.
    pub async fn unlock(&self, caller: Caller) -> Result<(), RelayError> {
        self.changes.take(&caller.account)?;
        self.set_lock(caller, None).await
    }

    async fn set_lock(&self, caller: Caller, pin_hash: Option<Vec<u8>>) -> Result<(), RelayError> {
        let pin_hash = Arc::new(pin_hash);
        let written = self.ground.write(shard(caller.account), move |transaction| {
            let pin_hash = pin_hash.clone();
            Box::pin(async move {
                // While the PIN was hashed, the account may have been registered anew by its owner.
                devices::still(transaction, caller).await?;
                Ok(accounts::set_lock(transaction, caller.account, pin_hash.as_deref()).await?)
            })
        });
        written.await
    }

    /// Removes codes that are neither good nor count any more.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep(&self) -> Result<(), RelayError> {
        let now = self.ground.now();
        let day_began = before(now, DAY);
        let swept = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::sweep(transaction, now, day_began).await?) })
        });
        swept.await
    }
}

/// Whether the lock still stands in the way of a reset, and if it was opened, that it is kept.
fn may_reset(
    lock: Option<&Lock>,
    opened: Option<&[u8]>,
    now: Timestamp,
    days: u32,
) -> Result<bool, RelayError> {
    let Some(lock) = lock else { return Ok(false) };
    match lapses_in(lock, now, days) {
        Some(_) if opened == Some(&*lock.pin_hash) => Ok(true),
        Some(expires_in) => Err(RelayError::RegistrationLocked { tries_left: 0, expires_in }),
        None => Ok(false),
    }
}

/// How long the lock still holds; nothing if it lapsed. The day on which the account was last online counts in full.
fn lapses_in(lock: &Lock, now: Timestamp, days: u32) -> Option<Duration> {
    let lapses = lock.last_seen_day.after(DAY).after(DAY * days);
    Some(now.until(lapses)).filter(|left| !left.is_zero())
}

/// How long until a number may be sent the next code.
fn until_next(sent: &store::Sent, now: Timestamp, pause: Duration, most: u32) -> Duration {
    let next = sent.sent_last.after(pause);
    let next = if sent.sent >= i64::from(most) { next.max(sent.sent_since.after(DAY)) } else { next };
    now.until(next).max(Duration::from_secs(1))
}

fn before(now: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(millis(duration)).unwrap_or(i64::MAX)))
}

fn six_digits(random: [u8; 8]) -> String {
    format!("{:06}", u64::from_le_bytes(random) % 1_000_000)
}

fn hash(salt: &[u8; 16], code: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(code.as_bytes()).finalize().into()
}
