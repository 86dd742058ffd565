//! Callbacks that may not be, or do not want to be.

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use host::{
    HostError,
    codes::{Code, Refusal},
    purposes::Gate,
    sealing::{Keys, MasterKey},
    webhooks::{Field, Webhooks, address::Lookup},
};

use super::{
    Business, OneSecret, names,
    receiver::{Manner, Receiver},
};
use crate::stage::on_both;

async fn set(business: &Business, url: &str) -> Result<(), Refusal> {
    let fields = BTreeSet::from([Field::Messages]);
    let of = (business.business, business.app);
    match business.webhooks.set_app_callback(of, url, "verify me", &fields).await {
        Ok(()) => Ok(()),
        Err(HostError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_callback_that_does_not_answer_the_challenge_is_none() {
    on_both(async |stage| {
        let business = Business::on(&stage).await;
        let receiver = Receiver::start().await;
        set(&business, &receiver.url()).await.unwrap();
        let asked = receiver.arrived()[0].uri.to_string();
        assert!(asked.starts_with("/hook?own=1&hub.mode=subscribe&hub.challenge="), "{asked}");
        assert!(asked.ends_with("&hub.verify_token=verify+me"), "{asked}");
        let wrong = |challenge: &str| Manner { challenge: Some(challenge.to_owned()), ..Manner::default() };
        let long = "1".repeat(1 << 20);
        for manner in [
            wrong(""),
            wrong("12345"),
            wrong(&long),
            Manner { status: 403, ..Manner::default() },
            Manner { status: 201, ..Manner::default() },
            Manner { status: 302, headers: vec![("location", receiver.url())], ..Manner::default() },
            Manner { delay: Duration::from_secs(5), ..Manner::default() },
        ] {
            receiver.answer(manner);
            assert_eq!(set(&business, &receiver.url()).await.unwrap_err().code, Code::CallbackFailed);
        }
        for bad in ["", "nowhere", "https://10.0.0.1/", "https://[::ffff:a9fe:a9fe]/", "http://127.0.0.1:1/"]
        {
            assert_eq!(set(&business, bad).await.unwrap_err().code, Code::CallbackFailed, "{bad}");
        }
        stage.writer.close().await;
    })
    .await;
}

/// Leads here first, and then inside.
#[derive(Debug, Default)]
struct Rebinding(AtomicBool);

#[async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let inside = self.0.load(SeqCst);
        Ok(vec![if inside { [169, 254, 169, 254].into() } else { [127, 0, 0, 1].into() }])
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_later_reaches_nothing() {
    on_both(async |stage| {
        let business = Business::on(&stage).await;
        let keys = Keys::new(stage.ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
        let gate = Gate::new(stage.ground.clone(), keys.clone());
        let lookup = Arc::new(Rebinding::default());
        let ground = stage.ground.clone();
        let webhooks = Webhooks::new(ground, keys, gate, Arc::new(OneSecret), lookup.clone()).unwrap();
        let business = Business { webhooks, ..business };
        let receiver = Receiver::start().await;
        // The connection of the handshake must not serve again.
        let headers = vec![("connection", "close".to_owned())];
        receiver.answer(Manner { headers, ..Manner::default() });
        set(&business, &format!("http://bank.example:{}/", receiver.address.port())).await.unwrap();
        lookup.0.store(true, SeqCst);
        let deliveries = business.start();
        business.happened(&names(0..1), Some(1)).await;
        for _ in 0..200 {
            if !business.webhooks.attempts(business.app, None, 1).await.unwrap().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let attempts = business.webhooks.attempts(business.app, None, 1).await.unwrap();
        assert_eq!((attempts[0].status, &*attempts[0].outcome), (None, "address not allowed"));
        assert!(receiver.events().is_empty());
        lookup.0.store(false, SeqCst);
        business.pass(&stage, Duration::from_secs(3600)).await;
        receiver.wait(1).await;
        deliveries.close().await;
        stage.writer.close().await;
    })
    .await;
}
