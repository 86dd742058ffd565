//! PINs of registration locks: slow to try, on threads of their own, few at a time.

use std::sync::Arc;

use argon2::Argon2;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::RelayError;

/// Each takes 19 MiB and some tens of milliseconds of a core.
const AT_ONCE: usize = 2;
/// The form of what is stored: argon2id 19 MiB, 2 passes, 1 lane; 16 bytes of salt, 32 of hash.
const FORM: u8 = 1;

/// A PIN that a person chose. `Debug` does not show it.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Checks its length.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(text: String) -> Result<Self, RelayError> {
        let text = Zeroizing::new(text);
        if !(4..=64).contains(&text.chars().count()) {
            return Err(RelayError::field("pin", "4 to 64 characters"));
        }
        Ok(Self(text))
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Hashes and compares PINs.
#[derive(Debug)]
pub(super) struct Pins(Arc<Semaphore>);

impl Pins {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// What is stored of a PIN.
    pub(super) async fn hash(&self, pin: Pin, salt: [u8; 16]) -> Result<Vec<u8>, RelayError> {
        let hash = self.derive(pin, salt).await?;
        Ok([&[FORM], &salt[..], &hash[..]].concat())
    }

    /// Whether it is the PIN.
    pub(super) async fn matches(&self, pin: Pin, stored: &[u8]) -> Result<bool, RelayError> {
        let parts = stored.split_first().filter(|(form, _)| **form == FORM);
        let parts = parts.and_then(|(_, rest)| rest.split_first_chunk::<16>());
        let (salt, expected) = parts.ok_or_else(|| RelayError::internal("a PIN in an unknown form"))?;
        let hash = self.derive(pin, *salt).await?;
        Ok(hash[..].ct_eq(expected).into())
    }

    async fn derive(&self, pin: Pin, salt: [u8; 16]) -> Result<[u8; 32], RelayError> {
        let place = self.0.clone().acquire_owned().await.map_err(RelayError::internal)?;
        let derived = tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut hash = [0; 32];
            Argon2::default().hash_password_into(pin.0.as_bytes(), &salt, &mut hash).map(|()| hash)
        });
        let derived = derived.await.map_err(RelayError::internal)?;
        derived.map_err(|error| RelayError::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Pin {
        Pin::parse(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn only_the_pin_matches_and_nothing_shows_it() {
        let pins = Pins::new();
        let stored = pins.hash(pin("1234"), [7; 16]).await.unwrap();
        assert_eq!(stored.len(), 49);
        assert!(pins.matches(pin("1234"), &stored).await.unwrap());
        assert!(!pins.matches(pin("1235"), &stored).await.unwrap());
        assert_eq!(format!("{:?}", pin("1234")), "Pin(…)");
    }

    #[test]
    fn a_pin_has_4_to_64_characters() {
        for bad in ["", "123", &"1".repeat(65)] {
            assert!(Pin::parse(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
