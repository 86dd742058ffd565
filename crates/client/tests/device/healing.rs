//! What cannot be read is asked for again, once.

use client::{DraftContent, Event, State};
use wire::{
    DeviceId,
    frames::{Envelope, Kind},
};

use super::world::{World, until};

#[tokio::test(start_paused = true)]
async fn a_lost_session_heals_and_every_message_shows_once() {
    let world = World::new(40);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "0").await;
    until(async || bank.texts(&anna).await.len() == 1).await;
    bank.say(&anna, "welcome").await;
    until(async || anna.texts(&bank).await.len() == 2).await;
    bank.settled().await;
    let backup = bank.vault.memory.snapshot();
    for n in 1..6 {
        anna.say(&bank, &n.to_string()).await;
        bank.say(&anna, &format!("yes, {n}")).await;
    }
    until(async || bank.texts(&anna).await.len() == 12 && anna.texts(&bank).await.len() == 12).await;
    anna.settled().await;
    bank.settled().await;
    bank.crash().await;

    // The bank comes back with an old disk.
    let bank = world.open(backup).await;
    for n in 6..12 {
        anna.say(&bank, &n.to_string()).await;
    }
    until(async || {
        let texts = bank.texts(&anna).await;
        (6..12).all(|n| texts.contains(&n.to_string()))
    })
    .await;
    assert!(bank.heard(|event| matches!(event, Event::Undecryptable { asked: true, .. })) > 0);
    // Now they agree again, both ways.
    let id = bank.say(&anna, "there again").await;
    until(async || bank.message(id).await.state == State::Delivered).await;
    let id = anna.say(&bank, "good").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    let mut texts = bank.texts(&anna).await;
    texts.sort();
    let count = texts.len();
    texts.dedup();
    assert_eq!(texts.len(), count, "something shows twice: {texts:?}");
    assert_eq!(anna.texts(&bank).await.iter().filter(|text| *text == "there again").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_meanwhile_is_not_undone_by_healing() {
    let world = World::new(41);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "hello").await;
    until(async || bank.texts(&anna).await.len() == 1).await;
    bank.say(&anna, "hello").await;
    until(async || anna.texts(&bank).await.len() == 2).await;
    bank.settled().await;
    let backup = bank.vault.memory.snapshot();
    let id = anna.say(&bank, "x").await;
    until(async || bank.texts(&anna).await.len() == 3).await;
    bank.crash().await;
    // Both go in a session that the bank has forgotten.
    let wrong = anna.say(&world.open(backup.snapshot()).await, "wrong").await;
    anna.device
        .send(id_chat(&anna, wrong).await, DraftContent::Delete { message: wrong }.into())
        .await
        .unwrap();
    let bank = world.open(backup).await;
    until(async || bank.device.message(wrong).await.unwrap().is_some()).await;
    until(async || bank.message(wrong).await.body == client::Body::Deleted).await;
    let _ = id;
}

async fn id_chat(person: &super::world::Person, id: client::MessageRef) -> client::AccountId {
    person.message(id).await.chat
}

#[tokio::test(start_paused = true)]
async fn what_one_device_asks_for_does_not_show_twice_on_the_others() {
    let world = World::new(43);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let desk = world.linked(&bank).await;
    anna.say(&bank, "0").await;
    until(async || desk.texts(&anna).await.len() == 1).await;
    bank.say(&anna, "welcome").await;
    desk.say(&anna, "welcome").await;
    until(async || anna.texts(&bank).await.len() == 3 && desk.texts(&anna).await.len() == 3).await;
    desk.settled().await;
    let backup = desk.vault.memory.snapshot();
    // Receipts turn the ratchet, twice: only the disk that is lost knows how.
    for n in 1..3 {
        anna.say(&bank, &n.to_string()).await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
    desk.crash().await;
    let desk = world.open(backup).await;
    for n in 3..7 {
        anna.say(&bank, &n.to_string()).await;
    }
    let numbers = async |person: &super::world::Person| {
        let texts = person.texts(&anna).await;
        texts.into_iter().filter(|text| text != "welcome").collect::<Vec<_>>()
    };
    until(async || numbers(&desk).await.len() == 5).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    // In their order where all could be read; and once where some had to come again.
    assert_eq!(numbers(&bank).await, ["0", "1", "2", "3", "4", "5", "6"]);
    let mut healed = numbers(&desk).await;
    healed.sort();
    assert_eq!(healed, ["0", "3", "4", "5", "6"]);
    assert!(desk.heard(|event| matches!(event, Event::Undecryptable { asked: true, .. })) > 0);
}

#[tokio::test(start_paused = true)]
async fn asking_never_goes_round_in_circles() {
    let world = World::new(42);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let id = anna.say(&bank, "hello").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    bank.say(&anna, "hello").await;
    until(async || anna.texts(&bank).await.len() == 2).await;
    // Somebody changes a message on its way, again and again.
    let real = {
        let vault = bank.vault.memory.snapshot();
        let bank_account = bank.account();
        bank.crash().await;
        let sent = anna.device.send(bank_account, client::Draft::text("secret")).await.unwrap();
        until(async || anna.message(sent).await.state == State::Sent).await;
        let mut state = world.relay.state();
        let queue = &mut state
            .accounts
            .get_mut(&bank_account)
            .unwrap()
            .devices
            .get_mut(&DeviceId::PRIMARY)
            .unwrap()
            .queue;
        let envelope = queue.pop_back().unwrap();
        drop(state);
        (vault, envelope, sent, bank_account)
    };
    let (vault, envelope, sent, account) = real;
    let bank = world.open(vault).await;
    bank.hears(|event| *event == Event::Drained).await;
    let requests =
        |world: &World| world.relay.state().accounts[&anna.account()].devices[&DeviceId::PRIMARY].queue.len();
    for n in 0..20_u8 {
        let mut body = envelope.body.to_vec();
        let last = body.len() - 1;
        body[last] ^= 1;
        let id = vec![n + 100; 16].into();
        let forged = Envelope { id, body: body.into(), ..envelope.clone() };
        world.relay.inject(account, DeviceId::PRIMARY, forged);
    }
    // The real one comes by healing: once.
    until(async || bank.device.message(sent).await.unwrap().is_some()).await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    assert_eq!(bank.heard(|event| matches!(event, Event::Undecryptable { asked: true, .. })), 1);
    assert_eq!(bank.heard(|event| matches!(event, Event::Undecryptable { asked: false, .. })), 19);
    assert_eq!(bank.texts(&anna).await.iter().filter(|text| *text == "secret").count(), 1);
    assert_eq!(requests(&world), 0);

    // Asking for the same again gives nothing more, and asking for what went to others nothing at all.
    let forged = |timestamp: u64| {
        let (kind, body) = (signal::MessageKind::Signal, &envelope.body);
        let device = signal::DeviceId::PRIMARY;
        let kind = if envelope.kind() == Kind::PreKey { signal::MessageKind::PreKey } else { kind };
        let error =
            signal::DecryptionErrorMessage::for_original(kind, body, signal::Timestamp(timestamp), device)
                .unwrap();
        signal::PlaintextContent::from(error).serialize().bytes
    };
    let before = bank.vault.saves.load(std::sync::atomic::Ordering::SeqCst);
    for (n, timestamp) in [(1, sent.timestamp), (2, sent.timestamp), (3, 5)] {
        world.relay.inject(
            anna.account(),
            DeviceId::PRIMARY,
            Envelope {
                id: vec![n; 16].into(),
                from: account.as_bytes().to_vec().into(),
                from_device: 1,
                timestamp: 1,
                received: 1,
                kind: Kind::Plaintext.into(),
                body: forged(timestamp).into(),
            },
        );
    }
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    assert_eq!(
        before,
        bank.vault.saves.load(std::sync::atomic::Ordering::SeqCst),
        "something was sent again"
    );
}
