//! All connected, one to one.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    BenchError,
    histogram::Histogram,
    report::Outcome,
    rig::Rig,
    traffic::{Measured, Pace, Traffic},
};

/// As many messages as the window allows.
pub(super) async fn online(rig: &Rig) -> Result<Outcome, BenchError> {
    let options = &rig.options;
    let setting = format!(
        "{} pairs, window {}, {} bytes, {} s",
        options.pairs, options.window, options.body, options.seconds
    );
    let mut outcome = Outcome::new("online", setting);
    let (traffic, measured) = run(rig, Pace::Window(options.window)).await?;
    report(&measured, &mut outcome);
    // At saturation this is how long the windows are, not how long a delivery takes.
    latency(&measured.from_sent, &SENT, &mut outcome);
    traffic.finish(&mut outcome).await?;
    Ok(outcome)
}

/// At a fixed rate, each message alone.
pub(super) async fn steady(rig: &Rig) -> Result<Outcome, BenchError> {
    let options = &rig.options;
    let setting = format!(
        "{} pairs, {} messages per second in all, {} bytes, {} s",
        options.pairs, options.rate, options.body, options.seconds
    );
    let mut outcome = Outcome::new("steady", setting);
    let (traffic, measured) = run(rig, Pace::Rate(options.rate)).await?;
    report(&measured, &mut outcome);
    latency(&measured.from_sent, &SENT, &mut outcome);
    latency(&measured.from_due, &DUE, &mut outcome);
    traffic.finish(&mut outcome).await?;
    Ok(outcome)
}

async fn run(rig: &Rig, pace: Pace) -> Result<(Traffic, Measured), BenchError> {
    let traffic = Traffic::begin(rig, pace).await?;
    sleep(Duration::from_secs(rig.options.warm_up.into())).await;
    let measured = traffic.measure(&rig.servers, rig.options.seconds).await?;
    Ok((traffic, measured))
}

fn report(measured: &Measured, outcome: &mut Outcome) {
    outcome.figure("per_second", "delivered per second", measured.delivered as f64 / measured.seconds, 0);
    measured.usage.report(measured.delivered, measured.seconds, outcome);
    outcome.figure("resident_mib", "server memory, MiB resident", measured.resident / 1024.0, 1);
}

type Labels = [(&'static str, &'static str, f64); 3];

/// From the moment at which a message was written.
const SENT: Labels = [
    ("p50_ms", "ms from sending to delivery, p50", 0.5),
    ("p99_ms", "ms from sending to delivery, p99", 0.99),
    ("p999_ms", "ms from sending to delivery, p99.9", 0.999),
];
/// From the moment at which it should have been written; the generator's timer, which goes by milliseconds, included.
const DUE: Labels = [
    ("due_p50_ms", "ms from being due to delivery, p50", 0.5),
    ("due_p99_ms", "ms from being due to delivery, p99", 0.99),
    ("due_p999_ms", "ms from being due to delivery, p99.9", 0.999),
];

fn latency(histogram: &Histogram, labels: &Labels, outcome: &mut Outcome) {
    for (key, label, share) in labels {
        outcome.figure(*key, *label, histogram.quantile(*share), 3);
    }
}
