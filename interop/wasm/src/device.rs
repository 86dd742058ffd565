use std::{collections::HashMap, sync::Arc};

use rand_core::Rng;
use signal::{
    DecryptError, KemPreKey, KemPreKeyId, LocalDevice, MessageKind, OneTimePreKey, OneTimePreKeyId,
    ParseError, PreKeyBundle, PreKeyIds, PreKeySignalMessage, RegistrationId, ResponderKeys, SafetyNumber,
    SafetyNumberVersion, Session, SignalMessage, SignedPreKey, SignedPreKeyId, Trust, UsedPreKeys,
    keys::{Fingerprint, ITERATIONS, KeyPair, PublicKey},
};
use wasm_bindgen::prelude::*;

use crate::{Address, Bundle, FaceError, Message, Thrown, javascript::Uint8Array, rng, timestamp};

/// Registration ids are from 1 to this.
const MAX_REGISTRATION_ID: u32 = 16_380;

/// One device: an identity, prekeys, and a session with every other device that it knows.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Device {
    pub(crate) local: Arc<LocalDevice>,
    prekeys: PreKeys,
    sessions: HashMap<signal::Address, Session>,
    identities: HashMap<signal::Address, PublicKey>,
}

/// Prekeys that were offered. A last-resort KEM key is none of them: each serves one session.
#[derive(Debug, Default)]
struct PreKeys {
    last_id: u32,
    one_time: HashMap<OneTimePreKeyId, OneTimePreKey>,
    signed: HashMap<SignedPreKeyId, SignedPreKey>,
    kem: HashMap<KemPreKeyId, KemPreKey>,
}

#[wasm_bindgen]
impl Device {
    /// A new device with a new identity.
    #[wasm_bindgen(constructor)]
    pub fn new(address: &Address) -> Self {
        let mut rng = rng();
        let registration_id = RegistrationId(rng.next_u32() % MAX_REGISTRATION_ID + 1);
        let local = LocalDevice {
            address: address.0.clone(),
            identity: KeyPair::generate(&mut rng),
            registration_id,
        };
        Self {
            local: Arc::new(local),
            prekeys: PreKeys::default(),
            sessions: HashMap::new(),
            identities: HashMap::new(),
        }
    }

    /// Its address.
    #[wasm_bindgen(getter)]
    pub fn address(&self) -> Address {
        Address(self.local.address.clone())
    }

    /// Its public identity key.
    #[wasm_bindgen(getter)]
    pub fn identity(&self) -> Vec<u8> {
        self.local.identity.public.to_bytes().to_vec()
    }

    /// Draws new prekeys, keeps them, and gives what others need of them to begin a session.
    #[wasm_bindgen(js_name = offerBundle)]
    pub fn offer_bundle(&mut self, with_one_time: bool, now: f64) -> Bundle {
        let (rng, now, identity) = (&mut rng(), timestamp(now), &self.local.identity);
        let prekeys = &mut self.prekeys;
        let one_time =
            with_one_time.then(|| OneTimePreKey::generate(OneTimePreKeyId(prekeys.next_id()), rng));
        let signed = SignedPreKey::generate(SignedPreKeyId(prekeys.next_id()), identity, now, rng);
        let kem = KemPreKey::generate(KemPreKeyId(prekeys.next_id()), identity, now, rng);
        let bundle = PreKeyBundle {
            identity: identity.public,
            registration_id: self.local.registration_id,
            device: self.local.address.device(),
            one_time: one_time.as_ref().map(|key| (key.id, key.pair.public)),
            signed: (signed.id, signed.pair.public, signed.signature),
            kem: (kem.id, kem.pair.public().clone(), kem.signature),
        };
        prekeys.one_time.extend(one_time.map(|key| (key.id, key)));
        prekeys.signed.insert(signed.id, signed);
        prekeys.kem.insert(kem.id, kem);
        Bundle(bundle)
    }

    /// Begins a session with `remote`.
    pub fn start(&mut self, remote: &Address, bundle: &Bundle, now: f64) -> Result<(), Thrown> {
        let (session, trust) = self.session(remote);
        session.start(&bundle.0, trust, timestamp(now), &mut rng())?;
        self.identities.insert(remote.0.clone(), bundle.0.identity);
        Ok(())
    }

    /// Encrypts for `remote`.
    pub fn encrypt(&mut self, remote: &Address, plaintext: &[u8], now: f64) -> Result<Message, Thrown> {
        let (session, trust) = self.session(remote);
        Ok(Message(session.encrypt(plaintext, trust, timestamp(now), &mut rng())?))
    }

    /// Decrypts a message of a session, be it the first. Prekeys that it used up are deleted.
    pub fn decrypt(&mut self, remote: &Address, message: &Message) -> Result<Uint8Array, Thrown> {
        let bytes = &message.0.bytes;
        let decrypted = match message.0.kind {
            MessageKind::Signal => {
                let (session, trust) = self.session(remote);
                session.decrypt(&SignalMessage::parse(bytes)?, trust, &mut rng())?
            }
            MessageKind::PreKey => {
                let first = PreKeySignalMessage::parse(bytes)?;
                let wanted = self.session(remote).0.wanted_prekeys(&first);
                let keys = wanted.map(|ids| self.prekeys.find(ids)).transpose()?;
                // Not `self.session`, which would borrow the prekeys too.
                let (session, trust) = session(&self.local, &mut self.sessions, &self.identities, &remote.0);
                session.decrypt_first(&first, keys, trust, &mut rng())?
            }
            kind => return Err(ParseError::UnknownType(u32::from(kind as u8)).into()),
        };
        self.identities.insert(remote.0.clone(), decrypted.identity);
        if let Some(UsedPreKeys { ids, .. }) = decrypted.used {
            self.prekeys.use_up(ids);
        }
        Ok(decrypted.plaintext.as_slice().into())
    }

    /// The state of the session with `remote`, to be stored after every message. It is secret.
    #[wasm_bindgen(js_name = sessionBytes)]
    pub fn session_bytes(&mut self, remote: &Address) -> Uint8Array {
        self.session(remote).0.to_bytes().as_slice().into()
    }

    /// Puts a stored session in the place of the present one.
    #[wasm_bindgen(js_name = restoreSession)]
    pub fn restore_session(&mut self, remote: &Address, bytes: &[u8]) -> Result<(), Thrown> {
        let session = Session::from_bytes(self.local.clone(), remote.0.clone(), bytes)?;
        self.sessions.insert(remote.0.clone(), session);
        Ok(())
    }

    /// The 60 digits that this device's owner and that of `remote` compare.
    #[wasm_bindgen(js_name = safetyNumber)]
    pub fn safety_number(&self, remote: &Address) -> Result<String, Thrown> {
        let fingerprint = |key: &PublicKey, address: &signal::Address| -> Result<Fingerprint, Thrown> {
            let account = address.service_id().ok_or(FaceError::NoAccount)?;
            Ok(Fingerprint::new(key, &account.to_bytes(), ITERATIONS)?)
        };
        let ours = fingerprint(&self.local.identity.public, &self.local.address)?;
        let theirs = fingerprint(self.known_identity(remote)?, &remote.0)?;
        Ok(SafetyNumber::new(SafetyNumberVersion::Account, ours, theirs).to_string())
    }
}

impl Device {
    pub(crate) fn known_identity(&self, remote: &Address) -> Result<&PublicKey, FaceError> {
        self.identities.get(&remote.0).ok_or(FaceError::UnknownIdentity)
    }

    fn session(&mut self, remote: &Address) -> (&mut Session, Trust<'_>) {
        session(&self.local, &mut self.sessions, &self.identities, &remote.0)
    }
}

/// The session with `remote`, a new one if there is none, and what is known of its identity.
fn session<'a>(
    local: &Arc<LocalDevice>,
    sessions: &'a mut HashMap<signal::Address, Session>,
    identities: &'a HashMap<signal::Address, PublicKey>,
    remote: &signal::Address,
) -> (&'a mut Session, Trust<'a>) {
    let session =
        sessions.entry(remote.clone()).or_insert_with(|| Session::new(local.clone(), remote.clone()));
    (session, identities.get(remote).map_or(Trust::FirstUse, Trust::Only))
}

impl PreKeys {
    /// The keys of one bundle have different ids, so that using one in place of another cannot go unnoticed.
    const fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    fn find(&self, ids: PreKeyIds) -> Result<ResponderKeys<'_>, DecryptError> {
        Ok(ResponderKeys {
            one_time: ids.one_time.and_then(|id| self.one_time.get(&id)),
            signed: self.signed.get(&ids.signed).ok_or(DecryptError::UnknownSignedPreKey(ids.signed))?,
            kem: self.kem.get(&ids.kem).ok_or(DecryptError::UnknownKemPreKey(ids.kem))?,
        })
    }

    fn use_up(&mut self, ids: PreKeyIds) {
        ids.one_time.map(|id| self.one_time.remove(&id));
        self.kem.remove(&ids.kem);
    }
}
