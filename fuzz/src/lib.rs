//! What the fuzz targets do. `crates/signal/tests/corpus.rs` and, for what comes from outside before it is decrypted,
//! `crates/relay/tests/corpus.rs` build the same modules and replay the corpora with them, so they belong to neither
//! place alone. Targets of the second kind are called `edge_…`. `crates/host/tests/it/imports/fuzz.rs` does so for those of
//! imports, `import_…`.

mod edge;
mod edge_seeds;
mod import_seeds;
mod imports;
#[allow(dead_code, reason = "the relay uses more of it")]
#[path = "../../crates/relay/src/blobs/range.rs"]
mod range;
mod seed;
mod seeds;
#[allow(dead_code, unused_imports, reason = "the property tests use more of it")]
#[path = "../../crates/signal/tests/network/simulation/mod.rs"]
mod simulation;
mod targets;
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the host uses more of it")]
#[path = "../../crates/host/src/imports/text/mod.rs"]
mod text;
#[allow(dead_code, reason = "the relay uses more of it")]
#[path = "../../crates/relay/src/socket/frames.rs"]
mod websocket;

use std::{fs, io, path::Path};

/// Gives `bytes` to a target.
pub fn run(target: &str, bytes: &[u8]) {
    let mut all = targets::TARGETS.iter().chain(edge::TARGETS).chain(imports::TARGETS);
    let (_, run) = all.find(|(name, _)| *name == target).expect("a target of that name");
    run(bytes);
}

/// Writes the seeds of all targets, each into the folder of its target, and tells how many bytes they are.
pub fn write_seeds(corpora: &Path) -> io::Result<usize> {
    let mut total = 0;
    for seed in seeds::seeds().into_iter().chain(edge_seeds::seeds()).chain(import_seeds::seeds()) {
        let folder = corpora.join(seed.target);
        fs::create_dir_all(&folder)?;
        total += seed.bytes.len();
        fs::write(folder.join(seed.name), seed.bytes)?;
    }
    Ok(total)
}
