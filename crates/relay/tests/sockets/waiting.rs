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
    one_account_does_not_fill_a_mailbox_for_all_others,
    large_envelopes_of_one_account_leave_room_too,
    what_nobody_said_of_a_removal_is_found,
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
    from.send((0..3).map(|number| message(bank.account, number))).await;
    from.until_sent(0..3).await;
    for number in 3..5 {
        assert_eq!(stage.person().await.put(0, &bank, number).await, 200);
    }
    from.send((5..7).map(|number| message(bank.account, number))).await;
    from.until("two refusals", |socket| socket.refused.len() == 2 && socket.sent.len() == 3).await;
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

async fn one_account_does_not_fill_a_mailbox_for_all_others(ground: Ground) {
    let stage = Stage::with(ground, |config| config.queue.envelopes = 32).await;
    let (mallory, bank) = (stage.person().await, stage.person().await);
    let mut flood = mallory.connect().await;
    flood.send((0..40).map(|number| message(bank.account, number))).await;
    flood.until("40 answers", |socket| socket.sent.len() + socket.refused.len() == 40).await;
    // Half of it, and an eighth.
    assert_eq!((flood.sent.len(), flood.refused.len()), (20, 20));
    let full = |refusal: &wire::frames::Refusal| refusal.reason() == wire::frames::Reason::QueueFull;
    assert!(flood.refused.iter().all(|refusal| full(refusal) && refusal.devices == [1]));
    // Others find their share, from any node.
    let node = stage.nodes.len() - 1;
    for person in 0..3 {
        let anna = stage.person().await;
        for number in 0..4 {
            assert_eq!(anna.put(node, &bank, 100 + 10 * person + number).await, 200);
        }
        assert_eq!(anna.put(node, &bank, 109 + 10 * person).await, 507);
    }
    assert_eq!((stage.stored().await, stage.shares().await), (32, 4));
    assert_eq!(stage.person().await.put(node, &bank, 200).await, 507, "it is full now");
    // Collected to less than half, it is for everybody again.
    let mut to = bank.connect().await;
    to.deliveries(32).await;
    to.acknowledge(17).await;
    stage.until_stored(15).await;
    assert_eq!(stage.shares().await, 0);
    assert_eq!(mallory.put(0, &bank, 300).await, 200);
    stage.close().await;
}

async fn large_envelopes_of_one_account_leave_room_too(ground: Ground) {
    // Each takes some 260 bytes.
    let stage = Stage::with(ground, |config| config.queue.bytes = 26_000).await;
    let (mallory, bank) = (stage.person().await, stage.person().await);
    let mut flood = mallory.connect().await;
    flood.send((0..200).map(|number| message(bank.account, number))).await;
    flood.until("200 answers", |socket| socket.sent.len() + socket.refused.len() == 200).await;
    let sent = flood.sent.len();
    assert!((55..70).contains(&sent), "{sent} of the 100 that have room");
    let mut others = stage.person().await.connect().await;
    others.send((0..10).map(|number| message(bank.account, number))).await;
    others.until_sent(0..10).await;
    stage.close().await;
}

/// A node that removed a device may die before it has told the others.
async fn what_nobody_said_of_a_removal_is_found(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let linked = stage.link(&bank).await;
    let last = stage.nodes.last().unwrap();
    let (mut to, mut gone) =
        (bank.connect_to(stage.nodes.len() - 1).await, linked.connect_to(stage.nodes.len() - 1).await);
    to.until("the drain", |socket| socket.drained).await;
    gone.until("the drain", |socket| socket.drained).await;
    last.services.queue.look_again().await.unwrap();
    gone.settle(anna.account).await;
    stage.remove_in_silence(2).await;
    last.services.queue.look_again().await.unwrap();
    assert_eq!(gone.closed().await, Some(close::REMOVED));
    // Others stay.
    to.settle(anna.account).await;
    stage.close().await;
}
