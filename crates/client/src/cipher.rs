//! AES-256-GCM-SIV, as everything that this crate encrypts by itself uses it.

use aes_gcm_siv::{
    Aes256GcmSiv, Key, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, Randomness};

/// Bytes of a nonce.
pub(crate) const NONCE: usize = 12;
/// Bytes by which a ciphertext is longer.
pub(crate) const TAG: usize = 16;

/// Encrypts under a nonce that the caller never uses again, or not with other content.
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: [u8; NONCE],
    associated: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key));
    let payload = Payload { msg: message, aad: associated };
    // Only for more than 64 GiB.
    cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| Error::Invalid("too long to encrypt"))
}

/// Decrypts; `None` if it is not what was encrypted.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: [u8; NONCE],
    associated: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key));
    let payload = Payload { msg: sealed, aad: associated };
    cipher.decrypt(&Nonce::from(nonce), payload).ok().map(Zeroizing::new)
}

/// Encrypts under a random nonce, which goes in front.
pub(crate) fn seal_with_nonce(
    key: &[u8; 32],
    rng: &mut Randomness,
    associated: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    Ok([nonce.to_vec(), seal(key, nonce, associated, message)?].concat())
}

/// Opens what [`seal_with_nonce`] made.
pub(crate) fn open_with_nonce(
    key: &[u8; 32],
    associated: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    open(key, *nonce, associated, sealed)
}

/// HKDF-SHA256 without salt.
pub(crate) fn derive(secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    // 32 bytes are never too many.
    let _ = Hkdf::<Sha256>::new(None, secret).expand(&info.concat(), &mut *key);
    key
}
