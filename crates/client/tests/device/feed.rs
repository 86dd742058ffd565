//! A device for a program that keeps its messages itself: nothing of them stays, and nothing is missed.

use client::{
    AccountId, Change, Draft, DraftContent, Error, Event, FeedItem, MessageRef, News, Settings, State,
    Vault as _,
    vault::{Order, Space},
};
use wire::{
    DeviceId,
    frames::{Envelope, Kind},
};

use super::world::{Person, World, text, until};

async fn forgetful(person: &Person) {
    let settings = Settings { keep_history: false, ..Settings::default() };
    person.device.set_settings(settings).await.unwrap();
    assert_eq!(person.device.settings().await.unwrap(), settings);
}

async fn fed(person: &Person) -> Vec<FeedItem> {
    person.device.feed(0, 1000).await.unwrap()
}

async fn records(person: &Person, space: Space) -> usize {
    person.vault.memory.scan(space, None, Order::After(0), 100_000).await.unwrap().len()
}

fn states(items: &[FeedItem], id: MessageRef) -> Vec<State> {
    let states = items.iter().filter_map(|item| match &item.news {
        News::State { message, state, .. } if *message == id => Some(state.clone()),
        _ => None,
    });
    states.collect()
}

#[tokio::test(start_paused = true)]
async fn what_happens_stands_in_the_feed_until_it_is_taken() {
    let world = World::new(40);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    let question = anna.say(&bank, "What does it cost?").await;
    until(async || anna.message(question).await.state == State::Delivered).await;
    let items = fed(&bank).await;
    let [FeedItem { position, news: News::Message { message } }] = &items[..] else { panic!("{items:?}") };
    assert_eq!(
        (message.id, message.position, text(message).as_str()),
        (question, *position, "What does it cost?")
    );
    bank.hears(|event| matches!(event, Event::Feed { .. })).await;
    assert_eq!(bank.heard(|event| matches!(event, Event::Message { .. })), 0);
    // It stays until it is taken, also over a crash.
    let bank = world.open(bank.crash().await).await;
    assert_eq!(fed(&bank).await, items);
    bank.device.mark_these_read(anna.account(), &[question]).await.unwrap();
    until(async || anna.message(question).await.state == State::Read).await;
    assert_eq!(bank.device.forget_through(items[0].position).await.unwrap(), 1);
    assert!(fed(&bank).await.is_empty());

    let answer = bank.device.send(anna.account(), Draft::text("Nothing").quoting(question)).await.unwrap();
    until(async || anna.texts(&bank).await.len() == 2).await;
    assert_eq!(anna.message(answer).await.quote.unwrap().message, question);
    let position = anna.message(answer).await.position;
    anna.device.mark_read(bank.account(), position).await.unwrap();
    let drafts = [
        DraftContent::Reaction { message: answer, emoji: Some("👍".into()) },
        DraftContent::Edit { message: question, text: "How much?".into() },
        DraftContent::Reaction { message: answer, emoji: None },
        DraftContent::Delete { message: question },
    ];
    for draft in drafts {
        anna.device.send(bank.account(), draft.into()).await.unwrap();
    }
    until(async || fed(&bank).await.len() == 7).await;
    let items = fed(&bank).await;
    assert_eq!(states(&items, answer), [State::Sent, State::Delivered, State::Read]);
    let changes: Vec<(MessageRef, Change)> = items
        .iter()
        .filter_map(|item| match &item.news {
            News::Changed { chat, message, by, change, .. } => {
                assert_eq!((*chat, by.author), (anna.account(), anna.account()));
                Some((*message, change.clone()))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (answer, Change::Reaction { emoji: Some("👍".into()) }),
        (question, Change::Edit { text: "How much?".into() }),
        (answer, Change::Reaction { emoji: None }),
        (question, Change::Delete),
    ];
    assert_eq!(changes, expected);
    // In pages, and in order.
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page = bank.device.feed(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.position;
        paged.extend(page);
    }
    assert_eq!(paged, items);
    let json = serde_json::to_string(&items).unwrap();
    assert_eq!(serde_json::from_str::<Vec<FeedItem>>(&json).unwrap(), items);
    // A part of it is taken.
    assert_eq!(bank.device.forget_through(items[2].position).await.unwrap(), 3);
    assert_eq!(fed(&bank).await, items[3..]);
    assert_eq!(bank.device.forget_through(u64::MAX >> 1).await.unwrap(), 4);
    assert_eq!(bank.device.forget_through(u64::MAX >> 1).await.unwrap(), 0);

    bank.settled().await;
    // Nothing of what was said is here any more, but for those who could not read it.
    for space in
        [Space::Message, Space::Chat, Space::Unread, Space::Expiry, Space::Feed, Space::Outbox, Space::Sent]
    {
        assert_eq!(records(&bank, space).await, 0, "{space:?}");
    }
    assert!(bank.texts(&anna).await.is_empty());
    assert!(bank.device.message(answer).await.unwrap().is_none());
    assert!(bank.device.messages(0, 10).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_repeated_stands_in_the_feed_once() {
    let world = World::new(41);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    anna.say(&bank, "first").await;
    anna.settled().await;
    anna.link.faults.set(150);
    bank.link.faults.set(150);
    for n in 0..100 {
        let id = anna.say(&bank, &n.to_string()).await;
        if n % 10 == 0 {
            let text = format!("{n}, edited");
            let edit = DraftContent::Edit { message: id, text };
            anna.device.send(bank.account(), edit.into()).await.unwrap();
        }
    }
    anna.settled().await;
    anna.link.faults.set(0);
    bank.link.faults.set(0);
    // Taken in small pieces, with crashes in between.
    let (mut bank, mut texts, mut edits) = (bank, Vec::new(), 0);
    until(async || world.relay.waiting(bank.account(), DeviceId::PRIMARY) == 0).await;
    loop {
        let page = bank.device.feed(0, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        for item in &page {
            match &item.news {
                News::Message { message } => texts.push(text(message)),
                News::Changed { change: Change::Edit { .. }, .. } => edits += 1,
                _ => {}
            }
        }
        bank.device.forget_through(last.position).await.unwrap();
        bank = world.open(bank.crash().await).await;
    }
    let expected: Vec<String> =
        std::iter::once("first".to_owned()).chain((0..100).map(|n| n.to_string())).collect();
    assert_eq!(texts, expected);
    assert_eq!(edits, 10);
}

#[tokio::test(start_paused = true)]
async fn states_of_what_is_sent_survive_a_crash_and_never_go_back() {
    let world = World::new(42);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    let nobody = AccountId::from_random([9; 16]);
    let drafts = vec![(anna.account(), Draft::text("hello")), (nobody, Draft::text("is anybody there?"))];
    let sent: Vec<MessageRef> =
        bank.device.send_many(drafts).await.unwrap().into_iter().map(Result::unwrap).collect();
    until(async || states(&fed(&bank).await, sent[0]).last() == Some(&State::Delivered)).await;
    until(async || !states(&fed(&bank).await, sent[1]).is_empty()).await;
    let bank = world.open(bank.crash().await).await;
    let items = fed(&bank).await;
    assert_eq!(states(&items, sent[0]), [State::Sent, State::Delivered]);
    assert_eq!(states(&items, sent[1]), [State::Failed { reason: client::Failure::NoSuchAccount }]);
    bank.device.forget_through(items.last().unwrap().position).await.unwrap();
    // Somebody else's receipt for it, and one for what never was, say nothing.
    let otto = world.person(3).await;
    otto.say(&bank, "I am somebody else").await;
    let through = anna.message(sent[0]).await.position;
    anna.device.mark_read(bank.account(), through).await.unwrap();
    until(async || !states(&fed(&bank).await, sent[0]).is_empty()).await;
    anna.device.mark_these_read(bank.account(), &[sent[0]]).await.unwrap();
    otto.device.mark_these_read(bank.account(), &sent).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(states(&fed(&bank).await, sent[0]), [State::Read]);
    assert!(states(&fed(&bank).await, sent[1]).is_empty());
}

#[tokio::test(start_paused = true)]
async fn own_changes_are_said_without_the_message() {
    let world = World::new(43);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    let id = bank.say(&anna, "Five euros").await;
    until(async || anna.texts(&bank).await.len() == 1).await;
    let edit = |message| Draft::from(DraftContent::Edit { message, text: "Six euros".into() });
    bank.device.send(anna.account(), edit(id)).await.unwrap();
    until(async || anna.texts(&bank).await == ["Six euros"]).await;
    let by_anna = anna.say(&bank, "Too much").await;
    assert!(matches!(bank.device.send(anna.account(), edit(by_anna)).await, Err(Error::Invalid(_))));
    let elsewhere = MessageRef { author: AccountId::from_random([7; 16]), timestamp: id.timestamp };
    let react = |message| Draft::from(DraftContent::Reaction { message, emoji: Some("🙏".into()) });
    assert!(matches!(bank.device.send(anna.account(), react(elsewhere)).await, Err(Error::NoSuchMessage)));
    assert!(matches!(
        bank.device.send(anna.account(), Draft::text("?").quoting(elsewhere)).await,
        Err(Error::NoSuchMessage)
    ));
    until(async || fed(&bank).await.iter().any(|item| matches!(item.news, News::Message { .. }))).await;
    bank.device.send(anna.account(), react(by_anna)).await.unwrap();
    until(async || anna.message(by_anna).await.reactions.len() == 1).await;
    bank.device.send(anna.account(), DraftContent::Delete { message: id }.into()).await.unwrap();
    until(async || anna.message(id).await.body == client::Body::Deleted).await;
    tokio::time::sleep(std::time::Duration::from_secs(25 * 3600)).await;
    assert!(matches!(bank.device.send(anna.account(), edit(id)).await, Err(Error::TooLate)));
    // A chat's timer is kept: what follows must disappear there.
    bank.device.send(anna.account(), DraftContent::Timer { seconds: 3600 }.into()).await.unwrap();
    let last = bank.say(&anna, "burn this").await;
    until(async || anna.device.message(last).await.unwrap().is_some()).await;
    assert_eq!(anna.message(last).await.expires_after, 3600);
}

#[tokio::test(start_paused = true)]
async fn a_late_edit_is_no_news() {
    let world = World::new(44);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    let id = anna.say(&bank, "Five euros").await;
    anna.settled().await;
    tokio::time::sleep(std::time::Duration::from_secs(26 * 3600)).await;
    anna.clock.set_back(26 * 3_600_000);
    let edit = DraftContent::Edit { message: id, text: "Fifty euros".into() };
    anna.device.send(bank.account(), edit.into()).await.unwrap();
    anna.say(&bank, "after it").await;
    until(async || fed(&bank).await.len() >= 2).await;
    assert!(fed(&bank).await.iter().all(|item| matches!(item.news, News::Message { .. })));
}

#[tokio::test(start_paused = true)]
async fn keys_that_change_and_what_cannot_be_read_are_news() {
    let world = World::new(45);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    anna.say(&bank, "hello").await;
    anna.settled().await;
    let envelope = Envelope {
        id: vec![7; 16].into(),
        from: anna.account().as_bytes().to_vec().into(),
        from_device: 1,
        timestamp: 5,
        received: 5,
        kind: Kind::Signal.into(),
        body: vec![1, 2, 3].into(),
    };
    world.relay.inject(bank.account(), DeviceId::PRIMARY, envelope);
    let new = world.person(1).await;
    new.say(&bank, "a new phone").await;
    let is = |item: &FeedItem, unreadable: bool| match &item.news {
        News::Undecryptable { account, timestamp: 5, .. } => unreadable && *account == new.account(),
        News::IdentityChanged { account, held: true } => !unreadable && *account == new.account(),
        _ => false,
    };
    for unreadable in [true, false] {
        until(async || fed(&bank).await.iter().any(|item| is(item, unreadable))).await;
    }
    let digits = bank.device.safety_number(new.account()).await.unwrap().digits;
    bank.device.accept_identity(new.account(), &digits).await.unwrap();
    let accepted = |item: &FeedItem| matches!(item.news, News::IdentityChanged { held: false, .. });
    assert!(fed(&bank).await.iter().any(accepted));
}

#[tokio::test(start_paused = true)]
async fn what_another_own_device_says_is_news_too() {
    let world = World::new(46);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let desk = world.linked(&bank).await;
    forgetful(&bank).await;
    let id = desk.say(&anna, "from the desk").await;
    until(async || states(&fed(&bank).await, id).last() == Some(&State::Delivered)).await;
    let items = fed(&bank).await;
    let message = items.iter().find_map(|item| match &item.news {
        News::Message { message } => Some(message),
        _ => None,
    });
    assert_eq!(message.unwrap().id, id);
    // A receipt comes before the copy.
    bank.settled().await;
    world.relay.state().refuse_copies = true;
    let id = desk.say(&anna, "once more").await;
    until(async || desk.message(id).await.state == State::Delivered).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert!(states(&fed(&bank).await, id).is_empty());
    world.relay.state().refuse_copies = false;
    until(async || states(&fed(&bank).await, id) == [State::Delivered]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_there_before_stays_and_what_comes_after_is_kept_again() {
    let world = World::new(47);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let id = bank.say(&anna, "kept").await;
    until(async || bank.message(id).await.state == State::Delivered).await;
    forgetful(&bank).await;
    let position = anna.message(id).await.position;
    anna.device.mark_read(bank.account(), position).await.unwrap();
    until(async || states(&fed(&bank).await, id) == [State::Read]).await;
    assert_eq!(bank.message(id).await.state, State::Read);
    let later = bank.say(&anna, "not kept").await;
    anna.settled().await;
    bank.device.set_settings(Settings::default()).await.unwrap();
    until(async || anna.device.message(later).await.unwrap().is_some()).await;
    let position = anna.message(later).await.position;
    anna.device.mark_read(bank.account(), position).await.unwrap();
    bank.hears(
        |event| matches!(event, Event::State { message, state: State::Read, .. } if *message == later),
    )
    .await;
    anna.say(&bank, "kept again").await;
    until(async || bank.texts(&anna).await == ["kept", "kept again"]).await;
}

#[tokio::test(start_paused = true)]
async fn how_far_a_reaction_and_a_voice_note_come_stands_in_the_feed() {
    let world = World::new(46);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    forgetful(&bank).await;
    let question = anna.say(&bank, "Hello?").await;
    until(async || anna.message(question).await.state == State::Delivered).await;
    let emoji = Some("👍".to_owned());
    let reaction = DraftContent::Reaction { message: question, emoji };
    let watched = Draft { reference: Some([7; 16]), ..reaction.clone().into() };
    let watched = bank.device.send(anna.account(), watched).await.unwrap();
    let unwatched = bank.device.send(anna.account(), reaction.into()).await.unwrap();
    bank.settled().await;
    assert_eq!(states(&fed(&bank).await, watched), [State::Sent]);
    assert!(states(&fed(&bank).await, unwatched).is_empty());

    let note = client::Media {
        kind: client::MediaKind::Voice,
        blob: client::Blob {
            id: "a-b".into(),
            key: wire::Base64(vec![1; 32]),
            digest: wire::Base64(vec![2; 32]),
            size: 3,
        },
        content_type: "audio/ogg".into(),
        file_name: String::new(),
        caption: String::new(),
        width: 0,
        height: 0,
        duration: 900,
        thumbnail: wire::Base64(Vec::new()),
        animated: false,
    };
    let note = bank.device.send(anna.account(), DraftContent::Media(note).into()).await.unwrap();
    let words = bank.device.send(anna.account(), Draft::text("listen")).await.unwrap();
    until(async || anna.device.message(words).await.unwrap().is_some()).await;
    assert!(matches!(anna.device.mark_played(words).await, Err(Error::Invalid(_))));
    assert!(matches!(anna.device.mark_played(question).await, Err(Error::Invalid(_))));
    // Heard without having been looked at first: it was read as well. A second time is nothing new.
    anna.device.mark_played(note).await.unwrap();
    anna.device.mark_played(note).await.unwrap();
    assert_eq!(anna.message(note).await.state, State::Played);
    anna.settled().await;
    until(async || states(&fed(&bank).await, note).last() == Some(&State::Played)).await;
    assert_eq!(states(&fed(&bank).await, note), [State::Sent, State::Delivered, State::Read, State::Played]);
    assert_eq!(anna.device.mark_read(bank.account(), u64::MAX >> 1).await.unwrap(), 1, "only the words");
}
