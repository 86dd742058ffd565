//! How a file is encrypted: as at the relay (`docs/relay-api.md`, "Media").

use aes_gcm_siv::{Aes256GcmSiv, Key, KeyInit as _, Nonce, aead::Aead as _};

use crate::HostError;

/// Bytes of a chunk.
pub(super) const CHUNK: usize = 64 << 10;
/// Bytes by which one grows.
pub(super) const TAG: usize = 16;
/// Bytes of one, encrypted.
pub(super) const SEALED: usize = CHUNK + TAG;

/// How many chunks a file of so many bytes has.
pub(super) const fn count(size: u64) -> u64 {
    let count = size.div_ceil(CHUNK as u64);
    if count == 0 { 1 } else { count }
}

/// Bytes of this one, encrypted.
pub(super) fn sealed_len(size: u64, index: u64) -> usize {
    let left = size.saturating_sub(index.saturating_mul(CHUNK as u64));
    usize::try_from(left).unwrap_or(CHUNK).min(CHUNK) + TAG
}

fn nonce(index: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    let parts = index.to_be_bytes().into_iter().chain([0, 0, 0, u8::from(last)]);
    nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    nonce
}

pub(super) fn seal(key: &[u8; 32], index: u64, last: bool, chunk: &[u8]) -> Result<Vec<u8>, HostError> {
    let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key));
    let sealed = cipher.encrypt(&Nonce::from(nonce(index, last)), chunk);
    sealed.map_err(|_| HostError::internal("too long to seal"))
}

pub(super) fn open(key: &[u8; 32], index: u64, last: bool, sealed: &[u8]) -> Result<Vec<u8>, HostError> {
    let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key));
    let opened = cipher.decrypt(&Nonce::from(nonce(index, last)), sealed);
    opened.map_err(|_| HostError::Sealed("a file was changed"))
}
