//! Two people write to each other.

use std::{io::Write as _, process::Stdio};

use crate::people::{ANNA, BANK, Relay, file, terminate};

#[test]
fn text_goes_both_ways_and_its_states_come_back() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let sent = anna.json(&["send", BANK, "Hello, I would like to open an account."]);
    assert_eq!(sent["message"]["state"]["state"], "sent");
    assert_eq!(bank.received(), ["Hello, I would like to open an account."]);
    assert_eq!(bank.received(), [""; 0], "each message is shown once");

    let position = bank.message(ANNA, 0)["position"].to_string();
    bank.json(&["send", ANNA, "--reply-to", &position, "Gladly."]);
    let words = anna.words(&["receive"]);
    assert!(words.contains("[> Hello, I would like") && words.contains("Gladly."), "{words}");
    let (question, answer) = (anna.message(BANK, 1), anna.message(BANK, 0));
    assert_eq!(question["state"]["state"], "read");
    assert_eq!(answer["quote"]["message"], question["id"]);
    bank.received();
    assert_eq!(bank.message(ANNA, 0)["state"]["state"], "read");

    let chats = anna.json(&["chats"]);
    assert_eq!(chats["chats"][0]["unread"], 0);
    assert!(anna.words(&["chats"]).contains("Gladly."));
    let until =
        anna.command(&["send", BANK, "Are you there?", "--until", "delivered", "--timeout", "1"]).output();
    assert_eq!(until.unwrap().status.code(), Some(4), "nobody was");
}

#[test]
fn what_was_said_can_be_changed() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let mut send =
        anna.command(&["send", BANK, "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    send.stdin.take().unwrap().write_all(b"From\nstandard input\n").unwrap();
    assert!(send.wait().unwrap().success());
    assert_eq!(bank.received(), ["From\nstandard input"]);

    let position = anna.message(BANK, 0)["position"].to_string();
    anna.json(&["send", BANK, "--edit", &position, "Other words"]);
    let at_bank = bank.message(ANNA, 0)["position"].to_string();
    bank.json(&["send", ANNA, "--react", "👍", "--to-message", &at_bank]);
    bank.received();
    anna.received();
    assert_eq!(bank.message(ANNA, 0)["body"]["text"], "Other words");
    assert_eq!(anna.message(BANK, 0)["reactions"][0]["emoji"], "👍");
    anna.json(&["send", BANK, "--delete", &position]);
    bank.received();
    assert_eq!(bank.message(ANNA, 0)["body"]["type"], "deleted");
    bank.fails(1, &["send", ANNA, "--delete", "4711"]);
}

#[test]
fn all_kinds_of_content_arrive() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> =
        (0..1_500_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let path = file(folder.path(), "contract.pdf", &bytes);
    anna.json(&["send", BANK, "--file", &path, "Signed."]);
    anna.json(&["send", BANK, "--location", "52.5163,-13.3777", "A gate"]);
    anna.json(&["send", BANK, "--contact", "Otto Muster:+4930999999"]);
    anna.json(&["send", BANK, "Soon gone", "--expires", "1h"]);
    anna.json(&["send", "me", "A note"]);

    let downloads = folder.path().join("downloads");
    let lines = bank.lines(&["receive", "--save-media", downloads.to_str().unwrap()]);
    let bodies: Vec<_> = lines.iter().map(|line| &line["message"]["body"]).collect();
    assert_eq!(bodies.len(), 4);
    assert_eq!((&bodies[0]["file_name"], &bodies[0]["caption"]), (&"contract.pdf".into(), &"Signed.".into()));
    assert_eq!(bodies[0]["content_type"], "application/pdf");
    assert!(bodies[0]["blob"].get("key").is_none(), "keys are not printed");
    assert_eq!(std::fs::read(lines[0]["saved"].as_str().unwrap()).unwrap(), bytes);
    assert_eq!((&bodies[1]["longitude"], &bodies[1]["name"]), (&(-13.3777).into(), &"A gate".into()));
    assert_eq!(bodies[2]["contacts"][0]["phone_numbers"][0], "+4930999999");
    assert_eq!(lines[3]["message"]["expires_after"], 3600);
    assert_eq!(anna.message("me", 0)["body"]["text"], "A note");

    let position = lines[0]["message"]["position"].to_string();
    let copy = folder.path().join("copy.pdf");
    bank.json(&["save", &position, copy.to_str().unwrap()]);
    assert_eq!(std::fs::read(&copy).unwrap(), bytes);
    assert_eq!(bank.fails(1, &["save", &position, copy.to_str().unwrap()])["code"], "file");
}

#[test]
fn people_have_names_and_can_be_blocked() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    bank.json(&["profile", "--name", "Musterbank", "--about", "Since 1832"]);
    anna.json(&["contacts", "name", BANK, "My bank"]);
    anna.json(&["send", "my BANK", "Hello"]);
    assert_eq!(bank.received(), ["Hello"]);
    bank.json(&["send", ANNA, "Hello"]);
    assert_eq!(anna.received(), ["Hello"]);
    assert_eq!(anna.json(&["profile", "My bank"])["profile"]["name"], "Musterbank");
    let found = anna.json(&["contacts", "find", BANK, "+4930111111"]);
    assert_eq!(found["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(anna.fails(2, &["send", "Nobody", "x"])["code"], "usage");

    anna.json(&["block", "My bank"]);
    bank.json(&["send", ANNA, "Buy this"]);
    assert_eq!(anna.received(), [""; 0]);
    anna.json(&["unblock", "My bank"]);
    bank.json(&["send", ANNA, "Excuse us"]);
    assert_eq!(anna.received(), ["Excuse us"]);
}

#[test]
fn both_see_the_same_safety_number() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    assert_eq!(anna.fails(1, &["verify", BANK])["code"], "unknown_identity");
    anna.json(&["send", BANK, "Hello"]);
    bank.received();
    let (here, there) = (anna.json(&["verify", BANK]), bank.json(&["verify", ANNA]));
    assert_eq!(here["safety_number"].as_str().unwrap().len(), 60);
    assert_eq!(here["safety_number"], there["safety_number"]);
    assert_eq!(here["trust"], "first_use");
    let read_out = there["safety_number"].as_str().unwrap();
    let wrong = format!("{}0", &read_out[..59]);
    let other = if read_out.ends_with('0') { format!("{}1", &read_out[..59]) } else { wrong };
    assert_eq!(anna.fails(6, &["verify", BANK, "--is", &other])["code"], "safety_number_differs");
    assert_eq!(anna.json(&["verify", BANK, "--is", read_out])["trust"], "verified");
    assert!(anna.words(&["verify", BANK, "--qr"]).contains('▀'));
    assert_eq!(anna.json(&["verify", BANK, "--unmark"])["trust"], "first_use");
    assert_eq!(anna.json(&["verify", BANK, "--mark"])["trust"], "verified");
}

#[test]
fn one_hears_that_the_other_types() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["send", BANK, "Hello"]);
    bank.received();
    let mut at_banks = bank.talk(&["with", ANNA, "--json"]);
    let mut at_annas = anna.talk(&["with", BANK]);
    while !at_annas.line().contains("Hello") {}
    // A session in which they can be told.
    at_banks.say("Good morning");
    while !at_annas.line().contains("Good morning") {}
    let typing =
        |value: &serde_json::Value, stopped: bool| value["event"] == "typing" && value["stopped"] == stopped;
    at_annas.say_part("What does");
    at_banks.value(|value| typing(value, false));
    // She thinks about it.
    at_banks.value(|value| typing(value, true));
    at_annas.say_part(" it co");
    at_banks.value(|value| typing(value, false));
    at_annas.say("st?");
    at_banks.value(|value| {
        value["event"] == "message" && value["message"]["body"]["text"] == "What does it cost?"
    });
    // Commands are nobody's business.
    at_annas.say_part("/qu");
    at_annas.say("it");
    assert!(at_annas.end().success());
    assert!(at_banks.end().success());
}

#[test]
fn one_who_follows_hears_at_once_and_ends_in_order() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let mut following = bank.talk(&["receive", "--follow", "--json"]);
    anna.json(&["send", BANK, "Hello", "--until", "read"]);
    let message = following.value(|value| value["event"] == "message");
    assert_eq!(message["message"]["body"]["text"], "Hello");
    let busy = bank.fails(1, &["chats"]);
    assert_eq!(busy["code"], "in_use");
    let holder = following.child.id().to_string();
    assert!(busy["message"].as_str().unwrap().contains(&holder), "{busy}");
    terminate(&following.child);
    assert!(following.end().success());
    bank.json(&["chats"]);
}

#[test]
fn two_talk_at_their_terminals() {
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    // The bank comes later.
    let mut at_annas = anna.talk(&["with", BANK, "--wait"]);
    let bank = relay.registered("bank", BANK);
    let mut at_banks = bank.talk(&["with", ANNA]);
    at_annas.say("Hello, bank");
    while !at_banks.line().contains("Hello, bank") {}
    at_banks.say("Hello, Anna");
    while !at_annas.line().contains(": Hello, Anna") {}
    at_annas.say("/quit");
    assert!(at_annas.end().success());
    assert!(at_banks.end().success());
    assert_eq!(anna.message(BANK, 1)["state"]["state"], "read");
}
