//! What the fuzzer starts from, and whatever once crashed, through the same functions as in `fuzz/`.

#[path = "../../../fuzz/src/seed.rs"]
mod seed;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;
#[expect(dead_code, unused_imports, reason = "the property tests use more of it")]
#[path = "network/simulation/mod.rs"]
mod simulation;
#[path = "../../../fuzz/src/targets.rs"]
mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_target_takes_every_file_of_its_corpus() {
    for (name, run) in targets::TARGETS {
        for file in entries(&corpora().join(name)) {
            println!("{}", file.display());
            run(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_corpus_belongs_to_a_target_and_every_target_can_be_run() {
    let names: Vec<_> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names_in = |folder: PathBuf| {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<_> = entries(&folder).iter().map(stem).collect();
        // Those of the edge are the relay's, whose tests replay them.
        names.retain(|name| !name.starts_with("edge_") && !name.starts_with("import_"));
        names.sort();
        names
    };
    assert_eq!(names_in(corpora()), names);
    assert_eq!(names_in(corpora().join("../fuzz_targets")), names);
}

#[test]
fn the_seeds_are_those_that_the_generator_makes() {
    for seed in seeds::seeds() {
        let file = corpora().join(seed.target).join(&seed.name);
        assert!(
            fs::read(&file).is_ok_and(|bytes| bytes == seed.bytes),
            "{} is old: run `cargo run --manifest-path fuzz/Cargo.toml --example seeds`",
            file.display()
        );
    }
}

/// Any bytes may stand where a corpus file stands.
#[test]
fn every_target_takes_cut_off_and_doubled_seeds() {
    let run = |target: &str, bytes: &[u8]| {
        let (_, run) = targets::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
        run(bytes);
    };
    for seed in seeds::seeds().iter().filter(|seed| seed.target != "network") {
        let length = seed.bytes.len();
        for cut in (0..length).step_by(1 + length / 40) {
            run(seed.target, &seed.bytes[..cut]);
        }
        run(seed.target, &[seed.bytes.as_slice(), &seed.bytes].concat());
    }
}

/// A length that is only claimed is not made room for.
#[test]
fn every_target_takes_seeds_that_claim_to_hold_two_gigabytes() {
    let before = address_space();
    for seed in seeds::seeds().iter().filter(|seed| seed.target != "network") {
        let (_, run) = targets::TARGETS.iter().find(|(name, _)| *name == seed.target).unwrap();
        let length = seed.bytes.len();
        for at in (0..length).step_by(1 + length / 100) {
            // 2^31 - 1, in the place of what stood there.
            let mut bytes = seed.bytes.clone();
            bytes.splice(at..(at + 1).min(length), [0xFF, 0xFF, 0xFF, 0xFF, 0x07]);
            run(&bytes);
        }
    }
    // The allocator of each thread reserves some of it too.
    assert!(address_space() - before < 1 << 20, "in kilobytes: {before}, then {}", address_space());
}

/// The most kilobytes that this process had reserved at a time. What is reserved and never touched counts too.
fn address_space() -> u64 {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
