//! Sends by a request that are refused, as relay-api.md describes the answers. Sockets have the same rules:
//! `crates/relay/tests/sockets/refusal.rs`.

use serde_json::{Value, json};
use wire::Base64;

use crate::stage::{Answer, Device, Site};

fn part(device: u32, registration_id: u32) -> Value {
    json!({ "device": device, "registration_id": registration_id, "kind": 2, "body": Base64(vec![1; 80]) })
}

async fn send(from: &Device, to: &Device, id: u8, parts: &[Value]) -> Answer {
    let body = json!({ "id": Base64(vec![id; 16]), "timestamp": 1, "transient": false, "parts": parts });
    from.send("PUT", &format!("/v1/accounts/{}/messages", to.account), body).await
}

/// The whole body, but for the words for people, which have to be there.
fn error(answer: &Answer) -> Value {
    let mut body = answer.json();
    let message = body["error"].as_object_mut().unwrap().remove("message").unwrap();
    assert!(!message.as_str().unwrap().is_empty());
    body
}

pub(crate) async fn a_send_for_other_devices_than_there_are_says_which(site: Site) {
    let stage = site.stage().await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let answer = send(&anna, &bank, 1, &[part(2, 1)]).await;
    assert_eq!(
        error(answer.is(409)),
        json!({ "error": { "code": "mismatched_devices", "missing": [1], "extra": [2] } })
    );
    // A list that would be empty is left out.
    let answer = send(&anna, &bank, 2, &[part(1, 1), part(3, 1)]).await;
    assert_eq!(error(answer.is(409)), json!({ "error": { "code": "mismatched_devices", "extra": [3] } }));
    stage.link(&bank).await;
    let answer = send(&anna, &bank, 3, &[part(1, 1)]).await;
    assert_eq!(error(answer.is(409)), json!({ "error": { "code": "mismatched_devices", "missing": [2] } }));
    // Nothing of these was kept; the same ids are good for what they were meant for.
    assert_eq!(stage.count(crate::stage::ENVELOPES).await, 0);
    let sent = send(&anna, &bank, 3, &[part(1, 1), part(2, 2)]).await;
    assert_eq!(sent.is(200).json(), json!({ "sent": true }));
    assert_eq!(stage.count(crate::stage::ENVELOPES).await, 2);
    stage.close().await;
}

pub(crate) async fn a_send_for_a_device_that_was_set_up_anew_says_which(site: Site) {
    let stage = site.stage().await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    stage.link(&bank).await;
    let answer = send(&anna, &bank, 1, &[part(1, 77), part(2, 2)]).await;
    assert_eq!(error(answer.is(410)), json!({ "error": { "code": "stale_devices", "devices": [1] } }));
    let answer = send(&anna, &bank, 2, &[part(1, 77), part(2, 78)]).await;
    assert_eq!(error(answer.is(410)), json!({ "error": { "code": "stale_devices", "devices": [1, 2] } }));
    // Which devices there are comes before what is known of them.
    let answer = send(&anna, &bank, 3, &[part(1, 77)]).await;
    assert_eq!(error(answer.is(409)), json!({ "error": { "code": "mismatched_devices", "missing": [2] } }));
    assert_eq!(stage.count(crate::stage::ENVELOPES).await, 0);
    stage.close().await;
}
