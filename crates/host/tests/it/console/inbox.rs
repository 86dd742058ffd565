//! The inbox, with a customer who writes from a real device.

use std::time::Duration;

use client::{Body, Draft};
use serde_json::{Value, json};

use super::{Desk, said};
use crate::{
    management::of,
    world::{on_both, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_read_answered_noted_labelled_and_closed() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let ada = desk.world.customer().await;
        let (owner, page) = (desk.hire("ada", "owner").await, desk.hire("bob", "agent").await);
        let chat = desk.written(&page, &ada, "My Zanzibar voucher is lost").await;
        let shown = desk.done(&page, "GET", &chat, Value::Null).await;
        assert_eq!((&shown["unread"], &shown["status"]), (&json!(1), &json!("open")), "{shown}");
        assert_eq!((&shown["assigned_to"], &shown["labels"]), (&Value::Null, &json!([])));
        let messages = desk.messages(&page, &chat).await;
        assert_eq!(messages[0]["content"]["body"], "My Zanzibar voucher is lost");
        let came = of(&messages[0], "id").to_owned();

        // Read, and answered with a quote, by somebody whose name stands beside it.
        desk.done(&page, "POST", &format!("{chat}/read"), json!({ "message_id": came, "typing": true }))
            .await;
        until("it is read", async || desk.done(&page, "GET", &chat, Value::Null).await["unread"] == 0).await;
        let mut message = said("Here is a new one");
        message["context"] = json!({ "message_id": came });
        let send = json!({ "message": message, "seen": came });
        let sent = desk.done(&page, "POST", &format!("{chat}/messages"), send).await;
        let heard = ada.hears(desk.account().await, 1).await;
        assert!(
            matches!(&heard[0].body, Body::Text { text, .. } if text == "Here is a new one"),
            "{heard:?}"
        );
        assert!(heard[0].quote.is_some());
        let delivered = async || {
            let newest = desk.messages(&page, &chat).await.remove(0);
            newest["status"] == "delivered" && newest["agent_id"] == page.agent_id.as_str()
        };
        until("it is delivered", delivered).await;
        let reaction = json!({ "type": "reaction", "reaction": { "message_id": came, "emoji": "👍" } });
        desk.done(&page, "POST", &format!("{chat}/messages"), json!({ "message": reaction })).await;
        let interactive = json!({ "type": "interactive", "interactive": {
            "type": "button", "body": { "text": "Anything else?" },
            "action": { "buttons": [{ "type": "reply", "reply": { "id": "no", "title": "No" } }] },
        } });
        desk.done(&page, "POST", &format!("{chat}/messages"), json!({ "message": interactive })).await;
        let template = json!({ "type": "template", "template":
            { "name": "hello_world", "language": { "code": "en_US" } } });
        desk.done(&page, "POST", &format!("{chat}/messages"), json!({ "message": template })).await;
        let heard = ada.hears(desk.account().await, 3).await;
        assert!(heard.iter().any(|message| matches!(message.body, Body::Template { .. })), "{heard:?}");

        // What the API would refuse is refused, and where is said.
        let wrong = json!({ "message": { "type": "text", "text": { "body": 7, "preview_url": [] } } });
        let answer = desk.ask(Some(&page), "POST", &format!("{chat}/messages"), wrong).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["field"]),
            (400, &json!("message.text.preview_url"))
        );
        let read = json!({ "message": { "status": "read", "message_id": came } });
        assert_eq!(desk.refused(&page, "POST", &format!("{chat}/messages"), read).await.0, 400);

        // The same again under the same name is one message; another one under it is refused.
        let before = desk.messages(&page, &chat).await.len();
        let again = async |words: &str| {
            let body = json!({ "message": said(words) }).to_string();
            let request = desk.request(Some(&page), "POST", &format!("{chat}/messages"));
            super::answered(request.header("idempotency-key", "one").body(body)).await
        };
        let (first, second) = (again("once").await, again("once").await);
        assert_eq!((first.status, &first.body), (200, &second.body));
        assert_eq!(desk.messages(&page, &chat).await.len(), before + 1);
        assert_eq!(again("twice").await.status, 400);

        // A file goes out, and one comes back.
        let upload = desk.request(
            Some(&page),
            "POST",
            &format!("numbers/{}/media?filename=a%2Fterms.txt", desk.number()),
        );
        let upload = super::answered(upload.header("content-type", "text/plain").body("the terms")).await;
        assert_eq!(upload.status, 201, "{}", upload.body);
        let file =
            json!({ "type": "document", "document": { "id": upload.body["media_id"], "caption": "Read" } });
        desk.done(&page, "POST", &format!("{chat}/messages"), json!({ "message": file })).await;
        let path = format!("media/{}", of(&upload.body, "media_id"));
        let back = super::answered(desk.request(Some(&page), "GET", &path)).await;
        assert_eq!((back.status, &back.body), (200, &json!("the terms")));
        let disposition = back.headers["content-disposition"].to_str().unwrap();
        assert_eq!(disposition, "attachment; filename*=UTF-8''terms%2Etxt");
        assert!(back.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));

        // Notes are for colleagues, and sealed.
        let note = json!({ "text": "Quagga is a regular" });
        let note = desk.done(&page, "POST", &format!("{chat}/notes"), note).await;
        let notes = desk.done(&owner, "GET", &format!("{chat}/notes"), Value::Null).await;
        assert_eq!(
            (&notes["notes"][0]["text"], &notes["next"]),
            (&json!("Quagga is a regular"), &Value::Null)
        );
        assert_eq!(notes["notes"][0]["agent_id"], page.agent_id.as_str());
        let of_owner = desk.done(&owner, "POST", &format!("{chat}/notes"), json!({ "text": "mine" })).await;
        let path = |note: &Value| format!("{chat}/notes/{}", of(note, "note_id"));
        assert_eq!(desk.refused(&page, "DELETE", &path(&of_owner), Value::Null).await.0, 404);
        desk.done(&owner, "DELETE", &path(&note), Value::Null).await;
        let second = desk.done(&page, "POST", &format!("{chat}/notes"), json!({ "text": "Quokka" })).await;
        desk.done(&page, "DELETE", &path(&second), Value::Null).await;

        // Labels, status and whose it is are filters.
        let label =
            desk.done(&owner, "POST", "labels", json!({ "name": "Wombat", "colour": "#00ff00" })).await;
        let label = of(&label, "label_id").to_owned();
        desk.done(&page, "PUT", &format!("{chat}/labels/{label}"), Value::Null).await;
        assert_eq!(desk.refused(&page, "PUT", &format!("{chat}/labels/999999"), Value::Null).await.0, 404);
        let count = async |filter: Value| {
            let found = desk.done(&page, "POST", "chats/list", filter).await;
            found["chats"].as_array().unwrap().len()
        };
        assert_eq!(count(json!({ "label": label })).await, 1);
        assert_eq!(count(json!({ "label": "999999" })).await, 0);
        assert_eq!(count(json!({ "assigned": "nobody", "status": "open" })).await, 1);
        desk.done(&page, "PUT", &chat, json!({ "assigned_to": page.agent_id })).await;
        for (filter, expected) in [
            (json!({ "assigned": "me" }), 1),
            (json!({ "assigned": "somebody", "words": "zanzibar" }), 1),
            (json!({ "assigned": "nobody" }), 0),
            (json!({ "assigned": owner.agent_id }), 0),
            (json!({ "status": "closed" }), 0),
            (json!({ "unread": true }), 0),
            (json!({ "words": "zanzibar" }), 1),
            (json!({ "words": "nothing", "label": label }), 0),
        ] {
            assert_eq!(count(filter.clone()).await, expected, "{filter}");
        }
        let closed = desk.done(&page, "PUT", &chat, json!({ "status": "closed" })).await;
        assert_eq!((&closed["status"], &closed["labels"]), (&json!("closed"), &json!([label])));
        assert_eq!(count(json!({ "status": "open" })).await, 0);
        // Whoever writes again is not done with.
        tokio::time::sleep(Duration::from_millis(5)).await;
        ada.device.send(desk.account().await, Draft::text("Hello?")).await.unwrap();
        until("it is open", async || count(json!({ "status": "open" })).await == 1).await;
        desk.done(&owner, "DELETE", &format!("labels/{label}"), Value::Null).await;
        assert_eq!(desk.done(&page, "GET", &chat, Value::Null).await["labels"], json!([]));

        // An auditor is nobody to whom a chat is given; somebody who leaves has none.
        let auditor = desk.hire("eve", "auditor").await;
        let given = desk.ask(Some(&page), "PUT", &chat, json!({ "assigned_to": auditor.agent_id })).await;
        assert_eq!(given.body["error"]["field"], "assigned_to");
        desk.done(&owner, "DELETE", &format!("agents/{}", page.agent_id), Value::Null).await;
        assert_eq!(desk.done(&owner, "GET", &chat, Value::Null).await["assigned_to"], Value::Null);

        // Blocked, and not any more.
        desk.done(&owner, "PUT", &format!("{chat}/block"), Value::Null).await;
        assert_eq!(desk.done(&owner, "GET", &chat, Value::Null).await["blocked"], true);
        desk.done(&owner, "DELETE", &format!("{chat}/block"), Value::Null).await;
        assert_eq!(desk.done(&owner, "GET", &chat, Value::Null).await["blocked"], false);

        // A day later only a template can be sent.
        desk.clock.advance(Duration::from_secs(25 * 3600));
        let owner = desk.page(&desk.sign_in(&owner.name, super::PASSWORD, Value::Null).await);
        let late = json!({ "message": said("too late") });
        let refused = desk.refused(&owner, "POST", &format!("{chat}/messages"), late).await;
        assert_eq!(refused, (409, "window_closed".to_owned()));
        let template = json!({ "type": "template", "template":
            { "name": "hello_world", "language": { "code": "en_US" } } });
        let begin = json!({ "to": ada.number, "message": template });
        let begun = desk.done(&owner, "POST", &format!("numbers/{}/messages", desk.number()), begin).await;
        assert!(chat.ends_with(of(&begun, "user_id")));

        // Each reading and sending stands in the log by who did it, and nothing shared is in clear.
        let log = super::answered(desk.request(Some(&owner), "GET", "hosting/log/download")).await.body;
        let by = format!("agent {}", page.agent_id);
        let log: Vec<Value> =
            log.as_str().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let entries: Vec<&Value> = log.iter().filter(|entry| entry["reader"] == by.as_str()).collect();
        for (purpose, subject) in
            [("store", "message"), ("search", "chat"), ("deliver", "chat"), ("decide", "chat_assigned")]
        {
            let found = |entry: &&&Value| entry["purpose"] == purpose && entry["subject"] == subject;
            assert!(entries.iter().any(|entry| found(&entry)), "{purpose} {subject}");
        }
        for clear in ["Quagga", "Wombat", "Zanzibar", "the terms"] {
            desk.world.scan(clear.as_bytes());
        }
        let _ = sent;
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_come_page_by_page_and_messages_of_all_are_searched() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let page = desk.hire("ada", "agent").await;
        let (ada, bob) = (desk.world.customer().await, desk.world.customer_at("+4915112345699").await);
        let (first, second) =
            (desk.written(&page, &ada, "a voucher").await, desk.written(&page, &bob, "another").await);
        let one = desk.done(&page, "POST", "chats/list", json!({ "limit": 1 })).await;
        let two = json!({ "limit": 1, "after": one["next"] });
        let two = desk.done(&page, "POST", "chats/list", two).await;
        let users = [of(&one["chats"][0], "user_id"), of(&two["chats"][0], "user_id")];
        assert!(second.ends_with(users[0]) && first.ends_with(users[1]));
        let rest = json!({ "limit": 1, "after": two["next"] });
        assert_eq!(desk.done(&page, "POST", "chats/list", rest).await["chats"], json!([]));
        let found = desk.done(&page, "POST", "messages/list", json!({ "words": "VOUCHER" })).await;
        assert_eq!(found["messages"].as_array().unwrap().len(), 1);
        assert_eq!(found["messages"][0]["user_id"], users[1]);
        let people = desk.done(&page, "POST", "people/list", json!({})).await;
        assert_eq!(people["people"].as_array().unwrap().len(), 2);
        let one = json!({ "user_id": users[0] });
        assert_eq!(desk.done(&page, "POST", "chats/list", one).await["chats"].as_array().unwrap().len(), 1);
        desk.close().await;
    })
    .await;
}
