//! The console's API, as browsers of agents ask it.

mod accounts;
mod events;
mod inbox;
mod limits;
mod rest;
mod roles;
mod together;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    management::{Ahead, of},
    world::{Person, World},
};

/// A password that is long enough.
const PASSWORD: &str = "correct horse battery staple";

/// A host that listens, and one business on it.
struct Desk {
    world: World,
    host: host::Host,
    clock: Arc<Ahead>,
    http: reqwest::Client,
    operator: String,
    brought: Value,
}

/// A browser in which somebody is signed in.
#[derive(Clone)]
struct Page {
    cookie: String,
    csrf: String,
    agent_id: String,
    name: String,
}

/// An answer.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

impl Desk {
    async fn open(world: World) -> Self {
        let instructions = json!({ "store_days": 365, "search": true, "analyse": true });
        Self::open_with(world, instructions).await
    }

    async fn open_with(world: World, instructions: Value) -> Self {
        let clock = Arc::new(Ahead::default());
        let (host, operator) = world.serve(clock.clone()).await;
        let http = reqwest::Client::new();
        let mut desk = Self { world, host, clock, http, operator, brought: Value::Null };
        desk.brought = desk.bring_in(&desk.world.owner.clone(), instructions).await;
        desk
    }

    async fn bring_in(&self, credential: &str, instructions: Value) -> Value {
        let body = json!({ "credential": credential, "instructions": instructions });
        let answer = self.managed("POST", "businesses", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }

    /// As who runs the host.
    async fn managed(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("http://{}/host/v1/{path}", self.host.address);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.operator);
        answered(request.header("content-type", "application/json").body(body.to_string())).await
    }

    fn request(&self, page: Option<&Page>, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}/console/v1/{path}", self.host.address);
        let request = self.http.request(method.parse().unwrap(), url);
        match page {
            Some(page) => request.header("cookie", &page.cookie).header("x-csrf-token", &page.csrf),
            None => request,
        }
    }

    async fn ask(&self, page: Option<&Page>, method: &str, path: &str, body: Value) -> Answer {
        let mut request = self.request(page, method, path);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        answered(request).await
    }

    /// It succeeds.
    async fn done(&self, page: &Page, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(Some(page), method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        answer.body
    }

    /// It is refused so.
    async fn refused(&self, page: &Page, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = self.ask(Some(page), method, path, body).await;
        assert!(answer.status >= 400 && answer.body["error"]["message"].is_string(), "{}", answer.body);
        (answer.status, answer.code().to_owned())
    }

    /// Somebody takes an invitation of the business.
    async fn hire(&self, name: &str, role: &str) -> Page {
        self.hire_for(&self.brought, name, role).await
    }

    async fn hire_for(&self, brought: &Value, name: &str, role: &str) -> Page {
        let path = format!("businesses/{}/agents", of(brought, "business_id"));
        let name = format!("{name}@bank.example");
        let invited = json!({ "name": name, "display_name": "Somebody", "role": role });
        let invited = self.managed("POST", &path, invited).await;
        assert_eq!(invited.status, 201, "{}", invited.body);
        let accept = json!({ "secret": invited.body["secret"], "password": PASSWORD });
        let answer = self.ask(None, "POST", "invitation/accept", accept).await;
        self.page(&answer)
    }

    /// The browser that was signed in so.
    fn page(&self, answer: &Answer) -> Page {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        for part in ["Path=/console", "HttpOnly", "SameSite=Strict"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        Page {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            csrf: of(&answer.body, "csrf").to_owned(),
            agent_id: of(&answer.body["agent"], "agent_id").to_owned(),
            name: of(&answer.body["agent"], "name").to_owned(),
        }
    }

    async fn sign_in(&self, name: &str, password: &str, code: Value) -> Answer {
        let body = json!({ "name": name, "password": password, "code": code });
        self.ask(None, "POST", "session", body).await
    }

    fn number(&self) -> &str {
        of(&self.brought["numbers"][0], "phone_number_id")
    }

    /// The account at the relay that its number has.
    async fn account(&self) -> wire::AccountId {
        self.host.api.numbers.get(self.number().parse().unwrap()).await.unwrap().account.unwrap()
    }

    /// A chat that a customer begins with these words; its path.
    async fn written(&self, page: &Page, from: &Person, words: &str) -> String {
        from.device.send(self.account().await, client::Draft::text(words)).await.unwrap();
        let found = async || {
            let asked = json!({ "words": words });
            let found = self.done(page, "POST", "chats/list", asked).await;
            found["chats"].as_array().unwrap().first().map(|chat| of(chat, "user_id").to_owned())
        };
        crate::world::until("it came", async || found().await.is_some()).await;
        format!("chats/{}/{}", self.number(), found().await.unwrap())
    }

    async fn messages(&self, page: &Page, chat: &str) -> Vec<Value> {
        let found = self.done(page, "POST", &format!("{chat}/messages/list"), json!({})).await;
        found["messages"].as_array().unwrap().clone()
    }

    async fn close(self) {
        self.host.shutdown().await;
        self.world.close().await;
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

fn said(words: &str) -> Value {
    json!({ "type": "text", "text": { "body": words } })
}
