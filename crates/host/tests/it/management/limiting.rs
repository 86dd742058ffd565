//! To how many people a number may write first: said by the operator, and grown by use.

use std::time::Duration;

use host::purposes::Entry;
use serde_json::{Value, json};

use super::{Office, of};
use crate::{
    webhooks::receiver::Receiver,
    world::{on_both, until},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What was told of limits: the field, the event and the limit.
fn told(receiver: &Receiver) -> Vec<(String, String, String)> {
    let changes = receiver.events().into_iter().map(|event| event.json()["entry"][0]["changes"][0].clone());
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut told: Vec<_> = changes
        .map(|change| {
            let value = &change["value"];
            let limit = text(value, "max_daily_conversations_per_business");
            (text(&change, "field"), text(value, "event"), limit)
        })
        .collect();
    told.sort_unstable();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_changes_a_messaging_limit_and_use_raises_it() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let receiver = Receiver::start().await;
        let callback = json!({ "url": receiver.url(), "verify_token": "verify me",
            "fields": ["phone_number_quality_update", "business_capability_update"] });
        let body = json!({ "credential": office.world.owner, "callback": callback });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let (token, number) = (of(&brought, "token"), of(&brought["numbers"][0], "phone_number_id"));
        assert_eq!(brought["numbers"][0]["messaging_limit"], "TIER_250");
        let path = format!("/host/v1/numbers/{number}/messaging-limit");
        let limit = async |limit: &str, held: bool| {
            let body = json!({ "messaging_limit": limit, "held": held });
            office.done("PUT", &path, body).await["messaging_limit"].clone()
        };
        let api = &office.host.api;
        let grow = async || {
            api.numbers.grow_tiers(&api.webhooks, &api.businesses).await.unwrap();
            let fields =
                format!("/{number}?fields=messaging_limit_tier,whatsapp_business_manager_messaging_limit");
            let shown = office.ask(token, "GET", &fields, Value::Null).await.1;
            assert_eq!(shown["messaging_limit_tier"], shown["whatsapp_business_manager_messaging_limit"]);
            of(&shown, "messaging_limit_tier").to_owned()
        };
        for bad in [json!({}), json!({ "messaging_limit": "2000" }), json!({ "messaging_limit": "TIER_3" })] {
            let refused = office.refused("PUT", &path, bad.clone()).await;
            assert_eq!((refused.0, &*refused.2), (400, "messaging_limit"), "{bad}");
        }
        let gone = "/host/v1/numbers/3000000000000001/messaging-limit";
        assert_eq!(office.refused("GET", gone, Value::Null).await.0, 404);
        assert_eq!(limit("TIER_2K", false).await, "TIER_2K");
        assert_eq!(limit("TIER_2K", false).await, "TIER_2K", "the same again is nothing new");
        assert_eq!(limit("TIER_50", false).await, "TIER_50");

        // Twenty-five of fifty people a day, before the limit was held and after.
        let id = number.parse().unwrap();
        let written = async |people: std::ops::Range<i64>| {
            let known = api.numbers.get(id).await.unwrap();
            let at = store::Clock::now(&*office.clock);
            let mut transaction = office.world.scratch.database.begin().await.unwrap();
            for person in people {
                store::sql::query(
                    "INSERT INTO chats (number, person, business, latest, opened, blocked, marketing_stopped)
                     VALUES ($1, $2, $3, $4, $4, $5, $5)",
                )
                .bind(id)
                .bind(1_000_000 + person)
                .bind(known.business)
                .bind(at)
                .bind(false)
                .execute(&mut transaction)
                .await
                .unwrap();
            }
            transaction.commit().await.unwrap();
        };
        office.clock.advance(HOUR);
        written(0..24).await;
        assert_eq!(grow().await, "TIER_50", "not half of it");
        written(24..25).await;
        assert_eq!(grow().await, "TIER_50", "the business is not approved");
        super::watching::approve(&office.world).await;
        let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        until("it is approved", async || {
            office.clock.advance(Duration::from_secs(6));
            office.done("GET", &path, Value::Null).await;
            let business = api.numbers.get(id).await.unwrap().business;
            api.businesses.get(business).await.unwrap().state == host::businesses::BusinessState::Approved
        })
        .await;
        limit("TIER_50", true).await;
        assert_eq!(grow().await, "TIER_50", "it is held");
        limit("TIER_50", false).await;
        assert_eq!(grow().await, "TIER_250");
        assert_eq!(grow().await, "TIER_250", "what was used of the old limit does not count for the new one");
        office.clock.advance(8 * 24 * HOUR);
        written(100..225).await;
        let (one, two) = tokio::join!(grow(), grow());
        assert_eq!((&*one, &*two), ("TIER_2K", "TIER_2K"), "once, whoever looks");

        let quality = "phone_number_quality_update";
        let capability = "business_capability_update";
        let mut expected = Vec::new();
        for (event, limit) in [
            ("UPGRADE", "TIER_2K"),
            ("DOWNGRADE", "TIER_50"),
            ("UPGRADE", "TIER_250"),
            ("UPGRADE", "TIER_2K"),
        ] {
            expected.push((quality.to_owned(), event.to_owned(), limit.to_owned()));
            expected.push((capability.to_owned(), String::new(), limit.to_owned()));
        }
        expected.sort_unstable();
        until("all was told", async || told(&receiver).len() >= expected.len()).await;
        assert_eq!(told(&receiver), expected);
        let log = format!("/host/v1/businesses/{}/audit", of(&brought, "business_id"));
        let log = office.ask(token, "GET", &log, Value::Null).await.1;
        let entries = log.as_str().unwrap().lines().map(|line| serde_json::from_str::<Entry>(line).unwrap());
        let decided: Vec<_> = entries
            .filter(|entry| entry.subject == "messaging_limit")
            .map(|entry| format!("{}: {}", entry.reader, entry.names[1..].join(" ")))
            .collect();
        assert_eq!(
            decided,
            [
                "operator: TIER_250 TIER_2K",
                "operator: TIER_2K TIER_50",
                "operator: TIER_50 TIER_50 held",
                "operator: TIER_50 TIER_50",
                "growth: TIER_50 TIER_250",
                "growth: TIER_250 TIER_2K",
            ]
        );
        office.close().await;
    })
    .await;
}
