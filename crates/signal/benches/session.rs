//! How long sessions take, and how large they are: `cargo bench -p tradepost-signal --bench session`.
//!
//! Every figure includes what a client does besides: the state is read from bytes before and written to bytes after
//! each message.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{
    Address, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, LocalDevice, MessageKind, OneTimePreKey,
    OneTimePreKeyId, PreKeyBundle, PreKeySignalMessage, RegistrationId, ResponderKeys, Session,
    SignalMessage, SignedPreKey, SignedPreKeyId, Timestamp, Trust, keys::KeyPair,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const PLAINTEXT: [u8; 100] = [7; 100];

#[derive(Clone)]
struct End {
    local: Arc<LocalDevice>,
    remote: Address,
    one_time: OneTimePreKey,
    signed: SignedPreKey,
    kem: KemPreKey,
    rng: ChaCha20Rng,
    stored: Vec<u8>,
}

impl End {
    fn new(seed: u8, remote: u8) -> Self {
        let address = |n: u8| Address::new(format!("{n:08x}-0000-4000-8000-000000000000"), DeviceId::PRIMARY);
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let identity = KeyPair::generate(&mut rng);
        let one_time = OneTimePreKey::generate(OneTimePreKeyId(1), &mut rng);
        let signed = SignedPreKey::generate(SignedPreKeyId(1), &identity, NOW, &mut rng);
        let kem = KemPreKey::generate(KemPreKeyId(1), &identity, NOW, &mut rng);
        let local = LocalDevice { address: address(seed), identity, registration_id: RegistrationId(1) };
        let local = Arc::new(local);
        let remote = address(remote);
        let stored = Session::new(local.clone(), remote.clone()).to_bytes().to_vec();
        Self { local, remote, one_time, signed, kem, rng, stored }
    }

    fn bundle(&self) -> PreKeyBundle {
        PreKeyBundle {
            identity: self.local.identity.public,
            registration_id: self.local.registration_id,
            device: self.local.address.device(),
            one_time: Some((self.one_time.id, self.one_time.pair.public)),
            signed: (self.signed.id, self.signed.pair.public, self.signed.signature),
            kem: (self.kem.id, self.kem.pair.public().clone(), self.kem.signature),
        }
    }

    fn with_session<T>(&mut self, work: impl FnOnce(&mut Session, &mut Self) -> T) -> T {
        let mut session = Session::from_bytes(self.local.clone(), self.remote.clone(), &self.stored).unwrap();
        let outcome = work(&mut session, self);
        self.stored.clear();
        self.stored.extend_from_slice(&session.to_bytes());
        outcome
    }

    fn start(&mut self, bundle: &PreKeyBundle) {
        self.with_session(|session, end| session.start(bundle, Trust::FirstUse, NOW, &mut end.rng).unwrap());
    }

    fn send(&mut self) -> EncryptedMessage {
        self.with_session(|session, end| {
            session.encrypt(&PLAINTEXT, Trust::FirstUse, NOW, &mut end.rng).unwrap()
        })
    }

    fn receive(&mut self, message: &EncryptedMessage) {
        let decrypted = self.with_session(|session, end| match message.kind {
            MessageKind::PreKey => {
                let first = PreKeySignalMessage::parse(&message.bytes).unwrap();
                let keys =
                    ResponderKeys { one_time: Some(&end.one_time), signed: &end.signed, kem: &end.kem };
                session.decrypt_first(&first, Some(keys), Trust::FirstUse, &mut end.rng).unwrap()
            }
            _ => {
                let message = SignalMessage::parse(&message.bytes).unwrap();
                session.decrypt(&message, Trust::FirstUse, &mut end.rng).unwrap()
            }
        });
        assert_eq!(*decrypted.plaintext, PLAINTEXT);
    }
}

fn established() -> (End, End) {
    let (mut alice, mut bob) = (End::new(1, 2), End::new(2, 1));
    alice.start(&bob.bundle());
    let message = alice.send();
    bob.receive(&message);
    let message = bob.send();
    alice.receive(&message);
    (alice, bob)
}

fn ping_pong(alice: &mut End, bob: &mut End) {
    let message = alice.send();
    bob.receive(&message);
    let message = bob.send();
    alice.receive(&message);
}

fn speed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");

    let ends = (End::new(1, 2), End::new(2, 1));
    group.bench_function("set-up", |bencher| {
        bencher.iter_batched_ref(
            || ends.clone(),
            |(alice, bob)| {
                alice.start(&bob.bundle());
                let message = alice.send();
                bob.receive(&message);
            },
            BatchSize::SmallInput,
        );
    });

    group.throughput(Throughput::Elements(1));
    let (mut alice, mut bob) = established();
    group.bench_function("encrypt 100 bytes, one direction", |bencher| {
        bencher.iter(|| black_box(alice.send()))
    });

    let (mut alice, _) = established();
    let messages: Vec<_> = (0..2000).map(|_| alice.send()).collect();
    group.bench_function("decrypt 100 bytes, one direction", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut spent = std::time::Duration::ZERO;
            let mut left = iterations;
            while left > 0 {
                let mut receiver = established().1;
                let batch = left.min(messages.len() as u64);
                // A bench is where the clock is read.
                #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
                let start = std::time::Instant::now();
                for message in &messages[..usize::try_from(batch).unwrap()] {
                    receiver.receive(message);
                }
                spent += start.elapsed();
                left -= batch;
            }
            spent
        });
    });

    let _ = &mut bob;
    let (mut alice, mut bob) = established();
    group.throughput(Throughput::Elements(2));
    group.bench_function("ping-pong, one message each way", |bencher| {
        bencher.iter(|| ping_pong(&mut alice, &mut bob));
    });
    group.finish();
}

/// Not timed: the bytes of a serialized session, at the marks at which the official library is measured too.
fn sizes() {
    let show = |mark: &str, alice: &End, bob: &End| {
        println!(
            "session size, {mark}: initiator {} bytes, responder {} bytes",
            alice.stored.len(),
            bob.stored.len()
        );
    };
    let (mut alice, mut bob) = established();
    show("first reply", &alice, &bob);
    for _ in 0..1000 {
        let message = alice.send();
        bob.receive(&message);
    }
    show("1,000 messages in one direction", &alice, &bob);
    let (mut alice, mut bob) = established();
    let mut largest = (0, 0);
    for round in 0..500 {
        ping_pong(&mut alice, &mut bob);
        if round % 5 == 0 {
            largest = (largest.0.max(alice.stored.len()), largest.1.max(bob.stored.len()));
        }
    }
    show("1,000 messages in ping-pong", &alice, &bob);
    println!(
        "session size, largest in ping-pong: initiator {} bytes, responder {} bytes",
        largest.0, largest.1
    );
}

fn main() {
    sizes();
    let mut criterion = Criterion::default().configure_from_args();
    speed(&mut criterion);
    criterion.final_summary();
}
