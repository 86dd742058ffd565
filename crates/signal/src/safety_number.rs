//! Safety numbers: what two people compare to know that nobody stands between them (the Signal specification,
//! section 11).

use std::fmt;

use keys::Fingerprint;
use subtle::ConstantTimeEq;

use crate::{
    Malformed,
    protobuf::{Fields, Writer, fields},
};

/// What the fingerprints in a safety number were made of besides the identity keys. The two sides must agree on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum SafetyNumberVersion {
    /// The phone numbers, as E.164 text.
    PhoneNumber = 1,
    /// The accounts: the 16 bytes of their UUIDs.
    Account = 2,
}

/// The fingerprints of two parties, to be read out or scanned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SafetyNumber {
    version: SafetyNumberVersion,
    local: Fingerprint,
    remote: Fingerprint,
}

/// Why a scanned code could not be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The code is of another version: one of the two sides is out of date.
    #[error("the code has version {theirs}, ours has version {ours}")]
    Version {
        /// The version of this side.
        ours: u32,
        /// The version of the scanned code.
        theirs: u32,
    },
    /// The bytes are no such code.
    #[error("the code is damaged: {0}")]
    Malformed(#[from] Malformed),
}

impl SafetyNumber {
    /// Puts the two fingerprints together, both made of what `version` says.
    pub const fn new(version: SafetyNumberVersion, local: Fingerprint, remote: Fingerprint) -> Self {
        Self { version, local, remote }
    }

    /// The bytes to show as a code.
    pub fn scannable(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(80);
        writer.uint(1, self.version as u8);
        for (field, fingerprint) in [(2, &self.local), (3, &self.remote)] {
            writer.message(field, |writer| writer.bytes(1, fingerprint.as_bytes()));
        }
        writer.finish()
    }

    /// Whether a code that the other side shows, [`SafetyNumber::scannable`] there, is about the same two parties.
    /// If not, somebody stands between them, or a key changed that one side does not know of yet.
    ///
    /// # Errors
    /// [`ScanError`] if that cannot be told.
    pub fn compare(&self, scanned: &[u8]) -> Result<bool, ScanError> {
        let (mut version, mut local, mut remote) = (None, None, None);
        for field in fields(scanned) {
            match field? {
                (1, value) => version = Some(value.u32()?),
                (2, value) => local = Some(fingerprint(fields(value.bytes()?))?),
                (3, value) => remote = Some(fingerprint(fields(value.bytes()?))?),
                _ => {}
            }
        }
        let ours = u32::from(self.version as u8);
        let theirs = version.ok_or(Malformed::Missing { field: 1 })?;
        if theirs != ours {
            return Err(ScanError::Version { ours, theirs });
        }
        let local = local.ok_or(Malformed::Missing { field: 2 })?;
        let remote = remote.ok_or(Malformed::Missing { field: 3 })?;
        Ok((local.ct_eq(self.remote.as_bytes()) & remote.ct_eq(self.local.as_bytes())).into())
    }
}

fn fingerprint(message: Fields<'_>) -> Result<&[u8; 32], Malformed> {
    let mut fingerprint = None;
    for field in message {
        if let (1, value) = field? {
            fingerprint = Some(value.array()?);
        }
    }
    fingerprint.ok_or(Malformed::Missing { field: 1 })
}

/// 60 digits, the same on both sides.
impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut halves = [self.local.digits(), self.remote.digits()];
        halves.sort();
        halves.iter().try_for_each(|half| f.write_str(half))
    }
}

#[cfg(test)]
mod tests {
    use keys::PublicKey;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::test_vectors::{Hex, section};

    #[derive(Deserialize)]
    struct Case {
        version: u32,
        iterations: u32,
        local_id: Hex,
        local_key: Hex,
        remote_id: Hex,
        remote_key: Hex,
        display: String,
        scannable_local: Hex,
        scannable_remote: Hex,
        compare: bool,
    }

    fn numbers() -> (SafetyNumber, SafetyNumber) {
        let [alice, bob] =
            [[9; 32], [10; 32]].map(|u| Fingerprint::new(&PublicKey::from_u(u).unwrap(), &u, 2).unwrap());
        let new = |local, remote| SafetyNumber::new(SafetyNumberVersion::Account, local, remote);
        (new(alice, bob), new(bob, alice))
    }

    #[test]
    fn recorded_safety_numbers_are_shown_scanned_and_compared() {
        for case in section::<Vec<Case>>("fingerprint") {
            let version = match case.version {
                1 => SafetyNumberVersion::PhoneNumber,
                2 => SafetyNumberVersion::Account,
                other => panic!("version {other}"),
            };
            let fingerprint = |key: &[u8], id: &[u8]| {
                Fingerprint::new(&PublicKey::from_bytes(key).unwrap(), id, case.iterations).unwrap()
            };
            let local = fingerprint(&case.local_key, &case.local_id);
            let remote = fingerprint(&case.remote_key, &case.remote_id);
            let ours = SafetyNumber::new(version, local, remote);
            let theirs = SafetyNumber::new(version, remote, local);
            assert_eq!(ours.to_string(), case.display);
            assert_eq!(theirs.to_string(), case.display);
            assert_eq!(ours.scannable(), *case.scannable_local);
            assert_eq!(theirs.scannable(), *case.scannable_remote);
            assert_eq!(ours.compare(&case.scannable_remote), Ok(case.compare));
            assert_eq!(theirs.compare(&case.scannable_local), Ok(case.compare));
        }
    }

    #[test]
    fn ones_own_code_is_not_that_of_the_other_side() {
        let (ours, theirs) = numbers();
        assert_eq!(ours.compare(&ours.scannable()), Ok(false));
        assert_eq!(ours.compare(&theirs.scannable()), Ok(true));
    }

    #[test]
    fn a_code_of_another_version_is_told_from_a_damaged_one() {
        let (ours, theirs) = numbers();
        let mut code = theirs.scannable();
        code[1] = 3;
        assert_eq!(ours.compare(&code), Err(ScanError::Version { ours: 2, theirs: 3 }));
        code.truncate(60);
        assert_eq!(ours.compare(&code), Err(ScanError::Malformed(Malformed::Truncated)));
        for (code, field) in [(&[][..], 1), (&[8, 2], 2), (&[8, 2, 0x12, 0], 1)] {
            assert_eq!(ours.compare(code), Err(ScanError::Malformed(Malformed::Missing { field })));
        }
        assert_eq!(
            ours.compare(&[8, 2, 0x12, 3, 0x0A, 1, 7]),
            Err(ScanError::Malformed(Malformed::Length { field: 1 }))
        );
    }

    proptest! {
        #[test]
        fn a_code_with_one_bit_changed_never_matches(bit in 0..74usize * 8) {
            let (ours, theirs) = numbers();
            let mut code = theirs.scannable();
            code[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(ours.compare(&code), Ok(true));
        }

        #[test]
        fn no_code_makes_it_panic(code in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = numbers().0.compare(&code);
        }
    }
}
