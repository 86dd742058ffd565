//! Sessions: everything this device shares with one other device (the Signal specification, section 6).
//!
//! A [`Session`] holds one current session and up to 40 archived ones. Sending uses the current one; receiving tries
//! it and then the others, and whichever opens a message becomes current. So two devices that begin at the same time,
//! or that lose their state, agree again after a few messages without any negotiation.

mod chain;
mod error;
mod handshake;
mod ratchet;
mod state;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::VecDeque, fmt, sync::Arc};

use keys::{KeyPair, PrivateKey, PublicKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use self::{
    error::{DecryptError, EncryptError, StartError},
    handshake::ResponderKeys,
};
use self::{
    handshake::Agreed,
    ratchet::{Ends, Peer, Ratchet, Standing, Unanswered},
};
use crate::{
    Address, EncryptedMessage, MAX_MESSAGE_LEN, PreKeyBundle, PreKeyIds, PreKeySignalMessage, RegistrationId,
    SignalMessage, StateError, Timestamp, entropy::Entropy, message::VERSION,
};

/// Archived sessions that are kept; the oldest is dropped.
const MAX_ARCHIVED: usize = 40;
/// Bytes that archived sessions take in all; the oldest are dropped. Ordinary ones need a few kilobytes each; a peer that
/// skips thousands of messages in each on purpose shall not fill the store.
const MAX_ARCHIVED_LEN: usize = 1 << 20;
/// Room that a message leaves for everything but its ciphertext.
const MESSAGE_OVERHEAD: usize = 4096;

/// Bytes of the longest plaintext that can be sent in one message.
pub const MAX_PLAINTEXT_LEN: usize = MAX_MESSAGE_LEN - MESSAGE_OVERHEAD;

/// This device: one end of all its sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalDevice {
    /// Its address.
    pub address: Address,
    /// Identity key pair of its account.
    pub identity: KeyPair,
    /// Drawn when it was registered.
    pub registration_id: RegistrationId,
}

/// What is known of the other end's identity key.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// Nothing yet: whatever key comes is to be remembered.
    FirstUse,
    /// This key and no other.
    Only(&'a PublicKey),
}

impl Trust<'_> {
    fn admits(self, key: &PublicKey) -> bool {
        match self {
            Self::FirstUse => true,
            Self::Only(trusted) => trusted == key,
        }
    }
}

/// A message that was decrypted.
pub struct Decrypted {
    /// What the sender encrypted.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The sender's identity key, now proven: to be remembered.
    pub identity: PublicKey,
    /// Prekeys that the message used up, if it began a session.
    pub used: Option<UsedPreKeys>,
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decrypted")
            .field("identity", &self.identity)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// Prekeys that a first message used.
///
/// The one-time key, and the KEM key if it was a one-time one, are to be deleted together with saving the session. Of a
/// last-resort KEM key the whole triple (KEM id, signed id, base key) is to be remembered, and a second first message
/// with the same triple refused: it is a replay.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UsedPreKeys {
    /// Their ids.
    pub ids: PreKeyIds,
    /// The initiator's base key.
    pub base_key: PublicKey,
}

/// Everything this device shares with one other device.
///
/// After every call that succeeds, save [`Session::to_bytes`] before acting on the outcome: a message sent from a state
/// that is lost would use its keys twice.
#[derive(Clone)]
pub struct Session {
    local: Arc<LocalDevice>,
    remote: Address,
    current: Option<Ratchet>,
    /// Newest first, serialized: they are many, seldom needed, and then needed as copies.
    archived: VecDeque<Arc<Zeroizing<Vec<u8>>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("local", &self.local.address)
            .field("remote", &self.remote)
            .field("current", &self.current.is_some())
            .field("archived", &self.archived.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Nothing shared yet.
    pub const fn new(local: Arc<LocalDevice>, remote: Address) -> Self {
        Self { local, remote, current: None, archived: VecDeque::new() }
    }

    /// The other end.
    pub const fn remote(&self) -> &Address {
        &self.remote
    }

    /// Identity key of the other end in the current session.
    pub fn remote_identity(&self) -> Option<&PublicKey> {
        self.current.as_ref().map(|ratchet| &ratchet.remote_identity)
    }

    /// Registration id of the other end in the current session.
    pub fn remote_registration_id(&self) -> Option<RegistrationId> {
        self.current.as_ref().map(|ratchet| ratchet.remote_registration_id)
    }

    /// Whether [`Session::encrypt`] would find a session to send in.
    pub fn can_encrypt(&self, now: Timestamp) -> bool {
        self.current.as_ref().is_some_and(|ratchet| ratchet.usable(now))
    }

    /// Whether `key` is the one this device sends under now. If a peer says that it could not decrypt a message under
    /// this key, the session is broken and should be archived before anything is sent again.
    pub fn sends_under(&self, key: &PublicKey) -> bool {
        self.current.as_ref().is_some_and(|ratchet| ratchet.sending.ratchet.public == *key)
    }

    /// Begins a session from a bundle that the other end published (section 6.2). What was current is archived.
    ///
    /// # Errors
    /// [`StartError`]; nothing is changed then.
    pub fn start(
        &mut self,
        bundle: &PreKeyBundle,
        trust: Trust<'_>,
        now: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), StartError> {
        if !trust.admits(&bundle.identity) {
            return Err(StartError::UntrustedIdentity(bundle.identity));
        }
        if bundle.device != self.remote.device() {
            return Err(StartError::WrongDevice);
        }
        let (signed_id, signed_prekey, signed_signature) = &bundle.signed;
        let (kem_id, kem_prekey, kem_signature) = &bundle.kem;
        let verify = |key: &[u8], signature| bundle.identity.verify(key, signature);
        verify(&signed_prekey.to_bytes(), signed_signature).map_err(|_| StartError::BadSignedPreKey)?;
        verify(&kem_prekey.to_bytes(), kem_signature).map_err(|_| StartError::BadKemPreKey)?;

        let base = KeyPair::generate(rng);
        let (kem_secret, kem_ciphertext) = kem_prekey.encapsulate(rng);
        let agreed = Agreed::as_initiator(&self.local.identity.private, &base.private, bundle, &kem_secret)?;
        let one_time = bundle.one_time.map(|(id, _)| id);
        let ratchet = Ratchet::initiate(
            agreed,
            base.public,
            PrivateKey::generate(rng),
            Peer {
                identity: bundle.identity,
                registration_id: bundle.registration_id,
                signed_prekey: *signed_prekey,
            },
            Unanswered {
                prekeys: PreKeyIds { one_time, signed: *signed_id, kem: *kem_id },
                kem_ciphertext,
                created: now,
            },
        )?;
        self.promote(ratchet);
        Ok(())
    }

    /// Encrypts in the current session.
    ///
    /// # Errors
    /// [`EncryptError`]; nothing is changed then.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        trust: Trust<'_>,
        now: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<EncryptedMessage, EncryptError> {
        self.encrypt_with(plaintext, trust, now, &mut &mut *rng)
    }

    fn encrypt_with(
        &mut self,
        plaintext: &[u8],
        trust: Trust<'_>,
        now: Timestamp,
        entropy: &mut impl Entropy,
    ) -> Result<EncryptedMessage, EncryptError> {
        let actual = plaintext.len();
        if actual > MAX_PLAINTEXT_LEN {
            return Err(EncryptError::TooLong { actual });
        }
        let ratchet = self.current.as_mut().ok_or(EncryptError::NoSession)?;
        if !trust.admits(&ratchet.remote_identity) {
            return Err(EncryptError::UntrustedIdentity(ratchet.remote_identity));
        }
        if !ratchet.usable(now) {
            return Err(EncryptError::Unanswered);
        }
        ratchet.encrypt(Ends { local: &self.local, remote: &self.remote }, plaintext, entropy)
    }

    /// The prekeys that [`Session::decrypt_first`] will need for this message; `None` if the session exists already, as
    /// it does for every first message but the first.
    ///
    /// This is where a repetition is to be refused: if the ids name a last-resort KEM key and [`UsedPreKeys`] with them
    /// and this base key is remembered, the message is a replay of one that was answered before.
    pub fn wanted_prekeys(&self, message: &PreKeySignalMessage<'_>) -> Option<PreKeyIds> {
        let known = self.find(message.base_key()).is_ok_and(|found| found.is_some());
        if known { None } else { message.prekeys() }
    }

    /// Decrypts a message that begins a session, or repeats what began it (section 6.3).
    ///
    /// # Errors
    /// [`DecryptError`]; nothing is changed then.
    pub fn decrypt_first(
        &mut self,
        message: &PreKeySignalMessage<'_>,
        prekeys: Option<ResponderKeys<'_>>,
        trust: Trust<'_>,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Decrypted, DecryptError> {
        self.decrypt_first_with(message, prekeys, trust, &mut &mut *rng)
    }

    fn decrypt_first_with(
        &mut self,
        message: &PreKeySignalMessage<'_>,
        prekeys: Option<ResponderKeys<'_>>,
        trust: Trust<'_>,
        entropy: &mut impl Entropy,
    ) -> Result<Decrypted, DecryptError> {
        if message.version() != VERSION {
            return Err(DecryptError::Version(message.version()));
        }
        if !trust.admits(message.identity()) {
            return Err(DecryptError::UntrustedIdentity(*message.identity()));
        }
        let (place, ratchet, used) = match self.find(message.base_key())? {
            Some((place, ratchet)) => (place, ratchet, None),
            None => {
                let (ratchet, used) = self.respond(message, prekeys)?;
                (Place::New, Cow::Owned(ratchet), Some(used))
            }
        };
        // What stands around the message proper is not authenticated: it must not vouch for another's session.
        if ratchet.remote_identity != *message.identity() {
            return Err(DecryptError::OtherIdentity);
        }
        let ends = Ends { local: &self.local, remote: &self.remote };
        let (next, plaintext) = ratchet.decrypt(ends, message.message(), Standing::Current, entropy)?;
        self.adopt(place, next, plaintext, trust, used)
    }

    /// Decrypts a message of an established session: in the current one, else in the archived ones (section 6.4).
    ///
    /// # Errors
    /// [`DecryptError`]; nothing is changed then. Where several sessions were tried it is the current one's error.
    pub fn decrypt(
        &mut self,
        message: &SignalMessage<'_>,
        trust: Trust<'_>,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Decrypted, DecryptError> {
        self.decrypt_with(message, trust, &mut &mut *rng)
    }

    fn decrypt_with(
        &mut self,
        message: &SignalMessage<'_>,
        trust: Trust<'_>,
        entropy: &mut impl Entropy,
    ) -> Result<Decrypted, DecryptError> {
        let ends = Ends { local: &self.local, remote: &self.remote };
        let mut first_error = None;
        let mut opened = None;
        let current = self
            .current
            .as_ref()
            .map(|ratchet| (Place::Current, ratchet.decrypt(ends, message, Standing::Current, entropy)));
        let archived = (0..self.archived.len()).map(|position| {
            let outcome = self.archived_ratchet(position).map_err(DecryptError::from);
            (
                Place::Archived(position),
                outcome.and_then(|ratchet| ratchet.decrypt(ends, message, Standing::Archived, entropy)),
            )
        });
        for (place, outcome) in current.into_iter().chain(archived) {
            match outcome {
                Ok((next, plaintext)) => {
                    opened = Some((place, next, plaintext));
                    break;
                }
                // This session knew the message; no other will.
                Err(DecryptError::Duplicate) => return Err(DecryptError::Duplicate),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        let Some((place, next, plaintext)) = opened else {
            return Err(first_error.unwrap_or(DecryptError::NoSession));
        };
        self.adopt(place, next, plaintext, trust, None)
    }

    /// Sets the current session aside: the next message needs a new one, late messages of the old one still open.
    pub fn archive_current(&mut self) {
        if let Some(ratchet) = self.current.take() {
            self.archive(ratchet);
        }
    }

    /// Everything, in a versioned protobuf (`proto/session.proto`). It is secret: store it encrypted.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        state::write(self)
    }

    /// Restores what [`Session::to_bytes`] gave, for the same two ends.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn from_bytes(local: Arc<LocalDevice>, remote: Address, bytes: &[u8]) -> Result<Self, StateError> {
        state::read(local, remote, bytes)
    }

    /// Section 4.4: the responder's checks, then its handshake.
    fn respond(
        &self,
        message: &PreKeySignalMessage<'_>,
        prekeys: Option<ResponderKeys<'_>>,
    ) -> Result<(Ratchet, UsedPreKeys), DecryptError> {
        let (Some(ids), Some(kem_ciphertext)) = (message.prekeys(), message.kem_ciphertext()) else {
            return Err(DecryptError::Version(message.version()));
        };
        let keys = prekeys.ok_or(DecryptError::PreKeysNeeded)?;
        if keys.signed.id != ids.signed {
            return Err(DecryptError::UnknownSignedPreKey(ids.signed));
        }
        if keys.kem.id != ids.kem {
            return Err(DecryptError::UnknownKemPreKey(ids.kem));
        }
        let one_time = match ids.one_time {
            None => None,
            Some(id) => {
                let found = keys.one_time.filter(|key| key.id == id);
                Some(found.ok_or(DecryptError::UnknownOneTimePreKey(id))?)
            }
        };
        if !message.base_key().is_canonical() {
            return Err(DecryptError::BaseKey);
        }
        let keys = ResponderKeys { one_time, ..keys };
        let agreed = Agreed::as_responder(
            &self.local.identity,
            &keys,
            message.identity(),
            message.base_key(),
            kem_ciphertext,
        )?;
        let ratchet = Ratchet::respond(
            agreed,
            *message.base_key(),
            keys.signed.pair.clone(),
            *message.identity(),
            message.registration_id(),
        );
        Ok((ratchet, UsedPreKeys { ids, base_key: *message.base_key() }))
    }

    /// The session that a base key names.
    fn find(&self, base_key: &PublicKey) -> Result<Option<(Place, Cow<'_, Ratchet>)>, StateError> {
        if let Some(ratchet) = self.current.as_ref().filter(|ratchet| ratchet.base_key == *base_key) {
            return Ok(Some((Place::Current, Cow::Borrowed(ratchet))));
        }
        for position in 0..self.archived.len() {
            let ratchet = self.archived_ratchet(position)?;
            if ratchet.base_key == *base_key {
                return Ok(Some((Place::Archived(position), Cow::Owned(ratchet))));
            }
        }
        Ok(None)
    }

    fn archived_ratchet(&self, position: usize) -> Result<Ratchet, StateError> {
        let bytes =
            self.archived.get(position).ok_or(StateError::Inconsistent("no such archived session"))?;
        state::read_ratchet(bytes)
    }

    /// Makes the session that opened a message the current one, if whose it is may be trusted.
    fn adopt(
        &mut self,
        place: Place,
        next: Ratchet,
        plaintext: Zeroizing<Vec<u8>>,
        trust: Trust<'_>,
        used: Option<UsedPreKeys>,
    ) -> Result<Decrypted, DecryptError> {
        let identity = next.remote_identity;
        if !trust.admits(&identity) {
            return Err(DecryptError::UntrustedIdentity(identity));
        }
        match place {
            Place::Current => self.current = Some(next),
            Place::New => self.promote(next),
            Place::Archived(position) => {
                self.archived.remove(position);
                self.promote(next);
            }
        }
        Ok(Decrypted { plaintext, identity, used })
    }

    fn promote(&mut self, ratchet: Ratchet) {
        self.archive_current();
        self.current = Some(ratchet);
    }

    fn archive(&mut self, mut ratchet: Ratchet) {
        ratchet.unanswered = None;
        self.archived.push_front(Arc::new(state::write_ratchet(&ratchet)));
        self.archived.truncate(MAX_ARCHIVED);
        while self.archived.len() > 1
            && self.archived.iter().map(|ratchet| ratchet.len()).sum::<usize>() > MAX_ARCHIVED_LEN
        {
            self.archived.pop_back();
        }
    }
}

/// Where a session that opened a message stood.
#[derive(Clone, Copy)]
enum Place {
    Current,
    Archived(usize),
    New,
}
