//! Replays the conversations recorded from the official library: each ciphertext byte for byte, each delivery with its
//! recorded outcome, and the inner state where it was recorded.

use std::{collections::HashMap, sync::Arc};

use keys::{KeyPair, PrivateKey, PublicKey, Secret, Signature, kem};
use serde::Deserialize;

use super::super::{
    Session, Trust,
    chain::MessageKeys,
    handshake::{Agreed, ResponderKeys},
    ratchet::{Peer, Ratchet, Unanswered},
};
use crate::{
    Address, DecryptError, Decrypted, DeviceId, KemPreKey, KemPreKeyId, LocalDevice, MessageKind,
    OneTimePreKey, OneTimePreKeyId, PreKeySignalMessage, RegistrationId, SignalMessage, SignedPreKey,
    SignedPreKeyId, Timestamp,
    entropy::Entropy,
    sealed,
    spqr::kem::DecapsulationKey,
    test_vectors::{Hex, section},
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

#[derive(Deserialize)]
struct PartyVector {
    name: String,
    device_id: u8,
    registration_id: u32,
    identity_private: Hex,
    signed_pre_key: PreKeyVector,
    one_time_pre_key: PreKeyVector,
    kyber_pre_key: PreKeyVector,
}

#[derive(Deserialize)]
struct PreKeyVector {
    id: u32,
    private: Option<Hex>,
    secret: Option<Hex>,
    signature: Option<Hex>,
    timestamp: Option<u64>,
    record: Option<Hex>,
}

#[derive(Deserialize)]
struct Conversation {
    name: String,
    events: Vec<Event>,
    r#final: Option<HashMap<String, Check>>,
}

#[derive(Deserialize)]
struct Event {
    op: String,
    by: String,
    #[serde(flatten)]
    detail: Detail,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Detail {
    id: String,
    r#type: Option<u8>,
    plaintext: Option<Hex>,
    ciphertext: Hex,
    result: Option<String>,
    mutation: Option<Mutation>,
    session_switched: bool,
    one_time_pre_key: bool,
    base_key_public: Hex,
    handshake_root_key: Hex,
    handshake_chain_key: Hex,
    handshake_pqr_key: Hex,
    pqxdh_kdf_input: Option<Hex>,
    sending_ratchet_private: Hex,
    inject_ratchet_private: Option<Hex>,
    inject_mlkem768_dk: Option<Hex>,
    inject_mlkem768_encaps_m: Option<Hex>,
    derived: Option<HashMap<String, Hex>>,
    check: Option<Check>,
}

impl Detail {
    /// Without one that was recorded it is the message's own name.
    fn plaintext(&self) -> Vec<u8> {
        self.plaintext.as_ref().map_or_else(|| self.id.clone().into_bytes(), |plaintext| plaintext.to_vec())
    }
}

#[derive(Deserialize)]
struct Mutation {
    offset: usize,
    xor: u8,
}

#[derive(Deserialize, Debug)]
struct Check {
    root_key: Option<Hex>,
    previous_counter: Option<u32>,
    sending_chain_key: Option<Hex>,
    sending_chain_index: Option<u32>,
    archived_sessions: Option<usize>,
    spqr_state: Option<String>,
    spqr_epoch: Option<u64>,
    spqr_auth_root_key: Option<Hex>,
    spqr_auth_mac_key: Option<Hex>,
    spqr_chain_root: Option<Hex>,
    spqr_chain_epoch: Option<u64>,
    spqr_chain_send_epoch: Option<u64>,
}

#[derive(Deserialize)]
struct MustFail {
    recipient_device_id: u8,
    ciphertext: Hex,
}

#[derive(Deserialize)]
struct SealedVector {
    trust_root_public: Hex,
    expires: u64,
    v1_prekey: SealedPreKey,
}

#[derive(Deserialize)]
struct SealedPreKey {
    message: Hex,
    plaintext: Hex,
}

#[derive(Deserialize)]
struct Wire {
    signal_message: Vec<SignalVector>,
    prekey_signal_message_v3_without_kyber: Vec<OldPreKeyVector>,
}

#[derive(Deserialize)]
struct SignalVector {
    version: u8,
    mac_key: Hex,
    ratchet_key: Hex,
    counter: u32,
    previous_counter: u32,
    ciphertext: Hex,
    sender_identity: Hex,
    receiver_identity: Hex,
    pq_ratchet: Hex,
    serialized: Hex,
}

#[derive(Deserialize)]
struct OldPreKeyVector {
    registration_id: u32,
    base_key: Hex,
    identity_key: Hex,
    message: Hex,
    serialized: Hex,
}

/// Hands out what was recorded, as often as it is asked for: several sessions may be tried with one message.
struct Recorded<'a>(&'a Detail);

impl Entropy for Recorded<'_> {
    fn ratchet_key(&mut self) -> PrivateKey {
        private(self.0.inject_ratchet_private.as_ref().expect("no ratchet key was recorded here"))
    }

    fn kem_key(&mut self) -> DecapsulationKey {
        let key = self.0.inject_mlkem768_dk.as_ref().expect("no KEM key was recorded here");
        DecapsulationKey::from_expanded(key.array())
    }

    fn encapsulation(&mut self) -> Secret<32> {
        secret(self.0.inject_mlkem768_encaps_m.as_ref().expect("no encapsulation was recorded here"))
    }
}

struct Actor {
    device: Arc<LocalDevice>,
    one_time: OneTimePreKey,
    signed: SignedPreKey,
    kem: KemPreKey,
}

impl Actor {
    fn new(vector: &PartyVector) -> Self {
        let name = vector.name.clone();
        let device = LocalDevice {
            address: Address::new(name, DeviceId::new(vector.device_id).unwrap()),
            identity: KeyPair::from(private(&vector.identity_private)),
            registration_id: RegistrationId(vector.registration_id),
        };
        let pair = |key: &PreKeyVector| KeyPair::from(private(key.private.as_ref().unwrap()));
        let signature = |key: &PreKeyVector| Signature::from_bytes(key.signature.as_ref().unwrap()).unwrap();
        let (one_time, signed, kem) =
            (&vector.one_time_pre_key, &vector.signed_pre_key, &vector.kyber_pre_key);
        let actor = Self {
            device: Arc::new(device),
            one_time: OneTimePreKey { id: OneTimePreKeyId(one_time.id), pair: pair(one_time) },
            signed: SignedPreKey {
                id: SignedPreKeyId(signed.id),
                pair: pair(signed),
                signature: signature(signed),
                created: Timestamp(signed.timestamp.unwrap()),
            },
            kem: KemPreKey {
                id: KemPreKeyId(kem.id),
                pair: kem::KeyPair::from_bytes(kem.secret.as_ref().unwrap()).unwrap(),
                signature: signature(kem),
                created: Timestamp(kem.timestamp.unwrap()),
            },
        };
        // The records are those of the official library, byte for byte.
        assert_eq!(*actor.one_time.to_bytes(), **one_time.record.as_ref().unwrap());
        assert_eq!(*actor.signed.to_bytes(), **signed.record.as_ref().unwrap());
        assert_eq!(OneTimePreKey::from_bytes(&actor.one_time.to_bytes()).unwrap(), actor.one_time);
        assert_eq!(SignedPreKey::from_bytes(&actor.signed.to_bytes()).unwrap(), actor.signed);
        assert_eq!(KemPreKey::from_bytes(&actor.kem.to_bytes()).unwrap(), actor.kem);
        actor
    }

    const fn keys(&self) -> ResponderKeys<'_> {
        ResponderKeys { one_time: Some(&self.one_time), signed: &self.signed, kem: &self.kem }
    }
}

fn secret(bytes: &Hex) -> Secret<32> {
    Secret::new(bytes.array())
}

fn private(bytes: &Hex) -> PrivateKey {
    PrivateKey::from_slice(bytes).unwrap()
}

fn public(bytes: &Hex) -> PublicKey {
    PublicKey::from_bytes(bytes).unwrap()
}

/// The initiator, from the handshake's recorded outcome: its private base key was not recorded.
fn initiate(conversation: &Conversation, event: &Event, peer: &Actor) -> Ratchet {
    let base_key = public(&event.detail.base_key_public);
    let first = conversation
        .events
        .iter()
        .filter(|other| other.op == "encrypt" && other.by == event.by && other.detail.r#type == Some(3))
        .map(|other| &other.detail.ciphertext)
        .find(|message| *PreKeySignalMessage::parse(message).unwrap().base_key() == base_key)
        .unwrap();
    let message = PreKeySignalMessage::parse(first).unwrap();
    assert_eq!(message.prekeys().unwrap().one_time.is_some(), event.detail.one_time_pre_key);
    let agreed = Agreed {
        root: secret(&event.detail.handshake_root_key),
        chain: secret(&event.detail.handshake_chain_key),
        pq: secret(&event.detail.handshake_pqr_key),
    };
    if let Some(input) = &event.detail.pqxdh_kdf_input {
        let derived = Agreed::from_input(input);
        assert_eq!((&derived.root, &derived.chain, &derived.pq), (&agreed.root, &agreed.chain, &agreed.pq));
        let kem = peer.kem.pair.decapsulate(message.kem_ciphertext().unwrap());
        assert_eq!(kem.expose(), &input[input.len() - 32..]);
    }
    let peer = Peer {
        identity: peer.device.identity.public,
        registration_id: peer.device.registration_id,
        signed_prekey: peer.signed.pair.public,
    };
    let unanswered = Unanswered {
        prekeys: message.prekeys().unwrap(),
        kem_ciphertext: message.kem_ciphertext().unwrap().clone(),
        created: NOW,
    };
    Ratchet::initiate(agreed, base_key, private(&event.detail.sending_ratchet_private), peer, unanswered)
        .unwrap()
}

fn deliver(
    session: &mut Session,
    actor: &Actor,
    kind: u8,
    body: &[u8],
    detail: &Detail,
) -> Result<Decrypted, DecryptError> {
    let entropy = &mut Recorded(detail);
    if kind == 3 {
        let message = PreKeySignalMessage::parse(body).unwrap();
        session.decrypt_first_with(&message, Some(actor.keys()), Trust::FirstUse, entropy)
    } else {
        session.decrypt_with(&SignalMessage::parse(body).unwrap(), Trust::FirstUse, entropy)
    }
}

fn check(session: &Session, expected: &Check, place: &str) {
    let ratchet = session.current.as_ref().unwrap();
    let same = |what: &str, expected: &Option<Hex>, actual: &[u8]| {
        if let Some(expected) = expected {
            assert_eq!(expected.as_slice(), actual, "{place}: {what}");
        }
    };
    same("root key", &expected.root_key, ratchet.root.expose());
    same("sending chain key", &expected.sending_chain_key, ratchet.sending.chain.key.expose());
    let number = |what: &str, expected: Option<u64>, actual: u64| {
        if let Some(expected) = expected {
            assert_eq!(expected, actual, "{place}: {what}");
        }
    };
    number("previous counter", expected.previous_counter.map(u64::from), ratchet.previous_counter.into());
    number("index", expected.sending_chain_index.map(u64::from), ratchet.sending.chain.index.into());
    number("archived", expected.archived_sessions.map(|n| n as u64), session.archived.len() as u64);
    let spqr = ratchet.spqr.inspect();
    if let Some(name) = &expected.spqr_state {
        assert_eq!(name, spqr.variant, "{place}: variant");
    }
    number("SPQR epoch", expected.spqr_epoch, spqr.epoch);
    same("authenticator root", &expected.spqr_auth_root_key, spqr.authenticator_root.expose());
    same("authenticator mac", &expected.spqr_auth_mac_key, spqr.authenticator_mac.expose());
    same("chain root", &expected.spqr_chain_root, spqr.chain_root.expose());
    number("chain epoch", expected.spqr_chain_epoch, spqr.chain_epoch);
    number("send epoch", expected.spqr_chain_send_epoch, spqr.chain_send_epoch);
}

/// Returns how many encryptions and deliveries were reproduced.
fn replay(conversation: &Conversation, actors: &HashMap<String, Actor>) -> (usize, usize) {
    let other = |by: &str| if by == "alice" { "bob" } else { "alice" };
    let mut sessions: HashMap<&str, Session> = actors
        .iter()
        .map(|(name, actor)| {
            let remote = actors[other(name)].device.address.clone();
            (name.as_str(), Session::new(actor.device.clone(), remote))
        })
        .collect();
    let mut sent: HashMap<&str, (u8, Vec<u8>)> = HashMap::new();
    let (mut encrypted, mut delivered) = (0, 0);
    for (number, event) in conversation.events.iter().enumerate() {
        let (by, detail) = (event.by.as_str(), &event.detail);
        let place = format!("{} #{number} {} by {by}: {}", conversation.name, event.op, detail.id);
        let session = sessions.get_mut(by).unwrap();
        match event.op.as_str() {
            "process_bundle" => session.promote(initiate(conversation, event, &actors[other(by)])),
            "archive_current" => session.archive_current(),
            "encrypt" => {
                let plaintext = detail.plaintext();
                if let Some(derived) = &detail.derived {
                    let keys = MessageKeys::derive(
                        &secret(&derived["message_seed"]),
                        &secret(&derived["pq_message_key"]),
                    );
                    assert_eq!(keys.cipher, secret(&derived["cipher_key"]), "{place}");
                    assert_eq!(keys.mac, secret(&derived["mac_key"]), "{place}");
                    assert_eq!(keys.iv, derived["iv"].array(), "{place}");
                }
                let message =
                    session.encrypt_with(&plaintext, Trust::FirstUse, NOW, &mut Recorded(detail)).unwrap();
                assert_eq!(message.kind as u8, detail.r#type.unwrap(), "{place}");
                assert_eq!(message.bytes, *detail.ciphertext, "{place}");
                sent.insert(&detail.id, (message.kind as u8, message.bytes));
                encrypted += 1;
            }
            "decrypt" => {
                let (kind, mut body) = sent[detail.id.as_str()].clone();
                if let Some(mutation) = &detail.mutation {
                    body[mutation.offset] ^= mutation.xor;
                }
                let before = session.to_bytes();
                let base_key = |session: &Session| session.current.as_ref().map(|ratchet| ratchet.base_key);
                let base_before = base_key(session);
                let outcome = deliver(session, &actors[by], kind, &body, detail);
                match detail.result.as_deref() {
                    None => {
                        let plaintext = outcome.unwrap_or_else(|error| panic!("{place}: {error}")).plaintext;
                        let original = conversation
                            .events
                            .iter()
                            .find(|e| e.op == "encrypt" && e.detail.id == detail.id);
                        assert_eq!(*plaintext, original.unwrap().detail.plaintext(), "{place}");
                        let switched = base_before.is_some() && base_key(session) != base_before;
                        assert_eq!(switched, detail.session_switched, "{place}: switch");
                    }
                    Some("duplicate") => assert_eq!(outcome.unwrap_err(), DecryptError::Duplicate, "{place}"),
                    Some("error") => assert_ne!(outcome.unwrap_err(), DecryptError::Duplicate, "{place}"),
                    Some(other) => panic!("{place}: unknown result {other}"),
                }
                if detail.result.is_some() {
                    assert_eq!(session.to_bytes(), before, "{place}: state changed by a failure");
                }
                delivered += 1;
            }
            other => panic!("unknown operation {other}"),
        }
        if let Some(expected) = &detail.check {
            check(session, expected, &place);
        }
        // Restored in the middle, each time.
        let restored =
            Session::from_bytes(actors[by].device.clone(), session.remote().clone(), &session.to_bytes());
        *session = restored.unwrap_or_else(|error| panic!("{place}: {error}"));
    }
    for (name, expected) in conversation.r#final.iter().flatten() {
        check(&sessions[name.as_str()], expected, &format!("{}: {name} at the end", conversation.name));
    }
    (encrypted, delivered)
}

fn actors() -> HashMap<String, Actor> {
    let parties: HashMap<String, PartyVector> = section("parties");
    parties.into_iter().map(|(name, party)| (name, Actor::new(&party))).collect()
}

#[test]
fn every_recorded_conversation_is_reproduced_byte_for_byte() {
    let conversations: Vec<Conversation> = section("sessions");
    let actors = actors();
    let (mut encrypted, mut delivered) = (0, 0);
    for conversation in &conversations {
        let counts = replay(conversation, &actors);
        encrypted += counts.0;
        delivered += counts.1;
    }
    assert_eq!((conversations.len(), encrypted), (6, 326));
    let events = conversations.iter().flat_map(|conversation| &conversation.events);
    assert_eq!(delivered, events.filter(|event| event.op == "decrypt").count());
}

#[test]
fn first_messages_that_must_fail_do() {
    let actors = actors();
    let (alice, bob) = (&actors["alice"], &actors["bob"]);
    let outcomes: Vec<_> = section::<Vec<MustFail>>("must_fail")
        .iter()
        .map(|vector| {
            let device = DeviceId::new(vector.recipient_device_id).unwrap();
            let local = LocalDevice {
                address: Address::new(bob.device.address.name(), device),
                ..(*bob.device).clone()
            };
            let mut session = Session::new(Arc::new(local), alice.device.address.clone());
            let message = PreKeySignalMessage::parse(&vector.ciphertext).unwrap();
            let rng = &mut super::party::rng(1);
            let error = session.decrypt_first(&message, Some(bob.keys()), Trust::FirstUse, rng).unwrap_err();
            assert!(session.remote_identity().is_none());
            error
        })
        .collect();
    assert!(matches!(outcomes[0], DecryptError::Spqr(_)), "{outcomes:?}");
    assert_eq!(outcomes[1], DecryptError::WrongAddresses);
}

#[test]
fn the_sealed_first_message_decrypts() {
    let actors = actors();
    let bob = &actors["bob"];
    let vector: SealedVector = section("sealed_sender");
    let receiver =
        sealed::Receiver { identity: &bob.device.identity, address: &bob.device.address, e164: None };
    let roots = [public(&vector.trust_root_public)];
    let trust = sealed::ServerTrust::new(&roots);
    let content =
        sealed::open(&vector.v1_prekey.message, &receiver, &trust, Timestamp(vector.expires)).unwrap();
    let mut session = Session::new(bob.device.clone(), content.sender().address.clone());
    assert_eq!(content.message().kind, MessageKind::PreKey);
    let message = PreKeySignalMessage::parse(&content.message().bytes).unwrap();
    let decrypted =
        session.decrypt_first(&message, Some(bob.keys()), Trust::FirstUse, &mut super::party::rng(1));
    assert_eq!(*decrypted.unwrap().plaintext, *vector.v1_prekey.plaintext);
}

#[test]
fn recorded_messages_parse_and_serialize() {
    let wire: Wire = section("wire");
    for vector in &wire.signal_message {
        let serialized = &vector.serialized;
        let message = SignalMessage::parse(serialized).unwrap();
        assert_eq!((message.version(), message.counter()), (vector.version, vector.counter));
        assert_eq!(*message.ratchet_key(), public(&vector.ratchet_key));
        assert_eq!(message.ciphertext(), vector.ciphertext.as_slice());
        assert_eq!(message.pq_ratchet(), vector.pq_ratchet.as_slice());
        let (sender, receiver) = (public(&vector.sender_identity), public(&vector.receiver_identity));
        assert!(message.authentic(&secret(&vector.mac_key), &sender, &receiver));
        assert!(!message.authentic(&secret(&vector.mac_key), &receiver, &sender));
        if vector.version == 4 {
            let parts = crate::message::SignalParts {
                ratchet_key: message.ratchet_key(),
                counter: vector.counter,
                previous_counter: vector.previous_counter,
                ciphertext: message.ciphertext(),
                pq_ratchet: message.pq_ratchet(),
                addresses: None,
            };
            assert_eq!(parts.serialize(&secret(&vector.mac_key), &sender, &receiver), **serialized);
        }
    }
    for vector in &wire.prekey_signal_message_v3_without_kyber {
        let message = PreKeySignalMessage::parse(&vector.serialized).unwrap();
        assert_eq!((message.version(), message.prekeys()), (3, None));
        assert_eq!(message.registration_id(), RegistrationId(vector.registration_id));
        assert_eq!(*message.base_key(), public(&vector.base_key));
        assert_eq!(*message.identity(), public(&vector.identity_key));
        let inner = SignalMessage::parse(&vector.message).unwrap();
        assert_eq!(message.message().counter(), inner.counter());

        let actors = actors();
        let mut session = Session::new(actors["bob"].device.clone(), actors["alice"].device.address.clone());
        let rng = &mut super::party::rng(1);
        let refused = session.decrypt_first(&message, Some(actors["bob"].keys()), Trust::FirstUse, rng);
        assert_eq!(refused.unwrap_err(), DecryptError::Version(3));
    }
}
