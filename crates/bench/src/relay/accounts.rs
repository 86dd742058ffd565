//! Accounts to measure with, registered as clients register.

use std::{cell::Cell, rc::Rc};

use keys::{KeyPair, kem};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use tokio::task::JoinSet;
use wire::{AccountId, PhoneNumber, api};

use super::{BenchError, clock, http::Http, place::Place};

/// Of every device here.
pub(super) const REGISTRATION_ID: u32 = 4711;
/// Connections that register.
const AT_A_TIME: usize = 16;

/// An account with its one device.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: AccountId,
    pub(super) token: Rc<str>,
}

/// Registers so many accounts.
pub(super) async fn register(place: &Place, count: usize) -> Result<Vec<Account>, BenchError> {
    let began = clock::now();
    let device = Rc::new(device());
    // Where the numbers begin differs from run to run, so that a relay that stays up sees new ones.
    let first = clock::since_1970().subsec_micros() * 97 % 90_000_000;
    let next = Rc::new(Cell::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_A_TIME.min(count) {
        let (device, next, place) = (device.clone(), next.clone(), place.clone());
        tasks.spawn_local(async move {
            let mut http = Http::connect(&place).await?;
            let mut accounts = Vec::new();
            while next.get() < count {
                let index = next.replace(next.get() + 1);
                let line = (u64::from(first) + index as u64) % 100_000_000;
                accounts.push((index, register_one(&mut http, line, &device).await?));
                if (index + 1) % 1000 == 0 {
                    eprintln!("{} of {count} accounts registered", index + 1);
                }
            }
            Ok(accounts)
        });
    }
    let mut accounts = Vec::new();
    while let Some(registered) = tasks.join_next().await {
        accounts.extend(registered.map_err(|error| BenchError::Failed(error.to_string()))??);
    }
    accounts.sort_by_key(|(index, _)| *index);
    eprintln!("{count} accounts registered in {:.1} s", clock::seconds_since(began));
    Ok(accounts.into_iter().map(|(_, account)| account).collect())
}

async fn register_one(http: &mut Http, line: u64, device: &api::NewDevice) -> Result<Account, BenchError> {
    let number: PhoneNumber =
        format!("+49151{line:08}").parse().map_err(|_| BenchError::Protocol(format!("no number: {line}")))?;
    let wanted = api::RequestCode { number: number.clone() };
    let _: api::CodeRequested = http.post("/v1/registration/codes", None, &wanted).await?;
    let mailbox: api::DevCode = http.get(&format!("/v1/dev/codes/{number}")).await?;
    let register = api::Register { number, code: mailbox.code, pin: None, device: device.clone() };
    let registered: api::Registered = http.post("/v1/registration", None, &register).await?;
    Ok(Account { id: registered.account, token: registered.token.into() })
}

/// One for all accounts: the relay does not compare them. The keys protect nothing, so that the clock is random enough.
fn device() -> api::NewDevice {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(clock::since_1970().subsec_nanos()));
    let identity = KeyPair::generate(&mut rng);
    let signed = KeyPair::generate(&mut rng).public.to_bytes();
    let kem = kem::KeyPair::generate(&mut rng).public().to_bytes();
    let mut sign = |key: &[u8]| api::SignedKey {
        id: 1,
        public_key: key.to_vec().into(),
        signature: identity.private.sign(key, &mut rng).as_bytes().to_vec().into(),
    };
    api::NewDevice {
        name: Vec::new().into(),
        registration_id: REGISTRATION_ID,
        signed_prekey: sign(&signed),
        last_resort_kem_prekey: sign(&kem),
        identity_key: identity.public.to_bytes().to_vec().into(),
        one_time_prekeys: Vec::new(),
        one_time_kem_prekeys: Vec::new(),
    }
}
