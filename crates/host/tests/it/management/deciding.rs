//! What is decided of a business stands in its log and is told; and it is brought in once, however many processes do it.

use std::sync::Arc;

use host::purposes::{Entry, log};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Ahead, Office, of};
use crate::{
    webhooks::receiver::Receiver,
    world::{World, on_both, until},
};

/// What a token is called in the log.
fn called(token: &str) -> String {
    Sha256::digest(token).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instructions_and_tokens_stand_in_the_log_with_who_decided() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let body = json!({ "credential": office.world.owner, "instructions": { "store_days": 365 } });
        let brought = office.done("POST", "/host/v1/businesses", body.clone()).await;
        office.done("POST", "/host/v1/businesses", body).await;
        let (own, app) = (of(&brought, "token"), of(&brought, "app_id"));
        let path = |rest: &str| format!("/host/v1/businesses/{}/{rest}", of(&brought, "business_id"));
        let ask = async |token: &str, method: &str, rest: &str, body: Value| {
            let (status, answer) = office.ask(token, method, &path(rest), body).await;
            assert!((200..300).contains(&status), "{rest}: {status} {answer}");
            answer
        };
        ask(own, "PUT", "instructions", json!({ "store_days": 90, "search": true })).await;
        // Nothing new is no decision.
        ask(&office.operator, "PUT", "instructions", json!({ "store_days": 90, "search": true })).await;
        let wanted = json!({ "app": app, "scopes": ["whatsapp_business_messaging"], "days": 1 });
        let narrow = ask(own, "POST", "tokens", wanted).await;
        let narrow_token = of(&narrow, "token").to_owned();
        ask(&office.operator, "POST", "tokens/revoke", json!({ "token": narrow_token })).await;
        let refused = json!({ "token": narrow_token });
        assert_eq!(office.ask(own, "POST", &path("tokens/revoke"), refused).await.0, 404);

        let text = office.ask(own, "GET", &path("audit"), Value::Null).await.1;
        let text = text.as_str().unwrap();
        log::verify(text.lines(), None).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap());
        let decided = entries.filter(|entry| entry.purpose == host::purposes::DECIDE);
        let decided: Vec<(String, String, String)> =
            decided.map(|entry| (entry.reader, entry.subject, entry.names.join(" "))).collect();
        let app_name = format!("app {app}");
        let scopes = "whatsapp_business_messaging whatsapp_business_management business_management";
        let expected = [
            ("operator", "instructions", "deliver store 365 days".to_owned()),
            ("operator", "token_issued", format!("{} {app_name} {scopes}", called(own))),
            (&*app_name, "instructions", "deliver store 90 days search".to_owned()),
            (
                &*app_name,
                "token_issued",
                format!(
                    "{} {app_name} whatsapp_business_messaging until {}",
                    called(&narrow_token),
                    narrow["expires"]
                ),
            ),
            ("operator", "token_revoked", called(&narrow_token)),
        ];
        let expected = expected.map(|(by, what, names)| (by.to_owned(), what.to_owned(), names));
        assert_eq!(decided, expected);
        for secret in [own, &narrow_token, of(&brought, "app_secret")] {
            assert!(!text.contains(secret), "a secret stands in the log");
        }
        office.close().await;
    })
    .await;
}

/// What was told of names: the decision, the name and why.
fn told(receiver: &Receiver) -> Vec<(String, String, String)> {
    let changes = receiver.events().into_iter().map(|event| event.json()["entry"][0]["changes"][0].clone());
    let changes = changes.filter(|change| change["field"] == "phone_number_name_update");
    let text = |change: &Value, name: &str| change["value"][name].as_str().unwrap_or_default().to_owned();
    changes
        .map(|change| {
            let name = text(&change, "requested_verified_name");
            (text(&change, "decision"), name, change["value"]["rejection_reason"].to_string())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_decides_the_display_name_that_was_looked_at_and_no_other() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let receiver = Receiver::start().await;
        let callback = json!({ "url": receiver.url(), "verify_token": "verify me" });
        let body = json!({ "credential": office.world.owner, "callback": callback });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let (token, number) = (of(&brought, "token"), of(&brought["numbers"][0], "phone_number_id"));
        let wish = async |name: &str| {
            let body = json!({ "new_display_name": name });
            let (status, answer) = office.ask(token, "POST", &format!("/{number}"), body).await;
            assert_eq!(status, 200, "{answer}");
        };
        let name = async || {
            let fields = format!("/{number}?fields=verified_name,new_display_name,name_status");
            office.ask(token, "GET", &fields, Value::Null).await.1
        };
        let waiting = async || office.done("GET", "/host/v1/names", Value::Null).await["names"].clone();
        let path = |word: &str| format!("/host/v1/names/{number}/{word}");
        assert_eq!(waiting().await, json!([]));
        let none = office.refused("POST", &path("approve"), json!({ "name": "Sun Money" })).await;
        assert_eq!(none.0, 409);

        wish("Sun Money").await;
        let row = waiting().await[0].clone();
        assert_eq!((of(&row, "phone_number_id"), of(&row, "requested_name")), (number, "Sun Money"), "{row}");
        assert_eq!((of(&row, "business"), of(&row, "legal_name")), ("Bank", "Bank AG"), "{row}");
        // While the operator looks, the business asks for another one.
        wish("World Bank").await;
        let late = office.refused("POST", &path("approve"), json!({ "name": "Sun Money" })).await;
        assert_eq!(late.0, 409);
        for (body, field) in [
            (json!({ "name": "World Bank" }), "reason"),
            (json!({ "name": "World Bank", "reason": "UGLY" }), "reason"),
            (json!({ "reason": "NAME_NOT_CONSISTENT" }), "name"),
        ] {
            let refused = office.refused("POST", &path("reject"), body.clone()).await;
            assert_eq!((refused.0, &*refused.2), (400, field), "{body}");
        }
        let unnamed = office.refused("POST", &path("approve"), json!({})).await;
        assert_eq!((unnamed.0, &*unnamed.2), (400, "name"));
        let reject = json!({ "name": "World Bank", "reason": "name_endclient_notrelated" });
        let rejected = office.done("POST", &path("reject"), reject).await;
        assert_eq!((of(&rejected, "verified_name"), &rejected["requested_name"]), ("Bank", &Value::Null));
        assert_eq!(name().await["verified_name"], "Bank");
        wish("Sun Money").await;
        // Two decide at the same time: one of them does.
        let approve = async || {
            office.ask(&office.operator, "POST", &path("approve"), json!({ "name": "Sun Money" })).await.0
        };
        let (one, two) = tokio::join!(approve(), approve());
        assert_eq!([one.min(two), one.max(two)], [200, 409]);
        assert_eq!(name().await["verified_name"], "Sun Money");
        assert_eq!(waiting().await, json!([]));

        // They do not wait for each other on their way.
        let expected = [
            ("APPROVED", "Sun Money", "null"),
            ("PENDING", "Sun Money", "null"),
            ("PENDING", "Sun Money", "null"),
            ("PENDING", "World Bank", "null"),
            ("REJECTED", "World Bank", "\"NAME_ENDCLIENT_NOTRELATED\""),
        ];
        until("all was told", async || told(&receiver).len() >= expected.len()).await;
        let mut told = told(&receiver);
        told.sort_unstable();
        let expected = expected.map(|(what, name, why)| (what.to_owned(), name.to_owned(), why.to_owned()));
        assert_eq!(told, expected);
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_bring_the_same_business_in_at_the_same_time_bring_in_one() {
    on_both(async |world: World| {
        let (one, operator) = world.serve(Arc::new(Ahead::default())).await;
        let (two, same) = world.serve(Arc::new(Ahead::default())).await;
        assert_eq!(operator, same);
        let http = reqwest::Client::new();
        let bring_in = async |host: &host::Host| {
            let url = format!("http://{}/host/v1/businesses", host.address);
            let request = http.post(url).bearer_auth(&operator);
            let answer = request.json(&json!({ "credential": world.owner })).send().await.unwrap();
            let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert!([200, 201].contains(&status), "{status} {text}");
            (status, serde_json::from_str::<Value>(&text).unwrap())
        };
        let (first, second, third) = tokio::join!(bring_in(&one), bring_in(&two), bring_in(&two));
        let all = [first, second, third];
        assert_eq!(all.iter().filter(|(status, _)| *status == 201).count(), 1, "{all:?}");
        assert_eq!(all.iter().filter(|(_, brought)| brought["token"].is_string()).count(), 1, "{all:?}");
        for (_, brought) in &all {
            for name in ["business_id", "waba_id", "app_id", "app_secret"] {
                assert_eq!(brought[name], all[0].1[name], "{name}");
            }
            let (number, known) = (&brought["numbers"][0], &all[0].1["numbers"][0]);
            assert_eq!((number, brought["numbers"].as_array().unwrap().len()), (known, 1));
            assert_eq!(number["registered"], true, "{number}");
        }
        assert_eq!(world.count("numbers").await, 1);
        assert_eq!(world.count("business_arrivals").await, 0, "the turn was given back");
        one.shutdown().await;
        two.shutdown().await;
        world.close().await;
    })
    .await;
}
