//! A business on a host, from an approved application to its first message: with commands, and with calls.

use std::{
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    business::{APPLY, Desk},
    people::{ANNA, BANK, Person, Relay, tradepost},
};

/// How often one looks, and how long one waits between.
const LOOKS: u32 = 1200;
const PAUSE: Duration = Duration::from_millis(50);
/// What the whole way may take.
const MINUTE: Duration = Duration::from_secs(60);

/// A host that ends with the test.
struct Host {
    child: Child,
    folder: TempDir,
    url: String,
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    fn start(relay: &Relay) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("address");
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = tradepost();
        command.args(["host", "--listen", "127.0.0.1:0", "--relay", &relay.url, "--data"]);
        command.arg(folder.path().join("host")).arg("--address-file").arg(&address);
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        for look in 0.. {
            if address.exists() {
                break;
            }
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
            assert!(child.try_wait().unwrap().is_none() && look < LOOKS, "the host does not start: {log}");
            std::thread::sleep(PAUSE);
        }
        let url = std::fs::read_to_string(&address).unwrap().trim().to_owned();
        Self { child, folder, url }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    fn run(&self, within: &Path, arguments: &[&str]) -> Output {
        let mut command = tradepost();
        command.current_dir(within).arg("host").args(arguments);
        command.args(["--host", &self.url, "--data"]).arg(self.data()).output().unwrap()
    }

    fn done(&self, within: &Path, arguments: &[&str]) -> String {
        let output = self.run(within, arguments);
        let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}\n{}", log());
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, within: &Path, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(within, &[arguments, &["--json"]].concat())).unwrap()
    }

    fn fails(&self, within: &Path, arguments: &[&str]) -> String {
        let output = self.run(within, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// An approved application, whose credential is in `business.credential` of the desk's folder.
fn approved(relay: &Relay) -> Desk<'_> {
    let desk = Desk { relay, folder: tempfile::tempdir().unwrap() };
    std::fs::write(desk.folder.path().join("extract.pdf"), "%PDF-1.7 an extract").unwrap();
    let business = desk.json(APPLY)["business"].as_str().unwrap().to_owned();
    desk.done(&["business", "number", "add", BANK]);
    desk.done(&["admin", "businesses", "approve", &business]);
    desk
}

/// Waits until the customer has this many messages from the business.
fn hears(anna: &Person, count: usize) {
    for _ in 0..LOOKS {
        anna.lines(&["receive"]);
        let history = anna.run(&["history", BANK, "--no-read", "--json"]);
        let history: Value = serde_json::from_slice(&history.stdout).unwrap_or_default();
        let messages = history["messages"].as_array().cloned().unwrap_or_default();
        let templates = messages.iter().filter(|message| message["body"]["type"] == "template");
        if templates.count() == count {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{count} messages did not come");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn two_commands_lead_from_an_approved_application_to_the_first_message() {
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    let desk = approved(&relay);
    let host = Host::start(&relay);
    let here = desk.folder.path();

    let began = Instant::now();
    let commands: [&[&str]; 2] = [
        &["business", "add", "--save", "bank.json", "--store-days", "365"],
        &["send", "--as", "bank.json", ANNA, "--template", "hello_world"],
    ];
    commands.iter().for_each(|command| drop(host.done(here, command)));
    hears(&anna, 1);
    let took = began.elapsed();
    assert!(commands.len() <= 3 && took < MINUTE, "{} commands, {took:?}", commands.len());

    // The same again finds what is there; its token is kept.
    let saved = || serde_json::from_slice::<Value>(&std::fs::read(here.join("bank.json")).unwrap()).unwrap();
    let before = saved();
    host.done(here, commands[0]);
    assert_eq!(saved(), before);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(here.join("bank.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    host.done(here, commands[1]);
    hears(&anna, 2);

    let id = before["business_id"].as_str().unwrap();
    let listed = host.json(here, &["business", "list"]);
    assert_eq!(listed["businesses"][0]["business_id"], id);
    let shown = host.done(here, &["business", "show", "--as", "bank.json"]);
    assert!(shown.contains("hosting       self") && shown.contains("store 365 days"), "{shown}");
    let words = host.done(here, &["business", "instruct", id, "--store-days", "400", "--search"]);
    assert!(words.contains("before        deliver, store 365 days"), "{words}");
    assert!(words.contains("added         search, store 400 days"), "{words}");
    let chats = host.json(here, &["chats", "list", "--as", "bank.json"]);
    assert_eq!(chats["chats"][0]["wa_id"], ANNA[1..], "{chats}");
    let shown = host.done(here, &["chats", "show", "--id", id, ANNA, "--limit", "1"]);
    assert!(
        shown.contains("→") && shown.contains("[template]") && shown.contains("Before that: --after"),
        "{shown}"
    );
    assert_eq!(host.done(here, &["chats", "search", "--as", "bank.json", "nothing"]), "There are none.\n");
    let nobody = host.fails(here, &["chats", "show", "--as", "bank.json", BANK]);
    assert!(nobody.contains("nobody with whom"), "{nobody}");
    // Less than before deletes chats.
    let less = ["business", "instruct", id, "--store-days", "90"];
    let refused = host.run(here, &less);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("older than 90 days") && said.contains("deliver, search, store 400 days"),
        "{said}"
    );
    let words = host.done(here, &[&less[..], &["--yes"]].concat());
    let refused = host.run(here, &["chats", "search", "--as", "bank.json", "hello"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && said.contains("search chats"), "{said}");
    assert!(words.contains("taken away    search") && words.contains("store 90 days"), "{words}");
    let waba = before["waba_id"].as_str().unwrap();
    assert_eq!(host.json(here, &["business", "show", waba])["business_id"], id);

    let head = host.json(here, &["audit", "download", "--as", "bank.json", "log.jsonl"]);
    assert_eq!(head["whole"], true);
    std::fs::write(here.join("head.json"), head.to_string()).unwrap();
    let mode = std::fs::metadata(here.join("log.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    host.done(here, commands[1]);
    hears(&anna, 3);
    let newer = ["audit", "download", "--id", id, "newer.jsonl", "--head", "head.json"];
    assert!(host.json(here, &newer)["seq"].as_u64() > head["seq"].as_u64());
    host.done(here, &["deliveries", "list", "--as", "bank.json"]);
    assert_eq!(host.json(here, &["deliveries", "replay", "--as", "bank.json"])["replayed"], 0);
    assert_eq!(host.json(here, &["template", "list"])["templates"], json!([]));
    assert_eq!(host.json(here, &["name", "list"])["names"], json!([]));
    let number = before["numbers"][0]["phone_number_id"].as_str().unwrap();
    let none = host.fails(here, &["name", "approve", number, "World Bank"]);
    assert!(none.contains("does not ask for this name"), "{none}");
    let why = host.fails(here, &["name", "reject", number, "World Bank", "--reason", "UGLY"]);
    assert!(why.contains("NAME_NOT_CONSISTENT"), "{why}");

    let limit = ["number", "limit", number];
    assert!(host.done(here, &limit).contains("TIER_250"));
    let raised = host.json(here, &[&limit[..], &["TIER_10K", "--held"]].concat());
    assert_eq!((&raised["messaging_limit"], &raised["held"]), (&json!("TIER_10K"), &json!(true)));
    assert!(host.done(here, &["business", "show", id]).contains("TIER_10K"));

    let refused = host.fails(here, &["business", "erase", id]);
    assert!(refused.contains("--yes"), "{refused}");
    host.done(here, &["business", "erase", id, "--yes"]);
    let gone = host.fails(here, &["send", "--as", "bank.json", ANNA, "--template", "hello_world"]);
    assert!(gone.contains("token"), "{gone}");
    host.done(here, &["audit", "download", "--id", id, "last.jsonl", "--head", "head.json"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn two_calls_lead_from_an_approved_application_to_the_first_message() {
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    let desk = approved(&relay);
    let host = Host::start(&relay);
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap().trim().to_owned();
    let operator = read(host.data().join("operator.token"));
    let credential = read(desk.folder.path().join("business.credential"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let call = |path: &str, token: &str, body: Value| -> Value {
        runtime.block_on(async {
            let request = reqwest::Client::new().post(format!("{}{path}", host.url)).bearer_auth(token);
            let answer = request.json(&body).send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{path}: {status} {text}");
            serde_json::from_str(&text).unwrap()
        })
    };

    let began = Instant::now();
    let brought = call("/host/v1/businesses", &operator, json!({ "credential": credential }));
    let number = brought["numbers"][0]["phone_number_id"].as_str().unwrap();
    let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
    let body =
        json!({ "messaging_product": "whatsapp", "to": ANNA, "type": "template", "template": template });
    call(&format!("/v24.0/{number}/messages"), brought["token"].as_str().unwrap(), body);
    hears(&anna, 1);
    let took = began.elapsed();
    assert!(took < MINUTE, "{took:?}");
}

#[test]
fn opening_a_chat_shows_what_the_business_offers_and_a_number_chooses() {
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    let desk = approved(&relay);
    let host = Host::start(&relay);
    let here = desk.folder.path();
    host.done(here, &["business", "add", "--save", "bank.json", "--store-days", "365"]);
    let saved: Value = serde_json::from_slice(&std::fs::read(here.join("bank.json")).unwrap()).unwrap();
    let number = saved["numbers"][0]["phone_number_id"].as_str().unwrap();
    let offers = json!({ "prompts": ["Where is my parcel?", "Talk to somebody"],
        "commands": [{ "command_name": "track", "command_description": "Where a parcel is" }] });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("{}/v24.0/{number}/conversational_automation", host.url);
        let request = reqwest::Client::new().post(url).bearer_auth(saved["token"].as_str().unwrap());
        assert!(request.json(&offers).send().await.unwrap().status().is_success());
    });

    let mut at_annas = anna.talk(&["with", BANK]);
    while !at_annas.line().contains("/ask 1  Where is my parcel?") {}
    while !at_annas.line().contains("/track  Where a parcel is") {}
    at_annas.say("/ask 3");
    at_annas.say("/ask 2");
    while !at_annas.line().contains("Talk to somebody") {}
    at_annas.say("/track 4711");
    while !at_annas.line().contains("/track 4711") {}
    at_annas.say("/menu");
    while !at_annas.line().contains("/ask 2  Talk to somebody") {}
    at_annas.say("/quit");
    assert!(at_annas.end().success());
    let read = ["chats", "show", "--as", "bank.json", "--json"];
    let said = |messages: &Value| -> Vec<String> {
        let rows = messages["messages"].as_array().unwrap().iter();
        rows.map(|row| row["content"]["body"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let person = (0..LOOKS).find_map(|_| {
        std::thread::sleep(PAUSE);
        let chats = host.json(here, &["chats", "list", "--as", "bank.json"]);
        chats["chats"][0]["user_id"].as_str().map(str::to_owned)
    });
    let person = person.unwrap();
    let came = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        let page = host.done(here, &[&read[..], &[&person]].concat());
        said(&serde_json::from_str(&page).unwrap()) == ["/track 4711", "Talk to somebody"]
    });
    assert!(came, "what was chosen came, and nothing else");
}

#[test]
fn whom_a_business_reaches_before_it_is_approved_is_said() {
    let mut relay = Relay::start();
    relay.registered("anna", ANNA);
    let desk = Desk { relay: &relay, folder: tempfile::tempdir().unwrap() };
    std::fs::write(desk.folder.path().join("extract.pdf"), "%PDF-1.7 an extract").unwrap();
    let business = desk.json(APPLY)["business"].as_str().unwrap().to_owned();
    desk.done(&["business", "number", "add", BANK]);
    let host = Host::start(&relay);
    let here = desk.folder.path();
    let said = |arguments: &[&str]| {
        let output = host.run(here, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    };
    let warns = said(&["business", "add", "--save", "bank.json"]);
    assert!(warns.contains("not approved (submitted)") && warns.contains("testers"), "{warns}");
    let send = ["send", "--as", "bank.json", ANNA, "--template", "hello_world"];
    let warns = said(&send);
    assert!(warns.contains("testers") && warns.contains("business show --as bank.json"), "{warns}");

    desk.done(&["admin", "businesses", "approve", &business]);
    let approved = (0..LOOKS).any(|_| {
        std::thread::sleep(PAUSE);
        host.done(here, &["business", "show", "--as", "bank.json"]).contains("state         approved")
    });
    assert!(approved, "the host never asks the relay again");
    assert_eq!(said(&send), "");
    // What is known is shown though the relay is gone.
    let Desk { folder, .. } = desk;
    relay.stop();
    std::thread::sleep(Duration::from_secs(6));
    let shown = host.done(folder.path(), &["business", "show", "--as", "bank.json"]);
    assert!(shown.contains("state         approved"), "{shown}");
}

#[test]
fn a_check_finds_files_and_keys_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let check = |server: &str, settings: &str| {
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, settings).unwrap();
        let mut command = tradepost();
        let output = command.current_dir(folder.path()).args([server, "--config"]).arg(&file).arg("--check");
        let output = output.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for server in ["host", "relay"] {
        assert_eq!(check(server, ""), (Some(0), String::new()));
        let tls = "certificate = \"no.pem\"\nkey = \"no.key\"\n";
        let section = if server == "relay" { "listen.tls.files" } else { "listen.tls" };
        let (code, said) = check(server, &format!("[{section}]\n{tls}"));
        assert!(code == Some(1) && said.contains("no.pem"), "{said}");
        // A setting that is none is a wrong call.
        assert_eq!(check(server, "nonsense = 1").0, Some(2));
    }
    for (settings, says) in [
        ("relay_certificate = \"no.pem\"", "no.pem"),
        ("master_keys = [{ file = \"no.key\" }]", "no.key"),
        ("master_keys = [{ environment = \"NO_SUCH_VARIABLE\" }]", "NO_SUCH_VARIABLE"),
        ("master_keys = [{ command = [\"no-such-program\"] }]", "no-such-program"),
    ] {
        let (code, said) = check("host", settings);
        assert!(code == Some(1) && said.contains(says), "{settings}: {said}");
    }
    assert!(!folder.path().join("data").exists(), "a check makes nothing");
}

#[test]
fn commands_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |arguments: &[&str]| {
        let output = tradepost().current_dir(folder.path()).arg("host").args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (arguments, says) in [
        (&["business", "list"][..], "TRADEPOST_HOST_OPERATOR_TOKEN"),
        (&["send", ANNA, "Hello"], "--as"),
        (&["business", "show"], "--as"),
        (&["send", "--as", "nothing.json", ANNA, "Hello"], "nothing.json"),
        (&["audit", "download", "log.jsonl"], "--as"),
    ] {
        let said = fails(arguments);
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    let file = folder.path().join("chat.txt");
    std::fs::write(&file, "").unwrap();
    let import = ["import", "--me", "Bank", "chat.txt"];
    for wrong in [
        &["send", ANNA, "Hello"][..],
        &["business", "show"],
        &["business", "show", "x"],
        &["business", "show", "--as", "nothing.json"],
        &["business", "add", "--callback", "foo"],
        &["--config", "nowhere.toml"],
        &["chats", "search", "--as", "nothing.json"],
        &["chats", "list", "--as", "nothing.json"],
        &["chats", "list", "--since", "yesterday"],
        &["number", "limit", "3000000000000001", "TIER_7"],
        &["number", "limit", "3000000000000001", "--held"],
        &["export", "--business", "x", "--to", "x.zip"],
        &["export", "--config", "nowhere.toml", "--business", "1000000000000001", "--to", "x.zip"],
        &[&import[..], &["--number", "+4912"]].concat(),
        &[&import[..], &["--number", "+493023125000", "--time-zone", "Nowhere"]].concat(),
        &[&import[..], &["--number", "+493023125000", "--customer", "5"]].concat(),
    ] {
        let mut command = tradepost();
        let output = command.current_dir(folder.path()).arg("host").args(wrong).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {said}");
    }
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/operator.token"), "x").unwrap();
    std::fs::write(folder.path().join("business.credential"), "x").unwrap();
    let said = fails(&["business", "add", "--host", "http://127.0.0.1:1"]);
    assert!(said.contains("no host answers"), "{said}");
    let said = fails(&["business", "list", "--host", "http://198.51.100.1"]);
    assert!(said.contains("in the clear"), "{said}");
}
