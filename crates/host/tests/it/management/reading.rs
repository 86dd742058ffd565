//! A business lists, reads and searches its chats, and each reading stands in its log.

use client::Draft;
use host::purposes::{Entry, log};
use serde_json::{Value, json};

use super::{Office, of};
use crate::world::{on_both, until};

const BOB: &str = "+4915112345699";

fn ids(page: &Value, rows: &str, name: &str) -> Vec<String> {
    page[rows].as_array().unwrap().iter().map(|row| of(row, name).to_owned()).collect()
}

fn bodies(page: &Value) -> Vec<&str> {
    let rows = page["messages"].as_array().unwrap();
    rows.iter().map(|row| row["content"]["body"].as_str().unwrap_or("")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_business_lists_reads_and_searches_its_chats_page_by_page() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let (ada, bob) = (office.world.customer().await, office.world.customer_at(BOB).await);
        let instructions = json!({ "store_days": 365, "search": true });
        let body = json!({ "credential": office.world.owner, "instructions": instructions });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let (account, token) = (office.account(&brought).await, of(&brought, "token"));
        let path = |what: &str| format!("/host/v1/businesses/{}/{what}", of(&brought, "business_id"));
        let (chats, messages) = (path("chats/list"), path("messages/list"));
        let ask = async |path: &str, body: Value| {
            let (status, answer) = office.ask(token, "POST", path, body.clone()).await;
            assert_eq!(status, 200, "{body} {answer}");
            answer
        };
        // Each is there before the next, so that their order is known.
        let said = [
            (&ada, "My Zanzibar voucher is lost"),
            (&ada, "the ticket too"),
            (&bob, "Is my voucher here?"),
            (&ada, "Hello?"),
        ];
        for (before, (person, words)) in said.into_iter().enumerate() {
            person.device.send(account, Draft::text(words)).await.unwrap();
            until("it came", async || {
                ask(&messages, json!({})).await["messages"].as_array().unwrap().len() > before
            })
            .await;
        }

        let all = ask(&chats, json!({})).await;
        let people = ids(&all, "chats", "user_id");
        assert_eq!((people.len(), &all["next"]), (2, &Value::Null), "{all}");
        assert_eq!((&all["chats"][0]["unread"], &all["chats"][1]["unread"]), (&json!(3), &json!(1)), "{all}");
        let (first, second) = (&*people[0], &*people[1]);
        // Pages: each chat once, whatever their size.
        let one = ask(&chats, json!({ "limit": 1 })).await;
        let two = ask(&chats, json!({ "limit": 1, "after": one["next"] })).await;
        let three = ask(&chats, json!({ "limit": 1, "after": two["next"] })).await;
        assert_eq!([ids(&one, "chats", "user_id"), ids(&two, "chats", "user_id")].concat(), people);
        assert_eq!((&three["chats"], &three["next"]), (&json!([]), &Value::Null));

        let page = ask(&messages, json!({ "person": first, "limit": 2 })).await;
        assert_eq!(bodies(&page), ["Hello?", "the ticket too"]);
        let rest = json!({ "person": first, "limit": 2, "after": page["next"] });
        let rest = ask(&messages, rest).await;
        assert_eq!((bodies(&rest), &rest["next"]), (vec!["My Zanzibar voucher is lost"], &Value::Null));

        let found = ask(&messages, json!({ "words": "VOUCHER" })).await;
        assert_eq!(bodies(&found), ["Is my voucher here?", "My Zanzibar voucher is lost"]);
        let found = ask(&messages, json!({ "words": "voucher", "person": second })).await;
        assert_eq!(bodies(&found), ["Is my voucher here?"]);
        assert_eq!(ask(&messages, json!({ "words": "vouch" })).await["messages"], json!([]));
        let found = ask(&chats, json!({ "words": "voucher zanzibar" })).await;
        assert_eq!(ids(&found, "chats", "user_id"), [first]);

        // What was read is not unread any more.
        let id = of(&page["messages"][0], "id");
        let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": id });
        let number = of(&brought["numbers"][0], "phone_number_id");
        let (status, _) = office.ask(token, "POST", &format!("/v24.0/{number}/messages"), read).await;
        assert_eq!(status, 200);
        let unread = ask(&chats, json!({ "unread": true })).await;
        assert_eq!(ids(&unread, "chats", "user_id"), [second]);
        // An answer goes out, to the number that the business has then.
        office.greet(&brought, &bob).await;
        let out = ask(&messages, json!({ "direction": "out" })).await;
        assert_eq!(
            (&out["messages"][0]["type"], ids(&out, "messages", "user_id")),
            (&json!("template"), vec![second.to_owned()])
        );
        let known = ask(&chats, json!({ "person": BOB, "phone_number_id": number })).await;
        assert_eq!(
            (ids(&known, "chats", "user_id"), of(&known["chats"][0], "wa_id")),
            (vec![second.to_owned()], &BOB[1..])
        );
        let at = all["chats"][0]["latest"].as_i64().unwrap();
        assert_eq!(ask(&chats, json!({ "since": 0, "until": 1 })).await["chats"], json!([]));
        assert_eq!(
            ids(&ask(&chats, json!({ "since": at, "until": at + 1 })).await, "chats", "user_id"),
            [first]
        );

        for (path, body, field) in [
            (&chats, json!({ "limit": 0 }), "limit"),
            (&chats, json!({ "limit": 201 }), "limit"),
            (&chats, json!({ "after": "x" }), "after"),
            (&messages, json!({ "after": "x" }), "after"),
            (&chats, json!({ "person": "x" }), "person"),
            (&chats, json!({ "person": "+4915100000001" }), "person"),
            (&chats, json!({ "phone_number_id": "3000000000000001" }), "phone_number_id"),
            (&chats, json!({ "words": " " }), "words"),
            (&messages, json!({ "words": "a b c d e f g h i" }), "words"),
            (&messages, json!({ "direction": "up" }), "direction"),
            (&messages, json!({ "unread": true }), ""),
        ] {
            let refused = office.refused("POST", path, body.clone()).await;
            assert_eq!((refused.0, &*refused.2), (400, field), "{body}");
        }

        // Without the purpose there is no answer, and the log says that one was asked for.
        let told = path("instructions");
        office.done("PUT", &told, json!({ "store_days": 365 })).await;
        for body in [json!({ "words": "voucher" }), json!({ "words": "" })] {
            for path in [&chats, &messages] {
                let (status, refused) = office.ask(token, "POST", path, body.clone()).await;
                let message = refused["error"]["message"].as_str().unwrap();
                assert!(status == 403 && message.contains("search chats"), "{status} {refused}");
            }
        }
        office.done("PUT", &told, json!({})).await;
        let refused = office.refused("POST", &messages, json!({})).await;
        assert_eq!((refused.0, &*refused.1), (403, "forbidden"));

        let text = office.ask(token, "GET", &path("audit"), Value::Null).await.1;
        let text = text.as_str().unwrap();
        log::verify(text.lines(), None).unwrap();
        let entries: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let app = format!("app {}", of(&brought, "app_id"));
        for (reader, purpose, subject, refused) in [
            (&*app, "store", "person", false),
            (&*app, "store", "message", false),
            (&*app, "search", "message", false),
            (&*app, "search", "chat", false),
            (&*app, "search", "chat", true),
            ("operator", "store", "chat", true),
        ] {
            let stands = entries.iter().any(|entry| {
                (&*entry.reader, &*entry.purpose, &*entry.subject, entry.refused)
                    == (reader, purpose, subject, refused)
            });
            assert!(stands, "{reader} {purpose} {subject} {refused}");
        }
        office.close().await;
    })
    .await;
}
