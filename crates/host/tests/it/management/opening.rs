//! What stands in front of a chat: customers see what the business offers, and the business is told of the first opening
//! if it wants to know.

use client::{Body, Draft, Menu, MenuCommand};
use serde_json::{Value, json};

use super::{Office, of};
use crate::{
    webhooks::receiver::Receiver,
    world::{Person, on_both, until},
};

/// The types of messages that were told.
fn told(receiver: &Receiver) -> Vec<String> {
    let events = receiver.events().into_iter();
    let messages = events.map(|event| event.json()["entry"][0]["changes"][0]["value"]["messages"][0].clone());
    messages.filter(Value::is_object).map(|message| of(&message, "type").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_sees_what_a_business_offers_and_the_first_opening_is_told_if_it_asks_for_that() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let receiver = Receiver::start().await;
        let callback = json!({ "url": receiver.url(), "verify_token": "verify me", "fields": ["messages"] });
        let body = json!({ "credential": office.world.owner, "callback": callback });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let (token, account) = (of(&brought, "token"), office.account(&brought).await);
        let number = of(&brought["numbers"][0], "phone_number_id");
        let opens = async |person: &Person| {
            person.device.refresh_label(account).await.unwrap();
            person.device.open_chat(account).await.unwrap();
        };
        let sees = async |person: &Person, menu: Menu| {
            until("the menu is there", async || {
                person.device.menu(account).await.unwrap().as_ref() == Some(&menu)
            })
            .await;
        };
        let set = async |body: Value| {
            let path = format!("/v24.0/{number}/conversational_automation");
            let (status, answer) = office.ask(token, "POST", &path, body).await;
            assert_eq!(status, 200, "{answer}");
        };

        // Whoever only looks is nobody whom the business knows.
        let ada = office.world.customer().await;
        opens(&ada).await;
        sees(&ada, Menu::default()).await;
        set(json!({ "prompts": ["Where is my parcel?", "Talk to somebody"],
            "commands": [{ "command_name": "track", "command_description": "Where a parcel is" }] }))
        .await;
        let menu = Menu {
            prompts: vec!["Where is my parcel?".to_owned(), "Talk to somebody".to_owned()],
            commands: vec![MenuCommand {
                name: "track".to_owned(),
                description: "Where a parcel is".to_owned(),
            }],
        };
        let bob = office.world.customer_at("+4915112345601").await;
        opens(&bob).await;
        sees(&bob, menu.clone()).await;
        // It is asked for once a day.
        opens(&ada).await;
        assert_eq!(ada.device.outbox_len().await.unwrap(), 0);
        for table in ["people", "chats", "messages"] {
            assert_eq!(office.world.count(table).await, 0, "{table}");
        }
        for person in [&ada, &bob] {
            let said = person.device.history(account, None, 10).await.unwrap();
            assert!(said.iter().all(|message| matches!(message.body, Body::Label { .. })), "{said:?}");
        }

        set(json!({ "enable_welcome_message": true })).await;
        let (carol, dan) = (
            office.world.customer_at("+4915112345602").await,
            office.world.customer_at("+4915112345603").await,
        );
        dan.device.send(account, Draft::text("Hello")).await.unwrap();
        until("it came", async || told(&receiver) == ["text"]).await;
        opens(&dan).await;
        sees(&dan, menu.clone()).await;
        opens(&carol).await;
        sees(&carol, menu.clone()).await;
        until("the opening is told", async || told(&receiver).len() == 2).await;
        assert_eq!(
            told(&receiver),
            ["text", "request_welcome"],
            "no stranger opens a chat in which they wrote"
        );
        let event = receiver.events().remove(1).json()["entry"][0]["changes"][0]["value"].clone();
        let who = of(&event["contacts"][0], "user_id").to_owned();

        // The business may welcome her.
        let body = json!({ "messaging_product": "whatsapp", "to": who, "text": { "body": "Welcome!" } });
        let path = format!("/v24.0/{number}/messages");
        let (status, answer) = office.ask(token, "POST", &path, body).await;
        assert_eq!(status, 200, "{answer}");
        let heard = carol.hears(account, 1).await;
        assert!(matches!(&heard[0].body, Body::Text { text } if text == "Welcome!"), "{heard:?}");
        // What she chooses comes as words.
        carol.device.send(account, Draft::text(&*menu.prompts[0])).await.unwrap();
        until("it came", async || told(&receiver).len() == 3).await;
        assert_eq!(told(&receiver)[2], "text");
        office.close().await;
    })
    .await;
}
