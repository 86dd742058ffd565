//! What businesses are told of decisions, what they may check, and what is told again.

use std::time::Duration;

use client::Draft;
use host::purposes::log;
use serde_json::{Value, json};

use super::{Office, of};
use crate::{
    webhooks::receiver::{Manner, Receiver},
    world::{on_both, until},
};

/// The events of templates that arrived: what happened, and why.
fn decisions(receiver: &Receiver) -> Vec<(String, String, Value)> {
    let changes = receiver.events().into_iter().map(|event| event.json()["entry"][0]["changes"][0].clone());
    let changes = changes.filter(|change| change["field"] == "message_template_status_update");
    let values = changes.map(|change| change["value"].clone());
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    values.map(|value| (text(&value, "event"), text(&value, "reason"), value)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decision_about_a_template_is_told_once() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let receiver = Receiver::start().await;
        let callback = json!({ "url": receiver.url(), "verify_token": "verify me" });
        let body = json!({ "credential": office.world.owner, "callback": callback });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let make = async |name: &str, text: &str| {
            let body = json!({ "type": "BODY", "text": text });
            let template =
                json!({ "name": name, "language": "en", "category": "UTILITY", "components": [body] });
            let (status, made) =
                office.ask(token, "POST", &format!("/{waba}/message_templates"), template).await;
            assert_eq!(status, 200, "{made}");
            of(&made, "id").to_owned()
        };
        make("plain", "Your order is on its way to you").await;
        make("offer", "Get 20% off of everything today").await;
        let doubtful = make("link", "See https://bit.ly/x for more of it").await;
        let waiting = office.done("GET", "/host/v1/templates", Value::Null).await;
        assert_eq!(waiting["templates"].as_array().unwrap().len(), 1, "{waiting}");
        assert_eq!(waiting["templates"][0]["template_id"], doubtful.as_str());

        let path = |word: &str| format!("/host/v1/templates/{doubtful}/{word}");
        let wrong = office.refused("POST", &path("reject"), json!({ "reason": "UGLY" })).await;
        assert_eq!((wrong.0, &*wrong.2), (400, "reason"));
        assert_eq!(office.refused("POST", &path("pause"), Value::Null).await.0, 409);
        // Two decide at the same time: one of them does.
        let approve = async || office.ask(&office.operator, "POST", &path("approve"), Value::Null).await.0;
        let (one, two) = tokio::join!(approve(), approve());
        assert_eq!([one.min(two), one.max(two)], [200, 409]);
        office.done("POST", &path("pause"), Value::Null).await;
        // What the operator paused, the business does not let out again, neither so nor by writing it anew.
        let own = async |path: String, body: Value| office.ask(token, "POST", &path, body).await;
        assert_eq!(own(format!("/{doubtful}/unpause"), Value::Null).await.0, 400);
        let anew = json!({ "components": [{ "type": "BODY", "text": "Your order is on its way to you" }] });
        let (status, edited) = own(format!("/{doubtful}"), anew.clone()).await;
        assert_eq!(status, 200, "{edited}");
        let fields = format!("/{doubtful}?fields=status");
        assert_eq!(office.ask(token, "GET", &fields, Value::Null).await.1["status"], "PENDING");
        for word in ["approve", "disable"] {
            office.done("POST", &path(word), Value::Null).await;
        }
        assert_eq!(own(format!("/{doubtful}"), anew).await.0, 400);
        assert_eq!(office.refused("POST", &path("disable"), Value::Null).await.0, 409);
        let second = make("second", "See https://t.co/x for more of it").await;
        let reject = format!("/host/v1/templates/{second}/reject");
        let rejected = office.done("POST", &reject, json!({ "reason": "scam" })).await;
        assert_eq!((of(&rejected, "status"), of(&rejected, "reason")), ("REJECTED", "SCAM"));
        let gone =
            office.ask(token, "DELETE", &format!("/{waba}/message_templates?name=plain"), Value::Null).await;
        assert_eq!(gone.0, 200, "{}", gone.1);

        let expected = [
            ("APPROVED", "NONE"),
            ("REJECTED", "INCORRECT_CATEGORY"),
            ("APPROVED", "NONE"),
            ("PAUSED", "NONE"),
            ("APPROVED", "NONE"),
            ("DISABLED", "NONE"),
            ("REJECTED", "SCAM"),
            ("DELETED", "NONE"),
        ];
        until("all was told", async || decisions(&receiver).len() >= expected.len()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let told = decisions(&receiver);
        let mut heard: Vec<_> =
            told.iter().map(|(event, reason, _)| (event.as_str(), reason.as_str())).collect();
        let mut wanted = expected.to_vec();
        heard.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(heard, wanted);
        let paused = told.iter().find(|(event, ..)| event == "PAUSED").unwrap();
        assert_eq!(paused.2["other_info"]["title"], "FIRST_PAUSE");
        assert_eq!(paused.2["message_template_id"], json!(doubtful.parse::<u64>().unwrap()));
        assert_eq!(paused.2["message_template_category"], "UTILITY");
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_business_reads_its_deliveries_and_has_what_died_told_again() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let ada = office.world.customer().await;
        let receiver = Receiver::start().await;
        let callback = json!({ "url": receiver.url(), "verify_token": "verify me", "fields": ["messages"] });
        let body = json!({ "credential": office.world.owner, "callback": callback });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let token = of(&brought, "token");
        let path = |rest: &str| format!("/host/v1/businesses/{}/{rest}", of(&brought, "business_id"));
        receiver.answer(Manner { status: 500, ..Manner::default() });
        receiver.forget();
        ada.device.send(office.account(&brought).await, Draft::text("are you there?")).await.unwrap();
        receiver.wait(1).await;
        let dead = async || office.ask(token, "GET", &path("dead-letters"), Value::Null).await.1;
        assert_eq!(dead().await["dead_letters"], json!([]));
        office.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
        until("it died", async || {
            office.host.api.webhooks.wake().await;
            !dead().await["dead_letters"].as_array().unwrap().is_empty()
        })
        .await;
        let letter = dead().await["dead_letters"][0].clone();
        assert_eq!((of(&letter, "field"), &letter["app_id"]), ("messages", &brought["app_id"]));
        assert!(!dead().await.to_string().contains("are you there"), "no content");

        receiver.answer(Manner::default());
        receiver.forget();
        let replay = path("dead-letters/replay");
        assert_eq!(office.ask(token, "POST", &replay, json!({ "event": 999_999 })).await.0, 404);
        assert_eq!(office.ask(token, "POST", &replay, json!({ "event": 0 })).await.0, 400);
        let (status, replayed) =
            office.ask(token, "POST", &replay, json!({ "event": letter["event"] })).await;
        assert_eq!((status, &replayed["replayed"]), (200, &json!(1)));
        assert_eq!(receiver.wait(1).await[0].text(), "are you there?");
        until("it stands in the log", async || {
            let log = office.ask(token, "GET", &path("deliveries?limit=1"), Value::Null).await.1;
            log["deliveries"][0]["outcome"] == "delivered" && log["deliveries"][0]["status"] == 200
        })
        .await;
        assert_eq!(dead().await["dead_letters"], json!([]));
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_downloaded_whole_by_its_business_and_by_who_runs_the_host() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let ada = office.world.customer().await;
        let brought = office.bring_in(&office.world.owner.clone()).await;
        office.greet(&brought, &ada).await;
        ada.hears(office.account(&brought).await, 1).await;
        let path = format!("/host/v1/businesses/{}/audit", of(&brought, "business_id"));
        let url = format!("http://{}{path}", office.host.address);
        let download = async |token: &str| {
            let answer = office.http.get(&url).bearer_auth(token).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let entries = answer.headers()["tradepost-log-entries"].to_str().unwrap().to_owned();
            let hash = answer.headers()["tradepost-log-hash"].to_str().unwrap().to_owned();
            (entries, hash, answer.text().await.unwrap())
        };
        let (entries, hash, first) = download(of(&brought, "token")).await;
        let head = log::verify(first.lines(), None).unwrap();
        assert_eq!((head.seq.to_string(), head.hash.clone()), (entries, hash));
        // More than a page of it, and what is downloaded later contains what was before.
        for _ in 0..1100 {
            let access = host::purposes::Access::by(
                "test",
                of(&brought, "business_id").parse().unwrap(),
                host::purposes::Purpose::Deliver,
            );
            let kind = host::purposes::SubjectKind::Chat;
            let subject = host::purposes::Subject { kind, names: vec!["x".to_owned()] };
            office.host.api.gate.receive(&access, subject, ()).await.unwrap();
        }
        let (_, _, whole) = download(&office.operator).await;
        let later = log::verify(whole.lines(), Some(&head)).unwrap();
        assert!(later.seq >= head.seq + 1100, "{later:?}");
        let removed: Vec<&str> = whole.lines().take(5).chain(whole.lines().skip(6)).collect();
        assert!(log::verify(removed, Some(&head)).is_err());
        office.close().await;
    })
    .await;
}
