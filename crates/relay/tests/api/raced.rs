//! A request whose device is removed between the check of its credential and what it writes. Each is asked of the
//! feature itself, as a caller who was let in a moment ago.

use relay::{RelayError, auth::Caller};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wire::api;

use crate::{
    blobs::begin,
    erasure::dump,
    stage::{Device, Site, Stage, curve_key},
};

async fn let_in(stage: &Stage, device: &Device) -> Caller {
    stage.relay.services.credentials.verify(&device.token.parse().unwrap()).await.unwrap()
}

/// Everything that a device may write.
async fn write_all(stage: &Stage, caller: Caller, meeting: &str) -> Vec<(&'static str, RelayError)> {
    let services = &stage.relay.services;
    let other = wire::AccountId::from_bytes([9; 16]);
    let key = api::Key { id: 900, public_key: curve_key(900).into() };
    let keys = api::UploadKeys {
        signed_prekey: None,
        last_resort_kem_prekey: None,
        one_time_prekeys: vec![key],
        one_time_kem_prekeys: Vec::new(),
    };
    let pin = relay::registration::Pin::parse("4711".to_owned()).unwrap();
    let outcomes = [
        ("discoverable", services.accounts.set_discoverable(caller, false).await),
        ("profile", services.profiles.put(caller, b"profile".to_vec()).await),
        ("block", services.blocks.block(caller, other).await),
        ("unblock", services.blocks.unblock(caller, other).await),
        ("linking code", services.linking.code(caller).await.map(drop)),
        ("meeting", services.provisioning.leave(caller, meeting.parse().unwrap(), vec![1]).await),
        ("keys", services.keys.upload(caller, keys).await),
        ("lock", services.registration.lock(caller, pin).await),
        ("unlock", services.registration.unlock(caller).await),
        ("blob", services.blobs.begin(caller, 10).await.map(drop)),
        ("device", services.devices.remove(caller, caller.device).await),
        ("account", services.erasure.erase(caller).await),
    ];
    outcomes.into_iter().filter_map(|(what, outcome)| Some((what, outcome.err()?))).collect()
}

fn sorted(mut rows: Vec<(String, String)>) -> Vec<(String, String)> {
    rows.sort();
    rows
}

async fn writes_nothing(stage: &Stage, caller: Caller) {
    let meeting = stage.post("/v1/provisioning", json!({})).await.is(200).json();
    let before = sorted(dump(stage).await);
    let refused = write_all(stage, caller, meeting["id"].as_str().unwrap()).await;
    assert_eq!(refused.len(), 12, "{refused:?}");
    for (what, error) in &refused {
        let primary = *what == "device" && matches!(error, RelayError::Forbidden(_));
        assert!(primary || matches!(error, RelayError::Unauthorized), "{what}: {error:?}");
    }
    assert_eq!(sorted(dump(stage).await), before);
    assert_eq!(stage.blobs(), 0, "bytes of a blob that nobody has");
}

pub(crate) async fn a_removed_device_writes_nothing_any_more(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let linked = stage.link(&one).await;
    let caller = let_in(&stage, &linked).await;
    one.delete("/v1/devices/2").await.is(204);
    writes_nothing(&stage, caller).await;
    // Nor does whoever had its number before.
    stage.link(&one).await;
    writes_nothing(&stage, caller).await;
    stage.close().await;
}

pub(crate) async fn an_erased_account_writes_nothing_any_more(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let caller = let_in(&stage, &one).await;
    one.delete("/v1/account").await.is(204);
    writes_nothing(&stage, caller).await;
    stage.close().await;
}

pub(crate) async fn an_upload_under_way_ends_with_its_account(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let path = begin(&one, 100).await;
    let mut wire = stage.begin_patch(&one, &path, 100).await;
    wire.write_all(&[1; 50]).await.unwrap();
    one.delete("/v1/account").await.is(204);
    wire.write_all(&[1; 50]).await.unwrap();
    let mut answer = [0; 12];
    wire.read_exact(&mut answer).await.unwrap();
    assert!(matches!(&answer[9..], b"401" | b"404"), "{}", String::from_utf8_lossy(&answer));
    stage.until("its bytes are gone", async |stage| stage.blobs() == 0).await;
    assert_eq!(stage.count("SELECT COUNT(*) FROM blobs").await, 0);
    stage.close().await;
}
