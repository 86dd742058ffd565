use signal::{
    DeviceId, KemPreKeyId, OneTimePreKeyId, PreKeyBundle, RegistrationId, SignedPreKeyId,
    keys::{PublicKey, Signature, kem},
};
use wasm_bindgen::prelude::*;

use crate::{FaceError, Thrown};

/// The public half of a prekey: its number, its bytes and, but for a one-time key, its signature.
#[wasm_bindgen]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicPreKey {
    id: u32,
    key: Vec<u8>,
    signature: Option<Vec<u8>>,
}

#[wasm_bindgen]
impl PublicPreKey {
    /// From its parts. They are read when a [`Bundle`] is made of them.
    #[wasm_bindgen(constructor)]
    pub fn new(id: u32, key: Vec<u8>, signature: Option<Vec<u8>>) -> Self {
        Self { id, key, signature }
    }

    /// Its number.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its bytes, type byte included.
    #[wasm_bindgen(getter)]
    pub fn key(&self) -> Vec<u8> {
        self.key.clone()
    }

    /// Its signature by the identity key.
    #[wasm_bindgen(getter)]
    pub fn signature(&self) -> Option<Vec<u8>> {
        self.signature.clone()
    }

    fn signed(&self) -> Result<Signature, Thrown> {
        Ok(Signature::from_bytes(self.signature.as_deref().unwrap_or_default())?)
    }
}

/// What an initiator fetches to begin a session.
#[wasm_bindgen]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bundle(pub(crate) PreKeyBundle);

#[wasm_bindgen]
impl Bundle {
    /// From what a server gave. Nothing is verified until a session starts.
    #[wasm_bindgen(constructor)]
    pub fn new(
        registration_id: u32,
        device: u32,
        identity: &[u8],
        signed: &PublicPreKey,
        kem: &PublicPreKey,
    ) -> Result<Self, Thrown> {
        Ok(Self(PreKeyBundle {
            identity: PublicKey::from_bytes(identity)?,
            registration_id: RegistrationId(registration_id),
            device: DeviceId::new(device).ok_or(FaceError::NoSuchDevice(device))?,
            one_time: None,
            signed: (SignedPreKeyId(signed.id), PublicKey::from_bytes(&signed.key)?, signed.signed()?),
            kem: (KemPreKeyId(kem.id), kem::PublicKey::from_bytes(&kem.key)?, kem.signed()?),
        }))
    }

    /// Adds the one-time key, if the server had one left.
    #[wasm_bindgen(js_name = setOneTime)]
    pub fn set_one_time(&mut self, key: &PublicPreKey) -> Result<(), Thrown> {
        self.0.one_time = Some((OneTimePreKeyId(key.id), PublicKey::from_bytes(&key.key)?));
        Ok(())
    }

    /// Registration id of the device.
    #[wasm_bindgen(getter, js_name = registrationId)]
    pub fn registration_id(&self) -> u32 {
        self.0.registration_id.0
    }

    /// Number of the device.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> u8 {
        self.0.device.get()
    }

    /// Identity key of the account.
    #[wasm_bindgen(getter)]
    pub fn identity(&self) -> Vec<u8> {
        self.0.identity.to_bytes().to_vec()
    }

    /// The one-time key, if there is one.
    #[wasm_bindgen(getter, js_name = oneTime)]
    pub fn one_time(&self) -> Option<PublicPreKey> {
        self.0.one_time.as_ref().map(|(id, key)| PublicPreKey::new(id.0, key.to_bytes().to_vec(), None))
    }

    /// The signed key.
    #[wasm_bindgen(getter)]
    pub fn signed(&self) -> PublicPreKey {
        let (id, key, signature) = &self.0.signed;
        PublicPreKey::new(id.0, key.to_bytes().to_vec(), Some(signature.as_bytes().to_vec()))
    }

    /// The KEM key.
    #[wasm_bindgen(getter)]
    pub fn kem(&self) -> PublicPreKey {
        let (id, key, signature) = &self.0.kem;
        PublicPreKey::new(id.0, key.to_bytes(), Some(signature.as_bytes().to_vec()))
    }
}
