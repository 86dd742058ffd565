//! What the relay receives and stores holds nothing of what people say.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use crate::{
    people::{ANNA, BANK, Relay, file},
    proxy::Proxy,
};

const TEXT: &str = "Grandmother keeps the spare key under the geraniums";
const ANSWER: &str = "We shall water those flowers at midnight then";
const FILE_NAME: &str = "inventory-of-the-cellar.txt";
const FILE_WORDS: &str = "Forty-two bottles of a very old Tokaji, third shelf";
const CAPTION: &str = "Do not show this list to uncle Theodor";
const CARD_NAME: &str = "Theodora Quackenbush";
const CARD_NUMBER: &str = "+4930987654321";
const PROFILE: &str = "Wilhelmina Thistlethwaite";
const ABOUT: &str = "Collects porcelain hippopotamuses";
const CONTACT_NAME: &str = "The geranium people";
const DEVICE_NAME: &str = "Mahogany writing desk";

/// The forms in which words could lie about.
fn forms(words: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        words.as_bytes().to_vec(),
        words.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        words.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    // In base64 it depends on what stands before; the first and last characters mix with their neighbours.
    for before in 0..3 {
        let bytes = [&vec![b'x'; before], words.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(bytes);
        let inner = &text[4..text.len() - 4];
        forms.push(inner.as_bytes().to_vec());
        forms.push(inner.replace('+', "-").replace('/', "_").into_bytes());
    }
    forms
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

fn files(folder: &Path, into: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path.to_str().unwrap().as_bytes().to_vec());
            into.push(std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_relay_sees_and_keeps_no_plaintext() {
    let relay = Relay::start();
    let proxy = Proxy::before(&relay.url);
    let (mut anna, mut bank) = (relay.person("anna"), relay.person("bank"));
    (anna.relay, bank.relay) = (proxy.url.clone(), proxy.url.clone());
    anna.json(&["register", ANNA, "--name", PROFILE, "--device-name", DEVICE_NAME]);
    bank.json(&["register", BANK]);
    anna.json(&["profile", "--about", ABOUT]);
    anna.json(&["contacts", "name", BANK, CONTACT_NAME]);
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), FILE_NAME, FILE_WORDS.repeat(50).as_bytes());
    anna.json(&["send", BANK, TEXT]);
    anna.json(&["send", BANK, "--file", &path, CAPTION]);
    anna.json(&["send", BANK, "--contact", &format!("{CARD_NAME}:{CARD_NUMBER}")]);
    // What waits is looked at too.
    let mut kept = Vec::new();
    files(&relay.data(), &mut kept);
    let downloads = folder.path().join("downloads");
    let lines = bank.lines(&["receive", "--save-media", downloads.to_str().unwrap()]);
    assert_eq!(lines.len(), 3);
    assert_eq!(std::fs::read_to_string(lines[1]["saved"].as_str().unwrap()).unwrap(), FILE_WORDS.repeat(50));
    assert_eq!(bank.json(&["profile", ANNA])["profile"]["name"], PROFILE);
    bank.json(&["send", ANNA, ANSWER]);
    assert_eq!(anna.received(), [ANSWER]);
    let account = anna.json(&["account"])["account"].as_str().unwrap().to_owned();
    files(&relay.data(), &mut kept);
    let seen = proxy.seen();

    let secret = [
        TEXT,
        ANSWER,
        FILE_NAME,
        FILE_WORDS,
        CAPTION,
        CARD_NAME,
        CARD_NUMBER,
        PROFILE,
        ABOUT,
        CONTACT_NAME,
        DEVICE_NAME,
    ];
    for words in secret {
        for form in forms(words) {
            assert!(!seen.iter().any(|stream| contains(stream, &form)), "the relay received {words:?}");
            assert!(!kept.iter().any(|bytes| contains(bytes, &form)), "the relay keeps {words:?}");
        }
    }
    assert!(!relay.log().contains(PROFILE));

    // The eyes are open: what the relay has to know is seen.
    let number = &BANK.as_bytes()[1..];
    assert!(
        seen.iter().any(|stream| contains(stream, number))
            && kept.iter().any(|bytes| contains(bytes, number))
    );
    let account: Vec<u8> = (0..16)
        .map(|at| at * 2)
        .map(|at| {
            let digits = account.replace('-', "");
            u8::from_str_radix(&digits[at..at + 2], 16).unwrap()
        })
        .collect();
    let sockets = seen.iter().filter(|stream| contains(stream, b"/v1/socket"));
    assert!(sockets.clone().count() > 0);
    assert!(sockets.into_iter().any(|stream| contains(stream, &account)), "masks are taken off");
    let sizes: usize = kept.iter().map(Vec::len).sum();
    assert!(sizes > 10_000 && seen.iter().map(Vec::len).sum::<usize>() > 10_000);
}
