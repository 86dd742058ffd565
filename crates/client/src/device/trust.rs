//! Identity keys: which are trusted, and how two people compare them.

use keys::{Fingerprint, ITERATIONS, PublicKey};
use serde::{Deserialize, Serialize};
use signal::SafetyNumberVersion;
use wire::{AccountId, Base64};

use super::Device;
use crate::{
    Error, Event, SafetyNumber, Trust,
    records::{PeerRecord, Work},
};

/// How a device behaves where people differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Whether changed identity keys are accepted without asking, except where the old one was verified.
    #[serde(default)]
    pub accept_changed_identities: bool,
    /// Whether others are not told what was read.
    #[serde(default)]
    pub read_in_silence: bool,
    /// Whether messages stay in their chats. If not, the device is one for a program that keeps them itself: what happens
    /// stands in [`Device::feed`] until the program has taken it, and of what is sent only how far it has come is kept, for
    /// 45 days or until it was read. What was in chats before stays there.
    #[serde(default = "yes")]
    pub keep_history: bool,
    /// Whether it is sent to businesses without looking at who hosts them: for devices of businesses, whose people have no
    /// labels.
    #[serde(default)]
    pub ignore_labels: bool,
}

const fn yes() -> bool {
    true
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            accept_changed_identities: false,
            read_in_silence: false,
            keep_history: true,
            ignore_labels: false,
        }
    }
}

impl Device {
    /// How this device behaves.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn settings(&self) -> Result<Settings, Error> {
        let mut work = self.work().await?;
        let upkeep = work.upkeep();
        Ok(Settings {
            accept_changed_identities: upkeep.accept_changed,
            read_in_silence: upkeep.read_in_silence,
            keep_history: !upkeep.no_history,
            ignore_labels: upkeep.ignore_labels,
        })
    }

    /// Changes how this device behaves.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn set_settings(&self, settings: Settings) -> Result<(), Error> {
        let mut work = self.work().await?;
        work.upkeep().accept_changed = settings.accept_changed_identities;
        work.upkeep().read_in_silence = settings.read_in_silence;
        work.upkeep().no_history = !settings.keep_history;
        work.upkeep().ignore_labels = settings.ignore_labels;
        self.save(work).await
    }

    /// How far an account's identity key is trusted.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn trust(&self, account: AccountId) -> Result<Trust, Error> {
        let work = self.work().await?;
        let trust = work.peer(account).await?.trust();
        self.save(work).await?;
        Ok(trust)
    }

    /// Accepts the changed identity key of an account: what waits is sent to it. `compared` are the digits of the
    /// [`Device::safety_number`] that was decided on, with or without spaces.
    ///
    /// # Errors
    /// [`Error::IdentityChanged`] if these are not the digits of the present key: it changed meanwhile.
    /// [`Error::UnknownIdentity`].
    pub async fn accept_identity(&self, account: AccountId, compared: &str) -> Result<(), Error> {
        let mut work = self.work().await?;
        let mut peer = work.peer(account).await?;
        self.must_be(account, &peer, compared)?;
        if !peer.held() {
            return self.save(work).await;
        }
        peer.accept();
        work.put_peer(&mut peer);
        work.lanes.insert(account);
        Self::tell_identity(&mut work, account, false);
        self.save(work).await?;
        self.0.lanes.release(account);
        Ok(())
    }

    /// Notes that a person compared the safety number of an account: `compared` are its digits, with or without spaces.
    /// A changed key is accepted by that. With `None` they do not vouch for it any more.
    ///
    /// # Errors
    /// [`Error::IdentityChanged`] if these are not the digits of the present key: it changed meanwhile.
    /// [`Error::UnknownIdentity`].
    pub async fn set_verified(&self, account: AccountId, compared: Option<&str>) -> Result<(), Error> {
        let mut work = self.work().await?;
        let mut peer = work.peer(account).await?;
        match compared {
            Some(compared) => self.must_be(account, &peer, compared)?,
            None => drop(peer.latest_identity().ok_or(Error::UnknownIdentity)?),
        }
        Self::vouch(&mut work, &mut peer, account, compared.is_some());
        self.save(work).await?;
        self.0.lanes.release(account);
        Ok(())
    }

    fn vouch(work: &mut Work<'_>, peer: &mut PeerRecord, account: AccountId, verified: bool) {
        if verified {
            peer.accept();
            work.lanes.insert(account);
        }
        peer.verified = verified;
        work.put_peer(peer);
        work.events.push(Event::Contact { account });
    }

    /// What two people compare: of this account and another. If that one's key has changed, of the new key.
    ///
    /// # Errors
    /// [`Error::UnknownIdentity`] before anything was exchanged.
    pub async fn safety_number(&self, account: AccountId) -> Result<SafetyNumber, Error> {
        let work = self.work().await?;
        let peer = work.peer(account).await?;
        self.save(work).await?;
        let number = self.compared(account, &peer)?;
        Ok(SafetyNumber { digits: number.to_string(), code: Base64(number.scannable()) })
    }

    /// Compares the code that the other side shows; if it is right, the account is verified.
    ///
    /// # Errors
    /// [`Error::UnknownIdentity`]; [`Error::Invalid`] if the code is none.
    pub async fn verify(&self, account: AccountId, scanned: &[u8]) -> Result<bool, Error> {
        // In one step: the key must not change between the comparison and what follows from it.
        let mut work = self.work().await?;
        let mut peer = work.peer(account).await?;
        let number = self.compared(account, &peer)?;
        let right = number.compare(scanned).map_err(|_| Error::Invalid("this is no safety number"))?;
        if right {
            Self::vouch(&mut work, &mut peer, account, true);
            self.save(work).await?;
            self.0.lanes.release(account);
        }
        Ok(right)
    }

    /// In the work that acts on it: the key must not change between the comparison and what follows from it.
    fn must_be(&self, account: AccountId, peer: &PeerRecord, compared: &str) -> Result<(), Error> {
        let digits = self.compared(account, peer)?.to_string();
        if compared.chars().filter(|character| !character.is_whitespace()).eq(digits.chars()) {
            Ok(())
        } else {
            Err(Error::IdentityChanged)
        }
    }

    fn compared(&self, account: AccountId, peer: &PeerRecord) -> Result<signal::SafetyNumber, Error> {
        let key = peer.latest_identity().ok_or(Error::UnknownIdentity)?;
        let print = |key: &PublicKey, account: AccountId| {
            Fingerprint::new(key, account.as_bytes(), ITERATIONS).map_err(|_| Error::Damaged("a key"))
        };
        let local = print(&self.0.local.identity.public, self.account())?;
        let remote = print(&key, account)?;
        Ok(signal::SafetyNumber::new(SafetyNumberVersion::Account, local, remote))
    }
}
