//! What JavaScript sees of the Signal protocol. Knows no network and no storage: bytes in, bytes out.
//! This is an edge, so it is the one place here that takes randomness from the system.

#[expect(clippy::disallowed_types, reason = "the face to JavaScript is where randomness enters")]
use getrandom::SysRng;
use keys::{KeyError, KeyPair, PublicKey, SharedSecret, Signature, kem};
use rand_core::{CryptoRng, UnwrapErr};
use wasm_bindgen::prelude::*;

fn rng() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// The key pair a device is known by.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Identity(KeyPair);

#[wasm_bindgen]
impl Identity {
    /// A new one.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "a default that differs each time would be no default")]
    pub fn new() -> Self {
        Self(KeyPair::generate(&mut rng()))
    }

    /// The half that others know.
    #[wasm_bindgen(getter, js_name = publicKey)]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public.to_bytes().to_vec()
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.private.sign(message, &mut rng()).as_bytes().to_vec()
    }

    /// The secret that this identity and the owner of `theirs` have in common.
    pub fn agree(&self, theirs: &[u8]) -> Result<Vec<u8>, JsError> {
        Ok(self.0.private.agree(&PublicKey::from_bytes(theirs)?)?.expose().to_vec())
    }
}

/// Whether `signature` over `message` was made with the private half of `public_key`.
#[wasm_bindgen]
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, JsError> {
    match PublicKey::from_bytes(public_key)?.verify(message, &Signature::from_bytes(signature)?) {
        Ok(()) => Ok(true),
        Err(KeyError::BadSignature) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A post-quantum prekey, to which anyone can send a secret.
#[wasm_bindgen]
#[derive(Debug)]
pub struct KemPrekey(kem::KeyPair);

#[wasm_bindgen]
impl KemPrekey {
    /// A new one.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "a default that differs each time would be no default")]
    pub fn new() -> Self {
        Self(kem::KeyPair::generate(&mut rng()))
    }

    /// The half that others know.
    #[wasm_bindgen(getter, js_name = publicKey)]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public().to_bytes()
    }

    /// The secret that was sent in `ciphertext`.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Vec<u8>, JsError> {
        Ok(self.0.decapsulate(&kem::Ciphertext::from_bytes(ciphertext)?).expose().to_vec())
    }
}

/// A new secret, and the ciphertext that brings it to the owner of a prekey.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Encapsulated {
    secret: SharedSecret,
    ciphertext: kem::Ciphertext,
}

#[wasm_bindgen]
impl Encapsulated {
    /// For the owner of the public prekey `theirs`.
    #[wasm_bindgen(constructor)]
    pub fn new(theirs: &[u8]) -> Result<Self, JsError> {
        let (secret, ciphertext) = kem::PublicKey::from_bytes(theirs)?.encapsulate(&mut rng());
        Ok(Self { secret, ciphertext })
    }

    /// The secret.
    #[wasm_bindgen(getter)]
    pub fn secret(&self) -> Vec<u8> {
        self.secret.expose().to_vec()
    }

    /// The ciphertext.
    #[wasm_bindgen(getter)]
    pub fn ciphertext(&self) -> Vec<u8> {
        self.ciphertext.to_bytes()
    }
}
