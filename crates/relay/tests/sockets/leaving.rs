//! A relay that is told to stop, as a process.

use wire::close;

use crate::{
    node::{Node, be_a_relay},
    people::{message, number, register},
};

const PAIRS: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_tells_every_socket_and_keeps_what_was_not_acknowledged() {
    if be_a_relay().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "leaving::a_relay_that_stops_tells_every_socket_and_keeps_what_was_not_acknowledged";
    let mut node = Node::new(test, folder.path(), None, None);
    node.until_up().await;
    let urls = [format!("http://{}", node.address)];
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        let (from, to) = (register(&urls, 2 * pair).await, register(&urls, 2 * pair + 1).await);
        let (sender, mut receiver) = (from.connect().await, to.connect().await);
        receiver.until("the drain", |socket| socket.drained).await;
        pairs.push((from, to, sender, receiver));
    }
    for (from, to, sender, receiver) in &mut pairs {
        sender.send((0..50).map(|number| message(to.account, number))).await;
        assert_eq!(receiver.numbers(50).await, (0..50).collect::<Vec<_>>());
        receiver.acknowledge(20).await;
        receiver.settle(from.account).await;
    }
    // Some of the rest is handed over and stored nowhere yet.
    let (_, to, sender, receiver) = &mut pairs[0];
    sender.send((50..60).map(|number| message(to.account, number))).await;
    receiver.deliveries(10).await;
    let stopped = tokio::spawn(async move {
        let in_order = node.stop().await;
        (node, in_order)
    });
    let mut acknowledged = Vec::new();
    for (.., sender, receiver) in &mut pairs {
        assert_eq!(sender.closed().await, Some(close::AWAY));
        assert_eq!(receiver.closed().await, Some(close::AWAY));
        acknowledged.push(sender.sent.clone());
    }
    // So that the relay sees that they have heard it.
    let people: Vec<_> = pairs.into_iter().map(|(_, to, ..)| to).collect();
    let (mut node, in_order) = stopped.await.unwrap();
    assert!(in_order, "it ended in disorder");

    node.start();
    node.until_up().await;
    for (index, (to, acknowledged)) in people.iter().zip(acknowledged).enumerate() {
        let mut receiver = to.connect().await;
        receiver.until("the drain", |socket| socket.drained).await;
        let again: Vec<u64> = receiver.take().iter().map(number).collect();
        let last = if index == 0 { 60 } else { 50 };
        assert_eq!(again, (20..last).collect::<Vec<_>>());
        assert!(acknowledged.iter().all(|number| *number < 20 || again.contains(number)));
    }
    node.kill();
}
