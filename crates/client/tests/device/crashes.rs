//! The power goes at every save there is, before it happens and after.

use super::world::{Person, World, until};

const MESSAGES: u32 = 6;

/// Lives through a crash of one side at one save; says whether that save came at all.
async fn crash_at(seed: u64, save: i64, after: bool, sender_crashes: bool) -> bool {
    let world = World::new(seed);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    anna.hears(|event| *event == client::Event::Drained).await;
    bank.hears(|event| *event == client::Event::Drained).await;
    let (mut anna, mut bank) = (Some(anna), Some(bank));
    let victim = if sender_crashes { &anna } else { &bank };
    victim.as_ref().unwrap().vault.fail(save, after);
    let to = bank.as_ref().unwrap().account();
    let (mut accepted, mut crashed) = (Vec::new(), false);
    for n in 0..MESSAGES {
        let sent = anna.as_ref().unwrap().device.send(to, client::Draft::text(n.to_string())).await;
        // Only what returned is promised; what failed may or may not have been taken.
        if sent.is_ok() {
            accepted.push(n.to_string());
        }
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        for person in [&mut anna, &mut bank] {
            if person.as_ref().unwrap().vault.dead() {
                crashed = true;
                let memory = Person::crash(person.take().unwrap()).await;
                *person = Some(world.open(memory).await);
            }
        }
    }
    let (anna, bank) = (anna.unwrap(), bank.unwrap());
    if anna.vault.dead() || bank.vault.dead() {
        return true;
    }
    anna.settled().await;
    until(async || {
        let got = bank.texts(&anna).await;
        accepted.iter().all(|text| got.contains(text))
    })
    .await;
    bank.settled().await;
    let got = bank.texts(&anna).await;
    let numbers: Vec<u32> = got.iter().map(|text| text.parse().unwrap()).collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "save {save}, after: {after}, sender: {sender_crashes}: {got:?}"
    );
    // And in the sender's own chat, nothing else.
    assert_eq!(anna.texts(&bank).await, got);
    crashed
}

#[tokio::test(start_paused = true)]
async fn the_sender_loses_power_at_every_save() {
    // In vaults that are durable at once, and in late ones.
    for (seed, after) in [(61, false), (61, true), (60, false), (60, true)] {
        let mut save = 0;
        while crash_at(seed, save, after, true).await {
            save += 1;
        }
        assert!(save > 12, "{save} saves are too few");
    }
}

#[tokio::test(start_paused = true)]
async fn the_recipient_loses_power_at_every_save() {
    for (seed, after) in [(61, false), (61, true), (60, false), (60, true)] {
        let mut save = 0;
        while crash_at(seed, save, after, false).await {
            save += 1;
        }
        assert!(save > 6, "{save} saves are too few");
    }
}
