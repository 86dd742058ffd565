//! Devices that do not read what they are sent, or do not acknowledge it.

use std::time::Duration;

use wire::close;

use crate::people::{Ground, PATIENCE, Stage, message, number};

/// Bytes of a message of which some fill all that the system keeps between two sockets.
const LARGE: usize = 200 << 10;
const MANY: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_or_acknowledge_is_closed_as_too_slow_and_gets_all_of_it_later() {
    let stage = Stage::with(Ground::Sqlite, |config| config.queue.patience_s = 1).await;
    let queue = stage.nodes[0].services.queue.clone();
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(stage.person().await);
    }
    let [anna, otto, bank, carl] = &people[..] else { unreachable!() };
    let mut from = anna.connect().await;
    for number in 0..MANY {
        let mut large = message(otto.account, number);
        large.parts[0].body = vec![7; LARGE].into();
        from.send([large]).await;
    }
    from.until_sent(0..MANY).await;
    // One whose socket was full when a newer one took over: it is not there for ever either.
    let _replaced = otto.connect().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut full = otto.connect().await;
    let mut unread = bank.connect().await;
    let mut unacknowledged = carl.connect().await;
    unacknowledged.until("the drain", |socket| socket.drained).await;
    from.send((100..103).map(|number| message(bank.account, number))).await;
    from.send((200..203).map(|number| message(carl.account, number))).await;
    from.until_sent(100..103).await;
    from.until_sent(200..203).await;
    assert_eq!(unacknowledged.numbers(3).await, [200, 201, 202]);

    assert_eq!(unacknowledged.closed().await, Some(close::TOO_SLOW));
    let alone = async {
        while queue.online() > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, alone).await.expect("all but the sender are closed");
    // The sender has nothing to acknowledge.
    from.settle(bank.account).await;
    // Who reads later is told why; the deliveries before it were on their way.
    assert_eq!(unread.closed().await, Some(close::TOO_SLOW));
    assert_eq!(unread.take().len(), 3);
    drop(from);
    assert!(queue.drained(PATIENCE).await, "a socket that takes nothing is kept");
    full.closed().await;

    let mut to = bank.connect().await;
    assert_eq!(to.numbers(3).await, [100, 101, 102]);
    let mut to = otto.connect().await;
    for expected in 0..MANY {
        let delivery = to.deliveries(1).await.remove(0);
        assert_eq!(number(&delivery), expected);
        assert_eq!(delivery.envelope.unwrap().body.len(), LARGE);
        to.acknowledge(delivery.number).await;
    }
    stage.close().await;
}
