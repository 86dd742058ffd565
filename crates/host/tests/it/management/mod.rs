//! Managing a host over HTTP, as who runs it and as its businesses.

mod adding;
mod corners;
mod deciding;
mod erasing;
mod hosting;
mod limiting;
mod opening;
mod overdue;
mod pressing;
mod reading;
mod retaining;
mod showing;
mod telling;
pub(crate) mod watching;
mod withheld;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use client::Body;
use host::{
    apps::Scope,
    management::{ROUTES, Right},
};
use serde_json::{Value, json};
use store::Timestamp;

use crate::world::{Person, RealClock, World, on_both, until};

/// The system's clock, which can be put forward.
#[derive(Debug, Default)]
pub(crate) struct Ahead(AtomicI64);

impl store::Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp(store::Clock::now(&RealClock).0 + self.0.load(SeqCst))
    }
}

impl Ahead {
    pub(crate) fn advance(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), SeqCst);
    }
}

/// A host that listens, and who asks it.
struct Office {
    world: World,
    host: host::Host,
    clock: Arc<Ahead>,
    http: reqwest::Client,
    operator: String,
}

impl Office {
    async fn open(world: World) -> Self {
        let clock = Arc::new(Ahead::default());
        let (host, operator) = world.serve(clock.clone()).await;
        Self { world, host, clock, http: reqwest::Client::new(), operator }
    }

    async fn request(&self, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.host.address);
        let mut request = self.http.request(method.parse().unwrap(), url).body(body.to_owned());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn ask(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.request(token, method, path, &body).await
    }

    /// As who runs the host, and it succeeds.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(&self.operator, method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// As who runs the host, and it is refused so.
    async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String, String) {
        let (status, answer) = self.ask(&self.operator, method, path, body).await;
        let error = &answer["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        assert!(status >= 400 && !text("message").is_empty(), "{method} {path}: {status} {answer}");
        (status, text("code"), text("field"))
    }

    async fn bring_in(&self, credential: &str) -> Value {
        self.done("POST", "/host/v1/businesses", json!({ "credential": credential })).await
    }

    /// The template that every account has, to a customer.
    async fn greet(&self, brought: &Value, to: &Person) {
        let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
        let body = json!({
            "messaging_product": "whatsapp", "to": to.number, "type": "template", "template": template,
        });
        let path = format!("/v24.0/{}/messages", of(&brought["numbers"][0], "phone_number_id"));
        let (status, answer) = self.ask(of(brought, "token"), "POST", &path, body).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// The account at the relay that the first number has.
    async fn account(&self, brought: &Value) -> wire::AccountId {
        let id = of(&brought["numbers"][0], "phone_number_id").parse().unwrap();
        self.host.api.numbers.get(id).await.unwrap().account.unwrap()
    }

    async fn close(self) {
        self.host.shutdown().await;
        self.world.close().await;
    }
}

pub(crate) fn of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_business_is_brought_in_with_one_call_and_sends_with_the_next() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let ada = office.world.customer().await;
        let began = tokio::time::Instant::now();
        let credential = office.world.owner.clone();
        let body = json!({ "credential": credential, "instructions": { "store_days": 365, "search": true } });
        let (status, brought) = office.ask(&office.operator, "POST", "/host/v1/businesses", body).await;
        assert_eq!(status, 201, "{brought}");
        office.greet(&brought, &ada).await;
        let heard = ada.hears(office.account(&brought).await, 1).await;
        assert!(began.elapsed() < Duration::from_secs(60));
        assert!(matches!(heard[0].body, Body::Template { .. }), "{heard:?}");

        // The same again finds what is there, and takes back no token.
        let (status, again) = office
            .ask(&office.operator, "POST", "/host/v1/businesses", json!({ "credential": credential }))
            .await;
        assert_eq!((status, &again["token"]), (200, &Value::Null));
        for same in ["business_id", "waba_id", "numbers", "app_id", "app_secret", "relay_business_id"] {
            assert_eq!(again[same], brought[same], "{same}");
        }
        let another = json!({ "credential": credential, "new_token": true });
        let another = office.done("POST", "/host/v1/businesses", another).await;
        let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        for token in [of(&brought, "token"), of(&another, "token")] {
            let (status, shown) = office.ask(token, "GET", &path, Value::Null).await;
            assert_eq!((status, &shown["instructions"]["store_days"]), (200, &json!(365)), "{shown}");
        }
        // A token that is taken back opens nothing.
        let revoked = json!({ "token": another["token"] });
        office.done("POST", &format!("{path}/tokens/revoke"), revoked.clone()).await;
        assert_eq!(office.ask(of(&another, "token"), "GET", &path, Value::Null).await.0, 401);
        assert_eq!(office.refused("POST", &format!("{path}/tokens/revoke"), revoked).await.0, 404);
        let listed = office.done("GET", "/host/v1/businesses", Value::Null).await;
        assert_eq!(listed["businesses"].as_array().unwrap().len(), 1);

        // Suspended, its programs are refused until that ends.
        office.done("POST", &format!("{path}/suspend"), json!({ "reason": "complaints" })).await;
        let number = format!("/{}", of(&brought["numbers"][0], "phone_number_id"));
        let (status, answer) = office.ask(of(&brought, "token"), "GET", &number, Value::Null).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!(131_031)), "{answer}");
        office.done("POST", &format!("{path}/resume"), Value::Null).await;
        assert_eq!(office.ask(of(&brought, "token"), "GET", &number, Value::Null).await.0, 200);
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_opens_for_a_stranger() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let ours = office.bring_in(&office.world.owner.clone()).await;
        let (_, owner) = office.world.apply("+4930901821").await;
        let stranger = office.bring_in(&owner).await;
        let (id, own) = (of(&ours, "business_id"), of(&ours, "token").to_owned());
        let app = format!("{}|{}", of(&ours, "app_id"), of(&ours, "app_secret"));
        let with_scope = async |scope: &str| {
            let narrow = json!({ "app": ours["app_id"], "scopes": [scope] });
            office.done("POST", &format!("/host/v1/businesses/{id}/tokens"), narrow).await
        };
        let messaging = with_scope("whatsapp_business_messaging").await;
        let managing = with_scope("whatsapp_business_management").await;
        let before = office.done("GET", &format!("/host/v1/businesses/{id}"), Value::Null).await;
        let mut asked = 0;
        for route in ROUTES.iter().filter(|route| route.right != Right::Anybody) {
            let template = "5000000000000001";
            let id = if route.path.starts_with("templates") { template } else { id };
            let path = format!("/host/v1/{}", route.path.replace("{}", id));
            let method = route.method.as_str();
            let almost = format!("{}x", office.operator);
            let relays = [office.world.owner.clone(), office.world.relay_operator()];
            let garbage = ["", "x", "tpm1_", &almost, &app, &relays[0], &relays[1]];
            for token in garbage {
                let (status, answer) = office.ask(token, method, &path, json!({})).await;
                assert_eq!(
                    (status, &answer["error"]["code"]),
                    (401, &json!("unauthorized")),
                    "{route:?} {token}"
                );
            }
            let strangers = office.ask(of(&stranger, "token"), method, &path, json!({})).await.0;
            match route.right {
                Right::Business(_) => assert_eq!(strangers, 404, "{route:?}"),
                _ => {
                    assert_eq!(strangers, 401, "{route:?}");
                    assert_eq!(office.ask(&own, method, &path, json!({})).await.0, 401, "{route:?}");
                }
            }
            if let Right::Business(scope) = route.right
                && scope != Scope::Any
            {
                let narrow = if scope == Scope::Messaging { &managing } else { &messaging };
                let (status, answer) = office.ask(of(narrow, "token"), method, &path, json!({})).await;
                assert_eq!((status, &answer["error"]["code"]), (403, &json!("forbidden")), "{route:?}");
            }
            asked += 1;
        }
        assert!(asked > 15, "{asked}");
        assert_eq!(office.done("GET", &format!("/host/v1/businesses/{id}"), Value::Null).await, before);
        let document = office.ask("", "GET", "/host/v1/openapi.json", Value::Null).await.1;
        assert_eq!(
            document["paths"]
                .as_object()
                .unwrap()
                .values()
                .map(|item| item.as_object().unwrap().len())
                .sum::<usize>(),
            ROUTES.len()
        );
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_makes_one_that_can_do_more_or_lasts_longer() {
    let office = Office::open(World::sqlite().await).await;
    let brought = office.bring_in(&office.world.owner.clone()).await;
    let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
    let (tokens, app) = (format!("{path}/tokens"), &brought["app_id"]);
    let body = json!({ "app": app, "scopes": ["business_management"], "days": 1 });
    let narrow = office.done("POST", &tokens, body).await;
    let expires = narrow["expires"].as_i64().unwrap();
    for days in [Value::Null, json!(30)] {
        let body = json!({ "app": app, "days": days });
        let (status, made) = office.ask(of(&narrow, "token"), "POST", &tokens, body).await;
        assert_eq!((status, made["expires"].as_i64()), (200, Some(expires)), "{made}");
        let token = of(&made, "token");
        assert_eq!(office.ask(token, "GET", &path, Value::Null).await.0, 200);
        let waba = format!("/{}/message_templates", of(&brought, "waba_id"));
        assert_eq!(office.ask(token, "GET", &waba, Value::Null).await.0, 403);
    }
    office.done("POST", &format!("{path}/suspend"), json!({ "reason": "complaints" })).await;
    let (status, answer) = office.ask(of(&brought, "token"), "POST", &tokens, json!({ "app": app })).await;
    assert_eq!(status, 403, "{answer}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused_precisely_and_leaves_nothing() {
    let world = World::sqlite().await;
    let office = Office::open(world).await;
    let owner = office.world.owner.clone();
    let post = "/host/v1/businesses";
    let with = |name: &str, value: Value| {
        let mut body = json!({ "credential": owner });
        body[name] = value;
        body
    };
    let forged = format!("{}{}", &owner[..owner.len() - 1], if owner.ends_with('A') { 'B' } else { 'A' });
    let other = "8c78cd2a-16ff-427d-83dc-1a5e36ce713d";
    for (body, field) in [
        (json!({}), ""),
        (json!({ "credential": "x" }), "credential"),
        (json!({ "credential": forged }), "credential"),
        (with("business", json!(other)), "business"),
        (with("currency", json!("euro")), "currency"),
        (with("app", json!("")), "app"),
        (with("app", json!("x".repeat(300))), "app"),
        (with("instructions", json!({ "search": true })), "search"),
        (with("instructions", json!({ "sell": true })), ""),
        (with("callback", json!({ "url": "ftp://x", "verify_token": "t" })), ""),
        (with("callback", json!({ "url": "http://127.0.0.1:1/", "fields": ["nothing"] })), "callback.fields"),
        (with("callback", json!({ "url": "http://127.0.0.1:1/" })), ""),
        (with("timezone_id", json!("x".repeat(100))), "timezone_id"),
        (with("more", json!(1)), ""),
        (with("app", json!("a\u{0}b")), ""),
    ] {
        let refused = office.refused("POST", post, body.clone()).await;
        assert_eq!(refused, (400, "invalid_request".to_owned(), field.to_owned()), "{body}");
    }
    let listed = office.done("GET", post, Value::Null).await;
    assert_eq!(listed["businesses"], json!([]), "nothing was left");
    let large = json!({ "credential": "x".repeat(70_000) });
    assert_eq!(office.refused("POST", post, large).await.0, 413);
    for body in ["{", "[]", "7", "\u{0}", "{\"credential\": 1}"] {
        assert_eq!(office.request(&office.operator, "POST", post, body).await.0, 400, "{body}");
    }
    for (path, status) in [
        ("/host/v1/businesses?limit=0", 400),
        ("/host/v1/businesses?limit=x", 400),
        ("/host/v1/businesses?nothing=1", 400),
        ("/host/v1/businesses?after=7", 400),
        ("/host/v1/businesses/7", 404),
        ("/host/v1/businesses/1000000000000001", 404),
        ("/host/v1/businesses/1000000000000001/audit", 404),
        ("/host/v1/templates/5000000000000001", 404),
        ("/host/v1/nothing", 404),
        ("/host/v1", 404),
    ] {
        assert_eq!(office.refused("GET", path, Value::Null).await.0, status, "{path}");
    }
    assert_eq!(office.refused("PATCH", post, Value::Null).await.0, 405);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_what_is_wrong_and_neither_it_nor_figures_name_anybody() {
    let office = Office::open(World::sqlite().await).await;
    let ada = office.world.customer().await;
    let brought = office.bring_in(&office.world.owner.clone()).await;
    office.greet(&brought, &ada).await;
    ada.hears(office.account(&brought).await, 1).await;
    until("it is well", async || office.ask("", "GET", "/health", Value::Null).await.1["status"] == "ok")
        .await;
    let figures = office.ask("", "GET", "/metrics", Value::Null).await.1;
    let figures = figures.as_str().unwrap();
    for line in [
        "host_http_requests_total{method=\"POST\",route=\"Number/messages\",status=\"200\"} 1",
        "host_http_requests_total{method=\"POST\",route=\"/host/v1/businesses\",status=\"201\"} 1",
        "host_numbers_live 1",
        "host_numbers_registered 1",
        "host_webhook_dead_letters 0",
    ] {
        assert!(figures.contains(line), "{line} is not in\n{figures}");
    }
    for secret in ["4915112345678", "4930901820", of(&brought, "waba_id")] {
        assert!(!figures.contains(secret), "{secret}");
    }
    // Through a proxy, anybody may come.
    let url = format!("http://{}/metrics", office.host.address);
    let proxied = office.http.get(&url).header("x-forwarded-for", "198.51.100.1");
    assert_eq!(proxied.send().await.unwrap().status(), 401);
    let shown = office.http.get(&url).header("via", "1.1 x").bearer_auth(&office.operator);
    assert_eq!(shown.send().await.unwrap().status(), 200);

    let Office { world, host, clock, http, .. } = office;
    world.close().await;
    clock.advance(Duration::from_secs(6));
    let answer = http.get(format!("http://{}/health", host.address)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let health: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!((&health["status"], &health["database"]), (&json!("degraded"), &json!("ok")), "{health}");
    assert!(of(&health, "relay").contains("does not answer"), "{health}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_for_the_operator_wherever_a_request_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = host::Config { data: folder.path().to_owned(), ..host::Config::default() };
    config.listen.address = "127.0.0.1:0".parse().unwrap();
    // There is no relay.
    config.relay = "http://127.0.0.1:9".to_owned();
    config.operator.token = Some(host::config::Hidden::from("a token of sixteen"));
    let entropy = Arc::new(crate::world::RealEntropy);
    let host = host::Host::start(config, Arc::new(RealClock), entropy).await.unwrap();
    let http = reqwest::Client::new();
    let ask = async |path: &str, token: &str| {
        let mut request = http.get(format!("http://{}{path}", host.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    // A proxy on this machine that passes on what others ask, and does not say so, looks like this.
    for token in ["", "x"] {
        assert_eq!(ask("/metrics", token).await.0, 401, "{token:?}");
        let (status, health) = ask("/health", token).await;
        let health: Value = serde_json::from_str(&health).unwrap();
        assert_eq!((status, health), (200, json!({ "status": "degraded" })));
    }
    let (status, figures) = ask("/metrics", "a token of sixteen").await;
    assert!(status == 200 && figures.contains("host_numbers_registered 0"), "{figures}");
    assert!(ask("/health", "a token of sixteen").await.1.contains("database"));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_known_by_the_fingerprint_that_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = relay::Config { data: folder.path().join("relay"), ..relay::Config::default() };
    config.listen.address = "127.0.0.1:0".parse().unwrap();
    config.listen.tls = Some(relay::config::Tls::SelfSigned(vec!["relay.example".to_owned()]));
    let entropy = Arc::new(crate::world::RealEntropy);
    let relay = relay::Relay::start(config, Arc::new(RealClock), entropy.clone()).await.unwrap();
    let right = relay.fingerprint.clone().unwrap();
    let wrong = "0".repeat(64);
    for (fingerprint, expected) in [(Some(right), "ok"), (Some(wrong), "degraded"), (None, "degraded")] {
        let mut config = host::Config { data: folder.path().join("host"), ..host::Config::default() };
        config.listen.address = "127.0.0.1:0".parse().unwrap();
        config.relay = format!("https://{}", relay.address);
        config.relay_fingerprint = fingerprint;
        config.operator.figures_on_loopback = true;
        let host = host::Host::start(config, Arc::new(RealClock), entropy.clone()).await.unwrap();
        let answer = reqwest::get(format!("http://{}/health", host.address)).await.unwrap();
        let health: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(health["status"], expected, "{health}");
        host.shutdown().await;
    }
    relay.shutdown().await;
}
