//! Whom a number takes nothing from: here at once, and at the relay whichever process runs the number.

use client::Draft;
use host::messages::Recipient;

use crate::world::{on_both, text, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_blocked_is_not_heard_until_they_are_unblocked() {
    on_both(async |world| {
        let ada = world.customer().await;
        let runs = world.host().await;
        let number = world.settle(&runs).await;
        let business = number.account.unwrap();
        let to = Recipient::Number(ada.number.clone());
        // Who never wrote is not known, and nobody asks the relay for them.
        let nobody = runs.people.to_block(&number, &to, true).await.unwrap().unwrap_err();
        assert_eq!((nobody.refusal.code.number(), nobody.known.is_none()), (131_026, true));

        ada.device.send(business, Draft::text("buy pills")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        runs.messages.send(text(&number, &ada.number, "no")).await.unwrap();
        let account = ada.device.own().account;

        // Another process, which does not run the number, is asked.
        let asked = world.host().await;
        assert!(asked.running.live(number.id).is_none());
        let known = asked.people.to_block(&number, &to, true).await.unwrap().unwrap();
        asked.people.set_blocked(&number, &[known.person.id], true).await.unwrap();
        assert!(asked.people.standing(number.id, known.person.id).await.unwrap().blocked);
        let live = runs.running.live(number.id).unwrap();
        until("the relay knows", async || live.device.blocks().await.unwrap() == [account]).await;
        let blocked = asked.people.blocked(&number, None, false, 10).await.unwrap();
        assert_eq!(blocked.iter().map(|known| known.person.account).collect::<Vec<_>>(), [account]);
        assert!(asked.people.blocked(&number, Some(known.person.id), false, 10).await.unwrap().is_empty());
        assert!(asked.people.blocked(&number, Some(known.person.id), true, 10).await.unwrap().is_empty());
        let withheld = asked.messages.send(text(&number, &ada.number, "still no")).await.unwrap();
        until("it failed", async || world.told_of(withheld.id).await == ["failed"]).await;

        let told = world.told().await.len();
        ada.device.send(business, Draft::text("more pills")).await.unwrap();
        ada.device.settled().await.unwrap();

        let known = asked.people.to_block(&number, &to, false).await.unwrap().unwrap();
        asked.people.set_blocked(&number, &[known.person.id], false).await.unwrap();
        until("the relay knows", async || live.device.blocks().await.unwrap().is_empty()).await;
        let again = asked.people.to_block(&number, &to, false).await.unwrap();
        assert_eq!(again.unwrap_err().refusal.code.number(), 131_009, "not blocked any more");
        ada.device.send(business, Draft::text("sorry")).await.unwrap();
        until("it came", async || world.told().await.iter().filter(|line| !line.contains(' ')).count() == 2)
            .await;
        let inbound = world.told().await.into_iter().skip(told).filter(|line| !line.contains(' '));
        assert_eq!(inbound.count(), 1, "what was sent while they were blocked is not heard");
        asked.close().await;
        runs.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_nobody_could_tell_is_told_by_who_runs_the_number_next() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        ada.device.send(number.account.unwrap(), Draft::text("hello")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        host.messages.send(text(&number, &ada.number, "who is this?")).await.unwrap();
        let to = Recipient::Number(ada.number.clone());
        let known = host.people.to_block(&number, &to, true).await.unwrap().unwrap();
        // Nobody runs the number: it is written down, and told by whoever runs it next.
        host.close().await;
        world.free_leases().await;
        let next = world.host().await;
        next.people.set_blocked(&number, &[known.person.id], true).await.unwrap();
        until("the number runs", async || next.running.live(number.id).is_some()).await;
        let live = next.running.live(number.id).unwrap();
        let account = ada.device.own().account;
        until("the relay knows", async || live.device.blocks().await.unwrap() == [account]).await;
        next.close().await;
        world.close().await;
    })
    .await;
}
