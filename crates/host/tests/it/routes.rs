//! What the API has beside messages, as clients see it; and what strangers and bad input get.

use std::time::Duration;

use axum::body::Body;
use host::{
    HostError,
    cloud_api::{openapi, room, router},
    ids::MessageId,
    numbers::{NameReason, NameVerdict},
    purposes::Instructions,
};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use store::Timestamp;
use tower::ServiceExt as _;

use crate::cloud_api::{Here, business};

impl Here {
    fn token(&self) -> &str {
        self.issued.token.expose()
    }

    async fn delete(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.with(self.token(), Method::DELETE, path, body).await
    }

    /// A request with bytes as its body; status, type and bytes of the answer.
    async fn bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, String, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response =
            router(self.api.clone()).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        (status, kind.unwrap_or_default(), bytes)
    }

    /// Uploads bytes in pieces, and gives the handle.
    async fn upload(&self, kind: &str, bytes: &[u8]) -> String {
        let path = format!("/v24.0/app/uploads?file_name=a&file_length={}&file_type={kind}", bytes.len());
        let (status, begun) = self.post(&path, Value::Null).await;
        assert_eq!(status, 200, "{begun}");
        let path = format!("/v24.0/{}", begun["id"].as_str().unwrap());
        let authorization = format!("OAuth {}", self.token());
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let headers = |offset: &'static str| {
            [("authorization", authorization.clone()), ("file_offset", offset.to_owned())]
        };
        let sent = headers("0");
        let sent: Vec<_> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, _, answer) = self.bytes("POST", &path, &sent, first.to_vec()).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        let (_, about) = self.get(&path).await;
        assert_eq!(about["file_offset"], first.len());
        let offset = first.len().to_string();
        let sent = [("authorization", authorization.as_str()), ("file_offset", offset.as_str())];
        let (status, _, answer) = self.bytes("POST", &path, &sent, rest.to_vec()).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["h"].as_str().unwrap().to_owned()
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0rest";

#[tokio::test]
async fn a_picture_is_uploaded_in_pieces_and_shown_in_the_profile_and_behind_the_short_link() {
    let here = Here::new().await;
    let profile = format!("/v24.0/{}/whatsapp_business_profile", here.number);
    let set = |handle: &str| json!({"messaging_product": "whatsapp", "profile_picture_handle": handle});
    let first = here.upload("image/png", PNG).await;
    assert_eq!(here.post(&profile, set(&first)).await.0, 200);
    let (_, shown) = here.get(&format!("{profile}?fields=profile_picture_url")).await;
    let url = shown["data"][0]["profile_picture_url"].as_str().unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    let (status, kind, bytes) = here.bytes("GET", &path, &[], Vec::new()).await;
    assert_eq!((status, kind.as_str(), bytes.as_slice()), (200, "image/png", PNG));

    // It stays for as long as it is shown, and no longer.
    here.stage.clock.advance(Duration::from_secs(40 * 24 * 60 * 60));
    assert_eq!(here.bytes("GET", &path, &[], Vec::new()).await.0, 200);
    let second = here.upload("image/jpg", b"\xff\xd8\xff\xe0 another").await;
    assert_eq!(here.post(&profile, set(&second)).await.0, 200);
    assert_eq!(here.bytes("GET", &path, &[], Vec::new()).await.0, 400);

    let pdf = here.upload("application/pdf", b"%PDF-1.7 no picture").await;
    let (_, other, theirs) = business(&here.api, 2, "+4915112345670").await;
    for bad in [pdf.as_str(), "4::x:y", "nonsense", &"4".repeat(5000)] {
        let (status, answer) = here.post(&profile, set(bad)).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(100)), "{bad}");
    }
    let path = format!("/v24.0/{other}/whatsapp_business_profile");
    let (status, answer) = here.with(theirs.token.expose(), Method::POST, &path, set(&second)).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(100)), "another's handle");
    here.stage.writer.close().await;
}

#[tokio::test]
async fn the_page_behind_a_short_link_says_whose_it_is_and_runs_nothing() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/message_qrdls", here.number);
    let words = "Hi <script>alert(1)</script> \u{202e}'\"&";
    let (_, made) = here.post(&path, json!({"prefilled_message": words})).await;
    let link =
        made["deep_link_url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    let request = Request::builder().uri(&link).body(Body::empty()).unwrap();
    let response = router(here.api.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    for part in
        ["<html lang=\"en\">", "Sample Ltd", "End-to-end encrypted", "+4915112345678", "prefers-color-scheme"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing of anybody else: {page}");
    for gone in ["/message/NOTHINGATALL00", "/message/%00", "/v24.0/message/x"] {
        let (status, kind, page) = here.bytes("GET", gone, &[], Vec::new()).await;
        assert_eq!((status, kind.as_str()), (404, "text/html; charset=utf-8"), "{gone}");
        assert!(String::from_utf8(page).unwrap().contains("opens nothing"));
    }
    here.stage.writer.close().await;
}

#[tokio::test]
async fn a_number_has_a_username_and_asks_for_another_name() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/username", here.number);
    assert_eq!(here.get(&path).await.0, 400);
    let (status, set) = here.post(&path, json!({"username": "Sample.Shop"})).await;
    assert_eq!((status.as_u16(), &set["status"]), (200, &json!("approved")), "{set}");
    assert_eq!(here.post(&path, json!({"username": "sample.shop"})).await.0, 200, "the same again");
    let (_, kept) = here.get(&format!("/{}?fields=username", here.number)).await;
    assert_eq!(kept["username"], "sample.shop");
    for bad in ["ab", "sample.com", "x y z", "", "12345"] {
        assert_eq!(here.post(&path, json!({"username": bad})).await.0, 400, "{bad}");
    }
    let (_, suggested) = here.get(&format!("/{}/username_suggestions", here.number)).await;
    let names = suggested["data"][0]["username_suggestions"].as_array().unwrap();
    assert!(!names.is_empty() && !names.contains(&json!("sample.shop")), "{suggested}");

    let (_, other, theirs) = business(&here.api, 2, "+4915112345670").await;
    let theirs_path = format!("/{other}/username");
    let taken = here
        .with(theirs.token.expose(), Method::POST, &theirs_path, json!({"username": "sample.shop"}))
        .await;
    assert_eq!(taken.1["error"]["code"], 147_001);
    // A second number of the same business takes it over only if that is said.
    let second = here.api.numbers.add(&here.business, "+4915112345677".parse().unwrap(), "Sample".to_owned());
    let second = format!("/{}/username", second.await.unwrap().id);
    let (_, asked) = here.post(&second, json!({"username": "sample.shop"})).await;
    assert_eq!(asked["error"]["code"], 147_005);
    let moved = json!({"username": "sample.shop", "transfer_action": "force_transfer"});
    assert_eq!(here.post(&second, moved).await.0, 200);
    assert_eq!(here.get(&path).await.0, 400);
    assert_eq!(here.delete(&second, Value::Null).await.0, 200);
    assert_eq!(here.delete(&second, Value::Null).await.0, 400);

    let number = format!("/v24.0/{}", here.number);
    let names = format!("{number}?fields=verified_name,new_display_name,new_name_status");
    assert_eq!(here.post(&number, json!({"new_display_name": "Sample Ltd"})).await.0, 200);
    assert_eq!(here.get(&names).await.1["verified_name"], "Sample Ltd");
    assert_eq!(here.post(&number, json!({"new_display_name": "World Bank"})).await.0, 200);
    let (_, waits) = here.get(&names).await;
    assert_eq!(
        (&waits["verified_name"], &waits["new_display_name"], &waits["new_name_status"]),
        (&json!("Sample Ltd"), &json!("World Bank"), &json!("PENDING_REVIEW"))
    );
    let decide = async |name: &str, verdict| {
        let number = here.api.numbers.get(here.number).await.unwrap();
        here.api.numbers.decide_name(&here.api.webhooks, &number, name, verdict).await
    };
    let reject = NameVerdict::Reject(NameReason::NotRelated);
    assert!(matches!(decide("World Bonk", NameVerdict::Approve).await, Err(HostError::Conflict(_))));
    decide("World Bank", reject).await.unwrap();
    assert_eq!(here.get(&names).await.1["new_name_status"], "NONE");
    assert!(matches!(decide("World Bank", NameVerdict::Approve).await, Err(HostError::Conflict(_))));
    assert_eq!(here.post(&number, json!({"new_display_name": "<b>Bank</b>"})).await.0, 400);
    here.stage.writer.close().await;
}

#[tokio::test]
async fn a_template_that_carries_a_file_shows_one_that_its_business_uploaded() {
    let here = Here::new().await;
    let templates = format!("/v24.0/{}/message_templates", here.business.waba);
    let of = |name: &str, format: &str, example: Value| {
        let header = json!({"type": "HEADER", "format": format, "example": example});
        let components = json!([header, {"type": "BODY", "text": "Your order is on its way to you"}]);
        json!({"name": name, "language": "en", "category": "UTILITY", "components": components})
    };
    let handle = |handle: &str| json!({"header_handle": [handle]});
    let picture = here.upload("image/png", PNG).await;
    let begun = here.post("/v24.0/app/uploads?file_length=10&file_type=image/png", Value::Null).await.1;
    let unfinished = begun["id"].as_str().unwrap().replace("upload:", "4::aW1hZ2UvcG5n:");
    let (other, _, theirs) = business(&here.api, 2, "+4915112345670").await;
    let foreign = format!("/v24.0/{}/message_templates", other.waba);
    let stolen = of("stolen", "IMAGE", handle(&picture));
    let (status, answer) = here.with(theirs.token.expose(), Method::POST, &foreign, stolen).await;
    assert_eq!((status.as_u16(), &answer["error"]["error_subcode"]), (400, &json!(2_388_047)), "{answer}");
    for (format, example) in [
        ("IMAGE", Value::Null),
        ("IMAGE", json!({})),
        ("IMAGE", handle("")),
        ("IMAGE", handle("4::x")),
        ("IMAGE", handle(&unfinished)),
        ("VIDEO", handle(&picture)),
        ("DOCUMENT", handle(&picture)),
    ] {
        let (status, answer) = here.post(&templates, of("bad", format, example.clone())).await;
        let error = &answer["error"];
        assert_eq!(
            (status.as_u16(), &error["code"], &error["error_subcode"]),
            (400, &json!(100), &json!(2_388_047)),
            "{format} {example} {answer}"
        );
        assert!(error["error_data"]["details"].as_str().unwrap().contains("header_handle"), "{answer}");
    }
    let (status, made) = here.post(&templates, of("order", "IMAGE", handle(&picture))).await;
    assert_eq!(status, 200, "{made}");
    // The upload is over, and the template still shows it; what is new has to be there.
    here.stage.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    let edit = format!("/v24.0/{}", made["id"].as_str().unwrap());
    let again = of("order", "IMAGE", handle(&picture))["components"].clone();
    let (status, edited) = here.post(&edit, json!({"components": again})).await;
    assert_eq!(status, 200, "{edited}");
    here.stage.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let new = of("order", "IMAGE", handle(&unfinished))["components"].clone();
    assert_eq!(here.post(&edit, json!({"components": new})).await.0, 400);
    here.stage.writer.close().await;
}

#[tokio::test]
async fn templates_come_from_the_library_and_in_many_languages_at_once() {
    let here = Here::new().await;
    let templates = format!("/v24.0/{}/message_templates", here.business.waba);
    let (_, found) = here.get("/v24.0/message_template_library?search=fraud&language=en_US").await;
    let row = &found["data"][0];
    assert_eq!((&row["name"], &row["language"]), (&json!("fraud_alert"), &json!("en_US")), "{found}");
    let of = |name: &str, more: Value| {
        let mut body = json!({"name": name, "language": "en_US", "category": "UTILITY"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let (status, made) =
        here.post(&templates, of("mine", json!({"library_template_name": "fraud_alert"}))).await;
    assert_eq!((status.as_u16(), &made["status"]), (200, &json!("APPROVED")), "{made}");
    let id = made["id"].as_str().unwrap();
    let (_, shown) = here.get(&format!("{templates}/{id}?fields=library_template_name,components")).await;
    assert_eq!(shown["library_template_name"], "fraud_alert");
    let link = json!({"library_template_name": "order_confirmation", "library_template_button_inputs":
        [{"type": "URL", "url": {"base_url": "https://shop.example/{{1}}", "url_suffix_example": "https://shop.example/1"}}]});
    assert_eq!(here.post(&templates, of("order", link)).await.0, 200);
    for bad in [
        json!({"library_template_name": "order_confirmation"}),
        json!({"library_template_name": "no_such_template"}),
        json!({"library_template_name": "fraud_alert", "category": "MARKETING"}),
        json!({"library_template_name": "fraud_alert", "language": "fr"}),
    ] {
        assert_eq!(here.post(&templates, of("bad", bad.clone())).await.0, 400, "{bad}");
    }

    let upsert = format!("/v24.0/{}/upsert_message_templates", here.business.waba);
    let code = |languages: Value, minutes: u32| {
        json!({"name": "code", "languages": languages, "category": "AUTHENTICATION", "components": [
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": minutes},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]})
    };
    let (status, made) = here.post(&upsert, code(json!(["en_US", "de", "ar"]), 5)).await;
    assert_eq!((status.as_u16(), made["data"].as_array().map(Vec::len)), (200, Some(3)), "{made}");
    let ids = |made: &Value| -> Vec<String> {
        made["data"].as_array().unwrap().iter().map(|row| row["id"].to_string()).collect()
    };
    let (_, again) = here.post(&upsert, code(json!(["ar", "de", "en_US"]), 9)).await;
    assert_eq!(ids(&made), ids(&again), "changed, not made again");
    let sent = json!({"name": "code", "language": {"code": "de"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "123456"}]}]});
    assert_eq!(here.send(json!({"type": "template", "template": sent})).await.0, 200);
    // One that is wrong: none is made.
    let (status, _) = here.post(&upsert, code(json!(["fr", "xx"]), 5)).await;
    assert_eq!(status, 400);
    let (_, none) = here.get(&format!("{templates}?language=fr")).await;
    assert_eq!(none["data"], json!([]));
    assert_eq!(here.post(&format!("/v24.0/{id}/unpause"), Value::Null).await.0, 400, "it is not paused");
    here.stage.writer.close().await;
}

#[tokio::test]
async fn marketing_goes_its_own_way_and_nothing_else_does() {
    let here = Here::new().await;
    let templates = format!("/v24.0/{}/message_templates", here.business.waba);
    for (name, category) in [("offer", "MARKETING"), ("note", "UTILITY")] {
        let made = json!({"name": name, "language": "en", "category": category,
            "components": [{"type": "BODY", "text": "Good day to you"}]});
        assert_eq!(here.post(&templates, made).await.0, 200);
    }
    let path = format!("/v24.0/{}/marketing_messages", here.number);
    let with = |name: &str| {
        json!({"messaging_product": "whatsapp", "to": "4915112345679", "type": "template",
            "template": {"name": name, "language": {"code": "en"}}, "product_policy": "STRICT",
            "message_activity_sharing": true})
    };
    let (status, sent) = here.post(&path, with("offer")).await;
    assert_eq!(
        (status.as_u16(), &sent["messages"][0]["message_status"]),
        (200, &json!("accepted")),
        "{sent}"
    );
    assert_eq!(here.post(&path, with("note")).await.1["error"]["code"], 134_100);
    let text = json!({"messaging_product": "whatsapp", "to": "4915112345679", "text": {"body": "x"}});
    assert_eq!(here.post(&path, text).await.1["error"]["code"], 134_100);
    here.stage.writer.close().await;
}

#[tokio::test]
async fn counts_are_given_only_if_the_business_lets_its_host_count() {
    let here = Here::new().await;
    let waba = here.business.waba;
    let range = "start=1700000000&end=1900000000";
    let asked = [
        format!("/v24.0/{waba}?fields=analytics.start(1700000000).end(1900000000).granularity(DAY).country_codes([\"DE\"])"),
        format!("/v24.0/{waba}/analytics?{range}&granularity=MONTH"),
        format!("/v24.0/{waba}/conversation_analytics?{range}&granularity=DAILY"),
        format!("/v24.0/{waba}?fields=pricing_analytics.start(1700000000).end(1900000000).granularity(DAILY).dimensions([\"COUNTRY\",\"PHONE\"])"),
        format!("/v24.0/{waba}/template_analytics?{range}&granularity=DAILY&template_ids=[5000000000000000]"),
    ]
    .map(|path| path.replace('[', "%5B").replace(']', "%5D").replace('"', "%22"));
    for path in &asked {
        let (status, answer) = here.get(path).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (403, &json!(131_005)), "{path} {answer}");
    }
    let enable = format!("/v24.0/{waba}?is_enabled_for_insights=true");
    assert_eq!(here.post(&enable, Value::Null).await.0, 403);
    let allow = Instructions { analyse: true, ..Instructions::default() };
    here.api.gate.instruct(here.business.id, allow, "test").await.unwrap();
    assert_eq!(here.post(&enable, Value::Null).await.1["id"], waba.to_string());
    for path in &asked {
        let (status, answer) = here.get(path).await;
        assert_eq!(status, 200, "{path} {answer}");
    }
    let (_, counts) = here.get(&asked[0]).await;
    assert_eq!(counts["analytics"]["data_points"], json!([]), "{counts}");
    assert_eq!(counts["analytics"]["phone_numbers"], json!(["4915112345678"]));
    assert_eq!(here.get(&asked[3]).await.1["pricing_analytics"]["data"][0]["data_points"], json!([]));
    assert_eq!(here.get(&asked[4]).await.1["data"][0]["granularity"], "DAILY");
    for bad in [
        "analytics",
        "analytics?start=2&end=1&granularity=DAY",
        "analytics?start=1&end=2",
        "analytics?start=-1&end=2&granularity=DAY",
        "analytics?start=1&end=99999999999999999999&granularity=DAY",
        "analytics?start=1&end=2&granularity=DAY&phone_numbers=4930000",
        "analytics?start=1&end=2&granularity=DAY&country_codes=DEU",
        "template_analytics?start=1&end=2&granularity=DAILY",
        "template_analytics?start=1&end=2&granularity=DAILY&template_ids=7",
        "pricing_analytics?start=1&end=2&granularity=DAILY&dimensions=WEATHER",
    ] {
        let (status, answer) = here.get(&format!("/{waba}/{bad}")).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(100)), "{bad} {answer}");
    }
    here.stage.writer.close().await;
}

#[tokio::test]
async fn what_clients_write_otherwise_is_understood() {
    let here = Here::new().await;
    let (number, waba) = (here.number, here.business.waba);
    // An account is shown with every field that clients ask for at once.
    let fields = "id,status,marketing_messages_lite_api_status,on_behalf_of_business_info,subscribed_apps,\
                  disable_marketing_messages_on_cloud_api,primary_business_location,purchase_order_number";
    let (status, account) = here.get(&format!("/v24.0/{waba}?fields={fields}")).await;
    assert_eq!((status.as_u16(), &account["subscribed_apps"]), (200, &json!({"data": []})), "{account}");
    let off = json!({"disable_marketing_messages_on_cloud_api": false});
    assert_eq!(here.post(&format!("/v24.0/{waba}"), off).await.0, 200);
    let (_, shown) = here.get(&format!("/{number}?fields=country_code,country_dial_code")).await;
    assert_eq!((&shown["country_code"], &shown["country_dial_code"]), (&json!("DE"), &json!("49")));
    let (_, users) = here.get(&format!("/{waba}/assigned_users")).await;
    assert_eq!(users["data"][0]["id"], json!(here.business.id));
    let (_, none) = here.get(&format!("/{number}/message_qrdls/AAAAAAAAAAAAAA")).await;
    assert_eq!(none, json!({"data": []}));

    let made = json!({"name": "hello_world", "language": "en_US", "category": "UTILITY",
        "components": [{"type": "body", "text": "Welcome to our service"}]});
    assert_eq!(here.post(&format!("/{waba}/message_templates"), made).await.0, 200);
    let template = json!({"name": "hello_world", "language": {"code": "en-us"}, "components": {}});
    let (status, sent) = here.send(json!({"type": "template", "template": template})).await;
    assert_eq!(status, 200, "{sent}");
    // What a part of a form is says itself, where the form says `image` only.
    let png = b"\x89PNG\r\n\x1a\n not much of a picture";
    let form = |kind: &str, of_part: &str| {
        let field = |name: &str, value: &str| {
            format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = format!(
            "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\ncontent-type: {of_part}\r\n\r\n"
        );
        [
            field("messaging_product", "whatsapp").as_bytes(),
            field("type", kind).as_bytes(),
            file.as_bytes(),
            png,
            b"\r\n--x--\r\n",
        ]
        .concat()
    };
    for (kind, part, good) in
        [("image", "image/png", true), ("image/png", "text/plain", true), ("image", "x", false)]
    {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/{number}/media"))
            .header("authorization", format!("Bearer {}", here.token()))
            .header("content-type", "multipart/form-data; boundary=x");
        let (status, answer) = here.ask(request.body(Body::from(form(kind, part))).unwrap()).await;
        assert_eq!(status == StatusCode::OK, good, "{kind} {part}: {answer}");
    }

    let contact = json!({"email": "ada@bank.example", "mobile_number": "+4915112345678"});
    let mut said = json!({"messaging_product": "whatsapp", "entity_name": "Bank AG", "entity_type": "other",
        "customer_care_details": contact, "grievance_officer_details": contact});
    let path = format!("/{number}/business_compliance_info");
    let (_, refused) = here.post(&path, said.clone()).await;
    let details = refused["error"]["error_data"]["details"].as_str().unwrap();
    assert!(details.contains("entity_type_custom"), "{refused}");
    said["entity_type_custom"] = json!("a savings bank");
    said["grievance_officer_details"]["name"] = json!("Ada");
    assert_eq!(here.post(&path, said).await.0, 200);
    let (_, info) = here.get(&path).await;
    assert_eq!(info["data"][0]["grievance_officer_details"]["name"], "Ada");
    let (_, badge) = here.get(&format!("/{number}/official_business_account")).await;
    assert_eq!(badge["oba_status"], "NOT_STARTED");
    let (_, mine) = here
        .post(&format!("/{waba}/phone_numbers"), json!({"cc": "49", "phone_number": "15112345678"}))
        .await;
    assert_eq!(mine["id"], json!(number));
    here.stage.writer.close().await;
}

#[tokio::test]
async fn blocks_and_histories_are_lists_with_precise_errors() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/block_users", here.number);
    assert_eq!(here.get(&path).await.1, json!({"data": []}));
    let users = |users: Value| json!({"messaging_product": "whatsapp", "block_users": users});
    let (status, none) = here.post(&path, users(json!([{"user": "+4915112345679"}]))).await;
    assert_eq!((status.as_u16(), &none["error"]["code"]), (400, &json!(139_100)), "{none}");
    for bad in [
        users(json!([])),
        users(json!([{}])),
        users(json!([{"user": "somebody"}])),
        users(json!("x")),
        users(json!(vec![json!({"user": "+4915112345679"}); 1001])),
        json!({"block_users": [{"user": "+4915112345679"}]}),
    ] {
        assert_eq!(here.post(&path, bad.clone()).await.0, 400);
        assert_eq!(here.delete(&path, bad).await.0, 400);
    }
    assert_eq!(here.get(&format!("{path}?after=eA")).await.1["error"]["code"], 131_059);

    let path = format!("/v24.0/{}/message_history", here.number);
    assert_eq!(here.get(&path).await.1, json!({"data": []}));
    let random =
        MessageId::random(here.number, Timestamp(1_700_000_000_000), &*here.stage.ground.entropy).to_string();
    for bad in ["wamid.x".to_owned(), random.replace('+', "%2B").replace('/', "%2F")] {
        let (status, answer) = here.get(&format!("{path}?message_id={bad}")).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(100)), "{answer}");
    }
    here.stage.writer.close().await;
}

#[tokio::test]
async fn of_who_shows_no_good_token_little_is_read() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/messages", here.number);
    let (good, wrong) = (here.token(), "tpt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let body = |token: Option<&str>, padding: usize| {
        let message =
            json!({"messaging_product": "whatsapp", "to": "4915112345679", "text": {"body": "hello"}});
        let mut message = message.to_string();
        if let Some(token) = token {
            message = message.replacen('{', &format!("{{\"access_token\": \"{token}\","), 1);
        }
        message + &" ".repeat(padding)
    };
    for (query, header, body, expected) in [
        (None, Some(good), body(None, room::STRANGER), (200, Value::Null)),
        (Some(good), None, body(None, room::STRANGER), (200, Value::Null)),
        (None, None, body(Some(good), 0), (200, Value::Null)),
        (None, None, body(Some(good), room::STRANGER), (401, Value::Null)),
        (None, None, body(None, room::STRANGER), (401, Value::Null)),
        (None, Some(wrong), body(None, room::STRANGER), (401, json!(467))),
        (Some(wrong), None, body(None, room::STRANGER), (401, json!(467))),
        (None, Some(good), body(None, room::LIMIT), (413, Value::Null)),
    ] {
        let uri = query.map_or_else(|| path.clone(), |token| format!("{path}?access_token={token}"));
        let mut request =
            Request::builder().method("POST").uri(uri).header("content-type", "application/json");
        if let Some(token) = header {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (length, what) = (body.len(), format!("{query:?} {header:?}"));
        let (status, answer) = here.ask(request.body(Body::from(body)).unwrap()).await;
        let subcode = answer["error"]["error_subcode"].clone();
        assert_eq!((status.as_u16(), subcode), expected, "{what} {length}: {answer}");
        assert!(status != 401 || answer["error"]["code"] == 190, "{answer}");
        assert_eq!(here.api.room.free(), room::ALL);
    }
    here.stage.writer.close().await;
}

/// Every path of the document with every id of another business in it, wherever one can stand.
#[tokio::test]
async fn anothers_ids_open_nothing_on_any_path_of_the_document() {
    let here = Here::new().await;
    let (other, number, theirs) = business(&here.api, 2, "+4915112345670").await;
    let token = theirs.token.expose();
    let ask = async |path: &str, body: Value| here.with(token, Method::POST, path, body).await.1;
    let template = json!({"name": "theirs", "language": "en", "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Good day to you"}]});
    let template = ask(&format!("/{}/message_templates", other.waba), template).await["id"].clone();
    let code =
        ask(&format!("/{number}/message_qrdls"), json!({"prefilled_message": "Hi"})).await["code"].clone();
    let upload = "/app/uploads?file_length=9&file_type=image/png";
    let upload = ask(upload, Value::Null).await["id"].clone();
    let form = [
        &b"--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"[..],
        PNG,
        b"\r\n--b--\r\n",
    ]
    .concat();
    let authorization = format!("Bearer {token}");
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    let (_, _, media) = here.bytes("POST", &format!("/{number}/media"), &headers, form).await;
    let media: Value = serde_json::from_slice(&media).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = [
        ("app_id", theirs.app.to_string()),
        ("business_id", other.id.to_string()),
        ("waba_id", other.waba.to_string()),
        ("phone_number_id", number.to_string()),
        ("media_id", text(&media["id"])),
        ("template_id", text(&template)),
        ("upload_id", text(&upload)),
    ];
    let own = [("waba_id", here.business.waba.to_string()), ("phone_number_id", here.number.to_string())];
    let document = openapi::document();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_none() {
                continue;
            }
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let anothers =
                ids.iter().fold(path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
            // Behind the own object, another's.
            let behind =
                own.iter().fold(path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
            let behind = if path.contains("message_templates/{item}") {
                behind.replace("{item}", &text(&template))
            } else {
                behind.replace("{item}", &text(&code))
            };
            let mut paths = Vec::new();
            if anothers != *path {
                paths.push(anothers.replace("{item}", &text(&code)));
            }
            if path.contains("{item}") && !behind.contains('{') {
                paths.push(behind);
            }
            for path in paths {
                let (status, answer) = here.with(here.token(), method.clone(), &path, json!({})).await;
                let error = &answer["error"];
                // With nothing in it a body may be refused before anything is looked for; nothing is told even then.
                let precise = error["error_subcode"] == 33
                    || (path.contains(&here.number.to_string()) && error["code"] == 100);
                // A short link that is not there is a list of none.
                let none = path.contains("message_qrdls") && answer == json!({"data": []});
                assert!(none || (status == 400 && precise), "{method} {path}: {status} {answer}");
                asked += 1;
            }
        }
    }
    assert!(asked > 50, "{asked}");

    // And in parameters.
    let (own_number, own_waba) = (here.number, here.business.waba);
    let image = json!({"type": "image", "image": {"id": text(&media["id"])}});
    let cases: [(Method, String, Value); 8] = [
        (Method::GET, format!("/{}?phone_number_id={own_number}", text(&media["id"])), Value::Null),
        (
            Method::POST,
            format!("/{own_number}/message_qrdls"),
            json!({"code": code, "prefilled_message": "mine"}),
        ),
        (Method::DELETE, format!("/{own_waba}/message_templates?hsm_id={}", text(&template)), Value::Null),
        (Method::POST, format!("/{own_waba}/message_templates/archive"), json!({"hsm_ids": [template]})),
        (
            Method::POST,
            format!("/{own_waba}/migrate_message_templates"),
            json!({"source_waba_id": other.waba}),
        ),
        (
            Method::POST,
            format!("/{own_number}/messages"),
            json!({"messaging_product": "whatsapp", "status": "read",
            "message_id": MessageId::random(number, Timestamp(1_700_000_000_000), &*here.stage.ground.entropy)}),
        ),
        (
            Method::GET,
            format!(
                "/{own_number}/message_history?message_id={}",
                MessageId::random(number, Timestamp(1_700_000_000_000), &*here.stage.ground.entropy)
                    .to_string()
                    .replace('+', "%2B")
            ),
            Value::Null,
        ),
        (
            Method::GET,
            format!("/{}/compare?start=1&end=2&template_ids={}", text(&template), text(&template)),
            Value::Null,
        ),
    ];
    for (method, path, body) in cases {
        let (status, answer) = here.with(here.token(), method, &path, body).await;
        assert_eq!(status, 400, "{path} {answer}");
    }
    // What a message would show is looked for by the number's own desk, and never found.
    let (status, _) = here.send(image).await;
    assert!(!status.is_server_error());
    // Nothing of theirs was touched.
    let there =
        here.with(token, Method::GET, &format!("/{number}/message_qrdls/{}", text(&code)), Value::Null).await;
    assert_eq!(there.1["data"][0]["prefilled_message"], "Hi");
    let there =
        here.with(token, Method::GET, &format!("/{}?fields=status", text(&template)), Value::Null).await;
    assert_eq!(there.1["status"], "APPROVED");
    here.stage.writer.close().await;
}

#[tokio::test]
async fn forms_that_are_none_and_files_that_lie_are_refused_and_leave_nothing() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/media", here.number);
    let authorization = format!("Bearer {}", here.token());
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    let part = |name: &str, more: &str, bytes: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
        [head.as_bytes(), bytes, b"\r\n"].concat()
    };
    let file = |bytes: &[u8]| part("file", "; filename=\"a\"", bytes);
    let end = b"--b--\r\n".to_vec();
    let kind = |kind: &str| part("type", "", kind.as_bytes());
    let long = "x".repeat(2 << 20);
    let many: Vec<u8> = (0..1100).flat_map(|n| part(&format!("f{n}"), "", b"x")).collect();
    for (what, form) in [
        ("no end", [kind("image/png"), file(PNG)].concat()),
        ("no file", [kind("image/png"), end.clone()].concat()),
        ("no type", [file(PNG), end.clone()].concat()),
        ("another type", [kind("image/jpeg"), file(PNG), end.clone()].concat()),
        ("no such type", [kind("nonsense/x"), file(PNG), end.clone()].concat()),
        ("an empty file", [kind("image/png"), file(b""), end.clone()].concat()),
        ("a script", [kind("text\n/html"), file(b"<script>"), end.clone()].concat()),
        ("a megabyte of type", [kind(&long), file(PNG), end.clone()].concat()),
        ("a long name", [part(&long, "", b"x"), file(PNG), end.clone()].concat()),
        ("many fields", [many, file(PNG), end.clone()].concat()),
        (
            "a large picture",
            [kind("image/png"), file(&[PNG, &vec![0; 6 << 20]].concat()), end.clone()].concat(),
        ),
        ("a large file in front", [file(&vec![0; 17 << 20]), kind("text/plain"), end.clone()].concat()),
        (
            "not UTF-8",
            [kind("image/png"), part("messaging_product", "", b"\xff"), file(PNG), end.clone()].concat(),
        ),
    ] {
        let (status, _, answer) = here.bytes("POST", &path, &headers, form).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(
            (400..500).contains(&status) && answer["error"]["code"].is_number(),
            "{what}: {status} {answer}"
        );
    }
    let mut reader = here.stage.ground.reader().await.unwrap();
    let files: Option<i64> =
        store::sql::query("SELECT COUNT(*) FROM media").value(&mut reader).await.unwrap();
    drop(reader);
    assert_eq!(files, Some(0));

    // Few files wait in memory at the same time.
    let mut places = Vec::new();
    for _ in 0..8 {
        places.push(here.api.media.place_in_memory().await.unwrap());
    }
    let ninth = tokio::time::timeout(Duration::from_millis(50), here.api.media.place_in_memory()).await;
    assert!(ninth.is_err());
    places.pop();
    assert!(here.api.media.place_in_memory().await.is_some());
    here.stage.writer.close().await;
}
