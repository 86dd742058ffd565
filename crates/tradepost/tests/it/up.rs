//! `tradepost up` as its user sees it: the API on one side, the sample customer on the other.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Child,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::HeaderMap,
    routing::get,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::people::{terminate, tradepost};

/// How often one looks whether something happened, and how long one waits between.
const LOOKS: u32 = 1800;
const LOOK: Duration = Duration::from_millis(50);

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(LOOK);
    }
    panic!("{what}");
}

/// A `tradepost up` that ends with the test.
pub(crate) struct Up<'a> {
    runtime: &'a Runtime,
    child: Child,
    folder: &'a TempDir,
    demo: Value,
}

impl<'a> Up<'a> {
    pub(crate) fn start(runtime: &'a Runtime, folder: &'a TempDir) -> Self {
        Self::with(runtime, folder, &[])
    }

    fn with(runtime: &'a Runtime, folder: &'a TempDir, flags: &[&str]) -> Self {
        let data = folder.path().join("up");
        let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
        let printed = std::fs::File::create(folder.path().join("printed")).unwrap();
        // What an earlier one left is not this one's.
        let _ = std::fs::remove_file(data.join("demo.json"));
        let mut command = tradepost();
        command.args(["up", "--listen", "127.0.0.1:0", "--log", "info"]).args(flags).arg("--data").arg(&data);
        let mut child = command.stdout(printed).stderr(log).spawn().unwrap();
        let demo = until("demo.json", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", std::fs::read_to_string(folder.path().join("log")).unwrap());
            std::fs::read(data.join("demo.json")).ok()
        });
        let demo = serde_json::from_slice(&demo).unwrap();
        Self { runtime, child, folder, demo }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("up")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn of(&self, name: &str) -> &str {
        self.demo[name].as_str().unwrap()
    }

    /// Asks the API with the sample's token.
    fn api(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/v24.0/{path}", self.of("base_url"));
        let request = reqwest::Client::new().post(url).bearer_auth(self.of("token"));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let (status, text) = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
        assert!(status.is_success(), "{status} {text}\n{}", self.log());
        serde_json::from_str(&text).unwrap()
    }

    /// Sends to the customer; the message's id.
    pub(crate) fn send(&self, kind: &str, content: Value) -> String {
        let to = self.of("customer_number");
        let body = json!({ "messaging_product": "whatsapp", "to": to, "type": kind, kind: content });
        let sent = self.api(&format!("{}/messages", self.of("phone_number_id")), &body);
        sent["messages"][0]["id"].as_str().unwrap().to_owned()
    }

    fn demo(&self, arguments: &[&str]) -> Value {
        let mut command = tradepost();
        command.arg("demo").args(arguments).arg("--json").arg("--data").arg(self.data());
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}\n{}", self.log());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The chat once the business has said this so many times.
    pub(crate) fn reads(&self, text: &str, times: usize) -> Value {
        until(text, || {
            let chat = self.demo(&["read"]);
            let said = chat["messages"].as_array().unwrap().iter();
            let said = said.filter(|message| message["from"] == "business" && message["text"] == text);
            let count = said.count();
            assert!(count <= times, "{count} times {text}: {chat}");
            (count == times).then_some(chat)
        })
    }

    pub(crate) fn stop(mut self) {
        terminate(&self.child);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}", self.log());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A business's software: takes callbacks whose signature is right, and nothing else.
#[derive(Clone)]
struct Software {
    secret: String,
    verify_token: String,
    told: Arc<Mutex<Vec<Value>>>,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Software {
    fn start(up: &Up<'_>) -> (Self, SocketAddr) {
        let software = Self {
            secret: up.of("app_secret").to_owned(),
            verify_token: up.of("verify_token").to_owned(),
            told: Arc::default(),
            wrong: Arc::default(),
        };
        let listener = up.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", get(challenge).post(told)).with_state(software.clone());
        up.runtime.spawn(async move { axum::serve(listener, router).await });
        (software, address)
    }

    /// The first value of which this is true, of those that were told.
    fn hears(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = until(what, || self.told.lock().unwrap().iter().find(|value| wanted(value)).cloned());
        assert!(self.wrong.lock().unwrap().is_empty(), "{:?}", self.wrong.lock().unwrap());
        found
    }

    /// Statuses of a message, in the order in which they came.
    fn statuses(&self, id: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let statuses = told.iter().filter_map(|value| value["statuses"].as_array()).flatten();
        let of = statuses.filter(|status| status["id"] == id);
        of.map(|status| status["status"].as_str().unwrap().to_owned()).collect()
    }
}

async fn challenge(
    State(software): State<Software>,
    RawQuery(query): RawQuery,
) -> (reqwest::StatusCode, String) {
    let url = Url::parse(&format!("http://software/?{}", query.unwrap_or_default())).unwrap();
    let of = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    if of("hub.mode") != "subscribe" || of("hub.verify_token") != software.verify_token {
        return (reqwest::StatusCode::FORBIDDEN, String::new());
    }
    (reqwest::StatusCode::OK, of("hub.challenge"))
}

async fn told(State(software): State<Software>, headers: HeaderMap, body: Bytes) -> reqwest::StatusCode {
    let mut mac = Hmac::<Sha256>::new_from_slice(software.secret.as_bytes()).unwrap();
    mac.update(&body);
    let mac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    if signature != Some(format!("sha256={mac}").as_str()) {
        software.wrong.lock().unwrap().push(format!("{signature:?}"));
        return reqwest::StatusCode::UNAUTHORIZED;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let changes =
        body["entry"].as_array().unwrap().iter().flat_map(|entry| entry["changes"].as_array().unwrap());
    software.told.lock().unwrap().extend(changes.map(|change| change["value"].clone()));
    reqwest::StatusCode::OK
}

fn message<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    value["messages"].as_array()?.iter().find(|message| message["type"] == kind)
}

#[test]
fn the_sample_business_and_its_customer_talk_and_go_on_after_a_restart() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(&runtime, &folder);
    until("what to try", || {
        let printed = std::fs::read_to_string(folder.path().join("printed")).unwrap();
        (printed.contains("demo say") && printed.contains(up.of("base_url"))).then_some(())
    });
    for secret in ["demo.json", "sample.json", "demo.sock", "host.credential", "business.credential"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(up.data().join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{secret}");
    }

    up.send("text", json!({ "body": "It works." }));
    let chat = up.reads("It works.", 1);
    assert_eq!(chat["label"], "End-to-end encrypted", "{chat}");
    assert_eq!(chat["label_details"]["label"]["hosting"], "self");
    let mut words = tradepost();
    let words = words.args(["demo", "read", "--data"]).arg(up.data()).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("End-to-end encrypted (Bank of Examples AG, verified)\nOnly you and"), "{words}");

    let (software, address) = Software::start(&up);
    let callback = json!({
        "object": "whatsapp_business_account", "callback_url": format!("http://{address}/hook"),
        "verify_token": up.of("verify_token"), "fields": "messages",
    });
    let app = up.of("app_id");
    let url = format!("{}/v24.0/{app}/subscriptions", up.of("base_url"));
    let request = reqwest::Client::new().post(url).bearer_auth(format!("{app}|{}", up.of("app_secret")));
    let request = request.header("content-type", "application/json").body(callback.to_string());
    runtime.block_on(async {
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    });

    let said = up.demo(&["say", "Is my card blocked?"]);
    assert!(["sent", "delivered"].contains(&said["state"]["state"].as_str().unwrap()), "{said}");
    let heard = software.hears("the customer's words", |value| message(value, "text").is_some());
    assert_eq!(message(&heard, "text").unwrap()["text"]["body"], "Is my card blocked?");
    assert_eq!(heard["contacts"][0]["wa_id"], up.of("customer_number").trim_start_matches('+'));
    assert_eq!(heard["metadata"]["phone_number_id"], up.of("phone_number_id"));

    // What is quoted is shown, though the host keeps nothing to quote from.
    let id = message(&heard, "text").unwrap()["id"].as_str().unwrap();
    up.api(
        &format!("{}/messages", up.of("phone_number_id")),
        &json!({
            "messaging_product": "whatsapp", "to": up.of("customer_number"), "type": "text",
            "text": { "body": "No, it works." }, "context": { "message_id": id },
        }),
    );
    let chat = up.reads("No, it works.", 1);
    assert!(chat["lines"].to_string().contains("[> Is my card blocked?] No, it works."), "{chat}");

    let button = |id: &str, title: &str| json!({ "type": "reply", "reply": { "id": id, "title": title } });
    let question = up.send(
        "interactive",
        json!({
            "type": "button", "body": { "text": "Did you pay 950 EUR?" },
            "action": { "buttons": [button("yes", "Yes"), button("no", "No")] },
        }),
    );
    let chat = up.reads("Did you pay 950 EUR?", 1);
    let asked =
        chat["messages"].as_array().unwrap().iter().find(|message| message["text"] == "Did you pay 950 EUR?");
    assert_eq!(asked.unwrap()["choices"][1]["title"], "No");
    assert_eq!(up.demo(&["answer"])["choices"][0]["title"], "Yes");
    for wrong in [&["--button", "maybe"][..], &["3"]] {
        let mut command = tradepost();
        let output =
            command.args(["demo", "answer"]).args(wrong).arg("--data").arg(up.data()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("Yes") && said.contains("No"), "{said}");
    }
    up.demo(&["answer", "--button", "no"]);
    let heard = software.hears("the answer", |value| message(value, "interactive").is_some());
    let reply = message(&heard, "interactive").unwrap();
    assert_eq!(reply["interactive"]["button_reply"], json!({ "id": "no", "title": "No" }));
    assert_eq!(reply["context"]["id"], question.as_str());
    until("its statuses", || {
        let statuses = software.statuses(&question);
        (statuses == ["sent", "delivered", "read"]).then_some(())
    });
    up.send("template", json!({ "name": "hello_world", "language": { "code": "en_US" } }));
    until("the template", || {
        let chat = up.demo(&["read"]);
        let template =
            chat["messages"].as_array().unwrap().iter().any(|message| message["body"]["type"] == "template");
        template.then_some(())
    });

    let mut send = tradepost();
    send.args(["host", "send", up.of("customer_number"), "By command.", "--as"])
        .arg(up.data().join("demo.json"));
    let sent = send.output().unwrap();
    let warned = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(sent.status.success() && warned.is_empty(), "{warned}");
    up.reads("By command.", 1);
    let mut listed = tradepost();
    listed.args(["host", "deliveries", "list", "--as"]).arg(up.data().join("demo.json"));
    let listed = String::from_utf8(listed.output().unwrap().stdout).unwrap();
    assert!(listed.contains("attempt 1") && listed.contains(&format!("http://{address}/hook")), "{listed}");

    let before = up.demo.clone();
    up.stop();
    let not_up =
        tradepost().args(["demo", "say", "Hello", "--data"]).arg(folder.path().join("up")).output().unwrap();
    assert!(String::from_utf8_lossy(&not_up.stderr).contains("no tradepost up runs"), "{not_up:?}");

    let up = Up::start(&runtime, &folder);
    for same in
        ["token", "phone_number_id", "waba_id", "app_id", "app_secret", "verify_token", "relay_business_id"]
    {
        assert_eq!(up.demo[same], before[same], "{same}");
    }
    let chat = up.demo(&["read"]);
    assert!(chat["lines"].to_string().contains("Is my card blocked?"), "{chat}");
    up.send("text", json!({ "body": "Still here." }));
    up.reads("Still here.", 1);
    up.demo(&["say", "So am I."]);
    software.hears("the callback after the restart", |value| {
        message(value, "text").is_some_and(|message| message["text"]["body"] == "So am I.")
    });
    up.stop();
}

#[test]
fn a_callback_is_asked_when_it_can_know_the_verify_token() {
    let wrong = tradepost().args(["up", "--callback", "foo"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let file = folder.path().join("up").join("demo.json");
    let asked = Arc::new(Mutex::new(0));
    let router = Router::new().route(
        "/hook",
        get({
            let asked = asked.clone();
            async move |RawQuery(query): RawQuery| {
                let demo: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                let url = Url::parse(&format!("http://software/?{}", query.unwrap_or_default())).unwrap();
                let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
                assert_eq!(of("hub.verify_token"), demo["verify_token"].as_str().unwrap());
                *asked.lock().unwrap() += 1;
                of("hub.challenge")
            }
        }),
    );
    runtime.spawn(async move { axum::serve(listener, router).await });
    let up = Up::with(&runtime, &folder, &["--callback", &url]);
    until("that the callback was asked", || (*asked.lock().unwrap() > 0).then_some(()));
    until("what to try", || {
        let printed = std::fs::read_to_string(folder.path().join("printed")).unwrap();
        printed.contains("demo say").then_some(())
    });
    up.stop();
}

#[test]
fn what_was_accepted_comes_once_though_the_process_is_killed_at_once() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let mut texts: Vec<String> = Vec::new();
    for round in 0..3 {
        let up = Up::start(&runtime, &folder);
        for number in 0..4 {
            let text = format!("message {round}.{number}");
            up.send("text", json!({ "body": text }));
            texts.push(text);
        }
        up.kill();
    }
    let up = Up::start(&runtime, &folder);
    for text in &texts {
        up.reads(text, 1);
    }
    let chat = up.demo(&["read"]);
    let messages = chat["messages"].as_array().unwrap().iter();
    let came: Vec<&str> = messages
        .filter(|message| message["from"] == "business")
        .filter_map(|message| message["text"].as_str())
        .collect();
    assert_eq!(came, texts);
    up.stop();
}
