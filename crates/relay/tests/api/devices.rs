//! Linking, listing and removing devices.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::stage::{DAY, MINUTE, Site, identity, offer};

pub(crate) async fn a_device_is_linked_by_way_of_the_relay(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    // The new device opens a meeting and shows it as a QR code; the primary scans it.
    let meeting = stage.post("/v1/provisioning", json!({})).await;
    let meeting = meeting.is(200).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/provisioning/{meeting}");
    stage.get(&path).await.is(204);
    let code = primary.send("POST", "/v1/devices/codes", json!({})).await;
    assert_eq!(code.is(200).json()["expires_in_ms"], 600_000);
    primary.send("PUT", &path, json!({ "message": "c2VhbGVk" })).await.is(204);
    assert_eq!(stage.get(&path).await.is(200).json(), json!({ "message": "c2VhbGVk" }));
    // Sealed in the message: identity key and code.
    let device = offer(&primary.identity, 77, 3);
    let link = json!({ "code": code.json()["code"], "device": device });
    let linked = stage.post("/v1/devices", link).await;
    let linked = stage.device(linked.is(200), primary.identity.clone());
    assert_eq!((linked.number, &linked.account, &linked.phone), (2, &primary.account, &primary.phone));
    let devices = linked.get("/v1/devices").await.is(200).json();
    let today = 1_800_000_000_000_u64 / 86_400_000 * 86_400_000;
    let one = |id: u32| json!({ "id": id, "name": "YSBuYW1l", "created": 1_800_000_000_000_u64, "last_seen": today });
    assert_eq!(devices, json!({ "devices": [one(1), one(2)] }));
    stage.close().await;
}

pub(crate) async fn a_linking_code_is_good_once(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    let code = async || primary.send("POST", "/v1/devices/codes", json!({})).await.json()["code"].clone();
    let device = offer(&primary.identity, 2, 0);
    let link = async |code: &serde_json::Value| {
        stage.post("/v1/devices", json!({ "code": code, "device": device })).await
    };
    let first = code().await;
    let second = code().await;
    link(&first).await.refused(403, "code_expired");
    link(&second).await.is(200);
    link(&second).await.refused(403, "code_expired");
    let late = code().await;
    stage.clock.advance(10 * MINUTE);
    link(&late).await.refused(403, "code_expired");
    link(&json!("nonsense")).await.refused(403, "code_expired");
    stage.close().await;
}

pub(crate) async fn a_linked_device_needs_the_identity_of_the_account(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    let code = primary.send("POST", "/v1/devices/codes", json!({})).await.json()["code"].clone();
    let thief = offer(&identity("thief"), 2, 0);
    let refused = stage.post("/v1/devices", json!({ "code": code, "device": thief })).await;
    assert_eq!(refused.refused(400, "invalid_request").json()["error"]["field"], "identity_key");
    // Knowing the public identity key is not having it.
    let mut thief = thief;
    thief.identity_key.0 = primary.identity.public.to_bytes().to_vec();
    let refused = stage.post("/v1/devices", json!({ "code": code, "device": thief })).await;
    assert_eq!(refused.refused(400, "invalid_request").json()["error"]["field"], "signed_prekey");
    assert_eq!(stage.count("SELECT COUNT(*) FROM devices").await, 1);
    stage.close().await;
}

pub(crate) async fn an_account_has_ten_devices(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    for number in 2..=10 {
        assert_eq!(stage.link(&primary).await.number, number);
    }
    let code = primary.send("POST", "/v1/devices/codes", json!({})).await.json()["code"].clone();
    let link = json!({ "code": code, "device": offer(&primary.identity, 2, 0) });
    let full = stage.post("/v1/devices", link.clone()).await;
    assert_eq!(full.refused(413, "too_large").json()["error"]["limit"], 10);
    // The refusal did not use the code up, and a number that is free is given again.
    primary.delete("/v1/devices/5").await.is(204);
    assert_eq!(stage.post("/v1/devices", link).await.is(200).json()["device"], 5);
    stage.close().await;
}

pub(crate) async fn removing_a_device_ends_its_credential(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    let (second, third) = (stage.link(&primary).await, stage.link(&primary).await);
    primary.delete("/v1/devices/2").await.is(204);
    primary.delete("/v1/devices/2").await.refused(404, "not_found");
    second.get("/v1/account").await.refused(401, "unauthorized");
    third.get("/v1/account").await.is(200);
    // Its successor with the same number is somebody else.
    assert_eq!(stage.link(&primary).await.number, 2);
    second.get("/v1/account").await.refused(401, "unauthorized");
    primary.delete("/v1/devices/1").await.refused(403, "forbidden");
    primary.delete("/v1/devices/128").await.refused(404, "not_found");
    stage.close().await;
}

pub(crate) async fn a_linked_device_removes_only_itself(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    let (second, third) = (stage.link(&primary).await, stage.link(&primary).await);
    second.delete("/v1/devices/3").await.refused(403, "forbidden");
    second.delete("/v1/devices/1").await.refused(403, "forbidden");
    third.delete("/v1/devices/3").await.is(204);
    third.get("/v1/account").await.refused(401, "unauthorized");
    stage.close().await;
}

pub(crate) async fn a_meeting_gives_its_message_once(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    let begin = async || {
        let begun = stage.post("/v1/provisioning", json!({})).await.is(200).json();
        format!("/v1/provisioning/{}", begun["id"].as_str().unwrap())
    };
    let path = begin().await;
    primary.send("PUT", &path, json!({ "message": "" })).await.refused(400, "invalid_request");
    let large = "A".repeat((4 << 10) / 3 * 4 + 8);
    primary.send("PUT", &path, json!({ "message": large })).await.refused(413, "too_large");
    primary.send("PUT", &path, json!({ "message": "AAAA" })).await.is(204);
    primary.send("PUT", &path, json!({ "message": "BBBB" })).await.refused(404, "not_found");
    let questions = futures_util::future::join_all((0..8).map(|_| stage.get(&path))).await;
    assert_eq!(questions.iter().filter(|answer| answer.status == 200).count(), 1, "{questions:?}");
    stage.get(&path).await.refused(404, "not_found");
    let late = begin().await;
    stage.clock.advance(10 * MINUTE);
    stage.get(&late).await.refused(404, "not_found");
    primary.send("PUT", &late, json!({ "message": "AAAA" })).await.refused(404, "not_found");
    stage.relay.services.provisioning.sweep().await.unwrap();
    assert_eq!(stage.count("SELECT COUNT(*) FROM provisioning").await, 0);
    for bad in ["0", &"0".repeat(32), &"Z".repeat(32)] {
        stage.get(&format!("/v1/provisioning/{bad}")).await.refused(404, "not_found");
    }
    stage.get(&format!("{path}?wait_ms=long")).await.refused(400, "invalid_request");
    stage.close().await;
}

pub(crate) async fn a_question_waits_for_its_answer(site: Site) {
    let stage = site.stage().await;
    let primary = stage.person().await;
    let begun = stage.post("/v1/provisioning", json!({})).await.json();
    let path = format!("/v1/provisioning/{}", begun["id"].as_str().unwrap());
    let began = Instant::now();
    let waiting = format!("{path}?wait_ms=300");
    stage.get(&waiting).await.is(204);
    assert!(began.elapsed() >= Duration::from_millis(300));
    let waiting = format!("{path}?wait_ms=25000");
    let began = Instant::now();
    let leave = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        primary.send("PUT", &path, json!({ "message": "AAAA" })).await
    };
    let (answer, left) = tokio::join!(stage.get(&waiting), leave);
    left.is(204);
    assert_eq!(answer.is(200).json(), json!({ "message": "AAAA" }));
    assert!(began.elapsed() < Duration::from_secs(4), "it was woken, and did not look again by itself");
    stage.close().await;
}

pub(crate) async fn the_day_of_the_last_visit_is_noted(site: Site) {
    let stage = site.stage().await;
    let person = stage.person().await;
    stage.clock.advance(3 * DAY);
    person.get("/v1/account").await.is(200);
    let expected = (1_800_000_000_000_i64 + 3 * 86_400_000) / 86_400_000 * 86_400_000;
    stage
        .until("the day is noted", async |stage| {
            stage.count("SELECT last_seen_day FROM devices").await == expected
        })
        .await;
    stage.close().await;
}
