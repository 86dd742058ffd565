//! What the relay receives and stores holds nothing of what people say.

use std::path::Path;

use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _, aead::Aead as _};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hkdf::Hkdf;
use keys::{KeyPair, PublicKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sha2::Sha256;
use wire::Message as _;

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
    let wide = [
        words.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        words.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    [forms_of(words.as_bytes()), wide.to_vec()].concat()
}

fn forms_of(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec()];
    // In base64 it depends on what stands before; the first and last characters mix with their neighbours.
    for before in 0..3 {
        let bytes = [&vec![b'x'; before], secret].concat();
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

/// The test is the device that joins: only so it has in clear what the relay must not.
#[test]
fn the_relay_sees_and_keeps_nothing_of_what_a_linked_device_is_given() {
    let relay = Relay::start();
    let proxy = Proxy::before(&relay.url);
    let mut anna = relay.person("anna");
    anna.relay = proxy.url.clone();
    anna.json(&["register", ANNA, "--name", PROFILE]);

    let mut chance = ChaCha20Rng::from_seed([77; 32]);
    let own = KeyPair::generate(&mut chance);
    let http = Http { proxy: &proxy.url, runtime: tokio::runtime::Runtime::new().unwrap() };
    let channel = http.ask(reqwest::Method::POST, "/v1/provisioning");
    let id = channel["id"].as_str().unwrap();
    let relay_url: String = form_urlencoded::byte_serialize(proxy.url.as_bytes()).collect();
    let key = URL_SAFE_NO_PAD.encode(own.public.to_bytes());
    let code = format!("tradepost://link?relay={relay_url}&id={id}&key={key}");
    // Nobody will join; what is given to who might is asked for and read.
    let mut linking = anna.command(&["link", &code, "--yes"]).spawn().unwrap();
    let message = http.ask(reqwest::Method::GET, &format!("/v1/provisioning/{id}?wait_ms=25000"));
    let message = STANDARD.decode(message["message"].as_str().unwrap()).unwrap();
    let mut kept = Vec::new();
    files(&relay.data(), &mut kept);
    linking.kill().unwrap();
    linking.wait().unwrap();

    // As relay-api.md says it.
    let (sender, sealed) = message.split_at(33);
    let secret = own.private.agree(&PublicKey::from_bytes(sender).unwrap()).unwrap();
    let info = [b"Tradepost provisioning v1", &own.public.to_bytes()[..], sender].concat();
    let mut agreed = [0; 32];
    Hkdf::<Sha256>::new(None, secret.expose()).expand(&info, &mut agreed).unwrap();
    let cipher = Aes256GcmSiv::new(&agreed.into());
    let opened = cipher.decrypt(&[0; 12].into(), sealed).expect("what the primary sealed for this device");
    let given = wire::content::Provision::decode(&opened[..]).unwrap();
    assert_eq!((given.number.as_str(), given.identity_private_key.len()), (ANNA, 32));
    assert!(!given.profile_key.is_empty());

    let seen = proxy.seen();
    for (what, secret) in [
        ("identity key", &given.identity_private_key[..]),
        ("profile key", &given.profile_key),
        ("key agreed on", &agreed),
    ] {
        for form in forms_of(secret) {
            assert!(!seen.iter().any(|stream| contains(stream, &form)), "the relay received the {what}");
            assert!(!kept.iter().any(|bytes| contains(bytes, &form)), "the relay keeps the {what}");
        }
    }
    // The eyes are open: the sealed message went through.
    assert!(forms_of(&message).iter().any(|form| seen.iter().any(|stream| contains(stream, form))));
    assert!(seen.iter().any(|stream| contains(stream, id.as_bytes())));
}

struct Http<'a> {
    proxy: &'a str,
    runtime: tokio::runtime::Runtime,
}

impl Http<'_> {
    fn ask(&self, method: reqwest::Method, path: &str) -> serde_json::Value {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.proxy));
        self.runtime.block_on(async { request.send().await.unwrap().json().await.unwrap() })
    }
}
