//! Keys of businesses: wrapped, rotated, erased.

use std::sync::Arc;

use host::{
    HostError,
    ids::BusinessId,
    purposes::{Access, Gate, Purpose, Subject, SubjectKind},
    sealing::{Domain, KeyPlace, Keys, MasterKey, Place},
};
use store::{
    sql::migrations,
    testing::Scratch,
    writer::{Writer, WriterConfig},
};

use crate::stage::on_both;

const PLACE: Place<'static> = Place { domain: Domain::Message, name: b"1" };

fn keys(stage: &crate::stage::Stage, masters: &[u8]) -> Arc<Keys> {
    let masters = masters.iter().map(|seed| MasterKey::new(&[*seed; 32])).collect();
    Keys::new(stage.ground.clone(), masters).unwrap()
}

#[tokio::test]
async fn without_its_key_nothing_of_a_business_opens() {
    on_both(async |stage| {
        let keys_now = keys(&stage, &[1]);
        let business = BusinessId::random(&*stage.ground.entropy);
        assert!(matches!(keys_now.of(business).await, Err(HostError::Erased)));
        keys_now.create(business).await.unwrap();
        keys_now.create(business).await.unwrap();
        keys_now.of(business).await.unwrap().seal(PLACE, [1; 12], b"hello").unwrap();
        keys_now.erase(business).await.unwrap();
        assert!(matches!(keys_now.of(business).await, Err(HostError::Erased)));
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_master_key_is_replaced_without_touching_what_was_sealed() {
    on_both(async |stage| {
        let business = BusinessId::random(&*stage.ground.entropy);
        keys(&stage, &[1]).create(business).await.unwrap();
        assert!(matches!(keys(&stage, &[2]).of(business).await, Err(HostError::Sealed(_))));
        let strange = keys(&stage, &[2]).check_masters().await;
        assert!(matches!(strange, Err(HostError::MasterKey(_))), "a host does not start with it");
        let both = keys(&stage, &[2, 1]);
        both.check_masters().await.unwrap();
        assert_eq!(both.rotate(business).await.unwrap(), 2);
        // The first version is still under the old master key.
        assert_eq!(both.rewrap().await.unwrap(), 1);
        assert_eq!(both.rewrap().await.unwrap(), 0);
        keys(&stage, &[2]).of(business).await.unwrap();
        keys(&stage, &[2]).check_masters().await.unwrap();
        assert!(matches!(keys(&stage, &[1]).of(business).await, Err(HostError::Sealed(_))));
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_under_a_newer_key_opens_in_a_process_that_knew_the_older_one() {
    on_both(async |stage| {
        let business = BusinessId::random(&*stage.ground.entropy);
        let (here, there) = (keys(&stage, &[1]), keys(&stage, &[1]));
        here.create(business).await.unwrap();
        let gate = Gate::new(stage.ground.clone(), here.clone());
        let before = gate.seal(business, PLACE, b"before").await.unwrap();
        assert_eq!(there.rotate(business).await.unwrap(), 2);
        let after = there.of(business).await.unwrap().seal(PLACE, [2; 12], b"after").unwrap();
        let access = Access::by("test", business, Purpose::Deliver);
        let subject = Subject { kind: SubjectKind::Message, names: vec!["1".to_owned()] };
        let opened = gate.open(&access, subject, &[(PLACE, &before), (PLACE, &after)]).await.unwrap();
        let texts: Vec<&[u8]> = opened.iter().map(|text| text.as_slice()).collect();
        assert_eq!(texts, [&b"before"[..], b"after"]);
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn keys_move_to_a_place_of_their_own_and_leave_none_behind() {
    on_both(async |stage| {
        let business = BusinessId::random(&*stage.ground.entropy);
        let old = keys(&stage, &[1]);
        old.create(business).await.unwrap();
        old.rotate(business).await.unwrap();
        let sealed = old.of(business).await.unwrap().seal(PLACE, [1; 12], b"hello").unwrap();

        let scratch = Scratch::sqlite().await.unwrap();
        migrations::apply(&scratch.database, host::MIGRATIONS, stage.ground.now()).await.unwrap();
        let (writer, tasks) = Writer::start(&scratch.database, &WriterConfig::default());
        let place = KeyPlace { database: scratch.database.clone(), writer };
        let apart = Keys::at(stage.ground.clone(), vec![MasterKey::new(&[1; 32])], place).unwrap();
        apart.move_in().await.unwrap();
        apart.move_in().await.unwrap();
        let gate = Gate::new(stage.ground.clone(), apart);
        let access = Access::by("test", business, Purpose::Deliver);
        let subject = Subject { kind: SubjectKind::Message, names: vec!["1".to_owned()] };
        let opened = gate.open(&access, subject, &[(PLACE, &sealed)]).await.unwrap();
        assert_eq!(opened[0].as_slice(), b"hello");
        assert!(matches!(keys(&stage, &[1]).of(business).await, Err(HostError::Erased)), "none is left");
        tasks.close().await;
        stage.writer.close().await;
    })
    .await;
}
