use keys::PublicKey;
use wire::{AccountId, DeviceId};
use zeroize::Zeroize;

use crate::{Trust, error::damaged};

/// What is known of an account.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PeerRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    /// Under which it is sent to; empty if none is known.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) identity: Vec<u8>,
    /// Another one that was seen and is not accepted yet; else empty.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) changed: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub(crate) verified: bool,
    #[prost(message, repeated, tag = "5")]
    pub(crate) devices: Vec<KnownDevice>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) profile_key: Vec<u8>,
    /// As this account calls them.
    #[prost(string, tag = "7")]
    pub(crate) name: String,
    #[prost(string, tag = "8")]
    pub(crate) number: String,
    #[prost(bool, tag = "9")]
    pub(crate) blocked: bool,
    /// As they call themselves.
    #[prost(message, optional, tag = "10")]
    pub(crate) profile: Option<wire::content::Profile>,
    #[prost(uint64, tag = "11")]
    pub(crate) position: u64,
    /// What it offers in front of its chat, of a business.
    #[prost(message, optional, tag = "12")]
    pub(crate) menu: Option<wire::content::Menu>,
    /// When that was asked for last; 0 for never.
    #[prost(uint64, tag = "13")]
    pub(crate) menu_asked: u64,
}

/// A device that gets what is sent to its account.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct KnownDevice {
    #[prost(uint32, tag = "1")]
    pub(crate) device: u32,
    /// 0 if its keys are to be fetched first.
    #[prost(uint32, tag = "2")]
    pub(crate) registration_id: u32,
}

impl Drop for PeerRecord {
    fn drop(&mut self) {
        self.profile_key.zeroize();
    }
}

impl PeerRecord {
    pub(crate) fn new(account: AccountId) -> Self {
        let mut peer = Self::default();
        peer.account = account.as_bytes().to_vec();
        peer
    }

    pub(crate) fn account(&self) -> Result<AccountId, crate::Error> {
        AccountId::try_from(&self.account[..]).map_err(|_| damaged("an account"))
    }

    pub(crate) fn identity(&self) -> Option<PublicKey> {
        PublicKey::from_bytes(&self.identity).ok()
    }

    /// The key that it was seen with last: the one to compare.
    pub(crate) fn latest_identity(&self) -> Option<PublicKey> {
        if self.held() { PublicKey::from_bytes(&self.changed).ok() } else { self.identity() }
    }

    pub(crate) const fn held(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(crate) const fn trust(&self) -> Trust {
        match (self.identity.is_empty(), self.held(), self.verified) {
            (true, ..) => Trust::Unknown,
            (_, true, _) => Trust::Changed,
            (_, _, true) => Trust::Verified,
            _ => Trust::FirstUse,
        }
    }

    /// Notes the identity key that somebody proved to have; whether it is another one than before.
    pub(crate) fn note_identity(&mut self, key: &PublicKey) -> bool {
        let key = key.to_bytes();
        if self.identity.is_empty() {
            self.identity = key.to_vec();
            return false;
        }
        let new = self.identity != key && self.changed != key;
        if new {
            self.changed = key.to_vec();
        }
        new
    }

    pub(crate) fn accept(&mut self) {
        if self.held() {
            self.identity = std::mem::take(&mut self.changed);
            self.verified = false;
        }
    }

    pub(crate) fn knows(&self, device: DeviceId) -> Option<&KnownDevice> {
        self.devices.iter().find(|known| known.device == u32::from(device))
    }

    /// Notes a device. With the registration id 0 its keys are fetched before it is sent to.
    pub(crate) fn note_device(&mut self, device: DeviceId, registration_id: u32) {
        let device = u32::from(device);
        match self.devices.iter_mut().find(|known| known.device == device) {
            Some(known) => known.registration_id = registration_id,
            None => self.devices.push(KnownDevice { device, registration_id }),
        }
    }

    pub(crate) fn forget_device(&mut self, device: DeviceId) {
        self.devices.retain(|known| known.device != u32::from(device));
    }
}
