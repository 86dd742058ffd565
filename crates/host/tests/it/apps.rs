//! Tokens, and what they open.

use std::sync::Arc;

use host::{
    apps::{Apps, Authorized, Denied, Scope, Scopes, Unknown},
    ids::BusinessId,
    sealing::{Keys, MasterKey},
};

use crate::stage::{Stage, on_both};

async fn apps(stage: &Stage) -> (Arc<Apps>, BusinessId) {
    let keys = Keys::new(stage.ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
    let business = BusinessId::random(&*stage.ground.entropy);
    keys.create(business).await.unwrap();
    (Apps::new(stage.ground.clone(), keys), business)
}

async fn ask(apps: &Apps, token: &str, proof: Option<&str>) -> Result<Authorized, Unknown> {
    apps.authorize(Some(token), proof).await.unwrap()
}

#[tokio::test]
async fn a_token_opens_what_is_its_businesses_and_nothing_else() {
    on_both(async |stage| {
        let (apps, business) = apps(&stage).await;
        let issued = apps.create(business, "sample", "test").await.unwrap();
        let token = issued.token.expose();
        let caller = ask(&apps, token, None).await.unwrap();
        assert_eq!((caller.business(), caller.app()), (business, issued.app));
        let other = BusinessId::random(&*stage.ground.entropy);
        assert_eq!(caller.clone().own((), other, Scope::Any).unwrap_err(), Denied::NotTheirs);
        caller.clone().own((), business, Scope::Messaging).unwrap();
        assert!(matches!(caller.own((), business, Scope::App), Err(Denied::Scope(Scope::App))));
        for wrong in ["", "EAAB", "tpt_x", &token[..token.len() - 1], &format!("{token}x")] {
            assert!(ask(&apps, wrong, None).await.is_err(), "{wrong}");
        }
        assert!(apps.revoke(business, &issued.token, "test").await.unwrap());
        assert_eq!(ask(&apps, token, None).await.unwrap_err(), Unknown::Invalid);
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn scopes_and_time_end() {
    on_both(async |stage| {
        let (apps, business) = apps(&stage).await;
        let issued = apps.create(business, "sample", "test").await.unwrap();
        let scopes = Scopes::of(&[Scope::Management]);
        let soon = stage.ground.now().after(std::time::Duration::from_millis(1));
        let token = apps.issue(issued.app, scopes, Some(soon), "test").await.unwrap();
        let caller = ask(&apps, token.expose(), None).await.unwrap();
        assert!(matches!(caller.own((), business, Scope::Messaging), Err(Denied::Scope(Scope::Messaging))));
        let ended = apps.issue(issued.app, scopes, Some(stage.ground.now()), "test").await.unwrap();
        assert_eq!(ask(&apps, ended.expose(), None).await.unwrap_err(), Unknown::Expired);
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_app_shows_its_secret_or_proves_it() {
    on_both(async |stage| {
        let (apps, business) = apps(&stage).await;
        let issued = apps.create(business, "sample", "test").await.unwrap();
        let (app, secret) = (issued.app, issued.secret.expose());
        let itself = ask(&apps, &format!("{app}|{secret}"), None).await.unwrap();
        itself.clone().own((), business, Scope::App).unwrap();
        assert!(itself.own((), business, Scope::Messaging).is_err(), "only what concerns the app");
        assert!(ask(&apps, &format!("{app}|wrong"), None).await.is_err());
        assert!(ask(&apps, &format!("4000000000000000|{secret}"), None).await.is_err());
        let token = issued.token.expose();
        let proof = issued.secret.proof(token);
        ask(&apps, token, Some(&proof)).await.unwrap();
        ask(&apps, token, Some(&proof.to_ascii_uppercase())).await.unwrap();
        assert_eq!(ask(&apps, token, Some("00")).await.unwrap_err(), Unknown::WrongProof);
        stage.writer.close().await;
    })
    .await;
}
