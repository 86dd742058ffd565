//! What the specification shows, member for member, and what strict consumers need.

use host::{
    codes::{Code, Refusal},
    content::{
        ButtonReply, Card, CardName, CardPhone, Category, Content, Context, File, Inbound, InteractiveReply,
        Location, MessageName, Profile, Reaction, Status, StatusUpdate, System, Text,
    },
    ids::{MediaId, MessageId, NumberId, TemplateId, WabaId},
    webhooks::{Field, json, render},
};
use serde_json::{Value, json};
use store::Timestamp;

const AT: Timestamp = Timestamp(1_749_854_575_999);

fn waba() -> WabaId {
    "2000000000000001".parse().unwrap()
}

fn number() -> NumberId {
    "3000000000000001".parse().unwrap()
}

fn id() -> MessageId {
    MessageId::from_parts(number(), [7; 22])
}

fn ada() -> Profile {
    Profile {
        user_id: "US.1349".parse().unwrap(),
        wa_id: Some("16505551234".to_owned()),
        name: "Ada".to_owned(),
    }
}

fn inbound(content: Content) -> Inbound {
    Inbound {
        waba: waba(),
        number: number(),
        display_number: "+1 555-078-3881".to_owned(),
        from: ada(),
        id: id(),
        at: AT,
        content,
        context: Context::default(),
        identity: None,
    }
}

fn update(status: Status) -> StatusUpdate {
    StatusUpdate {
        waba: waba(),
        number: number(),
        display_number: "15550783881".to_owned(),
        to: ada(),
        id: id(),
        status,
        at: AT,
        tracker: Some("order 7".to_owned()),
        refusal: None,
        category: Category::Utility,
        in_window: false,
    }
}

fn message(content: Content) -> Value {
    render::message(&inbound(content))["messages"][0].clone()
}

fn text() -> Content {
    Content::Text(Text { body: "hi".to_owned(), preview_url: false })
}

fn file() -> File {
    File {
        id: Some("6000000000000001".parse::<MediaId>().unwrap()),
        mime_type: Some("image/png".to_owned()),
        sha256: Some("00ff10".to_owned()),
        caption: Some("look".to_owned()),
        filename: Some("a.pdf".to_owned()),
        ..File::default()
    }
}

#[test]
fn a_message_in_its_envelope() {
    let value = json::ascii(&render::message(&inbound(text())));
    let body: Value = serde_json::from_slice(&render::body(waba(), Field::Messages, AT, &value)).unwrap();
    assert_eq!(
        body,
        json!({"object": "whatsapp_business_account", "entry": [{"id": "2000000000000001", "changes": [{
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": "15550783881", "phone_number_id": "3000000000000001"},
                "contacts": [{"profile": {"name": "Ada"}, "wa_id": "16505551234", "user_id": "US.1349"}],
                "messages": [{"from": "16505551234", "from_user_id": "US.1349", "id": id().to_string(),
                    "timestamp": "1749854575", "type": "text", "text": {"body": "hi"}}]
            }
        }]}]})
    );
}

#[test]
fn an_account_s_event_has_a_time() {
    let value = json::ascii(&render::account_review("APPROVED"));
    let body: Value =
        serde_json::from_slice(&render::body(waba(), Field::AccountReview, AT, &value)).unwrap();
    assert_eq!(
        body["entry"],
        json!([{"id": "2000000000000001", "time": 1_749_854_575,
            "changes": [{"field": "account_review_update", "value": {"decision": "APPROVED"}}]}])
    );
}

#[test]
fn every_type_of_message() {
    let stored = json!({"id": "6000000000000001", "mime_type": "image/png", "sha256": "AP8Q"});
    let with = |more: Value| {
        let mut all = stored.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let place = Location { latitude: 52.5, longitude: 13.4, name: Some("Here".to_owned()), address: None };
    let card = Card {
        name: CardName { formatted_name: Some("Bo".to_owned()), ..CardName::default() },
        phones: vec![CardPhone { phone: Some("+491".to_owned()), ..CardPhone::default() }],
        requested: true,
        ..Card::default()
    };
    let original = MessageName(id());
    let reply = |id: &str| InteractiveReply::ButtonReply { id: id.to_owned(), title: "Yes".to_owned() };
    let row = InteractiveReply::ListReply {
        id: "r".to_owned(),
        title: "Row".to_owned(),
        description: Some("more".to_owned()),
    };
    let name = id().to_string();
    for (content, kind, said) in [
        (Content::Image(file()), "image", with(json!({"caption": "look"}))),
        (Content::Video(file()), "video", with(json!({"caption": "look"}))),
        (Content::Document(file()), "document", with(json!({"caption": "look", "filename": "a.pdf"}))),
        (Content::Audio(file()), "audio", with(json!({"voice": false}))),
        (Content::Sticker(file()), "sticker", with(json!({"animated": false}))),
        (Content::Location(place), "location", json!({"latitude": 52.5, "longitude": 13.4, "name": "Here"})),
        (
            Content::Contacts { cards: vec![card] },
            "contacts",
            json!([{"name": {"formatted_name": "Bo"}, "phones": [{"phone": "+491"}],
                "origin": "contact_request"}]),
        ),
        (
            Content::Reaction(Reaction { message_id: original, emoji: None }),
            "reaction",
            json!({"message_id": name}),
        ),
        (
            Content::Button(ButtonReply { payload: "p".to_owned(), text: "Yes".to_owned() }),
            "button",
            json!({"payload": "p", "text": "Yes"}),
        ),
        (
            Content::InteractiveReply(reply("y")),
            "interactive",
            json!({"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}),
        ),
        (
            Content::InteractiveReply(row),
            "interactive",
            json!({"type": "list_reply", "list_reply": {"id": "r", "title": "Row", "description": "more"}}),
        ),
        (
            Content::Edit { original, body: "other".to_owned() },
            "edit",
            json!({"original_message_id": name, "message": {"type": "text", "text": {"body": "other"}}}),
        ),
        (Content::Revoke { original }, "revoke", json!({"original_message_id": name})),
        (
            Content::System(System::UserChangedNumber { wa_id: "492".to_owned() }),
            "system",
            json!({"type": "user_changed_number", "wa_id": "492", "user_id": "US.1349",
                "body": "User Ada changed from 16505551234 to 492"}),
        ),
    ] {
        let message = message(content);
        assert_eq!(message["type"], kind);
        assert_eq!(message[kind], said, "{kind}");
    }
    let welcome = message(Content::RequestWelcome);
    assert_eq!(welcome["type"], "request_welcome");
    let unsupported = message(Content::Unsupported { what: Some("poll".to_owned()) });
    assert_eq!(unsupported["unsupported"], json!({"type": "poll"}));
    assert_eq!(unsupported["errors"][0]["code"], 131_051);
    assert_eq!(unsupported["errors"][0]["title"], "Message type unknown");
}

#[test]
fn what_a_message_refers_to() {
    let of =
        |context| render::message(&Inbound { context, ..inbound(text()) })["messages"][0]["context"].clone();
    assert_eq!(of(Context::default()), Value::Null);
    let answered = Context { message_id: Some(MessageName(id())), ..Context::default() };
    assert_eq!(of(answered), json!({"from": "15550783881", "id": id().to_string()}));
    assert_eq!(of(Context { forwarded: true, ..Context::default() }), json!({"forwarded": true}));
    let often = Context { forwarded: true, frequently_forwarded: true, ..Context::default() };
    assert_eq!(of(often), json!({"frequently_forwarded": true}));
}

#[test]
fn a_document_always_has_a_name() {
    for (mime_type, name) in [
        ("application/pdf", "document.pdf"),
        ("text/plain; charset=utf-8", "document.txt"),
        ("application/x-unheard-of", "document"),
    ] {
        let nameless = File { filename: None, mime_type: Some(mime_type.to_owned()), ..file() };
        assert_eq!(message(Content::Document(nameless))["document"]["filename"], name);
    }
}

#[test]
fn how_many_numbers_a_business_may_have_is_what_the_relay_allows() {
    let value = render::capability((Some(250), "TIER_250"), true);
    let most = json!(relay::Config::default().businesses.numbers);
    assert_eq!(
        (&value["max_phone_numbers_per_business"], &value["max_phone_numbers_per_waba"]),
        (&most, &most)
    );
}

#[test]
fn every_status() {
    assert_eq!(render::status(&update(Status::Accepted)), None);
    let priced = json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"});
    for (status, word, pricing) in [
        (Status::Sent, "sent", priced.clone()),
        (Status::Delivered, "delivered", priced),
        (Status::Read, "read", Value::Null),
        (Status::Played, "played", Value::Null),
    ] {
        let value = render::status(&update(status)).unwrap();
        let mut expected = json!({"id": id().to_string(), "status": word, "timestamp": "1749854575",
            "recipient_id": "16505551234", "recipient_user_id": "US.1349",
            "biz_opaque_callback_data": "order 7"});
        if !pricing.is_null() {
            expected["pricing"] = pricing;
        }
        assert_eq!(value["statuses"], json!([expected]));
        assert_eq!(value["contacts"][0]["wa_id"], "16505551234");
    }
    let refusal = Some(Refusal::new(Code::Undeliverable, "nobody there"));
    let failed = render::status(&StatusUpdate { refusal, ..update(Status::Failed) }).unwrap();
    let failed = &failed["statuses"][0];
    assert_eq!(failed.get("pricing"), None);
    assert_eq!(failed["errors"][0]["code"], 131_026);
    assert_eq!(failed["errors"][0]["error_data"], json!({"details": "nobody there"}));
    assert!(failed["errors"][0]["href"].is_string());
    let free = StatusUpdate { in_window: true, ..update(Status::Sent) };
    assert_eq!(render::status(&free).unwrap()["statuses"][0]["pricing"]["type"], "free_customer_service");
}

#[test]
fn templates_have_numbers_for_ids_and_say_why() {
    let id: TemplateId = "5000000000000001".parse().unwrap();
    let template = render::TemplateName { id, name: "hello", language: "en_US" };
    assert_eq!(
        render::template_status(template, "UTILITY", "APPROVED", None, None),
        json!({"event": "APPROVED", "message_template_id": 5_000_000_000_000_001_u64, "reason": "NONE",
            "message_template_name": "hello", "message_template_language": "en_US",
            "message_template_category": "UTILITY"})
    );
    let rejected = render::template_status(template, "UTILITY", "REJECTED", Some("SCAM"), Some("Do not"));
    assert_eq!(rejected["rejection_info"], json!({"reason": "SCAM", "recommendation": "Do not"}));
}

/// What Typebot and pywa need, of a person whose number the business may know.
#[test]
fn strict_consumers_find_what_they_need() {
    let unnamed = Profile { name: String::new(), ..ada() };
    let system = Content::System(System::CustomerIdentityChanged { identity: "x".to_owned() });
    for content in [text(), Content::Image(file()), system, Content::Unsupported { what: None }] {
        let value = render::message(&Inbound { from: unnamed.clone(), ..inbound(content) });
        assert!(value["contacts"][0]["profile"]["name"].is_string());
        assert!(value["contacts"][0]["user_id"].is_string());
        let message = &value["messages"][0];
        assert!(message["from"].is_string() && message["timestamp"].is_string());
        assert!(message["type"] != "system" || message["system"]["body"].is_string());
        for error in message["errors"].as_array().into_iter().flatten() {
            assert!(error["code"].is_number() && error["title"].is_string());
            assert!(error["error_data"]["details"].is_string());
        }
        assert!(value.get("statuses").is_none());
    }
    let status = render::status(&update(Status::Failed)).unwrap();
    assert!(status["contacts"].is_array() && status["statuses"][0]["recipient_id"].is_string());
    // A number that was not shared is nowhere.
    let hidden = Profile { wa_id: None, ..ada() };
    let value = render::message(&Inbound { from: hidden, ..inbound(text()) });
    assert_eq!(value["messages"][0].get("from"), None);
    assert_eq!(value["contacts"][0].get("wa_id"), None);
    assert_eq!(value["messages"][0]["from_user_id"], "US.1349");
}
