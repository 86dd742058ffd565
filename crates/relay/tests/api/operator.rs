//! What the operator and the authors of clients see.

use std::time::{Duration, Instant};

use relay::limits::Rate;
use serde_json::{Value, json};

use crate::{
    business::stage_with,
    stage::{Answer, Site},
};

pub(crate) async fn the_document_describes_every_route(site: Site) {
    let stage = site.stage().await;
    let document = stage.get("/v1/openapi.json").await.is(200).json();
    assert_eq!(document["openapi"].as_str().map(|version| &version[..2]), Some("3."));
    let api = include_str!("../../../../docs/relay-api.md");
    let mut described = 0;
    for path in document["paths"].as_object().unwrap().keys() {
        // Paths are written in full in the tables of the guide.
        let known = api.contains(&format!("{path}`")) || api.contains(&format!("{path}?"));
        assert!(known, "docs/relay-api.md says nothing of {path}");
        described += 1;
    }
    assert!(described >= 24, "{described}");
    // Every schema that is referred to is there.
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert_ne!(document["components"]["schemas"][name], Value::Null, "{name}");
    }
    assert_eq!(document["components"]["securitySchemes"]["device"]["scheme"], "bearer");
    stage.close().await;
}

pub(crate) async fn health_says_whether_the_store_answers(site: Site) {
    let stage = site.stage().await;
    assert_eq!(stage.get("/health").await.is(200).bytes, b"ok\n");
    stage.relay.services.ground.database.close().await;
    let answer = stage.get("/health").await;
    assert_eq!(answer.refused(503, "unavailable").header("retry-after"), "1");
    stage.close().await;
}

pub(crate) async fn figures_name_routes_and_no_numbers(site: Site) {
    let stage = site.stage_with(|config| config.operator.token = Some("hush".into())).await;
    let person = stage.person().await;
    let path = format!("/v1/accounts/{}/keys", person.account);
    person.get(&path).await.is(200);
    let figures = stage.get("/metrics").await;
    let text = String::from_utf8(figures.is(200).bytes.clone()).unwrap();
    assert!(text.contains("route=\"/v1/accounts/{account}/keys\""), "{text}");
    assert!(!text.contains(&person.account) && !text.contains(&person.phone[1..]), "{text}");
    // Through a proxy it is not loopback any more.
    let url = format!("{}/metrics", stage.url());
    let ask = async |token: &str| {
        let request = stage.http.get(&url).header("x-forwarded-for", "192.0.2.1").bearer_auth(token);
        Answer::of(request.send().await.unwrap()).await
    };
    ask("").await.refused(401, "unauthorized");
    ask("wrong").await.refused(401, "unauthorized");
    ask("hush").await.is(200);
    // Nor is the development mailbox.
    stage.post("/v1/registration/codes", json!({ "number": "+4915119999999" })).await.is(200);
    let mailbox = stage.http.get(format!("{}/v1/dev/codes/+4915119999999", stage.url()));
    let answer = mailbox.header("x-forwarded-for", "127.0.0.1").send().await.unwrap();
    Answer::of(answer).await.refused(404, "not_found");
    stage.close().await;
}

pub(crate) async fn what_is_not_there_is_said_in_the_same_form(site: Site) {
    let stage = site.stage().await;
    stage.get("/").await.refused(404, "not_found");
    stage.get("/v1/nothing").await.refused(404, "not_found");
    stage.get("/v2/account").await.refused(404, "not_found");
    stage.post("/health", json!({})).await.refused(405, "method_not_allowed");
    stage.post("/v1/account", json!({})).await.refused(405, "method_not_allowed");
    stage.close().await;
}

pub(crate) async fn unknown_fields_are_refused(site: Site) {
    let stage = site.stage().await;
    let body = json!({ "number": "+4915119999999", "sender": "me" });
    stage.post("/v1/registration/codes", body).await.refused(400, "invalid_request");
    let request = stage.http.post(format!("{}/v1/registration/codes", stage.url()));
    let answer = request.body("{\"number\": ").send().await.unwrap();
    Answer::of(answer).await.refused(400, "invalid_request");
    let large = json!({ "number": "1".repeat(600 << 10) });
    let large = stage.post("/v1/registration/codes", large).await;
    assert_eq!(large.refused(413, "too_large").json()["error"]["limit"], 512 << 10);
    stage.close().await;
}

pub(crate) async fn limits_say_when_to_come_back(site: Site) {
    let stage = site
        .stage_with(|config| {
            config.limits.codes = Rate::new(3, 60_000);
            config.limits.requests = Rate::new(5, 2_000);
            config.limits.lookups = Rate::new(10, 1_000);
            config.limits.wrong_credentials = Rate::new(4, 1_000);
        })
        .await;
    let (one, two) = (stage.person().await, stage.person().await);
    stage.person().await;
    let body = json!({ "number": stage.new_number() });
    let refused = stage.post("/v1/registration/codes", body).await;
    assert_eq!(refused.refused(429, "rate_limited").header("retry-after"), "60");

    let numbers = json!({ "numbers": vec![one.phone.clone(); 10] });
    one.send("POST", "/v1/accounts/lookup", numbers.clone()).await.is(200);
    let refused = one.send("POST", "/v1/accounts/lookup", numbers).await;
    assert_eq!(refused.refused(429, "rate_limited").header("retry-after"), "10");
    for _ in 0..3 {
        one.get("/v1/account").await.is(200);
    }
    assert_eq!(one.get("/v1/account").await.refused(429, "rate_limited").header("retry-after"), "2");
    two.get("/v1/account").await.is(200);

    for _ in 0..4 {
        stage.get("/v1/account").await.refused(401, "unauthorized");
    }
    stage.get("/v1/account").await.refused(429, "rate_limited");
    // Who has a good credential does not suffer from those at the same address who have none.
    two.get("/v1/account").await.is(200);
    stage.close().await;
}

pub(crate) async fn whoever_talks_nonsense_is_heard_slowly_then_not_at_all(site: Site) {
    let held = Duration::from_millis(300);
    let stage = stage_with(site, |config| {
        config.limits.nonsense = Rate::new(3, 2_000);
        config.limits.held_ms = 300;
    })
    .await;
    let (one, two) = (stage.person().await, stage.person().await);
    let linked = stage.link(&one).await;
    for _ in 0..3 {
        one.send("PUT", "/v1/profile", json!({ "nonsense": 1 })).await.refused(400, "invalid_request");
    }
    let asked = Instant::now();
    let refused = one.get("/v1/account").await;
    assert_eq!(refused.refused(429, "rate_limited").header("retry-after"), "2");
    assert!(asked.elapsed() >= held);
    // Others at its address are no worse off, whether they are known or not; nor are other devices of the same account.
    linked.get("/v1/account").await.is(200);
    two.get("/v1/account").await.is(200);
    let code = || json!({ "number": stage.new_number() });
    stage.post("/v1/registration/codes", code()).await.is(200);
    for _ in 0..3 {
        stage.post("/v1/registration", json!([])).await.refused(400, "invalid_request");
    }
    let asked = Instant::now();
    stage.post("/v1/registration/codes", code()).await.refused(429, "rate_limited");
    assert!(asked.elapsed() >= held);
    two.get("/v1/account").await.is(200);
    stage.operator().post("/v1/operator/vendors", json!({ "name": "Host GmbH" })).await.is(201);
    stage.clock.advance(Duration::from_secs(2));
    one.get("/v1/account").await.is(200);
    stage.post("/v1/registration/codes", code()).await.is(200);
    stage.close().await;
}
