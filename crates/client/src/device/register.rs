//! A new account's first device.

use keys::{KeyPair, PublicKey, Signature};
use prost::Message as _;
use wire::{
    AccountId, Base64, BusinessId, DeviceId, PhoneNumber,
    api::{
        AddHostedNumber, CodeRequested, DevCode, LabelKey, NewDevice, People, Register, RegisterHosted,
        Registered, RequestCode, UploadKeys, WhichPeople,
    },
    hosting::{FURTHER_NUMBER, NUMBER_PROOF, NumberProof, Signed, further_number, signed_bytes},
    limits,
};
use zeroize::Zeroizing;

use super::{Device, names, prekeys};
use crate::{
    Edges, Error, Link,
    link::relay::{NOTHING, Relay},
    records::{OwnRecord, PeerRecord, Work},
    vault::Space,
};

/// What registers a number.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// The number.
    pub number: PhoneNumber,
    /// The code that was sent to it.
    pub code: String,
    /// The PIN, if the account has a registration lock.
    pub pin: Option<String>,
    /// What the account's other devices see it called.
    pub device_name: String,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What registers a number of a business at whoever hosts it.
#[derive(Clone, PartialEq, Eq)]
pub struct HostedRegistration {
    /// The host's: of the business itself, of a vendor, of the operator. The label that people see follows it.
    pub credential: String,
    /// Whose number it is.
    pub business: BusinessId,
    /// The number.
    pub number: PhoneNumber,
    /// What the account's other devices see it called.
    pub device_name: String,
}

impl std::fmt::Debug for HostedRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedRegistration").field("business", &self.business).finish_non_exhaustive()
    }
}

impl Device {
    /// Has a code sent to a number. How long it is good, and when another may be asked for, in milliseconds.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Wait`], [`Error::Link`].
    pub async fn request_code(link: &dyn Link, number: &PhoneNumber) -> Result<(u64, u64), Error> {
        let request = RequestCode { number: number.clone() };
        let relay = Relay { link, token: None };
        let sent: CodeRequested = relay.ask("POST", "/v1/registration/codes", Some(&request)).await?;
        Ok((sent.expires_in_ms, sent.retry_after_ms))
    }

    /// The code that was sent to a number, from a relay in development.
    ///
    /// # Errors
    /// [`Error::Refused`] by any other relay.
    pub async fn development_code(link: &dyn Link, number: &PhoneNumber) -> Result<String, Error> {
        let path = format!("/v1/dev/codes/{}", number.as_str().replace('+', "%2B"));
        let answer: DevCode = Relay { link, token: None }.ask("GET", path, NOTHING).await?;
        Ok(answer.code)
    }

    /// Registers a number, and with it this vault's device as the primary of its account. Somebody else's device that
    /// the number had is gone by that.
    ///
    /// # Errors
    /// [`Error::AlreadyRegistered`]; [`Error::Refused`] with the codes `code_wrong`, `code_expired` and
    /// `registration_locked`. Nothing is stored then.
    pub async fn register(mut edges: Edges, registration: Registration) -> Result<Self, Error> {
        let identity = KeyPair::generate(&mut edges.rng);
        let mut profile_key = Zeroizing::new(vec![0; 32]);
        edges.rng.fill_bytes(&mut profile_key);
        let Registration { number, code, pin, device_name } = registration;
        settle_in(edges, &identity, &profile_key, &device_name, async |relay, device| {
            let request = Register { number, code, pin, device };
            relay.ask("POST", "/v1/registration", Some(&request)).await
        })
        .await
    }
}

impl Device {
    /// Registers a number of a business, and with it this vault's device as the primary of its account. The device that the
    /// number had before is gone by that.
    ///
    /// # Errors
    /// [`Error::AlreadyRegistered`]; [`Error::Refused`] with the code `forbidden` if the credential is not that of whom the
    /// business has chosen to host it. Nothing is stored then.
    pub async fn register_hosted(mut edges: Edges, registration: HostedRegistration) -> Result<Self, Error> {
        let identity = KeyPair::generate(&mut edges.rng);
        let mut profile_key = Zeroizing::new(vec![0; 32]);
        edges.rng.fill_bytes(&mut profile_key);
        let HostedRegistration { credential, business, number, device_name } = registration;
        let credential = Zeroizing::new(credential);
        settle_in(edges, &identity, &profile_key, &device_name, async |relay, device| {
            let request = RegisterHosted { business, number, device };
            let relay = Relay { token: Some(&credential), ..relay };
            relay.ask("POST", "/v1/hosting/devices", Some(&request)).await
        })
        .await
    }

    /// Registers a further number of the business that `beside` is a device of, and with it this vault's device as the primary
    /// of its account: who hosts it is who hosts `beside`.
    ///
    /// # Errors
    /// [`Error::AlreadyRegistered`]; [`Error::Refused`] with the codes `code_wrong`, `code_expired`, `registration_locked`,
    /// and `forbidden` if `beside` is nobody's but a person's. Nothing is stored then.
    pub async fn register_beside(
        mut edges: Edges,
        beside: &Self,
        registration: Registration,
    ) -> Result<Self, Error> {
        let identity = KeyPair::generate(&mut edges.rng);
        let mut profile_key = Zeroizing::new(vec![0; 32]);
        edges.rng.fill_bytes(&mut profile_key);
        let Registration { number, code, pin, device_name } = registration;
        let stated = further_number(&number, &identity.public.to_bytes());
        let statement = signed_bytes(FURTHER_NUMBER, &stated);
        let signature = beside.0.local.identity.private.sign(&statement, &mut edges.rng);
        let signature = Base64(signature.as_bytes().to_vec());
        settle_in(edges, &identity, &profile_key, &device_name, async |_, device| {
            let request = AddHostedNumber { number, code, pin, device, signature };
            beside.relay().ask("POST", "/v1/hosting/numbers", Some(&request)).await
        })
        .await
    }

    /// The business-scoped ids of people, for a device of a business; of accounts that are gone there is none.
    ///
    /// # Errors
    /// [`Error::Refused`] for anybody but a business; [`Error::Wait`], [`Error::Link`].
    pub async fn user_ids(&self, accounts: &[AccountId]) -> Result<Vec<(AccountId, String)>, Error> {
        let mut ids = Vec::with_capacity(accounts.len());
        for accounts in accounts.chunks(100) {
            let request = WhichPeople { accounts: accounts.to_vec() };
            let answer: People = self.relay().ask("POST", "/v1/hosting/people", Some(&request)).await?;
            ids.extend(answer.people.into_iter().map(|person| (person.account, person.user_id)));
        }
        Ok(ids)
    }

    /// The number that somebody shares with a business, if the relay signed it for this account's business, for the
    /// account that it came from.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn shared_number(
        &self,
        business: BusinessId,
        from: AccountId,
        proof: &[u8],
    ) -> Result<Option<PhoneNumber>, Error> {
        let key: LabelKey = self.relay().ask("GET", "/v1/labels/key", NOTHING).await?;
        let key = PublicKey::from_bytes(&key.key.0).map_err(|_| Error::Answer("not a label key"))?;
        let Ok(signed) = Signed::read(proof) else { return Ok(None) };
        let signature = Signature::from_bytes(&signed.signature);
        let Ok(signature) = signature else { return Ok(None) };
        if key.verify(&signed.signed_bytes(NUMBER_PROOF), &signature).is_err() {
            return Ok(None);
        }
        let Ok(stated) = NumberProof::decode(&signed.statement[..]) else { return Ok(None) };
        let ours = stated.account == from.as_bytes() && stated.business == business.as_bytes();
        Ok(if ours { stated.number.parse().ok() } else { None })
    }
}

/// Makes the keys of a new device, has it registered by `register`, and stores everything.
pub(super) async fn settle_in(
    edges: Edges,
    identity: &KeyPair,
    profile_key: &[u8],
    device_name: &str,
    register: impl AsyncFnOnce(Relay<'_>, NewDevice) -> Result<Registered, Error>,
) -> Result<Device, Error> {
    let Edges { vault, link, clock, rng } = edges;
    let rng = tokio::sync::Mutex::new(rng);
    let mut work = Work::begin(&*vault, rng.lock().await, clock.now()).await?;
    if work.bytes(Space::Own, &[]).await?.is_some() {
        return Err(Error::AlreadyRegistered);
    }
    let random = u32::from_be_bytes(work.random());
    let registration_id = 1 + random % limits::REGISTRATION_ID;
    let name = names::seal(identity, device_name, work.rng())?;
    let UploadKeys { signed_prekey, last_resort_kem_prekey, one_time_prekeys, one_time_kem_prekeys } =
        prekeys::make_first(&mut work, identity);
    let (Some(signed_prekey), Some(last_resort_kem_prekey)) = (signed_prekey, last_resort_kem_prekey) else {
        return Err(Error::Invalid("no prekeys"));
    };
    let device = NewDevice {
        name: Base64(name),
        registration_id,
        identity_key: Base64(identity.public.to_bytes().to_vec()),
        signed_prekey,
        last_resort_kem_prekey,
        one_time_prekeys,
        one_time_kem_prekeys,
    };
    let registered = register(Relay { link: &*link, token: None }, device).await?;
    let own = OwnRecord {
        account: registered.account.as_bytes().to_vec(),
        device: registered.device.into(),
        number: registered.number.to_string(),
        token: registered.token,
        identity_private_key: identity.private.expose().to_vec(),
        identity_public_key: identity.public.to_bytes().to_vec(),
        registration_id,
        profile_key: profile_key.to_vec(),
    };
    work.put(Space::Own, Vec::new(), &[], 0, Zeroizing::new(own.encode_to_vec()));
    if registered.device != DeviceId::PRIMARY {
        // It is there for sure; of others the relay tells.
        let mut peer = PeerRecord::new(registered.account);
        peer.note_device(DeviceId::PRIMARY, 0);
        work.put_peer(&mut peer);
    }
    work.commit().await?.saving.durable().await?;
    let rng = rng.into_inner();
    Device::open(Edges { vault, link, clock, rng }).await
}
