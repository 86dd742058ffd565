use std::{collections::HashSet, sync::Arc};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{
    Address, DecryptError, Decrypted, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice,
    MessageKind, OneTimePreKey, OneTimePreKeyId, ParseError, PreKeyBundle, PreKeyIds, PreKeySignalMessage,
    RegistrationId, ResponderKeys, Session, SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust,
    UsedPreKeys,
    keys::{KeyPair, PublicKey},
};

/// One of the parties.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Who {
    Anna,
    Ben,
    Cleo,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Anna, Self::Ben, Self::Cleo];
}

/// A device: its keys, its sessions, and what it knows of the others.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) who: Who,
    pub(crate) device: Arc<LocalDevice>,
    pub(crate) prekeys: PreKeys,
    pub(crate) rng: ChaCha20Rng,
    /// One for each of [`Who::ALL`]; the one with itself is never used.
    sessions: Vec<Session>,
    identities: [Option<PublicKey>; 3],
}

/// Why a message was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Parse(ParseError),
    /// It begins a session, and one of its prekeys is used up.
    PreKeysGone,
    Decrypt(DecryptError),
}

impl Party {
    pub(crate) fn new(who: Who, seed: u8, now: Timestamp) -> Self {
        let mut seeds = [seed; 32];
        seeds[0] = who as u8;
        let mut rng = ChaCha20Rng::from_seed(seeds);
        let device = Arc::new(LocalDevice {
            address: address(who),
            identity: KeyPair::generate(&mut rng),
            registration_id: RegistrationId(1 + who as u32),
        });
        let session = |remote: Who| Session::new(device.clone(), address(remote));
        let sessions = Who::ALL.map(session).to_vec();
        let prekeys = PreKeys::new(&device.identity, now, &mut rng);
        Self { who, device, prekeys, rng, sessions, identities: [None; 3] }
    }

    pub(crate) fn identity(&self) -> PublicKey {
        self.device.identity.public
    }

    pub(crate) fn session(&self, with: Who) -> &Session {
        &self.sessions[with as usize]
    }

    pub(crate) fn session_mut(&mut self, with: Who) -> &mut Session {
        &mut self.sessions[with as usize]
    }

    /// What the server hands out to one who asks.
    pub(crate) fn bundle(&mut self) -> PreKeyBundle {
        self.prekeys.bundle(&self.device)
    }

    /// Begins a session with `peer`, as a client does that has just fetched `bundle`.
    pub(crate) fn start(&mut self, peer: Who, bundle: &PreKeyBundle, now: Timestamp) {
        let known = self.identities[peer as usize].insert(bundle.identity);
        let session = &mut self.sessions[peer as usize];
        session.start(bundle, Trust::Only(known), now, &mut self.rng).expect("the bundle is good");
    }

    pub(crate) fn send(
        &mut self,
        peer: Who,
        plaintext: &[u8],
        now: Timestamp,
    ) -> Result<EncryptedMessage, signal::EncryptError> {
        let trust = self.identities[peer as usize];
        let trust = trust.as_ref().map_or(Trust::FirstUse, Trust::Only);
        self.sessions[peer as usize].encrypt(plaintext, trust, now, &mut self.rng)
    }

    /// Reads a message that the server says is from `sender`. An error has changed nothing.
    pub(crate) fn receive(
        &mut self,
        sender: Who,
        kind: MessageKind,
        bytes: &[u8],
    ) -> Result<Decrypted, Refusal> {
        let before = self.sessions[sender as usize].to_bytes();
        let outcome = self.try_receive(sender, kind, bytes);
        match &outcome {
            Ok(decrypted) => {
                self.identities[sender as usize] = Some(decrypted.identity);
                if let Some(used) = decrypted.used {
                    self.prekeys.use_up(used);
                }
            }
            Err(refusal) => {
                let after = self.sessions[sender as usize].to_bytes();
                assert!(after == before, "the session changed although it refused the message: {refusal:?}");
            }
        }
        outcome
    }

    fn try_receive(&mut self, sender: Who, kind: MessageKind, bytes: &[u8]) -> Result<Decrypted, Refusal> {
        let trust = self.identities[sender as usize].as_ref().map_or(Trust::FirstUse, Trust::Only);
        let session = &mut self.sessions[sender as usize];
        if kind == MessageKind::Signal {
            let message = SignalMessage::parse(bytes).map_err(Refusal::Parse)?;
            let decrypted = session.decrypt(&message, trust, &mut self.rng).map_err(Refusal::Decrypt)?;
            assert_eq!(decrypted.used, None, "a message of a session used prekeys");
            return Ok(decrypted);
        }
        let message = PreKeySignalMessage::parse(bytes).map_err(Refusal::Parse)?;
        let wanted = session.wanted_prekeys(&message);
        let keys = wanted.and_then(|ids| self.prekeys.find(ids, *message.base_key()));
        if wanted.is_some() && keys.is_none() {
            let refused = session.decrypt_first(&message, None, trust, &mut self.rng);
            refused.expect_err("a session began without prekeys");
            return Err(Refusal::PreKeysGone);
        }
        let decrypted =
            session.decrypt_first(&message, keys, trust, &mut self.rng).map_err(Refusal::Decrypt)?;
        let used = wanted.map(|ids| UsedPreKeys { ids, base_key: *message.base_key() });
        assert_eq!(decrypted.used, used, "other prekeys were used than were wanted");
        Ok(decrypted)
    }

    /// Stores all sessions and reads them back.
    pub(crate) fn restart(&mut self) {
        for session in &mut self.sessions {
            let bytes = session.to_bytes();
            let restored = Session::from_bytes(self.device.clone(), session.remote().clone(), &bytes);
            *session = restored.expect("what was stored is read");
            assert!(session.to_bytes() == bytes, "a restored session is stored as another");
        }
    }

    /// Loses everything that it shares with `peer`.
    pub(crate) fn forget(&mut self, peer: Who) {
        self.sessions[peer as usize] = Session::new(self.device.clone(), address(peer));
    }

    /// Replaces the keys that serve many sessions, and deletes those before the last.
    pub(crate) fn rotate(&mut self, now: Timestamp) {
        self.prekeys.rotate(&self.device.identity, now, &mut self.rng);
    }

    /// Makes one-time keys and uploads them.
    pub(crate) fn stock(&mut self, now: Timestamp) {
        self.prekeys.stock(&self.device.identity, now, &mut self.rng);
    }
}

fn address(who: Who) -> Address {
    Address::new(format!("{:08x}-0000-4000-8000-000000000000", who as u8), DeviceId::PRIMARY)
}

/// The prekeys of a device, and which of them the server still hands out.
#[derive(Clone)]
pub(crate) struct PreKeys {
    next_id: u32,
    one_time: Vec<OneTimePreKey>,
    one_time_kem: Vec<KemPreKey>,
    /// The newest last. The one before it still answers who fetched it in time.
    signed: Vec<SignedPreKey>,
    last_resort: Vec<KemPreKey>,
    offered: Vec<OneTimePreKeyId>,
    offered_kem: Vec<KemPreKeyId>,
    /// First messages under a last-resort key that were answered: a second one is a replay.
    answered: HashSet<UsedPreKeys>,
}

impl PreKeys {
    fn new(identity: &KeyPair, now: Timestamp, rng: &mut ChaCha20Rng) -> Self {
        let mut keys = Self {
            next_id: 1,
            one_time: Vec::new(),
            one_time_kem: Vec::new(),
            signed: Vec::new(),
            last_resort: Vec::new(),
            offered: Vec::new(),
            offered_kem: Vec::new(),
            answered: HashSet::new(),
        };
        keys.rotate(identity, now, rng);
        keys.stock(identity, now, rng);
        keys
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn rotate(&mut self, identity: &KeyPair, now: Timestamp, rng: &mut ChaCha20Rng) {
        let id = self.id();
        self.signed.push(SignedPreKey::generate(SignedPreKeyId(id), identity, now, rng));
        self.last_resort.push(KemPreKey::generate(KemPreKeyId(id), identity, now, rng));
        self.signed.drain(..self.signed.len().saturating_sub(2));
        self.last_resort.drain(..self.last_resort.len().saturating_sub(2));
    }

    /// Fewer KEM keys than curve keys, so that some bundles have one sort and not the other.
    fn stock(&mut self, identity: &KeyPair, now: Timestamp, rng: &mut ChaCha20Rng) {
        for count in 0..3 {
            let id = OneTimePreKeyId(self.id());
            self.one_time.push(OneTimePreKey::generate(id, rng));
            self.offered.push(id);
            if count == 0 {
                let id = KemPreKeyId(self.id());
                self.one_time_kem.push(KemPreKey::generate(id, identity, now, rng));
                self.offered_kem.push(id);
            }
        }
    }

    fn bundle(&mut self, device: &LocalDevice) -> PreKeyBundle {
        let one_time = self.offered.pop().and_then(|id| self.one_time.iter().find(|key| key.id == id));
        let kem = self.offered_kem.pop().and_then(|id| self.one_time_kem.iter().find(|key| key.id == id));
        let kem = kem.unwrap_or_else(|| self.last_resort.last().expect("there is always one"));
        let signed = self.signed.last().expect("there is always one");
        PreKeyBundle {
            identity: device.identity.public,
            registration_id: device.registration_id,
            device: device.address.device(),
            one_time: one_time.map(|key| (key.id, key.pair.public)),
            signed: (signed.id, signed.pair.public, signed.signature),
            kem: (kem.id, kem.pair.public().clone(), kem.signature),
        }
    }

    /// The keys that a first message names, unless one of them is used up or the message was answered before.
    pub(crate) fn find(&self, ids: PreKeyIds, base_key: PublicKey) -> Option<ResponderKeys<'_>> {
        if self.answered.contains(&UsedPreKeys { ids, base_key }) {
            return None;
        }
        let one_time = match ids.one_time {
            None => None,
            Some(id) => Some(self.one_time.iter().find(|key| key.id == id)?),
        };
        Some(ResponderKeys {
            one_time,
            signed: self.signed.iter().find(|key| key.id == ids.signed)?,
            kem: self.one_time_kem.iter().chain(&self.last_resort).find(|key| key.id == ids.kem)?,
        })
    }

    fn use_up(&mut self, used: UsedPreKeys) {
        self.one_time.retain(|key| Some(key.id) != used.ids.one_time);
        self.one_time_kem.retain(|key| key.id != used.ids.kem);
        if self.last_resort.iter().any(|key| key.id == used.ids.kem) {
            self.answered.insert(used);
        }
    }

    /// A thief does not mind replays.
    pub(crate) fn forget_answered(&mut self) {
        self.answered.clear();
    }
}
