use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Record, Space, VaultError};
use crate::{Randomness, cipher};

/// Hides records from whoever reads the file: values are encrypted and bound to their names, names are hashed under a
/// key. What is left to see is how many records there are, of which kind, how long, and in which order.
pub(super) struct Seal {
    naming: Zeroizing<[u8; 32]>,
    sealing: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            naming: cipher::derive(key, &[b"Tradepost vault names v1"]),
            sealing: cipher::derive(key, &[b"Tradepost vault values v1"]),
        }
    }

    fn hidden(&self, what: u8, space: Space, name: &[u8]) -> Vec<u8> {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&*self.naming) else { return Vec::new() };
        mac.chain_update([what, space as u8]).chain_update(name).finalize().into_bytes().to_vec()
    }

    /// What stands for a record's name.
    pub(super) fn name(&self, space: Space, key: &[u8]) -> Vec<u8> {
        self.hidden(1, space, key)
    }

    /// What stands for an owner.
    pub(super) fn owner(&self, space: Space, owner: &[u8]) -> Vec<u8> {
        self.hidden(2, space, owner)
    }

    pub(super) fn seal(
        &self,
        row: Row<'_>,
        record: &Record,
        rng: &mut Randomness,
    ) -> Result<Vec<u8>, VaultError> {
        let len = u32::try_from(record.key.len()).map_err(|_| VaultError::Damaged)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + record.key.len() + record.value.len()));
        plain.extend_from_slice(&len.to_be_bytes());
        plain.extend_from_slice(&record.key);
        plain.extend_from_slice(&record.value);
        cipher::seal_with_nonce(&self.sealing, rng, &row.bytes(), &plain).map_err(|_| VaultError::Damaged)
    }

    pub(super) fn open(&self, row: Row<'_>, sealed: &[u8]) -> Result<Record, VaultError> {
        let plain =
            cipher::open_with_nonce(&self.sealing, &row.bytes(), sealed).ok_or(VaultError::Damaged)?;
        let (len, rest) = plain.split_first_chunk::<4>().ok_or(VaultError::Damaged)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| VaultError::Damaged)?;
        let (key, value) = rest.split_at_checked(len).ok_or(VaultError::Damaged)?;
        Ok(Record { key: key.to_vec(), position: row.position, value: Zeroizing::new(value.to_vec()) })
    }
}

/// What stands beside a sealed value, and is bound to it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) space: Space,
    pub(super) name: &'a [u8],
    pub(super) owner: &'a [u8],
    pub(super) position: u64,
}

impl Row<'_> {
    fn bytes(self) -> Vec<u8> {
        [&[self.space as u8], self.name, self.owner, &self.position.to_be_bytes()].concat()
    }
}
