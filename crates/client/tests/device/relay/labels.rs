//! Its statements about who hosts businesses.

use std::collections::BTreeMap;

use keys::KeyPair;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use wire::{
    AccountId, Base64, Message as _,
    api::LabelKey,
    hosting::{DECLARATION, Declaration, KEY_CERTIFICATE, KeyCertificate, Mode, Signed, signed_bytes},
};

use super::Relay;

const DAY: u64 = 86_400_000;

#[derive(Default)]
pub(crate) struct Labels {
    keys: Vec<KeyPair>,
    certificates: Vec<Base64>,
    /// What it serves.
    pub(crate) served: BTreeMap<AccountId, Base64>,
    /// How often it was asked.
    pub(crate) asked: u32,
}

impl Labels {
    pub(crate) fn key(&self) -> Option<LabelKey> {
        let key = self.keys.last()?;
        let key = Base64(key.public.to_bytes().to_vec());
        Some(LabelKey { key, certificates: self.certificates.clone() })
    }
}

pub(crate) fn key_pair(seed: u64) -> KeyPair {
    KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

pub(crate) fn sign(key: &KeyPair, context: &str, statement: Vec<u8>) -> Base64 {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let signature = key.private.sign(&signed_bytes(context, &statement), &mut rng).as_bytes().to_vec();
    Base64(Signed { statement, signature }.encode_to_vec())
}

impl Relay {
    /// Makes a new label key: certified by the one before it, or out of the blue.
    pub(crate) fn new_label_key(&self, seed: u64, certified: bool) {
        let mut state = self.state();
        let (labels, new) = (&mut state.labels, key_pair(seed));
        if let Some(old) = labels.keys.last().filter(|_| certified) {
            let certificate = KeyCertificate { key: new.public.to_bytes().to_vec(), issued: 1 };
            labels.certificates.push(sign(old, KEY_CERTIFICATE, certificate.encode_to_vec()));
        }
        labels.keys.push(new);
    }

    /// What there would be to declare of an account.
    pub(crate) fn declaration(&self, account: AccountId, now: u64) -> Declaration {
        Declaration {
            business: vec![7; 16],
            account: account.as_bytes().to_vec(),
            mode: Mode::SelfHosted.into(),
            host: Vec::new(),
            host_name: String::new(),
            name: "Bank".into(),
            legal_name: "Bank AG".into(),
            verified: true,
            identity_key: self.state().accounts[&account].identity.0.clone(),
            since: 1,
            issued: now,
            expires: now + 7 * DAY,
            country: "DE".into(),
            category: "FINANCE".into(),
        }
    }

    /// Serves a declaration, signed by the present label key.
    pub(crate) fn declare(&self, account: AccountId, declaration: &Declaration) {
        let mut state = self.state();
        let signed = sign(state.labels.keys.last().unwrap(), DECLARATION, declaration.encode_to_vec());
        state.labels.served.insert(account, signed);
    }
}
