//! Version 1: for one receiver, with a key of its own for the sender's identity and one for the content.

use aes::Aes256;
use ctr::{
    Ctr32BE,
    cipher::{KeyIvInit, StreamCipher},
};
use keys::{KeyError, KeyPair, PublicKey, Secret};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Content, OpenError};
use crate::{
    Malformed,
    kdf::{hkdf, hmac, part},
    protobuf::{Writer, fields},
};

const VERSION_BYTE: u8 = 0x11;
const MAC_LEN: usize = 10;

/// Keys of one of the two boxes.
struct BoxKeys {
    cipher: Secret<32>,
    mac: Secret<32>,
}

impl BoxKeys {
    /// The keys of the box with the sender's identity, and what binds the second box to it.
    fn for_identity(ephemeral: &PublicKey, receiver: &PublicKey, shared: &Secret<32>) -> (Secret<32>, Self) {
        let salt = [b"UnidentifiedDelivery".as_slice(), &receiver.to_bytes(), &ephemeral.to_bytes()].concat();
        Self::derive(&salt, shared)
    }

    /// The keys of the box with the content.
    fn for_content(chain: &Secret<32>, sealed_identity: &[u8], shared: &Secret<32>) -> Self {
        let salt = Zeroizing::new([chain.expose().as_slice(), sealed_identity].concat());
        Self::derive(&salt, shared).1
    }

    fn derive(salt: &[u8], shared: &Secret<32>) -> (Secret<32>, Self) {
        let output = hkdf::<96>(Some(salt), shared.expose(), &[]);
        (part(&output, 0), Self { cipher: part(&output, 32), mac: part(&output, 64) })
    }

    fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plaintext.len() + MAC_LEN);
        sealed.extend_from_slice(plaintext);
        self.apply_keystream(&mut sealed);
        let mac = self.mac(&sealed);
        sealed.extend_from_slice(&mac);
        sealed
    }

    /// `None` if the MAC is wrong.
    fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (ciphertext, mac) = sealed.split_last_chunk::<MAC_LEN>()?;
        if !bool::from(self.mac(ciphertext).ct_eq(mac)) {
            return None;
        }
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        self.apply_keystream(&mut plaintext);
        Some(plaintext)
    }

    fn apply_keystream(&self, bytes: &mut [u8]) {
        Ctr32BE::<Aes256>::new(self.cipher.expose().into(), &[0; 16].into()).apply_keystream(bytes);
    }

    fn mac(&self, ciphertext: &[u8]) -> [u8; MAC_LEN] {
        let full = hmac(self.mac.expose(), &[ciphertext]);
        let mut mac = [0; MAC_LEN];
        mac.iter_mut().zip(full.expose()).for_each(|(to, from)| *to = *from);
        mac
    }
}

pub(super) fn seal(
    content: &[u8],
    sender: &KeyPair,
    receiver: &PublicKey,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, KeyError> {
    let ephemeral = KeyPair::generate(rng);
    let (chain, keys) =
        BoxKeys::for_identity(&ephemeral.public, receiver, &ephemeral.private.agree(receiver)?);
    let sealed_identity = keys.seal(&sender.public.to_bytes());
    let keys = BoxKeys::for_content(&chain, &sealed_identity, &sender.private.agree(receiver)?);
    let sealed_content = keys.seal(content);

    let mut buffer = Vec::with_capacity(128 + sealed_content.len());
    buffer.push(VERSION_BYTE);
    let mut writer = Writer::after(buffer);
    writer.bytes(1, &ephemeral.public.to_bytes());
    writer.bytes(2, &sealed_identity);
    writer.bytes(3, &sealed_content);
    Ok(writer.finish())
}

/// Opens what follows the version byte. The certificate in the content is the sender's, but is not validated.
pub(super) fn open(body: &[u8], receiver: &KeyPair) -> Result<Content, OpenError> {
    let (mut ephemeral, mut sealed_identity, mut sealed_content) = (None, None, None);
    for field in fields(body) {
        match field? {
            (1, value) => ephemeral = Some(value.public_key()?),
            (2, value) => sealed_identity = Some(value.bytes()?),
            (3, value) => sealed_content = Some(value.bytes()?),
            _ => {}
        }
    }
    let ephemeral = ephemeral.ok_or(Malformed::Missing { field: 1 })?;
    let sealed_identity = sealed_identity.ok_or(Malformed::Missing { field: 2 })?;
    let sealed_content = sealed_content.ok_or(Malformed::Missing { field: 3 })?;

    let shared = receiver.private.agree(&ephemeral)?;
    let (chain, keys) = BoxKeys::for_identity(&ephemeral, &receiver.public, &shared);
    let identity = keys.open(sealed_identity).ok_or(OpenError::BadCiphertext)?;
    let identity = PublicKey::from_bytes(&identity)?;
    let keys = BoxKeys::for_content(&chain, sealed_identity, &receiver.private.agree(&identity)?);
    let content = keys.open(sealed_content).ok_or(OpenError::BadCiphertext)?;

    let content = Content::parse(&content)?;
    if content.sender().identity != identity {
        return Err(OpenError::OtherSender);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::test_vectors::{Hex, section};

    #[derive(Deserialize)]
    struct Case {
        cipher_key: Hex,
        mac_key: Hex,
        plaintext: Hex,
        output: Hex,
    }

    #[test]
    fn boxes_are_sealed_and_opened_as_recorded() {
        for case in section::<Vec<Case>>("aes_256_ctr_hmac10") {
            let keys = BoxKeys {
                cipher: Secret::new(case.cipher_key.array()),
                mac: Secret::new(case.mac_key.array()),
            };
            assert_eq!(keys.seal(&case.plaintext), *case.output);
            assert_eq!(keys.open(&case.output).map(|plaintext| plaintext.to_vec()), Some(case.plaintext.0));
            for bit in 0..case.output.len() * 8 {
                let mut tampered = case.output.to_vec();
                tampered[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(keys.open(&tampered), None);
            }
            assert_eq!(keys.open(&case.output[..9]), None);
        }
    }
}
