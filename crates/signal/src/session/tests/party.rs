//! Two ends for the tests: devices with all their keys.

use std::sync::Arc;

use keys::{KeyPair, PublicKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::{
    Address, DecryptError, Decrypted, DeviceId, EncryptError, EncryptedMessage, KemPreKey, KemPreKeyId,
    LocalDevice, MessageKind, OneTimePreKey, OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage,
    RegistrationId, ResponderKeys, Session, SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust,
};

pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(super) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A device with one prekey of each kind. Its one-time prekey is deleted when it is used up.
#[derive(Clone)]
pub(super) struct Party {
    pub(super) device: Arc<LocalDevice>,
    pub(super) one_time: Option<OneTimePreKey>,
    pub(super) signed: SignedPreKey,
    pub(super) kem: KemPreKey,
    pub(super) rng: ChaCha20Rng,
}

impl Party {
    pub(super) fn new(seed: u8) -> Self {
        let mut rng = rng(seed);
        let identity = KeyPair::generate(&mut rng);
        let name = format!("{seed:08x}-0000-4000-8000-000000000000");
        Self {
            one_time: Some(OneTimePreKey::generate(OneTimePreKeyId(1), &mut rng)),
            signed: SignedPreKey::generate(SignedPreKeyId(2), &identity, NOW, &mut rng),
            kem: KemPreKey::generate(KemPreKeyId(3), &identity, NOW, &mut rng),
            device: Arc::new(LocalDevice {
                address: Address::new(name, DeviceId::PRIMARY),
                identity,
                registration_id: RegistrationId(u32::from(seed)),
            }),
            rng,
        }
    }

    pub(super) fn identity(&self) -> &PublicKey {
        &self.device.identity.public
    }

    pub(super) fn bundle(&self) -> PreKeyBundle {
        PreKeyBundle {
            identity: self.device.identity.public,
            registration_id: self.device.registration_id,
            device: self.device.address.device(),
            one_time: self.one_time.as_ref().map(|key| (key.id, key.pair.public)),
            signed: (self.signed.id, self.signed.pair.public, self.signed.signature),
            kem: (self.kem.id, self.kem.pair.public().clone(), self.kem.signature),
        }
    }

    /// Nothing shared yet with `peer`.
    pub(super) fn session(&self, peer: &Self) -> Session {
        Session::new(self.device.clone(), peer.device.address.clone())
    }

    pub(super) fn start(&mut self, session: &mut Session, bundle: &PreKeyBundle) {
        session.start(bundle, Trust::FirstUse, NOW, &mut self.rng).unwrap();
    }

    pub(super) fn send(
        &mut self,
        session: &mut Session,
        plaintext: &[u8],
    ) -> Result<EncryptedMessage, EncryptError> {
        session.encrypt(plaintext, Trust::FirstUse, NOW, &mut self.rng)
    }

    pub(super) fn receive(
        &mut self,
        session: &mut Session,
        message: &EncryptedMessage,
    ) -> Result<Decrypted, DecryptError> {
        let decrypted = match message.kind {
            MessageKind::PreKey => {
                let message = PreKeySignalMessage::parse(&message.bytes).unwrap();
                let keys =
                    ResponderKeys { one_time: self.one_time.as_ref(), signed: &self.signed, kem: &self.kem };
                session.decrypt_first(&message, Some(keys), Trust::FirstUse, &mut self.rng)?
            }
            _ => {
                let message = SignalMessage::parse(&message.bytes).unwrap();
                session.decrypt(&message, Trust::FirstUse, &mut self.rng)?
            }
        };
        if decrypted.used.is_some_and(|used| used.ids.one_time.is_some()) {
            self.one_time = None;
        }
        Ok(decrypted)
    }
}

/// Two parties with an established session: one message each way was received.
pub(super) struct Pair {
    pub(super) alice: Party,
    pub(super) bob: Party,
    pub(super) to_bob: Session,
    pub(super) to_alice: Session,
}

impl Pair {
    pub(super) fn strangers(seed: u8) -> Self {
        let (alice, bob) = (Party::new(seed), Party::new(seed + 1));
        Self { to_bob: alice.session(&bob), to_alice: bob.session(&alice), alice, bob }
    }

    pub(super) fn established(seed: u8) -> Self {
        let mut pair = Self::strangers(seed);
        pair.alice.start(&mut pair.to_bob, &pair.bob.bundle());
        pair.alice_says(b"hello");
        pair.bob_says(b"hello yourself");
        pair
    }

    pub(super) fn alice_says(&mut self, plaintext: &[u8]) {
        let message = self.alice.send(&mut self.to_bob, plaintext).unwrap();
        assert_eq!(*self.bob.receive(&mut self.to_alice, &message).unwrap().plaintext, plaintext);
    }

    pub(super) fn bob_says(&mut self, plaintext: &[u8]) {
        let message = self.bob.send(&mut self.to_alice, plaintext).unwrap();
        assert_eq!(*self.alice.receive(&mut self.to_bob, &message).unwrap().plaintext, plaintext);
    }

    /// `count` messages each way, in turns: 100 turn the post-quantum ratchet more than twice.
    pub(super) fn ping_pong(&mut self, count: usize) {
        for number in 0..count {
            self.alice_says(format!("ping {number}").as_bytes());
            self.bob_says(format!("pong {number}").as_bytes());
        }
    }
}
