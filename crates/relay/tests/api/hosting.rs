//! Who hosts whom, and what customers are told about it.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};
use wire::hosting::{
    DECLARATION, Declaration, KEY_CERTIFICATE, KeyCertificate, Mode, NUMBER_PROOF, NumberProof,
};

use crate::{
    business::{bytes, opened, send, stage, stage_with},
    stage::{Device, Site, Stage, identity},
};

/// What customers are told about a device's account.
async fn declared(stage: &Stage, asks: &Device, about: &Device) -> Declaration {
    let key = stage.label_key().await;
    let answer = asks.get(&format!("/v1/accounts/{}/declaration", about.account)).await.is(200).json();
    let alone = opened::<Declaration>(&answer["declaration"], &key, DECLARATION);
    let bundles = asks.get(&format!("/v1/accounts/{}/keys", about.account)).await.is(200).json();
    let beside = opened::<Declaration>(&bundles["declaration"], &key, DECLARATION);
    assert_eq!(alone.label(), beside.label());
    alone
}

pub(crate) async fn a_business_that_hosts_itself_is_declared_so(site: Site) {
    let stage = stage(site).await;
    let business = stage.approved().await;
    let customer = stage.person().await;
    let (_, device) = business.hosted().await;
    let declaration = declared(&stage, &customer, &device).await;
    let day = 24 * 60 * 60 * 1000;
    assert_eq!(
        declaration,
        Declaration {
            business: business.id.parse::<wire::BusinessId>().unwrap().to_bytes().to_vec(),
            account: device.account_id().to_bytes().to_vec(),
            mode: Mode::SelfHosted.into(),
            host: Vec::new(),
            host_name: String::new(),
            name: "Example Bank".into(),
            legal_name: "Bank of Examples AG".into(),
            verified: true,
            identity_key: device.identity.public.to_bytes().to_vec(),
            since: declaration.issued,
            issued: declaration.issued,
            expires: declaration.issued + 7 * day,
            country: "DE".into(),
            category: "FINANCE".into(),
        }
    );
    // Under another context it says nothing, and a person has none.
    let key = stage.label_key().await;
    let answer = customer.get(&format!("/v1/accounts/{}/declaration", device.account)).await.is(200).json();
    let signed = wire::hosting::Signed::read(&bytes(answer["declaration"].as_str().unwrap())).unwrap();
    let signature = keys::Signature::from_bytes(&signed.signature).unwrap();
    assert!(key.verify(&signed.signed_bytes(NUMBER_PROOF), &signature).is_err());
    device.get(&format!("/v1/accounts/{}/declaration", customer.account)).await.refused(404, "not_found");
    let bundles = device.get(&format!("/v1/accounts/{}/keys", customer.account)).await.is(200).json();
    assert_eq!(bundles["declaration"], Value::Null);
    // What is suspended is not verified.
    business.decide("suspend", json!({ "reason": "complaints" })).await.is(200);
    assert!(!declared(&stage, &customer, &device).await.verified);
    stage.close().await;
}

pub(crate) async fn no_other_credential_registers_a_device(site: Site) {
    let stage = stage(site).await;
    let (business, other) = (stage.approved().await, stage.approved().await);
    let (vendor, vendor_host) = stage.vendor("Host GmbH").await;
    let (second, second_host) = stage.vendor("Second Host").await;
    let made = stage.operator().post("/v1/operator/host-credential", Value::Null).await.is(200).json();
    let operator_host = made["credential"].as_str().unwrap().to_owned();
    let others_host = other.owner.host(json!({ "mode": "self" })).await;
    let key = identity("host");
    let all =
        [vendor_host.credential.clone(), second_host.credential.clone(), operator_host.clone(), others_host];

    // Before the business said who hosts it, nobody does.
    for host in &all {
        business.try_device(host, &key).await.refused(403, "forbidden");
    }
    let own = business.owner.host(json!({ "mode": "self" })).await;
    for host in &all {
        business.try_device(host, &key).await.refused(403, "forbidden");
    }
    let no_host =
        [business.owner.credential.clone(), crate::business::OPERATOR.into(), stage.person().await.token];
    for credential in &no_host {
        business.try_device(credential, &key).await.refused(401, "unauthorized");
    }
    // A secret under another's name is no credential.
    let vendor_id = own.replace("tph1_", "tpv1_");
    business.try_device(&vendor_id, &key).await.refused(401, "unauthorized");
    let mut forged = own.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    business.try_device(&forged, &key).await.refused(401, "unauthorized");
    business.device(&own).await;
    // Of a number that is another's, nobody registers anything.
    let body =
        json!({ "business": business.id, "number": other.number, "device": crate::stage::offer(&key, 1, 1) });
    stage.party(&own).post("/v1/hosting/devices", body).await.refused(404, "not_found");

    // A vendor: that one and no other, nor the credential from before.
    business.owner.host(json!({ "mode": "vendor", "vendor": vendor })).await;
    business.try_device(&own, &key).await.refused(401, "unauthorized");
    business.try_device(&second_host.credential, &key).await.refused(403, "forbidden");
    business.try_device(&operator_host, &key).await.refused(403, "forbidden");
    let device = business.device(&vendor_host.credential).await;
    let customer = stage.person().await;
    let declaration = declared(&stage, &customer, &device).await;
    assert_eq!((declaration.mode(), &*declaration.host_name), (Mode::Vendor, "Host GmbH"));
    assert_eq!(declaration.host, vendor.parse::<wire::VendorId>().unwrap().to_bytes());

    // The operator says so itself.
    business.owner.host(json!({ "mode": "operator" })).await;
    business.try_device(&vendor_host.credential, &key).await.refused(403, "forbidden");
    let device = business.device(&operator_host).await;
    let declaration = declared(&stage, &customer, &device).await;
    assert_eq!((declaration.mode(), &*declaration.host_name), (Mode::Operator, "Relay Ltd"));
    // And what is not served yet, or makes no sense, says so.
    for (body, field) in [
        (json!({ "mode": "sealed" }), "mode"),
        (json!({ "mode": "vendor" }), "vendor"),
        (json!({ "mode": "self", "vendor": second }), "vendor"),
        (json!({ "mode": "vendor", "vendor": business.id }), "vendor"),
    ] {
        let refused = business.owner.put("/v1/business/hosting", body).await;
        assert_eq!(refused.refused(400, "invalid_request").json()["error"]["field"], field);
    }
    stage.close().await;
}

pub(crate) async fn a_device_of_a_business_brings_it_a_further_number(site: Site) {
    let stage = stage(site).await;
    let business = stage.approved().await;
    let (vendor, host) = stage.vendor("Host GmbH").await;
    business.owner.host(json!({ "mode": "vendor", "vendor": vendor })).await;
    let device = business.device(&host.credential).await;
    let customer = stage.person().await;
    let add_signed = async |by: &Device, signer: &::keys::KeyPair, number: &str, code: &str| {
        let device = crate::stage::offer(&identity("further"), 1, 3);
        let stated = wire::hosting::further_number(&number.parse().unwrap(), &device.identity_key.0);
        let stated = wire::hosting::signed_bytes(wire::hosting::FURTHER_NUMBER, &stated);
        let signature = signer.private.sign(&stated, &mut ChaCha20Rng::seed_from_u64(7));
        let signature = wire::Base64(signature.as_bytes().to_vec());
        let body = json!({ "number": number, "code": code, "device": device, "signature": signature });
        by.send("POST", "/v1/hosting/numbers", body).await
    };
    let add = async |by: &Device, number: &str, code: &str| add_signed(by, &by.identity, number, code).await;
    let number = stage.new_number();
    let code = stage.code(&number).await;
    add(&customer, &number, &code).await.refused(403, "forbidden");
    // A token alone, or a device that was linked, brings nothing.
    add_signed(&device, &identity("somebody"), &number, &code).await.refused(400, "invalid_request");
    let linked = stage.link(&device).await;
    add(&linked, &number, &code).await.refused(403, "forbidden");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    add(&device, &number, wrong).await.refused(403, "code_wrong");
    let added = add(&device, &number, &code).await;
    let further = stage.device(added.is(200), identity("further"));
    add(&device, &number, &code).await.refused(403, "code_expired");
    // Hosted as the one that brought it, and bound: the owner sees it, and can take it away.
    let declaration = declared(&stage, &customer, &further).await;
    assert_eq!((declaration.mode(), &*declaration.host_name), (Mode::Vendor, "Host GmbH"));
    assert_eq!(declaration.business, business.id.parse::<wire::BusinessId>().unwrap().to_bytes());
    let seen = business.owner.get("/v1/business").await.is(200).json();
    assert!(seen["numbers"].to_string().contains(&number), "{seen}");
    // The number that asks is not brought anew by itself.
    stage.clock.advance(std::time::Duration::from_secs(10 * 60));
    let own = stage.code(&business.number).await;
    add(&device, &business.number, &own).await.refused(409, "conflict");
    device.get("/v1/account").await.is(200);
    business.owner.delete(&format!("/v1/business/numbers/{number}")).await.is(204);
    further.get("/v1/account").await.refused(401, "unauthorized");
    // Another host: nobody of the one before brings anything.
    business.owner.host(json!({ "mode": "self" })).await;
    stage.clock.advance(std::time::Duration::from_secs(10 * 60));
    let code = stage.code(&number).await;
    add(&device, &number, &code).await.refused(401, "unauthorized");
    // Nor a vendor that is suspended, whose devices are still there.
    business.owner.host(json!({ "mode": "vendor", "vendor": vendor })).await;
    let device = business.device(&host.credential).await;
    let path = format!("/v1/operator/vendors/{vendor}/suspend");
    stage.operator().post(&path, Value::Null).await.is(204);
    let refused = add(&device, &number, &code).await;
    let suspended = refused.json()["error"]["message"] == "the vendor is suspended";
    assert!(suspended || refused.status == 401, "{refused:?}");
    stage.close().await;
}

pub(crate) async fn another_host_begins_anew(site: Site) {
    let stage = stage(site).await;
    let business = stage.approved().await;
    let customer = stage.person().await;
    let (own, device) = business.hosted().await;
    let before = declared(&stage, &customer, &device).await;
    // The same again is another credential, and nothing else.
    let again = business.owner.host(json!({ "mode": "self" })).await;
    business.try_device(&own, &identity("replayed")).await.refused(401, "unauthorized");
    device.get("/v1/account").await.is(200);
    assert_eq!(declared(&stage, &customer, &device).await.label(), before.label());

    stage.clock.advance(crate::stage::MINUTE);
    let (vendor, host) = stage.vendor("Host GmbH").await;
    business.owner.host(json!({ "mode": "vendor", "vendor": vendor })).await;
    device.get("/v1/account").await.refused(401, "unauthorized");
    customer.get(&format!("/v1/accounts/{}/declaration", device.account)).await.refused(404, "not_found");
    customer.get(&format!("/v1/accounts/{}/keys", device.account)).await.refused(404, "not_found");
    business.try_device(&again, &identity("replayed")).await.refused(401, "unauthorized");
    let managed = business.device(&host.credential).await;
    assert_eq!(managed.account, device.account);
    let after = declared(&stage, &customer, &managed).await;
    assert_ne!(after.label(), before.label());
    assert_eq!((after.mode(), after.since), (Mode::Vendor, before.since + 60_000));
    assert_ne!(after.identity_key, before.identity_key);
    // A linked device is of the same host, and goes with it.
    let linked = stage.link(&managed).await;
    business.owner.host(json!({ "mode": "self" })).await;
    linked.get("/v1/account").await.refused(401, "unauthorized");
    managed.get("/v1/account").await.refused(401, "unauthorized");
    // An erased account is nobody's, and its number can be registered again.
    let (_, device) = business.hosted().await;
    device.delete("/v1/account").await.is(204);
    let (_, device) = business.hosted().await;
    assert_eq!(declared(&stage, &customer, &device).await.mode(), Mode::SelfHosted);
    stage.close().await;
}

pub(crate) async fn a_suspended_vendor_hosts_nothing(site: Site) {
    let stage = stage(site).await;
    let business = stage.approved().await;
    let customer = stage.person().await;
    let (vendor, host) = stage.vendor("Host GmbH").await;
    business.owner.host(json!({ "mode": "vendor", "vendor": vendor })).await;
    let device = business.device(&host.credential).await;
    send(&device, &customer, 1).await.is(200);
    let path = |what: &str| format!("/v1/operator/vendors/{vendor}/{what}");
    let operator = stage.operator();
    operator.post(&path("suspend"), Value::Null).await.is(204);
    operator.post(&path("suspend"), Value::Null).await.refused(409, "conflict");
    business.try_device(&host.credential, &identity("x")).await.refused(403, "forbidden");
    send(&device, &customer, 2).await.refused(403, "forbidden");
    let other = stage.approved().await;
    let body = json!({ "mode": "vendor", "vendor": vendor });
    other.owner.put("/v1/business/hosting", body).await.refused(409, "conflict");
    operator.post(&path("reinstate"), Value::Null).await.is(204);
    send(&device, &customer, 3).await.is(200);
    // Another credential: the one before is void, what was registered with it stays.
    let rotated = operator.post(&path("credential"), Value::Null).await.is(200).json();
    business.try_device(&host.credential, &identity("x")).await.refused(401, "unauthorized");
    send(&device, &customer, 4).await.is(200);
    business.device(rotated["credential"].as_str().unwrap()).await;
    operator.post("/v1/operator/vendors", json!({ "name": "Host GmbH" })).await.refused(409, "conflict");
    let listed = operator.get("/v1/operator/vendors").await.is(200).json();
    assert_eq!(
        (&listed["vendors"][0]["name"], &listed["vendors"][0]["suspended"]),
        (&json!("Host GmbH"), &json!(false))
    );
    stage.close().await;
}

pub(crate) async fn a_label_key_certifies_the_next(site: Site) {
    let stage = stage(site).await;
    let business = stage.approved().await;
    let customer = stage.person().await;
    let (_, device) = business.hosted().await;
    let first = stage.label_key().await;
    let rotated = stage.operator().post("/v1/operator/label-key", Value::Null).await.is(200).json();
    stage.operator().post("/v1/operator/label-key", Value::Null).await.is(200);
    let chain = stage.get("/v1/labels/key").await.is(200).json();
    let mut key = first;
    for certificate in chain["certificates"].as_array().unwrap() {
        let next = opened::<KeyCertificate>(certificate, &key, KEY_CERTIFICATE);
        key = keys::PublicKey::from_bytes(&next.key).unwrap();
    }
    assert_eq!(chain["certificates"].as_array().unwrap().len(), 2);
    assert_eq!(chain["certificates"][0], rotated["certificates"][0]);
    assert_eq!(key, stage.label_key().await);
    assert_ne!(key, first);
    assert_eq!(declared(&stage, &customer, &device).await.mode(), Mode::SelfHosted);
    stage.close().await;
}

pub(crate) async fn a_person_is_another_one_to_every_business(site: Site) {
    let stage =
        stage_with(site, |config| config.limits.number_proofs = relay::limits::Rate::new(2, 60_000)).await;
    let (bank, shop) = (stage.approved().await, stage.approved().await);
    let ((_, bank_device), (_, shop_device)) = (bank.hosted().await, shop.hosted().await);
    let (person, other) = (stage.person().await, stage.person().await);
    let ask = async |device: &Device, accounts: &[&str]| {
        device.send("POST", "/v1/hosting/people", json!({ "accounts": accounts })).await
    };
    let nobody = "8c78cd2a-16ff-427d-83dc-1a5e36ce713d";
    let people =
        ask(&bank_device, &[&person.account, &other.account, nobody, &person.account]).await.is(200).json();
    assert_eq!(people["people"].as_array().unwrap().len(), 2);
    let id = |people: &Value, account: &str| {
        let found =
            people["people"].as_array().unwrap().iter().find(|one| one["account"] == account).unwrap();
        found["user_id"].as_str().unwrap().to_owned()
    };
    let seen_by_bank = id(&people, &person.account);
    assert!(seen_by_bank.starts_with("DE.") && seen_by_bank.len() == 23, "{seen_by_bank}");
    assert_ne!(seen_by_bank, id(&people, &other.account));
    let again = ask(&bank_device, &[&person.account]).await.is(200).json();
    assert_eq!(id(&again, &person.account), seen_by_bank);
    let seen_by_shop = ask(&shop_device, &[&person.account]).await.is(200).json();
    assert_ne!(id(&seen_by_shop, &person.account), seen_by_bank);
    ask(&person, &[&other.account]).await.refused(403, "forbidden");
    ask(&bank_device, &vec![nobody; 101]).await.refused(400, "invalid_request");

    // A number is shown to one business, by its person.
    let prove = async |account: &str| {
        person.send("POST", "/v1/account/number-proof", json!({ "account": account })).await
    };
    let proof = prove(&bank_device.account).await.is(200).json();
    let proof = opened::<NumberProof>(&proof["proof"], &stage.label_key().await, NUMBER_PROOF);
    assert_eq!(proof.number, person.phone);
    assert_eq!(proof.account, person.account_id().to_bytes());
    assert_eq!(proof.business, bank.id.parse::<wire::BusinessId>().unwrap().to_bytes());
    prove(&other.account).await.refused(404, "not_found");
    prove(&bank_device.account).await.refused(429, "rate_limited");
    stage.close().await;
}
