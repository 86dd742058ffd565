use std::fmt;

use curve25519_dalek::{
    edwards::{CompressedEdwardsY, EdwardsPoint},
    scalar::Scalar,
};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{KeyError, PrivateKey, PublicKey, Secret};

/// An XEdDSA signature over Curve25519, in the variant that carries the sign of the public point in the top bit
/// of its last byte instead of forcing it to zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; Self::LEN]);

impl Signature {
    /// Bytes of a signature.
    pub const LEN: usize = 64;

    /// Reads 64 bytes. Whether they are a signature of anything, only [`PublicKey::verify`] tells.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let length = KeyError::WrongLength { expected: Self::LEN, actual: bytes.len() };
        bytes.try_into().map(Self).map_err(|_| length)
    }

    /// R, then s with the sign bit.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Signature({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

impl PrivateKey {
    /// Signs `message`, drawing 64 bytes from `rng`. The same draw gives the same signature.
    pub fn sign(&self, message: &[u8], rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Signature {
        let nonce = Secret::<64>::random(rng);
        let public = EdwardsPoint::mul_base_clamped(*self.expose()).compress();
        let a = Zeroizing::new(Scalar::from_bytes_mod_order(*self.expose()));

        let mut prefix = [0xFF; 32];
        prefix[0] = 0xFE;
        let hash = Sha512::new()
            .chain_update(prefix)
            .chain_update(self.expose())
            .chain_update(message)
            .chain_update(nonce.expose());
        let r = Zeroizing::new(scalar(hash));
        let big_r = EdwardsPoint::mul_base(&r).compress();

        let h = challenge(&big_r, &public, message);
        let mut s = *r + h * *a;

        let mut signature = [0; Signature::LEN];
        let (first, last) = signature.split_at_mut(32);
        first.copy_from_slice(big_r.as_bytes());
        last.copy_from_slice(s.as_bytes());
        signature[63] |= public.as_bytes()[31] & 0x80;
        s.zeroize();
        Signature(signature)
    }
}

impl PublicKey {
    /// Checks that the holder of this key signed `message`.
    ///
    /// Like its peers it takes an s that was not reduced, up to 2^253: nothing of the protocol relies on a message
    /// having only one signature.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let (big_r, rest) = signature.0.split_first_chunk::<32>().ok_or(KeyError::BadSignature)?;
        let mut s: [u8; 32] = rest.try_into().map_err(|_| KeyError::BadSignature)?;
        let sign = s[31] >> 7;
        s[31] &= 0x7F;
        if s[31] & 0xE0 != 0 {
            return Err(KeyError::BadSignature);
        }
        let public = self.point().to_edwards(sign).ok_or(KeyError::BadSignature)?;
        let h = challenge(&CompressedEdwardsY(*big_r), &public.compress(), message);
        let s = Scalar::from_bytes_mod_order(s);
        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-h, &public, &s).compress();
        if expected.as_bytes().ct_eq(big_r).into() { Ok(()) } else { Err(KeyError::BadSignature) }
    }
}

fn challenge(big_r: &CompressedEdwardsY, public: &CompressedEdwardsY, message: &[u8]) -> Scalar {
    scalar(Sha512::new().chain_update(big_r.as_bytes()).chain_update(public.as_bytes()).chain_update(message))
}

fn scalar(hash: Sha512) -> Scalar {
    let mut wide: [u8; 64] = hash.finalize().into();
    let scalar = Scalar::from_bytes_mod_order_wide(&wide);
    wide.zeroize();
    scalar
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn the_same_draw_gives_the_same_signature_and_another_draw_another() {
        let key = PrivateKey::from_bytes([5; 32]);
        let sign = |seed| key.sign(b"m", &mut ChaCha20Rng::from_seed([seed; 32]));
        assert_eq!(sign(1), sign(1));
        assert_ne!(sign(1), sign(2));
    }

    proptest! {
        #[test]
        fn what_was_signed_verifies_and_nothing_else(
            key: [u8; 32],
            seed: [u8; 32],
            message in proptest::collection::vec(any::<u8>(), 0..100),
            bit in 0usize..512,
        ) {
            let private = PrivateKey::from_bytes(key);
            let public = private.public_key();
            let signature = private.sign(&message, &mut ChaCha20Rng::from_seed(seed));
            prop_assert_eq!(public.verify(&message, &signature), Ok(()));

            let mut tampered = *signature.as_bytes();
            tampered[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(public.verify(&message, &Signature(tampered)), Err(KeyError::BadSignature));

            let mut longer = message.clone();
            longer.push(0);
            prop_assert_eq!(public.verify(&longer, &signature), Err(KeyError::BadSignature));
        }
    }
}
