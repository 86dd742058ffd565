//! One end of a session as a client keeps it: everything between two messages is bytes.

use std::sync::Arc;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{
    Address, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice, MessageKind, OneTimePreKey,
    OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage, RegistrationId, ResponderKeys, Session,
    SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust, keys::KeyPair,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const PLAINTEXT: [u8; 100] = [7; 100];

#[derive(Clone)]
pub(crate) struct End {
    local: Arc<LocalDevice>,
    remote: Address,
    bundle: PreKeyBundle,
    one_time: Vec<u8>,
    signed: Vec<u8>,
    kem: Vec<u8>,
    rng: ChaCha20Rng,
    stored: Vec<u8>,
}

impl End {
    pub(crate) fn new(seed: u8, remote: u8) -> Self {
        let address = |n: u8| Address::new(format!("{n:08x}-0000-4000-8000-000000000000"), DeviceId::PRIMARY);
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let identity = KeyPair::generate(&mut rng);
        let one_time = OneTimePreKey::generate(OneTimePreKeyId(1), &mut rng);
        let signed = SignedPreKey::generate(SignedPreKeyId(1), &identity, NOW, &mut rng);
        let kem = KemPreKey::generate(KemPreKeyId(1), &identity, NOW, &mut rng);
        let local = LocalDevice { address: address(seed), identity, registration_id: RegistrationId(1) };
        let local = Arc::new(local);
        let remote = address(remote);
        let stored = Session::new(local.clone(), remote.clone()).to_bytes().to_vec();
        let bundle = PreKeyBundle {
            identity: local.identity.public,
            registration_id: local.registration_id,
            device: local.address.device(),
            one_time: Some((one_time.id, one_time.pair.public)),
            signed: (signed.id, signed.pair.public, signed.signature),
            kem: (kem.id, kem.pair.public().clone(), kem.signature),
        };
        let (one_time, signed) = (one_time.to_bytes().to_vec(), signed.to_bytes().to_vec());
        Self { local, remote, bundle, one_time, signed, kem: kem.to_bytes().to_vec(), rng, stored }
    }

    /// The bytes of the stored session.
    pub(crate) fn stored_len(&self) -> usize {
        self.stored.len()
    }

    fn with_session<T>(&mut self, work: impl FnOnce(&mut Session, &mut Self) -> T) -> T {
        let mut session = Session::from_bytes(self.local.clone(), self.remote.clone(), &self.stored).unwrap();
        let outcome = work(&mut session, self);
        self.stored.clear();
        self.stored.extend_from_slice(&session.to_bytes());
        outcome
    }

    pub(crate) fn start(&mut self, peer: &Self) {
        self.with_session(|session, end| {
            session.start(&peer.bundle, Trust::FirstUse, NOW, &mut end.rng).unwrap()
        });
    }

    pub(crate) fn send(&mut self) -> EncryptedMessage {
        self.with_session(|session, end| {
            session.encrypt(&PLAINTEXT, Trust::FirstUse, NOW, &mut end.rng).unwrap()
        })
    }

    pub(crate) fn receive(&mut self, message: &EncryptedMessage) {
        let decrypted = self.with_session(|session, end| match message.kind {
            MessageKind::PreKey => {
                let first = PreKeySignalMessage::parse(&message.bytes).unwrap();
                let one_time = OneTimePreKey::from_bytes(&end.one_time).unwrap();
                let signed = SignedPreKey::from_bytes(&end.signed).unwrap();
                let kem = KemPreKey::from_bytes(&end.kem).unwrap();
                let keys = ResponderKeys { one_time: Some(&one_time), signed: &signed, kem: &kem };
                session.decrypt_first(&first, Some(keys), Trust::FirstUse, &mut end.rng).unwrap()
            }
            _ => {
                let message = SignalMessage::parse(&message.bytes).unwrap();
                session.decrypt(&message, Trust::FirstUse, &mut end.rng).unwrap()
            }
        });
        assert_eq!(*decrypted.plaintext, PLAINTEXT);
    }
}

pub(crate) fn established() -> (End, End) {
    let (mut alice, mut bob) = (End::new(1, 2), End::new(2, 1));
    alice.start(&bob);
    let message = alice.send();
    bob.receive(&message);
    let message = bob.send();
    alice.receive(&message);
    (alice, bob)
}

pub(crate) fn ping_pong(alice: &mut End, bob: &mut End) {
    let message = alice.send();
    bob.receive(&message);
    let message = bob.send();
    alice.receive(&message);
}
