//! Keys of businesses: wrapped, rotated, erased.

use std::sync::Arc;

use host::{
    HostError,
    ids::BusinessId,
    sealing::{Domain, Keys, MasterKey, Place},
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
        let both = keys(&stage, &[2, 1]);
        assert_eq!(both.rotate(business).await.unwrap(), 2);
        // The first version is still under the old master key.
        assert_eq!(both.rewrap().await.unwrap(), 1);
        assert_eq!(both.rewrap().await.unwrap(), 0);
        keys(&stage, &[2]).of(business).await.unwrap();
        assert!(matches!(keys(&stage, &[1]).of(business).await, Err(HostError::Sealed(_))));
        stage.writer.close().await;
    })
    .await;
}
