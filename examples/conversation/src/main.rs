//! Two devices hold an encrypted conversation in the terminal: `cargo run --package conversation`.
//!
//! It shows every step that a client takes: publish prekeys, start a session from them, encrypt, decrypt, delete the
//! prekeys that were used, save the state, compare safety numbers. The network between the two is a function call.

use std::{error::Error, sync::Arc};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{
    Address, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice, MessageKind, OneTimePreKey,
    OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage, RegistrationId, ResponderKeys, SafetyNumber,
    SafetyNumberVersion, ServiceId, Session, SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust,
    UsedPreKeys,
    keys::{Fingerprint, ITERATIONS, KeyPair, PublicKey},
};

/// A device with the prekeys that it has published, and what it knows of the other one.
struct Device {
    local: Arc<LocalDevice>,
    one_time: Option<OneTimePreKey>,
    signed: SignedPreKey,
    kem: Option<KemPreKey>,
    /// The other one's identity key, once it is known: from then on no other is accepted.
    known: Option<PublicKey>,
    rng: ChaCha20Rng,
}

impl Device {
    fn new(name: &str, seed: u8) -> Self {
        // A client draws from the operating system; here every run shows the same.
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let identity = KeyPair::generate(&mut rng);
        let now = Timestamp(1_700_000_000_000);
        Self {
            one_time: Some(OneTimePreKey::generate(OneTimePreKeyId(1), &mut rng)),
            signed: SignedPreKey::generate(SignedPreKeyId(1), &identity, now, &mut rng),
            kem: Some(KemPreKey::generate(KemPreKeyId(1), &identity, now, &mut rng)),
            known: None,
            local: Arc::new(LocalDevice {
                address: Address::new(name, DeviceId::PRIMARY),
                identity,
                registration_id: RegistrationId(u32::from(seed)),
            }),
            rng,
        }
    }

    /// What others fetch to begin a session with this device.
    fn bundle(&self) -> Option<PreKeyBundle> {
        let kem = self.kem.as_ref()?;
        Some(PreKeyBundle {
            identity: self.local.identity.public,
            registration_id: self.local.registration_id,
            device: self.local.address.device(),
            one_time: self.one_time.as_ref().map(|key| (key.id, key.pair.public)),
            signed: (self.signed.id, self.signed.pair.public, self.signed.signature),
            kem: (kem.id, kem.pair.public().clone(), kem.signature),
        })
    }

    fn send(
        &mut self,
        session: &mut Session,
        text: &str,
        now: Timestamp,
    ) -> Result<EncryptedMessage, Box<dyn Error>> {
        let trust = self.known.as_ref().map_or(Trust::FirstUse, Trust::Only);
        Ok(session.encrypt(text.as_bytes(), trust, now, &mut self.rng)?)
    }

    /// The text of a message, and the prekeys that are deleted because it used them.
    fn receive(
        &mut self,
        session: &mut Session,
        message: &EncryptedMessage,
    ) -> Result<(String, Option<UsedPreKeys>), Box<dyn Error>> {
        let trust = self.known.as_ref().map_or(Trust::FirstUse, Trust::Only);
        let decrypted = match message.kind {
            MessageKind::PreKey => {
                let first = PreKeySignalMessage::parse(&message.bytes)?;
                // A client looks the keys up by these ids.
                let wanted = session.wanted_prekeys(&first).zip(self.kem.as_ref());
                let keys = wanted.map(|(_, kem)| ResponderKeys {
                    one_time: self.one_time.as_ref(),
                    signed: &self.signed,
                    kem,
                });
                session.decrypt_first(&first, keys, trust, &mut self.rng)?
            }
            _ => session.decrypt(&SignalMessage::parse(&message.bytes)?, trust, &mut self.rng)?,
        };
        self.known = Some(decrypted.identity);
        if decrypted.used.is_some() {
            // A client does this in the transaction that saves the session. The signed one serves many sessions, and so
            // does a KEM key of last resort: that is kept too, and which base key used it is remembered.
            (self.one_time, self.kem) = (None, None);
        }
        Ok((String::from_utf8(decrypted.plaintext.to_vec())?, decrypted.used))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let now = Timestamp(1_700_000_000_000);
    let mut anna = Device::new("7c9e6679-7425-40de-944b-e07fc1f90ae7", 1);
    let mut bank = Device::new("16fd2706-8baf-433b-82eb-8c7fada847da", 2);

    // Anna fetches the bank's bundle and starts; the bank knows nothing of her yet.
    let mut to_bank = Session::new(anna.local.clone(), bank.local.address.clone());
    let mut to_anna = Session::new(bank.local.clone(), anna.local.address.clone());
    let bundle = bank.bundle().ok_or("the bank has no prekeys left")?;
    to_bank.start(&bundle, Trust::FirstUse, now, &mut anna.rng)?;
    anna.known = Some(bundle.identity);

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
        let message = sender.send(sending, line, now)?;
        let (receiver, receiving) =
            if from_anna { (&mut bank, &mut to_anna) } else { (&mut anna, &mut to_bank) };
        let (text, used) = receiver.receive(receiving, &message)?;
        let start: String = message.bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        println!("{name} → {text}");
        println!("       {:?}, {} bytes on the wire: {start}…", message.kind, message.bytes.len());
        if let Some(UsedPreKeys { ids, .. }) = used {
            let one_time = ids.one_time.map(|id| format!("one-time {} and ", id.0)).unwrap_or_default();
            println!("       It used up prekeys, which its receiver deletes: {one_time}KEM {}", ids.kem.0);
        }

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
