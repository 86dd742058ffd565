//! Whatever is lost or repeated, every message shows once, and those of one device in their order.

use std::time::Duration;

use proptest::prelude::*;

use super::world::{Person, World, until};

/// What `reader` has of what `writer` wrote, as numbers.
async fn numbers(reader: &Person, chat: client::AccountId, writer: &Person) -> Vec<u32> {
    let mut messages = reader.device.history(chat, None, 1000).await.unwrap();
    messages.reverse();
    let own = writer.device.own();
    let of_writer =
        messages.iter().filter(|message| message.id.author == own.account && message.device == own.device);
    of_writer.map(|message| super::world::text(message).parse().unwrap()).collect()
}

async fn storm(seed: u64, often: u32, messages: u32) {
    let world = World::new(seed);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let (tablet, desk) = (world.linked(&anna).await, world.linked(&bank).await);
    let everybody = [&anna, &bank, &tablet, &desk];
    everybody.iter().for_each(|person| person.link.faults.set(often));
    for n in 0..messages {
        anna.say(&bank, &n.to_string()).await;
        bank.say(&anna, &n.to_string()).await;
        if n % 2 == 0 {
            tablet.say(&bank, &n.to_string()).await;
            desk.say(&anna, &n.to_string()).await;
        }
        if n % 5 == 0 {
            tokio::time::sleep(Duration::from_millis(u64::from(n) * 37)).await;
        }
        if n == messages / 2 {
            world.relay.restart();
        }
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    everybody.iter().for_each(|person| person.link.faults.set(0));
    for person in everybody {
        person.settled().await;
    }
    let all: Vec<u32> = (0..messages).collect();
    let half: Vec<u32> = (0..messages).step_by(2).collect();
    for reader in everybody {
        let chat = if reader.account() == anna.account() { bank.account() } else { anna.account() };
        for (writer, expected) in [(&anna, &all), (&bank, &all), (&tablet, &half), (&desk, &half)] {
            until(async || numbers(reader, chat, writer).await.len() >= expected.len()).await;
            assert_eq!(&numbers(reader, chat, writer).await, expected, "seed {seed}, {often} of 1000");
        }
        // Everything was acknowledged.
        let own = reader.device.own();
        until(async || world.relay.waiting(own.account, own.device) == 0).await;
        let told = reader.heard(|event| matches!(event, client::Event::Message { .. }));
        let own_count =
            if half.len() == numbers(reader, chat, reader).await.len() { half.len() } else { all.len() };
        assert_eq!(told, 2 * all.len() + 2 * half.len() - own_count);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_shown_twice_or_out_of_order(seed in 100_u64..1_000_000, often in 0_u32..250) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(storm(seed, often, 20));
    }
}
