//! ML-KEM-768 of FIPS 203 with its public key and its ciphertext cut in two (SPQR, section 5.3), so that the first
//! part of a ciphertext can be on its way before the whole key has arrived.

use std::sync::Arc;

use keys::Secret;
use libcrux_ml_kem::mlkem768::incremental::{self, Ciphertext1, Ciphertext2};
use zeroize::Zeroizing;

use super::{
    SpqrError,
    erasure::{Block, blocks, flat},
};
use crate::kdf;

/// The encoded vector t: the public key without rho.
pub(super) type Ek = [Block; 36];
/// The first part of a ciphertext, for which the header suffices.
pub(super) type Ct1 = [Block; 30];
/// The last part of a ciphertext, which takes ek.
pub(super) type Ct2 = [Block; 4];

/// Bytes of the vectors s and t.
const VECTOR: usize = 1152;

/// What a ciphertext can be begun with: rho, then the hash of the public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header(pub(super) [Block; 2]);

/// A key pair, in one piece that every copy of a session shares.
#[derive(Clone)]
pub(crate) struct DecapsulationKey(Arc<Parts>);

struct Parts {
    s: Secret<VECTOR>,
    ek: Ek,
    header: Header,
    z: Secret<32>,
}

impl DecapsulationKey {
    /// Bytes of the ordinary encoding: s, t, rho, the hash of t and rho, z.
    const LEN: usize = 2400;

    /// Works out the key pair of the seed d, z.
    pub(crate) fn generate(seed: &Secret<64>) -> Self {
        let mut bytes = Secret::new([0; Self::LEN]);
        incremental::generate_key_pair_compressed(*seed.expose(), bytes.expose_mut());
        Self::from_secret(&bytes)
    }

    /// The key pair of a recorded conversation.
    #[cfg(test)]
    pub(crate) fn from_expanded(bytes: [u8; Self::LEN]) -> Self {
        Self::from_secret(&Secret::new(bytes))
    }

    /// Reads the ordinary encoding. It is not examined: a damaged key gives secrets that nobody else has.
    pub(super) fn from_secret(bytes: &Secret<{ Self::LEN }>) -> Self {
        let (mut s, mut z) = (Secret::new([0; VECTOR]), Secret::new([0; 32]));
        let (mut ek, mut header) = ([[0; 32]; 36], Header([[0; 32]; 2]));
        let mut rest = bytes.expose().as_slice();
        let parts = [s.expose_mut(), ek.as_flattened_mut(), header.0.as_flattened_mut(), z.expose_mut()];
        for part in parts {
            let (taken, left) = rest.split_at(part.len());
            part.copy_from_slice(taken);
            rest = left;
        }
        Self(Arc::new(Parts { s, ek, header, z }))
    }

    /// The ordinary encoding.
    pub(super) fn to_secret(&self) -> Secret<{ Self::LEN }> {
        let Parts { s, ek, header, z } = &*self.0;
        let mut bytes = Secret::new([0; Self::LEN]);
        let mut rest = bytes.expose_mut().as_mut_slice();
        for part in [s.expose(), ek.as_flattened(), header.0.as_flattened(), z.expose()] {
            let (place, left) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = left;
        }
        bytes
    }

    pub(super) fn header(&self) -> &Header {
        &self.0.header
    }

    pub(super) fn ek(&self) -> &Ek {
        &self.0.ek
    }

    /// The shared secret. A forged ciphertext gives a secret that its sender cannot know, not an error.
    pub(super) fn decapsulate(&self, ct1: &Ct1, ct2: &Ct2) -> Secret<32> {
        let ct1 = Ciphertext1 { value: flat(ct1) };
        let ct2 = Ciphertext2 { value: flat(ct2) };
        Secret::new(incremental::decapsulate_compressed_key(self.to_secret().expose(), &ct1, &ct2))
    }
}

/// An encapsulation that was begun: all of it follows from the header and the 32 bytes that were drawn, so these are
/// kept between its two parts and not the two kilobytes of polynomials that come of them.
#[derive(Clone)]
pub(super) struct Encapsulation {
    pub(super) header: Header,
    /// Called m in FIPS 203.
    pub(super) draw: Secret<32>,
}

impl Encapsulation {
    /// Part 1: the first part of the ciphertext, and the shared secret.
    pub(super) fn begin(&self) -> (Ct1, Secret<32>) {
        let (ct1, _, secret) = self.run();
        (ct1, secret)
    }

    /// Part 2: the whole ciphertext, if `ek` is the key that the header announced.
    pub(super) fn finish(&self, ek: &Ek) -> Result<(Ct1, Ct2), SpqrError> {
        incremental::validate_pk_bytes(self.header.0.as_flattened(), ek.as_flattened())
            .map_err(|_| SpqrError::EkMismatch)?;
        let (ct1, state, _) = self.run();
        Ok((ct1, blocks(&incremental::encapsulate2(&state, &flat(ek)).value)))
    }

    fn run(&self) -> (Ct1, Zeroizing<[u8; incremental::encaps_state_len()]>, Secret<32>) {
        let mut state = Zeroizing::new([0; incremental::encaps_state_len()]);
        let mut secret = Secret::new([0; 32]);
        let header = self.header.0.as_flattened();
        let draw = *self.draw.expose();
        match incremental::encapsulate1(header, draw, state.as_mut_slice(), secret.expose_mut()) {
            Ok(ct1) => (blocks(&ct1.value), state, secret),
            Err(_) => unreachable!("the lengths of all buffers are constants and right"),
        }
    }
}

/// The secret that an epoch gives to the authenticator and the chains (SPQR, section 5.2).
pub(super) fn epoch_secret(epoch: u64, shared: &Secret<32>) -> Secret<32> {
    let label = b"Signal_PQCKA_V1_MLKEM768:SCKA Key";
    kdf::hkdf(None, shared.expose(), &[label, &epoch.to_be_bytes()])
}
