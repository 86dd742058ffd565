//! Applications, decisions, numbers, testers, the trail.

use relay::operator::audit::{Broken, Verifier};
use serde_json::{Value, json};
use wire::api::AuditTrail;

use crate::{
    business::{application, send, stage, stage_with},
    stage::Site,
};

pub(crate) async fn a_draft_is_filled_in_and_submitted(site: Site) {
    let stage = stage(site).await;
    let made = stage.post("/v1/businesses", json!({})).await.is(201).json();
    let owner = stage.party(made["credential"].as_str().unwrap());
    let refused = owner.post("/v1/business/submit", Value::Null).await;
    assert_eq!(refused.refused(400, "invalid_request").json()["error"]["field"], "legal_name");
    owner.put("/v1/business/application", application()).await.is(204);
    let refused = owner.post("/v1/business/submit", Value::Null).await;
    assert_eq!(refused.refused(400, "invalid_request").json()["error"]["field"], "documents");

    let document = owner.document("a%2Fb%2Fextract.pdf", b"%PDF-1.7 an extract").await.is(201).json();
    assert_eq!((&document["name"], &document["size"]), (&json!("extract.pdf"), &json!(19)));
    assert_eq!(document["content_type"], "application/pdf");
    let refused = owner.document("x.pdf", b"MZ no document at all").await;
    assert_eq!(refused.refused(400, "invalid_request").json()["error"]["field"], "document");
    let id = document["id"].as_str().unwrap();
    let path = format!("/v1/operator/businesses/{}/documents/{id}", made["business"].as_str().unwrap());
    let shown = stage.operator().get(&path).await;
    assert_eq!(
        (&*shown.is(200).bytes, shown.header("content-type")),
        (&b"%PDF-1.7 an extract"[..], "application/pdf")
    );
    assert_eq!(shown.header("content-disposition"), "attachment");

    let shown = owner.post("/v1/business/submit", Value::Null).await.is(200).json();
    assert_eq!((&shown["state"], &shown["application"]), (&json!("submitted"), &application()));
    // What the operator looks at does not change.
    owner.put("/v1/business/application", application()).await.refused(409, "conflict");
    owner.document("x.pdf", b"%PDF-1.7").await.refused(409, "conflict");
    owner.delete(&format!("/v1/business/documents/{id}")).await.refused(409, "conflict");
    let listed = stage.operator().get("/v1/operator/businesses?state=submitted").await.is(200).json();
    assert_eq!(listed["businesses"][0]["business"], made["business"]);
    let others = stage.operator().get("/v1/operator/businesses?state=approved").await.is(200).json();
    assert_eq!(others["businesses"], json!([]));
    stage.close().await;
}

pub(crate) async fn documents_are_few_and_small_and_go(site: Site) {
    let stage = stage_with(site, |config| {
        config.businesses.documents = 2;
        config.businesses.document_bytes = 20;
    })
    .await;
    let business = stage.draft().await;
    business.owner.document("1.png", b"\x89PNG\r\n\x1a\n12345678901").await.is(201);
    let large = business.owner.document("2.png", b"\x89PNG\r\n\x1a\n1234567890123").await;
    assert_eq!(large.refused(413, "too_large").json()["error"]["limit"], 20);
    let second = business.owner.document("2.jpg", b"\xff\xd8\xff\xe0 picture").await.is(201).json();
    business.owner.document("3.pdf", b"%PDF-1.7").await.refused(413, "too_large");
    let path = format!("/v1/business/documents/{}", second["id"].as_str().unwrap());
    business.owner.delete(&path).await.is(204);
    business.owner.delete(&path).await.refused(404, "not_found");
    business.owner.document("3.pdf", b"%PDF-1.7").await.is(201);
    stage
        .until("the removed document's bytes are gone", async |stage| {
            let blobs = stage.config.data.join("blobs");
            let count = std::process::Command::new("find").arg(blobs).args(["-type", "f"]).output().unwrap();
            String::from_utf8(count.stdout).unwrap().lines().count() == 2
        })
        .await;
    // Through the doors of media they are not to be had.
    let person = stage.person().await;
    let shown = business.owner.get("/v1/business").await.is(200).json();
    let id = shown["documents"][0]["id"].as_str().unwrap();
    person.get(&format!("/v1/blobs/{id}")).await.refused(404, "not_found");
    stage.close().await;
}

pub(crate) async fn only_the_next_step_can_be_taken(site: Site) {
    let stage = stage(site).await;
    let reason = json!({ "reason": "the extract is of another company" });
    let steps = ["review", "approve", "reject", "suspend", "reinstate"];
    // From each state: which steps are open. The others are refused and change nothing.
    let paths: [(&[&str], &[&str]); 6] = [
        (&[], &[]),
        (&["submit"], &["review"]),
        (&["submit", "review"], &["approve", "reject"]),
        (&["submit", "review", "approve"], &["suspend"]),
        (&["submit", "review", "approve", "suspend"], &["reinstate"]),
        (&["submit", "review", "reject"], &[]),
    ];
    for (path, open) in paths {
        let business = stage.draft().await;
        let body =
            |step: &str| if ["reject", "suspend"].contains(&step) { reason.clone() } else { Value::Null };
        for step in path {
            match *step {
                "submit" => business.submit().await,
                step => drop(business.decide(step, body(step)).await.is(200).json()),
            }
        }
        let before = business.owner.get("/v1/business").await.is(200).json();
        for step in steps.iter().filter(|step| !open.contains(step)) {
            business.decide(step, body(step)).await.refused(409, "conflict");
        }
        if !path.is_empty() && *path.last().unwrap() != "reject" {
            business.owner.post("/v1/business/submit", Value::Null).await.refused(409, "conflict");
        }
        assert_eq!(business.owner.get("/v1/business").await.is(200).json(), before, "{path:?}");
    }
    // Without a reason nothing is rejected; with one, it is read, mended, and submitted again.
    let business = stage.draft().await;
    business.submit().await;
    business.decide("review", Value::Null).await.is(200);
    business.decide("reject", json!({ "reason": " " })).await.refused(400, "invalid_request");
    business.decide("reject", reason.clone()).await.is(200);
    let shown = business.owner.get("/v1/business").await.is(200).json();
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("rejected"), &reason["reason"]));
    business.owner.put("/v1/business/application", application()).await.is(204);
    let shown = business.owner.post("/v1/business/submit", Value::Null).await.is(200).json();
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("submitted"), &Value::Null));
    stage.close().await;
}

pub(crate) async fn a_number_is_bound_with_its_code(site: Site) {
    let stage = stage(site).await;
    let business = stage.draft().await;
    let number = stage.new_number();
    let body = |code: &str| json!({ "number": number, "code": code });
    business.owner.put("/v1/business/numbers", body("000000")).await.refused(403, "code_expired");
    let code = stage.code(&number).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    business.owner.put("/v1/business/numbers", body(wrong)).await.refused(403, "code_wrong");
    business.owner.put("/v1/business/numbers", body(&code)).await.is(204);
    // The same request again proves nothing.
    business.owner.put("/v1/business/numbers", body(&code)).await.refused(403, "code_expired");
    let shown = business.owner.get("/v1/business").await.is(200).json();
    assert_eq!(shown["numbers"].as_array().unwrap().len(), 2);

    // Who has the number takes it along, and what was registered for it is gone.
    stage.clock.advance(crate::stage::MINUTE);
    let (_, device) = business.hosted().await;
    let person = stage.register(&business.number, None).await;
    assert_eq!(person.account, device.account);
    device.get("/v1/account").await.refused(401, "unauthorized");
    let shown = business.owner.get("/v1/business").await.is(200).json();
    assert_eq!(shown["numbers"].as_array().unwrap().len(), 1);
    person.get(&format!("/v1/accounts/{}/declaration", person.account)).await.refused(404, "not_found");
    // And the business takes it back in the same way; a lock asks for its PIN first.
    person.send("PUT", "/v1/account/registration-lock", json!({ "pin": "4711" })).await.is(204);
    stage.clock.advance(crate::stage::MINUTE);
    let code = stage.code(&business.number).await;
    let mut body = json!({ "number": business.number, "code": code });
    business.owner.put("/v1/business/numbers", body.clone()).await.refused(423, "registration_locked");
    body["pin"] = "4711".into();
    business.owner.put("/v1/business/numbers", body).await.is(204);
    business.owner.delete(&format!("/v1/business/numbers/{}", business.number)).await.is(204);
    business
        .owner
        .delete(&format!("/v1/business/numbers/{}", business.number))
        .await
        .refused(404, "not_found");
    stage.close().await;
}

pub(crate) async fn before_approval_only_testers_are_written_to(site: Site) {
    let stage = stage_with(site, |config| config.businesses.testers = 2).await;
    let business = stage.draft().await;
    let (tester, other) = (stage.person().await, stage.person().await);
    let (_, device) = business.hosted().await;
    send(&device, &tester, 1).await.refused(403, "forbidden");
    let path = |number: &str| format!("/v1/business/testers/{number}");
    business.owner.put(&path(&tester.phone), Value::Null).await.is(204);
    business.owner.put(&path(&tester.phone), Value::Null).await.is(204);
    send(&device, &tester, 2).await.is(200);
    send(&device, &other, 3).await.refused(403, "forbidden");
    // Everybody may write to it, and it to itself.
    send(&other, &device, 4).await.is(200);
    business.owner.put(&path("+493012345678"), Value::Null).await.is(204);
    business.owner.put(&path(&other.phone), Value::Null).await.refused(413, "too_large");
    business.owner.delete(&path(&tester.phone)).await.is(204);
    send(&device, &tester, 5).await.refused(403, "forbidden");

    business.submit().await;
    business.decide("review", Value::Null).await.is(200);
    send(&device, &other, 6).await.refused(403, "forbidden");
    business.decide("approve", Value::Null).await.is(200);
    send(&device, &other, 7).await.is(200);
    business.decide("suspend", json!({ "reason": "complaints" })).await.is(200);
    send(&device, &other, 8).await.refused(403, "forbidden");
    business.decide("reinstate", Value::Null).await.is(200);
    send(&device, &other, 9).await.is(200);
    stage.close().await;
}

pub(crate) async fn the_trail_shows_what_was_done_to_it(site: Site) {
    let stage = stage(site).await;
    let business = stage.approved().await;
    business.hosted().await;
    let (vendor, _) = stage.vendor("Host GmbH").await;
    business.owner.host(json!({ "mode": "vendor", "vendor": vendor })).await;
    stage.operator().post(&format!("/v1/operator/vendors/{vendor}/suspend"), Value::Null).await.is(204);

    let trail = async || -> AuditTrail {
        serde_json::from_slice(&stage.operator().get("/v1/operator/audit").await.is(200).bytes).unwrap()
    };
    let verify = |trail: &AuditTrail, known| {
        let mut verifier = Verifier::new(known);
        trail.entries.iter().try_for_each(|entry| verifier.take(entry))?;
        verifier.end()
    };
    let good = trail().await;
    let whats: Vec<&str> = good.entries.iter().map(|entry| &*entry.what).collect();
    assert_eq!(
        whats,
        [
            "number_bound",
            "business_submitted",
            "business_in_review",
            "business_approved",
            "hosting_changed",
            "vendor_added",
            "hosting_changed",
            "vendor_suspended"
        ]
    );
    let last = &good.entries[6];
    assert_eq!(
        (&*last.who, &*last.subject, &*last.before),
        ("business", &*business.id, r#"{"mode":"self"}"#)
    );
    assert!(!serde_json::to_string(&good).unwrap().contains(&business.number[1..]));
    let head = verify(&good, None).unwrap();
    let page = stage.operator().get("/v1/operator/audit?after=6").await.is(200).json();
    assert_eq!(page["entries"].as_array().unwrap().len(), 2);

    // What somebody with the database does to it shows.
    for (sql, broken) in [
        ("UPDATE audit_trail SET became = '{\"state\":\"rejected\"}' WHERE number = 4", Broken::Changed(4)),
        ("DELETE FROM audit_trail WHERE number = 8", Broken::Ends(8)),
        ("DELETE FROM audit_trail WHERE number = 2", Broken::Missing(2)),
    ] {
        let mut transaction = stage.relay.services.ground.database.begin().await.unwrap();
        store::sql::query(sql).execute(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let found = verify(&trail().await, Some(head));
        if broken == Broken::Ends(8) {
            assert!(found.is_err(), "{sql}");
        } else {
            assert_eq!(found, Err(broken), "{sql}");
        }
    }
    stage.close().await;
}
