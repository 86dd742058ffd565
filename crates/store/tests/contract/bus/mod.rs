//! Signals, within the process and over a real NATS server.

mod way;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use store::{
    Location,
    bus::{Bus, BusConfig, LocalBus, NatsBus, Signal, Subject, Subscription},
    testing::Nats,
};

const CAPACITY: usize = 8;

fn subject(text: &str) -> Subject {
    Subject::new(text).unwrap()
}

async fn hear(subscription: &mut Subscription) -> Signal {
    tokio::time::timeout(Duration::from_secs(10), subscription.next()).await.expect("a signal comes")
}

async fn hears_nothing(subscription: &mut Subscription) {
    let silence = tokio::time::timeout(Duration::from_millis(50), subscription.next()).await;
    assert!(silence.is_err(), "{silence:?}");
}

fn message(text: &'static str) -> Signal {
    Signal::Message(Bytes::from_static(text.as_bytes()))
}

/// One bus seen from two nodes.
type Nodes = (Arc<dyn Bus>, Arc<dyn Bus>);

async fn subscribers_of_a_subject_hear_it_in_order((here, there): Nodes) {
    let mut one = here.subscribe(&subject("order.a")).await.unwrap();
    let mut two = there.subscribe(&subject("order.a")).await.unwrap();
    let mut other = there.subscribe(&subject("order.b")).await.unwrap();
    for text in ["1", "2", "3"] {
        here.publish(&subject("order.a"), Bytes::from_static(text.as_bytes())).await.unwrap();
    }
    for subscription in [&mut one, &mut two] {
        for text in ["1", "2", "3"] {
            assert_eq!(hear(subscription).await, message(text));
        }
    }
    hears_nothing(&mut other).await;
}

async fn a_slow_subscriber_has_lagged_and_goes_on((here, there): Nodes) {
    let mut slow = there.subscribe(&subject("slow")).await.unwrap();
    let mut done = there.subscribe(&subject("done")).await.unwrap();
    for _ in 0..CAPACITY * 3 + 1 {
        here.publish(&subject("slow"), Bytes::from_static(b"early")).await.unwrap();
    }
    // What one node says arrives in order: when this has come, all the others have.
    here.publish(&subject("done"), Bytes::new()).await.unwrap();
    hear(&mut done).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(hear(&mut slow).await, Signal::Lagged);
    here.publish(&subject("slow"), Bytes::from_static(b"late")).await.unwrap();
    while hear(&mut slow).await != message("late") {}
    hears_nothing(&mut slow).await;
}

async fn a_dropped_subscription_is_in_nobodys_way((here, there): Nodes) {
    let mut witness = here.subscribe(&subject("gone")).await.unwrap();
    drop(there.subscribe(&subject("gone")).await.unwrap());
    here.publish(&subject("gone"), Bytes::new()).await.unwrap();
    // While it is under way, who subscribes may hear it yet: nodes have no order among them.
    assert_eq!(hear(&mut witness).await, message(""));
    let mut anew = there.subscribe(&subject("gone")).await.unwrap();
    hears_nothing(&mut anew).await;
}

async fn every_promise(nodes: Nodes) {
    subscribers_of_a_subject_hear_it_in_order(nodes.clone()).await;
    a_slow_subscriber_has_lagged_and_goes_on(nodes.clone()).await;
    a_dropped_subscription_is_in_nobodys_way(nodes).await;
}

async fn connect(nats: &Nats) -> Arc<dyn Bus> {
    let config = BusConfig { capacity: CAPACITY, ..BusConfig::default() };
    Arc::new(NatsBus::connect(&Location::from(&*nats.url()), &config).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_bus_keeps_every_promise() {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::new(CAPACITY));
    every_promise((bus.clone(), bus)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_keeps_every_promise() {
    let nats = Nats::start();
    every_promise((connect(&nats).await, connect(&nats).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_a_lag() {
    let mut nats = Nats::start();
    let bus = connect(&nats).await;
    let mut listening = bus.subscribe(&subject("lost")).await.unwrap();
    nats.kill();
    let refused = async {
        while bus.publish(&subject("lost"), Bytes::new()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the loss is noticed");
    nats.resume();
    while hear(&mut listening).await != Signal::Lagged {}
    bus.publish(&subject("lost"), Bytes::from_static(b"again")).await.unwrap();
    while hear(&mut listening).await != message("again") {}
}
