//! What a business may send, and how much: the 24 hours, the pair, the day's new people, the number's second.

use std::{sync::Arc, time::Duration};

use client::{AccountId, Draft};
use serde_json::{Value, json};

use crate::{
    management::{Ahead, of},
    world::{Person, World, on_both, until},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A host on a clock that is moved by hand, with a business that wrote to nobody yet.
struct Desk {
    clock: Arc<Ahead>,
    host: host::Host,
    token: String,
    path: String,
    account: AccountId,
    http: reqwest::Client,
}

impl Desk {
    async fn open(world: &World, change: impl FnOnce(&mut host::config::Messaging)) -> Self {
        let clock = Arc::new(Ahead::default());
        let (host, operator) = world.serve_with(clock.clone(), |config| change(&mut config.messaging)).await;
        let http = reqwest::Client::new();
        let bring = http.post(format!("http://{}/host/v1/businesses", host.address)).bearer_auth(operator);
        let brought =
            bring.json(&json!({ "credential": world.owner, "new_token": true })).send().await.unwrap();
        let brought: Value = brought.json().await.unwrap();
        let token = of(&brought, "token").to_owned();
        let number = of(&brought["numbers"][0], "phone_number_id");
        let account = host.api.numbers.get(number.parse().unwrap()).await.unwrap().account.unwrap();
        let path = format!("http://{}/{number}/messages", host.address);
        Self { clock, host, token, path, account, http }
    }

    /// The code with which it is refused, or 0.
    async fn code(&self, body: Value) -> i64 {
        let answer = self.http.post(&self.path).bearer_auth(&self.token).json(&body).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(status.is_success(), answer["error"].is_null(), "{answer}");
        answer["error"]["code"].as_i64().unwrap_or_default()
    }

    async fn text(&self, to: &Person) -> i64 {
        self.code(json!({ "messaging_product": "whatsapp", "to": to.number, "text": { "body": "hello" } }))
            .await
    }

    async fn template(&self, to: &Person) -> i64 {
        let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
        let body = json!({ "messaging_product": "whatsapp", "to": to.number, "type": "template", "template": template });
        self.code(body).await
    }

    /// Somebody writes, and the business may answer.
    async fn hear(&self, from: &Person) {
        from.device.send(self.account, Draft::text("hello")).await.unwrap();
        until("it may answer", async || self.text(from).await == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_closes_24_hours_after_they_wrote() {
    on_both(async |world| {
        let desk = Desk::open(&world, |_| ()).await;
        let ada = world.customer().await;
        assert_eq!(desk.text(&ada).await, 131_047, "she has not written yet");
        desk.hear(&ada).await;
        desk.clock.advance(DAY - Duration::from_secs(60));
        assert_eq!(desk.text(&ada).await, 0);
        desk.clock.advance(Duration::from_secs(61));
        assert_eq!(desk.text(&ada).await, 131_047);
        assert_eq!(desk.template(&ada).await, 0);
        assert_eq!(desk.text(&ada).await, 131_047, "a template opens nothing");
        desk.host.shutdown().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_a_day_and_a_second_hold_so_much() {
    on_both(async |world| {
        crate::management::watching::approve(&world).await;
        let people = [
            world.customer().await,
            world.customer_at("+4915112345671").await,
            world.customer_at("+4915112345672").await,
        ];
        let desk = Desk::open(&world, |rules| {
            rules.pair_burst = 3;
            rules.pair_ms = 60_000;
            rules.tier = Some(2);
            rules.tiers_grow = false;
        })
        .await;
        // Three at once to the same person, then one a minute.
        for _ in 0..3 {
            assert_eq!(desk.template(&people[0]).await, 0);
        }
        assert_eq!(desk.template(&people[0]).await, 131_056);
        desk.clock.advance(Duration::from_secs(60));
        assert_eq!(desk.template(&people[0]).await, 0);
        assert_eq!(desk.template(&people[0]).await, 131_056);
        // Two new people a day; who was written to is not new.
        assert_eq!(desk.template(&people[1]).await, 0);
        assert_eq!(desk.template(&people[2]).await, 131_048);
        desk.clock.advance(Duration::from_secs(60));
        assert_eq!(desk.template(&people[1]).await, 0);
        // Who writes first is answered beyond that.
        desk.hear(&people[2]).await;
        desk.clock.advance(DAY);
        assert_eq!(desk.template(&people[2]).await, 0);
        desk.host.shutdown().await;

        // Another process takes five a second of each number.
        world.free_leases().await;
        let desk = Desk::open(&world, |rules| rules.per_second = 5).await;
        let all = (0..20).map(|_| desk.template(&people[0]));
        let all = futures_util::future::join_all(all).await;
        let taken = all.iter().filter(|code| **code == 0).count();
        assert!((5..20).contains(&taken), "{all:?}");
        assert!(all.iter().all(|code| [0, 130_429].contains(code)), "{all:?}");
        desk.clock.advance(Duration::from_secs(1));
        assert_eq!(desk.template(&people[0]).await, 0);
        desk.host.shutdown().await;
        world.close().await;
    })
    .await;
}
