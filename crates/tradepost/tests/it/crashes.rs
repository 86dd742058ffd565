//! SIGKILL to a host under load, through the load generator: it counts what was acknowledged and what came of it.

use serde_json::Value;
use store::testing::{Nats, Postgres};

use crate::people::tradepost;

/// Kills hosts so many times; what was counted.
fn kill(kills: &str, more: &[&str]) -> Value {
    let mut command = tradepost();
    command.args(["bench", "host", "--tests", "kill", "--json", "--kills", kills]);
    command.args(["--customers", "30", "--connections", "10", "--under-way", "60"]).args(more);
    let output = command.output().unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A count that must be 0 and is not is a failure.
    assert!(output.status.success(), "{said}\n{error}");
    let outcome: Value = serde_json::from_str(&said).unwrap();
    let count = |name: &str| outcome[name].as_f64().unwrap();
    assert!(count("accepted") > 0.0 && count("written") > 0.0, "{said}");
    println!("{said}");
    outcome
}

#[test]
fn what_a_killed_host_acknowledged_arrives_once_and_in_order() {
    kill(&std::env::var("CRASH_ROUNDS").unwrap_or_else(|_| "5".to_owned()), &[]);
}

#[test]
fn of_two_hosts_the_other_takes_over_what_a_killed_one_acknowledged() {
    let (postgres, nats) = (Postgres::start(), Nats::start());
    let (database, bus) = (postgres.url(), nats.url());
    kill("2", &["--hosts", "2", "--postgres", &database, "--nats", &bus]);
}
