//! A business and the operator, from the command line.

use std::process::Output;

use serde_json::Value;

use crate::people::{Relay, tradepost};

pub(crate) struct Desk<'a> {
    pub(crate) relay: &'a Relay,
    pub(crate) folder: tempfile::TempDir,
}

impl Desk<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = tradepost();
        command.current_dir(self.folder.path()).args(arguments).args(["--relay", &self.relay.url]);
        if arguments[0] == "admin" {
            command.arg("--data").arg(self.relay.data());
        }
        command.output().unwrap()
    }

    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

pub(crate) const APPLY: &[&str] = &[
    "business",
    "apply",
    "--legal-name",
    "Bank of Examples AG",
    "--name",
    "Example Bank",
    "--country",
    "DE",
    "--registration-number",
    "HRB 1234",
    "--website",
    "https://bank.example",
    "--category",
    "FINANCE",
    "--contact-name",
    "Ada",
    "--contact-email",
    "ada@bank.example",
    "--contact-phone",
    "+493012345678",
    "--document",
    "extract.pdf",
    "--submit",
];

#[test]
fn a_business_applies_and_the_operator_decides() {
    let relay = Relay::start();
    let desk = Desk { relay: &relay, folder: tempfile::tempdir().unwrap() };
    std::fs::write(desk.folder.path().join("extract.pdf"), "%PDF-1.7 an extract").unwrap();
    let business = desk.json(APPLY);
    assert_eq!(business["state"], "submitted");
    let id = business["business"].as_str().unwrap();
    // What is there already is not written over.
    assert!(desk.refused(APPLY).contains("--again"));

    desk.done(&["business", "number", "add", "+493012345678"]);
    desk.done(&["business", "tester", "add", "+4915112345678"]);
    let listed = desk.json(&["admin", "businesses", "list", "--state", "submitted"]);
    assert_eq!(listed["businesses"][0]["business"], id);
    desk.done(&["admin", "businesses", "documents", id, "--save", "papers"]);
    let paper = std::fs::read_dir(desk.folder.path().join("papers")).unwrap().next().unwrap().unwrap();
    assert_eq!(std::fs::read(paper.path()).unwrap(), b"%PDF-1.7 an extract");
    assert_eq!(desk.done(&["admin", "businesses", "approve", id]), "Example Bank is approved now.\n");
    let refused = desk.refused(&["admin", "businesses", "approve", id]);
    assert!(refused.contains("only what is in review is approved"), "{refused}");

    desk.done(&["business", "hosting", "set", "self", "--save", "host.credential"]);
    let host = std::fs::read_to_string(desk.folder.path().join("host.credential")).unwrap();
    assert!(host.starts_with("tph1_"), "{host}");
    let vendor = desk.json(&["admin", "vendors", "add", "Host GmbH"]);
    let vendor = vendor["vendor"].as_str().unwrap();
    let hosting = desk.json(&["business", "hosting", "set", "vendor", "--vendor", vendor]);
    assert_eq!(hosting["host_name"], "Host GmbH");
    let shown = desk.done(&["business", "show"]);
    for line in
        ["state         approved", "hosting       vendor by Host GmbH", "tester        +4915112345678"]
    {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
    desk.done(&["business", "rotate"]);
    desk.done(&["business", "show"]);

    let whole = desk.json(&["admin", "audit", "--verify"]);
    let known = format!("{}:{}", whole["number"], whole["hash"].as_str().unwrap());
    desk.done(&["admin", "audit", "--verify", "--known", &known]);
    assert!(desk.done(&["admin", "audit"]).contains("business_approved"));
    let beyond = format!("{}:{}", 1000, whole["hash"].as_str().unwrap());
    let refused = desk.refused(&["admin", "audit", "--verify", "--known", &beyond]);
    assert!(refused.contains("its end was removed"), "{refused}");
}

#[test]
fn who_has_no_token_decides_nothing_and_is_told_what_to_do() {
    let relay = Relay::start();
    let desk = Desk { relay: &relay, folder: tempfile::tempdir().unwrap() };
    let ask = |name: &str, value: &str| {
        let mut command = tradepost();
        command
            .args(["admin", "vendors", "list", "--relay", &relay.url, "--data", "/nowhere"])
            .env(name, value);
        command.output().unwrap()
    };
    let told = String::from_utf8(ask("X", "").stderr).unwrap();
    assert!(told.contains("TRADEPOST_OPERATOR_TOKEN"), "{told}");
    let told = String::from_utf8(ask("TRADEPOST_OPERATOR_TOKEN", "wrong").stderr).unwrap();
    assert!(told.contains("unauthorized") && told.contains("needs the operator's token"), "{told}");
    let file = relay.data().join("operator.token");
    assert!(ask("TRADEPOST_OPERATOR_TOKEN_FILE", file.to_str().unwrap()).status.success());
    assert!(desk.refused(&["business", "show"]).contains("tradepost business apply"));
}

#[test]
fn an_application_that_ends_half_way_says_how_to_go_on() {
    let relay = Relay::start();
    let desk = Desk { relay: &relay, folder: tempfile::tempdir().unwrap() };
    // Nothing was begun for a file that is not there.
    let missing = desk.run(APPLY);
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(2) && said.contains("nothing was done: extract.pdf"), "{said}");
    assert!(!desk.folder.path().join("business.credential").exists());
    std::fs::write(desk.folder.path().join("good.pdf"), "%PDF-1.7 an extract").unwrap();
    std::fs::write(desk.folder.path().join("extract.pdf"), "no document").unwrap();
    let said = desk.refused(&[APPLY, &["--document", "good.pdf"]].concat());
    for part in ["0 of 2 documents", "business document add", "tradepost business submit", "extract.pdf"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    desk.done(&["business", "document", "add", "good.pdf"]);
    assert!(desk.done(&["business", "submit"]).contains("submitted"));
}
