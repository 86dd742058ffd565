//! What a business's software is told of the business itself: its approval, its PIN, its templates; of identity keys; and of
//! files that cannot be had.

use std::time::Duration;

use client::{Draft, DraftContent};
use serde_json::{Value, json};

use super::{Office, of};
use crate::{
    webhooks::receiver::Receiver,
    world::{World, on_both, until},
};

/// The values that arrived of a field, in order.
fn told(receiver: &Receiver, field: &str) -> Vec<Value> {
    let changes = receiver.events().into_iter().map(|event| event.json()["entry"][0]["changes"][0].clone());
    changes.filter(|change| change["field"] == field).map(|change| change["value"].clone()).collect()
}

/// Of field `messages`, those with messages in them.
pub(super) fn messages(receiver: &Receiver) -> Vec<Value> {
    told(receiver, "messages").into_iter().filter(|value| value["messages"].is_array()).collect()
}

/// How far messages are, as it was told.
pub(super) fn statuses(receiver: &Receiver) -> Vec<Value> {
    let values = told(receiver, "messages").into_iter().map(|value| value["statuses"][0].clone());
    values.filter(|status| !status.is_null()).collect()
}

pub(super) async fn open(world: World) -> (Office, Receiver, Value) {
    let office = Office::open(world).await;
    let receiver = Receiver::start().await;
    let callback = json!({ "url": receiver.url(), "verify_token": "verify me" });
    let body = json!({ "credential": office.world.owner, "callback": callback });
    let brought = office.done("POST", "/host/v1/businesses", body).await;
    (office, receiver, brought)
}

/// All that the operator of the relay wants to see of a business.
async fn submit(world: &World) {
    let application = json!({
        "legal_name": "Bank AG", "name": "Bank", "country": "DE", "registration_number": "HRB 12345",
        "website": "https://bank.example", "category": "FINANCE",
        "contact": { "name": "Ada Example", "email": "ada@bank.example", "phone": "+493012345678" },
    });
    world.ask("PUT", "/v1/business/application", &world.owner, Some(application)).await;
    let document =
        reqwest::Client::new().post(format!("{}/v1/business/documents?name=extract.pdf", world.url));
    let added = document.bearer_auth(&world.owner).body(&b"%PDF-1.7 the extract"[..]).send().await.unwrap();
    assert!(added.status().is_success(), "{}", added.text().await.unwrap());
    world.ask("POST", "/v1/business/submit", &world.owner, None).await;
}

/// The operator of the relay decides about a business.
async fn decide(world: &World, word: &str, body: Option<Value>) {
    let path = format!("/v1/operator/businesses/{}/{word}", world.business);
    world.ask("POST", &path, &world.relay_operator(), body).await;
}

/// It is approved.
pub(crate) async fn approve(world: &World) {
    submit(world).await;
    decide(world, "review", None).await;
    decide(world, "approve", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_an_approval_is_told_once() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        let decide = async |word: &str, body: Option<Value>| decide(&office.world, word, body).await;
        // Whoever looks has the relay asked, at most every five seconds; two who look at the same time are told one thing.
        let look = async || {
            office.clock.advance(Duration::from_secs(6));
            let look = || office.done("GET", &path, Value::Null);
            tokio::join!(look(), look());
        };
        submit(&office.world).await;
        look().await;
        decide("review", None).await;
        look().await;
        decide("approve", None).await;
        look().await;
        decide("suspend", Some(json!({ "reason": "complaints" }))).await;
        look().await;
        decide("reinstate", None).await;
        look().await;
        // The host's own operator.
        for _ in 0..2 {
            office.done("POST", &format!("{path}/suspend"), json!({ "reason": "complaints" })).await;
        }
        office.done("POST", &format!("{path}/resume"), Value::Null).await;

        let reviews = || told(&receiver, "account_review_update");
        let updates = || told(&receiver, "account_update");
        until("all was told", async || reviews().len() >= 2 && updates().len() >= 5).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut decisions: Vec<_> = reviews().iter().map(|value| of(value, "decision").to_owned()).collect();
        decisions.sort_unstable();
        assert_eq!(decisions, ["APPROVED", "PENDING"]);
        let state = |value: &Value| value["ban_info"]["waba_ban_state"].as_str().unwrap_or("-").to_owned();
        let mut seen: Vec<_> =
            updates().iter().map(|value| (of(value, "event").to_owned(), state(value))).collect();
        seen.sort_unstable();
        let seen: Vec<_> = seen.iter().map(|(event, state)| (event.as_str(), state.as_str())).collect();
        let [stopped, again] = [("DISABLED_UPDATE", "DISABLE"), ("DISABLED_UPDATE", "REINSTATE")];
        assert_eq!(seen, [stopped, stopped, again, again, ("VERIFIED_ACCOUNT", "-")]);
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_pin_and_another_template_are_told() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let number = of(&brought["numbers"][0], "phone_number_id");
        let own = async |path: String, body: Value| {
            let (status, answer) = office.ask(token, "POST", &path, body).await;
            assert_eq!(status, 200, "{path}: {answer}");
            answer
        };
        own(format!("/{number}"), json!({ "pin": "123456" })).await;
        own(format!("/{number}"), json!({ "pin": 123_456 })).await;
        let register = json!({ "messaging_product": "whatsapp", "pin": "123456" });
        own(format!("/{number}/register"), register).await;
        own(format!("/{number}"), json!({ "pin": "654321" })).await;

        let text = |text: &str| json!({ "type": "BODY", "text": text });
        // Advertising that its business calls something else is taken for what it is, where the business says so.
        let made = own(
            format!("/{waba}/message_templates"),
            json!({ "name": "offer", "language": "en", "category": "UTILITY", "allow_category_change": true,
                "components": [text("Get 20% off of everything today")] }),
        )
        .await;
        assert_eq!((of(&made, "category"), of(&made, "status")), ("MARKETING", "APPROVED"));
        let id = of(&made, "id");
        let footer = json!({ "type": "FOOTER", "text": "The shop" });
        let button = json!({ "type": "QUICK_REPLY", "text": "More" });
        let parts = json!([text("All is as it was"), footer, { "type": "BUTTONS", "buttons": [button] }]);
        own(format!("/{id}"), json!({ "category": "UTILITY", "components": parts })).await;

        let all = || {
            ["security", "message_template_components_update", "template_category_update"]
                .map(|field| told(&receiver, field))
        };
        until("all was told", async || all().iter().map(Vec::len).eq([2, 1, 1])).await;
        let [pins, components, categories] = all();
        assert!(pins.iter().all(|value| of(value, "event") == "PIN_CHANGED"), "{pins:?}");
        assert_eq!(of(&components[0], "message_template_element"), "All is as it was");
        assert_eq!(of(&components[0], "message_template_footer"), "The shop");
        assert_eq!(of(&components[0]["message_template_buttons"][0], "message_template_button_text"), "More");
        let moved = ("MARKETING", "UTILITY");
        assert_eq!((of(&categories[0], "previous_category"), of(&categories[0], "new_category")), moved);

        // One that is changed with its other languages is told as if it were changed alone.
        let code = |minutes: u32| {
            json!({ "name": "code", "languages": ["en_US"], "category": "AUTHENTICATION", "components": [
                { "type": "BODY" }, { "type": "FOOTER", "code_expiration_minutes": minutes },
                { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] }] })
        };
        let upsert = format!("/{waba}/upsert_message_templates");
        own(upsert.clone(), code(5)).await;
        let known = all()[1].len();
        own(upsert, code(9)).await;
        until("the change was told", async || all()[1].len() == known + 1).await;
        assert_eq!(of(&all()[1][known], "message_template_name"), "code");
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_checks_identity_keys_sends_to_the_key_that_it_names() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let ada = office.world.customer().await;
        let account = office.account(&brought).await;
        let number = of(&brought["numbers"][0], "phone_number_id");
        let token = of(&brought, "token");
        let send = async |hash: &str| {
            let body = json!({ "messaging_product": "whatsapp", "to": ada.number, "text": { "body": "yes" },
                "recipient_identity_key_hash": hash });
            let (status, answer) = office.ask(token, "POST", &format!("/{number}/messages"), body).await;
            if status == 200 { 0 } else { answer["error"]["code"].as_u64().unwrap() }
        };
        ada.device.send(account, Draft::text("unchecked")).await.unwrap();
        until("it came", async || messages(&receiver).len() == 1).await;
        let first = messages(&receiver).remove(0);
        assert!(
            first["messages"][0]["identity"].is_null() && first["contacts"][0]["identity_key_hash"].is_null()
        );
        // No hash was told: none can be right.
        assert_eq!(send("0123456789abcdef").await, 137_000);

        let check = json!({ "user_identity_change": { "enable_identity_key_check": true } });
        assert_eq!(office.ask(token, "POST", &format!("/{number}/settings"), check).await.0, 200);
        ada.device.send(account, Draft::text("checked")).await.unwrap();
        until("it came", async || messages(&receiver).len() == 2).await;
        let second = messages(&receiver).remove(1);
        let hash = of(&second["contacts"][0], "identity_key_hash").to_owned();
        let identity = &second["messages"][0]["identity"];
        assert_eq!((of(identity, "hash"), &identity["acknowledged"]), (&*hash, &json!(true)));
        assert!(of(identity, "created_timestamp").parse::<u64>().is_ok());
        assert_eq!((send(&hash).await, send("0123456789abcdef").await), (0, 137_000));

        // A new phone has a new key.
        let anew = office.world.customer().await;
        anew.device.send(account, Draft::text("from a new phone")).await.unwrap();
        until("both came", async || messages(&receiver).len() == 4).await;
        let last = messages(&receiver).split_off(2);
        let of_type = |kind: &str| {
            last.iter().find(|value| value["messages"][0]["type"] == kind).cloned().unwrap_or_default()
        };
        let (system, text) = (of_type("system"), of_type("text"));
        assert_eq!(of(&system["messages"][0]["system"], "type"), "customer_identity_changed");
        let new = of(&system["messages"][0]["system"], "identity").to_owned();
        assert_ne!(new, hash);
        let identity = &text["messages"][0]["identity"];
        assert_eq!((of(identity, "hash"), &identity["acknowledged"]), (&*new, &json!(false)), "{text}");
        assert_eq!((send(&hash).await, send(&new).await), (137_000, 0));
        // Who sends with the new one knows of it.
        anew.device.send(account, Draft::text("once more")).await.unwrap();
        until("it came", async || messages(&receiver).len() == 5).await;
        assert_eq!(messages(&receiver)[4]["messages"][0]["identity"]["acknowledged"], true);
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_comes_with_its_address_and_one_that_cannot_be_had_with_an_error() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let ada = office.world.customer().await;
        let blob = ada.device.upload(&mut bytes::Bytes::from_static(b"a picture"), None).await.unwrap();
        let mut media = client::Media {
            kind: client::MediaKind::Image,
            blob,
            content_type: "image/png".to_owned(),
            file_name: String::new(),
            caption: "Look".to_owned(),
            width: 0,
            height: 0,
            duration: 0,
            thumbnail: wire::Base64(Vec::new()),
            animated: false,
        };
        let account = office.account(&brought).await;
        ada.device.send(account, DraftContent::Media(media.clone()).into()).await.unwrap();
        until("it came", async || messages(&receiver).len() == 1).await;
        let message = &messages(&receiver)[0]["messages"][0];
        assert!(message["errors"].is_null(), "{message}");
        // Where it is, for whoever shows a token.
        let url = of(&message["image"], "url");
        let path = url.strip_prefix(&format!("http://{}", office.host.address)).unwrap();
        let (status, bytes) = office.ask(of(&brought, "token"), "GET", path, Value::Null).await;
        assert_eq!((status, &bytes), (200, &json!("a picture")));
        assert_eq!(office.ask("", "GET", path, Value::Null).await.0, 401);

        // Other bytes than it says.
        media.blob.digest.0.iter_mut().for_each(|byte| *byte ^= 1);
        ada.device.send(account, DraftContent::Media(media).into()).await.unwrap();
        until("it came", async || messages(&receiver).len() == 2).await;
        let message = &messages(&receiver)[1]["messages"][0];
        assert_eq!((of(message, "type"), of(&message["image"], "caption")), ("image", "Look"), "{message}");
        assert_eq!(message["errors"][0]["code"], 131_052, "{message}");
        assert!(message["image"]["url"].is_null(), "{message}");
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_tester_is_not_written_to_before_the_approval() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let ada = office.world.customer().await;
        let path = format!("/v1/business/testers/{}", ada.number.as_str().replace('+', "%2B"));
        office.world.ask("DELETE", &path, &office.world.owner, None).await;
        office.greet(&brought, &ada).await;
        let statuses = || {
            let values = told(&receiver, "messages").into_iter();
            values.map(|value| value["statuses"][0].clone()).filter(|status| !status.is_null())
        };
        until("it failed", async || statuses().next().is_some()).await;
        let status = statuses().next().unwrap();
        assert_eq!((of(&status, "status"), &status["errors"][0]["code"]), ("failed", &json!(131_030)));
        assert!(ada.device.history(office.account(&brought).await, None, 10).await.unwrap().is_empty());
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_relays_operator_suspends_writes_to_nobody() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let ada = office.world.customer().await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let number = of(&brought["numbers"][0], "phone_number_id");
        let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        let look = async || {
            office.clock.advance(Duration::from_secs(6));
            office.done("GET", &path, Value::Null).await
        };
        approve(&office.world).await;
        assert_eq!(look().await["state"], "approved");
        decide(&office.world, "suspend", Some(json!({ "reason": "complaints" }))).await;
        // Before the host knows, the relay says it of each message.
        office.greet(&brought, &ada).await;
        until("it failed", async || !statuses(&receiver).is_empty()).await;
        let status = statuses(&receiver).remove(0);
        assert_eq!((of(&status, "status"), &status["errors"][0]["code"]), ("failed", &json!(131_031)));

        assert_eq!(look().await["state"], "suspended");
        let body = json!({ "messaging_product": "whatsapp", "to": ada.number, "text": { "body": "hello" } });
        let made = json!({ "name": "offer", "language": "en", "category": "MARKETING",
            "components": [{ "type": "BODY", "text": "Get 20% off of everything today" }] });
        for (edge, body) in
            [(format!("/{number}/messages"), body), (format!("/{waba}/message_templates"), made)]
        {
            let (status, answer) = office.ask(token, "POST", &edge, body).await;
            assert_eq!((status, &answer["error"]["code"]), (403, &json!(131_031)), "{edge} {answer}");
        }
        // Why, its software can see.
        let (_, shown) =
            office.ask(token, "GET", &format!("/{waba}?fields=status,health_status"), Value::Null).await;
        assert_eq!(
            (&shown["status"], &shown["health_status"]["can_send_message"]),
            (&json!("BANNED"), &json!("BLOCKED")),
            "{shown}"
        );
        decide(&office.world, "reinstate", None).await;
        look().await;
        office.greet(&brought, &ada).await;
        ada.hears(office.account(&brought).await, 1).await;
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marketing_that_is_not_wanted_is_taken_and_fails() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let ada = office.world.customer().await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let number = of(&brought["numbers"][0], "phone_number_id");
        let stop = DraftContent::Preference { marketing: client::Marketing::Stop };
        ada.device.send(office.account(&brought).await, stop.into()).await.unwrap();
        until("it is known", async || told(&receiver, "user_preferences").len() == 1).await;
        let made = json!({ "name": "offer", "language": "en", "category": "MARKETING",
            "components": [{ "type": "BODY", "text": "Get 20% off of everything today" }] });
        assert_eq!(office.ask(token, "POST", &format!("/{waba}/message_templates"), made).await.0, 200);
        let template = json!({ "name": "offer", "language": { "code": "EN" } });
        let body = json!({ "messaging_product": "whatsapp", "to": ada.number, "type": "template",
            "template": template, "biz_opaque_callback_data": "spring" });
        let (status, answer) = office.ask(token, "POST", &format!("/{number}/messages"), body).await;
        assert_eq!(status, 200, "{answer}");
        let statuses = || {
            let values = told(&receiver, "messages").into_iter();
            let statuses = values.map(|value| value["statuses"][0].clone());
            statuses.filter(|status| !status.is_null()).collect::<Vec<_>>()
        };
        until("it failed", async || !statuses().is_empty()).await;
        // What comes behind it is told behind it: nothing else was said of the first.
        office.greet(&brought, &ada).await;
        ada.hears(office.account(&brought).await, 1).await;
        until("all was told", async || statuses().len() == 3).await;
        let first = &statuses()[0];
        assert_eq!((of(first, "id"), of(first, "status")), (of(&answer["messages"][0], "id"), "failed"));
        assert_eq!(
            (&first["errors"][0]["code"], of(first, "biz_opaque_callback_data")),
            (&json!(131_050), "spring")
        );
        assert!(statuses()[1..].iter().all(|status| status["id"] != first["id"]));
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_go_to_numbers_only() {
    on_both(async |world| {
        let (office, receiver, brought) = open(world).await;
        let ada = office.world.customer().await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let number = of(&brought["numbers"][0], "phone_number_id");
        ada.device.send(office.account(&brought).await, Draft::text("hello")).await.unwrap();
        until("it came", async || messages(&receiver).len() == 1).await;
        let user = of(&messages(&receiver)[0]["contacts"][0], "user_id").to_owned();
        let otp = json!({ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" });
        let made = json!({ "name": "login", "language": "en", "category": "AUTHENTICATION",
            "components": [{ "type": "BODY" }, { "type": "BUTTONS", "buttons": [otp] }] });
        let (status, answer) = office.ask(token, "POST", &format!("/{waba}/message_templates"), made).await;
        assert_eq!(status, 200, "{answer}");
        let code = json!([{ "type": "text", "text": "123456" }]);
        let template = json!({ "name": "login", "language": { "code": "en" }, "components": [
            { "type": "body", "parameters": code },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
        ] });
        let send = async |to: Value| {
            let mut body =
                json!({ "messaging_product": "whatsapp", "type": "template", "template": template });
            body.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
            office.ask(token, "POST", &format!("/{number}/messages"), body).await
        };
        let (status, refused) = send(json!({ "recipient": user })).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(131_062)), "{refused}");
        let (status, sent) = send(json!({ "to": ada.number })).await;
        assert_eq!(status, 200, "{sent}");
        office.close().await;
    })
    .await;
}
