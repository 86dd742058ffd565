//! `tradepost host audit verify`, against logs that are written here by what the documentation says of them.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::people::tradepost;

/// A log with so many entries, line by line.
fn log(entries: u64) -> Vec<String> {
    let mut before = [0_u8; 32];
    let mut lines = Vec::new();
    for seq in 1..=entries {
        let at = 1_800_000_000_000 + i64::try_from(seq).unwrap();
        let (purpose, reader, subject, name) = ("deliver", "receiving", "message", format!("wamid.{seq}"));
        let mut hasher = Sha256::new().chain_update(b"Tradepost reading log v1").chain_update(before);
        hasher.update(seq.to_be_bytes());
        hasher.update(at.to_be_bytes());
        for text in [purpose, reader, subject, &name] {
            hasher.update(u64::try_from(text.len()).unwrap().to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update([0_u8]);
        before = hasher.finalize().into();
        let hash: String = before.iter().map(|byte| format!("{byte:02x}")).collect();
        let entry = json!({
            "seq": seq, "at": at, "purpose": purpose, "reader": reader, "subject": subject, "names": [name],
            "refused": false, "hash": hash,
        });
        lines.push(entry.to_string());
    }
    lines
}

/// How it ends, and what it says.
fn verify(folder: &Path, lines: &[String], head: Option<&Value>) -> (Option<i32>, Value) {
    let file = folder.join("log.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let mut command = tradepost();
    command.args(["host", "audit", "verify", "--json"]).arg(&file);
    if let Some(head) = head {
        let path = folder.join("head.json");
        std::fs::write(&path, head.to_string()).unwrap();
        command.arg("--head").arg(path);
    }
    let output = command.output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_log_is_whole_or_it_is_said_where_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let whole = log(5);
    let (code, head) = verify(folder.path(), &whole, None);
    assert_eq!((code, &head["whole"], &head["seq"]), (Some(0), &json!(true), &json!(5)));
    assert_eq!(verify(folder.path(), &log(7), Some(&head)).0, Some(0));

    let mut removed = whole.clone();
    removed.remove(2);
    let mut moved = whole.clone();
    moved.swap(1, 2);
    let mut changed = whole.clone();
    changed[3] = changed[3].replace("deliver", "market");
    let garbled = vec!["{}".to_owned()];
    for broken in [removed, moved, changed, garbled] {
        let (code, said) = verify(folder.path(), &broken, None);
        assert_eq!((code, &said["whole"]), (Some(1), &json!(false)), "{said}");
    }
    // Its end was cut off: that shows against what was noted.
    assert_eq!(verify(folder.path(), &whole[..4], None).0, Some(0));
    assert_eq!(verify(folder.path(), &whole[..4], Some(&head)).0, Some(1));

    let missing = tradepost().args(["host", "audit", "verify", "/nowhere.jsonl"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
}
