//! Whom a business may write to, on its sockets.

use serde_json::{Value, json};
use wire::{close, frames::Reason};

use crate::people::{Ground, Person, Socket, Stage, message};

crate::on_all_grounds!(
    a_business_writes_to_its_testers_until_it_is_approved,
    another_host_ends_the_sockets_of_the_one_before
);

/// A business that hosts itself.
struct Business {
    id: String,
    credential: String,
    device: Person,
}

async fn ask(stage: &Stage, credential: &str, method: &str, path: &str, body: Value) -> Value {
    let url = format!("http://{}{path}", stage.nodes[0].address);
    let request = reqwest::Client::new().request(method.parse().unwrap(), url).bearer_auth(credential);
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{method} {path}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

async fn stage(ground: Ground) -> Stage {
    Stage::with(ground, |config| config.operator.token = Some("operator".into())).await
}

async fn business(stage: &Stage) -> Business {
    let application = json!({
        "legal_name": "Bank of Examples AG", "name": "Example Bank", "country": "DE",
        "registration_number": "HRB 1234", "website": "https://bank.example/", "category": "FINANCE",
        "contact": { "name": "Ada", "email": "ada@bank.example", "phone": "+493012345678" },
    });
    let made = ask(stage, "", "POST", "/v1/businesses", application).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (id, credential) = (text(&made["business"]), text(&made["credential"]));
    let number = "+493012345678";
    ask(stage, "", "POST", "/v1/registration/codes", json!({ "number": number })).await;
    let code = ask(stage, "", "GET", &format!("/v1/dev/codes/{number}"), Value::Null).await;
    let bind = json!({ "number": number, "code": code["code"] });
    ask(stage, &credential, "PUT", "/v1/business/numbers", bind).await;
    let host = ask(stage, &credential, "PUT", "/v1/business/hosting", json!({ "mode": "self" })).await;
    let body = json!({ "business": id, "number": number, "device": crate::people::some_device() });
    let registered = ask(stage, &text(&host["credential"]), "POST", "/v1/hosting/devices", body).await;
    let account = text(&registered["account"]).parse().unwrap();
    let device = stage.somebody(account, text(&registered["token"]));
    Business { id, credential, device }
}

impl Business {
    async fn decide(&self, stage: &Stage, decision: &str, body: Value) {
        ask(stage, "operator", "POST", &format!("/v1/operator/businesses/{}/{decision}", self.id), body)
            .await;
    }

    async fn open(&self, stage: &Stage) -> Socket {
        let mut socket = self.device.connect_to(stage.nodes.len() - 1).await;
        socket.until("the drain", |socket| socket.drained).await;
        socket
    }
}

/// Sends, and says whether it was sent; what is refused is refused for this reason only.
async fn goes(socket: &mut Socket, to: &Person, number: u64) -> bool {
    socket.send([message(to.account, number)]).await;
    let before = socket.refused.len();
    socket.until("an answer", |socket| socket.sent.contains(&number) || socket.refused.len() > before).await;
    assert!(
        socket.refused.iter().all(|refusal| refusal.reason() == Reason::Forbidden),
        "{:?}",
        socket.refused
    );
    socket.sent.contains(&number)
}

async fn a_business_writes_to_its_testers_until_it_is_approved(ground: Ground) {
    let stage = stage(ground).await;
    let business = business(&stage).await;
    let (tester, other) = (stage.person().await, stage.person().await);
    let mut socket = business.open(&stage).await;
    assert!(!goes(&mut socket, &tester, 1).await);
    // What it may changes at once: the socket opens anew, also on another node.
    let number = ask(&stage, &tester.token, "GET", "/v1/account", Value::Null).await["number"].clone();
    let path = format!("/v1/business/testers/{}", number.as_str().unwrap());
    ask(&stage, &business.credential, "PUT", &path, Value::Null).await;
    assert_eq!(socket.closed().await, Some(close::AWAY));
    let mut socket = business.open(&stage).await;
    assert!(goes(&mut socket, &tester, 2).await);
    assert!(!goes(&mut socket, &other, 3).await);

    // A tester who comes only now.
    let later = format!("+491511{:07}", 1_000_002);
    ask(&stage, &business.credential, "PUT", &format!("/v1/business/testers/{later}"), Value::Null).await;
    assert_eq!(socket.closed().await, Some(close::AWAY));
    let mut socket = business.open(&stage).await;
    let newcomer = stage.person().await;
    assert_eq!(socket.closed().await, Some(close::AWAY));
    let mut socket = business.open(&stage).await;
    assert!(goes(&mut socket, &newcomer, 4).await);

    let url = format!("http://{}/v1/business/documents?name=a.pdf", stage.nodes[0].address);
    let added = reqwest::Client::new().post(url).bearer_auth(&business.credential).body("%PDF-1.7 a");
    assert_eq!(added.send().await.unwrap().status(), 201);
    ask(&stage, &business.credential, "POST", "/v1/business/submit", Value::Null).await;
    business.decide(&stage, "review", Value::Null).await;
    business.decide(&stage, "approve", Value::Null).await;
    let mut socket = business.open(&stage).await;
    assert!(goes(&mut socket, &other, 5).await);
    business.decide(&stage, "suspend", json!({ "reason": "complaints" })).await;
    assert_eq!(socket.closed().await, Some(close::AWAY));
    let mut socket = business.open(&stage).await;
    assert!(!goes(&mut socket, &tester, 6).await);
    // And it still hears.
    assert_eq!(other.put(0, &business.device, 7).await, 200);
    assert_eq!(socket.numbers(1).await, [7]);
    stage.close().await;
}

async fn another_host_ends_the_sockets_of_the_one_before(ground: Ground) {
    let stage = stage(ground).await;
    let business = business(&stage).await;
    let mut socket = business.open(&stage).await;
    ask(&stage, &business.credential, "PUT", "/v1/business/hosting", json!({ "mode": "operator" })).await;
    assert_eq!(socket.closed().await, Some(close::REMOVED));
    stage.close().await;
}
