//! Several devices of one account.

use client::{
    Draft, Ended, Error, State, Vault as _,
    vault::{Order, Space},
};

use super::world::{World, until};

#[tokio::test(start_paused = true)]
async fn own_devices_see_what_was_sent_and_read() {
    let world = World::new(30);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.device.set_contact(bank.account(), "My bank", None).await.unwrap();
    let tablet = world.linked(&anna).await;
    assert_eq!(tablet.account(), anna.account());
    until(async || tablet.device.contact(bank.account()).await.unwrap().name.is_some()).await;

    // From either device, to all others.
    let first = anna.say(&bank, "from the phone").await;
    let second = tablet.say(&bank, "from the tablet").await;
    for device in [&anna, &tablet] {
        for id in [first, second] {
            until(async || {
                let found = device.device.message(id).await.unwrap();
                found.is_some_and(|message| message.state == State::Delivered)
            })
            .await;
        }
    }
    assert_eq!(bank.texts(&anna).await.len(), 2);

    // An answer reaches both; read on one it is read on the other.
    let answer = bank.say(&anna, "hello to all of you").await;
    for device in [&anna, &tablet] {
        until(async || device.device.message(answer).await.unwrap().is_some()).await;
    }
    let position = tablet.message(answer).await.position;
    tablet.device.mark_read(bank.account(), position).await.unwrap();
    until(async || anna.message(answer).await.state == State::Read).await;
    assert_eq!(anna.device.chats().await.unwrap()[0].unread, 0);
    until(async || bank.message(answer).await.state == State::Read).await;

    // Notes to oneself.
    let note = anna.device.send(anna.account(), Draft::text("buy milk")).await.unwrap();
    until(async || tablet.device.message(note).await.unwrap().is_some()).await;
    until(async || anna.message(note).await.state == State::Sent).await;
    assert_eq!(tablet.texts(&anna).await, ["buy milk"]);
}

#[tokio::test(start_paused = true)]
async fn devices_come_and_go_and_nothing_is_overtaken() {
    let world = World::new(31);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.say(&bank, "0").await;
    anna.settled().await;
    // The bank has another device of which Anna does not know.
    let desk = world.linked(&bank).await;
    for n in 1..10 {
        anna.say(&bank, &n.to_string()).await;
    }
    let expected: Vec<String> = (1..10).map(|n| n.to_string()).collect();
    until(async || desk.texts(&anna).await.len() == 9).await;
    assert_eq!(desk.texts(&anna).await, expected);

    let devices = bank.device.devices().await.unwrap();
    let names: Vec<_> = devices.iter().map(|device| device.name.clone().unwrap()).collect();
    assert_eq!(names, ["phone", "tablet"]);
    assert!(matches!(desk.device.remove_device(bank.device.own().device).await, Err(Error::PrimaryOnly)));
    bank.device.remove_device(desk.device.own().device).await.unwrap();
    assert_eq!(desk.ended().await.unwrap(), Ended::Removed);
    for n in 10..20 {
        anna.say(&bank, &n.to_string()).await;
    }
    until(async || bank.texts(&anna).await.len() == 20).await;
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(bank.texts(&anna).await, expected);

    // A third one takes the freed number, with other keys: that one is stale.
    let desk = world.linked(&bank).await;
    anna.say(&bank, "20").await;
    until(async || desk.texts(&anna).await == ["20"]).await;
    until(async || bank.texts(&anna).await.len() == 21).await;
}

#[tokio::test(start_paused = true)]
async fn only_the_primary_links() {
    let world = World::new(32);
    let anna = world.person(1).await;
    let tablet = world.linked(&anna).await;
    let vault = super::world::TestVault::new(client::MemoryVault::new());
    let (edges, _) = world.edges(&vault).await;
    let linking = client::Linking::begin(edges).await.unwrap();
    let request = linking.url().parse().unwrap();
    assert!(matches!(tablet.device.link(&request).await, Err(Error::PrimaryOnly)));
    assert!(matches!("https://evil.example".parse::<client::LinkingRequest>(), Err(Error::LinkingCode)));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_the_primary_did_not_name_is_not_taken() {
    let world = World::new(33);
    let anna = world.person(1).await;
    let vault = super::world::TestVault::new(client::MemoryVault::new());
    let (edges, _) = world.edges(&vault).await;
    let linking = client::Linking::begin(edges).await.unwrap();
    let request = linking.url().parse().unwrap();
    world.relay.state().accounts.get_mut(&anna.account()).unwrap().number = "+4930000000".into();
    let (joined, _) = tokio::join!(linking.finish("tablet"), anna.device.link(&request));
    assert!(matches!(joined, Err(Error::Answer("another number than the primary named"))), "{joined:?}");
    let (edges, _) = world.edges(&vault).await;
    assert!(matches!(client::Device::open(edges).await, Err(Error::NotRegistered)));
}

#[tokio::test(start_paused = true)]
async fn receipts_that_come_before_the_copy_of_their_message_wait_for_it() {
    let world = World::new(34);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let tablet = world.linked(&anna).await;
    tablet.say(&bank, "both know of each other").await;
    anna.say(&bank, "and of the bank").await;
    until(async || bank.texts(&anna).await.len() == 2).await;
    for person in [&anna, &tablet, &bank] {
        person.settled().await;
    }
    // The copy is refused for a while; the message itself is not.
    world.relay.state().refuse_copies = true;
    let id = anna.say(&bank, "read this").await;
    until(async || bank.device.message(id).await.unwrap().is_some()).await;
    let position = bank.message(id).await.position;
    bank.device.mark_read(anna.account(), position).await.unwrap();
    until(async || anna.message(id).await.state == State::Read).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert!(tablet.device.message(id).await.unwrap().is_none());
    world.relay.state().refuse_copies = false;
    until(async || tablet.device.message(id).await.unwrap().is_some()).await;
    assert_eq!(tablet.message(id).await.state, State::Read);
    // Nothing is left of it.
    let early = tablet.vault.memory.scan(Space::Early, None, Order::After(0), 1000).await.unwrap();
    assert!(early.is_empty());
}
