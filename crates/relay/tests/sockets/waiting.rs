//! For devices that are not online.

use std::time::Duration;

use wire::{
    Message as _, close,
    frames::{Kind, Notice, notice},
};

use crate::people::{Ground, Stage, message, number};

crate::on_all_grounds!(
    what_waits_is_drained_in_order_and_gone_when_acknowledged,
    what_is_not_collected_in_time_is_deleted_and_its_sender_told,
    a_full_queue_says_so_and_takes_more_when_it_was_emptied,
    the_same_send_by_request_is_the_same_message,
    a_removed_account_leaves_nothing_and_closes_its_socket,
);

async fn what_waits_is_drained_in_order_and_gone_when_acknowledged(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    from.send((0..1000).map(|number| message(bank.account, number))).await;
    from.until_sent(0..1000).await;
    assert_eq!(stage.stored().await, 1000);
    let mut to = bank.connect().await;
    // More pages than one.
    assert_eq!(to.numbers(1000).await, (0..1000).collect::<Vec<_>>());
    to.until("the drain", |socket| socket.drained).await;
    to.acknowledge(1000).await;
    stage.until_stored(0).await;
    from.send([message(bank.account, 1000)]).await;
    assert_eq!(to.numbers(1).await, [1000]);
    stage.close().await;
}

async fn what_is_not_collected_in_time_is_deleted_and_its_sender_told(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    from.send((0..3).map(|number| message(bank.account, number))).await;
    from.until_sent(0..3).await;
    stage.clock.advance(Duration::from_secs(20 * 86_400));
    from.send((3..5).map(|number| message(bank.account, number))).await;
    from.until_sent(3..5).await;
    stage.clock.advance(Duration::from_secs(10 * 86_400 + 60));
    let queue = &stage.nodes[0].services.queue;
    assert_eq!(queue.expire().await.unwrap(), 3);
    let notices = from.deliveries(3).await;
    for (index, delivery) in notices.iter().enumerate() {
        let envelope = delivery.envelope.as_ref().unwrap();
        assert_eq!((envelope.kind(), &envelope.from[..]), (Kind::Notice, &[0; 16][..]));
        let Some(notice::Notice::Expired(expired)) = Notice::decode(&*envelope.body).unwrap().notice else {
            panic!("another notice");
        };
        assert_eq!(expired.to[..], bank.account.to_bytes());
        assert_eq!((expired.device, expired.timestamp), (1, u64::try_from(index).unwrap()));
    }
    from.acknowledge(3).await;
    let mut to = bank.connect().await;
    assert_eq!(to.numbers(2).await, [3, 4]);
    to.acknowledge(2).await;
    stage.until_stored(0).await;
    assert_eq!(queue.expire().await.unwrap(), 0);
    stage.close().await;
}

async fn a_full_queue_says_so_and_takes_more_when_it_was_emptied(ground: Ground) {
    let stage = Stage::with(ground, |config| config.queue.envelopes = 5).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    from.send((0..7).map(|number| message(bank.account, number))).await;
    from.until("two refusals", |socket| socket.refused.len() == 2 && socket.sent.len() == 5).await;
    for refusal in &from.refused {
        assert_eq!((refusal.reason(), &refusal.devices[..]), (wire::frames::Reason::QueueFull, &[1][..]));
    }
    assert_eq!(anna.put(0, &bank, 8).await, 507);
    let mut to = bank.connect().await;
    assert_eq!(to.numbers(5).await, [0, 1, 2, 3, 4]);
    to.acknowledge(5).await;
    stage.until_stored(0).await;
    assert_eq!(anna.put(0, &bank, 9).await, 200);
    assert_eq!(to.numbers(1).await, [9]);
    stage.close().await;
}

async fn the_same_send_by_request_is_the_same_message(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    for _ in 0..3 {
        assert_eq!(anna.put(0, &bank, 1).await, 200);
    }
    assert_eq!(anna.put(0, &bank, 2).await, 200);
    let mut to = bank.connect().await;
    assert_eq!(to.numbers(2).await, [1, 2]);
    to.until("the drain", |socket| socket.drained).await;
    stage.close().await;
}

async fn a_removed_account_leaves_nothing_and_closes_its_socket(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    assert_eq!(anna.put(0, &bank, 1).await, 200);
    let mut to = bank.connect_to(stage.nodes.len() - 1).await;
    assert_eq!(number(&to.deliveries(1).await[0]), 1);
    let answer = bank.request("DELETE", "/v1/account").send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    assert_eq!(to.closed().await, Some(close::REMOVED));
    assert_eq!(stage.stored().await, 0);
    assert_eq!(anna.put(0, &bank, 2).await, 404);
    stage.close().await;
}
