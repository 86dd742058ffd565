//! KEM key pairs of the handshake: CRYSTALS-Kyber 1024, round 3, which is not FIPS 203.
//!
//! Three types exist on the wire (0x07 Kyber 768, 0x08 Kyber 1024, 0x0A ML-KEM 1024); peers use the second and
//! refuse the others, so this module does.

use std::{fmt, sync::Arc};

use libcrux_ml_kem::kyber1024;
use zeroize::Zeroizing;

use crate::{KeyError, Secret, SharedSecret};

/// First byte of every serialized Kyber 1024 key and ciphertext.
const TYPE: u8 = 0x08;
const PUBLIC: usize = 1568;
const SECRET: usize = 3168;
const CIPHERTEXT: usize = 1568;
/// The public key lies inside the secret one, behind the vector s.
const PUBLIC_OFFSET: usize = 1536;

/// Splits off the type byte and checks it and the length of the rest.
fn body<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], KeyError> {
    let length = KeyError::WrongLength { expected: N + 1, actual: bytes.len() };
    let (kind, rest) = bytes.split_first().ok_or(length)?;
    let rest = rest.try_into().map_err(|_| length)?;
    if *kind == TYPE { Ok(rest) } else { Err(KeyError::WrongType { expected: TYPE, actual: *kind }) }
}

fn with_type(body: &[u8]) -> Vec<u8> {
    [&[TYPE], body].concat()
}

/// The public half, checked to be one: every coefficient is below the modulus.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Arc<[u8; PUBLIC]>);

impl PublicKey {
    /// Bytes of a serialized key, its type byte included.
    pub const LEN: usize = PUBLIC + 1;

    /// Reads the bytes of [`PublicKey::to_bytes`].
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::WrongType`] or [`KeyError::NotReduced`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let body = *body::<PUBLIC>(bytes)?;
        if !kyber1024::validate_public_key(&body.into()) {
            return Err(KeyError::NotReduced);
        }
        Ok(Self(Arc::new(body)))
    }

    /// 0x08, then the key: the form that is signed and that travels.
    pub fn to_bytes(&self) -> Vec<u8> {
        with_type(self.0.as_slice())
    }

    /// Agrees on a secret that only the holder of the secret key can take from the ciphertext.
    pub fn encapsulate(&self, rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> (SharedSecret, Ciphertext) {
        let draw = Secret::<32>::random(rng);
        let (ciphertext, secret) = kyber1024::encapsulate(&(*self.0).into(), *draw.expose());
        (Secret::new(secret), Ciphertext(Arc::new(*ciphertext.as_slice())))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = *self.0;
        write!(f, "kem::PublicKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// What [`PublicKey::encapsulate`] sends.
#[derive(Clone, PartialEq, Eq)]
pub struct Ciphertext(Arc<[u8; CIPHERTEXT]>);

impl Ciphertext {
    /// Bytes of a serialized ciphertext, its type byte included.
    pub const LEN: usize = CIPHERTEXT + 1;

    /// Reads the bytes of [`Ciphertext::to_bytes`].
    ///
    /// # Errors
    /// [`KeyError::WrongLength`] or [`KeyError::WrongType`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(Self(Arc::new(*body::<CIPHERTEXT>(bytes)?)))
    }

    /// 0x08, then the ciphertext.
    pub fn to_bytes(&self) -> Vec<u8> {
        with_type(self.0.as_slice())
    }
}

impl fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = *self.0;
        write!(f, "kem::Ciphertext({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// A secret key with the public key it contains.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    secret: Arc<Secret<SECRET>>,
    public: PublicKey,
}

impl KeyPair {
    /// Bytes of a serialized secret key, its type byte included.
    pub const LEN: usize = SECRET + 1;

    /// Draws a new pair.
    pub fn generate(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
        let seed = Secret::<64>::random(rng);
        let (secret, public) = kyber1024::generate_key_pair(*seed.expose()).into_parts();
        Self { secret: Arc::new(Secret::new(secret.into())), public: PublicKey(Arc::new(public.into())) }
    }

    /// Reads the bytes of [`KeyPair::to_bytes`].
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::WrongType`], [`KeyError::NotReduced`], or [`KeyError::Inconsistent`]
    /// if the hash inside is not that of the public key inside.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let secret = Secret::new(*body::<SECRET>(bytes)?);
        let public = secret.expose().get(PUBLIC_OFFSET..PUBLIC_OFFSET + PUBLIC).unwrap_or_default();
        let public = PublicKey::from_bytes(&with_type(public))?;
        // The check is on H(pk) alone; the ciphertext that the function also takes plays no part in it.
        if !kyber1024::validate_private_key(&(*secret.expose()).into(), &[0; CIPHERTEXT].into()) {
            return Err(KeyError::Inconsistent);
        }
        Ok(Self { secret: Arc::new(secret), public })
    }

    /// 0x08, then the secret key, which contains the public one.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(with_type(self.secret.expose()))
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret that the ciphertext carries. A forged ciphertext gives a secret that its sender cannot know, not
    /// an error: what is authenticated with it fails later.
    pub fn decapsulate(&self, ciphertext: &Ciphertext) -> SharedSecret {
        Secret::new(kyber1024::decapsulate(&(*self.secret.expose()).into(), &(*ciphertext.0).into()))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("kem::KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn both_sides_get_the_same_secret_and_a_forged_ciphertext_another() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let pair = KeyPair::generate(&mut rng);
        let (secret, ciphertext) = pair.public().encapsulate(&mut rng);
        assert_eq!(pair.decapsulate(&ciphertext), secret);
        let mut forged = ciphertext.to_bytes();
        forged[700] ^= 1;
        assert_ne!(pair.decapsulate(&Ciphertext::from_bytes(&forged).unwrap()), secret);
    }

    #[test]
    fn keys_of_other_types_lengths_and_contents_are_told_apart() {
        let pair = KeyPair::generate(&mut ChaCha20Rng::from_seed([2; 32]));
        let public = pair.public().to_bytes();
        for kind in [0x00, 0x05, 0x07, 0x0A] {
            let mut other = public.clone();
            other[0] = kind;
            assert_eq!(PublicKey::from_bytes(&other), Err(KeyError::WrongType { expected: 8, actual: kind }));
        }
        for actual in [0, 1, PublicKey::LEN - 1, PublicKey::LEN + 1] {
            let bytes = vec![TYPE; actual];
            let expected = KeyError::WrongLength { expected: PublicKey::LEN, actual };
            assert_eq!(PublicKey::from_bytes(&bytes), Err(expected));
            assert_eq!(Ciphertext::from_bytes(&bytes).unwrap_err(), expected);
        }
        let mut unreduced = public;
        unreduced[1..4].fill(0xFF);
        assert_eq!(PublicKey::from_bytes(&unreduced), Err(KeyError::NotReduced));

        let mut secret = pair.to_bytes();
        assert_eq!(KeyPair::from_bytes(&secret), Ok(pair));
        // Inside H(pk), which stands between the public key and z.
        secret[1 + PUBLIC_OFFSET + PUBLIC + 3] ^= 1;
        assert_eq!(KeyPair::from_bytes(&secret), Err(KeyError::Inconsistent));
    }

    #[test]
    fn debug_shows_no_secret_byte() {
        let pair = KeyPair::generate(&mut ChaCha20Rng::from_seed([3; 32]));
        let shown = format!("{pair:?}");
        assert!(
            shown.starts_with("kem::KeyPair { public: kem::PublicKey(") && shown.ends_with(", .. }"),
            "{shown}"
        );
    }
}
