//! A business and those around it, as they hold their credentials.

use ::keys::KeyPair;
use relay::Config;
use reqwest::Method;
use serde_json::{Value, json};
use wire::hosting as h;

use crate::stage::{Answer, Device, Site, Stage, identity, offer};

pub(crate) const OPERATOR: &str = "the operator's token";

/// Whoever holds a bearer credential.
pub(crate) struct Party<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) credential: String,
}

impl Party<'_> {
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.stage.http.request(method, format!("{}{path}", self.stage.url()));
        let request = request.bearer_auth(&self.credential);
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, Value::Null).await
    }

    pub(crate) async fn document(&self, name: &str, bytes: &'static [u8]) -> Answer {
        let url = format!("{}/v1/business/documents?name={name}", self.stage.url());
        let request = self.stage.http.post(url).bearer_auth(&self.credential).body(bytes);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Says who hosts the business; the credential, if one is made.
    pub(crate) async fn host(&self, hosting: Value) -> String {
        let answer = self.put("/v1/business/hosting", hosting).await;
        answer.is(200).json()["credential"].as_str().unwrap_or_default().to_owned()
    }
}

/// A business with a number.
pub(crate) struct Business<'a> {
    pub(crate) owner: Party<'a>,
    pub(crate) id: String,
    pub(crate) number: String,
}

pub(crate) async fn stage(site: Site) -> Stage {
    stage_with(site, |_| ()).await
}

pub(crate) async fn stage_with(site: Site, change: impl FnOnce(&mut Config)) -> Stage {
    site.stage_with(|config| {
        config.operator.token = Some(OPERATOR.into());
        config.operator.name = "Relay Ltd".to_owned();
        config.limits.applications = relay::limits::Rate::new(10_000, 1);
        change(config);
    })
    .await
}

pub(crate) fn application() -> Value {
    json!({
        "legal_name": "Bank of Examples AG",
        "name": "Example Bank",
        "country": "DE",
        "registration_number": "HRB 1234",
        "website": "https://bank.example/",
        "category": "FINANCE",
        "contact": { "name": "Ada", "email": "ada@bank.example", "phone": "+493012345678" },
    })
}

impl Stage {
    pub(crate) fn party(&self, credential: &str) -> Party<'_> {
        Party { stage: self, credential: credential.to_owned() }
    }

    pub(crate) fn operator(&self) -> Party<'_> {
        self.party(OPERATOR)
    }

    pub(crate) async fn draft(&self) -> Business<'_> {
        let made = self.post("/v1/businesses", application()).await.is(201).json();
        let owner = self.party(made["credential"].as_str().unwrap());
        let number = self.new_number();
        let code = self.code(&number).await;
        owner.put("/v1/business/numbers", json!({ "number": number, "code": code })).await.is(204);
        Business { owner, id: made["business"].as_str().unwrap().to_owned(), number }
    }

    pub(crate) async fn approved(&self) -> Business<'_> {
        let business = self.draft().await;
        business.submit().await;
        business.decide("review", Value::Null).await.is(200);
        business.decide("approve", Value::Null).await.is(200);
        business
    }

    pub(crate) async fn vendor(&self, name: &str) -> (String, Party<'_>) {
        let made = self.operator().post("/v1/operator/vendors", json!({ "name": name })).await.is(201).json();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        (text("vendor"), self.party(&text("credential")))
    }

    /// With which the relay signs what it states.
    pub(crate) async fn label_key(&self) -> ::keys::PublicKey {
        let key = self.get("/v1/labels/key").await.is(200).json()["key"].as_str().unwrap().to_owned();
        ::keys::PublicKey::from_bytes(&bytes(&key)).unwrap()
    }
}

impl Business<'_> {
    pub(crate) async fn submit(&self) {
        self.owner.document("extract.pdf", b"%PDF-1.7 an extract").await.is(201);
        self.owner.post("/v1/business/submit", Value::Null).await.is(200);
    }

    pub(crate) async fn decide(&self, decision: &str, body: Value) -> Answer {
        let path = format!("/v1/operator/businesses/{}/{decision}", self.id);
        self.owner.stage.operator().post(&path, body).await
    }

    /// Asks to register a device of the business's number, with somebody's credential.
    pub(crate) async fn try_device(&self, host: &str, identity: &KeyPair) -> Answer {
        let device = offer(identity, 1, 3);
        let body = json!({ "business": self.id, "number": self.number, "device": device });
        self.owner.stage.party(host).post("/v1/hosting/devices", body).await
    }

    pub(crate) async fn device(&self, host: &str) -> Device {
        let identity = identity(host.get(20..50).unwrap());
        let answer = self.try_device(host, &identity).await;
        self.owner.stage.device(answer.is(200), identity)
    }

    /// Hosts itself, with a device.
    pub(crate) async fn hosted(&self) -> (String, Device) {
        let host = self.owner.host(json!({ "mode": "self" })).await;
        let device = self.device(&host).await;
        (host, device)
    }
}

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let base64: wire::Base64 = serde_json::from_value(text.into()).unwrap();
    base64.0
}

/// A statement whose signature is good.
pub(crate) fn opened<M: wire::Message + Default>(text: &Value, key: &::keys::PublicKey, context: &str) -> M {
    let signed = h::Signed::read(&bytes(text.as_str().unwrap())).unwrap();
    let signature = ::keys::Signature::from_bytes(&signed.signature).unwrap();
    key.verify(&signed.signed_bytes(context), &signature).unwrap();
    M::decode(&*signed.statement).unwrap()
}

/// Sends from one device to another, by a request.
pub(crate) async fn send(from: &Device, to: &Device, id: u8) -> Answer {
    let parts = json!([{ "device": to.number, "registration_id": 1, "kind": 2, "body": "AAAA" }]);
    let id: wire::Base64 = vec![id; 16].into();
    let body = json!({ "id": id, "timestamp": 1, "parts": parts });
    from.send("PUT", &format!("/v1/accounts/{}/messages", to.account), body).await
}
