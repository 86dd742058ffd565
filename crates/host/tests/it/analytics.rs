//! Counts of messages, on both engines.

use std::{collections::BTreeSet, sync::Arc};

use client::{Draft, DraftContent};
use host::{
    HostError,
    analytics::{Analytics, Apart, Granularity, Question, Tally},
    purposes::{Instructions, Purpose},
};
use store::Timestamp;

use crate::world::{on_both, text, until};

fn all() -> Question {
    Question {
        start: Timestamp(0),
        end: Timestamp(9_999_999_999_000),
        granularity: Granularity::Day,
        numbers: BTreeSet::new(),
        countries: BTreeSet::new(),
        templates: BTreeSet::new(),
        categories: BTreeSet::new(),
    }
}

fn sum(counts: &std::collections::BTreeMap<host::analytics::Key, Tally>) -> (i64, i64, i64) {
    counts.values().fold((0, 0, 0), |(sent, delivered, read), tally| {
        (sent + tally.sent, delivered + tally.delivered, read + tally.read)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_counted_if_the_business_allows_it_and_stay_counted_when_they_are_gone() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("hello")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        let mut last = None;
        for n in 0..3 {
            last = Some(host.messages.send(text(&number, &ada.number, &n.to_string())).await.unwrap().id);
        }
        ada.hears(business, 3).await;
        ada.device.mark_read(business, u64::MAX >> 1).await.unwrap();
        until("all were read", async || world.told_of(last.unwrap()).await.len() == 3).await;

        let analytics: Arc<Analytics> = Analytics::new(host.ground.clone(), host.gate.clone());
        let whose = (number.business, number.waba);
        let refused = analytics.count(whose, &all(), Apart::default()).await;
        assert!(matches!(refused, Err(HostError::NotAllowed(Purpose::Analyse))), "{refused:?}");
        let log = host.gate.entries(number.business, 0, 1000).await.unwrap();
        assert!(log.iter().any(|entry| entry.refused && entry.reader == "analytics"));

        let allow = Instructions { analyse: true, store_days: Some(365), ..Instructions::default() };
        host.gate.instruct(number.business, allow, "test").await.unwrap();
        let apart = Apart { number: true, country: true, category: true, template: true };
        let counts = analytics.count(whose, &all(), apart).await.unwrap();
        assert_eq!(sum(&counts), (3, 3, 3));
        let (key, _) = counts.first_key_value().unwrap();
        assert_eq!(
            (key.number, key.category, key.template),
            (Some(number.id.get()), Some("SERVICE"), Some(0))
        );
        assert_eq!((key.country.as_deref().map(str::len), key.end - key.start), (Some(2), 86_400));
        for (question, expected) in [
            (Question { categories: BTreeSet::from(["MARKETING"]), ..all() }, 0),
            (Question { categories: BTreeSet::from(["SERVICE"]), ..all() }, 3),
            (Question { countries: BTreeSet::from(["XX".to_owned()]), ..all() }, 0),
            (Question { numbers: BTreeSet::from([number.id]), ..all() }, 3),
            (Question { granularity: Granularity::Month, ..all() }, 3),
            (Question { granularity: Granularity::HalfHour, ..all() }, 3),
            (Question { end: Timestamp(1_000), ..all() }, 0),
        ] {
            let counts = analytics.count(whose, &question, Apart::default()).await.unwrap();
            assert_eq!(sum(&counts).0, expected, "{question:?}");
        }
        let none = Question { end: Timestamp(0), ..all() };
        assert!(matches!(
            analytics.count(whose, &none, Apart::default()).await,
            Err(HostError::Invalid { .. })
        ));

        // Ada asks for everything to be erased: what was said is gone, and that there was something is not.
        ada.device.send(business, DraftContent::ErasureRequest.into()).await.unwrap();
        until("all is gone", async || world.count("messages").await == 0).await;
        assert_eq!(sum(&analytics.count(whose, &all(), apart).await.unwrap()), (3, 3, 3));

        host.businesses.erase(number.business).await.unwrap();
        // As long as a number of it runs, what it keeps stays.
        host.running.stopped(number.business).await.unwrap();
        host.messages.sweep().await.unwrap();
        assert_eq!(world.count("message_counts").await, 0);
        host.close().await;
        world.close().await;
    })
    .await;
}
