//! What the fuzzer of the edge starts from, and whatever once crashed, through the same functions as in `fuzz/`.
#![expect(clippy::tests_outside_test_module, reason = "this whole crate is tests")]

#[path = "../../../fuzz/src/edge.rs"]
mod edge;
#[path = "../../../fuzz/src/edge_seeds.rs"]
mod edge_seeds;
mod range {
    pub(crate) use relay::blobs::Part;
}
#[path = "../../../fuzz/src/seed.rs"]
mod seed;
#[expect(dead_code, reason = "the relay uses more of it")]
#[path = "../src/socket/frames.rs"]
mod websocket;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder.map(|entry| entry.unwrap().path()).collect()
}

fn run(target: &str, bytes: &[u8]) {
    let (_, run) = edge::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    run(bytes);
}

#[test]
fn every_target_takes_every_file_of_its_corpus() {
    for (name, run) in edge::TARGETS {
        for file in entries(&corpora().join(name)) {
            println!("{}", file.display());
            run(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_corpus_belongs_to_a_target_and_every_target_can_be_run() {
    let names: Vec<_> = edge::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names_in = |folder: PathBuf| {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<_> = entries(&folder).iter().map(stem).collect();
        names.retain(|name| name.starts_with("edge_"));
        names.sort();
        names
    };
    assert_eq!(names_in(corpora()), names);
    assert_eq!(names_in(corpora().join("../fuzz_targets")), names);
}

#[test]
fn the_seeds_are_those_that_the_generator_makes() {
    for seed in edge_seeds::seeds() {
        let file = corpora().join(seed.target).join(&seed.name);
        assert!(
            fs::read(&file).is_ok_and(|bytes| bytes == seed.bytes),
            "{} is old: run `cargo run --manifest-path fuzz/Cargo.toml --example seeds`",
            file.display()
        );
    }
}

/// A seed that is refused at its first byte leads nowhere.
#[test]
fn seeds_of_frames_and_bodies_are_good() {
    use wire::{Message as _, content::Content, frames};
    for seed in edge_seeds::seeds() {
        let good = match seed.target {
            "edge_client_frame" => frames::ClientFrame::read(seed.bytes.into()).is_ok(),
            "edge_server_frame" if seed.name == "all" => frames::ServerFrame::decode(&*seed.bytes).is_ok(),
            "edge_content" => {
                wire::padding::unpad(&seed.bytes).is_none_or(|content| Content::decode(content).is_ok())
            }
            _ => true,
        };
        assert!(good, "{} {}", seed.target, seed.name);
    }
}

/// Any bytes may stand where a corpus file stands: cut off, doubled, and with bits that turned over on the way.
#[test]
fn every_target_takes_damaged_seeds() {
    let mut rng = ChaCha20Rng::from_seed([11; 32]);
    for seed in edge_seeds::seeds() {
        let length = seed.bytes.len();
        for cut in (0..length).step_by(1 + length / 40) {
            run(seed.target, &seed.bytes[..cut]);
        }
        run(seed.target, &[seed.bytes.as_slice(), &seed.bytes].concat());
        for _ in 0..300 {
            let mut bytes = seed.bytes.clone();
            for _ in 0..=rng.next_u32() % 4 {
                let (at, change) = (rng.next_u64(), rng.next_u32().to_le_bytes()[0]);
                let at = usize::try_from(at % u64::try_from(length).unwrap()).unwrap();
                bytes[at] ^= change;
            }
            run(seed.target, &bytes);
        }
    }
}
