//! A relay that does not mean well.

use std::{sync::atomic::Ordering, time::Duration};

use client::{
    Failure, State, Vault as _,
    vault::{Order, Space},
};
use wire::{DeviceId, frames::ServerFrame};

use super::world::{World, until};

#[tokio::test(start_paused = true)]
async fn prekeys_are_not_made_as_often_as_the_relay_asks() {
    let world = World::new(60);
    let bank = world.person(1).await;
    bank.hears(|event| *event == client::Event::Drained).await;
    let prekeys =
        async || bank.vault.memory.scan(Space::PreKey, None, Order::After(0), 100_000).await.unwrap().len();
    let none_left = |times: u32| {
        let (world, bank) = (&world, &bank);
        async move {
            for _ in 0..times {
                {
                    let mut state = world.relay.state();
                    let account = state.accounts.get_mut(&bank.account()).unwrap();
                    let device = account.devices.get_mut(&DeviceId::PRIMARY).unwrap();
                    device.one_time.clear();
                    device.one_time_kem.clear();
                }
                let frame = ServerFrame { prekeys_left: Some(0), ..ServerFrame::default() };
                world.relay.say(bank.account(), DeviceId::PRIMARY, frame);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    };
    none_left(5).await;
    assert_eq!(prekeys().await, 202 + 5 * 200);
    none_left(200).await;
    assert_eq!(prekeys().await, 202 + 10 * 200);
    // Also not over many connections.
    for _ in 0..10 {
        world.relay.restart();
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(prekeys().await, 202 + 10 * 200);
    // An hour later it is asked again.
    tokio::time::sleep(Duration::from_secs(3700)).await;
    none_left(1).await;
    assert!(prekeys().await > 202 + 10 * 200);
    assert!(prekeys().await <= 202 + 20 * 200);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_none_are_not_asked_for_without_pause() {
    for (registration_id, devices) in [(0, true), (16_381, true), (u32::MAX, true), (1, false)] {
        let world = World::new(61);
        let (anna, bank) = (world.person(1).await, world.person(2).await);
        {
            let mut state = world.relay.state();
            let account = state.accounts.get_mut(&bank.account()).unwrap();
            account.devices.get_mut(&DeviceId::PRIMARY).unwrap().registration_id = registration_id;
            if !devices {
                account.devices.clear();
            }
        }
        let before = anna.link.requests.load(Ordering::Relaxed);
        let id = anna.say(&bank, "hello").await;
        until(async || anna.message(id).await.state == State::Failed { reason: Failure::Devices }).await;
        let asked = anna.link.requests.load(Ordering::Relaxed) - before;
        assert!(asked <= 20, "{asked} requests for {registration_id}");
        assert_eq!(anna.device.outbox_len().await.unwrap(), 0);
    }
}
