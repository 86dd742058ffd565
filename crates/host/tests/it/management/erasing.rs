//! A business that is erased leaves nothing, and no process goes on with it.

use std::{path::Path, sync::Arc, time::Duration};

use client::{Draft, NativeLink, NativeLinkOptions};
use host::{
    apps::{Apps, Unknown},
    businesses::{Approvals, Businesses},
    changes::Changes,
    ground::Ground,
    ids::BusinessId,
    numbers::{Numbers, running::Running},
    purposes::{Gate, Instructions},
    sealing::{Keys, MasterKey},
    webhooks::{Webhooks, address::SystemLookup},
};
use serde_json::{Value, json};
use store::sql::{Connection, query};

use super::{Office, of};
use crate::{
    stage,
    webhooks::receiver::{Manner, Receiver},
    world::{World, on_both, until},
};

store::row! {
    struct Table from "tables" { name: String }
}

/// All tables with something in them.
async fn filled(world: &World) -> Vec<String> {
    let mut reader = world.scratch.database.reader().await.unwrap();
    let text = if world.scratch.config.url.expose().starts_with("sqlite:") {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    } else {
        "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY name"
    };
    let tables: Vec<Table> = query(text).all(&mut reader).await.unwrap();
    assert!(tables.len() > 20, "{}", tables.len());
    let mut filled = Vec::new();
    for Table { name } in tables {
        if count(&mut reader, &name).await > 0 {
            filled.push(name);
        }
    }
    filled
}

async fn count(reader: &mut Connection, table: &str) -> i64 {
    // Texts of statements are of the program: this one is a test's.
    let text: &'static str = Box::leak(format!("SELECT COUNT(*) FROM {table}").into_boxed_str());
    query(text).value(reader).await.unwrap().unwrap()
}

fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let entries = entries.map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

/// A host that has something in every table.
async fn full(office: &Office, receiver: &Receiver) -> Value {
    let ada = office.world.customer().await;
    let callback = json!({ "url": receiver.url(), "verify_token": "verify me" });
    let body = json!({
        "credential": office.world.owner, "callback": callback,
        "instructions": { "store_days": 365, "search": true },
    });
    let brought = office.done("POST", "/host/v1/businesses", body).await;
    let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
    let number = of(&brought["numbers"][0], "phone_number_id");
    // What is told is not taken, and stays.
    receiver.answer(Manner { status: 500, ..Manner::default() });
    let account = office.account(&brought).await;
    ada.device.send(account, Draft::text("remember me")).await.unwrap();
    office.greet(&brought, &ada).await;
    ada.hears(account, 1).await;
    let named =
        office.http.post(format!("http://{}/{number}/messages", office.host.address)).bearer_auth(token);
    let words = json!({ "messaging_product": "whatsapp", "to": ada.number, "text": { "body": "By name" } });
    let answer = named.header("Idempotency-Key", "once").json(&words).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let post = async |path: String, body: Value| {
        let (status, answer) = office.ask(token, "POST", &path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
    };
    let body = json!({ "type": "BODY", "text": "Good day to you" });
    let template =
        json!({ "name": "greeting", "language": "en", "category": "UTILITY", "components": [body] });
    post(format!("/{waba}/message_templates"), template).await;
    let about = json!({ "messaging_product": "whatsapp", "about": "A bank" });
    post(format!("/{number}/whatsapp_business_profile"), about).await;
    post(format!("/{number}/message_qrdls"), json!({ "prefilled_message": "Hello" })).await;
    post(format!("/{number}/username"), json!({ "username": "example.bank" })).await;
    post("/app/uploads?file_length=10&file_type=image/png".to_owned(), json!({})).await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--b\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n\
                words\r\n--b--\r\n";
    let url = format!("http://{}/{number}/media", office.host.address);
    let upload =
        office.http.post(url).bearer_auth(token).header("content-type", "multipart/form-data; boundary=b");
    let answer = upload.body(form).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let tables = ["people", "messages", "message_words", "webhook_attempts", "webhook_deliveries", "media"];
    until("all is there", async || {
        let filled = filled(&office.world).await;
        tables.iter().all(|table| filled.iter().any(|name| name == table))
    })
    .await;
    brought
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_business_leaves_nothing_in_any_table_or_folder_but_the_log() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let receiver = Receiver::start().await;
        let brought = full(&office, &receiver).await;
        let before = filled(&office.world).await;
        let expected = [
            "apps",
            "businesses",
            "chats",
            "instructions",
            "media",
            "message_words",
            "messages",
            "numbers",
            "people",
            "qr_codes",
            "reading_heads",
            "readings",
            "sends_once",
            "settings",
            "templates",
            "tokens",
            "uploads",
            "usernames",
            "vault_records",
            "webhook_apps",
            "webhook_attempts",
            "webhook_callbacks",
            "webhook_deliveries",
            "webhook_events",
            "webhook_subscriptions",
        ];
        for table in expected {
            assert!(before.iter().any(|name| name == table), "{table} of {before:?}");
        }
        assert!(files(&office.world.files()) > 0);
        let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        assert_eq!(office.refused("DELETE", &format!("{path}?relay=maybe"), Value::Null).await.0, 400);
        office.done("DELETE", &path, Value::Null).await;

        let after = filled(&office.world).await;
        let left: Vec<&str> = after.iter().map(String::as_str).collect();
        // Who is there, what the tables are, and the log of what was read.
        let may = ["hosts_alive", "migrations", "reading_heads", "readings"];
        assert!(left.iter().all(|table| may.contains(table)), "{left:?}");
        assert_eq!(files(&office.world.files()), 0);
        let owner = office.world.owner.clone();
        let at_relay = office.world.ask("GET", "/v1/business", &owner, None).await;
        assert_eq!(at_relay["numbers"][0]["account"], Value::Null, "{at_relay}");

        let token = of(&brought, "token");
        assert_eq!(office.ask(token, "GET", &path, Value::Null).await.0, 401);
        assert_eq!(office.ask(token, "GET", "/me", Value::Null).await.0, 401);
        assert_eq!(office.refused("GET", &path, Value::Null).await.0, 404);
        // Who runs the host still has the proof of what was read.
        let log = office.done("GET", &format!("{path}/audit"), Value::Null).await;
        assert!(log.to_string().contains("erasure of the business"), "{log}");
        // It may come back, as another one.
        let again = office.bring_in(&owner).await;
        assert_ne!(again["business_id"], brought["business_id"]);
        office.close().await;
    })
    .await;
}

/// What one process keeps in memory.
struct Process {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    gate: Arc<Gate>,
    apps: Arc<Apps>,
    businesses: Arc<Businesses>,
    approvals: Arc<Approvals>,
}

impl Process {
    async fn over(ground: Arc<Ground>) -> Self {
        let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
        let gate = Gate::new(ground.clone(), keys.clone());
        let apps = Apps::new(ground.clone(), keys.clone());
        let businesses = Businesses::new(ground.clone(), keys.clone(), gate.clone());
        let numbers = Numbers::new(ground.clone());
        // No relay is there.
        let link = Arc::new(NativeLink::new("http://127.0.0.1:9", NativeLinkOptions::default()).unwrap());
        let running = Running::new(ground.clone(), keys.clone(), numbers.clone(), businesses.clone(), link);
        let webhooks =
            Webhooks::new(ground.clone(), keys.clone(), gate.clone(), apps.clone(), Arc::new(SystemLookup));
        let people = host::people::People::new(ground.clone(), gate.clone(), running.clone());
        let approvals =
            Approvals::new(ground.clone(), businesses.clone(), numbers.clone(), running, webhooks.unwrap());
        let changes = Changes {
            ground: ground.clone(),
            apps: apps.clone(),
            keys: keys.clone(),
            gate: gate.clone(),
            businesses: businesses.clone(),
            numbers,
            people,
        };
        drop(changes.follow().await);
        Self { ground, keys, gate, apps, businesses, approvals }
    }
}

/// Within a second, this is so.
async fn soon(what: &str, done: impl AsyncFn() -> bool) {
    for _ in 0..100 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn what_one_process_revokes_changes_or_erases_no_other_goes_on_with() {
    stage::on_both(async |stage| {
        let first = Process::over(stage.ground.clone()).await;
        let (ground, writer) = stage.another(9).await;
        // Its clock stands still: what it read would be fresh for ever.
        let second = Process::over(ground).await;
        let new = host::businesses::NewBusiness {
            relay_id: wire::BusinessId::from_bytes([7; 16]),
            name: "Bank".to_owned(),
            legal_name: "Bank AG".to_owned(),
            country: "DE".to_owned(),
            currency: "EUR".to_owned(),
            timezone_id: "1".to_owned(),
            state: host::businesses::BusinessState::Approved,
            mode: host::businesses::HostingMode::Own,
            host_name: String::new(),
        };
        let business: BusinessId = first.businesses.create(new).await.unwrap().id;
        let issued = first.apps.create(business, "sample", "test").await.unwrap();
        let other = first.apps.issue(issued.app, host::apps::Scopes::ALL, None, "test").await.unwrap();
        let known = async |token: &host::apps::Token| {
            second.apps.authorize(Some(token.expose()), None).await.unwrap().map(|_| ())
        };
        known(&issued.token).await.unwrap();
        known(&other).await.unwrap();
        second.gate.instructions(business).await.unwrap();
        second.keys.of(business).await.unwrap();
        second.businesses.get(business).await.unwrap();

        first.apps.revoke(business, &issued.token, "test").await.unwrap();
        soon("the token is revoked", async || known(&issued.token).await == Err(Unknown::Invalid)).await;
        known(&other).await.unwrap();
        let wanted = Instructions { reply: true, ..Instructions::default() };
        first.gate.instruct(business, wanted, "test").await.unwrap();
        soon("it allows more", async || second.gate.instructions(business).await.unwrap() == wanted).await;
        let known = first.businesses.get(business).await.unwrap();
        first.approvals.suspend(&known, Some("complaints".to_owned())).await.unwrap();
        let suspended = async || second.businesses.get(business).await.unwrap().suspended.is_some();
        soon("it is suspended", suspended).await;
        first.businesses.erase(business).await.unwrap();
        soon("its keys are gone", async || second.keys.of(business).await.is_err()).await;
        soon("it is gone", async || second.businesses.get(business).await.is_err()).await;
        first.ground.closing.cancel();
        second.ground.closing.cancel();
        writer.close().await;
        stage.writer.close().await;
    })
    .await;
}
