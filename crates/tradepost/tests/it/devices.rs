//! Accounts with several devices, and without any.

use crate::people::{ANNA, BANK, Relay};

#[test]
fn a_linked_device_has_the_same_conversation() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["contacts", "name", BANK, "My bank"]);
    let laptop = relay.person("laptop");
    let mut linking = laptop.talk(&["link", "--json", "--device-name", "Laptop"]);
    let url = linking.value(|value| value.get("url").is_some())["url"].as_str().unwrap().to_owned();
    assert_eq!(anna.fails(2, &["link", &url])["code"], "usage", "nobody is there to be asked");
    let joined = anna.json(&["link", &url, "--yes"]);
    assert_eq!((&joined["id"], &joined["name"]), (&2.into(), &"Laptop".into()));
    let own = linking.value(|value| value.get("account").is_some());
    assert_eq!(own["number"], ANNA);
    assert!(linking.end().success());

    anna.json(&["send", BANK, "From the phone"]);
    assert_eq!(laptop.received(), ["From the phone"]);
    assert_eq!(bank.received(), ["From the phone"]);
    bank.json(&["send", ANNA, "To both"]);
    assert_eq!((anna.received(), laptop.received()), (vec!["To both".into()], vec!["To both".into()]));
    laptop.json(&["send", "My bank", "From the laptop"]);
    assert_eq!(
        (anna.received(), bank.received()),
        (vec!["From the laptop".into()], vec!["From the laptop".into()])
    );
    let safety = |person: &crate::people::Person, who| person.json(&["verify", who])["safety_number"].clone();
    assert_eq!(safety(&laptop, BANK), safety(&bank, ANNA));

    let devices = anna.json(&["devices"]);
    assert_eq!(devices["devices"].as_array().unwrap().len(), 2);
    assert_eq!(laptop.fails(1, &["delete-account", "--yes"])["code"], "primary_only");
    anna.json(&["devices", "remove", "2", "--yes"]);
    assert_eq!(laptop.fails(3, &["receive"])["code"], "credential_gone");
    laptop.json(&["forget", "--yes"]);
    assert!(!laptop.folder().exists());
    bank.json(&["send", ANNA, "Only to the phone"]);
    assert_eq!(anna.received(), ["Only to the phone"]);
}

#[test]
fn a_deleted_account_is_gone() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["send", BANK, "Hello"]);
    assert_eq!(bank.fails(2, &["delete-account"])["code"], "usage");
    bank.json(&["delete-account", "--yes"]);
    assert!(!bank.folder().exists());
    assert_eq!(bank.fails(3, &["chats"])["code"], "not_registered");
    assert_eq!(anna.fails(5, &["send", BANK, "Still there?"])["code"], "not_sent");
    let nobody = anna.fails(1, &["send", "+4930222222", "x"]);
    assert_eq!(nobody["code"], "no_such_account");
}

#[test]
fn nothing_is_sent_to_a_changed_identity_before_it_is_accepted() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["send", BANK, "Hello"]);
    bank.received();
    let new_bank = relay.registered("new-bank", BANK);
    assert_eq!(bank.fails(3, &["receive"])["code"], "credential_gone");
    assert_eq!(anna.fails(6, &["send", BANK, "Is that you?"])["code"], "identity_changed");
    assert_eq!(anna.fails(6, &["send", BANK, "Really?"])["code"], "identity_changed");
    assert_eq!(new_bank.received(), [""; 0]);
    assert_eq!(anna.json(&["verify", BANK])["trust"], "changed");
    // What was shown now is accepted, and nothing that came after it.
    let newer_bank = relay.registered("newer-bank", BANK);
    newer_bank.json(&["send", ANNA, "It is me"]);
    anna.received();
    for decision in ["--mark", "--accept-new-identity"] {
        assert_eq!(anna.fails(6, &["verify", BANK, decision])["code"], "safety_number_not_shown");
    }
    assert_eq!(anna.json(&["verify", BANK])["trust"], "changed");
    anna.json(&["verify", BANK, "--accept-new-identity"]);
    let new_bank = newer_bank;
    assert_eq!(new_bank.received(), ["Is that you?"]);
    anna.json(&["send", BANK, "Good."]);
    assert_eq!(new_bank.received(), ["Good."]);
}

#[test]
fn a_number_with_a_pin_is_not_taken_over() {
    let relay = Relay::start();
    let anna = relay.registered("anna", ANNA);
    anna.json(&["pin", "--pin", "correct horse"]);
    let thief = relay.person("thief");
    let locked = thief.fails(5, &["register", ANNA]);
    assert_eq!(locked["code"], "registration_locked");
    assert_eq!(anna.json(&["account"])["registration_lock"], true);
    anna.json(&["pin", "--remove"]);
    assert_eq!(anna.json(&["account"])["registration_lock"], false);
    assert_eq!(anna.json(&["register", ANNA])["number"], ANNA, "twice is no mistake");
}
