//! HMAC-SHA256 and HKDF-SHA256 in the few shapes that the protocol uses.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use keys::Secret;
use sha2::Sha256;

/// HMAC over the parts, one after the other.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    Secret::new(mac.finalize().into_bytes().into())
}

/// HMACs of two single bytes under one key: what a chain step takes. The key is hashed in once.
pub(crate) fn hmac_two(key: &[u8; 32], first: u8, second: u8) -> (Secret<32>, Secret<32>) {
    let mut one = keyed(key);
    let mut two = one.clone();
    one.update(&[first]);
    two.update(&[second]);
    (Secret::new(one.finalize().into_bytes().into()), Secret::new(two.finalize().into_bytes().into()))
}

/// HKDF with `info` given in parts. No salt is the same as a salt of 32 zero bytes.
pub(crate) fn hkdf<const N: usize>(salt: Option<&[u8]>, input: &[u8], info: &[&[u8]]) -> Secret<N> {
    let mut output = Secret::new([0; N]);
    let expanded = Hkdf::<Sha256>::new(salt, input).expand_multi_info(info, output.expose_mut());
    debug_assert!(expanded.is_ok(), "HKDF-SHA256 gives up to 8160 bytes");
    output
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    }
}

/// Cuts 32 bytes at `at` out of what a KDF gave.
pub(crate) fn part<const N: usize>(output: &Secret<N>, at: usize) -> Secret<32> {
    let mut part = Secret::new([0; 32]);
    part.expose_mut().iter_mut().zip(output.expose().iter().skip(at)).for_each(|(to, from)| *to = *from);
    part
}
