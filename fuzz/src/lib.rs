//! What the fuzz targets do. `crates/signal/tests/corpus.rs` builds the same modules and replays the corpora with them,
//! so they belong to neither place alone.

mod seeds;
#[allow(dead_code, reason = "the property tests use more of it")]
#[path = "../../crates/signal/tests/network/simulation/mod.rs"]
mod simulation;
mod targets;

pub use seeds::{Seed, seeds};

/// Gives `bytes` to a target.
pub fn run(target: &str, bytes: &[u8]) {
    let (_, run) = targets::TARGETS.iter().find(|(name, _)| *name == target).expect("a target of that name");
    run(bytes);
}
