//! How long sessions take, and how large they are: `cargo bench -p tradepost-signal --bench session`.
//!
//! Every figure includes what a client does besides: the state is read from bytes before and written to bytes after
//! each message.

mod end;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use end::{End, established, ping_pong};

fn speed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");

    let ends = (End::new(1, 2), End::new(2, 1));
    group.bench_function("set-up", |bencher| {
        bencher.iter_batched_ref(
            || ends.clone(),
            |(alice, bob)| {
                alice.start(bob);
                let message = alice.send();
                bob.receive(&message);
            },
            BatchSize::SmallInput,
        );
    });

    group.throughput(Throughput::Elements(1));
    let (mut alice, _) = established();
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
            alice.stored_len(),
            bob.stored_len()
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
            largest = (largest.0.max(alice.stored_len()), largest.1.max(bob.stored_len()));
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
