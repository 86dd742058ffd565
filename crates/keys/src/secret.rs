use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::KeyError;

/// `N` secret bytes: wiped when dropped, compared in constant time, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

/// What two parties agreed on.
pub type SharedSecret = Secret<32>;

impl<const N: usize> Secret<N> {
    /// Takes the bytes over. The caller's copy is the caller's to wipe.
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Draws `N` bytes.
    pub fn random(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
        let mut secret = Self([0; N]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    /// Copies exactly `N` bytes.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`] for any other number of them.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        match bytes.try_into() {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(KeyError::WrongLength { expected: N, actual: bytes.len() }),
        }
    }

    /// The bytes themselves. The name is long on purpose: each use is a place to look at.
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be written in place.
    pub const fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({N} bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        assert_eq!(format!("{:?}", Secret::new([0xAB; 32])), "Secret(32 bytes)");
    }

    #[test]
    fn only_the_exact_length_is_taken() {
        assert!(Secret::<32>::from_slice(&[1; 32]).is_ok());
        for actual in [0, 31, 33] {
            assert_eq!(
                Secret::<32>::from_slice(&vec![1; actual]),
                Err(KeyError::WrongLength { expected: 32, actual })
            );
        }
    }

    #[test]
    fn secrets_that_differ_in_the_last_bit_are_not_equal() {
        let mut other = [9; 32];
        other[31] ^= 1;
        assert_ne!(Secret::new([9; 32]), Secret::new(other));
        assert_eq!(Secret::new([9; 32]), Secret::new([9; 32]));
    }
}
