//! How accounts begin.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use futures_util::future::join_all;
use relay::config::{Gateway, Sender};
use serde_json::{Value, json};

use crate::stage::{Answer, DAY, MINUTE, Site, Stage, identity, offer};

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

pub(crate) async fn a_code_makes_an_account(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let asked = stage.post("/v1/registration/codes", json!({ "number": number })).await;
    assert_eq!(asked.is(200).json(), json!({ "expires_in_ms": 600_000, "retry_after_ms": 30_000 }));
    let code = stage.mailbox(&number).await;
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let answer = stage.try_register(&number, &code, None, &offer(&identity("a"), 1, 2)).await;
    let device = stage.device(answer.is(200), identity("a"));
    assert_eq!((device.number, &device.phone), (1, &number));
    assert_eq!(device.get("/v1/account").await.is(200).json()["number"], number);
    for bad in ["110", "+491511", "+49 1511 1234567", ""] {
        stage.post("/v1/registration/codes", json!({ "number": bad })).await.refused(400, "invalid_number");
    }
    stage.close().await;
}

pub(crate) async fn a_wrong_code_is_tried_five_times_and_no_more(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let code = stage.code(&number).await;
    let device = offer(&identity("a"), 1, 0);
    for left in (0..5).rev() {
        let answer = stage.try_register(&number, &another(&code), None, &device).await;
        assert_eq!(answer.refused(403, "code_wrong").json()["error"]["tries_left"], left);
    }
    stage.try_register(&number, &code, None, &device).await.refused(403, "code_expired");
    stage.clock.advance(MINUTE);
    let code = stage.code(&number).await;
    stage.try_register(&number, &code, None, &device).await.is(200);
    stage.close().await;
}

pub(crate) async fn guesses_at_the_same_time_are_counted_too(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let code: u32 = stage.code(&number).await.parse().unwrap();
    let device = offer(&identity("a"), 1, 0);
    let guesses = (1..=40).map(|step| format!("{:06}", (code + step) % 1_000_000));
    let guesses: Vec<String> = guesses.collect();
    let answers =
        join_all(guesses.iter().map(|guess| stage.try_register(&number, guess, None, &device))).await;
    let wrong = answers.iter().filter(|answer| answer.code() == "code_wrong").count();
    let expired = answers.iter().filter(|answer| answer.code() == "code_expired").count();
    assert_eq!((wrong, expired), (5, 35));
    stage.close().await;
}

pub(crate) async fn a_code_is_good_for_ten_minutes_and_once(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let device = offer(&identity("a"), 1, 0);
    stage.try_register(&number, "000000", None, &device).await.refused(403, "code_expired");
    let code = stage.code(&number).await;
    stage.clock.advance(10 * MINUTE);
    stage.try_register(&number, &code, None, &device).await.refused(403, "code_expired");
    let code = stage.code(&number).await;
    stage.clock.advance(9 * MINUTE);
    stage.try_register(&number, &code, None, &device).await.is(200);
    stage.try_register(&number, &code, None, &device).await.refused(403, "code_expired");
    stage.close().await;
}

pub(crate) async fn codes_for_a_number_are_limited(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let ask = async || stage.post("/v1/registration/codes", json!({ "number": number })).await;
    ask().await.is(200);
    assert_eq!(ask().await.refused(429, "rate_limited").header("retry-after"), "30");
    for _ in 1..10 {
        stage.clock.advance(MINUTE);
        ask().await.is(200);
    }
    stage.clock.advance(MINUTE);
    let refused = ask().await;
    assert_eq!(refused.refused(429, "rate_limited").header("retry-after"), (86_400 - 600).to_string());
    stage.clock.advance(DAY);
    ask().await.is(200);
    stage.close().await;
}

pub(crate) async fn a_known_number_answers_like_an_unknown_one(site: Site) {
    let stage = site.stage().await;
    let known = stage.person().await;
    stage.clock.advance(MINUTE);
    let ask = async |number: &str| stage.post("/v1/registration/codes", json!({ "number": number })).await;
    let (known, unknown) = (ask(&known.phone).await, ask(&stage.new_number()).await);
    assert_eq!((known.status, known.json()), (unknown.status, unknown.json()));
    stage.close().await;
}

pub(crate) async fn registering_again_sets_the_account_up_anew(site: Site) {
    let stage = site.stage().await;
    let old = stage.person().await;
    let linked = stage.link(&old).await;
    let other = stage.person().await;
    old.send("PUT", &format!("/v1/blocks/{}", other.account), json!({})).await.is(204);
    old.send("PUT", "/v1/profile", json!({ "profile": "AAAA" })).await.is(204);
    let recipient = stage.relay.services.accounts.recipient(old.account_id()).await.unwrap().unwrap();
    assert!(recipient.blocks(other.account_id()) && recipient.endpoints.len() == 2);

    stage.clock.advance(MINUTE);
    let new = stage.register(&old.phone, None).await;
    assert_eq!(new.account, old.account);
    old.get("/v1/account").await.refused(401, "unauthorized");
    linked.get("/v1/account").await.refused(401, "unauthorized");
    assert_eq!(new.get("/v1/devices").await.json()["devices"].as_array().unwrap().len(), 1);
    assert_eq!(new.get("/v1/blocks").await.json(), json!({ "accounts": [] }));
    other.get(&format!("/v1/accounts/{}/profile", new.account)).await.refused(404, "not_found");
    let keys = other.get(&format!("/v1/accounts/{}/keys", new.account)).await.json();
    assert_eq!(keys["devices"].as_array().unwrap().len(), 1);
    let recipient = stage.relay.services.accounts.recipient(new.account_id()).await.unwrap().unwrap();
    assert!(!recipient.blocks(other.account_id()) && recipient.endpoints.len() == 1);
    stage.close().await;
}

async fn lock(stage: &Stage, pin: &str) -> crate::stage::Device {
    let person = stage.person().await;
    person.send("PUT", "/v1/account/registration-lock", json!({ "pin": pin })).await.is(204);
    stage.clock.advance(MINUTE);
    person
}

pub(crate) async fn a_lock_asks_for_its_pin(site: Site) {
    let stage = site.stage().await;
    let person = lock(&stage, "correct horse").await;
    assert_eq!(person.get("/v1/account").await.json()["registration_lock"], true);
    for bad in ["", "123", &"1".repeat(65)] {
        let set = person.send("PUT", "/v1/account/registration-lock", json!({ "pin": bad })).await;
        set.refused(400, "invalid_request");
    }
    let code = stage.code(&person.phone).await;
    let device = offer(&identity("a"), 1, 0);
    let without = stage.try_register(&person.phone, &code, None, &device).await;
    let error = without.refused(423, "registration_locked").json();
    assert_eq!(error["error"]["tries_left"], 5);
    let lapses = error["error"]["expires_in_ms"].as_u64().unwrap();
    assert!((7 * 86_400_000..=8 * 86_400_000).contains(&lapses), "{lapses}");
    let wrong = stage.try_register(&person.phone, &code, Some("wrong horse"), &device).await;
    assert_eq!(wrong.refused(423, "registration_locked").json()["error"]["tries_left"], 4);
    person.get("/v1/account").await.is(200);
    let right = stage.try_register(&person.phone, &code, Some("correct horse"), &device).await;
    let new = stage.device(right.is(200), identity("a"));
    // It was opened with its PIN and stays.
    assert_eq!(new.get("/v1/account").await.json()["registration_lock"], true);
    new.delete("/v1/account/registration-lock").await.is(204);
    stage.clock.advance(MINUTE);
    stage.register(&person.phone, None).await;
    stage.close().await;
}

pub(crate) async fn a_pin_is_tried_five_times_a_day(site: Site) {
    let stage = site.stage().await;
    let person = lock(&stage, "4711").await;
    let device = offer(&identity("a"), 1, 0);
    let code = stage.code(&person.phone).await;
    for left in (0..5).rev() {
        let answer = stage.try_register(&person.phone, &code, Some("0000"), &device).await;
        assert_eq!(answer.refused(423, "registration_locked").json()["error"]["tries_left"], left);
    }
    // Not even the right one, and not with a new code.
    stage.clock.advance(MINUTE);
    let code = stage.code(&person.phone).await;
    let answer = stage.try_register(&person.phone, &code, Some("4711"), &device).await;
    assert_eq!(answer.refused(423, "registration_locked").json()["error"]["tries_left"], 0);
    stage.clock.advance(DAY);
    let code = stage.code(&person.phone).await;
    stage.try_register(&person.phone, &code, Some("4711"), &device).await.is(200);
    stage.close().await;
}

pub(crate) async fn a_lock_lapses_when_nobody_was_online_for_a_week(site: Site) {
    let stage = site.stage().await;
    let person = lock(&stage, "4711").await;
    stage.clock.advance(6 * DAY);
    person.get("/v1/account").await.is(200);
    stage
        .until("the visit is noted", async |stage| {
            stage.count("SELECT MAX(last_seen_day) FROM devices").await > 1_800_000_000_000 + 4 * 86_400_000
        })
        .await;
    stage.clock.advance(6 * DAY);
    let code = stage.code(&person.phone).await;
    let device = offer(&identity("a"), 1, 0);
    stage.try_register(&person.phone, &code, None, &device).await.refused(423, "registration_locked");
    stage.clock.advance(2 * DAY);
    let new = stage.register(&person.phone, None).await;
    assert_eq!(new.get("/v1/account").await.json()["registration_lock"], false);
    stage.close().await;
}

pub(crate) async fn two_who_register_at_once_do_not_both_succeed(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let code = stage.code(&number).await;
    let device = offer(&identity("a"), 1, 0);
    let answers = join_all((0..8).map(|_| stage.try_register(&number, &code, None, &device))).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1, "{answers:?}");
    assert_eq!(stage.count("SELECT COUNT(*) FROM devices").await, 1);
    stage.close().await;
}

pub(crate) async fn what_is_not_signed_is_refused_and_the_code_stays_good(site: Site) {
    let stage = site.stage().await;
    let number = stage.new_number();
    let code = stage.code(&number).await;
    let good = offer(&identity("a"), 1, 2);
    let stranger = offer(&identity("b"), 1, 2);
    let mut bad = Vec::new();
    let fields = ["signed_prekey", "last_resort_kem_prekey", "one_time_kem_prekeys"];
    for field in fields {
        let mut device = serde_json::to_value(&good).unwrap();
        device[field] = serde_json::to_value(&stranger).unwrap()[field].clone();
        bad.push((field, device));
    }
    for (field, value) in [
        ("registration_id", json!(0)),
        ("registration_id", json!(16_381)),
        ("identity_key", json!("AAAA")),
        ("name", json!("A".repeat(1024))),
        ("one_time_prekeys", json!([{ "id": 1 << 24, "public_key": good.one_time_prekeys[0].public_key }])),
        ("one_time_prekeys", json!([good.one_time_prekeys[0], good.one_time_prekeys[0]])),
    ] {
        let mut device = serde_json::to_value(&good).unwrap();
        device[field] = value;
        bad.push((field, device));
    }
    for (field, device) in bad {
        let body = json!({ "number": number, "code": code, "device": device });
        let answer = stage.post("/v1/registration", body).await;
        assert_eq!(answer.refused(400, "invalid_request").json()["error"]["field"], field);
    }
    assert_eq!(stage.count("SELECT COUNT(*) FROM accounts").await, 0);
    stage.try_register(&number, &code, None, &good).await.is(200);
    stage.close().await;
}

/// What a gateway was sent, and what it answers next.
#[derive(Clone, Default)]
struct FakeGateway {
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    refusals: Arc<Mutex<u32>>,
}

async fn hear(
    State(gateway): State<FakeGateway>,
    headers: axum::http::HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> StatusCode {
    assert_eq!(headers["authorization"], "Bearer hush");
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    gateway.heard.lock().unwrap().push((key, body));
    let mut refusals = gateway.refusals.lock().unwrap();
    if *refusals == 0 {
        return StatusCode::ACCEPTED;
    }
    *refusals -= 1;
    StatusCode::SERVICE_UNAVAILABLE
}

pub(crate) async fn a_gateway_is_posted_to_until_it_takes_the_code(site: Site) {
    let gateway = FakeGateway { refusals: Arc::new(Mutex::new(2)), ..FakeGateway::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sms", listener.local_addr().unwrap());
    let router = Router::new().route("/sms", post(hear)).with_state(gateway.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let stage = site
        .stage_with(|config| {
            let (url, token) = (url.as_str().into(), Some("hush".into()));
            config.registration.sender = Sender::Http(Gateway { url, token, timeout_ms: 1000 });
        })
        .await;
    let number = stage.new_number();
    stage.post("/v1/registration/codes", json!({ "number": number })).await.is(200);
    // There is no mailbox beside a gateway.
    stage.get(&format!("/v1/dev/codes/{number}")).await.refused(404, "not_found");
    for tries in 1..=3 {
        let heard = gateway.heard.clone();
        stage.until("the gateway hears", async |_| heard.lock().unwrap().len() == tries).await;
        stage.clock.advance(Duration::from_secs(5));
    }
    stage.until("the job is gone", async |stage| stage.count("SELECT COUNT(*) FROM jobs").await == 0).await;
    let heard = gateway.heard.lock().unwrap().clone();
    assert!(heard.iter().all(|(key, body)| *key == heard[0].0 && *body == heard[0].1));
    assert_eq!(heard[0].1["number"], number);
    let code = heard[0].1["code"].as_str().unwrap();
    assert!(heard[0].1["text"].as_str().unwrap().contains(code));
    let answer: Answer = stage.try_register(&number, code, None, &offer(&identity("a"), 1, 0)).await;
    answer.is(200);
    server.abort();
    stage.close().await;
}
