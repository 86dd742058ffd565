//! The stored form.

use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::*;
use crate::{Malformed, StateError, protobuf::fields};

fn restored(side: &Spqr) -> Spqr {
    Spqr::read(&side.to_bytes()).unwrap()
}

#[test]
fn every_state_goes_on_from_its_stored_form() {
    for (name, side) in one_of_each_state() {
        let mut restored = restored(&side);
        assert_eq!(restored.to_bytes(), side.to_bytes(), "{name}");
        assert_eq!(restored.chains.role, side.chains.role, "{name}");
        assert_eq!(restored.chains.current, side.chains.current, "{name}");
        let mut side = side;
        assert_eq!(restored.send(&mut rng(1)), side.send(&mut rng(1)), "{name}");
        assert_eq!(restored.to_bytes(), side.to_bytes(), "{name}");
    }
}

#[test]
fn two_sides_that_are_stored_after_every_message_do_not_notice() {
    let mut pair = Pair::new(11);
    while pair.a.machine.epoch < 4 {
        pair.a_to_b();
        pair.a = restored(&pair.a);
        pair.b = restored(&pair.b);
        pair.b_to_a();
        pair.a = restored(&pair.a);
        pair.b = restored(&pair.b);
    }
}

#[test]
fn the_stored_form_stays_below_four_kilobytes() {
    let mut largest = std::collections::BTreeMap::new();
    let mut note = |side: &Spqr| {
        let length = side.to_bytes().len() - side.skipped_len();
        let largest = largest.entry(side.state()).or_insert(0);
        *largest = length.max(*largest);
    };
    let mut pair = Pair::new(12);
    // Ping-pong, then turns of other lengths, so that streams are nearly complete in every state.
    for turns in [(1, 1), (35, 29), (40, 1), (1, 40), (29, 35), (7, 7)] {
        for _ in 0..50 {
            (0..turns.0).for_each(|_| {
                pair.a_to_b();
                note(&pair.b);
            });
            (0..turns.1).for_each(|_| {
                pair.b_to_a();
                note(&pair.a);
            });
        }
    }
    assert_eq!(largest.len(), 11, "{largest:?}");
    for (state, length) in largest {
        let limit = match state {
            "KeysUnsampled" | "NoHeaderReceived" | "HeaderReceived" | "Ct2Sampled" => 600,
            "Ct1Acknowledged" | "EkReceivedCt1Sampled" => 1700,
            "Ct1Sampled" => 2600,
            _ => 3800,
        };
        assert!(length < limit, "{length} bytes in {state}");
    }
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let states = one_of_each_state();
    let change = |state: &str, change: &dyn Fn(&mut Spqr)| {
        let mut side = states[state].clone();
        change(&mut side);
        Spqr::read(&side.to_bytes()).err()
    };
    let epoch = Some(StateError::Inconsistent("the epoch is out of range"));
    assert_eq!(change("HeaderSent", &|side| side.machine.epoch = 0), epoch);
    assert_eq!(change("HeaderSent", &|side| side.machine.epoch = 1 << 63), epoch);
    let sending = Some(StateError::Inconsistent("the sending chains are not those of the epoch"));
    assert_eq!(change("HeaderSent", &|side| side.chains.upcoming = Some(Secret::new([1; 32]))), sending);
    assert_eq!(change("Ct1Sampled", &|side| side.chains.upcoming = None), sending);
    assert_eq!(change("KeysUnsampled", &|side| side.machine.epoch = 1), sending);
    let receiving = Some(StateError::Inconsistent("the receiving chains are not those of the epoch"));
    assert_eq!(change("HeaderSent", &|side| drop(side.chains.receiving.pop())), receiving);
    assert_eq!(change("HeaderSent", &|side| side.chains.receiving.clear()), receiving);
    assert_eq!(
        change("HeaderSent", &|side| side.chains.receiving.extend(side.chains.receiving.clone())),
        receiving
    );
    assert_eq!(change("HeaderSent", &|_| ()), None);
}

#[test]
fn skipped_keys_that_are_not_those_of_their_chain_are_refused() {
    let mut pair = Pair::new(13);
    pair.a_loses(4);
    pair.a_to_b();
    let read = |indices: &[u32]| {
        let mut side = pair.b.clone();
        let skipped =
            indices.iter().map(|index| chain::SkippedKey { index: *index, key: Secret::new([0; 32]) });
        side.chains.receiving[0].skipped = std::sync::Arc::new(skipped.collect());
        Spqr::read(&side.to_bytes()).err()
    };
    assert_eq!(read(&[1, 2, 4]), None);
    for wrong in [[1, 1].as_slice(), &[2, 1], &[0, 1], &[4, 5]] {
        let error = StateError::Inconsistent("the skipped keys are not those of their chain");
        assert_eq!(read(wrong), Some(error), "{wrong:?}");
    }
}

#[test]
fn missing_and_misshapen_fields_are_named() {
    let bytes = one_of_each_state()["Ct1Sampled"].to_bytes();
    let without = |missing: u32| {
        let mut writer = Writer::with_capacity(bytes.len());
        for (field, value) in fields(&bytes).map(Result::unwrap).filter(|(field, _)| *field != missing) {
            match value.u64() {
                Ok(number) => writer.uint(field, number),
                Err(_) => writer.bytes(field, value.bytes().unwrap()),
            }
        }
        Spqr::read(&writer.finish()).err()
    };
    for field in 1..=5 {
        assert_eq!(without(field), Some(Malformed::Missing { field }.into()));
    }
    assert_eq!(without(15), Some(Malformed::Missing { field: 8 }.into()));
    assert_eq!(without(19), None, "a field that is not there");

    let mut longer = bytes.clone();
    longer.extend([0x22, 1, 0]);
    assert_eq!(Spqr::read(&longer).err(), Some(Malformed::Length { field: 4 }.into()));
}

#[test]
fn every_state_has_the_parts_that_its_schema_names() {
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let schema =
        DescriptorPool::from_file_descriptor_set(protox::compile(["spqr_state.proto"], [proto]).unwrap());
    let descriptor = schema.unwrap().get_message_by_name("tradepost.signal.v1.SpqrState").unwrap();
    for (name, side) in one_of_each_state() {
        let message = DynamicMessage::decode(descriptor.clone(), side.to_bytes().as_slice()).unwrap();
        assert_eq!(message.unknown_fields().count(), 0, "{name}");
        let state =
            descriptor.oneofs().next().unwrap().fields().find(|field| message.has_field(field)).unwrap();
        assert_eq!(state.name().replace('_', ""), name.to_lowercase());
        let parts = message.get_field(&state).as_message().cloned().unwrap();
        assert_eq!(parts.unknown_fields().count(), 0, "{name}");
        let present: Vec<_> = parts.fields().map(|(field, _)| field.name().to_owned()).collect();
        let expected: &[&str] = match name {
            "KeysUnsampled" => &[],
            "KeysSampled" => &["key", "sent"],
            "HeaderSent" => &["key", "sent", "chunks"],
            "Ct1Received" => &["key", "ct1", "sent"],
            "EkSentCt1Received" => &["key", "ct1", "chunks"],
            "NoHeaderReceived" => &["chunks"],
            "HeaderReceived" => &["header"],
            "Ct1Sampled" => &["header", "draw", "ct1", "sent", "chunks"],
            "EkReceivedCt1Sampled" => &["ct1", "ct2", "sent"],
            "Ct1Acknowledged" => &["header", "draw", "chunks"],
            _ => &["ct2", "sent"],
        };
        assert_eq!(present, expected, "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Spqr::read(&bytes);
    }

    #[test]
    fn damaged_states_are_refused_or_go_on_without_panicking(
        state in 0usize..11,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        index in 1u32..100,
        kind in 0u8..7,
        chunk: u16,
    ) {
        thread_local!(static STATES: Vec<Spqr> = one_of_each_state().into_values().collect());
        let side = STATES.with(|states| states[state].clone());
        let mut bytes = side.to_bytes();
        for (at, byte) in damage {
            bytes[at.index(side.to_bytes().len())] = byte;
        }
        if let Ok(mut side) = Spqr::read(&bytes) {
            side.send(&mut rng(1));
            let chunk = erasure::Chunk { index: chunk, data: [1; 32] };
            let payload = [
                Payload::None,
                Payload::Header(chunk),
                Payload::Ek(chunk),
                Payload::EkCt1Ack(chunk),
                Payload::Ct1Ack,
                Payload::Ct1(chunk),
                Payload::Ct2(chunk),
            ][usize::from(kind)];
            let _ = side.receive(&Packet { epoch: side.machine.epoch, index, payload }.to_bytes(), 2000);
            let _ = side.to_bytes();
        }
    }
}
