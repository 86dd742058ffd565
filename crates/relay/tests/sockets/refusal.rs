//! What is not accepted.

use wire::{api::Bundles, frames::Reason};

use crate::people::{Ground, Stage, message, to_both};

crate::on_all_grounds!(
    the_devices_of_a_send_must_be_those_of_the_account,
    what_a_blocked_account_sends_is_dropped_without_a_word,
    a_flood_is_slowed_down,
    an_account_has_one_budget_for_all_that_it_sends,
);

async fn the_devices_of_a_send_must_be_those_of_the_account(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    let good = message(bank.account, 0);
    let mut other_device = good.clone();
    other_device.parts[0].device = 2;
    let mut stale = good.clone();
    stale.parts[0].registration_id = 4712;
    let mut nobody = good.clone();
    nobody.to = vec![1; 16].into();
    let mut twice = good.clone();
    twice.parts.push(twice.parts[0].clone());
    let mut empty = good.clone();
    empty.parts[0].body = bytes::Bytes::new();
    let mut kind = good.clone();
    kind.parts[0].kind = 15;
    let mut no_id = good.clone();
    no_id.id = vec![1; 15].into();
    let mut none = good.clone();
    none.parts.clear();
    from.send([other_device, stale, nobody, twice, empty, kind, no_id, none]).await;
    from.until("all to be refused", |socket| socket.refused.len() == 8).await;
    // Those that need a look into the store may come later.
    let mut reasons: Vec<_> = from.refused.iter().map(|refusal| refusal.reason()).collect();
    reasons.sort();
    assert_eq!(
        reasons,
        [
            Reason::Invalid,
            Reason::Invalid,
            Reason::Invalid,
            Reason::Invalid,
            Reason::NoSuchAccount,
            Reason::MismatchedDevices,
            Reason::MismatchedDevices,
            Reason::StaleDevices
        ]
    );
    let mismatched = from.refused.iter().find(|refusal| !refusal.extra.is_empty()).unwrap();
    assert_eq!((&mismatched.missing[..], &mismatched.extra[..]), (&[1][..], &[2][..]));
    let stale = from.refused.iter().find(|refusal| refusal.reason() == Reason::StaleDevices).unwrap();
    assert_eq!(stale.devices, [1]);
    assert_eq!((stage.stored().await, from.sent.len()), (0, 0));
    // What was refused was not used up.
    from.send([good]).await;
    from.until_sent(0..1).await;
    let keys = anna.request("GET", &format!("/v1/accounts/{}/keys", bank.account)).send().await.unwrap();
    let bundles: Bundles = keys.json().await.unwrap();
    assert_eq!(bundles.devices[0].registration_id, 4711);
    stage.close().await;
}

async fn what_a_blocked_account_sends_is_dropped_without_a_word(ground: Ground) {
    let stage = Stage::new(ground).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let path = format!("/v1/blocks/{}", anna.account);
    assert!(bank.request("PUT", &path).send().await.unwrap().status().is_success());
    let mut from = anna.connect().await;
    from.send([message(bank.account, 1)]).await;
    from.until_sent(1..2).await;
    assert_eq!(stage.stored().await, 0);
    assert!(bank.request("DELETE", &path).send().await.unwrap().status().is_success());
    from.send([message(bank.account, 2)]).await;
    from.until_sent(2..3).await;
    let mut to = bank.connect().await;
    assert_eq!(to.numbers(1).await, [2]);
    stage.close().await;
}

async fn a_flood_is_slowed_down(ground: Ground) {
    let stage = Stage::with(ground, |config| config.queue.burst = 100).await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let mut from = anna.connect().await;
    from.send((0..300).map(|number| message(bank.account, number))).await;
    from.until("300 answers", |socket| socket.sent.len() + socket.refused.len() == 300).await;
    assert_eq!(from.sent.len(), 100);
    for refusal in &from.refused {
        assert_eq!(refusal.reason(), Reason::RateLimited);
        assert!(refusal.retry_after > 0);
    }
    stage.clock.advance(std::time::Duration::from_millis(5));
    from.send([message(bank.account, 300)]).await;
    from.until_sent(300..301).await;
    stage.close().await;
}

/// Parts count, a new socket brings nothing new, and requests spend the same.
async fn an_account_has_one_budget_for_all_that_it_sends(ground: Ground) {
    let stage = Stage::with(ground, |config| {
        config.queue.burst = 100;
        config.queue.sends_per_second = 10;
    })
    .await;
    let (anna, bank) = (stage.person().await, stage.person().await);
    let linked = stage.link(&anna).await;
    let mut primary = anna.connect().await;
    let mut second = linked.connect().await;
    // To an account with two devices: 2 parts each.
    let both = |number| to_both(&message(anna.account, number));
    let mut from = bank.connect().await;
    from.send((0..60).map(both)).await;
    from.until("60 answers", |socket| socket.sent.len() + socket.refused.len() == 60).await;
    assert_eq!(from.sent.len(), 50, "100 parts");
    for refusal in &from.refused {
        assert_eq!((refusal.reason(), refusal.retry_after), (Reason::RateLimited, 200), "for two parts");
    }
    // The other account's sockets share what is theirs.
    primary.send((100..170).map(|number| message(bank.account, number))).await;
    primary.until("70 answers", |socket| socket.sent.len() + socket.refused.len() == 70).await;
    assert_eq!(primary.sent.len(), 70);
    second.send((200..270).map(|number| message(bank.account, number))).await;
    second.until("70 answers", |socket| socket.sent.len() + socket.refused.len() == 70).await;
    assert_eq!(second.sent.len(), 30);
    // Whoever comes anew finds nothing, and a request neither.
    drop(second);
    let mut anew = linked.connect().await;
    anew.send([message(bank.account, 300)]).await;
    anew.until("an answer", |socket| socket.sent.len() + socket.refused.len() == 1).await;
    assert_eq!((anew.sent.len(), anew.refused[0].retry_after), (0, 100));
    let refused = anna.send_by_request(0, &bank, 301).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    stage.clock.advance(std::time::Duration::from_millis(200));
    assert_eq!(anna.put(0, &bank, 302).await, 200);
    primary.send([message(bank.account, 303), message(bank.account, 304)]).await;
    primary.until("two answers", |socket| socket.sent.len() + socket.refused.len() == 72).await;
    assert_eq!(primary.sent.len(), 71);
    stage.close().await;
}
