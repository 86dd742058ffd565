//! The files in `proto/` are the documentation of what is stored: a protobuf library reads them, and our bytes with them.

use std::{path::Path, sync::Arc};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{
    Address, DeviceId, DistributionId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice, MessageKind,
    OneTimePreKey, OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage, RegistrationId, ResponderKeys,
    SenderKeyMessage, SenderKeyRecord, Session, SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp,
    Trust, keys::KeyPair,
};

fn schema() -> DescriptorPool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = ["session.proto", "spqr_state.proto", "prekey.proto", "sender_key_state.proto"];
    let compiled = protox::compile(files, [folder]).expect("the schemas compile");
    DescriptorPool::from_file_descriptor_set(compiled).expect("the schemas fit together")
}

/// Reads bytes by the documentation: every field must be in it.
fn read(schema: &DescriptorPool, name: &str, bytes: &[u8]) -> DynamicMessage {
    let descriptor =
        schema.get_message_by_name(&format!("tradepost.signal.v1.{name}")).expect("a documented message");
    let message = DynamicMessage::decode(descriptor, bytes).expect("bytes that the documentation describes");
    assert_documented(&message);
    message
}

fn assert_documented(message: &DynamicMessage) {
    assert_eq!(
        message.unknown_fields().count(),
        0,
        "{} has an undocumented field",
        message.descriptor().full_name()
    );
    for (_, value) in message.fields() {
        match value {
            Value::Message(inner) => assert_documented(inner),
            Value::List(list) => list.iter().filter_map(Value::as_message).for_each(assert_documented),
            _ => {}
        }
    }
}

struct Device {
    local: Arc<LocalDevice>,
    one_time: OneTimePreKey,
    signed: SignedPreKey,
    kem: KemPreKey,
    rng: ChaCha20Rng,
}

impl Device {
    fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let identity = KeyPair::generate(&mut rng);
        let address = Address::new(format!("{seed:08x}-0000-4000-8000-000000000000"), DeviceId::PRIMARY);
        Self {
            one_time: OneTimePreKey::generate(OneTimePreKeyId(7), &mut rng),
            signed: SignedPreKey::generate(SignedPreKeyId(8), &identity, Timestamp(9), &mut rng),
            kem: KemPreKey::generate(KemPreKeyId(10), &identity, Timestamp(11), &mut rng),
            local: Arc::new(LocalDevice { address, identity, registration_id: RegistrationId(12) }),
            rng,
        }
    }

    fn bundle(&self) -> PreKeyBundle {
        PreKeyBundle {
            identity: self.local.identity.public,
            registration_id: self.local.registration_id,
            device: self.local.address.device(),
            one_time: Some((self.one_time.id, self.one_time.pair.public)),
            signed: (self.signed.id, self.signed.pair.public, self.signed.signature),
            kem: (self.kem.id, self.kem.pair.public().clone(), self.kem.signature),
        }
    }

    fn send(&mut self, session: &mut Session) -> EncryptedMessage {
        session.encrypt(b"x", Trust::FirstUse, Timestamp(13), &mut self.rng).unwrap()
    }

    fn receive(&mut self, session: &mut Session, message: &EncryptedMessage) {
        if message.kind == MessageKind::PreKey {
            let keys = ResponderKeys { one_time: Some(&self.one_time), signed: &self.signed, kem: &self.kem };
            let first = PreKeySignalMessage::parse(&message.bytes).unwrap();
            session.decrypt_first(&first, Some(keys), Trust::FirstUse, &mut self.rng).unwrap();
        } else {
            let message = SignalMessage::parse(&message.bytes).unwrap();
            session.decrypt(&message, Trust::FirstUse, &mut self.rng).unwrap();
        }
    }
}

#[test]
fn sessions_in_every_state_are_as_documented() {
    let schema = schema();
    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    let mut to_bob = Session::new(alice.local.clone(), bob.local.address.clone());
    let mut to_alice = Session::new(bob.local.clone(), alice.local.address.clone());
    let check = |device: &Device, session: &Session| {
        let bytes = session.to_bytes();
        let message = read(&schema, "SessionRecord", &bytes);
        assert_eq!(message.get_field_by_name("version").unwrap().as_u32(), Some(1));
        // What the library writes back, zeros left out, is the same session to us.
        let rewritten = message.encode_to_vec();
        let session =
            Session::from_bytes(device.local.clone(), session.remote().clone(), &rewritten).unwrap();
        assert_eq!(session.to_bytes(), bytes);
    };
    check(&alice, &to_bob);
    to_bob.start(&bob.bundle(), Trust::FirstUse, Timestamp(13), &mut alice.rng).unwrap();
    check(&alice, &to_bob);
    // Two epochs of the post-quantum ratchet, so that each side passes through all states of either role.
    for round in 0..110 {
        let overtaken = alice.send(&mut to_bob);
        let message = alice.send(&mut to_bob);
        bob.receive(&mut to_alice, &message);
        check(&bob, &to_alice);
        if round % 2 == 0 {
            bob.receive(&mut to_alice, &overtaken);
        }
        let message = bob.send(&mut to_alice);
        alice.receive(&mut to_bob, &message);
        check(&alice, &to_bob);
    }
    // An archived session is kept as the bytes it was stored as, so it is only read here.
    to_bob.archive_current();
    read(&schema, "SessionRecord", &to_bob.to_bytes());
}

#[test]
fn prekeys_are_as_documented() {
    let (schema, device) = (schema(), Device::new(1));
    let id = |message: DynamicMessage| message.get_field_by_name("id").unwrap().as_u32();
    assert_eq!(id(read(&schema, "OneTimePreKey", &device.one_time.to_bytes())), Some(7));
    assert_eq!(id(read(&schema, "SignedPreKey", &device.signed.to_bytes())), Some(8));
    assert_eq!(id(read(&schema, "KemPreKey", &device.kem.to_bytes())), Some(10));
}

#[test]
fn sender_keys_are_as_documented() {
    let (schema, mut rng) = (schema(), ChaCha20Rng::from_seed([3; 32]));
    let mut sender = SenderKeyRecord::create(DistributionId([9; 16]), &mut rng);
    let mut receiver = SenderKeyRecord::new(DistributionId([9; 16]));
    receiver.process(&sender.distribution().unwrap()).unwrap();
    let messages: Vec<_> = (0..5u8).map(|n| sender.encrypt(&[n], &mut rng).unwrap()).collect();
    receiver.decrypt(&SenderKeyMessage::parse(&messages[4].bytes).unwrap()).unwrap();
    for record in [&sender, &receiver] {
        let message = read(&schema, "SenderKeyRecord", &record.to_bytes());
        assert_eq!(message.get_field_by_name("version").unwrap().as_u32(), Some(1));
    }
}
