//! A database that goes away, and one that is full: senders hear so, and nothing is acknowledged.

use std::time::Duration;

use wire::frames::Reason;

use crate::people::{Ground, Stage, message, number};

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_relay_acknowledges_nothing_and_recovers() {
    let mut stage = Stage::new(Ground::Postgres).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    from.send([message(bank.account, 0)]).await;
    from.until_sent(0..1).await;

    stage.postgres().kill();
    from.send((1..20).map(|number| message(bank.account, number))).await;
    from.until("19 refusals", |socket| socket.refused.len() == 19).await;
    assert!(
        from.refused.iter().all(|refusal| refusal.reason() == Reason::Unavailable && refusal.retry_after > 0)
    );
    assert_eq!(from.sent, [0]);

    stage.postgres().resume();
    // As an outbox does: the same again, in order, until it is answered.
    let mut next = 1;
    while next < 20 {
        from.refused.clear();
        from.send([message(bank.account, next)]).await;
        let answered = next;
        from.until("an answer", |socket| socket.sent.contains(&answered) || !socket.refused.is_empty()).await;
        if from.sent.contains(&next) {
            next += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut to = bank.connect().await;
    assert_eq!(to.numbers(20).await, (0..20).collect::<Vec<_>>());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_a_relay_acknowledges_nothing_and_recovers() {
    let stage = Stage::new(Ground::Sqlite).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    from.send([message(bank.account, 0)]).await;
    from.until_sent(0..1).await;

    // SQLite says "database or disk is full" in the same words for both.
    stage.let_grow(false).await;
    from.send((1..500).map(|number| message(bank.account, number))).await;
    from.until("an answer to each", |socket| socket.refused.len() + socket.sent.len() == 500).await;
    assert!(!from.refused.is_empty(), "everything found room");
    assert!(from.refused.iter().all(|refusal| refusal.reason() == Reason::Unavailable));
    let safe = from.sent.len();

    // What was acknowledged is there, and nothing else; and can be read, room or not.
    assert_eq!(i64::try_from(safe).unwrap(), stage.stored().await);
    let mut sent = from.sent.clone();
    sent.sort_unstable();
    let mut to = bank.connect().await;
    let delivered = to.deliveries(safe).await;
    assert_eq!(delivered.iter().map(number).collect::<Vec<_>>(), sent);
    // What is acknowledged makes room, for what comes next too.
    to.acknowledge(delivered.last().unwrap().number).await;
    stage.until_stored(0).await;
    from.send([message(bank.account, 1000)]).await;
    from.until_sent(1000..1001).await;
    stage.close().await;
}
