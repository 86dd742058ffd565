//! The recorded vectors: primitives, and whole conversations as far as this half of the ratchet sees them.

use std::collections::HashMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    entropy::Entropy,
    protobuf::fields,
    spqr::{
        authenticator::Authenticator,
        erasure::{Block, Chunk, Decoder, Encoder, blocks},
        field::{invert, multiply},
        kem::{DecapsulationKey, Encapsulation, epoch_secret},
    },
    test_vectors::{Hex, section},
};

#[derive(Deserialize)]
struct Vectors {
    gf65536: Vec<Product>,
    erasure: Vec<Stream>,
    chain: ChainVector,
    authenticator: AuthenticatorVector,
    scka_key: EpochSecret,
    incremental_mlkem768: Incremental,
}

#[derive(Deserialize)]
struct Product {
    a: u16,
    b: u16,
    product: u16,
    a_inverse: u16,
}

#[derive(Deserialize)]
struct Stream {
    message: Hex,
    chunks: Vec<StreamChunk>,
}

#[derive(Deserialize)]
struct StreamChunk {
    index: u16,
    data: Hex,
}

#[derive(Deserialize)]
struct ChainVector {
    initial_key: Hex,
    root_epoch_0: Hex,
    a2b_epoch_0: Vec<ChainKey>,
    b2a_epoch_0_first: Hex,
    epoch_1_secret: Hex,
    root_epoch_1: Hex,
    a2b_epoch_1_first: Hex,
}

#[derive(Deserialize)]
struct ChainKey {
    index: u32,
    key: Hex,
}

#[derive(Deserialize)]
struct AuthenticatorVector {
    auth_key: Hex,
    root_key: Hex,
    mac_key: Hex,
    header: Hex,
    header_mac_epoch_1: Hex,
    update_epoch_1_secret: Hex,
    root_key_after: Hex,
    mac_key_after: Hex,
    ct_byte_22_repeated_1088_mac_epoch_1: Hex,
}

#[derive(Deserialize)]
struct EpochSecret {
    shared_secret: Hex,
    epoch: u64,
    key: Hex,
}

#[derive(Deserialize)]
struct Incremental {
    keygen_seed_d_z: Hex,
    header_rho_then_hash: Hex,
    ek_sha256: Hex,
    dk_sha256: Hex,
    encaps_m: Hex,
    ct1_sha256: Hex,
    ct2: Hex,
    shared_secret: Hex,
}

fn vectors() -> Vectors {
    section("spqr")
}

fn secret(bytes: &Hex) -> Secret<32> {
    Secret::new(bytes.array())
}

fn header(bytes: &Hex) -> kem::Header {
    kem::Header(blocks(&bytes.array::<64>()))
}

#[test]
fn the_field_multiplies_and_inverts_as_recorded() {
    for vector in vectors().gf65536 {
        assert_eq!(multiply(vector.a, vector.b), vector.product);
        assert_eq!(invert(vector.a), vector.a_inverse);
    }
}

fn check_stream<const N: usize>(stream: &Stream) {
    let message: [Block; N] = stream.message.as_chunks().0.try_into().unwrap();
    let recorded: Vec<_> =
        stream.chunks.iter().map(|c| Chunk { index: c.index, data: c.data.array() }).collect();
    for chunk in &recorded {
        assert_eq!(Encoder::<N> { next: chunk.index }.chunk(&message), *chunk);
    }
    // The last recorded ones are parity; where there are too few, the first blocks help.
    let mut decoder = Decoder::<N>::default();
    let help = (0..).zip(message).map(|(index, data)| Chunk { index, data });
    let decoded = recorded.iter().rev().copied().chain(help).find_map(|chunk| decoder.add(chunk));
    assert_eq!(decoded, Some(message));
}

#[test]
fn the_erasure_code_gives_the_recorded_chunks_and_takes_them_back() {
    let vectors = vectors();
    assert_eq!(vectors.erasure.len(), 2);
    for stream in &vectors.erasure {
        match stream.message.len() {
            96 => check_stream::<3>(stream),
            160 => check_stream::<5>(stream),
            other => panic!("no stream has {other} bytes"),
        }
    }
}

#[test]
fn the_chains_give_the_recorded_keys() {
    let vector = vectors().chain;
    let start = secret(&vector.initial_key);
    let (mut a, mut b) = (Chains::new(Role::Initiator, &start), Chains::new(Role::Responder, &start));
    assert_eq!(a.root, secret(&vector.root_epoch_0));
    for key in &vector.a2b_epoch_0 {
        assert_eq!(a.send(0), (key.index, secret(&key.key)));
        assert_eq!(b.receive(0, key.index, MAX_JUMP), Ok(secret(&key.key)));
    }
    assert_eq!(b.send(0), (1, secret(&vector.b2a_epoch_0_first)));
    for side in [&mut a, &mut b] {
        side.add_epoch(&secret(&vector.epoch_1_secret));
        assert_eq!(side.root, secret(&vector.root_epoch_1));
    }
    assert_eq!(a.send(1), (1, secret(&vector.a2b_epoch_1_first)));
    assert_eq!(b.receive(1, 1, MAX_JUMP), Ok(secret(&vector.a2b_epoch_1_first)));
}

#[test]
fn the_authenticator_gives_the_recorded_macs() {
    let vector = vectors().authenticator;
    let mut authenticator = Authenticator::new(&secret(&vector.auth_key));
    assert_eq!(authenticator.root, secret(&vector.root_key));
    assert_eq!(authenticator.mac, secret(&vector.mac_key));
    let mac = authenticator.header_mac(1, &header(&vector.header));
    assert_eq!(mac, secret(&vector.header_mac_epoch_1));
    authenticator.update(1, &secret(&vector.update_epoch_1_secret));
    assert_eq!(authenticator.root, secret(&vector.root_key_after));
    assert_eq!(authenticator.mac, secret(&vector.mac_key_after));
    let mac = authenticator.ciphertext_mac(1, &[[0x22; 32]; 30], &[[0x22; 32]; 4]);
    assert_eq!(mac, secret(&vector.ct_byte_22_repeated_1088_mac_epoch_1));
}

#[test]
fn epoch_secrets_are_those_recorded() {
    let vector = vectors().scka_key;
    assert_eq!(epoch_secret(vector.epoch, &secret(&vector.shared_secret)), secret(&vector.key));
}

#[test]
fn the_split_kem_gives_the_recorded_pieces() {
    let vector = vectors().incremental_mlkem768;
    let key = DecapsulationKey::generate(&Secret::new(vector.keygen_seed_d_z.array()));
    let sha256 = |bytes: &[u8]| Hex(Sha256::digest(bytes).to_vec());
    assert_eq!(key.header().0.as_flattened(), vector.header_rho_then_hash.as_slice());
    assert_eq!(sha256(key.ek().as_flattened()), vector.ek_sha256);
    assert_eq!(sha256(key.to_secret().expose()), vector.dk_sha256);

    let encapsulation = Encapsulation { header: *key.header(), draw: secret(&vector.encaps_m) };
    let (ct1, shared) = encapsulation.begin();
    assert_eq!(sha256(ct1.as_flattened()), vector.ct1_sha256);
    assert_eq!(shared, secret(&vector.shared_secret));
    let (again, ct2) = encapsulation.finish(key.ek()).unwrap();
    assert_eq!(again, ct1);
    assert_eq!(ct2.as_flattened(), vector.ct2.as_slice());
    assert_eq!(key.decapsulate(&ct1, &ct2), shared);
}

#[derive(Deserialize)]
struct Conversation {
    name: String,
    events: Vec<Event>,
    r#final: Option<HashMap<String, End>>,
}

#[derive(Deserialize)]
struct Event {
    op: String,
    by: String,
    id: Option<String>,
    r#type: Option<u8>,
    ciphertext: Option<Hex>,
    handshake_pqr_key: Option<Hex>,
    inject_mlkem768_dk: Option<Hex>,
    inject_mlkem768_encaps_m: Option<Hex>,
    result: Option<String>,
}

#[derive(Deserialize)]
struct End {
    spqr_state: String,
    spqr_epoch: u64,
    spqr_chain_epoch: u64,
    spqr_chain_send_epoch: u64,
    spqr_chain_root: Hex,
}

impl Entropy for &Event {
    fn ratchet_key(&mut self) -> keys::PrivateKey {
        unreachable!("this half of the ratchet has no curves")
    }

    fn kem_key(&mut self) -> DecapsulationKey {
        DecapsulationKey::from_expanded(self.inject_mlkem768_dk.as_ref().unwrap().array())
    }

    fn encapsulation(&mut self) -> Secret<32> {
        secret(self.inject_mlkem768_encaps_m.as_ref().unwrap())
    }
}

/// The content of field 5 of an encrypted message.
fn pq_ratchet(event: &Event) -> Vec<u8> {
    let field = |message: &[u8], wanted| {
        let value = fields(message).map(Result::unwrap).find(|(field, _)| *field == wanted);
        value.unwrap().1.bytes().unwrap().to_vec()
    };
    let mut message = event.ciphertext.as_ref().unwrap().0.clone();
    if event.r#type == Some(3) {
        message = field(&message[1..], 4);
    }
    field(&message[1..message.len() - 8], 5)
}

fn replay(conversation: &Conversation) -> HashMap<&str, Spqr> {
    let (mut sides, mut sent) = (HashMap::new(), HashMap::new());
    for mut event in &conversation.events {
        match (event.op.as_str(), event.by.as_str()) {
            ("process_bundle", by) => {
                let auth_key = secret(event.handshake_pqr_key.as_ref().unwrap());
                assert_eq!(by, "alice");
                sides.insert("alice", Spqr::new(Role::Initiator, &auth_key));
                sides.insert("bob", Spqr::new(Role::Responder, &auth_key));
            }
            ("encrypt", by) => {
                let (message, key) = sides.get_mut(by).unwrap().send(&mut event);
                assert_eq!(message, pq_ratchet(event), "{:?} of {}", event.id, conversation.name);
                sent.insert(event.id.as_ref().unwrap(), (message, key));
            }
            // Only the other half refuses the messages that do not succeed here.
            ("decrypt", by) if event.result.is_none() => {
                let (message, key) = &sent[event.id.as_ref().unwrap()];
                let received = sides.get_mut(by).unwrap().receive(message, MAX_JUMP);
                assert_eq!(received.as_ref(), Ok(key), "{:?} of {}", event.id, conversation.name);
            }
            _ => {}
        }
    }
    sides
}

#[test]
fn recorded_conversations_are_reproduced_to_the_byte() {
    let conversations: Vec<Conversation> = section("sessions");
    // In the others more than one session comes and goes.
    let names = ["with_one_time_prekey", "without_one_time_prekey", "spqr_parity_only", "long_lossy"];
    for name in names {
        let conversation = conversations.iter().find(|conversation| conversation.name == name).unwrap();
        let sides = replay(conversation);
        for (by, end) in conversation.r#final.iter().flatten() {
            let Spqr { machine, chains } = &sides[by.as_str()];
            assert_eq!(sides[by.as_str()].state(), end.spqr_state);
            assert_eq!(machine.epoch, end.spqr_epoch);
            assert_eq!(chains.current, end.spqr_chain_epoch);
            let behind = u64::from(chains.upcoming.is_some());
            assert_eq!(chains.current - behind, end.spqr_chain_send_epoch);
            assert_eq!(chains.root, secret(&end.spqr_chain_root));
        }
    }
}
