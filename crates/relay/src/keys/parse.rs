//! Prekeys as they are offered, once they are checked.

use std::collections::HashSet;

use ::keys::{PublicKey, Signature, kem};
use wire::{api, limits};

use crate::RelayError;

/// A one-time curve prekey.
#[derive(Debug, Clone)]
pub struct OneTime {
    /// The device's number for it.
    pub id: u32,
    /// 33 bytes.
    pub public_key: Vec<u8>,
}

/// A prekey with the signature of the identity key.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The device's number for it.
    pub id: u32,
    /// With its type byte.
    pub public_key: Vec<u8>,
    /// 64 bytes.
    pub signature: Vec<u8>,
}

/// Keys that may be stored: each is a key, and signed where it should be.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Replaces the current one.
    pub signed: Option<Signed>,
    /// Replaces the current one.
    pub last_resort: Option<Signed>,
    /// Added.
    pub one_time: Vec<OneTime>,
    /// Added.
    pub one_time_kem: Vec<Signed>,
}

/// Keys of the right form whose signatures were not looked at, which takes time.
#[derive(Debug, Clone)]
pub struct Unverified(Upload);

impl Unverified {
    /// Checks everything but signatures.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    pub fn parse(
        signed: Option<api::SignedKey>,
        last_resort: Option<api::SignedKey>,
        one_time: Vec<api::Key>,
        one_time_kem: Vec<api::SignedKey>,
    ) -> Result<Self, RelayError> {
        if one_time.len() > limits::KEYS_UPLOADED {
            return Err(RelayError::field("one_time_prekeys", "at most 100"));
        }
        if one_time_kem.len() > limits::KEYS_UPLOADED {
            return Err(RelayError::field("one_time_kem_prekeys", "at most 100"));
        }
        let upload = Upload {
            signed: signed.map(|key| form("signed_prekey", PublicKey::LEN, key)).transpose()?,
            last_resort: last_resort
                .map(|key| form("last_resort_kem_prekey", kem::PublicKey::LEN, key))
                .transpose()?,
            one_time: one_time.into_iter().map(one_time_form).collect::<Result<_, _>>()?,
            one_time_kem: one_time_kem
                .into_iter()
                .map(|key| form("one_time_kem_prekeys", kem::PublicKey::LEN, key))
                .collect::<Result<_, _>>()?,
        };
        unique("one_time_prekeys", upload.one_time.iter().map(|key| key.id))?;
        unique("one_time_kem_prekeys", upload.one_time_kem.iter().map(|key| key.id))?;
        Ok(Self(upload))
    }

    /// Checks that every key is one and that the identity key signed what it should have, on a thread for what takes
    /// time.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    pub async fn verify(self, identity_key: [u8; 33]) -> Result<Upload, RelayError> {
        let verified = tokio::task::spawn_blocking(move || self.verified(identity_key));
        verified.await.map_err(RelayError::internal)?
    }

    fn verified(self, identity_key: [u8; 33]) -> Result<Upload, RelayError> {
        let identity = PublicKey::from_bytes(&identity_key)
            .map_err(|_| RelayError::field("identity_key", "not a curve key"))?;
        let Self(upload) = self;
        if let Some(key) = &upload.signed {
            curve("signed_prekey", &key.public_key)?;
            signature("signed_prekey", &identity, key)?;
        }
        for key in &upload.one_time {
            curve("one_time_prekeys", &key.public_key)?;
        }
        if let Some(key) = &upload.last_resort {
            kem_key("last_resort_kem_prekey", &key.public_key)?;
            signature("last_resort_kem_prekey", &identity, key)?;
        }
        for key in &upload.one_time_kem {
            kem_key("one_time_kem_prekeys", &key.public_key)?;
            signature("one_time_kem_prekeys", &identity, key)?;
        }
        Ok(upload)
    }
}

fn number(field: &'static str, id: u32) -> Result<u32, RelayError> {
    if id > limits::PREKEY_ID {
        return Err(RelayError::field(field, "ids are below 2^24"));
    }
    Ok(id)
}

fn form(field: &'static str, length: usize, key: api::SignedKey) -> Result<Signed, RelayError> {
    if key.public_key.0.len() != length {
        return Err(RelayError::field(field, "a public key has another length"));
    }
    if key.signature.0.len() != Signature::LEN {
        return Err(RelayError::field(field, "a signature has 64 bytes"));
    }
    Ok(Signed { id: number(field, key.id)?, public_key: key.public_key.0, signature: key.signature.0 })
}

fn one_time_form(key: api::Key) -> Result<OneTime, RelayError> {
    let field = "one_time_prekeys";
    if key.public_key.0.len() != PublicKey::LEN {
        return Err(RelayError::field(field, "a public key has 33 bytes"));
    }
    Ok(OneTime { id: number(field, key.id)?, public_key: key.public_key.0 })
}

fn unique(field: &'static str, ids: impl Iterator<Item = u32>) -> Result<(), RelayError> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(RelayError::field(field, "an id is there twice"));
        }
    }
    Ok(())
}

fn curve(field: &'static str, bytes: &[u8]) -> Result<(), RelayError> {
    PublicKey::from_bytes(bytes).map(drop).map_err(|_| RelayError::field(field, "not a curve key"))
}

fn kem_key(field: &'static str, bytes: &[u8]) -> Result<(), RelayError> {
    kem::PublicKey::from_bytes(bytes).map(drop).map_err(|_| RelayError::field(field, "not a KEM key"))
}

fn signature(field: &'static str, identity: &PublicKey, key: &Signed) -> Result<(), RelayError> {
    let signature = Signature::from_bytes(&key.signature);
    let good = signature.and_then(|signature| identity.verify(&key.public_key, &signature));
    good.map_err(|_| RelayError::field(field, "not signed by the identity key"))
}
