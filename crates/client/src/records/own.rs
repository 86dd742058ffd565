use std::{fmt, sync::Arc};

use keys::{KeyPair, PrivateKey, PublicKey};
use signal::{Address, LocalDevice, RegistrationId};
use wire::{AccountId, DeviceId, PhoneNumber};
use zeroize::Zeroize;

use crate::{Error, error::damaged};

/// Who this device is. Written once.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct OwnRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) device: u32,
    #[prost(string, tag = "3")]
    pub(crate) number: String,
    #[prost(string, tag = "4")]
    pub(crate) token: String,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) identity_private_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) identity_public_key: Vec<u8>,
    #[prost(uint32, tag = "7")]
    pub(crate) registration_id: u32,
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) profile_key: Vec<u8>,
}

impl fmt::Debug for OwnRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRecord").finish_non_exhaustive()
    }
}

impl Drop for OwnRecord {
    fn drop(&mut self) {
        self.token.zeroize();
        self.identity_private_key.zeroize();
        self.profile_key.zeroize();
    }
}

impl OwnRecord {
    pub(crate) fn who(&self) -> Result<crate::Own, Error> {
        Ok(crate::Own {
            account: AccountId::try_from(&self.account[..]).map_err(|_| damaged("the account"))?,
            device: DeviceId::try_from(self.device).map_err(|_| damaged("the device"))?,
            number: self.number.parse::<PhoneNumber>().map_err(|_| damaged("the number"))?,
        })
    }

    pub(crate) fn local(&self) -> Result<Arc<LocalDevice>, Error> {
        let who = self.who()?;
        let private = PrivateKey::from_slice(&self.identity_private_key);
        Ok(Arc::new(LocalDevice {
            address: address(who.account, who.device)?,
            identity: KeyPair {
                public: PublicKey::from_bytes(&self.identity_public_key)
                    .map_err(|_| damaged("the identity key"))?,
                private: private.map_err(|_| damaged("the identity key"))?,
            },
            registration_id: RegistrationId(self.registration_id),
        }))
    }
}

/// The name of a device in sessions.
pub(crate) fn address(account: AccountId, device: DeviceId) -> Result<Address, Error> {
    let device = signal::DeviceId::new(device.get()).ok_or(damaged("a device"))?;
    Ok(Address::new(account.to_string(), device))
}
