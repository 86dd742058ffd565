//! Between devices that are online.

use std::time::Duration;

use wire::close;

use crate::people::{Ground, Stage, message, number};

crate::on_all_grounds!(
    what_is_sent_is_delivered_in_order_and_answered,
    it_is_sent_without_an_acknowledgement_when_it_is_stored,
    a_newer_socket_takes_over,
    what_was_not_acknowledged_comes_again_on_the_next_socket,
    nothing_overtakes_while_sockets_come_and_go,
    a_transient_message_is_never_stored,
    a_device_that_does_not_read_is_held_back_and_gets_all_of_it_later,
);

async fn what_is_sent_is_delivered_in_order_and_answered(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let (mut from, mut to) = (anna.connect().await, bank.connect_to(stage.nodes.len() - 1).await);
    to.until("the drain", |socket| socket.drained).await;
    from.send((0..500).map(|number| message(bank.account, number))).await;
    let deliveries = to.deliveries(500).await;
    assert_eq!(deliveries.iter().map(number).collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
    assert_eq!(
        deliveries.iter().map(|delivery| delivery.number).collect::<Vec<_>>(),
        (1..=500).collect::<Vec<_>>()
    );
    let envelope = deliveries[3].envelope.as_ref().unwrap();
    assert_eq!(envelope.from[..], anna.account.to_bytes());
    assert_eq!((envelope.from_device, envelope.body.len()), (1, 200));
    to.acknowledge(500).await;
    from.until_sent(0..500).await;
    stage.until_stored(0).await;
    stage.close().await;
}

async fn it_is_sent_without_an_acknowledgement_when_it_is_stored(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let (mut from, mut to) = (anna.connect().await, bank.connect().await);
    to.until("the drain", |socket| socket.drained).await;
    from.send([message(bank.account, 1)]).await;
    assert_eq!(to.numbers(1).await, [1]);
    from.until_sent(1..2).await;
    assert_eq!(stage.stored().await, 1);
    to.acknowledge(1).await;
    stage.until_stored(0).await;
    stage.close().await;
}

async fn a_newer_socket_takes_over(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut old = bank.connect().await;
    old.until("the drain", |socket| socket.drained).await;
    let mut new = bank.connect_to(stage.nodes.len() - 1).await;
    assert_eq!(old.closed().await, Some(close::REPLACED));
    let mut from = anna.connect().await;
    from.send([message(bank.account, 5)]).await;
    assert_eq!(new.numbers(1).await, [5]);
    stage.close().await;
}

async fn what_was_not_acknowledged_comes_again_on_the_next_socket(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let (mut from, mut to) = (anna.connect().await, bank.connect().await);
    to.until("the drain", |socket| socket.drained).await;
    from.send((0..10).map(|number| message(bank.account, number))).await;
    to.deliveries(10).await;
    to.acknowledge(4).await;
    to.settle(anna.account).await;
    drop(to);
    from.until_sent(0..10).await;
    let mut to = bank.connect().await;
    let again = to.deliveries(6).await;
    assert_eq!(again.iter().map(number).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
    assert_eq!(again[0].number, 1);
    to.acknowledge(6).await;
    stage.until_stored(0).await;
    stage.close().await;
}

async fn nothing_overtakes_while_sockets_come_and_go(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    let total = 3000;
    let sending = tokio::spawn({
        let bank = bank.account;
        async move {
            for number in 0..total {
                from.send([message(bank, number)]).await;
                if number % 100 == 0 {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            }
            from.until_sent(0..total).await;
        }
    });
    // Sockets that take some, acknowledge a part, and go. What was acknowledged does not come again (another node may
    // be faster than the acknowledgement), the rest does, and nothing is skipped.
    let (mut next, mut safe, mut turn) = (0, 0, 0);
    while next < total {
        let mut to = bank.connect_to(turn % stage.nodes.len()).await;
        turn += 1;
        let (mut taken, mut last) = (0, None);
        while (taken < 60 || turn >= 12) && next < total {
            let delivery = to.deliveries(1).await.remove(0);
            let number = number(&delivery);
            match last {
                // What was acknowledged at the other node may be deleted between two pages.
                Some(last) => assert!(
                    number == last + 1 || stage.nodes.len() > 1 && last < number && number <= safe,
                    "{number} after {last}, {safe} safe, on socket {turn}"
                ),
                None if stage.nodes.len() == 1 => assert_eq!(number, safe, "the first on socket {turn}"),
                None => assert!(number <= next, "{number} is skipped to, after {next}, on socket {turn}"),
            }
            last = Some(number);
            next = next.max(number + 1);
            taken += 1;
            if taken % 7 == 0 || next == total {
                to.acknowledge(delivery.number).await;
                safe = safe.max(number + 1);
            }
        }
        to.settle(anna.account).await;
    }
    sending.await.unwrap();
    stage.until_stored(0).await;
    stage.close().await;
}

async fn a_transient_message_is_never_stored(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    let typing = |number| wire::frames::Send { transient: true, ..message(bank.account, number) };
    from.send([typing(1)]).await;
    from.until_sent(1..2).await;
    assert_eq!(stage.stored().await, 0);
    let mut to = bank.connect().await;
    to.until("the drain", |socket| socket.drained).await;
    from.send([typing(2)]).await;
    assert_eq!(to.numbers(1).await, [2]);
    from.until_sent(2..3).await;
    assert_eq!(stage.stored().await, 0);
    stage.close().await;
}

async fn a_device_that_does_not_read_is_held_back_and_gets_all_of_it_later(ground: Ground) {
    let stage = Stage::with(ground, |config| config.queue.burst = 1_000_000).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let (mut from, mut to) = (anna.connect().await, bank.connect().await);
    to.until("the drain", |socket| socket.drained).await;
    // More than a socket's window has room for.
    for start in (0..6000).step_by(500) {
        from.send((start..start + 500).map(|number| message(bank.account, number))).await;
    }
    from.until_sent(0..6000).await;
    let mut expected = 0;
    while expected < 6000 {
        let delivery = to.deliveries(1).await.remove(0);
        assert_eq!(number(&delivery), expected);
        expected += 1;
        if expected % 100 == 0 {
            to.acknowledge(delivery.number).await;
        }
    }
    stage.until_stored(0).await;
    stage.close().await;
}
