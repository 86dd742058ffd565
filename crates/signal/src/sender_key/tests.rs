use keys::{KeyPair, PublicKey, Signature};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde::Deserialize;

use super::{
    DistributionId, DistributionMessage, SenderKeyError, SenderKeyMessage, SenderKeyRecord,
    message::SenderKeyParts, record::SigningKey,
};
use crate::{
    MAX_MESSAGE_LEN, Malformed, MessageKind, ParseError, ServiceId, StateError, protobuf,
    test_vectors::{Hex, Recorded, section},
};

const GROUP: DistributionId = DistributionId([7; 16]);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn pair(seed: u8) -> (SenderKeyRecord, SenderKeyRecord) {
    let sender = SenderKeyRecord::create(GROUP, &mut rng(seed));
    let mut receiver = SenderKeyRecord::new(GROUP);
    receiver.process(&sender.distribution().unwrap()).unwrap();
    (sender, receiver)
}

fn send(sender: &mut SenderKeyRecord, plaintext: &[u8]) -> Vec<u8> {
    sender.encrypt(plaintext, &mut rng(99)).unwrap().bytes
}

fn receive(receiver: &mut SenderKeyRecord, message: &[u8]) -> Result<Vec<u8>, SenderKeyError> {
    receiver.decrypt(&SenderKeyMessage::parse(message).unwrap()).map(|plaintext| plaintext.to_vec())
}

fn distribution_id(text: &str) -> DistributionId {
    match ServiceId::parse(text).unwrap() {
        ServiceId::Aci(uuid) => DistributionId(uuid),
        ServiceId::Pni(_) => unreachable!(),
    }
}

/// The one field of this number in a protobuf message.
fn field(bytes: &[u8], number: u32) -> Vec<u8> {
    let (_, value) = protobuf::fields(bytes).map(Result::unwrap).find(|(field, _)| *field == number).unwrap();
    value.bytes().unwrap().to_vec()
}

mod recorded {
    use super::*;

    #[derive(Deserialize)]
    struct Wire {
        sender_key_distribution_message: Vec<Distribution>,
        sender_key_message: Vec<Message>,
    }

    #[derive(Deserialize)]
    struct Distribution {
        distribution_id: String,
        chain_id: u32,
        iteration: u32,
        chain_key: Hex,
        signing_key: Hex,
        serialized: Hex,
    }

    #[derive(Deserialize)]
    struct Message {
        distribution_id: String,
        chain_id: u32,
        iteration: u32,
        ciphertext: Hex,
        signing_public: Hex,
        serialized: Hex,
        valid: bool,
    }

    #[derive(Deserialize)]
    struct Conversation {
        distribution_id: String,
        chain_id: u32,
        chain_key: Hex,
        distribution_message: Hex,
        sender_record_after_create: Hex,
        events: Vec<Event>,
        distribution_message_after_six: Hex,
        parsed0: Parsed,
    }

    #[derive(Deserialize)]
    struct Parsed {
        distribution_id: String,
        chain_id: u32,
        iteration: u32,
        ciphertext: Hex,
    }

    #[derive(Deserialize)]
    struct Event {
        op: String,
        id: usize,
        r#type: Option<u8>,
        plaintext: Option<Hex>,
        ciphertext: Option<Hex>,
        mutation: Option<Mutation>,
        result: Option<String>,
    }

    #[derive(Deserialize)]
    struct Mutation {
        offset: usize,
        xor: u8,
    }

    #[test]
    fn messages_are_read_and_written_as_recorded() {
        let wire = section::<Wire>("wire");
        for case in wire.sender_key_distribution_message {
            let message = DistributionMessage::parse(&case.serialized).unwrap();
            assert_eq!(message.distribution_id(), distribution_id(&case.distribution_id));
            assert_eq!(message.distribution_id().to_string(), case.distribution_id);
            assert_eq!((message.chain_id(), message.iteration()), (case.chain_id, case.iteration));
            assert_eq!(message.chain_key.expose(), &case.chain_key.array());
            assert_eq!(message.signing_key, PublicKey::from_bytes(&case.signing_key).unwrap());
            assert_eq!(*message.serialize(), *case.serialized);
        }
        for case in wire.sender_key_message {
            let message = SenderKeyMessage::parse(&case.serialized).unwrap();
            assert_eq!(message.distribution_id(), distribution_id(&case.distribution_id));
            assert_eq!((message.chain_id(), message.iteration()), (case.chain_id, case.iteration));
            assert_eq!(message.ciphertext(), *case.ciphertext);
            let key = PublicKey::from_bytes(&case.signing_public).unwrap();
            assert_eq!(message.authentic(&key), case.valid);
            let parts = SenderKeyParts {
                distribution_id: message.distribution_id(),
                chain_id: message.chain_id(),
                iteration: message.iteration(),
                ciphertext: message.ciphertext(),
            };
            let written = parts.serialize(&KeyPair::generate(&mut rng(1)).private, &mut rng(2));
            let signed = written.len() - Signature::LEN;
            assert_eq!(written[..signed], case.serialized[..signed]);
        }
    }

    /// Everything but the signatures, whose randomness was not recorded, is byte for byte that of the official
    /// library; and each side's signatures hold for the other.
    #[test]
    fn the_group_conversation_is_replayed() {
        let case = section::<Conversation>("sender_key");
        // The private signing key stands in the library's own record.
        let state = field(&case.sender_record_after_create, 1);
        let signing = field(&field(&state, 3), 2);
        let mut recorded = Recorded::new(&[&case.chain_id.to_le_bytes(), &case.chain_key, &signing]);
        let id = distribution_id(&case.distribution_id);
        let mut sender = SenderKeyRecord::create(id, &mut recorded);
        let distribution = sender.distribution().unwrap();
        assert_eq!(*distribution.serialize(), *case.distribution_message);
        assert_eq!(DistributionMessage::parse(&case.distribution_message).unwrap(), distribution);
        let mut receiver = SenderKeyRecord::new(id);
        receiver.process(&distribution).unwrap();

        let first = SenderKeyMessage::parse(case.events[0].ciphertext.as_ref().unwrap()).unwrap();
        assert_eq!(first.distribution_id(), distribution_id(&case.parsed0.distribution_id));
        assert_eq!((first.chain_id(), first.iteration()), (case.parsed0.chain_id, case.parsed0.iteration));
        assert_eq!(first.ciphertext(), *case.parsed0.ciphertext);

        let mut sent = Vec::new();
        for event in &case.events {
            if event.op == "encrypt" {
                let (plaintext, bytes) =
                    (event.plaintext.clone().unwrap(), event.ciphertext.clone().unwrap());
                let ours = sender.encrypt(&plaintext, &mut rng(3)).unwrap();
                assert_eq!(Some(ours.kind as u8), event.r#type);
                let signed = bytes.len() - Signature::LEN;
                assert_eq!(ours.bytes[..signed], bytes[..signed], "message {}", event.id);
                for message in [&ours.bytes, &*bytes] {
                    assert!(SenderKeyMessage::parse(message).unwrap().authentic(&distribution.signing_key));
                }
                assert_eq!(sent.len(), event.id);
                sent.push((plaintext, bytes));
                continue;
            }
            let (plaintext, bytes) = &sent[event.id];
            let mut bytes = bytes.to_vec();
            if let Some(mutation) = &event.mutation {
                bytes[mutation.offset] ^= mutation.xor;
            }
            let before = receiver.clone();
            let result = receive(&mut receiver, &bytes);
            match event.result.as_deref() {
                None | Some("ok") => assert_eq!(result.as_ref(), Ok(&**plaintext)),
                Some("duplicate") => {
                    assert_eq!(
                        result,
                        Err(SenderKeyError::Duplicate { iteration: u32::try_from(event.id).unwrap() })
                    );
                    assert_eq!(receiver, before);
                }
                Some(_) => {
                    assert_eq!(result, Err(SenderKeyError::BadSignature));
                    assert_eq!(receiver, before);
                }
            }
            receiver = SenderKeyRecord::from_bytes(&receiver.to_bytes()).unwrap();
        }
        assert_eq!(*sender.distribution().unwrap().serialize(), *case.distribution_message_after_six);
    }
}

#[test]
fn a_member_reads_from_where_it_was_told_on() {
    let (mut sender, mut first) = pair(1);
    let early = send(&mut sender, b"before");
    let mut late = SenderKeyRecord::new(GROUP);
    late.process(&sender.distribution().unwrap()).unwrap();
    let after = send(&mut sender, b"after");
    assert_eq!(receive(&mut first, &after), Ok(b"after".to_vec()));
    assert_eq!(receive(&mut first, &early), Ok(b"before".to_vec()));
    assert_eq!(receive(&mut late, &early), Err(SenderKeyError::Duplicate { iteration: 0 }));
    assert_eq!(receive(&mut late, &after), Ok(b"after".to_vec()));
}

#[test]
fn being_told_again_brings_no_used_key_back() {
    let (mut sender, mut receiver) = pair(1);
    let told = sender.distribution().unwrap();
    let message = send(&mut sender, b"once");
    receive(&mut receiver, &message).unwrap();
    receiver.process(&told).unwrap();
    assert_eq!(receive(&mut receiver, &message), Err(SenderKeyError::Duplicate { iteration: 0 }));
    // The sender's own record is not changed by its own message either.
    let before = sender.clone();
    sender.process(&told).unwrap();
    assert_eq!(sender, before);
}

#[test]
fn a_chain_of_the_same_number_under_another_key_replaces_the_old_one() {
    let (mut sender, mut receiver) = pair(1);
    let message = send(&mut sender, b"old");
    let mut other = sender.distribution().unwrap();
    other.signing_key = KeyPair::generate(&mut rng(5)).public;
    receiver.process(&other).unwrap();
    assert_eq!(receiver.states.len(), 1);
    assert_eq!(receive(&mut receiver, &message), Err(SenderKeyError::BadSignature));
}

#[test]
fn five_chains_are_kept_and_the_one_least_recently_told_of_is_forgotten() {
    let mut receiver = SenderKeyRecord::new(GROUP);
    let mut senders: Vec<_> = (1..=6).map(|seed| pair(seed).0).collect();
    for sender in &senders[..5] {
        receiver.process(&sender.distribution().unwrap()).unwrap();
    }
    receiver.process(&senders[0].distribution().unwrap()).unwrap();
    receiver.process(&senders[5].distribution().unwrap()).unwrap();
    assert_eq!(receiver.states.len(), 5);
    let mut results = senders
        .iter_mut()
        .map(|sender| (sender.states[0].chain_id, send(sender, b"hello")))
        .map(|(chain_id, message)| match receive(&mut receiver, &message) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error, SenderKeyError::NoState { chain_id });
                false
            }
        });
    assert_eq!([(); 6].map(|()| results.next().unwrap()), [true, false, true, true, true, true]);
}

#[test]
fn at_most_25_000_messages_are_skipped_and_2_000_remembered() {
    let (sender, receiver) = pair(1);
    let at = |iteration: u32| {
        let mut sender = sender.clone();
        sender.states[0].chain.advance(iteration - 1).unwrap();
        send(&mut sender, &iteration.to_le_bytes())
    };
    let ahead = 25_001;
    let mut too_far = receiver.clone();
    assert_eq!(receive(&mut too_far, &at(ahead)), Err(SenderKeyError::TooFarAhead { ahead }));
    assert_eq!(too_far, receiver);

    let mut receiver = receiver;
    assert!(receive(&mut receiver, &at(25_000)).is_ok());
    let iteration = 22_999;
    assert_eq!(receive(&mut receiver, &at(iteration)), Err(SenderKeyError::Duplicate { iteration }));
    assert_eq!(receive(&mut receiver, &at(23_000)), Ok(23_000u32.to_le_bytes().to_vec()));
    assert_eq!(receive(&mut receiver, &at(24_999)), Ok(24_999u32.to_le_bytes().to_vec()));
    assert_eq!(SenderKeyRecord::from_bytes(&receiver.to_bytes()), Ok(receiver));
}

#[test]
fn the_last_position_of_a_chain_is_neither_sent_nor_read() {
    let (mut sender, mut receiver) = pair(1);
    sender.states[0].chain.index = u32::MAX;
    receiver.states[0].chain.index = u32::MAX;
    let before = (sender.clone(), receiver.clone());
    assert_eq!(sender.encrypt(b"", &mut rng(1)), Err(SenderKeyError::Exhausted));
    let SigningKey::Own(pair) = &sender.states[0].signing else { unreachable!() };
    let parts = SenderKeyParts {
        distribution_id: GROUP,
        chain_id: sender.states[0].chain_id,
        iteration: u32::MAX,
        ciphertext: &[0; 16],
    };
    let message = parts.serialize(&pair.private, &mut rng(1));
    assert_eq!(receive(&mut receiver, &message), Err(SenderKeyError::Exhausted));
    assert_eq!((sender, receiver), before);
}

#[test]
fn what_was_signed_but_does_not_decrypt_changes_nothing() {
    let (mut sender, mut receiver) = pair(1);
    let SigningKey::Own(pair) = sender.states[0].signing.clone() else { unreachable!() };
    let chain_id = sender.states[0].chain_id;
    let messages = [0; 4].map(|_| send(&mut sender, b"good"));
    receive(&mut receiver, &messages[2]).unwrap();
    let before = receiver.to_bytes();
    // One whose seed is stored, and one that would move the chain.
    for iteration in [1, 3] {
        for ciphertext in [&[][..], &[1; 15], &[1; 16]] {
            let parts = SenderKeyParts { distribution_id: GROUP, chain_id, iteration, ciphertext };
            let message = parts.serialize(&pair.private, &mut rng(1));
            assert_eq!(receive(&mut receiver, &message), Err(SenderKeyError::BadCiphertext));
            assert_eq!(receiver.to_bytes(), before);
        }
        assert_eq!(receive(&mut receiver.clone(), &messages[iteration as usize]), Ok(b"good".to_vec()));
    }
}

#[test]
fn only_the_owner_of_a_chain_sends_with_it() {
    let (sender, mut receiver) = pair(1);
    assert_eq!(receiver.encrypt(b"", &mut rng(1)), Err(SenderKeyError::NoOwnChain));
    assert_eq!(receiver.distribution(), Err(SenderKeyError::NoOwnChain));
    assert_eq!(SenderKeyRecord::new(GROUP).distribution(), Err(SenderKeyError::NoOwnChain));
    let mut stored = SenderKeyRecord::from_bytes(&sender.to_bytes()).unwrap();
    assert_eq!(stored, sender);
    assert_eq!(stored.encrypt(b"", &mut rng(1)).unwrap().kind, MessageKind::SenderKey);
}

#[test]
fn messages_of_another_distribution_are_refused() {
    let (mut sender, _) = pair(1);
    let mut other = SenderKeyRecord::new(DistributionId([8; 16]));
    assert_eq!(other.process(&sender.distribution().unwrap()), Err(SenderKeyError::OtherDistribution));
    assert_eq!(receive(&mut other, &send(&mut sender, b"")), Err(SenderKeyError::OtherDistribution));
}

#[test]
fn what_would_be_too_long_is_not_encrypted() {
    let (mut sender, mut receiver) = pair(1);
    let before = sender.clone();
    let longest = vec![0; MAX_MESSAGE_LEN - 128];
    assert!(receive(&mut receiver, &send(&mut sender, &longest)).is_ok());
    let mut sender = before.clone();
    let result = sender.encrypt(&vec![0; MAX_MESSAGE_LEN], &mut rng(1));
    assert!(matches!(result, Err(SenderKeyError::TooLong { .. })));
    assert_eq!(sender, before);
}

#[test]
fn messages_of_other_versions_and_lengths_are_told_apart() {
    let (mut sender, _) = pair(1);
    let mut message = send(&mut sender, b"");
    let mut distribution = sender.distribution().unwrap().serialize();
    // Only the high nibble counts.
    message[0] = 0x3F;
    assert!(SenderKeyMessage::parse(&message).is_ok());
    for (byte, error) in [(0x23, ParseError::LegacyVersion(2)), (0x43, ParseError::UnknownVersion(4))] {
        message[0] = byte;
        distribution[0] = byte;
        assert_eq!(SenderKeyMessage::parse(&message).unwrap_err(), error);
        assert_eq!(DistributionMessage::parse(&distribution).unwrap_err(), error);
    }
    for (actual, error) in [
        (0, ParseError::TooShort { actual: 0 }),
        (64, ParseError::TooShort { actual: 64 }),
        (MAX_MESSAGE_LEN + 1, ParseError::TooLong { actual: MAX_MESSAGE_LEN + 1 }),
    ] {
        let bytes = vec![0x33; actual];
        assert_eq!(SenderKeyMessage::parse(&bytes).unwrap_err(), error);
        assert_eq!(DistributionMessage::parse(&bytes).unwrap_err(), error);
    }
    let empty = [&[0x33][..], &[0; 64]].concat();
    assert_eq!(SenderKeyMessage::parse(&empty).unwrap_err(), Malformed::Missing { field: 1 }.into());
}

#[test]
fn damaged_records_are_told_apart() {
    let (mut sender, mut receiver) = pair(1);
    let messages = [0; 3].map(|_| send(&mut sender, b""));
    receive(&mut receiver, &messages[2]).unwrap();
    let read = |bytes: &[u8]| SenderKeyRecord::from_bytes(bytes).unwrap_err();
    let mut bytes = receiver.to_bytes().to_vec();
    assert_eq!(read(&[]), Malformed::Missing { field: 1 }.into());
    assert_eq!(read(&bytes[2..]), Malformed::Missing { field: 1 }.into());
    assert_eq!(read(&bytes[..2]), Malformed::Missing { field: 2 }.into());
    // The record ends with the skipped seeds 0 and 1: the second becomes another 0.
    let end = bytes.len();
    bytes[end - 33] = 0;
    assert_eq!(read(&bytes), StateError::Inconsistent("a skipped seed out of order"));
    bytes[1] = 2;
    assert_eq!(read(&bytes), StateError::Version(2));
    let state = receiver.to_bytes()[20..].to_vec();
    let twice = [receiver.to_bytes().as_slice(), &state].concat();
    assert_eq!(read(&twice), StateError::Inconsistent("two sender key chains of one number"));
    let often = [receiver.to_bytes().as_slice(), &state.repeat(5)].concat();
    assert_eq!(read(&often), StateError::Inconsistent("too many sender key chains"));
}

#[test]
fn debug_shows_no_secret() {
    let (sender, _) = pair(1);
    let shown = format!("{sender:?} {:?}", sender.distribution().unwrap());
    assert!(shown.contains("Secret(32 bytes)") && shown.contains("PrivateKey(…)"), "{shown}");
    assert!(!shown.contains(&format!("{:?}", sender.states[0].chain.key.expose())), "{shown}");
}

#[test]
fn a_message_with_any_bit_changed_is_refused_and_changes_nothing() {
    let (mut sender, mut receiver) = pair(1);
    send(&mut sender, b"lost");
    let good = send(&mut sender, b"text");
    let before = receiver.to_bytes();
    for bit in 0..good.len() * 8 {
        let mut message = good.clone();
        message[bit / 8] ^= 1 << (bit % 8);
        if let Ok(parsed) = SenderKeyMessage::parse(&message) {
            assert!(receiver.decrypt(&parsed).is_err(), "bit {bit}");
        }
        assert_eq!(receiver.to_bytes(), before, "bit {bit}");
    }
    assert_eq!(receive(&mut receiver, &good), Ok(b"text".to_vec()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn lost_repeated_and_reordered_messages_give_each_plaintext_at_most_once(
        seed: u8,
        plaintexts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..30),
        deliveries in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..60),
    ) {
        let (mut sender, mut receiver) = pair(seed);
        let sent: Vec<_> = plaintexts.iter().map(|plaintext| send(&mut sender, plaintext)).collect();
        let mut seen = vec![false; sent.len()];
        for (index, store) in deliveries {
            let index = index.index(sent.len());
            let result = receive(&mut receiver, &sent[index]);
            if seen[index] {
                let iteration = u32::try_from(index).unwrap();
                prop_assert_eq!(result, Err(SenderKeyError::Duplicate { iteration }));
            } else {
                prop_assert_eq!(result, Ok(plaintexts[index].clone()));
                seen[index] = true;
            }
            if store {
                receiver = SenderKeyRecord::from_bytes(&receiver.to_bytes()).unwrap();
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = SenderKeyMessage::parse(&bytes);
        let _ = DistributionMessage::parse(&bytes);
        let _ = SenderKeyRecord::from_bytes(&bytes);
        let versioned = [&[0x33], bytes.as_slice()].concat();
        let _ = SenderKeyMessage::parse(&versioned);
        let _ = DistributionMessage::parse(&versioned);
        let _ = SenderKeyRecord::from_bytes(&[&[8, 1], bytes.as_slice()].concat());
    }

    #[test]
    fn a_damaged_record_is_refused_or_reads_as_it_writes(at: prop::sample::Index, byte: u8) {
        let (mut sender, mut receiver) = pair(1);
        let messages = [0; 5].map(|_| send(&mut sender, b"text"));
        receive(&mut receiver, &messages[4]).unwrap();
        let mut bytes = receiver.to_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(record) = SenderKeyRecord::from_bytes(&bytes) {
            prop_assert_eq!(SenderKeyRecord::from_bytes(&record.to_bytes()), Ok(record));
        }
    }
}
