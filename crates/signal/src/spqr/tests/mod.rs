mod chains;
mod network;
mod states;
mod stored;
mod transitions;
mod vectors;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{machine::State, packet::Payload, *};
use crate::protobuf::Writer;

const MAX_JUMP: u32 = 25_000;

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// The two sides of a session.
struct Pair {
    a: Spqr,
    b: Spqr,
    rng: ChaCha20Rng,
}

impl Pair {
    fn new(seed: u8) -> Self {
        let auth_key = Secret::new([seed; 32]);
        let (a, b) = (Spqr::new(Role::Initiator, &auth_key), Spqr::new(Role::Responder, &auth_key));
        Self { a, b, rng: rng(seed) }
    }

    /// A message from A arrives.
    fn a_to_b(&mut self) {
        let (message, key) = self.a.send(&mut self.rng);
        assert_eq!(self.b.receive(&message, MAX_JUMP).unwrap(), key);
    }

    /// A message from B arrives.
    fn b_to_a(&mut self) {
        let (message, key) = self.b.send(&mut self.rng);
        assert_eq!(self.a.receive(&message, MAX_JUMP).unwrap(), key);
    }

    /// Messages from A are lost.
    fn a_loses(&mut self, count: usize) {
        (0..count).for_each(|_| drop(self.a.send(&mut self.rng)));
    }

    /// Messages from B are lost.
    fn b_loses(&mut self, count: usize) {
        (0..count).for_each(|_| drop(self.b.send(&mut self.rng)));
    }

    fn states(&self) -> (&'static str, &'static str) {
        (self.a.state(), self.b.state())
    }

    /// Ping-pong until both have finished the epoch that they are in.
    fn finish_epoch(&mut self) {
        let epoch = self.a.machine.epoch.max(self.b.machine.epoch);
        while self.a.machine.epoch <= epoch || self.b.machine.epoch <= epoch {
            self.a_to_b();
            self.b_to_a();
        }
    }
}

impl Spqr {
    fn state(&self) -> &'static str {
        self.inspect().variant
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(4096 + self.skipped_len());
        self.write(&mut writer);
        writer.finish()
    }
}

/// The type of a payload on the wire.
fn kind(payload: &Payload) -> u8 {
    Packet { epoch: 1, index: 1, payload: *payload }.to_bytes()[3]
}

/// One side in each of the eleven states, from a conversation that loses much.
fn one_of_each_state() -> std::collections::BTreeMap<&'static str, Spqr> {
    use rand_core::Rng;

    let mut pair = Pair::new(77);
    let mut found = std::collections::BTreeMap::new();
    for _ in 0..3000 {
        let draw = pair.rng.next_u32();
        match draw % 5 {
            0 => pair.a_to_b(),
            1 => pair.b_to_a(),
            2 => pair.a_loses(1),
            3 => pair.b_loses(1),
            _ => (0..draw / 5 % 7).for_each(|_| pair.b_to_a()),
        }
        for side in [&pair.a, &pair.b] {
            found.insert(side.state(), side.clone());
        }
    }
    assert_eq!(found.len(), 11, "{:?}", found.keys());
    found
}
