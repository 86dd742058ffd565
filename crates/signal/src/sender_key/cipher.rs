//! What is encrypted with the seed of one message.

use keys::Secret;
use zeroize::Zeroizing;

use crate::{
    chain::Seed,
    cipher::{cbc_decrypt, cbc_encrypt},
    kdf::hkdf,
};

pub(super) fn encrypt(seed: &Seed, plaintext: &[u8]) -> Vec<u8> {
    let (key, iv) = keys(seed);
    cbc_encrypt(key.expose(), iv.expose(), plaintext)
}

pub(super) fn decrypt(seed: &Seed, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (key, iv) = keys(seed);
    cbc_decrypt(key.expose(), iv.expose(), ciphertext)
}

/// Unlike in a session, the IV comes first.
fn keys(seed: &Seed) -> (Secret<32>, Secret<16>) {
    let output = hkdf::<48>(None, seed.expose(), &[b"WhisperGroup"]);
    let (mut key, mut iv) = (Secret::new([0; 32]), Secret::new([0; 16]));
    let (first, rest) = output.expose().split_at(16);
    iv.expose_mut().copy_from_slice(first);
    key.expose_mut().copy_from_slice(rest);
    (key, iv)
}
