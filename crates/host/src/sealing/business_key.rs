//! The key of one business and what is derived from it.

use std::{collections::BTreeMap, fmt};

use aes_gcm_siv::{
    Aes256GcmSiv, Key, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Sealed;
use crate::{HostError, ids::BusinessId, purposes::Pass};

const NONCE: usize = 12;

/// What kind of thing is sealed. Each has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Messages.
    Message,
    /// What is known of a person.
    Person,
    /// Keys of files.
    Media,
    /// State of devices.
    Vault,
    /// Texts of the business itself that are not public: notes, canned replies, tokens of callbacks.
    Business,
}

impl Domain {
    const ALL: [Self; 5] = [Self::Message, Self::Person, Self::Media, Self::Vault, Self::Business];

    const fn info(self) -> &'static [u8] {
        match self {
            Self::Message => b"Tradepost host message v1",
            Self::Person => b"Tradepost host person v1",
            Self::Media => b"Tradepost host media v1",
            Self::Vault => b"Tradepost host vault v1",
            Self::Business => b"Tradepost host business v1",
        }
    }
}

/// Where sealed bytes stand: they open nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// What they are.
    pub domain: Domain,
    /// Their row and column, as bytes that no other place in the domain has.
    pub name: &'a [u8],
}

/// The keys of one business, by version.
pub struct BusinessKey {
    business: BusinessId,
    latest: u8,
    ciphers: BTreeMap<(u8, Domain), Aes256GcmSiv>,
    /// Of the first version: what is looked up must be found whatever was rotated.
    names: Zeroizing<[u8; 32]>,
    words: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for BusinessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusinessKey").field("business", &self.business).finish_non_exhaustive()
    }
}

impl BusinessKey {
    pub(crate) fn new(
        business: BusinessId,
        versions: Vec<(u8, Zeroizing<[u8; 32]>)>,
    ) -> Result<Self, HostError> {
        let mut ciphers = BTreeMap::new();
        let (mut latest, mut first) = (0, None);
        for (version, key) in versions {
            for domain in Domain::ALL {
                let key = derive(&*key, domain.info());
                ciphers.insert((version, domain), Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key)));
            }
            latest = latest.max(version);
            if version == 1 {
                first = Some(key);
            }
        }
        let first = first.ok_or(HostError::Sealed("the first key of a business is gone"))?;
        Ok(Self {
            business,
            latest,
            ciphers,
            names: derive(&*first, b"Tradepost host names v1"),
            words: derive(&*first, b"Tradepost host words v1"),
        })
    }

    /// Whether something is under a version that is newer than all that are known here.
    pub(crate) fn is_older_than(&self, sealed: &[u8]) -> bool {
        sealed.first().is_some_and(|version| *version > self.latest)
    }

    pub(super) const fn latest(&self) -> u8 {
        self.latest
    }

    /// Seals under the latest version, with a nonce that is random.
    ///
    /// # Errors
    /// `Internal` for more than 64 GiB.
    pub fn seal(&self, place: Place<'_>, nonce: [u8; NONCE], plain: &[u8]) -> Result<Sealed, HostError> {
        let associated = self.associated(place);
        let cipher = self.ciphers.get(&(self.latest, place.domain));
        let cipher = cipher.ok_or(HostError::Sealed("the latest key of a business is gone"))?;
        let payload = Payload { msg: plain, aad: &associated };
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| HostError::internal("too long to seal"))?;
        Ok(Sealed([&[self.latest][..], &nonce, &sealed].concat()))
    }

    /// Opens what people wrote, what is known of them, the keys of their files. Only the gate has a [`Pass`].
    pub(crate) fn open(
        &self,
        _: Pass<'_>,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HostError> {
        self.open_at(place, sealed)
    }

    /// Opens what the business itself set: templates, profiles, addresses. It needs no purpose.
    pub(crate) fn open_own(&self, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, HostError> {
        self.open_at(Place { domain: Domain::Business, name }, sealed)
    }

    /// Opens the state of a device, for the device.
    pub(crate) fn open_state(&self, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, HostError> {
        self.open_at(Place { domain: Domain::Vault, name }, sealed)
    }

    fn open_at(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, HostError> {
        const DAMAGED: HostError = HostError::Sealed("damaged, or from another place");
        let (version, rest) = sealed.split_first().ok_or(DAMAGED)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(DAMAGED)?;
        if *version > self.latest {
            return Err(HostError::NewerKey);
        }
        let cipher = self.ciphers.get(&(*version, place.domain)).ok_or(DAMAGED)?;
        let payload = Payload { msg: sealed, aad: &self.associated(place) };
        cipher.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| DAMAGED)
    }

    fn associated(&self, place: Place<'_>) -> Vec<u8> {
        [&self.business.get().to_be_bytes()[..], place.name].concat()
    }

    /// What stands for a name (a phone number, an account) in a column that is looked up. `what` keeps kinds apart.
    #[must_use]
    pub fn name(&self, what: &str, name: &[u8]) -> [u8; 32] {
        mac(&self.names, what, name)
    }

    /// What stands for a word in the index of a search.
    #[must_use]
    pub fn word(&self, word: &str) -> [u8; 32] {
        mac(&self.words, "word", word.as_bytes())
    }
}

fn derive(key: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    // 32 bytes are never too many.
    let _ = Hkdf::<Sha256>::new(None, key).expand(info, &mut *derived);
    derived
}

fn mac(key: &[u8; 32], what: &str, name: &[u8]) -> [u8; 32] {
    let Ok(mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return [0; 32] };
    // The zero ends the word, so that no two kinds meet.
    mac.chain_update(what).chain_update([0]).chain_update(name).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use store::testing::SeededEntropy;

    use super::*;

    fn key(seed: u8) -> BusinessKey {
        let business = BusinessId::random(&SeededEntropy::new(seed));
        BusinessKey::new(
            business,
            vec![(1, Zeroizing::new([seed; 32])), (2, Zeroizing::new([seed + 100; 32]))],
        )
        .unwrap()
    }

    const HERE: Place<'static> = Place { domain: Domain::Message, name: b"row 1" };

    #[test]
    fn opens_where_it_was_sealed_and_nowhere_else() {
        let (key, other) = (key(1), key(2));
        let sealed = key.seal(HERE, [7; 12], b"hello").unwrap();
        assert_eq!(*key.open_at(HERE, sealed.stored()).unwrap(), b"hello");
        assert!(other.open_at(HERE, sealed.stored()).is_err());
        assert!(key.open_at(Place { name: b"row 2", ..HERE }, sealed.stored()).is_err());
        assert!(key.open_at(Place { domain: Domain::Person, ..HERE }, sealed.stored()).is_err());
        for end in 0..sealed.stored().len() {
            assert!(key.open_at(HERE, &sealed.stored()[..end]).is_err());
        }
        let mut changed = sealed.into_stored();
        changed[0] = 1;
        assert!(key.open_at(HERE, &changed).is_err(), "sealed under version 2");
    }

    #[test]
    fn names_of_different_kinds_and_businesses_do_not_meet() {
        let (key, other) = (key(1), key(2));
        assert_eq!(key.name("number", b"+49"), key.name("number", b"+49"));
        assert_ne!(key.name("number", b"+49"), key.name("account", b"+49"));
        assert_ne!(key.name("number", b"+49"), other.name("number", b"+49"));
        assert_ne!(key.word("+49"), key.name("word", b"+49"));
    }
}
