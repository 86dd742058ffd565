//! A device as it is offered, once it is checked.

use wire::{api, limits};

use crate::{
    RelayError,
    keys::{Unverified, Upload},
};

/// A device with its first keys, each signed as it should be.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Tells it from its predecessor with the same number.
    pub registration_id: u32,
    /// Its name, encrypted.
    pub name: Vec<u8>,
    /// The identity key of its account.
    pub identity_key: [u8; 33],
    /// Its first keys.
    pub keys: Upload,
}

/// The form is right; signatures were not looked at, which takes time.
#[derive(Debug, Clone)]
pub struct Offered {
    registration_id: u32,
    name: Vec<u8>,
    /// The identity key that it says to have.
    pub identity_key: [u8; 33],
    keys: Unverified,
}

impl Offered {
    /// Checks everything but signatures.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    pub fn parse(device: api::NewDevice) -> Result<Self, RelayError> {
        if !(1..=limits::REGISTRATION_ID).contains(&device.registration_id) {
            return Err(RelayError::field("registration_id", "from 1 to 16380"));
        }
        if device.name.0.len() > limits::DEVICE_NAME {
            return Err(RelayError::field("name", "at most 256 bytes"));
        }
        let identity_key = <[u8; 33]>::try_from(device.identity_key.0.as_slice()).ok();
        let identity_key = identity_key.filter(|key| ::keys::PublicKey::from_bytes(key).is_ok());
        let identity_key =
            identity_key.ok_or_else(|| RelayError::field("identity_key", "not a curve key"))?;
        let keys = Unverified::parse(
            Some(device.signed_prekey),
            Some(device.last_resort_kem_prekey),
            device.one_time_prekeys,
            device.one_time_kem_prekeys,
        )?;
        Ok(Self { registration_id: device.registration_id, name: device.name.0, identity_key, keys })
    }

    /// Checks the signatures too, on a thread of its own.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    pub async fn verify(self) -> Result<NewDevice, RelayError> {
        let keys = self.keys.verify(self.identity_key).await?;
        let Self { registration_id, name, identity_key, .. } = self;
        Ok(NewDevice { registration_id, name, identity_key, keys })
    }
}
