//! Templates on both engines.

use std::{sync::Arc, time::Duration};

use host::{
    HostError,
    apps::Apps,
    ids::{BusinessId, WabaId},
    purposes::Gate,
    sealing::{Keys, MasterKey},
    templates::{Decision, Definition, Reason, Status, Templates},
    uploads::Uploads,
    webhooks::{Webhooks, address::SystemLookup},
};
use serde_json::json;

use crate::stage::{Stage, on_both};

async fn templates(stage: &Stage) -> (Arc<Templates>, BusinessId, WabaId) {
    let keys = Keys::new(stage.ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
    let business = BusinessId::random(&*stage.ground.entropy);
    keys.create(business).await.unwrap();
    let ground = &stage.ground;
    let gate = Gate::new(ground.clone(), keys.clone());
    let apps = Apps::new(ground.clone(), keys.clone());
    let lookup = Arc::new(SystemLookup);
    let webhooks = Webhooks::new(ground.clone(), keys.clone(), gate, apps, lookup).unwrap();
    let uploads = Uploads::new(ground.clone(), keys.clone());
    let templates = Templates::new(ground.clone(), keys, webhooks, uploads);
    (templates, business, WabaId::random(&*ground.entropy))
}

fn definition(name: &str, body: &str) -> Definition {
    let components = [json!({"type": "BODY", "text": body})];
    Definition::parse(name, "en_US", "UTILITY", None, &components, None).unwrap()
}

fn subcode(error: &HostError) -> Option<u32> {
    match error {
        HostError::Refused(refusal) => refusal.subcode,
        _ => None,
    }
}

fn code(error: &HostError) -> Option<u32> {
    match error {
        HostError::Refused(refusal) => Some(refusal.code.number()),
        _ => None,
    }
}

#[tokio::test]
async fn only_what_was_approved_is_filled_in() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        let fill = async |name| templates.fill(waba, name, "en_US", None).await;
        let made =
            templates.create(business, waba, definition("greeting", "Good day to you"), false).await.unwrap();
        assert_eq!(made.status, Status::Approved);
        assert_eq!(fill("greeting").await.unwrap().body, "Good day to you");
        assert_eq!(code(&fill("nothing").await.unwrap_err()), Some(132_001));
        let other = templates.fill(waba, "greeting", "de", None).await;
        assert_eq!(code(&other.unwrap_err()), Some(132_001));

        let doubtful = definition("link", "See https://bit.ly/x for more of it");
        let doubtful = templates.create(business, waba, doubtful, false).await.unwrap();
        assert_eq!(doubtful.status, Status::Pending);
        assert_eq!(code(&fill("link").await.unwrap_err()), Some(132_001));
        assert_eq!(templates.waiting(None, 10).await.unwrap().len(), 1);
        templates.decide(doubtful.id, Decision::Approve).await.unwrap();
        fill("link").await.unwrap();
        templates.decide(doubtful.id, Decision::Pause).await.unwrap();
        assert_eq!(code(&fill("link").await.unwrap_err()), Some(132_015));
        templates.decide(doubtful.id, Decision::Unpause).await.unwrap();
        templates.decide(doubtful.id, Decision::Disable).await.unwrap();
        assert_eq!(code(&fill("link").await.unwrap_err()), Some(132_016));
        let late = templates.decide(doubtful.id, Decision::Reject(Reason::Scam)).await;
        assert!(matches!(late, Err(HostError::Conflict(_))));

        let refused = templates
            .create(business, waba, definition("secret", "Tell us your password now"), false)
            .await
            .unwrap();
        assert_eq!((refused.status, refused.reason), (Status::Rejected, "SCAM"));
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_name_is_given_once_and_rests_when_it_is_deleted() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        let make =
            async || templates.create(business, waba, definition("greeting", "Good day to you"), false).await;
        let id = make().await.unwrap().id;
        assert_eq!(subcode(&make().await.unwrap_err()), Some(2_388_024));
        let gone = templates.delete(waba, Some("greeting"), &[]).await.unwrap();
        assert_eq!((gone.len(), gone[0].status), (1, Status::Deleted));
        assert!(templates.list(waba).await.unwrap().is_empty());
        assert!(matches!(templates.get(waba, id).await, Err(HostError::NotFound(_))));
        assert_eq!(subcode(&make().await.unwrap_err()), Some(2_388_023));
        stage.clock.advance(Duration::from_secs(31 * 24 * 3600));
        make().await.unwrap();
        let again = templates.delete(waba, Some("nothing"), &[]).await;
        assert!(matches!(again, Err(HostError::NotFound(_))));
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn another_account_sees_nothing_of_it() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        let id = templates
            .create(business, waba, definition("greeting", "Good day to you"), false)
            .await
            .unwrap()
            .id;
        let other = WabaId::random(&*stage.ground.entropy);
        assert!(templates.get(other, id).await.is_err());
        assert!(templates.delete(other, None, &[id]).await.is_err());
        assert!(templates.archive(other, id, true).await.is_err());
        assert!(templates.edit(other, id, definition("greeting", "Good night to you")).await.is_err());
        assert!(templates.fill(other, "greeting", "en_US", None).await.is_err());
        templates.archive(waba, id, true).await.unwrap();
        assert!(templates.fill(waba, "greeting", "en_US", None).await.is_err());
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_approved_template_is_edited_once_a_day() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        let id = templates
            .create(business, waba, definition("greeting", "Good day to you"), false)
            .await
            .unwrap()
            .id;
        let edit = async |body| templates.edit(waba, id, definition("greeting", body)).await;
        edit("Good night to you").await.unwrap();
        assert!(edit("Good morning to you").await.is_err());
        stage.clock.advance(Duration::from_secs(25 * 3600));
        edit("Good morning to you").await.unwrap();
        assert_eq!(
            templates.fill(waba, "greeting", "en_US", None).await.unwrap().body,
            "Good morning to you"
        );
        assert!(templates.edit(waba, id, definition("other", "Good day to you")).await.is_err());
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_approved_template_is_edited_ten_times_in_thirty_days() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        let made = templates.create(business, waba, definition("greeting", "Good day to you"), false).await;
        let id = made.unwrap().id;
        let edit = async |n: u32| {
            stage.clock.advance(Duration::from_secs(25 * 3600));
            templates.edit(waba, id, definition("greeting", &format!("Good day to you, the {n}th"))).await
        };
        for n in 0..10 {
            edit(n).await.unwrap();
        }
        let refused = edit(10).await.unwrap_err();
        assert_eq!((code(&refused), subcode(&refused)), (Some(100), Some(2_388_039)));
        stage.clock.advance(Duration::from_secs(19 * 24 * 3600));
        edit(11).await.unwrap();
        stage.writer.close().await;
    })
    .await;
}

/// Authentication in these languages, which is made in many at once.
fn codes_in(name: &str, languages: &[&str]) -> Vec<Definition> {
    let otp = json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]});
    let components = [json!({"type": "BODY"}), otp];
    let of = |language: &&str| {
        Definition::parse(name, language, "AUTHENTICATION", None, &components, None).unwrap()
    };
    languages.iter().map(of).collect()
}

const MANY: [&str; 50] = [
    "af", "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "en_AU", "en_CA", "en_GB", "en_US",
    "es", "es_AR", "es_MX", "et", "fa", "fi", "fil", "fr", "ga", "gu", "ha", "he", "hi", "hr", "hu", "id",
    "it", "ja", "ka", "kk", "kn", "ko", "lo", "lt", "lv", "mk", "ml", "mr", "ms", "nb", "nl", "pa", "pl",
    "pt_BR", "ro",
];

#[tokio::test]
async fn an_account_makes_a_hundred_templates_an_hour_whichever_way() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        templates.upsert(business, waba, &codes_in("login", &MANY)).await.unwrap();
        let refused =
            templates.upsert(business, waba, &codes_in("code", &[&MANY[..], &["sv"]].concat())).await;
        assert_eq!(code(&refused.unwrap_err()), Some(80_007));
        templates.upsert(business, waba, &codes_in("code", &MANY)).await.unwrap();
        let one =
            async || templates.create(business, waba, definition("greeting", "Good day to you"), false).await;
        assert_eq!(code(&one().await.unwrap_err()), Some(80_007));
        let more = templates.upsert(business, waba, &codes_in("login", &["sv"])).await;
        assert_eq!(code(&more.unwrap_err()), Some(80_007));
        // What is there may be said again.
        templates.upsert(business, waba, &codes_in("login", &MANY)).await.unwrap();
        stage.clock.advance(Duration::from_secs(3601));
        one().await.unwrap();
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_business_that_is_not_verified_has_250_templates_in_any_number_of_languages() {
    on_both(async |stage| {
        let (templates, business, waba) = templates(&stage).await;
        let make = async |name: String, language: &str| {
            let components = [json!({"type": "BODY", "text": "Good day to you"})];
            let definition = Definition::parse(&name, language, "UTILITY", None, &components, None).unwrap();
            templates.create(business, waba, definition, false).await
        };
        for n in 0..250 {
            if n % 90 == 0 {
                stage.clock.advance(Duration::from_secs(3601));
            }
            make(format!("t{n}"), "en").await.unwrap();
        }
        let refused = make("more".to_owned(), "en").await.unwrap_err();
        assert_eq!((code(&refused), subcode(&refused)), (Some(100), Some(2_388_019)));
        let refused = templates.upsert(business, waba, &codes_in("login", &["de"])).await.unwrap_err();
        assert_eq!(subcode(&refused), Some(2_388_019));
        make("t7".to_owned(), "de").await.unwrap();
        assert_eq!(Templates::most(host::businesses::BusinessState::Approved), 6_000);
        stage.writer.close().await;
    })
    .await;
}
