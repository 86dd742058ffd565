//! Customers are registered as clients register, and begin a session with the business's device.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use keys::KeyPair;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use signal::{
    Address, KemPreKey, KemPreKeyId, LocalDevice, OneTimePreKeyId, PreKeyBundle, RegistrationId, Session,
    SignedPreKey, SignedPreKeyId, Timestamp, Trust,
};
use tokio::task::JoinSet;
use wire::{AccountId, PhoneNumber, api};

use super::{
    Options,
    customer::{Customer, Keys, Own},
    stand::Stand,
};
use crate::{clock, error::BenchError, http::Http};

/// Connections that register.
const AT_A_TIME: u32 = 16;
const REGISTRATION_ID: u32 = 4711;

fn protocol(what: impl std::fmt::Display) -> BenchError {
    BenchError::Protocol(what.to_string())
}

/// Registers them, and lets them go online. A device that ends takes the thread's test with it, for its messages are missed.
pub(super) async fn customers(stand: &Stand, options: &Options) -> Result<Vec<Rc<Customer>>, BenchError> {
    let began = clock::now();
    let seed = clock::since_1970();
    let seed = seed.as_secs() ^ u64::from(seed.subsec_nanos()).rotate_left(32);
    let rng = Rc::new(RefCell::new(ChaCha20Rng::seed_from_u64(seed)));
    let next = Rc::new(Cell::new(0));
    let number: PhoneNumber = stand.demo.business_number.parse().map_err(protocol)?;
    let mut tasks = JoinSet::new();
    for _ in 0..AT_A_TIME.min(options.customers) {
        let (place, rng, next, number) =
            (stand.relay.place.clone(), rng.clone(), next.clone(), number.clone());
        let count = options.customers;
        tasks.spawn_local(async move {
            let mut http = Http::connect(&place).await?;
            let mut customers = Vec::new();
            while next.get() < count {
                let index = next.replace(next.get() + 1);
                let customer = Rc::new(register(&mut http, index, &number, &rng).await?);
                let device = customer.connect(&place).await?;
                tokio::task::spawn_local(async move {
                    if let Err(error) = device.await {
                        eprintln!("a customer's device ended: {error}");
                    }
                });
                customers.push((index, customer));
            }
            Ok(customers)
        });
    }
    let mut customers = Vec::new();
    while let Some(registered) = tasks.join_next().await {
        customers.extend(registered.map_err(|error| BenchError::Failed(error.to_string()))??);
    }
    customers.sort_by_key(|(index, _)| *index);
    eprintln!("{} customers registered in {:.1} s", customers.len(), clock::seconds_since(began));
    Ok(customers.into_iter().map(|(_, customer)| customer).collect())
}

async fn register(
    http: &mut Http,
    index: u32,
    business: &PhoneNumber,
    rng: &Rc<RefCell<ChaCha20Rng>>,
) -> Result<Customer, BenchError> {
    let number: PhoneNumber = format!("+49151{index:08}").parse().map_err(protocol)?;
    let now = Timestamp(u64::try_from(clock::since_1970().as_millis()).unwrap_or(0));
    let (identity, signed, kem) = {
        let rng = &mut *rng.borrow_mut();
        let identity = KeyPair::generate(rng);
        let signed = SignedPreKey::generate(SignedPreKeyId(1), &identity, now, rng);
        let kem = KemPreKey::generate(KemPreKeyId(1), &identity, now, rng);
        (identity, signed, kem)
    };
    let device = api::NewDevice {
        name: Vec::new().into(),
        registration_id: REGISTRATION_ID,
        identity_key: identity.public.to_bytes().to_vec().into(),
        signed_prekey: api::SignedKey {
            id: 1,
            public_key: signed.pair.public.to_bytes().to_vec().into(),
            signature: signed.signature.as_bytes().to_vec().into(),
        },
        last_resort_kem_prekey: api::SignedKey {
            id: 1,
            public_key: kem.pair.public().to_bytes().to_vec().into(),
            signature: kem.signature.as_bytes().to_vec().into(),
        },
        one_time_prekeys: Vec::new(),
        one_time_kem_prekeys: Vec::new(),
    };
    let wanted = api::RequestCode { number: number.clone() };
    let _: api::CodeRequested = http.post("/v1/registration/codes", None, &wanted).await?;
    let mailbox: api::DevCode = http.get(&format!("/v1/dev/codes/{number}")).await?;
    let register = api::Register { number: number.clone(), code: mailbox.code, pin: None, device };
    let registered: api::Registered = http.post("/v1/registration", None, &register).await?;
    let own = Own { account: registered.account, number, token: registered.token };

    let first = signal::DeviceId::new(1).ok_or_else(|| protocol("no device 1"))?;
    let local = LocalDevice {
        address: Address::new(own.account.to_string(), first),
        identity,
        registration_id: RegistrationId(REGISTRATION_ID),
    };
    let keys = Keys { local: Arc::new(local), signed, kem, rng: rng.clone() };
    let account = find(http, &own.token, business).await?;
    let bundles: api::Bundles =
        http.get_as(&format!("/v1/accounts/{account}/keys"), Some(&own.token)).await?;
    let bundle = bundles.devices.first().and_then(|device| parse(device, &bundles.identity_key.0));
    let bundle = bundle.ok_or_else(|| protocol("the business has no keys"))?;
    let mut session = Session::new(keys.local.clone(), Address::new(account.to_string(), first));
    session.start(&bundle, Trust::FirstUse, now, &mut *rng.borrow_mut()).map_err(protocol)?;
    Ok(Customer::new(index, own, keys, session, (account, bundle.registration_id)))
}

async fn find(http: &mut Http, token: &str, number: &PhoneNumber) -> Result<AccountId, BenchError> {
    let asked = api::Lookup { numbers: vec![number.clone()] };
    let found: api::Found = http.post("/v1/accounts/lookup", Some(token), &asked).await?;
    let found = found.accounts.first().ok_or_else(|| protocol("the business is not found"))?;
    Ok(found.account)
}

fn parse(bundle: &api::Bundle, identity: &[u8]) -> Option<PreKeyBundle> {
    let signature = |key: &api::SignedKey| keys::Signature::from_bytes(&key.signature.0).ok();
    let curve = |key: &[u8]| keys::PublicKey::from_bytes(key).ok();
    let one_time = match &bundle.one_time_prekey {
        Some(key) => Some((OneTimePreKeyId(key.id), curve(&key.public_key.0)?)),
        None => None,
    };
    let (signed, kem) = (&bundle.signed_prekey, &bundle.kem_prekey);
    Some(PreKeyBundle {
        identity: curve(identity)?,
        registration_id: RegistrationId(bundle.registration_id),
        device: signal::DeviceId::new(bundle.device.get())?,
        one_time,
        signed: (SignedPreKeyId(signed.id), curve(&signed.public_key.0)?, signature(signed)?),
        kem: (
            KemPreKeyId(kem.id),
            keys::kem::PublicKey::from_bytes(&kem.public_key.0).ok()?,
            signature(kem)?,
        ),
    })
}
