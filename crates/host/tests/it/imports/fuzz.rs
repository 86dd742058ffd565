//! What the fuzzer of imports starts from, and whatever once crashed, through the same function as in `fuzz/`.

#[path = "../../../../../fuzz/src/seed.rs"]
mod seed;
#[path = "../../../../../fuzz/src/import_seeds.rs"]
mod seeds;
#[path = "../../../../../fuzz/src/imports.rs"]
mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
};

// The targets find it here, as in the fuzzer, which builds it alone.
use host::imports::text;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

#[test]
fn every_target_takes_every_file_of_its_corpus_and_damaged_ones() {
    for (name, run) in targets::TARGETS {
        let files: Vec<_> =
            fs::read_dir(corpora().join(name)).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            println!("{}", file.display());
            let bytes = fs::read(&file).unwrap();
            run(&bytes);
            for cut in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
                run(&bytes[..cut]);
                let mut turned = bytes.clone();
                turned[cut] ^= 0x91;
                run(&turned);
            }
        }
    }
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
