//! What the relay keeps of credentials and PINs is nothing that opens anything.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::json;
use wire::{Credential, Token};

use crate::stage::{MINUTE, Site, identity, offer};

const PIN: &str = "tangerine-rhinoceros";

/// Everything in the files of the database, also what was not moved into it yet.
fn database(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("relay.db"));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Bytes as such, in hexadecimal and in base64, which depends on what stands before and has neighbours' bits at its ends.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms =
        vec![bytes.to_vec(), hex::encode(bytes).into_bytes(), hex::encode_upper(bytes).into_bytes()];
    for before in 0..3 {
        let text = STANDARD_NO_PAD.encode([&vec![0; before], bytes].concat());
        let inner = &text[4..text.len() - 4];
        forms.push(inner.as_bytes().to_vec());
        forms.push(inner.replace('+', "-").replace('/', "_").into_bytes());
    }
    forms
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_holds_no_credential_and_no_pin() {
    let stage = Site::sqlite().stage().await;
    let person = stage.person().await;
    let linked = stage.link(&person).await;
    person.send("PUT", "/v1/account/registration-lock", json!({ "pin": PIN })).await.is(204);
    stage.clock.advance(MINUTE);
    // Both are used, the PIN once wrongly.
    linked.get("/v1/account").await.is(200);
    let code = stage.code(&person.phone).await;
    let device = offer(&identity("a"), 1, 0);
    let wrong = format!("{PIN}-no");
    stage.try_register(&person.phone, &code, Some(&wrong), &device).await.is(423);
    let made = stage.post("/v1/businesses", json!({})).await.is(201).json();
    let business: Credential = made["credential"].as_str().unwrap().parse().unwrap();
    let tokens: [Token; 2] = [&person, &linked].map(|device| device.token.parse().unwrap());

    let mut secrets =
        vec![("the PIN", PIN.as_bytes().to_vec()), ("the business's", business.secret.to_vec())];
    secrets.extend(tokens.iter().map(|token| ("a device's", token.secret.to_vec())));
    let mut texts = vec![made["credential"].as_str().unwrap().to_owned()];
    texts.extend([person.token.clone(), linked.token.clone()]);
    let files = database(&stage.config.data);
    assert!(files.iter().any(|(name, _)| name.ends_with("-wal")), "what was written last is looked at too");
    for (name, bytes) in &files {
        for (what, secret) in &secrets {
            for form in forms(secret) {
                assert!(!contains(bytes, &form), "{what} is in {name}");
            }
        }
        for text in &texts {
            assert!(!contains(bytes, text.as_bytes()), "a credential is in {name}");
            // What follows the prefix.
            assert!(!contains(bytes, &text.as_bytes()[5..]), "a credential is in {name}");
        }
    }
    // The eyes are open: whose they are is there, and what is kept instead of them.
    let all: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert!(contains(&all, tokens[0].account.as_bytes()));
    for token in &tokens {
        assert!(contains(&all, &relay::auth::hash(&token.secret)));
    }
    stage.close().await;
}
