//! The trust boundary: nothing that opens an envelope is in the relay.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// What a package is built from, as Cargo resolves it.
fn built_from(metadata: &Value, package: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().unwrap();
    let name = |id: &Value| {
        let found = packages.iter().find(|package| package["id"] == *id).unwrap();
        found["name"].as_str().unwrap().to_owned()
    };
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let (mut found, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut next: Vec<&Value> =
        nodes.iter().filter(|node| name(&node["id"]) == package).map(|node| &node["id"]).collect();
    while let Some(id) = next.pop() {
        if !found.insert(id.as_str().unwrap()) {
            continue;
        }
        names.insert(name(id));
        let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
        let built = |dependency: &&Value| {
            // Normal ones have no kind.
            dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev")
        };
        next.extend(
            node["deps"].as_array().unwrap().iter().filter(built).map(|dependency| &dependency["pkg"]),
        );
    }
    names
}

#[test]
fn the_relay_reaches_neither_signal_nor_client() {
    let output =
        Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--locked"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let relay = built_from(&metadata, "tradepost-relay");
    for forbidden in ["tradepost-signal", "tradepost-client"] {
        assert!(!relay.contains(forbidden), "the relay is built from {forbidden}");
    }
    // What both servers listen with knows neither of them, nor anything else of ours.
    let serve = built_from(&metadata, "tradepost-serve");
    assert_eq!(serve.iter().filter(|name| name.starts_with("tradepost")).count(), 1, "{serve:?}");
    assert!(relay.contains("tradepost-serve"));
    // The test sees what is there.
    assert!(relay.contains("tradepost-keys") && relay.contains("tradepost-store"));
    let binary = built_from(&metadata, "tradepost");
    assert!(binary.contains("tradepost-signal") && binary.contains("tradepost-relay"));
}
