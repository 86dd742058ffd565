//! What stands in chats.

use client::{Body, Card, Draft, DraftContent, Error, Event, Location, Profile, State};
use wire::{
    DeviceId,
    frames::{Envelope, Kind},
};

use super::world::{World, until};

#[tokio::test(start_paused = true)]
async fn messages_are_answered_reacted_to_edited_and_taken_back() {
    let world = World::new(20);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let first = anna.say(&bank, "What does it cost?").await;
    until(async || bank.texts(&anna).await.len() == 1).await;

    let answer = bank.device.send(anna.account(), Draft::text("Nothing").quoting(first)).await.unwrap();
    until(async || anna.texts(&bank).await.len() == 2).await;
    let quote = anna.message(answer).await.quote.unwrap();
    assert_eq!((quote.message, quote.excerpt.as_str()), (first, "What does it cost?"));

    let react =
        |emoji: Option<&str>| DraftContent::Reaction { message: answer, emoji: emoji.map(str::to_owned) };
    anna.device.send(bank.account(), react(Some("👍")).into()).await.unwrap();
    until(async || bank.message(answer).await.reactions.len() == 1).await;
    assert_eq!(anna.message(answer).await.reactions, bank.message(answer).await.reactions);
    anna.device.send(bank.account(), react(Some("🎉")).into()).await.unwrap();
    until(async || bank.message(answer).await.reactions.iter().any(|reaction| reaction.emoji == "🎉")).await;
    assert_eq!(bank.message(answer).await.reactions.len(), 1);
    anna.device.send(bank.account(), react(None).into()).await.unwrap();
    until(async || bank.message(answer).await.reactions.is_empty()).await;

    let edit = |message, text: &str| Draft::from(DraftContent::Edit { message, text: text.to_owned() });
    bank.device.send(anna.account(), edit(answer, "Five euros")).await.unwrap();
    until(async || anna.message(answer).await.edited.is_some()).await;
    assert_eq!(anna.message(answer).await.body, Body::Text { text: "Five euros".into() });
    assert!(matches!(anna.device.send(bank.account(), edit(answer, "no")).await, Err(Error::Invalid(_))));

    let delete = |message| Draft::from(DraftContent::Delete { message });
    bank.device.send(anna.account(), delete(answer)).await.unwrap();
    until(async || anna.message(answer).await.body == Body::Deleted).await;
    assert_eq!(bank.message(answer).await.body, Body::Deleted);
    assert_eq!(anna.message(answer).await.quote, None);
    assert!(matches!(bank.device.send(anna.account(), edit(answer, "x")).await, Err(Error::NoSuchMessage)));

    tokio::time::sleep(std::time::Duration::from_secs(25 * 3600)).await;
    assert!(matches!(anna.device.send(bank.account(), delete(first)).await, Err(Error::TooLate)));
    assert!(anna.heard(|event| matches!(event, Event::Changed { .. })) >= 4);
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_content_arrives() {
    let world = World::new(21);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let place = Location {
        latitude: 52.5,
        longitude: 13.4,
        accuracy: 5.0,
        name: "Branch".into(),
        address: "Mall 1".into(),
    };
    let card = Card { name: "Otto".into(), phone_numbers: vec!["110".into()], ..Card::default() };
    let contents = [
        (DraftContent::Location(place.clone()), Body::Location(place)),
        (DraftContent::Contacts { contacts: vec![card.clone()] }, Body::Contacts { contacts: vec![card] }),
        (DraftContent::Timer { seconds: 60 }, Body::Timer),
    ];
    for (content, body) in contents {
        let id = anna.device.send(bank.account(), content.into()).await.unwrap();
        until(async || anna.message(id).await.state == State::Delivered).await;
        assert_eq!(bank.message(id).await.body, body);
    }
    for bad in [
        DraftContent::Text { text: String::new() },
        DraftContent::Text { text: "x".repeat(100_000) },
        DraftContent::Location(Location { latitude: 100.0, ..Location::default() }),
        DraftContent::Contacts { contacts: vec![Card::default(); 51] },
    ] {
        assert!(matches!(anna.device.send(bank.account(), bad.into()).await, Err(Error::Invalid(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn disappearing_messages_disappear_on_both_sides() {
    let world = World::new(22);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.device.send(bank.account(), DraftContent::Timer { seconds: 3600 }.into()).await.unwrap();
    let id = anna.say(&bank, "burn this").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    assert_eq!(bank.device.chats().await.unwrap()[0].timer, 3600);
    // Sent an hour ago: gone there. Not read yet: still here.
    tokio::time::sleep(std::time::Duration::from_secs(3700)).await;
    anna.hears(|event| matches!(event, Event::Disappeared { .. })).await;
    assert!(anna.device.message(id).await.unwrap().is_none());
    let message = bank.message(id).await;
    bank.device.mark_read(anna.account(), message.position).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3500)).await;
    assert!(bank.device.message(id).await.unwrap().is_some());
    tokio::time::sleep(std::time::Duration::from_secs(200)).await;
    assert!(bank.device.message(id).await.unwrap().is_none());
    // What the other side answers disappears too.
    let answer = bank.say(&anna, "done").await;
    assert_eq!(bank.message(answer).await.expires_after, 3600);
}

#[tokio::test(start_paused = true)]
async fn who_is_blocked_is_not_heard() {
    let world = World::new(23);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    bank.say(&anna, "buy!").await;
    until(async || anna.texts(&bank).await.len() == 1).await;
    anna.device.block(bank.account()).await.unwrap();
    assert_eq!(anna.device.blocks().await.unwrap(), [bank.account()]);
    assert!(anna.device.contact(bank.account()).await.unwrap().blocked);
    let id = bank.say(&anna, "buy more!").await;
    until(async || bank.message(id).await.state == State::Sent).await;
    anna.device.unblock(bank.account()).await.unwrap();
    bank.say(&anna, "sorry").await;
    until(async || anna.texts(&bank).await.len() == 2).await;
    assert_eq!(anna.texts(&bank).await, ["buy!", "sorry"]);
}

#[tokio::test(start_paused = true)]
async fn a_profile_is_read_by_those_who_were_written_to() {
    let world = World::new(24);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let profile = Profile { name: "Bank".into(), about: "Since 1870".into(), avatar: None };
    bank.device.set_profile(&profile).await.unwrap();
    assert_eq!(anna.device.profile_of(bank.account()).await.unwrap(), None);
    bank.say(&anna, "hello").await;
    until(async || anna.texts(&bank).await.len() == 1).await;
    assert_eq!(anna.device.profile_of(bank.account()).await.unwrap(), Some(profile));
    assert_eq!(anna.device.chats().await.unwrap()[0].title.as_deref(), Some("Bank"));
    anna.device.set_contact(bank.account(), "My bank", None).await.unwrap();
    assert_eq!(anna.device.chats().await.unwrap()[0].title.as_deref(), Some("My bank"));
    assert_eq!(anna.device.contacts().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rubbish_is_acknowledged_and_stops_nothing() {
    let world = World::new(25);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "one").await;
    until(async || bank.texts(&anna).await.len() == 1).await;
    let envelope = |id: u8, kind: i32, body: &[u8]| Envelope {
        id: vec![id; 16].into(),
        from: anna.account().as_bytes().to_vec().into(),
        from_device: 1,
        timestamp: u64::from(id),
        received: 1,
        kind,
        body: body.to_vec().into(),
    };
    let rubbish = [
        envelope(1, Kind::Signal.into(), &[0x44; 200]),
        envelope(2, Kind::PreKey.into(), b""),
        envelope(3, Kind::Plaintext.into(), &[0xC0, 0x80]),
        envelope(4, 77, b"?"),
        envelope(5, Kind::Notice.into(), b"?"),
        Envelope { id: vec![1].into(), ..envelope(6, 2, b"x") },
        Envelope { from: vec![1].into(), ..envelope(7, 2, b"x") },
        Envelope { from_device: 0, ..envelope(8, 2, b"x") },
        Envelope { from_device: 500, ..envelope(9, 2, b"x") },
        Envelope { from: vec![0; 16].into(), from_device: 0, ..envelope(10, 15, b"\xff") },
    ];
    for envelope in rubbish {
        world.relay.inject(bank.account(), DeviceId::PRIMARY, envelope);
    }
    anna.say(&bank, "two").await;
    until(async || bank.texts(&anna).await.len() == 2).await;
    until(async || world.relay.waiting(bank.account(), DeviceId::PRIMARY) == 0).await;
    // None of it could even be asked for again.
    assert_eq!(bank.heard(|event| matches!(event, Event::Undecryptable { asked: true, .. })), 0);
}

#[tokio::test(start_paused = true)]
async fn history_is_read_in_pages_and_fed_in_order() {
    let world = World::new(26);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    for n in 0..25 {
        anna.say(&bank, &format!("{n}")).await;
    }
    until(async || bank.texts(&anna).await.len() == 25).await;
    let (mut before, mut texts) = (None, Vec::new());
    loop {
        let page = bank.device.history(anna.account(), before, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        texts.extend(page.iter().map(super::world::text));
    }
    texts.reverse();
    assert_eq!(texts, (0..25).map(|n| n.to_string()).collect::<Vec<_>>());
    let fed = bank.device.messages(0, 1000).await.unwrap();
    assert_eq!(fed.iter().map(super::world::text).collect::<Vec<_>>(), texts);
    let later = bank.device.messages(fed[20].position, 1000).await.unwrap();
    assert_eq!(later, fed[21..]);
    // A client that hands messages on can read them back.
    let json = serde_json::to_string(&fed).unwrap();
    assert_eq!(serde_json::from_str::<Vec<client::Message>>(&json).unwrap(), fed);
    let draft: Draft = serde_json::from_str(r#"{"type": "text", "text": "hi"}"#).unwrap();
    assert_eq!(draft, Draft::text("hi"));

    bank.device.forget_message(fed[0].id).await.unwrap();
    assert_eq!(bank.texts(&anna).await.len(), 24);
    bank.device.forget_chat(anna.account()).await.unwrap();
    assert!(bank.device.chats().await.unwrap().is_empty());
    anna.device.delete_account().await.unwrap();
    assert!(world.relay.state().accounts.len() == 1);
    assert!(anna.device.chats().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_what_is_read_in_silence() {
    let world = World::new(27);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let silent = client::Settings { read_in_silence: true, ..client::Settings::default() };
    bank.device.set_settings(silent).await.unwrap();
    let id = anna.say(&bank, "hello").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    let position = bank.message(id).await.position;
    assert_eq!(bank.device.mark_read(anna.account(), position).await.unwrap(), 1);
    assert_eq!(bank.message(id).await.state, State::Read);
    bank.settled().await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(anna.message(id).await.state, State::Delivered);
    // Later ones are told again, also by their names alone.
    bank.device.set_settings(client::Settings::default()).await.unwrap();
    bank.device.mark_these_read(anna.account(), &[id]).await.unwrap();
    until(async || anna.message(id).await.state == State::Read).await;
    for wrong in [
        client::MessageRef { author: bank.account(), timestamp: 1 },
        client::MessageRef { author: client::AccountId::from_random([7; 16]), timestamp: 1 },
    ] {
        assert!(matches!(
            bank.device.mark_these_read(anna.account(), &[wrong]).await,
            Err(Error::Invalid(_))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_takes_no_late_change_whatever_the_clock_of_its_author() {
    let world = World::new(28);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let id = bank.say(&anna, "Five euros").await;
    until(async || anna.texts(&bank).await.len() == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(26 * 3600)).await;
    bank.clock.set_back(26 * 3_600_000);
    for change in
        [DraftContent::Edit { message: id, text: "Fifty euros".into() }, DraftContent::Delete { message: id }]
    {
        bank.device.send(anna.account(), change.into()).await.unwrap();
    }
    bank.say(&anna, "after it").await;
    until(async || anna.texts(&bank).await.len() == 2).await;
    assert_eq!(anna.texts(&bank).await, ["Five euros", "after it"]);
}
