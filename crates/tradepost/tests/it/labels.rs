//! A business that is hosted, and a customer at a terminal who sees by whom.

use std::sync::Arc;

use client::{
    Body, Button, ButtonAction, Device, DraftContent, Edges, HostedRegistration, Interactive, Marketing,
    MemoryVault, Message, NativeLink, NativeLinkOptions, ReplyKind, Settings, SystemClock, system_rng,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    business::{APPLY, Desk},
    people::{ANNA, BANK, Relay},
};

/// The bank's device, running.
struct Hosted<'a> {
    runtime: &'a Runtime,
    device: Device,
}

impl<'a> Hosted<'a> {
    /// Registers the bank's number with a host's credential.
    fn register(runtime: &'a Runtime, relay: &Relay, business: &str, credential: &str) -> Self {
        let options = NativeLinkOptions { multiplexed: true, ..NativeLinkOptions::default() };
        let edges = Edges {
            vault: Arc::new(MemoryVault::new()),
            link: Arc::new(NativeLink::new(&relay.url, options).unwrap()),
            clock: Arc::new(SystemClock),
            rng: system_rng(),
        };
        let registration = HostedRegistration {
            credential: credential.to_owned(),
            business: business.parse().unwrap(),
            number: BANK.parse().unwrap(),
            device_name: String::new(),
        };
        let device = runtime.block_on(async {
            let device = Device::register_hosted(edges, registration).await.unwrap();
            let settings = Settings { ignore_labels: true, ..Settings::default() };
            device.set_settings(settings).await.unwrap();
            tokio::spawn({
                let device = device.clone();
                async move { device.run().await }
            });
            device
        });
        Self { runtime, device }
    }

    /// The latest message of the customer, once there are so many.
    fn hears(&self, count: usize) -> Message {
        self.runtime.block_on(async {
            for _ in 0..600 {
                let messages = self.device.messages(0, 100).await.unwrap();
                let own = self.device.own().account;
                let mut heard: Vec<Message> =
                    messages.into_iter().filter(|message| message.id.author != own).collect();
                if heard.len() >= count {
                    return heard.swap_remove(count - 1);
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            panic!("nothing came");
        })
    }
}

#[test]
fn a_customer_sees_who_hosts_a_business_answers_it_and_leaves_it() {
    let runtime = Runtime::new().unwrap();
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    let desk = Desk { relay: &relay, folder: tempfile::tempdir().unwrap() };
    std::fs::write(desk.folder.path().join("extract.pdf"), "%PDF-1.7 an extract").unwrap();
    let business = desk.json(APPLY)["business"].as_str().unwrap().to_owned();
    desk.done(&["business", "number", "add", BANK]);
    desk.done(&["admin", "businesses", "approve", &business]);
    desk.done(&["business", "hosting", "set", "self", "--save", "host.credential"]);
    let credential = std::fs::read_to_string(desk.folder.path().join("host.credential")).unwrap();
    let bank = Hosted::register(&runtime, &relay, &business, credential.trim());

    let sent = anna.json(&["send", BANK, "Hello"]);
    assert_eq!(sent["label"]["label"]["hosting"], "self");
    assert_eq!(sent["label"]["shown"], true);
    let customer = bank.hears(1).chat;
    let history = anna.words(&["history", BANK]);
    assert!(history.contains("End-to-end encrypted (Bank of Examples AG, verified)"), "{history}");

    let button = |title: &str, id: &str| {
        let action = ButtonAction::Reply { id: id.into() };
        Button { title: title.into(), action }
    };
    let question = DraftContent::Interactive(Interactive {
        body: "Did you pay 950 EUR?".into(),
        buttons: vec![button("Yes", "yes"), button("No", "no")],
        ..Interactive::default()
    });
    let question = runtime.block_on(bank.device.send(customer, question.into())).unwrap();
    let words = anna.words(&["receive"]);
    assert!(words.contains("Did you pay 950 EUR?\n    1) Yes\n    2) No"), "{words}");
    assert_eq!(anna.json(&["answer", BANK])["choices"][1]["id"], "no");
    assert_eq!(anna.fails(2, &["answer", BANK, "3"])["code"], "usage");
    anna.json(&["answer", BANK, "2"]);
    let Body::Reply(reply) = bank.hears(2).body else { panic!("no reply") };
    assert_eq!((reply.message, reply.kind, reply.id.as_str()), (question, ReplyKind::Button, "no"));

    anna.json(&["share-number", BANK, "--yes"]);
    let Body::NumberShare { proof } = bank.hears(3).body else { panic!("no number") };
    let signed = wire::hosting::Signed::read(&proof.0).unwrap();
    let said: wire::hosting::NumberProof = wire::Message::decode(&signed.statement[..]).unwrap();
    let bank_itself: wire::BusinessId = business.parse().unwrap();
    assert_eq!((said.number.as_str(), said.business), (ANNA, bank_itself.as_bytes().to_vec()));
    anna.lines(&["leave", BANK, "--stop-marketing", "--erase", "--yes"]);
    assert_eq!(bank.hears(4).body, Body::Preference { marketing: Marketing::Stop });
    let request = bank.hears(5);
    assert_eq!(request.body, Body::ErasureRequest);
    let done = DraftContent::ErasureDone { request: request.id, messages: 5, media: 0 };
    runtime.block_on(bank.device.send(customer, done.into())).unwrap();
    assert!(anna.words(&["receive"]).contains("(erased: 5 messages, 0 files)"));

    // Another host: nothing is sent before she has seen it.
    let vendor = desk.json(&["admin", "vendors", "add", "Host GmbH"]);
    desk.done(&["business", "hosting", "set", "vendor", "--vendor", vendor["vendor"].as_str().unwrap()]);
    let credential = vendor["credential"].as_str().unwrap();
    let bank = Hosted::register(&runtime, &relay, &business, credential);
    let refused = anna.fails(6, &["send", BANK, "My salary is …"]);
    assert_eq!(refused["code"], "identity_changed");
    anna.json(&["verify", BANK]);
    anna.json(&["verify", BANK, "--accept-new-identity"]);
    let refused = anna.fails(7, &["send", BANK, "And …"]);
    assert_eq!(refused["code"], "label_changed");
    assert!(refused["message"].as_str().unwrap().contains("Managed by Host GmbH"), "{refused}");
    assert!(runtime.block_on(bank.device.messages(0, 10)).unwrap().is_empty());
    let label: Value = anna.json(&["label", BANK, "--accept"]);
    assert_eq!((&label["label"]["change"], &label["label"]["shown"]), (&"changed".into(), &true.into()));
    assert_eq!(bank.hears(1).body, Body::Text { text: "My salary is …".into() });
}
