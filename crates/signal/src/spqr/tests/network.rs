//! Two parties over a network that delays, drops, doubles and reorders.

use proptest::prelude::*;
use rand_core::Rng;

use super::*;

/// Messages on their way to one side, and whether they arrived before.
#[derive(Default)]
struct Line(Vec<(Vec<u8>, Secret<32>, bool)>);

impl Line {
    /// Delivers the message at `at`, which stays on the line if `again` is set.
    fn deliver(&mut self, at: usize, again: bool, to: &mut Spqr) {
        if self.0.is_empty() {
            return;
        }
        let at = at % self.0.len();
        let (message, key, delivered) = &mut self.0[at];
        match to.receive(message, MAX_JUMP) {
            Ok(received) => {
                assert!(!*delivered, "a key was handed out twice");
                assert_eq!(received, *key);
            }
            Err(SpqrError::KeyUsed(_)) => assert!(*delivered, "a new message was taken for an old one"),
            Err(SpqrError::EpochGone(_)) => {}
            Err(error) => panic!("{error}"),
        }
        *delivered = true;
        if !again {
            self.0.remove(at);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send { by_a: bool },
    Deliver { to_a: bool, at: usize, again: bool },
    Lose { to_a: bool, at: usize },
    Store { a: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<bool>().prop_map(|by_a| Step::Send { by_a }),
        7 => (any::<bool>(), 0usize..4, prop::bool::weighted(0.1))
            .prop_map(|(to_a, at, again)| Step::Deliver { to_a, at, again }),
        1 => (any::<bool>(), any::<usize>()).prop_map(|(to_a, at)| Step::Lose { to_a, at }),
        1 => any::<bool>().prop_map(|a| Step::Store { a }),
    ]
}

fn run(pair: &mut Pair, to: &mut [Line; 2], step: Step) {
    match step {
        Step::Send { by_a } => {
            let from = if by_a { &mut pair.a } else { &mut pair.b };
            let (message, key) = from.send(&mut pair.rng);
            to[usize::from(by_a)].0.push((message, key, false));
        }
        Step::Deliver { to_a: true, at, again } => to[0].deliver(at, again, &mut pair.a),
        Step::Deliver { to_a: false, at, again } => to[1].deliver(at, again, &mut pair.b),
        Step::Lose { to_a, at } => {
            let line = &mut to[usize::from(!to_a)].0;
            if !line.is_empty() {
                line.remove(at % line.len());
            }
        }
        Step::Store { a } => {
            let side = if a { &mut pair.a } else { &mut pair.b };
            let bytes = side.to_bytes();
            *side = Spqr::read(&bytes).unwrap();
            assert_eq!(side.to_bytes(), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_network_does_both_sides_have_the_same_keys(
        seed: u8,
        steps in proptest::collection::vec(step(), 0..900),
    ) {
        let (mut pair, mut lines) = (Pair::new(seed), [Line::default(), Line::default()]);
        for step in steps {
            run(&mut pair, &mut lines, step);
        }
        // And it still goes on.
        pair.finish_epoch();
        pair.finish_epoch();
    }
}

#[test]
fn ping_pong_takes_some_45_round_trips_for_an_epoch() {
    let mut pair = Pair::new(1);
    for epoch in 1..8 {
        let mut round_trips = 0;
        while pair.a.machine.epoch == epoch || pair.b.machine.epoch == epoch {
            pair.a_to_b();
            pair.b_to_a();
            round_trips += 1;
        }
        assert!((40..=47).contains(&round_trips), "{round_trips}");
    }
}

#[test]
fn epochs_go_on_when_half_of_all_messages_are_lost() {
    let mut pair = Pair::new(2);
    let mut delivered = 0;
    while pair.a.machine.epoch < 7 {
        match pair.rng.next_u32() % 4 {
            0 => pair.a_to_b(),
            1 => pair.b_to_a(),
            2 => pair.a_loses(1),
            _ => pair.b_loses(1),
        }
        delivered += 1;
        assert!(delivered < 6000, "epoch {} after so many messages", pair.a.machine.epoch);
    }
}

#[test]
fn a_side_that_hears_nothing_keeps_its_state_and_goes_on() {
    let mut pair = Pair::new(3);
    pair.a_loses(70_000);
    assert_eq!(pair.states(), ("KeysSampled", "NoHeaderReceived"));
    let (message, key) = pair.a.send(&mut pair.rng);
    assert_eq!(pair.b.receive(&message, u32::MAX), Ok(key));
    pair.finish_epoch();
}

#[test]
fn a_peer_that_takes_no_part_is_followed() {
    let auth_key = Secret::new([4; 32]);
    let mut a = Spqr::new(Role::Initiator, &auth_key);
    let mut minimal = Chains::new(Role::Responder, &auth_key);
    for _ in 0..600 {
        let (message, key) = a.send(&mut rng(4));
        let packet = Packet::from_bytes(&message).unwrap();
        assert_eq!((packet.epoch, minimal.receive(0, packet.index, MAX_JUMP)), (1, Ok(key)));
        let (index, key) = minimal.send(0);
        let message = Packet { epoch: 1, index, payload: Payload::None }.to_bytes();
        assert_eq!(a.receive(&message, MAX_JUMP), Ok(key));
    }
}

#[test]
fn a_stolen_state_follows_the_exchange_that_was_going_on_and_no_further() {
    // Whatever A is at when it is robbed: the thief hears every message to A, and makes up its own draws.
    for robbed_after in [0, 1, 10, 40, 50, 60, 90] {
        let mut pair = Pair::new(5);
        for _ in 0..robbed_after {
            pair.a_to_b();
            pair.b_to_a();
        }
        let (mut thief, mut draws) = (pair.a.clone(), rng(6));
        let stolen_in = pair.a.machine.epoch;
        let mut reads = true;
        while pair.a.machine.epoch < stolen_in + 3 {
            pair.a_to_b();
            thief.send(&mut draws);
            let (message, key) = pair.b.send(&mut pair.rng);
            assert_eq!(pair.a.receive(&message, MAX_JUMP).as_ref(), Ok(&key));
            reads = thief.receive(&message, MAX_JUMP) == Ok(key);
        }
        assert!(!reads, "robbed after {robbed_after}");
        let (message, key) = pair.b.send(&mut pair.rng);
        assert_ne!(thief.receive(&message, MAX_JUMP), Ok(key));
    }
}
