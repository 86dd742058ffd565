//! The load generator for the relay.
//!
//! [`run`] goes through the tests of [`Options`] and returns a [`Report`]. The method is that of the comparison with
//! other servers: one thread, loopback, the server's processor time and memory from `/proc`, and every message
//! checked off by sender and sequence.

mod accounts;
mod drain;
mod flood;
mod garbage;
mod idle;
mod message;
mod online;
mod options;
mod rig;
mod server;
mod store;
mod tally;
mod traffic;

pub use self::options::{Options, Test};
use self::{rig::Rig, server::Sends, store::Kill};
use crate::{clock, error, histogram, http, link, place, process, report};
pub use crate::{error::BenchError, report::Report};

/// Measures, on a thread of its own. Says on standard error how far it is.
///
/// # Errors
/// When there are no figures: the server does not start, a connection breaks, options do not fit.
pub async fn run(options: Options) -> Result<Report, BenchError> {
    crate::thread::run(move || measure(options)).await
}

async fn measure(options: Options) -> Result<Report, BenchError> {
    options.validate()?;
    if options.has(&[Test::Idle]) {
        process::ensure_files(u64::from(options.connections) + 500)?;
    }
    if options.has(&[Test::Flood]) {
        process::ensure_files(flood::HALF_OPEN as u64 + 1000)?;
    }
    let mut rig = Rig::new(options).await?;
    let mut report = Report::new(rig.servers.count(), rig.database());
    for round in 1..=rig.options.rounds {
        let mut outcomes = Vec::new();
        let mut stored = None;
        for test in rig.options.tests.clone() {
            eprintln!("round {round} of {}: {test:?}", rig.options.rounds);
            match test {
                Test::Online => outcomes.push(online::online(&rig).await?),
                Test::Steady => outcomes.push(online::steady(&rig).await?),
                Test::Store => {
                    let (ledger, outcome) = store::store(&mut rig, Kill::Never).await?;
                    stored = Some(ledger);
                    outcomes.push(outcome);
                }
                Test::Drain => {
                    let ledger = match stored.take() {
                        Some(ledger) => ledger,
                        None => store::store(&mut rig, Kill::Never).await?.0,
                    };
                    outcomes.push(drain::drain(&rig, &ledger, "drain").await?);
                }
                Test::Kill => {
                    let at = rig.options.kill_at.map_or(Kill::AtTheLast, Kill::At);
                    let (ledger, outcome) = store::store(&mut rig, at).await?;
                    outcomes.push(outcome);
                    rig.servers.restart(Sends::Unlimited).await?;
                    outcomes.push(drain::drain(&rig, &ledger, "drain after kill").await?);
                }
                Test::Idle => outcomes.push(idle::idle(&mut rig).await?),
                Test::Flood => outcomes.extend(flood::flood(&mut rig).await?),
            }
        }
        report.add(outcomes);
    }
    Ok(report)
}
