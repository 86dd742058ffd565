//! How often may be tried to sign in, whether or not there is such an account; and what is too much, or none of ours.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Desk, PASSWORD};
use crate::world::{World, on_both};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slow_counted_and_says_nothing_of_who_there_is() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let page = desk.hire("ada", "owner").await;
        for name in [page.name.as_str(), "nobody@bank.example"] {
            for attempt in 0..10 {
                let began = tokio::time::Instant::now();
                let wrong = desk.sign_in(name, "not the password at all", Value::Null).await;
                assert_eq!((wrong.status, wrong.code()), (401, "wrong_credentials"), "{name} {attempt}");
                let took = began.elapsed();
                assert!(took >= Duration::from_millis(400), "{name}: {took:?}");
            }
            // The right one is not taken either, and it is said when it will be.
            let limited = desk.sign_in(name, PASSWORD, Value::Null).await;
            assert_eq!((limited.status, limited.code()), (429, "rate_limited"), "{name}");
            let wait: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
        // Somebody else, from the same network, is let in; who is in stays in.
        let bob = desk.hire("bob", "agent").await;
        assert_eq!(desk.sign_in(&bob.name, PASSWORD, Value::Null).await.status, 200);
        desk.done(&page, "GET", "session", Value::Null).await;
        desk.clock.advance(Duration::from_secs(61));
        assert_eq!(desk.sign_in(&page.name, PASSWORD, Value::Null).await.status, 200);
        assert_eq!(desk.sign_in(&page.name, "wrong, but not limited", Value::Null).await.status, 401);

        // A network that tries many names is stopped, too.
        let mut limited = false;
        for name in 0..40 {
            let tried = format!("x{name}@bank.example");
            limited |= desk.sign_in(&tried, "x", Value::Null).await.status == 429;
            if limited {
                break;
            }
        }
        assert!(limited);
        // Passwords are not guessed from within, either.
        desk.clock.advance(Duration::from_secs(3600));
        for _ in 0..10 {
            let guess = json!({ "password": "a guess of some length" });
            assert_eq!(desk.refused(&page, "POST", "account/totp", guess).await.0, 401);
        }
        let right = json!({ "password": PASSWORD });
        assert_eq!(desk.refused(&page, "POST", "account/totp", right).await.0, 429);
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused_precisely() {
    let desk = Desk::open(World::sqlite().await).await;
    let page = desk.hire("ada", "owner").await;
    for (path, body, field) in [
        ("chats/list", json!({ "limit": 0 }), "limit"),
        ("chats/list", json!({ "limit": 201 }), "limit"),
        ("chats/list", json!({ "after": "x" }), "after"),
        ("chats/list", json!({ "assigned": "x" }), "assigned"),
        ("chats/list", json!({ "status": "x" }), "status"),
        ("chats/list", json!({ "label": "x" }), "label"),
        ("chats/list", json!({ "user_id": "DE.1" }), "user_id"),
        ("chats/list", json!({ "phone_number_id": "3000000000000001" }), "phone_number_id"),
        ("messages/list", json!({ "words": "" }), "words"),
        ("labels", json!({ "name": "x", "colour": "red" }), "colour"),
        ("labels", json!({ "name": "", "colour": "#000000" }), "name"),
        ("labels", json!({ "name": "a\nb", "colour": "#000000" }), "name"),
        ("replies", json!({ "shortcut": "a b", "text": "x" }), "shortcut"),
        ("agents", json!({ "name": "x", "display_name": "X", "role": "agent" }), "name"),
        ("agents", json!({ "name": "x@y", "display_name": "", "role": "agent" }), "display_name"),
        ("apps", json!({ "name": "" }), "name"),
        ("hosting/log/verify", json!({ "seq": 1 }), "hash"),
    ] {
        let answer = desk.ask(Some(&page), "POST", path, body.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "{path} {body} {}", answer.body);
        assert_eq!(answer.body["error"]["field"], field, "{path} {body}");
    }
    for (path, body) in [
        ("chats/list", "{"),
        ("chats/list", "7"),
        ("chats/list", r#"{"more": 1}"#),
        ("labels", r##"{"name": "a\u0000b", "colour": "#000000"}"##),
        ("agents", r#"{"name": "x@y", "display_name": "X", "role": "king"}"#),
    ] {
        let request = desk.request(Some(&page), "POST", path).body(body);
        assert_eq!(super::answered(request).await.code(), "invalid_request", "{body}");
    }
    let large = desk.request(Some(&page), "POST", "chats/list").body("x".repeat(70_000));
    assert_eq!(super::answered(large).await.code(), "too_large");
    assert_eq!(desk.refused(&page, "GET", "nothing", Value::Null).await.1, "not_found");
    assert_eq!(desk.refused(&page, "PATCH", "session", Value::Null).await.1, "method_not_allowed");
    assert_eq!(desk.refused(&page, "GET", "chats/x/y", Value::Null).await.1, "not_found");
    assert_eq!(desk.refused(&page, "GET", "hosting?x=1", Value::Null).await.1, "invalid_request");
    // Our own page writes, and says where it is from.
    let origin = format!("http://{}", desk.host.address);
    let ours = desk.request(Some(&page), "POST", "chats/list").header("origin", origin).body("{}");
    assert_eq!(super::answered(ours).await.status, 200);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_business_does_not_allow_is_said_by_its_purpose() {
    let desk = Desk::open_with(World::sqlite().await, json!({ "deliver": true })).await;
    let page = desk.hire("ada", "owner").await;
    for (method, path, body, purpose) in [
        ("POST", "chats/list", json!({}), "store"),
        ("POST", "messages/list", json!({ "words": "x" }), "search"),
        ("POST", "people/list", json!({}), "store"),
        ("GET", "figures?start=0&end=1", Value::Null, "analyse"),
    ] {
        let answer = desk.ask(Some(&page), method, path, body).await;
        assert_eq!((answer.status, answer.code()), (403, "purpose_off"), "{path} {}", answer.body);
        assert_eq!(answer.body["error"]["field"], purpose, "{path}");
    }
    let off = json!({ "deliver": false });
    assert_eq!(desk.done(&page, "PUT", "hosting/instructions", off).await["instructions"]["deliver"], false);
    let begin = json!({ "to": "+4915112345678", "message": { "type": "text", "text": { "body": "x" } } });
    let path = format!("numbers/{}/messages", desk.number());
    let answer = desk.ask(Some(&page), "POST", &path, begin).await;
    assert_eq!((answer.code(), &answer.body["error"]["field"]), ("purpose_off", &json!("deliver")));
    desk.close().await;
}
