//! What is kept, found and erased; and what a crash leaves.

use std::{collections::BTreeSet, time::Duration};

use client::{Body, Draft, DraftContent};
use host::{
    HostError,
    chats::{ChatFilter, Chats, Filter, Look},
    ids::MessageId,
    purposes::{Instructions, Purpose},
};

use crate::world::{World, on_both, text, until};

async fn came(world: &World) -> usize {
    world.told().await.iter().filter(|line| line.parse::<MessageId>().is_ok()).count()
}

fn bodies(messages: &[client::Message]) -> Vec<String> {
    let body = |message: &client::Message| match &message.body {
        Body::Text { text } => text.clone(),
        other => panic!("{other:?}"),
    };
    messages.iter().map(body).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_host_loses_nothing_and_says_nothing_twice() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("hello")).await.unwrap();
        until("it came", async || came(&world).await == 1).await;
        let mut host = host;
        let (mut ids, mut said, mut asked) = (Vec::new(), BTreeSet::new(), 1);
        for round in 0..4_u64 {
            for index in 0..12 {
                let body = format!("answer {round}.{index}");
                // What was not accepted may have been sent all the same; what was, must arrive.
                let accepted = host.messages.send(text(&number, &ada.number, &body)).await.unwrap();
                ids.push(accepted.id);
                said.insert(body);
                ada.device.send(business, Draft::text(format!("question {round}.{index}"))).await.unwrap();
                asked += 1;
            }
            tokio::time::sleep(Duration::from_millis(7 * round * round)).await;
            host.kill().await;
            // Another process takes over when the lease has run out: here at once, as an operator who knows would.
            world.free_leases().await;
            host = world.host().await;
        }
        let heard = bodies(&ada.hears(business, said.len()).await);
        let distinct: BTreeSet<String> = heard.iter().cloned().collect();
        assert_eq!((distinct, heard.len()), (said, ids.len()), "each once");
        until("all questions came", async || came(&world).await >= asked).await;
        until("all was delivered", async || {
            for id in &ids {
                if world.told_of(*id).await.len() < 2 {
                    return false;
                }
            }
            true
        })
        .await;
        assert_eq!(came(&world).await, asked);
        for id in &ids {
            assert_eq!(world.told_of(*id).await, ["sent", "delivered"]);
        }
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_the_relay_is_gone_arrives_once_when_it_is_back() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("hello")).await.unwrap();
        until("it came", async || came(&world).await == 1).await;
        let (mut ids, mut said) = (Vec::new(), Vec::new());
        for away in 0..2 {
            let mut say = async |body: String| {
                ids.push(host.messages.send(text(&number, &ada.number, &body)).await.unwrap().id);
                said.push(body);
            };
            for index in 0..10 {
                say(format!("before {away}.{index}")).await;
            }
            // Some of these are on their way.
            world.relay_goes().await;
            for index in 0..10 {
                say(format!("meanwhile {away}.{index}")).await;
                ada.device.send(business, Draft::text(format!("question {away}.{index}"))).await.unwrap();
            }
            world.relay_comes_back().await;
        }
        assert_eq!(bodies(&ada.hears(business, said.len()).await), said);
        until("all questions came", async || came(&world).await >= 21).await;
        assert_eq!(came(&world).await, 21);
        for id in &ids {
            until("all was delivered", async || world.told_of(*id).await.len() >= 2).await;
            assert_eq!(world.told_of(*id).await, ["sent", "delivered"]);
        }
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_taken_over_and_what_its_first_process_still_does_is_refused() {
    on_both(async |world| {
        let ada = world.customer().await;
        let first = world.host().await;
        let number = world.settle(&first).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("one")).await.unwrap();
        until("it came", async || came(&world).await == 1).await;
        let stale = first.running.live(number.id).unwrap();
        let second = world.host().await;
        first.close().await;
        until("the other runs it", async || second.running.live(number.id).is_some()).await;
        let late = stale.device.send(stale.device.own().account, Draft::text("late")).await;
        assert!(late.is_err(), "{late:?}");
        second.messages.send(text(&number, &ada.number, "two")).await.unwrap();
        assert_eq!(bodies(&ada.hears(business, 1).await), ["two"]);
        second.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_shows_nothing_and_is_found_by_its_words() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("My Zanzibar voucher is lost")).await.unwrap();
        ada.device.send(business, Draft::text("and the zanzibar ticket too")).await.unwrap();
        until("both came", async || came(&world).await == 2).await;
        host.messages.send(text(&number, &ada.number, "We send another Voucher")).await.unwrap();
        ada.hears(business, 1).await;
        let chats =
            Chats::new(host.ground.clone(), host.gate.clone(), host.people.clone(), host.messages.clone());
        let (all, any) = (Filter::default(), ChatFilter::default());
        let look = Look { business: number.business, numbers: &[number.id], by: "test" };
        let found =
            async |words: &str| chats.search(&look, words, &all, None, 50).await.map(|found| found.len());
        assert_eq!(found("ZANZIBAR").await.unwrap(), 2);
        assert_eq!(found("zanzibar voucher").await.unwrap(), 1);
        assert_eq!(found("voucher").await.unwrap(), 2);
        assert_eq!(found("voucher is lost my").await.unwrap(), 1);
        assert_eq!(found("zanzi").await.unwrap(), 0);
        let (list, next) = chats.list(&look, &any, None, 10).await.unwrap();
        assert_eq!((list.len(), next), (1, None));
        assert_eq!(list[0].profile.wa_id.as_deref(), Some(ada.number.as_str().trim_start_matches('+')));

        for secret in ["Zanzibar", "zanzibar", "voucher", "Voucher", "4915112345678"] {
            world.scan(secret.as_bytes());
        }

        let no = Instructions { store_days: Some(30), search: false, ..Instructions::default() };
        host.gate.instruct(number.business, no, "test").await.unwrap();
        assert!(matches!(found("voucher").await, Err(HostError::NotAllowed(Purpose::Search))));
        host.gate.instruct(number.business, Instructions::default(), "test").await.unwrap();
        assert!(matches!(
            chats.list(&look, &any, None, 10).await,
            Err(HostError::NotAllowed(Purpose::Store))
        ));
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_erased_when_they_ask_and_a_business_when_it_goes() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("remember me")).await.unwrap();
        until("it came", async || came(&world).await == 1).await;
        host.messages.send(text(&number, &ada.number, "always")).await.unwrap();
        ada.hears(business, 1).await;
        let request = ada.device.send(business, DraftContent::ErasureRequest.into()).await.unwrap();
        let heard = ada.hears(business, 2).await;
        assert_eq!(heard[1].body, Body::ErasureDone { request, messages: 2, media: 0 });
        assert_eq!(world.count("messages").await, 0);
        assert_eq!((world.count("people").await, world.count("message_words").await), (0, 0));
        let entries = host.gate.entries(number.business, 0, 1000).await.unwrap();
        assert!(entries.iter().any(|entry| entry.reader == "erasure for a person"));

        ada.device.send(business, Draft::text("me again")).await.unwrap();
        until("it came", async || came(&world).await == 2).await;
        let id: MessageId = world.told().await.iter().rev().find_map(|line| line.parse().ok()).unwrap();
        host.businesses.erase(number.business).await.unwrap();
        let access = host::purposes::Access::by("test", number.business, Purpose::Deliver);
        let opened = host.messages.open(&access, &number, &[id]).await;
        assert!(matches!(opened, Err(HostError::Erased)), "{opened:?}");
        host.running.stopped(number.business).await.unwrap();
        host.messages.sweep().await.unwrap();
        for table in ["messages", "people", "chats", "media", "numbers", "vault_records", "business_keys"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
        host.close().await;
        world.close().await;
    })
    .await;
}
