//! Requests to `/messages`, field for field.

use host::{
    cloud_api::{
        Failure, Fields, Voice,
        parse::{Draft, Request, Sender, request},
    },
    codes::Code,
    content::{Action, Content},
    ids::{MessageId, NumberId},
    messages::Recipient,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{Timestamp, testing::SeededEntropy};

const AT: Timestamp = Timestamp(1_700_000_000_000);

fn number() -> NumberId {
    NumberId::random(&SeededEntropy::new(1))
}

fn read(body: &Value) -> Result<Request, Failure> {
    let empty = serde_json::Map::new();
    let sender = Sender { id: number(), country: Some("DE") };
    request(sender, &Fields::of(body.as_object().unwrap_or(&empty), Voice::Message))
}

/// With what every request needs.
fn sending(mut body: Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    fields.entry("messaging_product").or_insert_with(|| "whatsapp".into());
    fields.entry("to").or_insert_with(|| "+4915112345678".into());
    body
}

fn draft(body: Value) -> Draft {
    match read(&sending(body.clone())) {
        Ok(Request::Send(draft)) => *draft,
        other => panic!("{body}: {other:?}"),
    }
}

#[track_caller]
fn refused(body: Value, code: Code, field: &str) {
    let failure = read(&sending(body.clone())).expect_err(&body.to_string());
    assert_eq!(failure.code(), code, "{body}: {failure}");
    assert!(failure.to_string().contains(field), "{body}: {failure} does not name {field}");
    assert!(failure.status().is_client_error());
}

fn button(id: &str, title: &str) -> Value {
    json!({"type": "reply", "reply": {"id": id, "title": title}})
}

fn interactive(kind: &str, action: Value) -> Value {
    json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": "hello"}, "action": action}})
}

fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|number| json!({"id": format!("r{number}"), "title": "row"})).collect()
}

#[test]
fn recipients_are_read_as_people_write_them() {
    for written in
        ["+4915112345678", "4915112345678", "+49 (1511) 234-5678", "01511 2345678", "004915112345678"]
    {
        let draft = draft(json!({"to": written, "text": {"body": "hello"}}));
        assert_eq!(draft.outgoing.to, Recipient::Number("+4915112345678".parse().unwrap()), "{written}");
        assert_eq!(draft.input, written);
    }
    let as_number = draft(json!({"to": 4_915_112_345_678_u64, "text": {"body": "hello"}}));
    assert_eq!(as_number.outgoing.to, Recipient::Number("+4915112345678".parse().unwrap()));
    let user = draft(json!({"to": null, "recipient": "US.13491208655302741918", "text": {"body": "hello"}}));
    assert_eq!(user.outgoing.to, Recipient::User("US.13491208655302741918".parse().unwrap()));
    let both = draft(json!({"recipient": "US.1", "text": {"body": "hello"}}));
    assert!(matches!(both.outgoing.to, Recipient::Number(_)), "`to` wins");
    for bad in ["NaN", "undefined", "1", "+", "+49", "hello", "12 or 13", "+999999999999999999"] {
        refused(json!({"to": bad, "text": {"body": "hello"}}), Code::ParameterInvalid, "to");
    }
    refused(json!({"to": "", "text": {"body": "hello"}}), Code::Parameter, "to");
    refused(json!({"to": {"a": 1}, "text": {"body": "hello"}}), Code::ParameterInvalid, "to");
}

#[test]
fn what_every_message_needs_is_named() {
    refused(json!({"messaging_product": null, "text": {"body": "x"}}), Code::Parameter, "messaging_product");
    refused(
        json!({"messaging_product": "telegram", "text": {"body": "x"}}),
        Code::Parameter,
        "messaging_product",
    );
    refused(json!({}), Code::ParameterMissing, "text");
    refused(json!({"type": "image"}), Code::ParameterMissing, "image");
    refused(json!({"type": "hologram"}), Code::UnsupportedType, "type");
    refused(json!({"type": "pin", "pin": {}}), Code::UnsupportedType, "pin");
    refused(
        json!({"recipient_type": "group", "text": {"body": "x"}}),
        Code::UnsupportedType,
        "recipient_type",
    );
    let long = "x".repeat(513);
    refused(json!({"text": {"body": "x"}, "biz_opaque_callback_data": long}), Code::Parameter, "biz_opaque");
}

#[test]
fn tolerance_makes_no_difference() {
    let strict = draft(json!({"type": "text", "text": {"body": "hello", "preview_url": true}}));
    for body in [
        json!({"text": {"body": "hello", "preview_url": "True"}, "context": null}),
        json!({"type": "TEXT", "text": "{\"body\": \"hello\", \"preview_url\": 1}", "context": {}}),
        json!({"text": {"body": "hello", "preview_url": "1", "unknown": [1]}, "whatever": {"deep": null}}),
        json!({"recipient_type": "Individual", "text": {"body": "hello", "preview_url": true}, "context": {"message_id": null}}),
        json!({"text": {"body": "hello", "preview_url": true}, "context": {"message_id": "wamid.unknown"}}),
    ] {
        assert_eq!(draft(body.clone()), strict, "{body}");
    }
}

#[test]
fn limits_are_what_the_api_says() {
    let text = |count: usize| "ä".repeat(count);
    draft(json!({"text": {"body": text(4096)}}));
    refused(json!({"text": {"body": text(4097)}}), Code::Parameter, "text.body");
    refused(json!({"text": {"body": ""}}), Code::ParameterMissing, "text.body");
    draft(json!({"type": "image", "image": {"link": "https://x.example/a.png", "caption": text(1024)}}));
    let long = json!({"type": "image", "image": {"link": "https://x.example/a.png", "caption": text(1025)}});
    refused(long, Code::Parameter, "image.caption");
    for (kind, action, field, code) in [
        ("button", json!({"buttons": []}), "action.buttons", Code::ParameterMissing),
        ("button", json!({"buttons": [button("a", "A"), button("a", "B")]}), "ids", Code::ParameterInvalid),
        (
            "button",
            json!({"buttons": [button("a", "A"), button("b", "A")]}),
            "titles",
            Code::ParameterInvalid,
        ),
        ("button", json!({"buttons": [button("a", &text(21))]}), "buttons[0].reply.title", Code::Parameter),
        ("button", json!({"buttons": [button(&text(257), "A")]}), "buttons[0].reply.id", Code::Parameter),
        (
            "button",
            json!({"buttons": [button("a", "a"), button("b", "b"), button("c", "c"), button("d", "d")]}),
            "at most 3",
            Code::ParameterInvalid,
        ),
        ("list", json!({"sections": [{"rows": rows(1)}]}), "action.button", Code::ParameterMissing),
        ("list", json!({"button": "b", "sections": []}), "sections", Code::ParameterMissing),
        ("list", json!({"button": "b", "sections": [{"rows": rows(11)}]}), "rows", Code::ParameterInvalid),
        (
            "list",
            json!({"button": "b", "sections": [{"title": "a", "rows": rows(6)}, {"title": "b", "rows": rows(6)}]}),
            "10 rows",
            Code::ParameterInvalid,
        ),
        (
            "list",
            json!({"button": "b", "sections": [{"rows": rows(1)}, {"title": "b", "rows": rows(1)}]}),
            "sections[0].title",
            Code::ParameterMissing,
        ),
        ("cta_url", json!({"name": "cta_url"}), "action.parameters", Code::ParameterMissing),
        (
            "cta_url",
            json!({"parameters": {"display_text": "x", "url": "javascript:alert(1)"}}),
            "parameters.url",
            Code::ParameterInvalid,
        ),
        ("hologram", json!({"a": 1}), "interactive.type", Code::ParameterInvalid),
        ("flow", json!({"a": 1}), "interactive.type", Code::UnsupportedType),
        ("product_list", json!({"a": 1}), "interactive.type", Code::UnsupportedType),
        ("carousel", json!({"cards": [{"a": 1}]}), "cards", Code::ParameterInvalid),
    ] {
        refused(interactive(kind, action), code, field);
    }
    let mut no_body = interactive("button", json!({"buttons": [button("a", "A")]}));
    no_body["interactive"]["body"] = Value::Null;
    refused(no_body, Code::ParameterMissing, "interactive.body.text");
    let mut header = interactive("list", json!({"button": "b", "sections": [{"rows": rows(1)}]}));
    header["interactive"]["header"] = json!({"type": "image", "image": {"link": "https://x.example/a.png"}});
    refused(header, Code::ParameterInvalid, "interactive.header");
}

#[test]
fn interactive_messages_of_each_kind_are_taken() {
    let card = |url: &str| {
        json!({"card_index": 0, "type": "cta_url", "header": {"type": "image", "image": {"link": "https://x.example/a.png"}},
            "body": {"text": "x"}, "action": {"name": "cta_url", "parameters": {"display_text": "go", "url": url}}})
    };
    for (kind, action) in [
        ("button", json!({"buttons": [button("a", "A"), button("b", "B"), button("c", "C")]})),
        ("LIST", json!({"button": "b", "sections": [{"rows": rows(10)}]})),
        (
            "cta_url",
            json!({"name": "cta_url", "parameters": {"display_text": "go", "url": "https://x.example"}}),
        ),
        ("location_request_message", json!({"name": "send_location"})),
        ("request_contact_info", json!({"name": "request_contact_info"})),
        ("carousel", json!({"cards": [card("https://x.example/1"), card("https://x.example/2")]})),
    ] {
        assert_eq!(draft(interactive(kind, action)).outgoing.content.kind(), "interactive");
    }
    // Empty headers and footers are none.
    let mut body = interactive("button", json!({"buttons": [button("a", "A")]}));
    body["interactive"]["header"] = json!({"type": "text", "text": ""});
    body["interactive"]["footer"] = json!({"text": null});
    let Content::Interactive(interactive) = draft(body).outgoing.content else { panic!() };
    assert_eq!((&interactive.header, &interactive.footer), (&None, &None));
    assert!(matches!(&interactive.action, Action::Button { buttons } if buttons.len() == 1));
}

#[test]
fn places_cards_reactions_and_files() {
    let place = json!({"type": "location", "location": {"latitude": "48.1", "longitude": 11.5, "name": ""}});
    let Content::Location(place) = draft(place).outgoing.content else { panic!() };
    assert_eq!((place.latitude, place.longitude, place.name), (48.1, 11.5, None));
    for (latitude, longitude) in [(json!(91), json!(0)), (json!(0), json!("181")), (json!("NaN"), json!(0))] {
        let body = json!({"type": "location", "location": {"latitude": latitude, "longitude": longitude}});
        refused(body, Code::ParameterInvalid, "location.l");
    }
    let card =
        json!({"name": {"formatted_name": "Ann"}, "phones": [{"phone": "+49", "type": "WORK"}], "org": {}});
    draft(json!({"type": "contacts", "contacts": [card]}));
    refused(json!({"type": "contacts", "contacts": []}), Code::ParameterMissing, "contacts");
    refused(
        json!({"type": "contacts", "contacts": [{"name": {"a": 1}}]}),
        Code::ParameterMissing,
        "contacts[0].name.formatted_name",
    );
    refused(
        json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "A"}, "birthday": "2020-13-01"}]}),
        Code::ParameterInvalid,
        "contacts[0].birthday",
    );
    refused(json!({"type": "contacts", "contacts": vec![card.clone(); 258]}), Code::ParameterInvalid, "257");
    let id = MessageId::random(number(), AT, &SeededEntropy::new(2)).to_string();
    let reaction = |emoji: Value| json!({"type": "reaction", "reaction": {"message_id": id, "emoji": emoji}});
    for (emoji, kept) in [("👍🏽", Some("👍🏽")), ("", None)] {
        let Content::Reaction(taken) = draft(reaction(emoji.into())).outgoing.content else { panic!() };
        assert_eq!(taken.emoji.as_deref(), kept);
    }
    refused(reaction("no".into()), Code::ParameterInvalid, "reaction.emoji");
    refused(reaction(Value::Null), Code::ParameterMissing, "reaction.emoji");
    let foreign =
        MessageId::random(NumberId::random(&SeededEntropy::new(9)), AT, &SeededEntropy::new(2)).to_string();
    refused(
        json!({"type": "reaction", "reaction": {"message_id": foreign, "emoji": "👍"}}),
        Code::ParameterInvalid,
        "reaction.message_id",
    );
    refused(json!({"type": "video", "video": {"caption": "x"}}), Code::ParameterMissing, "video.id");
    refused(json!({"type": "video", "video": {"id": "12"}}), Code::ParameterInvalid, "video.id");
    refused(json!({"type": "video", "video": {"link": "ftp://x"}}), Code::ParameterInvalid, "video.link");
    let named =
        json!({"type": "document", "document": {"link": "https://x.example", "filename": "../a/b.pdf"}});
    assert_eq!(draft(named).outgoing.content.file().unwrap().filename.as_deref(), Some("b.pdf"));
}

#[test]
fn read_marks_and_typing() {
    let id = MessageId::random(number(), AT, &SeededEntropy::new(2));
    let mark = |more: Value| {
        let mut body =
            json!({"messaging_product": "whatsapp", "status": "READ", "message_id": id.to_string()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(&body)
    };
    assert_eq!(mark(json!({})).unwrap(), Request::Read { message: id, typing: false });
    let typing = mark(json!({"typing_indicator": {"type": "Text"}}));
    assert_eq!(typing.unwrap(), Request::Read { message: id, typing: true });
    assert_eq!(
        mark(json!({"typing_indicator": {"type": "song"}})).unwrap_err().code(),
        Code::ParameterInvalid
    );
    assert_eq!(mark(json!({"message_id": "wamid.X"})).unwrap_err().code(), Code::ParameterInvalid);
    assert_eq!(mark(json!({"message_id": null})).unwrap_err().code(), Code::ParameterMissing);
    assert_eq!(mark(json!({"status": "eaten"})).unwrap_err().code(), Code::ParameterInvalid);
}

#[test]
fn a_template_is_named_and_its_components_are_left_to_it() {
    let components = json!([{"type": "BODY", "parameters": [{"type": "text", "text": "Ann"}]}]);
    let body = json!({"type": "TEMPLATE", "template": {"name": "hello",
        "language": {"code": "en_US", "policy": "Deterministic"}, "components": components}});
    let template = draft(body).template.unwrap();
    assert_eq!((template.name.as_str(), template.language.as_str()), ("hello", "en_US"));
    assert_eq!(template.components, Some(components));
    let with = |components: Value| json!({"type": "template", "template": {"name": "hello", "language": {"code": "en"}, "components": components}});
    for none in [json!([]), Value::Null, json!("")] {
        assert_eq!(draft(with(none)).template.unwrap().components, None);
    }
    refused(with(json!([{"index": 0}])), Code::ParameterMissing, "template.components[0].type");
    refused(with(json!([7])), Code::ParameterInvalid, "template.components");
    refused(
        json!({"type": "template", "template": {"name": "x"}}),
        Code::ParameterMissing,
        "template.language",
    );
    refused(
        json!({"type": "template", "template": {"language": {"code": "en"}}}),
        Code::ParameterMissing,
        "template.name",
    );
}

/// JSON as anybody may send it, with the words that requests have in it.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "type",
        "text",
        "body",
        "interactive",
        "action",
        "buttons",
        "reply",
        "id",
        "title",
        "sections",
        "rows",
        "header",
        "image",
        "link",
        "template",
        "components",
        "parameters",
        "language",
        "code",
        "contacts",
        "name",
        "reaction",
        "message_id",
        "emoji",
        "location",
        "latitude",
        "longitude",
        "status",
        "read",
        "button",
        "list",
        "carousel",
        "cards",
        "cta_url",
        "whatsapp",
        "context",
        "to",
        "recipient",
        "index",
        "sub_type",
        "url",
    ]);
    let text = prop_oneof![
        words.clone().prop_map(|word| Value::String(word.to_owned())),
        ".*".prop_map(Value::String),
        "[0-9+]{0,15}".prop_map(Value::String),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        text,
    ];
    leaf.prop_recursive(6, 96, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(words.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_taken_or_refused_with_a_code(
        kind in prop::sample::select(vec!["text", "interactive", "template", "contacts", "reaction", "location", "image"]),
        inner in any_json(),
        more in any_json(),
    ) {
        let mut body = json!({"messaging_product": "whatsapp", "to": "+4915112345678", "type": kind, kind: inner});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        if let Err(failure) = read(&body) {
            prop_assert!(failure.status().is_client_error());
        }
    }
}
