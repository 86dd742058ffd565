//! What the fuzz targets do. `crates/signal/tests/corpus.rs` builds the same modules and replays the corpora with them,
//! so they belong to neither place alone.

mod seeds;
#[allow(dead_code, unused_imports, reason = "the property tests use more of it")]
#[path = "../../crates/signal/tests/network/simulation/mod.rs"]
mod simulation;
mod targets;

use std::{fs, io, path::Path};

/// Gives `bytes` to a target.
pub fn run(target: &str, bytes: &[u8]) {
    let (_, run) = targets::TARGETS.iter().find(|(name, _)| *name == target).expect("a target of that name");
    run(bytes);
}

/// Writes the seeds of all targets, each into the folder of its target, and tells how many bytes they are.
pub fn write_seeds(corpora: &Path) -> io::Result<usize> {
    let mut total = 0;
    for seed in seeds::seeds() {
        let folder = corpora.join(seed.target);
        fs::create_dir_all(&folder)?;
        total += seed.bytes.len();
        fs::write(folder.join(seed.name), seed.bytes)?;
    }
    Ok(total)
}
