//! What is filled in, and what is not.

use serde_json::json;
use store::testing::SeededEntropy;

use super::*;

fn template(category: &str, format: &str, components: &Value) -> Definition {
    let components = components.as_array().unwrap();
    Definition::parse("t", "en_US", category, Some(format), components, None).unwrap()
}

fn filled(definition: &Definition, components: &Value) -> Result<content::Template, Refusal> {
    fill(TemplateId::random(&SeededEntropy::new(1)), definition, Some(components))
}

fn order() -> Definition {
    template(
        "UTILITY",
        "POSITIONAL",
        &json!([
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
            {"type": "BODY", "text": "Hello {{1}}, your order {{2}} costs {{3}} all in all."},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Thanks"},
                {"type": "URL", "text": "Track", "url": "https://shop.example/{{1}}"}]},
        ]),
    )
}

#[test]
fn every_part_is_filled() {
    let sent = filled(
        &order(),
        &json!([
            {"type": "HEADER", "parameters": [{"type": "image", "image": {"link": "https://x.example/a.png"}}]},
            {"type": "BODY", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "{{3}}"},
                {"type": "currency", "currency": {"fallback_value": "$9.99", "code": "USD", "amount_1000": 9990}}]},
            {"type": "BUTTON", "sub_type": "QUICK_REPLY", "index": "0",
                "parameters": [{"type": "payload", "payload": "ok"}]},
            {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "o/77"}]},
        ]),
    )
    .unwrap();
    assert_eq!(sent.body, "Hello Ada, your order {{3}} costs $9.99 all in all.");
    assert_eq!(sent.buttons[0], TemplateButton::QuickReply { text: "Thanks".into(), payload: "ok".into() });
    assert!(
        matches!(&sent.buttons[1], TemplateButton::Url { url, .. } if url == "https://shop.example/o/77")
    );
}

#[test]
fn what_does_not_fit_has_the_codes_of_the_api() {
    let image = json!({"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x.example/a"}}]});
    let url = json!({"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "o"}]});
    let body = |texts: &[&str]| {
        let parameters: Vec<_> = texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
        json!({"type": "body", "parameters": parameters})
    };
    let good = body(&["a", "b", "c"]);
    let code = |components: Value| filled(&order(), &components).err().map(|refusal| refusal.code.number());
    assert_eq!(code(json!([image, good, url])), None);
    assert_eq!(code(json!([image, body(&["a", "b"]), url])), Some(132_000));
    assert_eq!(code(json!([image, body(&["a", "b", "c", "d"]), url])), Some(132_000));
    assert_eq!(code(json!([image, body(&["a", "b", ""]), url])), Some(131_008));
    assert_eq!(code(json!([image, body(&["a", "b", "c\nd"]), url])), Some(132_012));
    assert_eq!(code(json!([image, body(&["a", "b", "c     d"]), url])), Some(132_012));
    assert_eq!(code(json!([good, url])), Some(132_000), "no header");
    let film = json!({"type": "header", "parameters": [{"type": "video", "video": {"link": "https://x.example/a"}}]});
    assert_eq!(code(json!([film, good, url])), Some(132_012));
    assert_eq!(code(json!([image, good])), Some(132_000), "no suffix");
    assert_eq!(code(json!([image, body(&["a", "b", &"x".repeat(1000)]), url])), Some(132_005));
    let long = json!({"type": "button", "sub_type": "url", "index": 1,
        "parameters": [{"type": "text", "text": "o".repeat(1980)}]});
    assert_eq!(code(json!([image, good, long])), Some(132_005), "an address of over 2000 characters");
    let third = json!({"type": "button", "sub_type": "url", "index": 2, "parameters": []});
    assert_eq!(code(json!([image, good, url, third])), Some(132_000));
    assert_eq!(filled(&order(), &json!("x")).unwrap_err().code.number(), 132_012);
}

#[test]
fn a_header_is_no_longer_when_it_is_filled_in() {
    let definition = template(
        "UTILITY",
        "POSITIONAL",
        &json!([{"type": "HEADER", "format": "TEXT", "text": "News of {{1}}"},
            {"type": "BODY", "text": "All is well today."}]),
    );
    let code = |length: usize| {
        let parameters = json!([{"type": "text", "text": "x".repeat(length)}]);
        let sent = filled(&definition, &json!([{"type": "header", "parameters": parameters}]));
        sent.err().map(|refusal| refusal.code.number())
    };
    assert_eq!((code(52), code(53)), (None, Some(132_005)));
}

#[test]
fn values_may_be_numbers_and_what_is_null_is_not_there() {
    let definition = template(
        "UTILITY",
        "POSITIONAL",
        &json!([{"type": "HEADER", "text": null}, {"type": "FOOTER", "text": null},
            {"type": "BODY", "text": "Order {{1}} of {{2}} is ready for you now."},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "See", "url": "https://shop.example/{{1}}"},
                {"type": "COPY_CODE", "example": "25OFF"}]}]),
    );
    assert_eq!((&definition.parts.header, &definition.parts.footer), (&None, &None));
    let button = |index: Value, kind: &str, parameter: Value| json!({"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]});
    let sent = filled(
        &definition,
        &json!([{"type": "header", "parameters": null},
            {"type": "body", "parameters": [{"type": "text", "text": 4711},
                {"type": "currency", "currency": {"fallback_value": 25.5, "code": "EUR", "amount_1000": "25500"}}]},
            button(json!("0"), "url", json!({"type": "text", "text": 4711})),
            button(json!(1), "copy_code", json!({"type": "coupon_code", "coupon_code": 250}))]),
    )
    .unwrap();
    assert_eq!(sent.body, "Order 4711 of 25.5 is ready for you now.");
    let [TemplateButton::Url { url, .. }, TemplateButton::CopyCode { code, .. }] = &sent.buttons[..] else {
        panic!("{:?}", sent.buttons)
    };
    assert_eq!((url.as_str(), code.as_str()), ("https://shop.example/4711", "250"));
    let none = json!([{"type": "body", "parameters": [{"type": "text", "text": null}, {"type": "text", "text": "x"}]}]);
    assert_eq!(filled(&definition, &none).unwrap_err().code.number(), 131_008);
}

#[test]
fn named_places_go_by_name() {
    let definition = template(
        "UTILITY",
        "NAMED",
        &json!([{"type": "BODY", "text": "Hello {{first}}, we met {{last}} some time ago here."}]),
    );
    let send = |parameters: Value| filled(&definition, &json!([{"type": "body", "parameters": parameters}]));
    let sent = send(json!([
        {"type": "text", "parameter_name": "last", "text": "L"},
        {"type": "text", "parameter_name": "first", "text": "F"}]));
    assert_eq!(sent.unwrap().body, "Hello F, we met L some time ago here.");
    let nameless = send(json!([{"type": "text", "text": "L"}, {"type": "text", "text": "F"}]));
    assert_eq!(nameless.unwrap_err().code.number(), 100);
    let twice = json!({"type": "text", "parameter_name": "last", "text": "L"});
    assert_eq!(send(json!([twice, twice])).unwrap_err().code.number(), 132_000);
}

#[test]
fn a_code_is_copied() {
    let definition = template(
        "AUTHENTICATION",
        "POSITIONAL",
        &json!([{"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]),
    );
    let code = json!([{"type": "text", "text": "123456"}]);
    let sent = filled(
        &definition,
        &json!([{"type": "body", "parameters": code},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": code}]),
    );
    assert_eq!(sent.unwrap().body, "*123456* is your verification code.");
}
