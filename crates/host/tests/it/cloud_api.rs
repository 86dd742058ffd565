//! The API as clients see it, from request to answer.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use client::{NativeLink, NativeLinkOptions};
use host::{
    HostError,
    analytics::Analytics,
    apps::{Apps, Issued, Scope, Scopes},
    businesses::{Business, BusinessState, Businesses, HostingMode, NewBusiness},
    cloud_api::{
        Api, Post,
        room::{self, Room},
        router,
        routes::{Node, ROUTES},
    },
    codes::{Code, Refusal},
    content::{Content, Profile},
    ids::{MessageId, NumberId},
    media::Media,
    messages::{Accepted, Messages, Once, Outgoing, Recipient},
    numbers::{Number, Numbers, running::Running},
    people::People,
    purposes::Gate,
    qr_codes::QrCodes,
    sealing::{Keys, MasterKey},
    settings::Settings,
    templates::Templates,
    uploads::Uploads,
    usernames::Usernames,
    webhooks::{Webhooks, address::SystemLookup},
};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use store::Timestamp;
use tower::ServiceExt as _;
use wire::AccountId;

use crate::stage::Stage;

/// Takes what is to be sent and keeps it, or refuses what it is told to.
#[derive(Debug)]
struct Taker {
    stage: Arc<host::ground::Ground>,
    taken: Mutex<Vec<Outgoing>>,
    refuse: Mutex<Option<Code>>,
}

#[async_trait]
impl Post for Taker {
    async fn send(&self, outgoing: Outgoing) -> Result<Accepted, HostError> {
        if let Some(code) = *self.refuse.lock().unwrap() {
            return Err(Refusal::new(code, "told to").into());
        }
        let id = MessageId::random(outgoing.number, Timestamp(1_700_000_000_000), &*self.stage.entropy);
        let wa_id = match &outgoing.to {
            Recipient::Number(number) => Some(number.as_str()[1..].to_owned()),
            Recipient::User(_) => None,
        };
        let to = Profile { user_id: "DE.1".parse().unwrap(), wa_id, name: String::new() };
        self.taken.lock().unwrap().push(outgoing);
        Ok(Accepted { id, to })
    }

    async fn sent_once(&self, _: &Number, _: &Once, _: &Recipient) -> Result<Option<Accepted>, HostError> {
        Ok(None)
    }

    async fn read(&self, _: &Number, _: MessageId, _: bool) -> Result<(), HostError> {
        Err(HostError::NotFound("message"))
    }
}

pub(crate) struct Here {
    pub(crate) stage: Stage,
    pub(crate) api: Arc<Api>,
    taker: Arc<Taker>,
    pub(crate) business: Arc<Business>,
    pub(crate) number: NumberId,
    pub(crate) issued: Issued,
}

impl Here {
    pub(crate) async fn new() -> Self {
        let stage = Stage::sqlite().await;
        let ground = stage.ground.clone();
        let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
        let gate = Gate::new(ground.clone(), keys.clone());
        let taker =
            Arc::new(Taker { stage: ground.clone(), taken: Mutex::default(), refuse: Mutex::default() });
        let apps = Apps::new(ground.clone(), keys.clone());
        let lookup = Arc::new(SystemLookup);
        let webhooks =
            Webhooks::new(ground.clone(), keys.clone(), gate.clone(), apps.clone(), lookup).unwrap();
        let (businesses, numbers) =
            (Businesses::new(ground.clone(), keys.clone(), gate.clone()), Numbers::new(ground.clone()));
        // No relay is there: who is known is known from the tables.
        let link = Arc::new(NativeLink::new("http://127.0.0.1:9", NativeLinkOptions::default()).unwrap());
        let running = Running::new(ground.clone(), keys.clone(), numbers.clone(), businesses.clone(), link);
        let people = People::new(ground.clone(), gate.clone(), running.clone());
        let media = Media::new(ground.clone(), gate.clone());
        let settings = Settings::new(ground.clone(), keys.clone());
        let messages = Messages::new(
            ground.clone(),
            gate.clone(),
            numbers.clone(),
            people.clone(),
            media.clone(),
            running.clone(),
            settings.clone(),
            webhooks.clone(),
        );
        let uploads = Uploads::new(ground.clone(), keys.clone());
        let api = Arc::new(Api {
            people,
            messages,
            uploads: uploads.clone(),
            usernames: Usernames::new(ground.clone(), webhooks.clone()),
            analytics: Analytics::new(ground.clone(), gate.clone()),
            apps,
            webhooks: webhooks.clone(),
            media,
            businesses,
            numbers,
            running,
            settings,
            qr_codes: QrCodes::new(ground.clone(), keys.clone()),
            templates: Templates::new(ground.clone(), keys, webhooks, uploads),
            post: taker.clone(),
            room: Room::new(room::ALL),
            base: "http://127.0.0.1:8080".to_owned(),
            gate,
            ground,
        });
        let (business, number, issued) = business(&api, 1, "+4915112345678").await;
        Self { stage, api, taker, business, number, issued }
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = router(self.api.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{status}: {bytes:?}")))
    }

    pub(crate) async fn with(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.ask(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.with(self.issued.token.expose(), Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.with(self.issued.token.expose(), Method::POST, path, body).await
    }

    pub(crate) async fn send(&self, mut body: Value) -> (StatusCode, Value) {
        let fields = body.as_object_mut().unwrap();
        fields.insert("messaging_product".to_owned(), "whatsapp".into());
        fields.entry("to").or_insert_with(|| "4915112345679".into());
        self.post(&format!("/v24.0/{}/messages", self.number), body).await
    }
}

pub(crate) async fn business(api: &Api, seed: u8, number: &str) -> (Arc<Business>, NumberId, Issued) {
    let new = NewBusiness {
        relay_id: wire::BusinessId::from_bytes([seed; 16]),
        name: format!("Sample {seed}"),
        legal_name: "Sample Ltd".to_owned(),
        country: "DE".to_owned(),
        currency: "EUR".to_owned(),
        timezone_id: "1".to_owned(),
        state: BusinessState::Approved,
        mode: HostingMode::Own,
        host_name: String::new(),
    };
    let business = api.businesses.create(new).await.unwrap();
    let number = api.numbers.add(&business, number.parse().unwrap(), "Sample".to_owned()).await.unwrap();
    let account = Some(AccountId::from_bytes([seed; 16]));
    api.numbers.set_registered(number.id, account, true).await.unwrap();
    let issued = api.apps.create(business.id, "sample", "test").await.unwrap();
    (business, number.id, issued)
}

/// Routes for which no token is needed.
pub(crate) const OPEN: [&str; 3] = ["oauth/access_token", "message/{}", "picture/{}/{}"];

/// The address of a route, with these objects in it.
pub(crate) fn address(
    node: Node,
    edge: &str,
    business: &Business,
    number: NumberId,
    app: &str,
    template: &str,
) -> String {
    let object = match node {
        Node::Root => String::new(),
        Node::App => app.to_owned(),
        Node::Business => business.id.to_string(),
        Node::Waba => business.waba.to_string(),
        Node::Number => number.to_string(),
        Node::Media => "6000000000000000".to_owned(),
        Node::Template => template.to_owned(),
        Node::Upload => "upload:AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    };
    format!("/v24.0/{object}/{}", edge.replace("{}", "x"))
}

#[tokio::test]
async fn every_route_wants_a_good_token_of_the_right_business_with_the_right_scope() {
    let here = Here::new().await;
    let (other, other_number, other_issued) = business(&here.api, 2, "+4915112345670").await;
    let template = |_: &Business| "5000000000000000".to_owned();
    let weak = here.api.apps.issue(here.issued.app, Scopes::NONE, None, "test").await.unwrap();
    for route in ROUTES.iter().filter(|route| !OPEN.contains(&route.edge)) {
        let (method, app) = (route.method.clone(), here.issued.app.to_string());
        let own =
            address(route.node, route.edge, &here.business, here.number, &app, &template(&here.business));
        for wrong in ["", "EAAB", "tpt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "1|2"] {
            let (status, body) = here.with(wrong, method.clone(), &own, json!({})).await;
            assert_eq!((status.as_u16(), &body["error"]["code"]), (401, &json!(190)), "{route:?} {body}");
            assert!(body["error"]["fbtrace_id"].is_string());
        }
        if route.node != Node::Root {
            let app = other_issued.app.to_string();
            let theirs = address(route.node, route.edge, &other, other_number, &app, &template(&other));
            let (status, body) =
                here.with(here.issued.token.expose(), method.clone(), &theirs, json!({})).await;
            let error = &body["error"];
            assert_eq!(status, 400, "{route:?} {body}");
            assert_eq!((&error["code"], &error["error_subcode"]), (&json!(100), &json!(33)), "{route:?}");
            assert_eq!(error["type"], "GraphMethodException");
        }
        if route.node == Node::App && route.scope == Scope::App {
            // Of another app of the same business.
            let second = here.api.apps.create(here.business.id, "second", "test").await.unwrap();
            let secret = format!("{}|{}", second.app, second.secret.expose());
            let (status, body) = here.with(&secret, method.clone(), &own, json!({})).await;
            assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!(100)), "{route:?} {body}");
        }
        if Scope::GRANTED.contains(&route.scope)
            && !matches!(route.node, Node::Template | Node::Media | Node::Upload | Node::Root)
        {
            let (status, body) = here.with(weak.expose(), method, &own, json!({})).await;
            assert_eq!((status.as_u16(), &body["error"]["code"]), (403, &json!(10)), "{route:?} {body}");
        }
    }
    here.stage.writer.close().await;
}

#[tokio::test]
async fn a_message_is_sent_in_every_way_that_clients_write_it() {
    let here = Here::new().await;
    let (number, token) = (here.number, here.issued.token.expose());
    let body = json!({"messaging_product": "whatsapp", "to": "+49 1511 2345679", "text": {"body": "hello"}});
    let text = body.to_string();
    let form = "messaging_product=whatsapp&to=4915112345679&type=text&text=%7B%22body%22%3A%22hello%22%7D";
    let json = "application/json";
    let urlencoded = "application/x-www-form-urlencoded";
    let cases = [
        (
            "POST",
            format!("/v24.0/{number}/messages"),
            "authorization",
            format!("Bearer {token}"),
            json,
            &text[..],
        ),
        (
            "PUT",
            format!("/v13.0/{number}/messages/"),
            "authorization",
            format!("OAuth {token}"),
            json,
            &text[..],
        ),
        (
            "POST",
            format!("/{number}/messages"),
            "authorization",
            format!("bearer  {token}"),
            urlencoded,
            form,
        ),
        (
            "POST",
            format!("/v99.1//{number}/messages?access_token={token}&{form}"),
            "x-none",
            String::new(),
            json,
            "",
        ),
        ("POST", format!("/{number}/messages?access_token={token}"), "x-none", String::new(), "", &text[..]),
    ];
    for (method, uri, name, value, kind, body) in cases {
        let request =
            Request::builder().method(method).uri(&uri).header(name, value).header("content-type", kind);
        let (status, answer) = here.ask(request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(status, 200, "{uri} {answer}");
        assert_eq!(answer["messaging_product"], "whatsapp");
        assert_eq!(answer["contacts"][0]["wa_id"], "4915112345679");
        assert!(answer["contacts"][0]["input"].is_string() && answer["contacts"][0]["user_id"].is_string());
        assert!(answer["messages"][0]["id"].as_str().unwrap().starts_with("wamid."));
    }
    let taken = here.taker.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 5);
    assert!(
        taken.iter().all(|outgoing| matches!(&outgoing.content, Content::Text(text) if text.body == "hello"))
    );
    let (status, answer) = here.send(json!({"to": "NaN", "text": {"body": "x"}})).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(131_009)));
    here.stage.writer.close().await;
}

#[tokio::test]
async fn files_go_in_and_out_whatever_the_order_of_the_form() {
    let here = Here::new().await;
    let token = here.issued.token.expose();
    let png = [
        &b"\x89PNG\r\n\x1a\n"[..],
        &[0, 0, 0, 13],
        b"IHDR",
        &[0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0],
        &[7; 4096],
    ]
    .concat();
    let part = |name: &str, more: &str, bytes: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
        [head.as_bytes(), bytes, b"\r\n"].concat()
    };
    let file = part("file", "; filename=\"a/b.png\"\r\nContent-Type: application/octet-stream", &png);
    let (kind, product) = (part("type", "", b"image/png"), part("messaging_product", "", b"whatsapp"));
    let end = b"--b--\r\n".to_vec();
    for form in [
        [product.clone(), kind.clone(), file.clone(), end.clone()],
        [file.clone(), kind, product, end.clone()],
    ] {
        let upload = Request::builder().method("POST").uri(format!("/v24.0/{}/media", here.number));
        let upload = upload.header("authorization", format!("Bearer {token}"));
        let upload = upload.header("content-type", "multipart/form-data; boundary=b");
        let (status, answer) = here.ask(upload.body(Body::from(form.concat())).unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        let id = answer["id"].as_str().unwrap();
        let (_, about) = here.get(&format!("/v24.0/{id}?phone_number_id={}", here.number)).await;
        assert_eq!(
            (&about["mime_type"], &about["file_size"]),
            (&json!("image/png"), &json!(png.len())),
            "{about}"
        );
        let url = about["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap();
        assert_eq!(here.with("", Method::GET, url, Value::Null).await.0, 401);
        let ask = Request::builder().uri(url).header("authorization", format!("Bearer {token}"));
        let response = router(here.api.clone()).oneshot(ask.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "image/png");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), png);
        here.stage.clock.advance(std::time::Duration::from_secs(301));
        assert_eq!(here.get(url).await.0, 404, "older than five minutes");
        let (status, _) = here.get(&format!("/{id}?phone_number_id=3000000000000000")).await;
        assert_eq!(status, 400);
        assert_eq!(here.with(token, Method::DELETE, &format!("/{id}"), Value::Null).await.0, 200);
        let (_, gone) = here.get(&format!("/{id}")).await;
        assert_eq!(gone["error"]["error_subcode"], 33);
    }
    let (status, _) = here.post(&format!("/{}/media", here.number), json!({"type": "image/png"})).await;
    assert_eq!(status, 400);
    here.stage.writer.close().await;
}

#[tokio::test]
async fn an_account_and_an_app_are_subscribed() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/subscribed_apps", here.business.waba);
    assert_eq!(here.post(&path, Value::Null).await.0, 200);
    let (_, list) = here.get(&path).await;
    assert_eq!(list["data"][0]["whatsapp_business_api_data"]["id"], here.issued.app.to_string());
    // Nobody listens there.
    let nobody = json!({"override_callback_uri": "http://127.0.0.1:9/x", "verify_token": "v"});
    let (status, answer) = here.post(&path, nobody.clone()).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(2200)), "{answer}");
    let number = json!({"webhook_configuration": nobody});
    let (_, answer) = here.post(&format!("/v24.0/{}/", here.number), number).await;
    assert_eq!(answer["error"]["code"], 2200);
    let removed = json!({"webhook_configuration": {"override_callback_uri": "", "verify_token": "x"}});
    assert_eq!(here.post(&format!("/v24.0/{}/", here.number), removed).await.0, 200);
    assert_eq!(here.with(here.issued.token.expose(), Method::DELETE, &path, Value::Null).await.0, 200);
    let (_, list) = here.get(&path).await;
    assert_eq!(list, json!({"data": []}));
    here.stage.writer.close().await;
}

#[tokio::test]
async fn every_refusal_reaches_the_client_as_the_api_writes_it() {
    let here = Here::new().await;
    for code in Code::ALL {
        *here.taker.refuse.lock().unwrap() = Some(*code);
        let (status, answer) = here.send(json!({"text": {"body": "x"}})).await;
        assert_eq!(status.as_u16(), code.status());
        assert_eq!(answer["error"]["code"], code.number());
        assert_eq!(answer["error"]["error_data"]["details"], "told to");
    }
    *here.taker.refuse.lock().unwrap() = None;
    let id =
        MessageId::random(here.number, Timestamp(1_700_000_000_000), &*here.stage.ground.entropy).to_string();
    let (status, answer) = here.send(json!({"status": "read", "message_id": id})).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(131_009)));
    let (_, older) = here
        .post(
            &format!("/v15.0/{}/messages", here.number),
            json!({"messaging_product": "whatsapp", "to": "+4915112345679"}),
        )
        .await;
    assert_eq!(older["error"]["message"], "Required parameter is missing");
    here.stage.writer.close().await;
}

#[tokio::test]
async fn templates_are_made_listed_sent_and_deleted() {
    let here = Here::new().await;
    let waba = here.business.waba;
    let made = json!({"name": "hello_world", "language": "en_US", "category": "utility",
        "components": [{"type": "body", "text": "Welcome to our service"}]});
    let (status, answer) = here.post(&format!("/v24.0/{waba}/message_templates"), made).await;
    assert_eq!((status.as_u16(), &answer["category"]), (200, &json!("UTILITY")), "{answer}");
    let id = answer["id"].as_str().unwrap().to_owned();
    let (_, list) = here
        .get(&format!(
            "/v24.0/{waba}/message_templates?fields=id,name,status&summary=total_count,message_template_count"
        ))
        .await;
    assert_eq!(list["data"][0], json!({"id": id, "name": "hello_world", "status": "APPROVED"}));
    assert_eq!(
        (&list["summary"]["total_count"], &list["summary"]["message_template_limit"]),
        (&json!(1), &json!(6000))
    );
    let (_, one) = here.get(&format!("/{id}")).await;
    assert_eq!((&one["language"], &one["parameter_format"]), (&json!("en_US"), &json!("POSITIONAL")));
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
    let (status, sent) = here.send(json!({"type": "template", "template": template})).await;
    assert_eq!(
        (status.as_u16(), &sent["messages"][0]["message_status"]),
        (200, &json!("accepted")),
        "{sent}"
    );
    let unknown = json!({"name": "hello", "language": {"code": "en_US"}});
    let (status, answer) = here.send(json!({"type": "template", "template": unknown})).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (404, &json!(132_001)));
    let path = format!("/v24.0/{waba}/message_templates?name=hello_world");
    let (status, _) = here.with(here.issued.token.expose(), Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, 200);
    here.stage.writer.close().await;
}

#[tokio::test]
async fn objects_show_the_fields_that_are_asked_for() {
    let here = Here::new().await;
    let (number, waba) = (here.number, here.business.waba);
    let (_, usual) = here.get(&format!("/v24.0/{number}")).await;
    assert_eq!(usual["display_phone_number"], "+49 1511 2345678");
    assert_eq!(usual["code_verification_status"], "VERIFIED");
    assert!(usual.get("health_status").is_none());
    let (_, chosen) = here
        .get(&format!("/v24.0/{number}?fields=status,health_status{{can_send_message}},throughput,conversational_automation"))
        .await;
    assert_eq!(chosen["health_status"], json!({"can_send_message": "AVAILABLE"}));
    assert_eq!((&chosen["status"], &chosen["id"]), (&json!("CONNECTED"), &json!(number.to_string())));
    let (status, wrong) = here.get(&format!("/v24.0/{number}?fields=id,nonsense")).await;
    assert_eq!(status, 400);
    assert_eq!(
        wrong["error"]["message"],
        "(#100) Tried accessing nonexisting field (nonsense) on node type (WhatsAppBusinessPhoneNumber)"
    );
    let (_, account) =
        here.get(&format!("/v24.0/{waba}?fields=id,name,owner_business_info,timezone_id")).await;
    assert_eq!(account["owner_business_info"]["id"], here.business.id.to_string());
    for path in ["/", "/v24.0", "/v24.0/nonsense", "/v24.0/3000000000000000/messages", "/1/2/3/4"] {
        let (status, answer) = here.get(path).await;
        assert_eq!((status.as_u16(), &answer["error"]["error_subcode"]), (400, &json!(33)), "{path}");
    }
    // Later.
    for edge in ["calls", "groups", "flows", "product_catalogs"] {
        let (status, answer) = here.post(&format!("/v24.0/{number}/{edge}"), json!({})).await;
        assert_eq!((status.as_u16(), &answer["error"]["error_subcode"]), (400, &json!(33)), "{edge}");
    }
    here.stage.writer.close().await;
}

#[tokio::test]
async fn pages_are_followed_without_a_header() {
    let here = Here::new().await;
    let path = format!("/v24.0/{}/message_qrdls", here.number);
    for at in 0..5 {
        let (status, made) =
            here.post(&format!("{path}?prefilled_message=hi{at}&generate_qr_image=png"), Value::Null).await;
        assert_eq!(status, 200, "{made}");
        assert_eq!(made["code"].as_str().unwrap().len(), 14);
        assert!(made["qr_image_url"].as_str().unwrap().starts_with("data:image/png;base64,"));
    }
    let (mut seen, mut next) =
        (Vec::new(), format!("{path}?limit=2&access_token={}", here.issued.token.expose()));
    loop {
        let request = Request::builder().uri(&next).body(Body::empty()).unwrap();
        let (status, list) = here.ask(request).await;
        assert_eq!(status, 200, "{list}");
        let rows = list["data"].as_array().unwrap().clone();
        seen.extend(rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()));
        let Some(after) = list["paging"]["next"].as_str() else { break };
        next = after.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (5, 5));
    let (status, gone) = here
        .with(here.issued.token.expose(), Method::DELETE, &format!("{path}/{}", seen[0]), Value::Null)
        .await;
    assert_eq!((status.as_u16(), &gone["success"]), (200, &json!(true)));
    let (_, none) = here.get(&format!("{path}/{}", seen[0])).await;
    assert_eq!(none, json!({"data": []}));
    let (status, answer) = here.get(&format!("{path}?after=!")).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(131_059)));
    here.stage.writer.close().await;
}

#[tokio::test]
async fn numbers_are_registered_with_their_pin() {
    let here = Here::new().await;
    let number = here.number;
    let register = |pin: Value| json!({"messaging_product": "whatsapp", "pin": pin});
    let path = format!("/v24.0/{number}/register");
    for bad in [json!("12345"), json!("abcdef"), json!(""), json!(1)] {
        assert_eq!(here.post(&path, register(bad)).await.0, 400);
    }
    assert_eq!(here.post(&format!("/v24.0/{number}/"), json!({"pin": 123_456})).await.0, 200);
    let (_, wrong) = here.post(&path, register(json!("654321"))).await;
    assert_eq!(wrong["error"]["code"], 133_005);
    assert_eq!(here.post(&path, register(json!(123_456))).await.0, 200);
    assert_eq!(here.post(&format!("/{number}/deregister"), json!({})).await.0, 200);
    let (_, now) = here.get(&format!("/{number}?fields=status,is_pin_enabled")).await;
    assert_eq!((&now["status"], &now["is_pin_enabled"]), (&json!("DISCONNECTED"), &json!(true)));
    for _ in 0..5 {
        here.post(&path, register(json!("000000"))).await;
    }
    let (_, tries) = here.post(&path, register(json!(123_456))).await;
    assert_eq!(tries["error"]["code"], 133_008);
    here.stage.writer.close().await;
}

#[tokio::test]
async fn profile_automation_and_shop_settings_are_kept() {
    let here = Here::new().await;
    let number = here.number;
    let profile = format!("/v24.0/{number}/whatsapp_business_profile");
    let (_, before) = here.get(&profile).await;
    assert_eq!(before["data"][0]["vertical"], "UNDEFINED");
    let set = json!({"messaging_product": "whatsapp", "about": "Open", "vertical": "retail", "websites": ["https://a.example"], "email": "a@b.example"});
    assert_eq!(here.post(&profile, set).await.0, 200);
    assert_eq!(here.post(&profile, json!({"messaging_product": "whatsapp", "vertical": ""})).await.0, 200);
    let (_, after) = here.get(&format!("{profile}?fields=about,vertical,websites")).await;
    assert_eq!(
        after["data"][0],
        json!({"messaging_product": "whatsapp", "about": "Open", "vertical": "RETAIL", "websites": ["https://a.example"]})
    );
    for bad in [
        json!({"about": "x".repeat(140)}),
        json!({"email": "x"}),
        json!({"websites": ["a", "b", "c"]}),
        json!({"vertical": "MAGIC"}),
    ] {
        let mut bad = bad;
        bad["messaging_product"] = "whatsapp".into();
        assert_eq!(here.post(&profile, bad.clone()).await.0, 400, "{bad}");
    }
    let automation = json!({"enable_welcome_message": "True", "prompts": ["Hours?", "Prices, please?"],
        "commands": [{"command_name": "help", "command_description": "Help"}]});
    assert_eq!(here.post(&format!("/{number}/conversational_automation"), automation).await.0, 200);
    let (_, kept) = here.get(&format!("/{number}?fields=conversational_automation")).await;
    assert_eq!(kept["conversational_automation"]["prompts"], json!(["Hours?", "Prices, please?"]));
    let shop = format!("/{number}/whatsapp_commerce_settings");
    assert_eq!(
        here.post(&format!("{shop}?is_cart_enabled=False&is_catalog_visible=true"), Value::Null).await.0,
        200
    );
    let (_, kept) = here.get(&shop).await;
    assert_eq!(
        (&kept["data"][0]["is_cart_enabled"], &kept["data"][0]["is_catalog_visible"]),
        (&json!(false), &json!(true))
    );
    here.stage.writer.close().await;
}

#[tokio::test]
async fn apps_ask_about_tokens() {
    let here = Here::new().await;
    let (app, secret, token) = (here.issued.app, here.issued.secret.expose(), here.issued.token.expose());
    let asked =
        format!("/oauth/access_token?grant_type=client_credentials&client_id={app}&client_secret={secret}");
    let (status, answer) = here.ask(Request::builder().uri(&asked).body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), &answer["access_token"]), (200, &json!(format!("{app}|{secret}"))));
    let wrong = format!("/oauth/access_token?grant_type=client_credentials&client_id={app}&client_secret=x");
    assert_eq!(here.ask(Request::builder().uri(&wrong).body(Body::empty()).unwrap()).await.0, 400);
    let asked = format!("/v24.0/debug_token?input_token={token}&access_token={app}%7C{secret}");
    let (_, answer) = here.ask(Request::builder().uri(&asked).body(Body::empty()).unwrap()).await;
    assert_eq!(
        (&answer["data"]["is_valid"], &answer["data"]["app_id"]),
        (&json!(true), &json!(app.to_string()))
    );
    assert_eq!(answer["data"]["granular_scopes"][0]["target_ids"][0], here.business.waba.to_string());
    let (_, answer) = here.get("/debug_token?input_token=EAAB").await;
    assert_eq!(answer["data"]["is_valid"], false);
    let (_, me) = here.get("/me").await;
    assert_eq!(me["id"], here.business.id.to_string());
    here.stage.writer.close().await;
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_on_every_route() {
    let here = Here::new().await;
    let app = here.issued.app.to_string();
    let megabyte = json!({"text": {"body": "x".repeat(2 << 20)}, "pin": "1".repeat(2 << 20), "name": "n".repeat(2 << 20)});
    let deep = format!("{{\"text\": {}", "{\"body\":".repeat(5_000));
    // The page is for people: it has its own test.
    for route in ROUTES.iter().filter(|route| route.edge != "message/{}") {
        let path = address(route.node, route.edge, &here.business, here.number, &app, "5000000000000000");
        for body in [
            megabyte.to_string(),
            deep.clone(),
            "[]".to_owned(),
            "\u{0}".to_owned(),
            "{\"fields\": \"{{\"}".to_owned(),
        ] {
            let request = Request::builder().method(route.method.clone()).uri(&path);
            let request = request
                .header("authorization", format!("Bearer {}", here.issued.token.expose()))
                .header("content-type", "application/json");
            let (status, answer) = here.ask(request.body(Body::from(body)).unwrap()).await;
            assert!(!status.is_server_error(), "{route:?}: {answer}");
        }
    }
    here.stage.writer.close().await;
}

#[test]
fn the_description_names_every_route() {
    let document = host::cloud_api::openapi::document();
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(described, ROUTES.len());
}
