//! What goes wrong is told, with what to do about it and the right exit code.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::people::{ANNA, BANK, Relay, file, tradepost};

fn error(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn who_calls_wrongly_is_told() {
    let relay = Relay::start();
    let anna = relay.person("anna");
    assert_eq!(error(tradepost().args(["chat", "sned"])).0, Some(2));
    assert_eq!(anna.fails(2, &["register", "110"])["code"], "usage");
    let problem = anna.fails(3, &["send", BANK, "Hello"]);
    assert_eq!(problem["code"], "not_registered");
    assert!(problem["hint"].as_str().unwrap().contains("register"));
    anna.json(&["register", ANNA]);
    assert_eq!(anna.fails(1, &["register", BANK])["code"], "already_registered");
    assert_eq!(anna.fails(1, &["link"])["code"], "already_registered");
    assert_eq!(anna.fails(2, &["send", BANK])["code"], "usage");
}

#[test]
fn a_wrong_code_registers_nobody() {
    let relay = Relay::start();
    let anna = relay.person("anna");
    let asked = anna.fails(1, &["register", ANNA, "--no-dev"]);
    assert_eq!(asked["code"], "code_needed");
    // One of two codes is wrong for sure.
    let problems = ["000000", "000001"].map(|code| anna.run(&["register", ANNA, "--code", code, "--json"]));
    let wrong = problems.iter().find(|output| !output.status.success()).unwrap();
    assert_eq!(wrong.status.code(), Some(5));
    let error: serde_json::Value = serde_json::from_slice(&wrong.stderr).unwrap();
    assert_eq!(error["error"]["code"], "code_wrong");
    assert!(error["error"]["tries_left"].is_number(), "{error}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a person waits is what is tested")]
fn a_relay_that_is_not_there_is_no_hang_and_no_loss() {
    let mut relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["send", BANK, "Before"]);
    assert!(relay.stop().success(), "it goes down in order: {}", relay.log());
    let before = Instant::now();
    assert_eq!(anna.fails(4, &["send", BANK, "Meanwhile"])["code"], "unreachable");
    assert_eq!(bank.fails(4, &["receive"])["code"], "unreachable");
    assert!(before.elapsed() < Duration::from_secs(40));
    assert_eq!(relay.person("otto").fails(4, &["register", "+4930333333"])["code"], "unreachable");
    // What was said meanwhile waits, and goes out when the relay is back.
    let address = relay.url.strip_prefix("http://").unwrap().to_owned();
    let mut again = tradepost();
    again.args(["relay", "--listen", &address, "--data"]).arg(relay.data());
    let mut again =
        again.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
    while std::net::TcpStream::connect(&address).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    anna.lines(&["receive"]);
    assert_eq!(bank.received(), ["Before", "Meanwhile"]);
    again.kill().unwrap();
    again.wait().unwrap();
}

#[test]
fn plain_http_stays_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let relay = |flags: &[&str]| {
        error(tradepost().args(["relay", "--check", "--data"]).arg(folder.path()).args(flags))
    };
    let (exit, text) = relay(&["--listen", "0.0.0.0:0"]);
    assert_eq!(exit, Some(2));
    assert!(text.contains("plain HTTP"), "{text}");
    assert_eq!(relay(&["--listen", "0.0.0.0:0", "--plain-beyond-loopback"]).0, Some(0));
    assert_eq!(relay(&["--listen", "0.0.0.0:0", "--tls-self-signed"]).0, Some(0));
    let (exit, text) = relay(&["--tls-certificate", "x.pem"]);
    assert_eq!(exit, Some(2), "{text}");
    let started = error(tradepost().args(["relay", "--listen", "0.0.0.0:0", "--data"]).arg(folder.path()));
    assert!(started.0 == Some(2) && started.1.contains("plain HTTP"), "{started:?}");

    let mut far = Relay::start().person("anna");
    far.data = folder.path().to_owned();
    far.relay = "http://relay.example".to_owned();
    let problem = far.fails(2, &["register", ANNA]);
    assert!(problem["message"].as_str().unwrap().contains("plain HTTP"), "{problem}");
}

#[test]
fn a_vault_under_a_passphrase_opens_with_it_alone() {
    let relay = Relay::start();
    let (right, wrong) = (
        file(&relay.data(), "right", "correct horse\n".as_bytes()),
        file(&relay.data(), "wrong", b"battery"),
    );
    let anna = relay.person("anna");
    anna.json(&["--passphrase-file", &right, "register", ANNA]);
    assert!(!anna.folder().join("vault.key").exists());
    anna.json(&["--passphrase-file", &right, "chats"]);
    let mut by_environment = anna.command(&["chats"]);
    assert!(by_environment.env("TRADEPOST_PASSPHRASE_FILE", &right).output().unwrap().status.success());
    assert_eq!(anna.fails(1, &["--passphrase-file", &wrong, "chats"])["code"], "wrong_key");
    // Nobody can be asked here, and no other key is made.
    assert_eq!(anna.fails(2, &["chats"])["code"], "passphrase_needed");
    assert!(!anna.folder().join("vault.key").exists());
    let empty = file(&relay.data(), "empty", b"\n");
    assert_eq!(anna.fails(2, &["--passphrase-file", &empty, "chats"])["code"], "usage");
    // What has a key in a file has no passphrase.
    let bank = relay.registered("bank", BANK);
    assert_eq!(bank.fails(2, &["--passphrase-file", &right, "chats"])["code"], "usage");
    bank.lines(&["chats"]);
}

#[test]
fn a_self_signed_relay_is_trusted_only_by_whom_it_was_told_to() {
    let relay = Relay::with(&["--tls-self-signed"]);
    assert!(relay.url.starts_with("https://"));
    let (anna, bank) = (relay.person("anna"), relay.person("bank"));
    assert_eq!(anna.fails(4, &["register", ANNA])["code"], "unreachable");
    let certificate = relay.data().join("tls").join("certificate.pem");
    let certificate = ["--relay-certificate", certificate.to_str().unwrap()];
    anna.json(&[&["register", ANNA], &certificate[..]].concat());
    bank.json(&[&["register", BANK], &certificate[..]].concat());
    // It is remembered.
    anna.json(&["send", BANK, "Hello"]);
    assert_eq!(bank.received(), ["Hello"]);
}

#[test]
fn a_new_relay_does_not_begin_with_a_list() {
    let mut relay = Relay::with(&["--log-format", "json"]);
    assert!(relay.stop().success());
    let log = relay.log();
    assert!(log.contains("the relay listens") && !log.contains("migrating"), "{log}");
}

#[test]
fn logs_tell_no_numbers_and_no_words() {
    let mut relay = Relay::with(&["--log", "debug", "--log-format", "json"]);
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["send", BANK, "A word that nobody says"]);
    bank.received();
    assert!(relay.stop().success());
    let log = relay.log();
    for hidden in [&ANNA[1..], &BANK[1..], "nobody says", "tp1_"] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
    let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with("Registration code")).collect();
    assert!(lines.iter().any(|line| line.contains("the relay is down")));
    assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
}
