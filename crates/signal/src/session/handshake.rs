//! PQXDH: two devices agree on a secret, one of them being away (section 4).

use keys::{KeyError, KeyPair, PrivateKey, PublicKey, Secret, kem};
use zeroize::Zeroizing;

use crate::{
    PreKeyBundle,
    kdf::{hkdf, part},
    prekey::{KemPreKey, OneTimePreKey, SignedPreKey},
};

/// What the handshake gives to the ratchets.
pub(super) struct Agreed {
    /// First root key.
    pub(super) root: Secret<32>,
    /// First chain key.
    pub(super) chain: Secret<32>,
    /// Key of the post-quantum ratchet.
    pub(super) pq: Secret<32>,
}

impl Agreed {
    /// Each agreement is 32 bytes, in the order of section 4.1; the KEM's secret comes last.
    fn derive(agreements: &[Secret<32>], kem: &Secret<32>) -> Self {
        let mut input = Zeroizing::new(Vec::with_capacity(32 * (agreements.len() + 2)));
        input.extend_from_slice(&[0xFF; 32]);
        for secret in agreements {
            input.extend_from_slice(secret.expose());
        }
        input.extend_from_slice(kem.expose());
        Self::from_input(&input)
    }

    pub(super) fn from_input(input: &[u8]) -> Self {
        let output = hkdf::<96>(None, input, &[b"WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024"]);
        Self { root: part(&output, 0), chain: part(&output, 32), pq: part(&output, 64) }
    }

    pub(super) fn as_initiator(
        identity: &PrivateKey,
        base: &PrivateKey,
        bundle: &PreKeyBundle,
        kem: &Secret<32>,
    ) -> Result<Self, KeyError> {
        let (_, signed, _) = &bundle.signed;
        let (first, third) = PrivateKey::agree_two(identity, base, signed)?;
        let mut agreements = vec![first, base.agree(&bundle.identity)?, third];
        if let Some((_, one_time)) = &bundle.one_time {
            agreements.push(base.agree(one_time)?);
        }
        Ok(Self::derive(&agreements, kem))
    }

    pub(super) fn as_responder(
        identity: &KeyPair,
        keys: &ResponderKeys<'_>,
        their_identity: &PublicKey,
        their_base: &PublicKey,
        kem_ciphertext: &kem::Ciphertext,
    ) -> Result<Self, KeyError> {
        let signed = &keys.signed.pair.private;
        let (second, third) = PrivateKey::agree_two(&identity.private, signed, their_base)?;
        let mut agreements = vec![signed.agree(their_identity)?, second, third];
        if let Some(one_time) = keys.one_time {
            agreements.push(one_time.pair.private.agree(their_base)?);
        }
        Ok(Self::derive(&agreements, &keys.kem.pair.decapsulate(kem_ciphertext)))
    }
}

/// The prekeys that an initiator used, loaded by their ids.
#[derive(Clone, Copy, Debug)]
pub struct ResponderKeys<'a> {
    /// The one-time key, if the message names one and it is still there.
    pub one_time: Option<&'a OneTimePreKey>,
    /// The signed key.
    pub signed: &'a SignedPreKey,
    /// The KEM key.
    pub kem: &'a KemPreKey,
}
