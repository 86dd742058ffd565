//! `tradepost host import` and `export` beside a host that runs.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{people::tradepost, up::Up};

fn host(up: &Up<'_>, arguments: &[&str], files: &[&Path]) -> Output {
    let mut command = tradepost();
    command.arg("host").args(arguments).arg("--data").arg(up.data().join("host"));
    command.args(["--relay", up.of("relay_url")]).args(files).output().unwrap()
}

fn answered(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}\n{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A chat of some thousand messages, not long ago.
fn chat(folder: &Path, messages: i64) -> PathBuf {
    let begin = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let begin = begin.saturating_sub(jiff::Span::new().days(20));
    let mut text = String::from("a title that is no message\n");
    for index in 0..messages {
        let at = begin.saturating_add(jiff::Span::new().minutes(index));
        let name = if index % 2 == 0 { "Ada" } else { "Example Bank" };
        let stamp = at.strftime("%d/%m/%Y, %H:%M");
        text.push_str(&format!("{stamp} - {name}: old message {index}\n"));
    }
    let path = folder.join("WhatsApp Chat with Ada.txt");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn chats_come_in_and_go_out_beside_a_host_that_runs() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&runtime, &folder);
    let path = chat(folder.path(), 5000);
    let (number, customer) = (up.of("business_number").to_owned(), up.of("customer_number").to_owned());
    let customer = format!("+{}", customer.trim_start_matches('+'));
    let number = format!("+{}", number.trim_start_matches('+'));
    let lines = folder.path().join("lines.jsonl");
    let flags = [
        "import",
        "--number",
        &number,
        "--me",
        "Example Bank",
        "--customer",
        &customer,
        "--time-zone",
        "UTC",
        "--json",
        "--report",
        lines.to_str().unwrap(),
    ];
    // The business goes on sending meanwhile.
    let (done, sent) = std::thread::scope(|scope| {
        let importing = scope.spawn(|| host(&up, &flags, &[&path]));
        let mut sent = 0;
        while !importing.is_finished() && sent < 40 {
            up.send("text", json!({ "body": format!("live {sent}") }));
            sent += 1;
        }
        (importing.join().unwrap(), sent)
    });
    let done = answered(&done);
    assert_eq!(
        (&done["report"]["imported"], &done["report"]["problems"]),
        (&json!(5000), &json!(1)),
        "{done}"
    );
    assert_eq!(
        (&done["report"]["filed_under"], &done["report"]["export_says"]),
        (&json!(customer), &Value::Null)
    );
    // Whose chat it went to is said where the export names somebody else.
    let other = folder.path().join("WhatsApp Chat with +49 1511 2345678.txt");
    std::fs::copy(&path, &other).unwrap();
    let dry = ["import", "--number", &number, "--me", "Example Bank", "--customer", &customer, "--dry-run"];
    let dry = host(&up, &dry, &[&other]);
    let said = String::from_utf8(dry.stdout).unwrap();
    assert!(said.contains(&format!("In the chat with {customer}; the export says +4915112345678")), "{said}");
    let line: Value = serde_json::from_str(std::fs::read_to_string(&lines).unwrap().trim()).unwrap();
    assert_eq!((&line["line"], &line["lost"]), (&json!(1), &json!(true)));
    assert!(sent > 0);
    up.reads(&format!("live {}", sent - 1), 1);
    let again = answered(&host(&up, &flags, &[&path]));
    assert_eq!((&again["report"]["imported"], &again["report"]["already_there"]), (&json!(0), &json!(5000)));

    let wrong = host(
        &up,
        &["import", "--number", &number, "--me", "Nobody", "--json"],
        &[&path, Path::new("/no/file")],
    );
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8(wrong.stdout).unwrap();
    assert!(
        said.lines().count() == 2 && said.contains("\\\"Example Bank\\\"") && said.contains("/no/file"),
        "{said}"
    );
    assert_eq!(host(&up, &["import", "--number", &number], &[&path]).status.code(), Some(2));

    let to = folder.path().join("all.zip");
    let export = ["export", "--business", up.of("waba_id"), "--json", "--to", to.to_str().unwrap()];
    let counts = &answered(&host(&up, &export, &[]))["counts"];
    assert!(counts["messages"].as_u64().unwrap() >= 5000 + sent && counts["chats"] == 1, "{counts}");
    assert!(std::fs::read(&to).unwrap().starts_with(b"PK"));
    let there = host(&up, &export, &[]);
    assert_eq!(there.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&there.stderr).contains("--force"));
    answered(&host(&up, &[&export[..], &["--force"]].concat(), &[]));
    // A new key beside the host, which goes on: what was sealed before opens, what comes is sealed under it.
    let rotated = answered(&host(&up, &["keys", "rotate", up.of("waba_id"), "--json"], &[]));
    assert_eq!(rotated["version"], 2, "{rotated}");
    let wrapped = answered(&host(&up, &["keys", "rewrap", "--json"], &[]));
    assert_eq!(wrapped["wrapped"], 0, "{wrapped}");
    up.send("text", json!({ "body": "under another key" }));
    up.reads("under another key", 1);
    let again = &answered(&host(&up, &[&export[..], &["--force"]].concat(), &[]))["counts"];
    assert_eq!(again["messages"].as_u64().unwrap(), counts["messages"].as_u64().unwrap() + 1);
    // Another folder is not made into a host's.
    let other = folder.path().join("other");
    let mut command = tradepost();
    command.args(["host", "export", "--business", up.of("waba_id"), "--to", "x.zip", "--data"]).arg(&other);
    let refused = command.output().unwrap();
    assert!(!refused.status.success() && !other.exists());
    up.stop();
}
