//! Many sends in one save.

use std::sync::atomic::Ordering;

use client::{
    AccountId, Draft, DraftContent, Error, MessageRef, State, Vault as _,
    vault::{Order, Space},
};
use futures_util::FutureExt as _;

use super::world::{World, until};

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_polls_ends_nothing_but_its_neighbours_patience() {
    let world = World::new(54);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let device = anna.device.clone();
    device.stop();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    {
        let kept = device.send(bank.account(), Draft::text("kept"));
        tokio::pin!(kept);
        // It waits within its save, and holds the lock.
        assert!(kept.as_mut().now_or_never().is_none());
        assert!(matches!(device.send(bank.account(), Draft::text("no")).await, Err(Error::Stalled)));
        assert!(matches!(device.history(bank.account(), None, 10).await, Err(Error::Stalled)));
        kept.await.unwrap();
        {
            let dropped = device.send(bank.account(), Draft::text("dropped"));
            tokio::pin!(dropped);
            assert!(dropped.as_mut().now_or_never().is_none());
        }
    }
    device.send(bank.account(), Draft::text("after it")).await.unwrap();
    assert_eq!(anna.texts(&bank).await, ["kept", "after it"]);
}

#[tokio::test(start_paused = true)]
async fn many_sends_are_one_save_and_arrive_in_order() {
    let world = World::new(50);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let otto = world.person(3).await;
    for person in [&bank, &otto] {
        anna.say(person, "0").await;
        anna.settled().await;
    }
    anna.device.stop();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let before = anna.vault.saves.load(Ordering::SeqCst);
    let drafts = (1..=100)
        .flat_map(|n: u32| [&bank, &otto].map(|person| (person.account(), Draft::text(n.to_string()))))
        .collect();
    let sent = anna.device.send_many(drafts).await.unwrap();
    assert_eq!(anna.vault.saves.load(Ordering::SeqCst) - before, 1);
    let ids: Vec<MessageRef> = sent.into_iter().map(Result::unwrap).collect();
    assert!(ids.is_sorted_by(|a, b| a.timestamp < b.timestamp));
    assert_eq!(anna.device.outbox_len().await.unwrap(), 200);
    let anna = world.open(anna.crash().await).await;
    let expected: Vec<String> = (0..=100).map(|n| n.to_string()).collect();
    for person in [&bank, &otto] {
        until(async || person.texts(&anna).await.len() == 101).await;
        assert_eq!(person.texts(&anna).await, expected);
    }
    for id in ids {
        until(async || anna.message(id).await.state == State::Delivered).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_draft_among_many_leaves_no_trace() {
    let world = World::new(51);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let tablet = world.linked(&anna).await;
    let id = anna.say(&bank, "0").await;
    until(async || anna.message(id).await.state == State::Delivered).await;
    let to = bank.account();
    let nobody = AccountId::from_random([9; 16]);
    let unknown = MessageRef { author: to, timestamp: 1 };
    let drafts = vec![
        (to, Draft::text("1")),
        (to, Draft::text("")),
        (nobody, Draft::text("x".repeat(100_000))),
        (AccountId::RELAY, Draft::text("to the relay")),
        (to, DraftContent::Timer { seconds: u32::MAX }.into()),
        (to, Draft::text("what?").quoting(unknown)),
        (to, DraftContent::Edit { message: unknown, text: "no".into() }.into()),
        (to, Draft::text("2")),
    ];
    let sent = anna.device.send_many(drafts).await.unwrap();
    let went: Vec<bool> = sent.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, false, false, false, false, false, false, true]);
    assert!(matches!(sent[3], Err(Error::NoSuchAccount)));
    assert!(matches!(sent[5], Err(Error::NoSuchMessage)));
    until(async || bank.texts(&anna).await.len() == 3).await;
    anna.settled().await;
    assert_eq!(bank.texts(&anna).await, ["0", "1", "2"]);
    until(async || tablet.texts(&bank).await.len() == 3).await;
    assert_eq!(anna.texts(&bank).await, ["0", "1", "2"]);
    assert_eq!(anna.device.chats().await.unwrap().len(), 1);
    assert!(anna.vault.memory.scan(Space::Outbox, None, Order::After(0), 10).await.unwrap().is_empty());
    assert!(anna.device.send_many(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_the_save_of_many_fails_none_is_sent() {
    let world = World::new(52);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "0").await;
    anna.settled().await;
    bank.settled().await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    anna.vault.fail(0, false);
    let drafts = (1..10).map(|n: u32| (bank.account(), Draft::text(n.to_string()))).collect();
    assert!(matches!(anna.device.send_many(drafts).await, Err(Error::Vault(_))));
    let anna = world.open(anna.crash().await).await;
    anna.say(&bank, "10").await;
    until(async || bank.texts(&anna).await.len() == 2).await;
    assert_eq!(anna.texts(&bank).await, ["0", "10"]);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_outbox_takes_is_refused_one_by_one() {
    let world = World::new(53);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.device.stop();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let drafts = (0..10_001).map(|_| (bank.account(), Draft::text("."))).collect();
    let sent = anna.device.send_many(drafts).await.unwrap();
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 10_000);
    assert!(matches!(sent[10_000], Err(Error::OutboxFull)));
}
