use keys::{PrivateKey, Secret};
use rand_core::CryptoRng;

use crate::spqr::kem::DecapsulationKey;

/// What the ratchets draw, by meaning and not by bytes. Every [`CryptoRng`] gives it; the tests that replay recorded
/// conversations hand out the recorded keys instead.
pub(crate) trait Entropy {
    /// A new ratchet key of the Double Ratchet.
    fn ratchet_key(&mut self) -> PrivateKey;
    /// A new ML-KEM-768 key pair of the post-quantum ratchet.
    fn kem_key(&mut self) -> DecapsulationKey;
    /// The 32 random bytes of an ML-KEM-768 encapsulation.
    fn encapsulation(&mut self) -> Secret<32>;
}

impl<R: CryptoRng + ?Sized> Entropy for R {
    fn ratchet_key(&mut self) -> PrivateKey {
        PrivateKey::generate(self)
    }

    fn kem_key(&mut self) -> DecapsulationKey {
        DecapsulationKey::generate(&Secret::random(self))
    }

    fn encapsulation(&mut self) -> Secret<32> {
        Secret::random(self)
    }
}
