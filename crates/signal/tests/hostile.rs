//! How much work a stranger can make for a device: inputs that claim, repeat and skip as much as they may.
//!
//! The figures: `cargo test --release -p tradepost-signal --test hostile -- --nocapture`. What is asserted is wide of
//! them, so that a slow machine passes and only a cost that grows with the square of the input, or that follows a
//! claimed number, does not.

#[expect(dead_code, unused_imports, reason = "the property tests use more of it")]
#[path = "network/simulation/mod.rs"]
mod simulation;

use std::time::Duration;

use signal::{
    DecryptionErrorMessage, MAX_MESSAGE_LEN, MessageKind, OneTimePreKey, PlaintextContent,
    PreKeySignalMessage, SenderKeyRecord, Session, SignalMessage,
    keys::PublicKey,
    sealed::{SenderCertificate, SentMessage},
};
use simulation::{Line, Step, Who, World, wire};

const THERE: Line = Line { from: Who::Anna, to: Who::Ben };
/// Many times what anything here takes without optimisation.
const LONG: Duration = Duration::from_secs(8);

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    #[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
    let start = std::time::Instant::now();
    let outcome = work();
    let spent = start.elapsed();
    println!("{what}: {:.1} ms", spent.as_secs_f64() * 1e3);
    assert!(spent < LONG, "{what} takes {spent:?}");
    outcome
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7F {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

fn number(field: u8, value: u64) -> Vec<u8> {
    [vec![field << 3], varint(value)].concat()
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    [vec![field << 3 | 2], varint(content.len() as u64), content.to_vec()].concat()
}

/// `part`, as often as a message of the greatest length holds it.
fn often(start: &[u8], part: &[u8]) -> Vec<u8> {
    let times = (MAX_MESSAGE_LEN - 64 - start.len()) / part.len();
    [start, &part.repeat(times)].concat()
}

#[test]
fn the_largest_inputs_are_read_in_linear_time() {
    let mut world = World::new(1);
    let letter = world.write(THERE, None);
    let key = world.party(Who::Anna).identity().to_bytes();
    let (local, remote) = (world.party(Who::Ben).device.clone(), letter.line.from);
    let remote = world.party(remote).device.address.clone();
    let restore = |bytes: &[u8]| Session::from_bytes(local.clone(), remote.clone(), bytes).is_err();

    let keys = often(&[0x44], &bytes(1, &key));
    let unknown = often(&[0x44], &number(15, 0));
    let handshakes = often(&[0x44], &letter.bytes[1..]);
    let messages = [
        ("30,000 ratchet keys", &keys, SignalMessage::parse(&keys).is_err()),
        ("500,000 unknown fields", &unknown, SignalMessage::parse(&unknown).is_err()),
    ];
    for (what, message, refused) in messages {
        assert!(refused, "{what}");
        timed(what, || {
            (SignalMessage::parse(message).is_err(), PreKeySignalMessage::parse(message).is_err())
        });
    }
    let read = timed("500 handshakes", || PreKeySignalMessage::parse(&handshakes).is_ok());
    assert!(read, "the last of each field counts");

    let server = bytes(1, &[number(1, 1), bytes(2, &key)].concat());
    let server = [server, bytes(2, &[0; 64])].concat();
    let certificates = often(&[], &bytes(5, &server));
    let certificate = [bytes(1, &certificates), bytes(2, &[0; 64])].concat();
    timed("8,000 server certificates", || SenderCertificate::parse(&certificate).is_err());

    let padding = [&[0xC0][..], &vec![0; MAX_MESSAGE_LEN - 1]].concat();
    timed("a megabyte of padding", || PlaintextContent::parse(&padding).is_err());
    timed("a megabyte of errors", || DecryptionErrorMessage::parse(&often(&[], &bytes(1, &key))).is_err());

    let recipient = [&[0; 17][..], &[1, 0x80, 0].repeat(120), &[1, 0, 0], &[0; 48]].concat();
    let sent = [&[0x23][..], &varint(2000), &recipient.repeat(2000), &[7; 48]].concat();
    let parsed =
        timed("2,000 recipients of 121 devices", || SentMessage::parse(&sent).map(|m| m.recipients().len()));
    assert_eq!(parsed, Ok(2000));

    let seeds: Vec<u8> = (0..29_000u32).flat_map(|at| [&at.to_be_bytes()[..], &[7; 32]].concat()).collect();
    let chain = [bytes(1, &key[1..]), bytes(2, &[7; 32]), number(3, 29_000), bytes(4, &seeds)].concat();
    for (what, state) in [
        ("40,000 archived sessions", often(&number(1, 1), &bytes(3, &[0; 24]))),
        ("a session of 30,000 identity keys", bytes(2, &often(&[], &bytes(1, &key[1..])))),
        ("29,000 skipped seeds", bytes(2, &bytes(6, &chain))),
        ("28,000 keys of the post-quantum ratchet", bytes(2, &bytes(8, &often(&[], &bytes(4, &[1; 32]))))),
    ] {
        let refused = timed(what, || restore(&state));
        assert!(refused, "{what}");
    }
    let state = often(&number(1, 1), &bytes(3, &[0; 24]));
    timed("40,000 sender key chains", || SenderKeyRecord::from_bytes(&state).is_err());
    timed("a megabyte of prekey", || OneTimePreKey::from_bytes(&often(&[], &bytes(2, &key))).is_err());
}

/// A message that Anna never wrote: under a ratchet key that nobody has seen, as far ahead as it may be.
fn forged(counter: u64, epoch: u64, index: u64) -> Vec<u8> {
    let key = PublicKey::from_u([9; 32]).expect("a point of full order").to_bytes();
    let packet = [vec![1], varint(epoch), varint(index), vec![0]].concat();
    let fields =
        [bytes(1, &key), number(2, counter), number(3, 0), bytes(4, &[0; 32]), bytes(5, &packet)].concat();
    [vec![0x44], fields, vec![0; 8]].concat()
}

/// Where the chain of what Anna sends stands.
fn position(world: &mut World) -> (u64, u64) {
    let letter = world.write(THERE, None);
    let packet = wire::bytes_field(&letter.bytes, 5).expect("a post-quantum part");
    (u64::from(packet[1]), u64::from(packet[2]))
}

#[test]
fn a_forged_message_that_is_as_far_ahead_as_it_may_be_costs_a_bounded_time() {
    let mut world = World::new(1);
    world.take_step(Step::Talk(THERE, 2));
    let (epoch, index) = position(&mut world);
    let refuse = |world: &World, what, message: &[u8]| {
        for _ in 0..3 {
            let mut ben = world.party(Who::Ben).clone();
            let outcome = timed(what, || ben.receive(Who::Anna, MessageKind::Signal, message));
            assert!(outcome.is_err(), "{what}");
        }
    };
    refuse(&world, "forged, not ahead", &forged(0, epoch, index));
    refuse(&world, "forged, 25,000 ahead in the Double Ratchet", &forged(25_000, epoch, index));
    refuse(&world, "forged, 25,000 ahead in both", &forged(25_000, epoch, index + 24_998));
    refuse(&world, "forged, further ahead than it may be", &forged(4_000_000_000, epoch, index));

    // All sessions there can be, each a little further than its handshake: a message is tried in each of them.
    for _ in 0..42 {
        world.take_step(Step::Reset(THERE, 1, true));
        world.take_step(Step::Talk(THERE, 2));
    }
    let (epoch, index) = position(&mut world);
    refuse(&world, "forged, not ahead, 41 sessions", &forged(0, epoch, index));
    refuse(&world, "forged, 2,000 ahead in both, 41 sessions", &forged(2000, epoch, index + 1990));
    refuse(&world, "forged, 25,000 ahead in both, 41 sessions", &forged(25_000, epoch, index + 24_990));
}
