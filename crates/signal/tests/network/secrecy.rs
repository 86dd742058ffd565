//! What a thief can do who copies all that a device knows: its sessions, its prekeys, its identity key.

use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::{
    cases, script,
    simulation::{Letter, Line, Party, Step, Who, World},
};

/// All that `who` knows, but for what it will draw.
fn stolen(world: &World, who: Who) -> Party {
    let mut thief = world.party(who).clone();
    thief.rng = ChaCha20Rng::from_seed([0xEE; 32]);
    thief.prekeys.forget_answered();
    thief
}

/// Whether the thief reads the message with what it has, or as the first of a session that it forgot.
fn reads(thief: &Party, letter: &Letter) -> bool {
    let mut anew = thief.clone();
    anew.forget(letter.line.from);
    let received = |mut thief: Party| thief.receive(letter.line.from, letter.kind, &letter.bytes).is_ok();
    received(thief.clone()) || received(anew)
}

/// The thief follows as far as it can.
fn overhear(thief: &mut Party, letters: &[Letter]) {
    for letter in letters {
        if letter.line.to == thief.who {
            let _ = thief.receive(letter.line.from, letter.kind, &letter.bytes);
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// But for first messages that found no one-time key: those are safe once the keys that they found are replaced,
    /// which the next test states.
    #[test]
    fn what_was_read_before_a_theft_stays_secret(seed: u8, script in script(2, 80)) {
        let mut world = World::new(seed);
        script.into_iter().for_each(|step| world.take_step(step));
        for who in [Who::Anna, Who::Ben] {
            let thief = stolen(&world, who);
            for letter in world.arrived.iter().filter(|letter| letter.read && letter.line.to == who) {
                if !letter.handshake_can_be_repeated(&thief) {
                    prop_assert!(!reads(&thief, letter), "an earlier message, {:?}, is read", letter.line);
                }
            }
        }
    }

    #[test]
    fn what_is_sent_after_a_theft_is_secret_again_once_both_have_sent_and_received_twice(
        seed: u8,
        script in script(2, 80),
        line in crate::line(2),
    ) {
        let mut world = World::new(seed);
        script.into_iter().for_each(|step| world.take_step(step));
        let victim = line.from;
        let at_once = stolen(&world, victim);
        let mut follower = at_once.clone();
        for _ in 0..2 {
            for line in [line, line.back()] {
                let before = world.arrived.len();
                world.get_through(line);
                overhear(&mut follower, &world.arrived[before..]);
            }
        }
        for _ in 0..3 {
            let letter = world.write(line.back(), None);
            prop_assert!(!reads(&at_once, &letter), "a later message is read with what was stolen");
            prop_assert!(!reads(&follower, &letter), "a later message is read by one who followed");
            overhear(&mut follower, std::slice::from_ref(&letter));
            prop_assert!(world.deliver(letter).is_some());
            world.get_through(line);
        }
    }
}

#[test]
fn a_first_message_that_found_no_one_time_key_is_secret_once_the_keys_it_found_are_replaced() {
    let line = Line { from: Who::Anna, to: Who::Ben };
    let mut world = World::new(1);
    // Three bundles have one-time keys, of which the first has one of either sort.
    world.take_step(Step::Reset(line, 4, true));
    let stored = stolen(&world, Who::Ben);
    let readable: Vec<_> = world.arrived.iter().map(|letter| reads(&stored, letter)).collect();
    assert_eq!(readable, [false, false, false, true]);
    world.take_step(Step::Rotate(Who::Ben));
    assert!(reads(&stolen(&world, Who::Ben), &world.arrived[3]), "the keys are kept for one more period");
    world.take_step(Step::Rotate(Who::Ben));
    assert!(!reads(&stolen(&world, Who::Ben), &world.arrived[3]));
}

/// The thief is a real one: it does read what comes before the ratchets have turned.
#[test]
fn what_is_sent_right_after_a_theft_is_read() {
    let line = Line { from: Who::Anna, to: Who::Ben };
    let mut world = World::new(2);
    world.take_step(Step::Talk(line, 3));
    let thief = stolen(&world, Who::Ben);
    let letter = world.write(line, None);
    assert!(reads(&thief, &letter));
    world.deliver(letter);
    assert!(!reads(&stolen(&world, Who::Ben), &world.arrived[6]), "and not once it was read");
}
