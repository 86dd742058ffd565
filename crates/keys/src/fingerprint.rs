use sha2::{Digest, Sha512};

use crate::{KeyError, PublicKey};

/// The number of iterations that clients use.
pub const ITERATIONS: u32 = 5200;

/// What a person compares to know whose identity key this is: an iterated hash over the key and a stable
/// identifier of its owner. Two of them make a safety number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hashes `key` and `stable_id` (bytes that the application chooses, the same on both sides) `iterations` times.
    ///
    /// # Errors
    /// [`KeyError::Iterations`] outside 2..=1,000,000.
    pub fn new(key: &PublicKey, stable_id: &[u8], iterations: u32) -> Result<Self, KeyError> {
        if !(2..=1_000_000).contains(&iterations) {
            return Err(KeyError::Iterations(iterations));
        }
        let key = key.to_bytes();
        let mut hash = Sha512::new()
            .chain_update([0, 0])
            .chain_update(key)
            .chain_update(stable_id)
            .chain_update(key)
            .finalize();
        for _ in 1..iterations {
            hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
        }
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Ok(Self(bytes))
    }

    /// The 32 bytes that a scannable code carries.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 30 decimal digits.
    pub fn digits(&self) -> String {
        self.0
            .chunks_exact(5)
            .take(6)
            .map(|chunk| {
                let number = chunk.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
                format!("{:05}", number % 100_000)
            })
            .collect()
    }
}
