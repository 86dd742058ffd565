//! Parties over a network that does what it likes, through the public interface: what holds whatever happens.
//!
//! `PROPTEST_CASES` sets the number of scripts for each property.

mod groups;
mod secrecy;
mod simulation;

use proptest::prelude::*;

use simulation::{Line, Step, Who, Why, World};

/// A number of cases that fits a test run, unless the environment asks for more.
fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(default), max_shrink_time: 60_000, ..ProptestConfig::default() }
}

fn line(parties: usize) -> impl Strategy<Value = Line> + Clone {
    prop::sample::select(Line::among(parties).collect::<Vec<_>>())
}

/// One step. Most of them are those of an ordinary bad network.
fn step(parties: usize) -> impl Strategy<Value = Step> {
    let line = line(parties);
    let who = prop::sample::select(Who::ALL[..parties].to_vec());
    let at = 0usize..24;
    let ordinary = prop_oneof![
        20 => line.clone().prop_map(Step::Send),
        20 => at.clone().prop_map(Step::Deliver),
        5 => at.clone().prop_map(Step::Again),
        4 => at.clone().prop_map(Step::Lose),
        5 => (at.clone(), any::<u16>()).prop_map(|(at, bit)| Step::Damage(at, bit.into())),
        3 => (at, 0u8..3).prop_map(|(at, way)| Step::Stray(at, way)),
        6 => (line.clone(), 1u8..8).prop_map(|(line, rounds)| Step::Talk(line, rounds)),
    ];
    let mishap = prop_oneof![
        4 => who.clone().prop_map(Step::Restart),
        3 => (line.clone(), 1u8..4, any::<bool>()).prop_map(|(line, count, heard)| Step::Reset(line, count, heard)),
        2 => line.clone().prop_map(Step::Archive),
        2 => line.clone().prop_map(Step::Forget),
        2 => line.clone().prop_map(Step::Cross),
        2 => (1u8..40).prop_map(Step::Wait),
        1 => who.clone().prop_map(Step::Rotate),
        1 => who.prop_map(Step::Stock),
        2 => (line.clone(), 3u16..60).prop_map(|(line, count)| Step::Flood(line, count)),
    ];
    // Long enough for the post-quantum epochs to turn, for seeds to be dropped, and for sessions to be.
    let long = prop_oneof![
        8 => (line.clone(), 40u8..110).prop_map(|(line, rounds)| Step::Talk(line, rounds)),
        1 => (line.clone(), 1990u16..2020).prop_map(|(line, count)| Step::Flood(line, count)),
        1 => (line, 36u8..44, any::<bool>()).prop_map(|(line, count, heard)| Step::Reset(line, count, heard)),
    ];
    prop_oneof![120 => ordinary, 30 => mishap, 2 => long]
}

fn script(parties: usize, longest: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(parties), 1..longest)
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn two_parties_read_what_they_must_and_nothing_else_and_heal(seed: u8, script in script(2, 100)) {
        let mut world = World::new(seed);
        script.into_iter().for_each(|step| world.take_step(step));
        world.heal(2);
    }

    #[test]
    fn three_parties_read_what_they_must_and_nothing_else_and_heal(seed: u8, script in script(3, 140)) {
        let mut world = World::new(seed);
        script.into_iter().for_each(|step| world.take_step(step));
        world.heal(3);
    }
}

const THERE: Line = Line { from: Who::Anna, to: Who::Ben };
const BACK: Line = THERE.back();

/// The model is worth something only if its limits are reached. (That an epoch is over is never the reason: the chains
/// of such a message are gone long before.)
#[test]
fn each_limit_is_reached_by_a_script_and_foretold_by_the_model() {
    let first = [Step::Talk(THERE, 1)];
    let in_a_second_chain = [Step::Flood(THERE, 1200), Step::Deliver(4), Step::Talk(BACK, 1)];
    let in_an_archived_session = [Step::Send(THERE), Step::Reset(BACK, 1, true)];
    let skipped_and_archived = (0..9).flat_map(|round| {
        [Step::Flood(THERE, 2001), Step::Deliver(4 * round + 4), Step::Reset(BACK, 1, true)]
    });
    let scripts: [(Why, Vec<Step>); 9] = [
        (Why::Duplicate, vec![Step::Again(0)]),
        (Why::SeedForgotten, vec![Step::Flood(THERE, 2100), Step::Deliver(4)]),
        // Two chains of one epoch, each with fewer missing than would be forgotten.
        (Why::KeyForgotten, [&in_a_second_chain[..], &[Step::Flood(THERE, 1200), Step::Deliver(8)]].concat()),
        (Why::ChainForgotten, vec![Step::Send(THERE), Step::Talk(THERE, 7)]),
        (Why::TooFarAhead, vec![Step::Flood(THERE, 25_010), Step::Deliver(4)]),
        (
            Why::TooFarAhead,
            [&[Step::Flood(THERE, 2010)], &in_an_archived_session[1..], &[Step::Deliver(4)]].concat(),
        ),
        (Why::SessionForgotten, vec![Step::Send(THERE), Step::Forget(BACK)]),
        (Why::SessionForgotten, skipped_and_archived.collect()),
        (
            Why::PreKeysGone,
            vec![
                Step::Reset(THERE, 1, false),
                Step::Send(THERE),
                Step::Deliver(0),
                Step::Reset(THERE, 42, true),
            ],
        ),
    ];
    for (why, script) in scripts {
        let mut world = World::new(1);
        first.iter().chain(&script).for_each(|step| world.take_step(*step));
        world.heal(2);
        let reached = &world.refused;
        assert!(reached.contains(&why), "{why:?} is not reached by {script:?}, but {reached:?}");
    }
}

/// So are the scripts: in a long talk the post-quantum epochs turn.
#[test]
fn the_longest_talk_takes_a_session_into_its_third_epoch() {
    let mut world = World::new(1);
    world.take_step(Step::Talk(THERE, 109));
    let epochs = world.arrived.iter().map(|letter| letter.epoch()).max();
    assert_eq!(epochs, Some(3));
}
