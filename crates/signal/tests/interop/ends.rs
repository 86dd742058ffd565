//! The two ends of a conversation: ours, and theirs behind the pipe.

use std::{collections::HashMap, sync::Arc};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Value, json};
use signal::{
    Address, DecryptError, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice, MessageKind,
    OneTimePreKey, OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage, RegistrationId, ResponderKeys,
    Session, SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust,
    keys::{KeyPair, PublicKey, Signature, kem},
};

use crate::peer::{Peer, Refusal, decode, encode, number};

/// The time that both sides are told.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const OUR_NAME: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub(crate) const THEIR_NAME: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

pub(crate) fn address(name: &str, device: u8) -> Address {
    Address::new(name, DeviceId::new(device).unwrap())
}

pub(crate) fn location(address: &Address) -> Value {
    json!({ "name": address.name(), "device": address.device().get() })
}

/// Our device, all its keys, and its sessions. Sessions are kept as bytes and restored for each message.
pub(crate) struct Ours {
    pub(crate) local: Arc<LocalDevice>,
    pub(crate) rng: ChaCha20Rng,
    one_time: HashMap<u32, OneTimePreKey>,
    signed: HashMap<u32, SignedPreKey>,
    kem: HashMap<u32, KemPreKey>,
    sessions: HashMap<Address, Vec<u8>>,
}

impl Ours {
    pub(crate) fn new(name: &str, device: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([device; 32]);
        let local = LocalDevice {
            address: address(name, device),
            identity: KeyPair::generate(&mut rng),
            registration_id: RegistrationId(1 + rng.next_u32() % 16_380),
        };
        let (one_time, signed, kem) = Default::default();
        Self { local: Arc::new(local), rng, one_time, signed, kem, sessions: HashMap::new() }
    }

    /// A bundle of fresh prekeys, in the form that the peer takes.
    pub(crate) fn bundle(&mut self, with_one_time: bool) -> Value {
        let number = self.rng.next_u32() >> 8;
        let (identity, rng) = (&self.local.identity, &mut self.rng);
        let one_time = with_one_time.then(|| OneTimePreKey::generate(OneTimePreKeyId(number), rng));
        let signed = SignedPreKey::generate(SignedPreKeyId(number), identity, NOW, rng);
        let kem = KemPreKey::generate(KemPreKeyId(number), identity, NOW, rng);
        let bundle = json!({
            "registrationId": self.local.registration_id.0,
            "device": self.local.address.device().get(),
            "identity": encode(self.local.identity.public.to_bytes()),
            "preKeyId": one_time.as_ref().map(|key| key.id.0),
            "preKey": one_time.as_ref().map(|key| encode(key.pair.public.to_bytes())),
            "signedPreKeyId": number,
            "signedPreKey": encode(signed.pair.public.to_bytes()),
            "signedPreKeySignature": encode(signed.signature.as_bytes()),
            "kyberPreKeyId": number,
            "kyberPreKey": encode(kem.pair.public().to_bytes()),
            "kyberPreKeySignature": encode(kem.signature.as_bytes()),
        });
        self.one_time.extend(one_time.map(|key| (number, key)));
        self.signed.insert(number, signed);
        self.kem.insert(number, kem);
        bundle
    }

    /// Restores the session with `remote` from bytes, works with it, and stores it again if the work succeeded.
    pub(crate) fn with_session<T, E>(
        &mut self,
        remote: &Address,
        work: impl FnOnce(&mut Session, &mut ChaCha20Rng) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut session = match self.sessions.get(remote) {
            Some(bytes) => Session::from_bytes(self.local.clone(), remote.clone(), bytes).unwrap(),
            None => Session::new(self.local.clone(), remote.clone()),
        };
        let outcome = work(&mut session, &mut self.rng)?;
        self.sessions.insert(remote.clone(), session.to_bytes().to_vec());
        Ok(outcome)
    }

    pub(crate) fn start(&mut self, remote: &Address, bundle: &PreKeyBundle) {
        self.with_session(remote, |session, rng| session.start(bundle, Trust::FirstUse, NOW, rng)).unwrap();
    }

    pub(crate) fn encrypt(&mut self, remote: &Address, plaintext: &[u8]) -> EncryptedMessage {
        self.with_session(remote, |session, rng| session.encrypt(plaintext, Trust::FirstUse, NOW, rng))
            .unwrap()
    }

    pub(crate) fn decrypt(
        &mut self,
        remote: &Address,
        message: &EncryptedMessage,
    ) -> Result<Vec<u8>, DecryptError> {
        if message.kind == MessageKind::Signal {
            let message = SignalMessage::parse(&message.bytes).unwrap();
            let decrypted =
                self.with_session(remote, |session, rng| session.decrypt(&message, Trust::FirstUse, rng))?;
            return Ok(decrypted.plaintext.to_vec());
        }
        assert_eq!(message.kind, MessageKind::PreKey);
        let message = PreKeySignalMessage::parse(&message.bytes).unwrap();
        let ids = message.prekeys().unwrap();
        let one_time = ids.one_time.and_then(|id| self.one_time.get(&id.0)).cloned();
        let (signed, kem) = (self.signed[&ids.signed.0].clone(), self.kem.get(&ids.kem.0).cloned());
        let keys =
            kem.as_ref().map(|kem| ResponderKeys { one_time: one_time.as_ref(), signed: &signed, kem });
        let decrypted = self.with_session(remote, |session, rng| {
            session.decrypt_first(&message, keys, Trust::FirstUse, rng)
        })?;
        if let Some(used) = decrypted.used {
            self.kem.remove(&used.ids.kem.0);
            used.ids.one_time.and_then(|id| self.one_time.remove(&id.0));
        }
        Ok(decrypted.plaintext.to_vec())
    }

    pub(crate) fn state_len(&self, remote: &Address) -> usize {
        self.sessions[remote].len()
    }
}

/// A device in the official library.
pub(crate) struct Theirs {
    pub(crate) peer: Peer,
    pub(crate) party: String,
    pub(crate) address: Address,
    pub(crate) identity: PublicKey,
}

impl Theirs {
    pub(crate) fn new(name: &str, device: u8) -> Self {
        Self::inside(Peer::start(), name, device)
    }

    pub(crate) fn inside(mut peer: Peer, name: &str, device: u8) -> Self {
        let party = format!("{name}.{device}");
        let created = peer.call("create", json!({ "party": party, "name": name, "device": device }));
        let identity = PublicKey::from_bytes(&decode(&created["identity"])).unwrap();
        Self { peer, party, address: address(name, device), identity }
    }

    fn with(&self, remote: &Address, mut arguments: Value) -> Value {
        arguments["party"] = json!(self.party);
        arguments["remote"] = location(remote);
        arguments["now"] = json!(NOW.0);
        arguments
    }

    pub(crate) fn bundle(&mut self, one_time: bool) -> PreKeyBundle {
        let bundle = self.peer.call("bundle", json!({ "party": self.party, "oneTime": one_time }));
        let key = |value: &Value| PublicKey::from_bytes(&decode(value)).unwrap();
        let signature = |value: &Value| Signature::from_bytes(&decode(value)).unwrap();
        PreKeyBundle {
            identity: key(&bundle["identity"]),
            registration_id: RegistrationId(number(&bundle["registrationId"])),
            device: DeviceId::new(number(&bundle["device"])).unwrap(),
            one_time: bundle["preKeyId"]
                .is_u64()
                .then(|| (OneTimePreKeyId(number(&bundle["preKeyId"])), key(&bundle["preKey"]))),
            signed: (
                SignedPreKeyId(number(&bundle["signedPreKeyId"])),
                key(&bundle["signedPreKey"]),
                signature(&bundle["signedPreKeySignature"]),
            ),
            kem: (
                KemPreKeyId(number(&bundle["kyberPreKeyId"])),
                kem::PublicKey::from_bytes(&decode(&bundle["kyberPreKey"])).unwrap(),
                signature(&bundle["kyberPreKeySignature"]),
            ),
        }
    }

    pub(crate) fn start(&mut self, remote: &Address, bundle: &Value) {
        let arguments = self.with(remote, json!({ "bundle": bundle }));
        self.peer.call("process", arguments);
    }

    pub(crate) fn encrypt(&mut self, remote: &Address, plaintext: &[u8]) -> EncryptedMessage {
        let arguments = self.with(remote, json!({ "plaintext": encode(plaintext) }));
        message(&self.peer.call("encrypt", arguments))
    }

    pub(crate) fn encrypt_many(&mut self, remote: &Address, plaintexts: &[Vec<u8>]) -> Vec<EncryptedMessage> {
        let plaintexts: Vec<_> = plaintexts.iter().map(encode).collect();
        let arguments = self.with(remote, json!({ "plaintexts": plaintexts }));
        let reply = self.peer.call("encryptMany", arguments);
        reply["messages"].as_array().unwrap().iter().map(message).collect()
    }

    pub(crate) fn decrypt(
        &mut self,
        remote: &Address,
        message: &EncryptedMessage,
    ) -> Result<Vec<u8>, Refusal> {
        let body = json!({ "type": message.kind as u8, "body": encode(&message.bytes) });
        let arguments = self.with(remote, body);
        self.peer.try_call("decrypt", arguments).map(|reply| decode(&reply["plaintext"]))
    }

    /// The plaintext of each message, or the name of the error.
    pub(crate) fn decrypt_many(
        &mut self,
        remote: &Address,
        messages: &[EncryptedMessage],
    ) -> Vec<Result<Vec<u8>, String>> {
        let messages: Vec<_> = messages
            .iter()
            .map(|message| json!({ "type": message.kind as u8, "body": encode(&message.bytes) }))
            .collect();
        let arguments = self.with(remote, json!({ "messages": messages }));
        let reply = self.peer.call("decryptMany", arguments);
        let results = reply["results"].as_array().unwrap().iter();
        results
            .map(|result| match result["error"]["name"].as_str() {
                None => Ok(decode(&result["plaintext"])),
                Some(name) => Err(name.to_owned()),
            })
            .collect()
    }

    /// Takes the stored session out and puts it back, as a restart would.
    pub(crate) fn restart(&mut self, remote: &Address) {
        let arguments = self.with(remote, json!({}));
        let record = self.peer.call("record", arguments)["record"].take();
        let arguments = self.with(remote, json!({ "record": null }));
        self.peer.call("setRecord", arguments);
        let arguments = self.with(remote, json!({ "record": record }));
        self.peer.call("setRecord", arguments);
    }

    pub(crate) fn archive(&mut self, remote: &Address) {
        let arguments = self.with(remote, json!({}));
        self.peer.call("archive", arguments);
    }
}

pub(crate) fn message(reply: &Value) -> EncryptedMessage {
    let kind = u8::try_from(number(&reply["type"])).unwrap();
    EncryptedMessage { kind: MessageKind::try_from(kind).unwrap(), bytes: decode(&reply["body"]) }
}
