//! Codes that seldom come, what is said of when to come back, and a body that waits to be asked for.

use std::{sync::Arc, time::Duration};

use client::Draft;
use serde_json::{Value, json};
use store::sql::query;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{
    Ahead, Office, of,
    watching::{messages, open},
};
use crate::world::{PATIENCE, World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_too_far_has_a_code_of_its_own() {
    let (office, receiver, brought) = open(World::sqlite().await).await;
    let ada = office.world.customer().await;
    ada.device.send(office.account(&brought).await, Draft::text("hello")).await.unwrap();
    until("it came", async || messages(&receiver).len() == 1).await;
    // Her number she keeps to herself.
    let user = of(&messages(&receiver)[0]["contacts"][0], "user_id").to_owned();
    let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
    let number = of(&brought["numbers"][0], "phone_number_id");
    // As many are blocked as may be.
    let mut transaction = office.world.scratch.database.begin().await.unwrap();
    query(
        "INSERT INTO chats (number, person, business, latest, blocked, marketing_stopped)
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 64000)
         SELECT $1, -n, 1, 0, TRUE, FALSE FROM n",
    )
    .bind(number.parse::<i64>().unwrap())
    .execute(&mut transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();

    let post = async |path: &str, body: Value| office.ask(token, "POST", path, body).await;
    let components = |words: &str| json!([{ "type": "BODY", "text": words }]);
    let made = json!({ "name": "order", "language": "en", "category": "UTILITY",
        "components": components("Your order is here") });
    let (_, made) = post(&format!("/{waba}/message_templates"), made).await;
    let template = format!("/{}", of(&made, "id"));
    let edit = json!({ "components": components("Your order is ready") });
    assert_eq!(post(&template, edit.clone()).await.0, 200);
    let deregister = format!("/{number}/deregister");
    for _ in 0..10 {
        let (status, answer) = post(&deregister, json!({})).await;
        assert_eq!(status, 200, "{answer}");
    }
    for (path, body, code, subcode) in [
        (deregister, json!({}), 133_016, Value::Null),
        (
            format!("/{number}/register"),
            json!({ "messaging_product": "whatsapp", "pin": "123456" }),
            133_016,
            Value::Null,
        ),
        (template, edit, 100, json!(2_388_039)),
        (format!("/{number}/settings"), json!({ "calling": { "status": "ENABLED" } }), 131_055, Value::Null),
        (
            format!("/{number}/settings"),
            json!({ "payload_encryption": { "status": "ENABLED" } }),
            131_055,
            Value::Null,
        ),
        (
            format!("/{number}/block_users"),
            json!({ "messaging_product": "whatsapp", "block_users": [{ "user_id": user }] }),
            139_103,
            Value::Null,
        ),
    ] {
        let (status, answer) = post(&path, body).await;
        let error = &answer["error"];
        assert_eq!(
            (status, &error["code"], &error["error_subcode"]),
            (400, &json!(code), &subcode),
            "{answer}"
        );
    }
    office.close().await;
}

/// A message in a chat, its code and when to come back.
async fn greet(office: &Office, brought: &Value, to: &str) -> (u16, Value, Option<u64>) {
    let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
    let body = json!({
        "messaging_product": "whatsapp", "to": to, "type": "template", "template": template,
    });
    let number = of(&brought["numbers"][0], "phone_number_id");
    let url = format!("http://{}/v24.0/{number}/messages", office.host.address);
    let request = office.http.post(url).bearer_auth(of(brought, "token"));
    let answer =
        request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    let after = answer.headers().get("retry-after").map(|after| after.to_str().unwrap().parse().unwrap());
    let status = answer.status().as_u16();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    (status, answer["error"].clone(), after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_too_much_is_told_when_to_come_back() {
    for (pair_ms, per_second, code, waits) in [(60_000, 1000, 131_056, 55..=60), (0, 1, 130_429, 1..=1)] {
        let world = World::sqlite().await;
        let clock = Arc::new(Ahead::default());
        let (host, operator) = world
            .serve_with(clock.clone(), |config| {
                config.messaging.pair_ms = pair_ms;
                config.messaging.pair_burst = 1;
                config.messaging.per_second = per_second;
            })
            .await;
        let office = Office { world, host, clock, http: reqwest::Client::new(), operator };
        let brought = office.bring_in(&office.world.owner.clone()).await;
        let ada = office.world.customer().await;
        let to = ada.number.as_str();
        let mut refused = None;
        // A slow machine may need more than a second for the first ones.
        for _ in 0..10 {
            match greet(&office, &brought, to).await {
                (200, ..) => {}
                (status, error, after) => {
                    refused = Some((status, error, after));
                    break;
                }
            }
        }
        let (status, error, after) = refused.unwrap();
        assert_eq!(
            (status, &error["code"], &error["is_transient"]),
            (400, &json!(code), &json!(true)),
            "{error}"
        );
        let after = after.unwrap();
        assert!(waits.contains(&after), "{code}: {after}");
        office.clock.advance(Duration::from_secs(after));
        assert_eq!(greet(&office, &brought, to).await.0, 200);
        office.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_waits_for_100_is_asked_for() {
    let office = Office::open(World::sqlite().await).await;
    let brought = office.bring_in(&office.world.owner.clone()).await;
    let body = json!({ "prompts": ["Hours?"] }).to_string();
    let number = of(&brought["numbers"][0], "phone_number_id");
    let head = format!(
        "POST /v24.0/{number}/conversational_automation HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        of(&brought, "token"),
        body.len()
    );
    let mut stream = TcpStream::connect(office.host.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = Vec::new();
    while !first.ends_with(b"\r\n\r\n") {
        first.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(first.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&first));
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&rest));
    office.close().await;
}
