//! Nothing is sent to a business before a person was shown who can read it.

use std::time::Duration;

use client::{Body, Clock as _, Draft, Error, Event, Hosting, LabelChange, LabelState, Settings, State};
use wire::{
    Message as _,
    hosting::{DECLARATION, Declaration, Mode},
};

use super::{
    relay::labels::{key_pair, sign},
    world::{Person, World, until},
};

/// A relay with a label key, Anna, and a bank that hosts itself.
async fn at_the_bank(seed: u64) -> (World, Person, Person) {
    let world = World::new(seed);
    world.relay.new_label_key(1, false);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    world.relay.declare(bank.account(), &declaration(&world, &bank));
    (world, anna, bank)
}

fn declaration(world: &World, bank: &Person) -> Declaration {
    world.relay.declaration(bank.account(), world.clock.now())
}

async fn label(anna: &Person, bank: &Person) -> LabelState {
    until(async || anna.device.label(bank.account()).await.unwrap().is_some()).await;
    anna.device.label(bank.account()).await.unwrap().unwrap()
}

/// Waits until the label stands so, and gives it.
async fn stands(anna: &Person, bank: &Person, change: LabelChange) -> LabelState {
    until(async || {
        anna.device.label(bank.account()).await.unwrap().is_some_and(|state| state.change == change)
    })
    .await;
    label(anna, bank).await
}

async fn show(anna: &Person, bank: &Person) {
    let state = label(anna, bank).await;
    anna.device.label_shown(bank.account(), &state.digest.0).await.unwrap();
}

/// Waits long enough for anything to be sent that would be.
async fn time_passes() {
    tokio::time::sleep(Duration::from_secs(120)).await;
}

/// The label changes of a chat, in order.
async fn shown_in_chat(anna: &Person, bank: &Person) -> Vec<LabelChange> {
    let chat = anna.chat(bank).await;
    let labels = chat.into_iter().filter_map(|message| match message.body {
        Body::Label { change, .. } => Some(change),
        _ => None,
    });
    labels.collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_first_label_was_shown() {
    let (_world, anna, bank) = at_the_bank(60).await;
    let id = anna.say(&bank, "Hello").await;
    let state = label(&anna, &bank).await;
    time_passes().await;
    assert_eq!(anna.message(id).await.state, State::Queued);
    assert!(bank.texts(&anna).await.is_empty());
    assert!(!state.shown);
    assert_eq!(state.change, LabelChange::First);
    let shown = state.label.clone().unwrap();
    assert_eq!((shown.hosting, shown.words().as_str()), (Hosting::Own, "End-to-end encrypted"));
    assert_eq!(anna.heard(|event| matches!(event, Event::Label { .. })), 1);
    assert_eq!(shown_in_chat(&anna, &bank).await, [LabelChange::First]);
    assert_eq!(anna.device.chats().await.unwrap()[0].label, Some(state.clone()));

    let other = anna.device.label_shown(bank.account(), &[0; 32]).await;
    assert!(matches!(other, Err(Error::Invalid(_))), "something else was shown");
    anna.device.label_shown(bank.account(), &state.digest.0).await.unwrap();
    until(async || anna.message(id).await.state == State::Delivered).await;
    anna.say(&bank, "Again").await;
    until(async || bank.texts(&anna).await.len() == 2).await;
    assert_eq!(anna.heard(|event| matches!(event, Event::Label { .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn who_was_written_to_is_shown_the_label_before_they_answer() {
    let (world, anna, bank) = at_the_bank(61).await;
    let offer = bank.say(&anna, "An offer").await;
    // That it came is said; that it was read, and an answer, wait.
    until(async || bank.message(offer).await.state == State::Delivered).await;
    let message = anna.message(offer).await;
    anna.device.mark_read(bank.account(), message.position).await.unwrap();
    let answer = anna.say(&bank, "No").await;
    label(&anna, &bank).await;
    time_passes().await;
    assert_eq!(anna.message(answer).await.state, State::Queued);
    assert_eq!(bank.message(offer).await.state, State::Delivered);
    show(&anna, &bank).await;
    until(async || bank.texts(&anna).await.len() == 2).await;
    until(async || bank.message(offer).await.state == State::Read).await;
    // A person is asked about once, and has no label.
    let otto = world.person(3).await;
    otto.say(&anna, "Hi").await;
    until(async || anna.texts(&otto).await.len() == 1).await;
    anna.say(&otto, "Hi").await;
    until(async || otto.texts(&anna).await.len() == 2).await;
    let asked = world.relay.state().labels.asked;
    anna.say(&otto, "Bye").await;
    until(async || otto.texts(&anna).await.len() == 3).await;
    assert_eq!(world.relay.state().labels.asked, asked);
    assert_eq!(anna.device.label(otto.account()).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_label_is_shown_before_anything_is_sent() {
    let (world, anna, bank) = at_the_bank(62).await;
    let otto = world.person(3).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    anna.settled().await;
    let good = || declaration(&world, &bank);
    let at = bank.account();
    let served = |declaration: Declaration| sign(&key_pair(1), DECLARATION, declaration.encode_to_vec());
    let forged = sign(&key_pair(99), DECLARATION, good().encode_to_vec());
    let another_context = sign(&key_pair(1), "Tradepost number proof v1", good().encode_to_vec());
    let cases = [
        (None, LabelChange::Missing),
        (Some(forged), LabelChange::Unsigned),
        (Some(another_context), LabelChange::Unsigned),
        (Some(wire::Base64(vec![1; 100])), LabelChange::Unsigned),
        (
            Some(served(Declaration { account: otto.account().as_bytes().to_vec(), ..good() })),
            LabelChange::Foreign,
        ),
        (Some(served(Declaration { identity_key: vec![5; 33], ..good() })), LabelChange::Foreign),
        (Some(served(Declaration { expires: world.clock.now(), ..good() })), LabelChange::Stale),
        (
            Some(served(Declaration {
                issued: 1,
                mode: Mode::Vendor.into(),
                host_name: "V".into(),
                ..good()
            })),
            LabelChange::Stale,
        ),
        (
            Some(served(Declaration { issued: world.clock.now() + 3 * 86_400_000, ..good() })),
            LabelChange::Stale,
        ),
    ];
    let mut count = 1;
    for (served, change) in cases {
        match served {
            Some(served) => world.relay.state().labels.served.insert(at, served),
            None => world.relay.state().labels.served.remove(&at),
        };
        let state = anna.device.refresh_label(at).await.unwrap().unwrap();
        assert_eq!(state.change, change);
        assert_eq!(state.label.as_ref().map(|label| label.hosting), Some(Hosting::Own), "the last good one");
        let id = anna.say(&bank, "And now?").await;
        time_passes().await;
        if state.shown {
            // Two that are wrong in the same way are one news.
            continue;
        }
        assert_eq!(anna.message(id).await.state, State::Queued, "{change:?}");
        // A person was shown it and wants to go on.
        show(&anna, &bank).await;
        until(async || anna.message(id).await.state == State::Delivered).await;
        count += 1;
    }
    world.relay.declare(at, &good());
    let state = anna.device.refresh_label(at).await.unwrap().unwrap();
    assert_eq!((state.change, state.shown), (LabelChange::Changed, false), "it is back, and shown again");
    assert!(count >= 5);
}

#[tokio::test(start_paused = true)]
async fn a_label_that_changes_holds_what_was_queued_before() {
    let (world, anna, bank) = at_the_bank(63).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    until(async || bank.texts(&anna).await.len() == 1).await;
    // Encrypted and queued while there is no connection; meanwhile the bank changes who hosts it.
    anna.link.faults.set(1000);
    world.relay.restart();
    let id = anna.say(&bank, "My salary is …").await;
    let vendor = Declaration {
        mode: Mode::Vendor.into(),
        host: vec![3; 16],
        host_name: "Cloudy Ltd".into(),
        since: 2,
        ..declaration(&world, &bank)
    };
    world.relay.declare(bank.account(), &vendor);
    // Whatever happened within a day may have been known before; after it the relay is asked.
    tokio::time::sleep(Duration::from_secs(25 * 3600)).await;
    anna.link.faults.set(0);
    let state = stands(&anna, &bank, LabelChange::Changed).await;
    time_passes().await;
    assert_eq!(anna.message(id).await.state, State::Queued);
    assert_eq!(state.label.unwrap().words(), "Managed by Cloudy Ltd");
    // Also over a crash.
    let anna = world.open(anna.crash().await).await;
    time_passes().await;
    assert_eq!(anna.message(id).await.state, State::Queued);
    assert_eq!(shown_in_chat(&anna, &bank).await, [LabelChange::First, LabelChange::Changed]);
    show(&anna, &bank).await;
    until(async || anna.message(id).await.state == State::Delivered).await;

    // Another vendor, the same words: another label.
    let other = Declaration { host: vec![4; 16], issued: vendor.issued + 1, ..vendor };
    world.relay.declare(bank.account(), &other);
    let state = anna.device.refresh_label(bank.account()).await.unwrap().unwrap();
    assert_eq!((state.change, state.shown), (LabelChange::Changed, false));
}

#[tokio::test(start_paused = true)]
async fn a_label_holds_for_one_identity_key() {
    let (world, anna, bank) = at_the_bank(64).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    anna.settled().await;
    // Registered again: another key, and the relay still serves what it signed for the one before.
    drop(bank);
    let bank = world.person(2).await;
    let id = anna.say(&bank, "Are you still you?").await;
    stands(&anna, &bank, LabelChange::Foreign).await;
    let digits = anna.device.safety_number(bank.account()).await.unwrap().digits;
    anna.device.accept_identity(bank.account(), &digits).await.unwrap();
    time_passes().await;
    assert_eq!(anna.message(id).await.state, State::Queued);
    // The same label for the new key is another label.
    world.relay.declare(bank.account(), &declaration(&world, &bank));
    let state = anna.device.refresh_label(bank.account()).await.unwrap().unwrap();
    assert_eq!((state.change, state.shown), (LabelChange::Changed, false));
    show(&anna, &bank).await;
    until(async || anna.message(id).await.state == State::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_key_and_a_new_label_are_both_waited_for_and_asked_about_once() {
    let (world, anna, bank) = at_the_bank(68).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    anna.settled().await;
    drop(bank);
    let bank = world.person(2).await;
    let vendor = Declaration {
        mode: Mode::Vendor.into(),
        host_name: "Cloudy Ltd".into(),
        ..declaration(&world, &bank)
    };
    world.relay.declare(bank.account(), &vendor);
    let requests = anna.link.requests.load(std::sync::atomic::Ordering::Relaxed);
    let id = anna.say(&bank, "My salary is …").await;
    let state = stands(&anna, &bank, LabelChange::Changed).await;
    time_passes().await;
    assert!(anna.link.requests.load(std::sync::atomic::Ordering::Relaxed) < requests + 10);
    let digits = anna.device.safety_number(bank.account()).await.unwrap().digits;
    anna.device.accept_identity(bank.account(), &digits).await.unwrap();
    time_passes().await;
    assert_eq!(anna.message(id).await.state, State::Queued);
    anna.device.label_shown(bank.account(), &state.digest.0).await.unwrap();
    until(async || anna.message(id).await.state == State::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn another_label_key_counts_only_if_the_one_before_certified_it() {
    let (world, anna, bank) = at_the_bank(65).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    anna.settled().await;
    // Twice while nobody looked.
    world.relay.new_label_key(2, true);
    world.relay.new_label_key(3, true);
    world.relay.declare(bank.account(), &declaration(&world, &bank));
    let state = anna.device.refresh_label(bank.account()).await.unwrap().unwrap();
    assert!(state.shown, "{state:?}");
    // The old one is void then.
    let old = sign(&key_pair(1), DECLARATION, declaration(&world, &bank).encode_to_vec());
    world.relay.state().labels.served.insert(bank.account(), old);
    let state = anna.device.refresh_label(bank.account()).await.unwrap().unwrap();
    assert_eq!(state.change, LabelChange::Unsigned);
    // And one out of the blue is none.
    world.relay.new_label_key(4, false);
    world.relay.declare(bank.account(), &declaration(&world, &bank));
    let state = anna.device.refresh_label(bank.account()).await.unwrap().unwrap();
    assert_eq!(state.change, LabelChange::Unsigned);
}

#[tokio::test(start_paused = true)]
async fn the_relay_is_asked_again_every_day_and_hosts_do_not_ask() {
    let (world, anna, bank) = at_the_bank(66).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    anna.settled().await;
    let asked = world.relay.state().labels.asked;
    let vendor = Declaration {
        mode: Mode::Operator.into(),
        host_name: "The operator".into(),
        ..declaration(&world, &bank)
    };
    world.relay.declare(bank.account(), &vendor);
    // Nobody writes, and it is seen all the same.
    tokio::time::sleep(Duration::from_secs(23 * 3600)).await;
    stands(&anna, &bank, LabelChange::Changed).await;
    assert!(world.relay.state().labels.asked > asked);

    let settings = Settings { ignore_labels: true, ..Settings::default() };
    bank.device.set_settings(settings).await.unwrap();
    let asked = world.relay.state().labels.asked;
    let otto = world.person(3).await;
    otto.device.set_settings(settings).await.unwrap();
    otto.say(&bank, "Business to business").await;
    until(async || bank.texts(&otto).await.len() == 1).await;
    bank.say(&otto, "Good").await;
    until(async || otto.texts(&bank).await.len() == 2).await;
    assert_eq!(world.relay.state().labels.asked, asked);
}

#[tokio::test(start_paused = true)]
async fn a_number_is_shared_with_one_business_and_by_choice() {
    let (world, anna, bank) = at_the_bank(67).await;
    anna.say(&bank, "Hello").await;
    show(&anna, &bank).await;
    let id = anna.device.share_number(bank.account()).await.unwrap();
    until(async || anna.message(id).await.state == State::Delivered).await;
    let proof = wire::Base64(bank.account().as_bytes().repeat(4));
    assert_eq!(bank.message(id).await.body, Body::NumberShare { proof });
    let otto = world.person(3).await;
    assert!(matches!(anna.device.share_number(otto.account()).await, Err(Error::Refused(_))), "no business");
    assert!(matches!(anna.device.send(otto.account(), Draft::text("")).await, Err(Error::Invalid(_))));
}
