//! What devices are called: only devices of the same account can read it.

use keys::KeyPair;
use zeroize::Zeroizing;

use crate::{Error, Randomness, cipher};

/// Bytes of a name; sealed it takes [`wire::limits::DEVICE_NAME`] at most.
const NAME: usize = wire::limits::DEVICE_NAME - cipher::NONCE - cipher::TAG;

fn key(identity: &KeyPair) -> Zeroizing<[u8; 32]> {
    cipher::derive(identity.private.expose(), &[b"Tradepost device name v1"])
}

pub(super) fn seal(identity: &KeyPair, name: &str, rng: &mut Randomness) -> Result<Vec<u8>, Error> {
    if name.len() > NAME {
        return Err(Error::Invalid("the name of the device is too long"));
    }
    cipher::seal_with_nonce(&key(identity), rng, &[], name.as_bytes())
}

pub(super) fn open(identity: &KeyPair, sealed: &[u8]) -> Option<String> {
    let name = cipher::open_with_nonce(&key(identity), &[], sealed)?;
    String::from_utf8(name.to_vec()).ok()
}
