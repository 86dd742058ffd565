//! Two devices hold an encrypted conversation in the terminal: `cargo run --example conversation -p tradepost-signal`.
//!
//! It shows every step that a client takes: publish prekeys, start a session from them, encrypt, decrypt, save the
//! state, compare safety numbers. The network between the two is a function call.

use std::{error::Error, sync::Arc};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{
    Address, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice, MessageKind, OneTimePreKey,
    OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage, RegistrationId, ResponderKeys, SafetyNumber,
    SafetyNumberVersion, ServiceId, Session, SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust,
    keys::{Fingerprint, ITERATIONS, KeyPair},
};

/// A device with the prekeys that it has published.
struct Device {
    local: Arc<LocalDevice>,
    one_time: OneTimePreKey,
    signed: SignedPreKey,
    kem: KemPreKey,
    rng: ChaCha20Rng,
}

impl Device {
    fn new(name: &str, seed: u8) -> Self {
        // A client draws from the operating system; here every run shows the same.
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let identity = KeyPair::generate(&mut rng);
        let now = Timestamp(1_700_000_000_000);
        Self {
            one_time: OneTimePreKey::generate(OneTimePreKeyId(1), &mut rng),
            signed: SignedPreKey::generate(SignedPreKeyId(1), &identity, now, &mut rng),
            kem: KemPreKey::generate(KemPreKeyId(1), &identity, now, &mut rng),
            local: Arc::new(LocalDevice {
                address: Address::new(name, DeviceId::PRIMARY),
                identity,
                registration_id: RegistrationId(u32::from(seed)),
            }),
            rng,
        }
    }

    /// What others fetch to begin a session with this device.
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

    fn receive(
        &mut self,
        session: &mut Session,
        message: &EncryptedMessage,
    ) -> Result<String, Box<dyn Error>> {
        let decrypted = match message.kind {
            MessageKind::PreKey => {
                let first = PreKeySignalMessage::parse(&message.bytes)?;
                // A client looks the keys up by these ids, and deletes the one-time ones once the session is saved.
                let keys = session.wanted_prekeys(&first).map(|_| ResponderKeys {
                    one_time: Some(&self.one_time),
                    signed: &self.signed,
                    kem: &self.kem,
                });
                session.decrypt_first(&first, keys, Trust::FirstUse, &mut self.rng)?
            }
            _ => session.decrypt(&SignalMessage::parse(&message.bytes)?, Trust::FirstUse, &mut self.rng)?,
        };
        Ok(String::from_utf8(decrypted.plaintext.to_vec())?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let now = Timestamp(1_700_000_000_000);
    let mut anna = Device::new("7c9e6679-7425-40de-944b-e07fc1f90ae7", 1);
    let mut bank = Device::new("16fd2706-8baf-433b-82eb-8c7fada847da", 2);

    // Anna fetches the bank's bundle and starts; the bank knows nothing of her yet.
    let mut to_bank = Session::new(anna.local.clone(), bank.local.address.clone());
    let mut to_anna = Session::new(bank.local.clone(), anna.local.address.clone());
    to_bank.start(&bank.bundle(), Trust::FirstUse, now, &mut anna.rng)?;

    let lines = [
        "Hello, I would like to open an account.",
        "Gladly. May we ask for your name?",
        "Anna.",
        "Welcome, Anna.",
    ];
    for (number, line) in lines.into_iter().enumerate() {
        let from_anna = number % 2 == 0;
        let (name, sender, sending) =
            if from_anna { ("Anna", &mut anna, &mut to_bank) } else { ("Bank", &mut bank, &mut to_anna) };
        let message = sending.encrypt(line.as_bytes(), Trust::FirstUse, now, &mut sender.rng)?;
        let (receiver, receiving) =
            if from_anna { (&mut bank, &mut to_anna) } else { (&mut anna, &mut to_bank) };
        let text = receiver.receive(receiving, &message)?;
        let start: String = message.bytes.iter().rev().take(16).map(|byte| format!("{byte:02x}")).collect();
        println!(
            "{name} → {text}\n       {:?}, {} bytes on the wire: …{start}",
            message.kind,
            message.bytes.len()
        );

        // The state is bytes: what is saved now is what goes on after a restart.
        *receiving =
            Session::from_bytes(receiver.local.clone(), receiving.remote().clone(), &receiving.to_bytes())?;
    }

    let fingerprint = |device: &Device| {
        let account = device.local.address.service_id().map(ServiceId::to_bytes).unwrap_or_default();
        Fingerprint::new(&device.local.identity.public, &account, ITERATIONS)
    };
    let (hers, theirs) = (fingerprint(&anna)?, fingerprint(&bank)?);
    let on_her_screen = SafetyNumber::new(SafetyNumberVersion::Account, hers, theirs);
    let on_theirs = SafetyNumber::new(SafetyNumberVersion::Account, theirs, hers);
    assert_eq!(on_her_screen.to_string(), on_theirs.to_string());
    println!("\nBoth compare their safety number: {on_her_screen}");
    println!("State that Anna's device keeps for this chat: {} bytes.", to_bank.to_bytes().len());
    Ok(())
}
