//! What accounts say about themselves, whom they block, and how they are reached.

use std::time::Duration;

use serde_json::json;
use store::testing::Nats;

use crate::stage::Site;

pub(crate) async fn an_account_knows_itself(site: Site) {
    let stage = site.stage().await;
    let person = stage.person().await;
    let expected = json!({
        "account": person.account, "device": 1, "number": person.phone, "discoverable": true,
        "registration_lock": false,
    });
    assert_eq!(person.get("/v1/account").await.is(200).json(), expected);
    let linked = stage.link(&person).await;
    assert_eq!(linked.get("/v1/account").await.is(200).json()["device"], 2);
    stage.close().await;
}

pub(crate) async fn numbers_are_looked_up_if_they_want_to_be_found(site: Site) {
    let stage = site.stage().await;
    let (one, two, shy) = (stage.person().await, stage.person().await, stage.person().await);
    shy.send("PATCH", "/v1/account", json!({ "discoverable": false })).await.is(204);
    let numbers = [&one.phone, &two.phone, &shy.phone, &two.phone, &stage.new_number()];
    let found = one.send("POST", "/v1/accounts/lookup", json!({ "numbers": numbers })).await;
    let found = found.is(200).json();
    let mut found: Vec<_> =
        found["accounts"].as_array().unwrap().iter().map(|one| one["account"].clone()).collect();
    let mut expected = [json!(one.account), json!(two.account)];
    found.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
    assert_eq!(shy.get("/v1/account").await.json()["discoverable"], false);
    let nobody = one.send("POST", "/v1/accounts/lookup", json!({ "numbers": [] })).await;
    assert_eq!(nobody.is(200).json(), json!({ "accounts": [] }));
    let many = vec![one.phone.clone(); 101];
    let many = one.send("POST", "/v1/accounts/lookup", json!({ "numbers": many })).await;
    many.refused(400, "invalid_request");
    let bad = one.send("POST", "/v1/accounts/lookup", json!({ "numbers": ["110"] })).await;
    bad.refused(400, "invalid_number");
    stage.close().await;
}

pub(crate) async fn a_profile_is_kept_for_others(site: Site) {
    let stage = site.stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    let path = format!("/v1/accounts/{}/profile", one.account);
    two.get(&path).await.refused(404, "not_found");
    one.send("PUT", "/v1/profile", json!({ "profile": "c2VhbGVk" })).await.is(204);
    assert_eq!(two.get(&path).await.is(200).json(), json!({ "profile": "c2VhbGVk" }));
    let large = "A".repeat((8 << 10) / 3 * 4 + 8);
    let large = one.send("PUT", "/v1/profile", json!({ "profile": large })).await;
    assert_eq!(large.refused(413, "too_large").json()["error"]["limit"], 8 << 10);
    one.send("PUT", "/v1/profile", json!({ "profile": "not base64!" })).await.refused(400, "invalid_request");
    two.get("/v1/accounts/nobody/profile").await.refused(404, "not_found");
    stage.close().await;
}

pub(crate) async fn blocks_are_listed_and_end(site: Site) {
    let stage = site.stage().await;
    let (one, two, three) = (stage.person().await, stage.person().await, stage.person().await);
    let path = |account: &str| format!("/v1/blocks/{account}");
    for other in [&two, &three, &two] {
        one.send("PUT", &path(&other.account), json!({})).await.is(204);
    }
    let mut expected = [two.account.clone(), three.account.clone()];
    expected.sort();
    assert_eq!(one.get("/v1/blocks").await.is(200).json(), json!({ "accounts": expected }));
    one.delete(&path(&two.account)).await.is(204);
    one.delete(&path(&two.account)).await.is(204);
    assert_eq!(one.get("/v1/blocks").await.json(), json!({ "accounts": [three.account] }));
    assert_eq!(two.get("/v1/blocks").await.json(), json!({ "accounts": [] }));
    one.send("PUT", &path(&one.account), json!({})).await.refused(400, "invalid_request");
    stage.close().await;
}

pub(crate) async fn a_recipient_changes_at_once(site: Site) {
    let stage = site.stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    let accounts = stage.relay.services.accounts.clone();
    let (id, sender) = (one.account_id(), two.account_id());
    let numbers = async || -> Vec<u8> {
        let recipient = accounts.recipient(id).await.unwrap().unwrap();
        recipient.endpoints.iter().map(|endpoint| endpoint.device.get()).collect()
    };
    // A signal of the registration that comes late may forget it once more.
    stage.until("it is kept", async |_| numbers().await == [1] && accounts.cached(id).is_some()).await;
    let linked = stage.link(&one).await;
    assert_eq!(numbers().await, [1, 2]);
    one.send("PUT", &format!("/v1/blocks/{}", two.account), json!({})).await.is(204);
    assert!(accounts.recipient(id).await.unwrap().unwrap().blocks(sender));
    one.delete(&format!("/v1/blocks/{}", two.account)).await.is(204);
    assert!(!accounts.recipient(id).await.unwrap().unwrap().blocks(sender));
    linked.delete("/v1/devices/2").await.is(204);
    assert_eq!(numbers().await, [1]);
    // What nobody told this node, it finds out by itself.
    stage.clock.advance(Duration::from_secs(30));
    assert!(accounts.cached(id).is_none());
    one.delete("/v1/account").await.is(204);
    assert!(accounts.recipient(id).await.unwrap().is_none());
    stage.close().await;
}

pub(crate) async fn a_change_on_another_node_is_heard(site: Site) {
    let nats = Nats::start();
    let url = nats.url();
    let stage = site.stage_with(|config| config.bus.nats = Some(url.as_str().into())).await;
    let Some(other) = stage.another().await else { return stage.close().await };
    let one = stage.person().await;
    let (here, there) = (&stage.relay.services.accounts, &other.services.accounts);
    for accounts in [here, there] {
        assert_eq!(accounts.recipient(one.account_id()).await.unwrap().unwrap().endpoints.len(), 1);
    }
    stage.link(&one).await;
    stage
        .until("the other node hears of the new device", async |_| {
            there.recipient(one.account_id()).await.unwrap().unwrap().endpoints.len() == 2
        })
        .await;
    other.shutdown().await;
    stage.close().await;
}
