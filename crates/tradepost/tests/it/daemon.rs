//! Other programs build on an account: JSON-RPC 2.0, line by line.

use serde_json::{Value, json};

use crate::people::{ANNA, BANK, Relay, Talk};

fn call(daemon: &mut Talk, id: u32, method: &str, params: Value) -> Value {
    daemon.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
    daemon.value(|value| value["id"] == id)
}

#[test]
fn a_program_sends_receives_and_asks() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let mut daemon = anna.talk(&["daemon"]);
    assert_eq!(call(&mut daemon, 1, "own", json!({}))["result"]["number"], ANNA);
    let sent = call(&mut daemon, 2, "send", json!({"to": BANK, "text": "Hello"}));
    let id = sent["result"]["id"].clone();
    daemon.value(|value| value["params"]["event"] == "state" && value["params"]["state"] == "sent");
    assert_eq!(bank.received(), ["Hello"]);
    bank.json(&["send", ANNA, "Gladly"]);
    let event = daemon.value(|value| value["params"]["event"] == "message");
    assert_eq!(
        (&event["method"], &event["params"]["message"]["body"]["text"]),
        (&"event".into(), &"Gladly".into())
    );
    let chat = event["params"]["message"]["chat"].clone();
    let position = event["params"]["message"]["position"].clone();
    let read = call(&mut daemon, 3, "mark_read", json!({"chat": chat, "position": position}));
    assert_eq!(read["result"]["read"], 1);
    let draft = json!({"type": "reaction", "message": event["params"]["message"]["id"], "emoji": "👍"});
    assert!(call(&mut daemon, 4, "send", json!({"to": chat, "draft": draft})).get("result").is_some());
    let history = call(&mut daemon, 5, "history", json!({"chat": BANK}));
    assert_eq!(history["result"].as_array().unwrap().len(), 2);
    assert_eq!(call(&mut daemon, 6, "message", json!({"message": id}))["result"]["body"]["text"], "Hello");
    let number = call(&mut daemon, 7, "safety_number", json!({"account": BANK}));
    assert_eq!(number["result"]["digits"], bank.json(&["verify", ANNA])["safety_number"]);
    let digits = &number["result"]["digits"];
    let verify = json!({"account": BANK, "verified": true, "digits": digits});
    assert!(call(&mut daemon, 20, "set_verified", verify)["error"].is_null());
    let wrong =
        call(&mut daemon, 21, "set_verified", json!({"account": BANK, "verified": true, "digits": "1"}));
    assert_eq!(wrong["error"]["data"]["code"], "identity_changed");
    let none = call(&mut daemon, 22, "accept_identity", json!({"account": BANK}));
    assert_eq!(none["error"]["code"], -32602);
    let messages = call(&mut daemon, 23, "messages", json!({"after": 0}));
    assert_eq!(messages["result"].as_array().unwrap().len(), 2);
    assert!(call(&mut daemon, 8, "methods", json!({}))["result"].as_array().unwrap().len() > 20);
    assert!(call(&mut daemon, 9, "settled", json!({})).get("result").is_some());
    assert!(daemon.end().success());
    bank.received();
    assert_eq!(bank.message(ANNA, 0)["state"]["state"], "read");
    assert_eq!(bank.message(ANNA, 0)["reactions"][0]["emoji"], "👍");
}

#[test]
fn a_program_keeps_its_messages_itself() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let mut daemon = bank.talk(&["daemon"]);
    call(&mut daemon, 1, "set_settings", json!({"keep_history": false}));
    anna.json(&["send", BANK, "Hello"]);
    daemon.value(|value| value["params"]["event"] == "feed");
    let fed = call(&mut daemon, 2, "feed", json!({}));
    let item = &fed["result"][0];
    assert_eq!((&item["news"], &item["message"]["body"]["text"]), (&"message".into(), &"Hello".into()));
    let (chat, id) = (&item["message"]["chat"], &item["message"]["id"]);
    assert!(
        call(&mut daemon, 3, "mark_these_read", json!({"chat": chat, "messages": [id]}))["error"].is_null()
    );
    let taken = call(&mut daemon, 4, "forget_through", json!({"position": item["position"]}));
    assert_eq!(taken["result"]["forgotten"], 1);
    assert_eq!(call(&mut daemon, 5, "history", json!({"chat": chat}))["result"], json!([]));
    assert!(daemon.end().success());
    anna.received();
    assert_eq!(anna.message(BANK, 0)["state"]["state"], "read");
}

#[test]
fn a_program_that_errs_is_told_how() {
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    let mut daemon = anna.talk(&["daemon"]);
    let code = |answer: &Value| answer["error"]["code"].clone();
    assert_eq!(code(&call(&mut daemon, 1, "sned", json!({}))), -32601);
    assert_eq!(code(&call(&mut daemon, 2, "send", json!({"to": 7, "text": "x"}))), -32602);
    let nobody = call(&mut daemon, 3, "send", json!({"to": BANK, "text": "x"}));
    assert_eq!(
        (code(&nobody), &nobody["error"]["data"]["code"]),
        ((-32001).into(), &"no_such_account".into())
    );
    daemon.say("not JSON");
    assert_eq!(code(&daemon.value(|value| value.get("error").is_some())), -32700);
    daemon.say(r#"{"id": 4, "method": "own"}"#);
    assert_eq!(code(&daemon.value(|value| value["id"] == 4)), -32600);
    daemon.say(r#"[{"jsonrpc": "2.0", "id": 5, "method": "own"}, {"jsonrpc": "2.0", "method": "own"}]"#);
    let batch = daemon.value(Value::is_array);
    assert_eq!(batch.as_array().unwrap().len(), 1, "what has no id is not answered");
    assert!(daemon.end().success());
}
