//! What the official library was recorded to do with keys, signatures and fingerprints.

use std::ops::Deref;

use keys::{Fingerprint, KeyError, KeyPair, PrivateKey, PublicKey, Signature};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
struct Vectors {
    curve25519: Curve,
    alternate_identity: AlternateIdentity,
    fingerprint: Vec<FingerprintCase>,
}

#[derive(Deserialize)]
struct Curve {
    agreement: Vec<Agreement>,
    private_key_import: Vec<PrivateImport>,
    public_key_import: Vec<PublicImport>,
    agreement_rejected: Vec<RejectedAgreement>,
    xeddsa_verify: Vec<Verification>,
}

#[derive(Deserialize)]
struct Agreement {
    private_a: Hex,
    public_a: Hex,
    private_b: Hex,
    public_b: Hex,
    shared: Hex,
}

#[derive(Deserialize)]
struct PrivateImport {
    input: Hex,
    serialized: Hex,
    public: Hex,
}

#[derive(Deserialize)]
struct PublicImport {
    note: String,
    input: Hex,
    reserialized: Option<Hex>,
}

#[derive(Deserialize)]
struct RejectedAgreement {
    note: String,
    public: Hex,
    rejected: bool,
}

#[derive(Deserialize)]
struct Verification {
    note: String,
    public: Hex,
    message: Hex,
    signature: Hex,
    valid: bool,
}

#[derive(Deserialize)]
struct AlternateIdentity {
    identity: Hex,
    other: Hex,
    signature: Hex,
    valid: bool,
}

#[derive(Deserialize)]
struct FingerprintCase {
    iterations: u32,
    local_id: Hex,
    local_key: Hex,
    remote_id: Hex,
    remote_key: Hex,
    display: String,
}

/// Bytes that are written in hexadecimal.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Deref for Hex {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../signal/tests/vectors/signal-vectors.json")).unwrap()
}

fn public(bytes: &[u8]) -> PublicKey {
    PublicKey::from_bytes(bytes).unwrap()
}

#[test]
fn agreements_are_as_recorded_from_both_sides() {
    for case in vectors().curve25519.agreement {
        let [a, b] =
            [&case.private_a, &case.private_b].map(|key| KeyPair::from(PrivateKey::from_slice(key).unwrap()));
        assert_eq!(a.public.to_bytes(), *case.public_a);
        assert_eq!(b.public.to_bytes(), *case.public_b);
        for shared in [a.private.agree(&b.public).unwrap(), b.private.agree(&a.public).unwrap()] {
            assert_eq!(*shared.expose(), *case.shared);
        }
        let (both, own) = PrivateKey::agree_two(&a.private, &b.private, &b.public).unwrap();
        assert_eq!(*both.expose(), *case.shared);
        assert_eq!(own, b.private.agree(&b.public).unwrap());
    }
}

#[test]
fn private_keys_are_clamped_on_import_as_recorded() {
    for case in vectors().curve25519.private_key_import {
        let key = PrivateKey::from_slice(&case.input).unwrap();
        assert_eq!(*key.expose(), *case.serialized);
        assert_eq!(key.public_key().to_bytes(), *case.public);
    }
}

/// Our reader is stricter on purpose: it takes neither trailing bytes, which the official library drops, nor points
/// of low order, which that library refuses only when it agrees with them. Nobody who is honest sends either.
#[test]
fn public_keys_are_read_as_recorded_but_for_trailing_bytes_and_low_order() {
    for case in vectors().curve25519.public_key_import {
        let ours = PublicKey::from_bytes(&case.input);
        match case.note.as_str() {
            "trailing byte is tolerated" => {
                assert!(case.reserialized.is_some());
                assert_eq!(ours, Err(KeyError::WrongLength { expected: 33, actual: 34 }));
            }
            // p is 0 written a second time.
            "non-canonical u = p" => {
                assert!(case.reserialized.is_some());
                assert_eq!(ours, Err(KeyError::LowOrder));
            }
            note => {
                let reserialized = ours.ok().map(|key| key.to_bytes().to_vec());
                assert_eq!(reserialized, case.reserialized.map(|bytes| bytes.0), "{note}");
            }
        }
    }
}

#[test]
fn keys_that_no_agreement_is_made_with_are_not_even_read() {
    for case in vectors().curve25519.agreement_rejected {
        assert!(case.rejected);
        assert_eq!(PublicKey::from_bytes(&case.public), Err(KeyError::LowOrder), "{}", case.note);
    }
}

#[test]
fn signatures_hold_when_the_official_library_says_so() {
    let (mut valid, mut invalid) = (0, 0);
    for case in vectors().curve25519.xeddsa_verify {
        let holds = Signature::from_bytes(&case.signature)
            .and_then(|signature| public(&case.public).verify(&case.message, &signature))
            .is_ok();
        assert_eq!(holds, case.valid, "{}", case.note);
        *if case.valid { &mut valid } else { &mut invalid } += 1;
    }
    assert!(valid > 3 && invalid > 10, "{valid} {invalid}");
}

#[test]
fn a_recorded_statement_about_a_second_identity_holds() {
    let case = vectors().alternate_identity;
    let (identity, other) = (public(&case.identity), public(&case.other));
    let signature = Signature::from_bytes(&case.signature).unwrap();
    assert_eq!(identity.verify_alternate(&other, &signature).is_ok(), case.valid);
    assert_eq!(other.verify_alternate(&identity, &signature), Err(KeyError::BadSignature));
    assert_eq!(identity.verify_alternate(&identity, &signature), Err(KeyError::BadSignature));
    assert_eq!(identity.verify(&other.to_bytes(), &signature), Err(KeyError::BadSignature));
}

#[test]
fn fingerprints_have_the_recorded_digits() {
    for case in vectors().fingerprint {
        let digits =
            |key: &[u8], id: &[u8]| Fingerprint::new(&public(key), id, case.iterations).unwrap().digits();
        let mut halves = [digits(&case.local_key, &case.local_id), digits(&case.remote_key, &case.remote_id)];
        halves.sort();
        assert_eq!(halves.concat(), case.display);
    }
}

#[test]
fn fingerprints_take_2_to_1_000_000_iterations() {
    let key = KeyPair::from(PrivateKey::from_bytes([1; 32])).public;
    for iterations in [0, 1, 1_000_001, u32::MAX] {
        assert_eq!(Fingerprint::new(&key, b"id", iterations), Err(KeyError::Iterations(iterations)));
    }
    assert!(Fingerprint::new(&key, b"id", 2).is_ok());
}
