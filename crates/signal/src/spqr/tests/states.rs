//! What every state does with every message.

use super::*;
use crate::spqr::erasure::Chunk;

/// The types that change a state, by the table of SPQR, section 6.2.
fn listed(state: &str) -> &'static [u8] {
    match state {
        "KeysSampled" | "HeaderSent" => &[5],
        "Ct1Received" | "EkSentCt1Received" => &[6],
        "NoHeaderReceived" => &[1],
        "Ct1Sampled" | "Ct1Acknowledged" => &[2, 3],
        "EkReceivedCt1Sampled" => &[3, 4],
        _ => &[],
    }
}

fn payloads() -> [Payload; 7] {
    let chunk = Chunk { index: 60_000, data: [9; 32] };
    [
        Payload::None,
        Payload::Header(chunk),
        Payload::Ek(chunk),
        Payload::EkCt1Ack(chunk),
        Payload::Ct1Ack,
        Payload::Ct1(chunk),
        Payload::Ct2(chunk),
    ]
}

/// The side with another machine, in its stored form.
fn with(side: &Spqr, machine: Machine) -> Vec<u8> {
    Spqr { machine, chains: side.chains.clone() }.to_bytes()
}

#[test]
fn types_that_are_not_listed_for_a_state_change_nothing() {
    for (name, side) in one_of_each_state() {
        for payload in payloads() {
            let packet = Packet { epoch: side.machine.epoch, index: 1, payload };
            // A made-up chunk that happens to complete a stream is refused, which changes something as well.
            let changed = match side.machine.clone().receive(&packet) {
                Ok((machine, secret)) => secret.is_some() || with(&side, machine) != side.to_bytes(),
                Err(_) => true,
            };
            assert_eq!(changed, listed(name).contains(&kind(&payload)), "{payload:?} in {name}");
        }
    }
}

#[test]
fn earlier_epochs_change_nothing_and_later_ones_only_a_side_that_waits_for_them() {
    for (name, side) in one_of_each_state() {
        let current = side.machine.epoch;
        for payload in payloads() {
            let receive = |epoch| side.machine.clone().receive(&Packet { epoch, index: 1, payload });
            if current > 1 {
                let (machine, secret) = receive(current - 1).unwrap();
                assert!(secret.is_none() && with(&side, machine) == side.to_bytes(), "{payload:?} in {name}");
            }
            match receive(current + 1) {
                Ok((machine, secret)) => {
                    assert_eq!(name, "Ct2Sampled");
                    assert!(secret.is_none() && matches!(machine.state, State::KeysUnsampled));
                    assert_eq!(machine.epoch, current + 1);
                }
                Err(error) => {
                    assert_ne!(name, "Ct2Sampled");
                    assert_eq!(error, SpqrError::EpochOutOfRange { epoch: current + 1, current });
                }
            }
            for epoch in [current + 2, u64::MAX] {
                assert_eq!(receive(epoch).err(), Some(SpqrError::EpochOutOfRange { epoch, current }));
            }
        }
    }
}

#[test]
fn each_state_sends_its_type() {
    let expected = |state| match state {
        "KeysUnsampled" | "KeysSampled" => 1,
        "HeaderSent" => 2,
        "Ct1Received" => 3,
        "EkSentCt1Received" => 4,
        "HeaderReceived" | "Ct1Sampled" | "EkReceivedCt1Sampled" => 5,
        "Ct2Sampled" => 6,
        _ => 0,
    };
    for (name, side) in one_of_each_state() {
        let mut machine = side.machine.clone();
        let (payload, secret) = machine.send(&mut rng(1));
        assert_eq!((kind(&payload), secret.is_some()), (expected(name), name == "HeaderReceived"), "{name}");
        assert_eq!(machine.epoch, side.machine.epoch);
    }
}
