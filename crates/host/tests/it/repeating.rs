//! Sends that are repeated under their name are one message, whoever dies and whoever is asked.

use std::{sync::Arc, time::Duration};

use client::{Body, Draft};
use host::messages::{Once, Outgoing};
use serde_json::{Value, json};

use crate::{
    management::{Ahead, of},
    world::{World, on_both, text, until},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_is_repeated_after_a_crash_is_one_message() {
    on_both(async |world| {
        let ada = world.customer().await;
        let mut host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("hello")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        let mut said = Vec::new();
        for round in 0..6_u64 {
            let body = format!("answer {round}");
            let key = host.gate.names(number.business).await.unwrap();
            let once =
                Once::new(&key, host::ids::AppId::random(&crate::world::RealEntropy), b"1", body.as_bytes());
            let send = Outgoing { once: Some(once), ..text(&number, &ada.number, &body) };
            // Nobody knows whether it was taken.
            let lost =
                tokio::time::timeout(Duration::from_millis(2 * round), host.messages.send(send.clone()))
                    .await;
            host.kill().await;
            world.free_leases().await;
            host = world.host().await;
            let again = host.messages.send(send.clone()).await.unwrap();
            let third = host.messages.send(send).await.unwrap();
            assert_eq!(again, third);
            if let Ok(first) = lost {
                assert_eq!(first.unwrap(), again);
            }
            said.push(body);
        }
        let heard = ada.hears(business, said.len()).await;
        host.messages.send(text(&number, &ada.number, "last")).await.unwrap();
        said.push("last".to_owned());
        let all = ada.hears(business, said.len()).await;
        assert_eq!(heard.len() + 1, all.len());
        let words: Vec<&str> = all
            .iter()
            .map(|message| match &message.body {
                Body::Text { text } => text.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(words, said);
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_under_the_same_name_gets_the_same_answer_from_any_process() {
    on_both(async |world: World| {
        let clock = Arc::new(Ahead::default());
        let (one, operator) = world.serve(clock.clone()).await;
        let (two, _) = world.serve(clock.clone()).await;
        let ada = world.customer().await;
        let http = reqwest::Client::new();
        let post = async |host: &host::Host, token: &str, path: &str, names: &[&str], body: Value| {
            let mut request = http.post(format!("http://{}{path}", host.address)).bearer_auth(token);
            for name in names {
                request = request.header("Idempotency-Key", *name);
            }
            let answer = request.json(&body).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        let body = json!({ "credential": world.owner });
        let brought = post(&one, &operator, "/host/v1/businesses", &[], body).await.1;
        let token = of(&brought, "token");
        let path = format!("/v24.0/{}/messages", of(&brought["numbers"][0], "phone_number_id"));
        let id = of(&brought["numbers"][0], "phone_number_id").parse().unwrap();
        let account = one.api.numbers.get(id).await.unwrap().account.unwrap();
        let send = async |host: &host::Host, names: &[&str], body: Value| {
            let (status, answer) = post(host, token, &path, names, body).await;
            (status, answer["messages"][0]["id"].as_str().unwrap_or_default().to_owned(), answer)
        };
        let template = |words: &str| {
            json!({ "messaging_product": "whatsapp", "to": ada.number, "type": "template", "biz_opaque_callback_data": words,
                "template": { "name": "hello_world", "language": { "code": "en_US" } } })
        };
        let text = |words: &str| {
            json!({ "messaging_product": "whatsapp", "to": ada.number, "text": { "body": words } })
        };

        // What is refused leaves its name free.
        let (status, _, refused) = send(&one, &["a"], text("hello")).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(131_047)), "{refused}");
        let (status, first, answer) = send(&one, &["a"], template("1")).await;
        assert_eq!(status, 200, "{answer}");
        for host in [&one, &two] {
            assert_eq!(send(host, &["a"], template("1")).await, (200, first.clone(), answer.clone()));
            let (status, _, other) = send(host, &["a"], template("2")).await;
            assert_eq!((status, &other["error"]["code"]), (400, &json!(131_009)), "{other}");
            assert!(other.to_string().contains("Idempotency-Key"), "{other}");
        }
        // Who asks is no part of what is asked.
        let asked = format!("{path}?access_token={token}");
        let (_, same) = post(&two, token, &asked, &["a"], template("1")).await;
        assert_eq!(same, answer);
        // Without a name each is a message.
        let (_, second, _) = send(&one, &[], template("1")).await;
        assert_ne!(second, first);
        let long = "x".repeat(256);
        for bad in [&["x y"][..], &[&long], &["b", "b"], &[""]] {
            let (status, _, refused) = send(&one, bad, template("1")).await;
            assert_eq!((status, &refused["error"]["code"]), (400, &json!(100)), "{bad:?} {refused}");
        }

        // Somebody who is not there yet: the same again stays the same, also when they have come.
        let absent = "+4915112345699";
        world.add_tester(absent).await;
        let awaited = json!({ "messaging_product": "whatsapp", "to": absent, "type": "template",
            "template": { "name": "hello_world", "language": { "code": "en_US" } } });
        let (status, waits, answer) = send(&one, &["e"], awaited.clone()).await;
        assert_eq!(status, 200, "{answer}");
        let _here = world.customer_at(absent).await;
        assert_eq!(send(&two, &["e"], awaited).await, (200, waits, answer));

        // All at the same time, at both processes.
        let hosts = [&one, &two, &one, &two, &one, &two];
        let all = hosts.map(|host| send(host, &["c"], template("3")));
        let all = futures_util::future::join_all(all).await;
        assert!(all.iter().all(|sent| *sent == all[0] && sent.0 == 200), "{all:?}");
        let mixed = hosts.into_iter().enumerate();
        let mixed = mixed.map(|(n, host)| send(host, &["d"], template(if n < 3 { "4" } else { "5" })));
        let mixed = futures_util::future::join_all(mixed).await;
        assert_eq!(mixed.iter().filter(|sent| sent.0 == 200).count(), 3, "{mixed:?}");
        assert_eq!(mixed.iter().filter(|sent| sent.2["error"]["code"] == 131_009).count(), 3, "{mixed:?}");
        assert_eq!(ada.hears(account, 4).await.len(), 4);

        // A day later the name is for another message.
        one.messages.sweep().await.unwrap();
        assert_eq!(send(&one, &["a"], template("1")).await.1, first);
        clock.advance(DAY + Duration::from_secs(1));
        until("the number runs again", async || one.running.live(id).is_some() || two.running.live(id).is_some()).await;
        let later = send(&two, &["a"], template("1")).await;
        assert_eq!((later.0, later.1 != first), (200, true), "{later:?}");
        assert_eq!(ada.hears(account, 5).await.len(), 5);
        one.shutdown().await;
        two.shutdown().await;
        world.close().await;
    })
    .await;
}
