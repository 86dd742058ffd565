//! What a template says of how long a message waits for its person.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Office, of};
use crate::{
    webhooks::receiver::Receiver,
    world::{Person, on_both, until},
};

/// Longer than the template's time and what clocks and receipts are given.
const LATE: Duration = Duration::from_secs(30 + 3 * 60);

/// What was told of a message: each status, with the code of the last if it failed.
fn told(receiver: &Receiver, id: &str) -> Vec<String> {
    let events = receiver.events().into_iter();
    let statuses = events.map(|event| event.json()["entry"][0]["changes"][0]["value"]["statuses"][0].clone());
    statuses
        .filter(|status| status["id"] == id)
        .map(|status| {
            let code = status["errors"][0]["code"].as_u64().map(|code| format!(" {code}"));
            format!("{}{}", of(&status, "status"), code.unwrap_or_default())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_delivered_in_its_time_has_failed_and_stays_so() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let receiver = Receiver::start().await;
        let ada = office.world.customer().await;
        let callback = json!({ "url": receiver.url(), "verify_token": "verify me", "fields": ["messages"] });
        let body = json!({ "credential": office.world.owner, "callback": callback });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let (token, account) = (of(&brought, "token"), office.account(&brought).await);
        let template = json!({ "name": "code", "language": "en", "category": "UTILITY", "message_send_ttl_seconds": 30,
            "components": [{ "type": "BODY", "text": "Your table is ready now" }] });
        let path = format!("/v24.0/{}/message_templates", of(&brought, "waba_id"));
        let (_, made) = office.ask(token, "POST", &path, template).await;
        assert_eq!(made["status"], "APPROVED", "{made}");
        let send = async |to: &Person| {
            let template = json!({ "name": "code", "language": { "code": "en" } });
            let body = json!({ "messaging_product": "whatsapp", "to": to.number, "type": "template", "template": template });
            let path = format!("/v24.0/{}/messages", of(&brought["numbers"][0], "phone_number_id"));
            let (status, answer): (u16, Value) = office.ask(token, "POST", &path, body).await;
            assert_eq!(status, 200, "{answer}");
            of(&answer["messages"][0], "id").to_owned()
        };
        let in_time = send(&ada).await;
        until("it is delivered", async || told(&receiver, &in_time) == ["sent", "delivered"]).await;

        // She is away for longer than that.
        ada.leaves();
        let missed = send(&ada).await;
        until("it is sent", async || told(&receiver, &missed) == ["sent"]).await;
        office.clock.advance(LATE);
        until("it has failed", async || told(&receiver, &missed) == ["sent", "failed 131026"]).await;

        // While the relay is away nobody knows what was delivered; when it is back and has said all, it has failed.
        office.world.relay_goes().await;
        let kept = send(&ada).await;
        office.clock.advance(LATE);
        office.world.relay_comes_back().await;
        until("it has failed", async || {
            office.clock.advance(Duration::from_secs(10));
            told(&receiver, &kept).last().is_some_and(|last| last == "failed 131026")
        })
        .await;

        ada.returns();
        office.greet(&brought, &ada).await;
        until("the next arrives", async || {
            let heard = ada.device.history(account, None, 100).await.unwrap();
            heard.iter().any(|message| format!("{:?}", message.body).contains("Hello World"))
        })
        .await;
        assert_eq!(told(&receiver, &in_time), ["sent", "delivered"]);
        assert_eq!(told(&receiver, &missed), ["sent", "failed 131026"], "nothing follows");
        assert!(!told(&receiver, &kept).contains(&"delivered".to_owned()));

        // Delivered in time, while nobody here listened: that it was counts, however late it is heard.
        ada.leaves();
        let unheard = send(&ada).await;
        until("it is sent", async || told(&receiver, &unheard) == ["sent"]).await;
        let Office { world, host, clock, http, operator } = office;
        host.shutdown().await;
        let before = ada.hears(account, 0).await.len();
        ada.returns();
        ada.hears(account, before + 1).await;
        ada.device.settled().await.unwrap();
        clock.advance(LATE);
        let (host, _) = world.serve(clock.clone()).await;
        let office = Office { world, host, clock, http, operator };
        until("it was delivered", async || told(&receiver, &unheard) == ["sent", "delivered"]).await;
        office.clock.advance(LATE);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(told(&receiver, &unheard), ["sent", "delivered"]);
        office.close().await;
    })
    .await;
}
