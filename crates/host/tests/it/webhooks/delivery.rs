//! Once, in order, whatever fails.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use host::{
    purposes::Instructions,
    webhooks::{Field, Target},
};

use super::{
    Business, names, over,
    receiver::{Manner, Receiver},
};
use crate::stage::on_both;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn an_event_arrives_once_signed_and_in_ascii() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        let deliveries = business.start();
        business.happened(&["größe 😀".to_owned()], Some(1)).await;
        business.happened(&["größe 😀".to_owned()], Some(1)).await;
        let events = receiver.wait(1).await;
        business.settled().await;
        let [event] = &receiver.events()[..] else { panic!("{events:?}") };
        assert_eq!(event.uri, "/hook?own=1");
        assert!(event.body.is_ascii());
        assert!(std::str::from_utf8(&event.body).unwrap().contains(r"gr\u00f6\u00dfe \ud83d\ude00"));
        let mac = Hmac::<sha2::Sha256>::new_from_slice(b"the app's secret").unwrap();
        let mac = hex::encode(mac.chain_update(&event.body).finalize().into_bytes());
        assert_eq!(event.headers["x-hub-signature-256"], format!("sha256={mac}"));
        let mac = Hmac::<sha1::Sha1>::new_from_slice(b"the app's secret").unwrap();
        let mac = hex::encode(mac.chain_update(&event.body).finalize().into_bytes());
        assert_eq!(event.headers["x-hub-signature"], format!("sha1={mac}"));
        assert_eq!(event.headers["content-type"], "application/json");
        assert_eq!(event.headers["user-agent"], "facebookexternalua");
        let json = event.json();
        assert_eq!(json["object"], "whatsapp_business_account");
        assert_eq!(json["entry"][0]["id"], business.waba.to_string());
        assert_eq!(json["entry"][0]["changes"][0]["field"], "messages");
        assert!(json["entry"][0].get("time").is_none());
        let attempts = business.webhooks.attempts(business.app, None, 10).await.unwrap();
        let [attempt] = &attempts[..] else { panic!("{attempts:?}") };
        assert_eq!((attempt.status, &*attempt.outcome, attempt.number), (Some(200), "delivered", 1));
        // Nothing of it is kept once it is delivered.
        let mut reader = business.ground.reader().await.unwrap();
        let kept = store::sql::query("SELECT COUNT(*) FROM webhook_events WHERE value IS NOT NULL");
        assert_eq!(kept.value::<i64>(&mut reader).await.unwrap(), Some(0));
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn after_an_hour_down_nothing_is_missing_and_all_is_in_order() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        receiver.answer(Manner { status: 503, ..Manner::default() });
        let deliveries = business.start();
        let names = names(0..30);
        for (minute, name) in names.iter().enumerate() {
            business.happened(std::slice::from_ref(name), Some(1)).await;
            business.pass(&stage, Duration::from_secs(120)).await;
            assert!(receiver.events().len() <= 2 * (minute + 1), "it is not hammered");
        }
        let failed = receiver.events();
        assert!((5..20).contains(&failed.len()), "at once and then less often: {}", failed.len());
        assert!(failed.iter().all(|event| event.text() == "m0"), "the oldest asks whether it is back");
        receiver.forget();
        receiver.answer(Manner::default());
        business.pass(&stage, 2 * HOUR).await;
        business.settled().await;
        let arrived: Vec<String> = receiver.events().iter().map(super::receiver::Arrived::text).collect();
        assert_eq!(arrived, names);
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_comes_again_and_holds_up_nothing() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        let manner = |status, headers| Manner { status, headers, ..Manner::default() };
        // A redirect is not followed, and is no delivery.
        receiver.answer(manner(302, vec![("location", receiver.url())]));
        let deliveries = business.start();
        business.happened(&["m0".to_owned()], Some(1)).await;
        assert_eq!(receiver.wait(2).await.len(), 2, "and once more at once");
        receiver.answer(manner(500, vec![("retry-after", "1000".to_owned())]));
        business.happened(&["m1".to_owned()], Some(1)).await;
        receiver.wait(3).await;
        receiver.answer(Manner::default());
        business.happened(&["m2".to_owned()], Some(1)).await;
        assert_eq!(receiver.wait(4).await[3].text(), "m2");
        business.pass(&stage, Duration::from_secs(600)).await;
        assert_eq!(receiver.wait(5).await[4].text(), "m0", "m1 was told when to come");
        business.pass(&stage, Duration::from_secs(401)).await;
        assert_eq!(receiver.wait(6).await[5].text(), "m1");
        business.settled().await;
        assert_eq!(receiver.events().len(), 6);
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_slow_callback_delays_nobody() {
    on_both(async |stage| {
        let (slow, slow_receiver) = Business::with_receiver(&stage).await;
        let (fast, fast_receiver) = Business::with_receiver(&stage).await;
        slow_receiver.answer(Manner { delay: Duration::from_secs(60), ..Manner::default() });
        let deliveries = slow.start();
        slow.happened(&names(0..200), None).await;
        slow_receiver.wait(1).await;
        let begun = tokio::time::Instant::now();
        fast.happened(&names(0..200), None).await;
        fast_receiver.wait(200).await;
        assert!(begun.elapsed() < Duration::from_millis(1900), "{:?}", begun.elapsed());
        drop(deliveries);
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_processes_deliver_each_event_once() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        let (other, other_receiver) = Business::with_receiver(&stage).await;
        let (ground, writer) = stage.another(9).await;
        let (_, _, second) = over(&ground, "127.0.0.1");
        let deliveries = [business.start(), second.start()];
        for part in 0..10 {
            let names = names(part * 30..(part + 1) * 30);
            tokio::join!(business.happened(&names, None), other.happened(&names, None));
        }
        business.settled().await;
        for receiver in [&receiver, &other_receiver] {
            let mut texts: Vec<_> = receiver.events().iter().map(super::receiver::Arrived::text).collect();
            texts.sort();
            let mut all = names(0..300);
            all.sort();
            assert_eq!(texts, all);
        }
        for deliveries in deliveries {
            deliveries.close().await;
        }
        writer.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_a_process_that_died_only_what_was_on_its_way_comes_twice() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        let names = names(0..50);
        let deliveries = business.start();
        business.happened(&names[..40], None).await;
        business.settled().await;
        // Never answered: these are on their way when the process dies.
        receiver.answer(Manner { delay: Duration::from_secs(600), ..Manner::default() });
        business.happened(&names[40..], None).await;
        receiver.wait(50).await;
        drop(deliveries);
        receiver.answer(Manner::default());
        let again = business.start();
        business.pass(&stage, Duration::from_secs(30)).await;
        assert_eq!(receiver.events().len(), 50, "its lease still runs");
        business.pass(&stage, Duration::from_secs(31)).await;
        business.settled().await;
        let mut texts: Vec<String> = receiver.events().iter().map(super::receiver::Arrived::text).collect();
        let mut expected = [&names[..], &names[40..]].concat();
        texts.sort();
        expected.sort();
        assert_eq!(texts, expected);
        again.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_business_does_not_allow_waits_and_stands_in_its_log() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        let no = Instructions { deliver: false, ..Instructions::default() };
        business.gate.instruct(business.business, no, "test").await.unwrap();
        let deliveries = business.start();
        business.happened(&names(0..3), Some(1)).await;
        business.pass(&stage, Duration::from_secs(1)).await;
        assert!(receiver.events().is_empty());
        let entries = business.gate.entries(business.business, 0, 10).await.unwrap();
        let [decision, entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((&*decision.purpose, decision.refused), ("decide", false));
        assert!(entry.refused);
        assert_eq!((&*entry.reader, &entry.names), ("webhook", &names(0..3)));
        business.gate.instruct(business.business, Instructions::default(), "test").await.unwrap();
        business.pass(&stage, HOUR).await;
        receiver.wait(3).await;
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn after_a_week_an_event_is_a_dead_letter_until_it_is_replayed_or_purged() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        receiver.answer(Manner { status: 503, ..Manner::default() });
        let deliveries = business.start();
        business.happened(&names(0..3), Some(1)).await;
        for _ in 0..30 {
            business.pass(&stage, 8 * HOUR).await;
        }
        let dead = business.webhooks.dead_letters(business.app, 0, 10).await.unwrap();
        assert_eq!(dead.len(), 3, "{dead:?}");
        assert_eq!((dead[0].target, dead[0].field), (business.target(), Field::Messages));
        receiver.answer(Manner::default());
        receiver.forget();
        assert_eq!(business.webhooks.replay(business.app, Some(dead[1].event)).await.unwrap(), 1);
        assert_eq!(receiver.wait(1).await[0].text(), "m1");
        assert_eq!(business.webhooks.replay(business.app, None).await.unwrap(), 2);
        receiver.wait(3).await;
        business.settled().await;
        assert!(business.webhooks.dead_letters(business.app, 0, 10).await.unwrap().is_empty());
        stage.clock.advance(30 * 24 * HOUR + HOUR);
        assert!(business.webhooks.purge().await.unwrap() > 3);
        assert!(business.webhooks.attempts(business.app, None, 10).await.unwrap().is_empty());
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        receiver.answer(Manner { body: 32 << 20, ..Manner::default() });
        let deliveries = business.start();
        business.happened(&names(0..3), None).await;
        receiver.wait(3).await;
        business.settled().await;
        assert_eq!(receiver.events().len(), 3);
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_nearest_callback_is_told_and_takes_over_what_waits() {
    on_both(async |stage| {
        let (business, of_app) = Business::with_receiver(&stage).await;
        let of = (business.business, business.app);
        let (of_waba, of_number) = (Receiver::start().await, Receiver::start().await);
        let (waba, number) = (Target::Waba(business.waba), Target::Number(business.number));
        business.webhooks.set_override(of, waba, &of_waba.url(), "verify me").await.unwrap();
        business.webhooks.set_override(of, number, &of_number.url(), "verify me").await.unwrap();
        let found = business.webhooks.callback(business.app, number).await.unwrap().unwrap();
        assert_eq!(found.url, of_number.url());
        business.happened(&names(0..2), None).await;
        business.webhooks.remove_override(business.app, number, business.waba).await.unwrap();
        let deliveries = business.start();
        assert_eq!(of_waba.wait(2).await.len(), 2);
        // Until the answers are recorded, the next nearest callback would be told again.
        business.settled().await;
        business.webhooks.remove_override(business.app, waba, business.waba).await.unwrap();
        business.happened(&names(2..3), None).await;
        assert_eq!(of_app.wait(1).await[0].text(), "m2");
        assert!(of_number.events().is_empty());
        assert!(business.webhooks.unsubscribe(business.waba, business.app).await.unwrap());
        business.happened(&names(3..4), None).await;
        assert_eq!(business.waiting().await, 0);
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_an_erased_person_nothing_more_is_said() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        business.happened(&names(0..2), Some(1)).await;
        business.happened(&names(2..4), Some(2)).await;
        let (person, of) = (business.person(1), business.business);
        let written = business.ground.write(0, move |transaction| {
            let person = person.clone();
            Box::pin(async move { host::webhooks::erase_person(transaction, of, &person).await })
        });
        written.await.unwrap();
        let deliveries = business.start();
        receiver.wait(2).await;
        business.settled().await;
        let texts: Vec<String> = receiver.events().iter().map(super::receiver::Arrived::text).collect();
        assert_eq!(texts, names(2..4));
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_events_are_told_in_seconds() {
    on_both(async |stage| {
        let (business, receiver) = Business::with_receiver(&stage).await;
        let names = names(0..10_000);
        for part in names.chunks(1000) {
            business.happened(part, None).await;
        }
        let begun = tokio::time::Instant::now();
        let deliveries = business.start();
        for _ in 0..2400 {
            if business.waiting().await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(receiver.events().len(), 10_000);
        println!("10,000 events in {:?}", begun.elapsed());
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}
