use std::fmt;

use curve25519_dalek::montgomery::MontgomeryPoint;
use subtle::{Choice, ConstantTimeEq};

use crate::{KeyError, Secret, SharedSecret};

/// First byte of every serialized curve key.
const TYPE: u8 = 0x05;

/// The coordinates, top bit cleared, whose agreements are all zero: the points of order 1, 2, 4 and 8 on the
/// curve and on its twist, and their representations that are not below p = 2^255 - 19.
const LOW_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    little_endian(1, 0, 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

const fn little_endian(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A public key: the u coordinate of a point of Curve25519. Never one of low order.
#[derive(Clone, Copy, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Bytes of a serialized key, its type byte included.
    pub const LEN: usize = 33;

    /// Reads the 33 bytes of [`PublicKey::to_bytes`].
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::WrongType`] or [`KeyError::LowOrder`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let length = KeyError::WrongLength { expected: Self::LEN, actual: bytes.len() };
        let (kind, u) = bytes.split_first().ok_or(length)?;
        let u = u.try_into().map_err(|_| length)?;
        if *kind != TYPE {
            return Err(KeyError::WrongType { expected: TYPE, actual: *kind });
        }
        Self::from_u(u)
    }

    /// Takes the bare u coordinate, little-endian.
    ///
    /// # Errors
    /// [`KeyError::LowOrder`].
    pub fn from_u(u: [u8; 32]) -> Result<Self, KeyError> {
        let mut masked = u;
        masked[31] &= 0x7F;
        if LOW_ORDER.contains(&masked) {
            return Err(KeyError::LowOrder);
        }
        Ok(Self(u))
    }

    /// 0x05, then the u coordinate: the form that travels, and that signatures and MACs cover.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [TYPE; Self::LEN];
        bytes[1..].copy_from_slice(&self.0);
        bytes
    }

    /// The bare u coordinate, little-endian.
    pub const fn u(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the one representation of a point in the prime-order group: below p, on the curve and not
    /// on its twist, free of torsion. Required of an initiator's base key only.
    pub fn is_canonical(&self) -> bool {
        let below_p = self.0[31] & 0x80 == 0
            && !(self.0[31] == 0x7F && self.0[1..31].iter().all(|byte| *byte == 0xFF) && self.0[0] >= 0xED);
        below_p && self.point().to_edwards(0).is_some_and(|point| point.is_torsion_free())
    }

    pub(crate) const fn point(&self) -> MontgomeryPoint {
        MontgomeryPoint(self.0)
    }
}

impl ConstantTimeEq for PublicKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// A private key: a clamped X25519 scalar, for agreements and XEdDSA signatures alike.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Secret<32>);

impl PrivateKey {
    /// Draws a new key.
    pub fn generate(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
        Self::from_secret(Secret::random(rng))
    }

    /// Takes any 32 bytes and clamps them (RFC 7748, section 5).
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::from_secret(Secret::new(bytes))
    }

    /// Takes any 32 secret bytes and clamps them.
    pub fn from_secret(mut bytes: Secret<32>) -> Self {
        let scalar = bytes.expose_mut();
        scalar[0] &= 0xF8;
        scalar[31] = scalar[31] & 0x7F | 0x40;
        Self(bytes)
    }

    /// Reads 32 bytes of any value.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        Secret::from_slice(bytes).map(Self::from_secret)
    }

    /// The clamped scalar, little-endian.
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(MontgomeryPoint::mul_base_clamped(*self.expose()).0)
    }

    /// X25519.
    ///
    /// # Errors
    /// [`KeyError::LowOrder`] if the secret would be all zero. `PublicKey` admits no such key; the check stays
    /// because RFC 7748 asks for it and it costs nothing.
    pub fn agree(&self, theirs: &PublicKey) -> Result<SharedSecret, KeyError> {
        // On the Edwards form the product costs about two thirds of the Montgomery ladder, which remains for
        // points of the twist: they have no Edwards form. Which path is taken depends on public bytes alone.
        let point = theirs.point();
        let product = match point.to_edwards(0) {
            Some(edwards) => edwards.mul_clamped(*self.expose()).to_montgomery(),
            None => point.mul_clamped(*self.expose()),
        };
        nonzero(product)
    }

    /// [`PrivateKey::agree`] for two private keys and one public key, cheaper than two calls: a ratchet step needs
    /// exactly this.
    ///
    /// # Errors
    /// As [`PrivateKey::agree`].
    pub fn agree_two(
        first: &Self,
        second: &Self,
        theirs: &PublicKey,
    ) -> Result<(SharedSecret, SharedSecret), KeyError> {
        let Some(edwards) = theirs.point().to_edwards(0) else {
            return Ok((first.agree(theirs)?, second.agree(theirs)?));
        };
        let one = edwards.mul_clamped(*first.expose()).to_montgomery();
        let two = edwards.mul_clamped(*second.expose()).to_montgomery();
        Ok((nonzero(one)?, nonzero(two)?))
    }
}

fn nonzero(product: MontgomeryPoint) -> Result<SharedSecret, KeyError> {
    if bool::from(product.0.ct_eq(&[0; 32])) { Err(KeyError::LowOrder) } else { Ok(Secret::new(product.0)) }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A private key with its public half.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPair {
    /// The public half.
    pub public: PublicKey,
    /// The private half.
    pub private: PrivateKey,
}

impl KeyPair {
    /// Draws a new pair.
    pub fn generate(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
        Self::from(PrivateKey::generate(rng))
    }
}

impl From<PrivateKey> for KeyPair {
    fn from(private: PrivateKey) -> Self {
        Self { public: private.public_key(), private }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn debug_shows_no_private_byte() {
        let pair = KeyPair::from(PrivateKey::from_bytes([0x77; 32]));
        assert_eq!(format!("{:?}", pair.private), "PrivateKey(…)");
        let shown = format!("{pair:?}");
        assert!(shown.ends_with("private: PrivateKey(…) }"), "{shown}");
    }

    #[test]
    fn keys_of_wrong_length_type_or_order_are_told_apart() {
        let good = KeyPair::generate(&mut ChaCha20Rng::from_seed([1; 32])).public.to_bytes();
        for actual in [0, 1, 32, 34, 5000] {
            let mut bytes = vec![TYPE; actual];
            bytes.iter_mut().zip(good).for_each(|(to, from)| *to = from);
            assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::WrongLength { expected: 33, actual }));
        }
        let mut other = good;
        other[0] = 0x06;
        assert_eq!(PublicKey::from_bytes(&other), Err(KeyError::WrongType { expected: 5, actual: 6 }));
        for low in LOW_ORDER {
            for top in [0x00, 0x80] {
                let mut u = low;
                u[31] |= top;
                assert_eq!(PublicKey::from_u(u), Err(KeyError::LowOrder));
                // The list holds what it says: the ladder gives zero for each.
                assert_eq!(MontgomeryPoint(u).mul_clamped([0x55; 32]).0, [0; 32]);
            }
        }
    }

    #[test]
    fn the_base_key_test_refuses_twist_torsion_and_second_representations() {
        let pair = KeyPair::from(PrivateKey::from_bytes([3; 32]));
        assert!(pair.public.is_canonical());
        let mut top_bit = *pair.public.u();
        top_bit[31] |= 0x80;
        assert!(!PublicKey(top_bit).is_canonical());
        // u = 9 + p is u = 9 written a second time.
        assert!(PublicKey(little_endian(9, 0, 0)).is_canonical());
        assert!(!PublicKey(little_endian(0xF6, 0xFF, 0x7F)).is_canonical());
        // u = 2 lies on the twist.
        assert!(MontgomeryPoint(little_endian(2, 0, 0)).to_edwards(0).is_none());
        assert!(!PublicKey(little_endian(2, 0, 0)).is_canonical());
        let torsion = curve25519_dalek::constants::EIGHT_TORSION[1];
        let mixed = pair.public.point().to_edwards(0).unwrap() + torsion;
        assert!(!PublicKey(mixed.to_montgomery().0).is_canonical());
    }

    proptest! {
        #[test]
        fn agreement_equals_the_montgomery_ladder_for_every_point(private: [u8; 32], other: [u8; 32], u: [u8; 32]) {
            // Half of all u lie on the twist, so both paths are taken.
            let key = PublicKey(u);
            let (first, second) = (PrivateKey::from_bytes(private), PrivateKey::from_bytes(other));
            let ladder = key.point().mul_clamped(private).0;
            prop_assert_eq!(*first.agree(&key).unwrap().expose(), ladder);
            let (one, two) = PrivateKey::agree_two(&first, &second, &key).unwrap();
            prop_assert_eq!(*one.expose(), ladder);
            prop_assert_eq!(two, second.agree(&key).unwrap());
        }

        #[test]
        fn agreement_equals_the_ladder_for_points_with_torsion(private: [u8; 32], seed: [u8; 32], order in 0usize..8) {
            let pair = KeyPair::from(PrivateKey::from_bytes(seed));
            let torsion = curve25519_dalek::constants::EIGHT_TORSION[order];
            let mixed = PublicKey((pair.public.point().to_edwards(0).unwrap() + torsion).to_montgomery().0);
            prop_assert_eq!(
                *PrivateKey::from_bytes(private).agree(&mixed).unwrap().expose(),
                mixed.point().mul_clamped(private).0
            );
        }

        #[test]
        fn reading_never_panics_and_gives_back_what_it_took(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(key) = PublicKey::from_bytes(&bytes) {
                prop_assert_eq!(key.to_bytes().to_vec(), bytes);
            }
        }
    }
}
