//! The statement that ties a second identity (that of a phone number) to the first.

use crate::{KeyError, PrivateKey, PublicKey, Signature};

fn statement(other: &PublicKey) -> Vec<u8> {
    [&[0xFF; 32], b"Signal_PNI_Signature".as_slice(), &other.to_bytes()].concat()
}

impl PrivateKey {
    /// States that `other` is an identity of the same owner.
    pub fn sign_alternate(
        &self,
        other: &PublicKey,
        rng: &mut (impl rand_core::CryptoRng + ?Sized),
    ) -> Signature {
        self.sign(&statement(other), rng)
    }
}

impl PublicKey {
    /// Checks the statement of [`PrivateKey::sign_alternate`].
    ///
    /// # Errors
    /// [`KeyError::BadSignature`].
    pub fn verify_alternate(&self, other: &PublicKey, signature: &Signature) -> Result<(), KeyError> {
        self.verify(&statement(other), signature)
    }
}
