//! How a file is encrypted: chunks of 64 KiB, each under AES-256-GCM-SIV with a nonce of its place and of whether it is
//! the last. So no chunk can stand elsewhere, and none can be missing, not even at the end. The key is the file's own.

use zeroize::Zeroizing;

use crate::{
    Error,
    cipher::{self, NONCE, TAG},
};

/// Bytes of a chunk before it is encrypted.
pub(crate) const CHUNK: usize = 64 << 10;
/// Bytes of a chunk after that; the last may be shorter.
pub(crate) const SEALED: usize = CHUNK + TAG;

/// A file's chunks.
#[derive(Clone, Copy)]
pub(crate) struct Chunks {
    size: u64,
}

impl Chunks {
    /// Of a file of so many bytes.
    pub(crate) const fn new(size: u64) -> Self {
        Self { size }
    }

    /// How many; an empty file has one.
    pub(crate) const fn count(self) -> u64 {
        let count = self.size.div_ceil(CHUNK as u64);
        if count == 0 { 1 } else { count }
    }

    /// Bytes of all, encrypted.
    pub(crate) const fn sealed_size(self) -> u64 {
        self.size + self.count() * TAG as u64
    }

    /// Bytes of this one, before it is encrypted.
    pub(crate) fn len(self, index: u64) -> usize {
        let left = self.size.saturating_sub(index.saturating_mul(CHUNK as u64));
        usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)
    }

    fn nonce(self, index: u64) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        let last = u8::from(index + 1 == self.count());
        let parts = index.to_be_bytes().into_iter().chain([0, 0, 0, last]);
        nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        nonce
    }

    pub(crate) fn seal(self, key: &[u8; 32], index: u64, chunk: &[u8]) -> Result<Vec<u8>, Error> {
        cipher::seal(key, self.nonce(index), &[], chunk)
    }

    pub(crate) fn open(self, key: &[u8; 32], index: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        cipher::open(key, self.nonce(index), &[], sealed).ok_or(Error::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn sizes_add_up() {
        let chunk = CHUNK as u64;
        for (size, count, last) in [
            (0, 1, 0),
            (1, 1, 1),
            (chunk - 1, 1, CHUNK - 1),
            (chunk, 1, CHUNK),
            (chunk + 1, 2, 1),
            (3 * chunk, 3, CHUNK),
        ] {
            let chunks = Chunks::new(size);
            assert_eq!((chunks.count(), chunks.len(count - 1)), (count, last), "{size}");
            assert_eq!(chunks.sealed_size(), size + 16 * count);
            let all: usize = (0..count).map(|index| chunks.len(index)).sum();
            assert_eq!(all as u64, size);
        }
    }

    #[test]
    fn a_chunk_opens_only_where_it_stood() {
        let whole = Chunks::new(2 * CHUNK as u64);
        let first = whole.seal(&KEY, 0, &[1; CHUNK]).unwrap();
        let second = whole.seal(&KEY, 1, &[2; CHUNK]).unwrap();
        assert_eq!(**whole.open(&KEY, 0, &first).unwrap(), [1; CHUNK]);
        assert_eq!(**whole.open(&KEY, 1, &second).unwrap(), [2; CHUNK]);
        // Exchanged.
        assert!(whole.open(&KEY, 0, &second).is_err());
        assert!(whole.open(&KEY, 1, &first).is_err());
        // The end cut off, or something put behind it.
        assert!(Chunks::new(CHUNK as u64).open(&KEY, 0, &first).is_err());
        assert!(Chunks::new(3 * CHUNK as u64).open(&KEY, 1, &second).is_err());
        assert!(whole.open(&[8; 32], 0, &first).is_err());
    }

    proptest! {
        #[test]
        fn a_changed_chunk_does_not_open(bit in 0..48usize * 8) {
            let chunks = Chunks::new(32);
            let mut sealed = chunks.seal(&KEY, 0, &[3; 32]).unwrap();
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(chunks.open(&KEY, 0, &sealed).is_err());
        }
    }
}
