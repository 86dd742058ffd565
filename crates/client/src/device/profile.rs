//! What people say of themselves: sealed with a key that goes with their messages, so that the relay cannot read it.

use wire::{
    AccountId, Base64, ErrorCode, Message as _,
    api::{self, SetProfile},
    content, limits,
};

use super::Device;
use crate::{
    Error, Event, Profile, cipher,
    content::{blob_from_wire, blob_to_wire},
    link::relay::NOTHING,
};

/// Bytes of a name, and of the words about somebody.
const NAME: usize = 256;
const ABOUT: usize = 2048;

pub(super) fn from_wire(profile: &content::Profile) -> Profile {
    Profile {
        name: profile.name.clone(),
        about: profile.about.clone(),
        avatar: profile.avatar.as_ref().and_then(blob_from_wire),
    }
}

impl Device {
    /// Sets what this account says of itself, for those who got a message of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is too long; [`Error::Link`].
    pub async fn set_profile(&self, profile: &Profile) -> Result<(), Error> {
        if profile.name.len() > NAME || profile.about.len() > ABOUT {
            return Err(Error::Invalid("the profile is too long"));
        }
        let record = content::Profile {
            name: profile.name.clone(),
            about: profile.about.clone(),
            avatar: profile.avatar.as_ref().map(blob_to_wire),
        };
        let mut padded = record.encode_to_vec();
        wire::padding::pad(&mut padded);
        let sealed = {
            let mut rng = self.rng().await?;
            cipher::seal_with_nonce(&self.profile_key()?, &mut rng, &[], &padded)?
        };
        if sealed.len() > limits::PROFILE {
            return Err(Error::Invalid("the profile is too long"));
        }
        let body = SetProfile { profile: Base64(sealed) };
        self.relay().tell("PUT", "/v1/profile", Some(&body)).await?;
        let mut work = self.work().await?;
        let mut own = work.peer(self.account()).await?;
        own.profile = Some(record);
        work.put_peer(&mut own);
        self.save(work).await
    }

    /// What an account says of itself; `None` if it says nothing, or has never written to this one.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn profile_of(&self, account: AccountId) -> Result<Option<Profile>, Error> {
        let key = match account == self.account() {
            true => self.0.profile_key.to_vec(),
            false => self.work().await?.peer(account).await?.profile_key.clone(),
        };
        let Ok(key) = <[u8; 32]>::try_from(&key[..]) else { return Ok(None) };
        let path = format!("/v1/accounts/{account}/profile");
        let sealed = match self.relay().ask::<api::Profile>("GET", path, NOTHING).await {
            Err(error) if error.code() == Some(ErrorCode::NotFound) => return Ok(None),
            other => other?.profile.0,
        };
        // Under another key than ours it says nothing to us.
        let Some(padded) = cipher::open_with_nonce(&key, &[], &sealed) else { return Ok(None) };
        let record = wire::padding::unpad(&padded).and_then(|bytes| content::Profile::decode(bytes).ok());
        let Some(mut record) = record else { return Ok(None) };
        if record.name.len() > NAME || record.about.len() > ABOUT {
            return Ok(None);
        }
        record.avatar = record.avatar.take().filter(|avatar| blob_from_wire(avatar).is_some());
        let profile = from_wire(&record);
        let mut work = self.work().await?;
        let mut peer = work.peer(account).await?;
        if peer.profile.as_ref() != Some(&record) {
            peer.profile = Some(record);
            work.put_peer(&mut peer);
            work.events.push(Event::Contact { account });
            self.save(work).await?;
        }
        Ok(Some(profile))
    }

    fn profile_key(&self) -> Result<[u8; 32], Error> {
        self.0.profile_key[..].try_into().map_err(|_| Error::Damaged("the profile key"))
    }
}
