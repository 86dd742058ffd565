//! Everything else that the console shows.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Desk, answered};
use crate::{
    management::of,
    world::{on_both, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_profile_links_and_replies_are_managed() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let page = desk.hire("ada", "admin").await;
        let body = json!({ "type": "BODY", "text": "Hello {{1}}, your order is on its way.",
            "example": { "body_text": [["Ada"]] } });
        let wanted =
            json!({ "name": "on_its_way", "language": "en_US", "category": "UTILITY", "components": [body] });
        let preview = desk.done(&page, "POST", "templates/preview", wanted.clone()).await;
        assert!(preview.to_string().contains("Hello Ada, your order"), "{preview}");
        let mut with = wanted.clone();
        with["parameters"] = json!([{ "type": "body", "parameters": [{ "type": "text", "text": "Bob" }] }]);
        let preview = desk.done(&page, "POST", "templates/preview", with.clone()).await;
        assert!(preview.to_string().contains("Hello Bob, your order"), "{preview}");
        assert_eq!(desk.refused(&page, "POST", "templates", with).await.0, 400);
        let made = desk.done(&page, "POST", "templates", wanted.clone()).await;
        assert_eq!((of(&made, "name"), of(&made, "parameter_format")), ("on_its_way", "POSITIONAL"));
        assert_eq!(desk.refused(&page, "POST", "templates", wanted).await.0, 400, "it is there");
        let path = format!("templates/{}", of(&made, "template_id"));
        let shown = desk.done(&page, "GET", &path, Value::Null).await;
        assert_eq!(shown["components"][0]["text"], "Hello {{1}}, your order is on its way.");
        let listed = desk.done(&page, "GET", "templates", Value::Null).await;
        assert!(listed["templates"].as_array().unwrap().len() >= 2);
        let bad = json!({ "components": [{ "type": "BODY", "text": "" }] });
        assert_eq!(desk.refused(&page, "PUT", &path, bad).await.0, 400);
        desk.done(&page, "DELETE", &path, Value::Null).await;
        assert_eq!(desk.refused(&page, "GET", &path, Value::Null).await.0, 404);

        let path = format!("numbers/{}/profile", desk.number());
        let profile =
            json!({ "about": "A bank", "websites": ["https://bank.example"], "vertical": "FINANCE" });
        let shown = desk.done(&page, "PUT", &path, profile).await;
        assert_eq!((&shown["about"], &shown["vertical"]), (&json!("A bank"), &json!("FINANCE")));
        let shown =
            desk.done(&page, "PUT", &path, json!({ "websites": null, "email": "a@bank.example" })).await;
        assert_eq!((&shown["websites"], &shown["about"]), (&json!([]), &json!("A bank")));
        for bad in [json!({ "email": "x" }), json!({ "picture": "x" }), json!({ "vertical": "x" })] {
            assert_eq!(desk.refused(&page, "PUT", &path, bad).await.0, 400);
        }
        let numbers = desk.done(&page, "GET", "numbers", Value::Null).await;
        assert_eq!(numbers["numbers"][0]["registered"], true);

        let path = format!("numbers/{}/links", desk.number());
        let link = desk.done(&page, "POST", &path, json!({ "message": "Hi there" })).await;
        let one = format!("{path}/{}", of(&link, "code"));
        assert!(of(&link, "url").ends_with(&format!("/message/{}", of(&link, "code"))));
        let changed = desk.done(&page, "PUT", &one, json!({ "message": "Hello there" })).await;
        assert_eq!(changed["message"], "Hello there");
        let picture = answered(desk.request(Some(&page), "GET", &format!("{one}/picture"))).await;
        assert_eq!(picture.headers["content-type"], "image/svg+xml");
        assert!(picture.body.as_str().unwrap().contains("<svg"));
        assert_eq!(desk.done(&page, "GET", &path, Value::Null).await["links"].as_array().unwrap().len(), 1);
        desk.done(&page, "DELETE", &one, Value::Null).await;

        let reply = json!({ "shortcut": "hi", "text": "Hello Quokka!" });
        let made = desk.done(&page, "POST", "replies", reply).await;
        let path = format!("replies/{}", of(&made, "reply_id"));
        desk.done(&page, "PUT", &path, json!({ "shortcut": "hi", "text": "Hello Numbat!" })).await;
        let replies = desk.done(&page, "GET", "replies", Value::Null).await;
        assert_eq!(
            replies["replies"],
            json!([{ "reply_id": made["reply_id"], "shortcut": "hi", "text": "Hello Numbat!" }])
        );
        desk.world.scan(b"Numbat");
        desk.done(&page, "DELETE", &path, Value::Null).await;
        assert_eq!(desk.refused(&page, "DELETE", &path, Value::Null).await.0, 404);
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_their_tokens_and_callbacks_are_managed() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let page = desk.hire("ada", "admin").await;
        let made = desk.done(&page, "POST", "apps", json!({ "name": "Shop" })).await;
        let path = format!("apps/{}", of(&made, "app_id"));
        let ask = async |token: &str| {
            let url = format!("http://{}/{}", desk.host.address, desk.number());
            answered(desk.http.get(url).bearer_auth(token)).await.status
        };
        assert_eq!(ask(of(&made, "token")).await, 200);
        let narrow = json!({ "scopes": ["whatsapp_business_messaging"], "days": 3 });
        let token = desk.done(&page, "POST", &format!("{path}/tokens"), narrow).await;
        assert!(token["expires"].is_i64());
        let listed = desk.done(&page, "GET", "apps", Value::Null).await;
        let shop = listed["apps"].as_array().unwrap().iter().find(|app| app["name"] == "Shop").unwrap();
        assert_eq!(shop["tokens"].as_array().unwrap().len(), 2);
        let ids: Vec<&str> =
            shop["tokens"].as_array().unwrap().iter().map(|token| of(token, "token_id")).collect();
        assert!(ids.contains(&of(&token, "token_id")));
        assert!(!listed.to_string().contains(of(&token, "token")));
        let one = format!("{path}/tokens/{}", of(&token, "token_id"));
        desk.done(&page, "DELETE", &one, Value::Null).await;
        assert_eq!(desk.refused(&page, "DELETE", &one, Value::Null).await.0, 404);
        assert_eq!(ask(of(&token, "token")).await, 401);
        assert_eq!(
            desk.refused(&page, "POST", &format!("{path}/tokens"), json!({ "scopes": ["x"] })).await.0,
            400
        );

        let callback = json!({ "url": "http://127.0.0.1:9/", "verify_token": "t", "fields": ["messages"] });
        assert_eq!(
            desk.refused(&page, "PUT", &format!("{path}/callback"), callback).await.0,
            400,
            "nobody answers"
        );
        let nothing = json!({ "url": "http://127.0.0.1:9/", "verify_token": "t", "fields": ["x"] });
        assert_eq!(desk.refused(&page, "PUT", &format!("{path}/callback"), nothing).await.0, 400);
        desk.done(&page, "DELETE", &format!("{path}/callback"), Value::Null).await;
        assert_eq!(desk.done(&page, "GET", "deliveries", Value::Null).await["deliveries"], json!([]));
        assert_eq!(desk.done(&page, "GET", "dead-letters", Value::Null).await["dead_letters"], json!([]));
        assert_eq!(desk.done(&page, "POST", "dead-letters/replay", json!({})).await["replayed"], 0);
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosting_is_shown_instructed_verified_exported_and_imported_into() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let ada = desk.world.customer().await;
        let page = desk.hire("ada", "owner").await;
        let chat = desk.written(&page, &ada, "Zanzibar").await;
        let hosting = desk.done(&page, "GET", "hosting", Value::Null).await;
        assert_eq!((&hosting["mode"], &hosting["kept_days"]), (&json!("self"), &json!(365)), "{hosting}");
        let wrong = json!({ "deliver": true, "search": true });
        assert_eq!(desk.refused(&page, "PUT", "hosting/instructions", wrong).await.0, 400);

        let log = desk.done(&page, "GET", "hosting/log?limit=3", Value::Null).await;
        let entries = log["entries"].as_array().unwrap();
        let seqs: Vec<u64> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
        let last = log["head"]["seq"].as_u64().unwrap();
        assert_eq!(seqs, [last, last - 1, last - 2]);
        let next =
            desk.done(&page, "GET", &format!("hosting/log?limit=200&before={}", last - 2), Value::Null).await;
        assert_eq!(next["entries"].as_array().unwrap().len() as u64, last - 3);
        let first = desk.done(&page, "GET", "hosting/log?before=1", Value::Null).await;
        assert_eq!(first["entries"], json!([]));
        let verified = desk.done(&page, "POST", "hosting/log/verify", log["head"].clone()).await;
        assert_eq!(verified["intact"], true, "{verified}");
        let forged = json!({ "seq": last, "hash": "00" });
        let verified = desk.done(&page, "POST", "hosting/log/verify", forged).await;
        assert!(verified["intact"] == false && verified["problem"].is_string(), "{verified}");
        let whole = answered(desk.request(Some(&page), "GET", "hosting/log/download")).await;
        let head = host::purposes::log::verify(whole.body.as_str().unwrap().lines(), None).unwrap();
        assert_eq!(whole.headers["tradepost-log-hash"].to_str().unwrap(), head.hash);

        // An export is made, fetched once, and then there is nothing of it.
        let task = desk.done(&page, "POST", "hosting/exports", json!({})).await;
        let path = format!("tasks/{}", of(&task, "task_id"));
        let ended = async || desk.done(&page, "GET", &path, Value::Null).await["state"] != "running";
        until("it is exported", ended).await;
        let shown = desk.done(&page, "GET", &path, Value::Null).await;
        assert_eq!((&shown["state"], &shown["report"]["messages"]), (&json!("done"), &json!(1)), "{shown}");
        let zip = desk.request(Some(&page), "GET", &format!("{path}/file")).send().await.unwrap();
        assert_eq!(zip.headers()["content-type"], "application/zip");
        assert!(zip.bytes().await.unwrap().starts_with(b"PK"));
        assert_eq!(desk.refused(&page, "GET", &format!("{path}/file"), Value::Null).await.0, 404);
        desk.world.scan(b"Zanzibar");

        // A chat from elsewhere comes in.
        let text = "12/31/23, 11:58 PM - Bob: Is anybody there, Quokka?\n12/31/23, 11:59 PM - Bank: Yes\n";
        let import = format!("numbers/{}/imports?me=Bank&customer=%2B4915112345699", desk.number());
        let wrong = desk.request(Some(&page), "POST", &import.replace("Bank", "")).body(text);
        assert_eq!(answered(wrong).await.body["error"]["field"], "me");
        let task = answered(desk.request(Some(&page), "POST", &import).body(text)).await;
        assert_eq!(task.status, 202, "{}", task.body);
        let path = format!("tasks/{}", of(&task.body, "task_id"));
        let ended = async || desk.done(&page, "GET", &path, Value::Null).await["state"] != "running";
        until("it is imported", ended).await;
        let shown = desk.done(&page, "GET", &path, Value::Null).await;
        assert_eq!(shown["state"], "done", "{shown}");
        // It is older than the business keeps anything, or it is there.
        let report = &shown["report"];
        let counted = report["imported"].as_u64().unwrap() + report["too_old"].as_u64().unwrap();
        assert_eq!(counted, 2, "{report}");
        desk.world.scan(b"Quokka");
        assert_eq!(desk.done(&page, "GET", "tasks", Value::Null).await["tasks"].as_array().unwrap().len(), 2);

        // What is not to be stored is not shown any more.
        desk.done(&page, "PUT", "hosting/instructions", json!({ "deliver": true })).await;
        let off = desk.refused(&page, "POST", &format!("{chat}/messages/list"), json!({})).await;
        assert_eq!(off, (403, "purpose_off".to_owned()));
        let off = desk.refused(&page, "POST", &format!("{chat}/notes"), json!({ "text": "x" })).await;
        assert_eq!(off.1, "purpose_off");
        desk.clock.advance(Duration::from_secs(3601));
        assert_eq!(desk.done(&page, "GET", "tasks", Value::Null).await["tasks"], json!([]));
        desk.close().await;
    })
    .await;
}
