//! Sending and receiving between accounts with one device each: sessions, states, trust.

use client::{
    Draft, Ended, Error, Event, Failure, Registration, Settings, State, Trust, Vault as _,
    vault::{Order, Space},
};
use wire::{DeviceId, frames::Reason};

use super::world::{World, until};

#[tokio::test(start_paused = true)]
async fn a_message_arrives_and_its_sender_hears_how_far_it_came() {
    let world = World::new(1);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let found = anna.device.lookup(&[bank.device.own().number.clone()]).await.unwrap();
    assert_eq!(found[0].account, bank.account());

    let id = anna.say(&bank, "Good morning").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    let [got] = &bank.chat(&anna).await[..] else { panic!() };
    assert_eq!((got.id, super::world::text(got).as_str()), (id, "Good morning"));
    assert_eq!(bank.device.chats().await.unwrap()[0].unread, 1);

    assert_eq!(bank.device.mark_read(anna.account(), got.position).await.unwrap(), 1);
    until(async || anna.message(id).await.state == State::Read).await;
    assert_eq!(bank.device.chats().await.unwrap()[0].unread, 0);
    let states = [State::Queued, State::Sent, State::Delivered, State::Read];
    for expected in &states {
        assert_eq!(
            anna.heard(|event| matches!(event, Event::State { state, .. } if state == expected)),
            1,
            "{expected:?}"
        );
    }

    // The prekeys that the session began with are gone, so that nobody can read it later.
    let prekeys = bank.vault.memory.scan(Space::PreKey, None, Order::After(0), 1000).await.unwrap();
    assert_eq!(prekeys.len(), 202 - 2);

    let answer = bank.say(&anna, "Good morning, Anna").await;
    until(async || bank.message(answer).await.state == State::Delivered).await;
    assert_eq!(anna.texts(&bank).await, ["Good morning", "Good morning, Anna"]);
    assert_eq!(anna.heard(|event| matches!(event, Event::Message { .. })), 1);
    assert_eq!(world.relay.waiting(bank.account(), DeviceId::PRIMARY), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_offline_is_sent_in_order_when_both_are_back() {
    let world = World::new(2);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.device.stop();
    bank.device.stop();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let texts: Vec<String> = (0..50).map(|n| format!("message {n}")).collect();
    for text in &texts {
        anna.say(&bank, text).await;
    }
    assert_eq!(anna.device.outbox_len().await.unwrap(), 50);
    let anna = world.open(anna.crash().await).await;
    anna.settled().await;
    let bank = world.open(bank.crash().await).await;
    until(async || bank.texts(&anna).await.len() == 50).await;
    assert_eq!(bank.texts(&anna).await, texts);
    bank.settled().await;
    until(async || anna.chat(&bank).await.iter().all(|message| message.state == State::Delivered)).await;
}

#[tokio::test(start_paused = true)]
async fn typing_is_heard_by_who_is_there_and_by_nobody_later() {
    let world = World::new(3);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "hello").await;
    anna.settled().await;
    anna.device.typing(bank.account(), false).await.unwrap();
    bank.hears(|event| matches!(event, Event::Typing { stopped: false, .. })).await;
    let bank = bank.crash().await;
    anna.device.typing(anna.account(), true).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let bank = world.open(bank).await;
    bank.hears(|event| *event == Event::Drained).await;
    assert_eq!(bank.heard(|event| matches!(event, Event::Typing { .. })), 0);
}

#[tokio::test(start_paused = true)]
async fn a_changed_identity_is_told_and_waited_for() {
    let world = World::new(4);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let id = anna.say(&bank, "first").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    let (ours, theirs) = (
        anna.device.safety_number(bank.account()).await.unwrap(),
        bank.device.safety_number(anna.account()).await.unwrap(),
    );
    assert_eq!(ours.digits, theirs.digits);
    assert!(!anna.device.verify(bank.account(), &ours.code.0).await.unwrap());
    assert_eq!(anna.device.trust(bank.account()).await.unwrap(), Trust::FirstUse);
    assert!(anna.device.verify(bank.account(), &theirs.code.0).await.unwrap());
    assert_eq!(anna.device.trust(bank.account()).await.unwrap(), Trust::Verified);

    // The bank registers anew.
    let new = world.person(2).await;
    assert_eq!(new.account(), bank.account());
    assert_eq!(bank.ended().await.unwrap(), Ended::Removed);
    let second = anna.say(&new, "second").await;
    anna.hears(|event| matches!(event, Event::IdentityChanged { held: true, .. })).await;
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    assert_eq!(anna.message(second).await.state, State::Queued);
    assert_eq!(anna.device.trust(new.account()).await.unwrap(), Trust::Changed);
    assert!(new.texts(&anna).await.is_empty());
    // Of the new key, before it is accepted.
    let compared = anna.device.safety_number(new.account()).await.unwrap();
    assert_ne!(compared.digits, ours.digits);

    // What was compared is the old one, or none.
    for wrong in [&ours.digits, "", "1"] {
        let refused = anna.device.accept_identity(new.account(), wrong).await;
        assert!(matches!(refused, Err(Error::IdentityChanged)), "{refused:?}");
        let refused = anna.device.set_verified(new.account(), Some(wrong)).await;
        assert!(matches!(refused, Err(Error::IdentityChanged)), "{refused:?}");
    }
    assert_eq!(anna.device.trust(new.account()).await.unwrap(), Trust::Changed);
    anna.device.accept_identity(new.account(), &compared.digits).await.unwrap();
    until(async || anna.message(second).await.state == State::Delivered).await;
    assert_eq!(new.texts(&anna).await, ["second"]);
    assert_eq!(anna.device.trust(new.account()).await.unwrap(), Trust::FirstUse);
    assert_eq!(compared.digits, new.device.safety_number(anna.account()).await.unwrap().digits);

    let spaced = format!(" {} {}", &compared.digits[..5], &compared.digits[5..]);
    anna.device.set_verified(new.account(), Some(&spaced)).await.unwrap();
    assert_eq!(anna.device.trust(new.account()).await.unwrap(), Trust::Verified);
    anna.device.set_verified(new.account(), None).await.unwrap();
    assert_eq!(anna.device.trust(new.account()).await.unwrap(), Trust::FirstUse);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_changes_after_the_comparison_is_not_the_one_that_is_accepted() {
    let world = World::new(11);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "first").await;
    anna.settled().await;
    let second = world.person(2).await;
    second.say(&anna, "a new phone").await;
    anna.hears(|event| matches!(event, Event::IdentityChanged { held: true, .. })).await;
    let compared = anna.device.safety_number(second.account()).await.unwrap().digits;
    // While Anna compares, somebody else takes the number.
    let third = world.person(2).await;
    third.say(&anna, "me too").await;
    until(async || anna.heard(|event| matches!(event, Event::IdentityChanged { .. })) == 2).await;
    let refused = anna.device.accept_identity(third.account(), &compared).await;
    assert!(matches!(refused, Err(Error::IdentityChanged)));
    assert!(anna.device.set_verified(third.account(), Some(&compared)).await.is_err());
    assert_eq!(anna.device.trust(third.account()).await.unwrap(), Trust::Changed);
}

#[tokio::test(start_paused = true)]
async fn a_program_may_accept_what_was_not_verified() {
    let world = World::new(5);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let settings = Settings { accept_changed_identities: true, ..Settings::default() };
    anna.device.set_settings(settings).await.unwrap();
    assert_eq!(anna.device.settings().await.unwrap(), settings);
    let id = anna.say(&bank, "first").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    let new = world.person(2).await;
    drop(bank);
    // What comes from the new one is read at once, and answered in its session.
    new.say(&anna, "hello, it is me").await;
    anna.hears(|event| matches!(event, Event::IdentityChanged { held: false, .. })).await;
    let id = anna.say(&new, "second").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    assert_eq!(new.texts(&anna).await, ["hello, it is me", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_sent_fails_for_a_reason() {
    let world = World::new(6);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let nobody = client::AccountId::from_random([9; 16]);
    let id = anna.device.send(nobody, Draft::text("is anybody there?")).await.unwrap();
    until(async || anna.message(id).await.state == State::Failed { reason: Failure::NoSuchAccount }).await;

    anna.say(&bank, "hello").await;
    anna.settled().await;
    bank.settled().await;
    for (reason, failure) in [(Reason::QueueFull, Failure::QueueFull), (Reason::Invalid, Failure::Refused)] {
        world.relay.state().refuse.push_back(reason);
        let id = anna.say(&bank, "this one not").await;
        until(async || anna.message(id).await.state == State::Failed { reason: failure }).await;
    }
    // What is refused for a while is sent later, and nothing overtakes it.
    world.relay.state().refuse.extend([
        Reason::RateLimited,
        Reason::Unavailable,
        Reason::Unavailable,
        Reason::RateLimited,
    ]);
    for text in ["a", "b", "c"] {
        anna.say(&bank, text).await;
    }
    until(async || bank.texts(&anna).await.len() == 4).await;
    assert_eq!(bank.texts(&anna).await, ["hello", "a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_collects_expires() {
    let world = World::new(7);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let bank_account = bank.account();
    let bank = bank.crash().await;
    let id = anna.device.send(bank_account, Draft::text("hello?")).await.unwrap();
    until(async || anna.message(id).await.state == State::Sent).await;
    world.relay.expire(bank_account, DeviceId::PRIMARY);
    until(async || anna.message(id).await.state == State::Expired).await;
    drop(bank);
}

#[tokio::test(start_paused = true)]
async fn prekeys_are_filled_up_and_the_last_resort_serves_once() {
    let world = World::new(8);
    let bank = world.person(1).await;
    {
        let mut state = world.relay.state();
        let device =
            state.accounts.get_mut(&bank.account()).unwrap().devices.get_mut(&DeviceId::PRIMARY).unwrap();
        device.one_time.clear();
        device.one_time_kem.clear();
    }
    let anna = world.person(2).await;
    let id = anna.say(&bank, "with the last resort").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    // An hour later the bank has seen that it has none.
    tokio::time::sleep(std::time::Duration::from_secs(3700)).await;
    let left = |world: &World| {
        let state = world.relay.state();
        let device = &state.accounts[&bank.account()].devices[&DeviceId::PRIMARY];
        (device.one_time.len(), device.one_time_kem.len())
    };
    assert_eq!(left(&world), (100, 100));
    // A week later the lasting ones are others, and still nobody has to begin anew.
    tokio::time::sleep(std::time::Duration::from_secs(8 * 86_400)).await;
    let id = anna.say(&bank, "a week later").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    assert_eq!(bank.texts(&anna).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_device_runs_once_and_not_after_it_was_replaced() {
    let world = World::new(9);
    let anna = world.person(1).await;
    anna.hears(|event| *event == Event::Drained).await;
    assert!(matches!(anna.device.run().await, Err(Error::Invalid(_))));
    let copy = world.open(anna.vault.memory.snapshot()).await;
    copy.hears(|event| *event == Event::Drained).await;
    assert_eq!(anna.ended().await.unwrap(), Ended::Replaced);
    copy.device.stop();
    assert_eq!(copy.ended().await.unwrap(), Ended::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_number_is_registered_with_its_code_and_its_pin() {
    let world = World::new(10);
    let anna = world.person(1).await;
    anna.device.set_pin(Some("2468")).await.unwrap();
    let again = async |code: &str, pin: Option<&str>| {
        let vault = super::world::TestVault::new(client::MemoryVault::new());
        let (edges, _) = world.edges(&vault).await;
        let registration = Registration {
            number: anna.device.own().number.clone(),
            code: code.into(),
            pin: pin.map(str::to_owned),
            device_name: String::new(),
        };
        client::Device::register(edges, registration).await
    };
    assert_eq!(again("000000", None).await.unwrap_err().code(), Some(wire::ErrorCode::CodeWrong));
    assert_eq!(again("123456", None).await.unwrap_err().code(), Some(wire::ErrorCode::RegistrationLocked));
    assert!(again("123456", Some("2468")).await.is_ok());

    let (edges, _) = world.edges(&anna.vault).await;
    let registration = Registration {
        number: anna.device.own().number.clone(),
        code: "123456".into(),
        pin: None,
        device_name: String::new(),
    };
    assert!(matches!(client::Device::register(edges, registration).await, Err(Error::AlreadyRegistered)));
    let empty = super::world::TestVault::new(client::MemoryVault::new());
    let (edges, _) = world.edges(&empty).await;
    assert!(matches!(client::Device::open(edges).await, Err(Error::NotRegistered)));
}
