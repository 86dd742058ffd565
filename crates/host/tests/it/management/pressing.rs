//! Quick replies of templates, pressed by customers and counted.

use std::collections::BTreeMap;

use client::DraftContent;
use serde_json::{Value, json};

use super::{Office, of};
use crate::world::{on_both, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quick_replies_are_counted_while_the_business_allows_it_and_links_are_not() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let ada = office.world.customer().await;
        let brought = office.bring_in(&office.world.owner.clone()).await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let business = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        let own = async |method: &str, path: &str, body: Value| {
            let (status, answer) = office.ask(token, method, path, body).await;
            assert_eq!(status, 200, "{method} {path}: {answer}");
            answer
        };
        let buttons = json!([
            { "type": "QUICK_REPLY", "text": "It was me" },
            { "type": "QUICK_REPLY", "text": "It was not me" },
            { "type": "URL", "text": "Look", "url": "https://bank.example/look" },
        ]);
        let components = json!([
            { "type": "BODY", "text": "Did you just pay by card?" }, { "type": "BUTTONS", "buttons": buttons },
        ]);
        let template =
            json!({ "name": "fraud", "language": "en", "category": "UTILITY", "components": components });
        let made = own("POST", &format!("/{waba}/message_templates"), template).await;
        let template = of(&made, "id").to_owned();
        let account = office.account(&brought).await;
        let numbers = of(&brought["numbers"][0], "phone_number_id");
        let send = json!({
            "messaging_product": "whatsapp", "to": ada.number, "type": "template",
            "template": { "name": "fraud", "language": { "code": "en" } },
        });
        own("POST", &format!("/{numbers}/messages"), send).await;
        let message = ada.hears(account, 1).await[0].id;
        let press = async |choice: &str, answers: i64| {
            let choice = choice.to_owned();
            ada.device.send(account, DraftContent::Choose { message, choice }.into()).await.unwrap();
            // What was sent, and what was answered until now.
            until("it came", async || office.world.count("messages").await == 1 + answers).await;
        };
        let range = "start=1700000000&end=4000000000&granularity=DAILY";
        let path = format!("/{waba}/template_analytics?{range}&template_ids=%5B{template}%5D");
        let points = async |more: &str| {
            let answer = own("GET", &format!("{path}{more}"), Value::Null).await;
            answer["data"][0]["data_points"].as_array().unwrap().clone()
        };

        // Not allowed, it is not looked at.
        press("It was me", 1).await;
        let allow = json!({ "analyse": true, "store_days": 30 });
        own("PUT", &format!("{business}/instructions"), allow).await;
        assert!(points("").await.iter().all(|point| point.get("clicked").is_none()));
        press("It was not me", 2).await;
        press("It was not me", 3).await;
        press("It was me", 4).await;
        let counted = async || {
            let mut counted: BTreeMap<String, i64> = BTreeMap::new();
            for point in points("").await {
                assert_eq!(of(&point, "template_id"), template);
                for button in point["clicked"].as_array().into_iter().flatten() {
                    assert_eq!(button["type"], "quick_reply_button");
                    let text = of(button, "button_content").to_owned();
                    *counted.entry(text).or_default() += button["count"].as_i64().unwrap();
                }
            }
            counted
        };
        let expected = BTreeMap::from([("It was me".to_owned(), 1), ("It was not me".to_owned(), 2)]);
        assert_eq!(counted().await, expected);
        let sent: i64 = points("").await.iter().filter_map(|point| point["sent"].as_i64()).sum();
        assert_eq!(sent, 1);
        assert!(points("&metric_types=%5B%22SENT%22%5D").await.iter().all(|point| point.get("clicked").is_none()));
        let log = office.ask(token, "GET", &format!("{business}/audit"), Value::Null).await.1;
        // Three presses, and four questions.
        let looked = log.as_str().unwrap().lines().filter(|line| line.contains(r#""subject":"message""#));
        assert_eq!(looked.filter(|line| line.contains(r#""purpose":"analyse""#)).count(), 3 + 4, "{log}");
        // The counts outlive the messages.
        ada.device.send(account, DraftContent::ErasureRequest.into()).await.unwrap();
        until("all is gone", async || office.world.count("messages").await == 0).await;
        assert_eq!(counted().await, expected);
        office.close().await;
    })
    .await;
}
