//! Passwords: slow to try (argon2id, 19 MiB, 2 passes), on threads of their own, few at a time.

use std::sync::Arc;

use argon2::Argon2;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::HostError;

/// Each takes 19 MiB and some tens of milliseconds of a core.
const AT_ONCE: usize = 2;
/// Who waits for that at most: more are told to come back.
const WAITING: usize = 64;
/// The form of what is kept: argon2id 19 MiB, 2 passes, 1 lane; 16 bytes of salt, 32 of hash.
const FORM: u8 = 1;

/// A password that somebody chose. `Debug` does not show it.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// One that is chosen now: long enough.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn choose(text: String, field: &'static str) -> Result<Self, HostError> {
        let text = Zeroizing::new(text);
        if !(12..=256).contains(&text.chars().count()) {
            return Err(HostError::invalid(field, "from 12 to 256 characters"));
        }
        Ok(Self(text))
    }

    /// One that is tried: whatever it is.
    #[must_use]
    pub fn tried(mut text: String) -> Self {
        // Longer than any: wrong, and not worth hashing.
        if text.len() > 4 * 256 {
            text.clear();
        }
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::tried)
    }
}

/// Hashes and compares passwords.
#[derive(Debug)]
pub(super) struct Passwords {
    places: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), waiting: Semaphore::new(WAITING) }
    }

    /// What is kept of a password that is chosen now.
    pub(super) async fn hash(
        &self,
        password: Password,
        field: &'static str,
        salt: [u8; 16],
    ) -> Result<String, HostError> {
        let password = Password::choose((*password.0).clone(), field)?;
        let hash = self.derive(password, salt).await?;
        Ok(STANDARD_NO_PAD.encode([&[FORM], &salt[..], &hash[..]].concat()))
    }

    /// Whether it is the password. Where there is none, that takes as long to find out.
    pub(super) async fn matches(&self, password: Password, kept: Option<&str>) -> Result<bool, HostError> {
        let Some(kept) = kept else {
            self.derive(password, [0; 16]).await?;
            return Ok(false);
        };
        let kept = STANDARD_NO_PAD.decode(kept).map_err(|_| HostError::Sealed("a password"))?;
        let parts = kept.split_first().filter(|(form, _)| **form == FORM);
        let parts = parts.and_then(|(_, rest)| rest.split_first_chunk::<16>());
        let (salt, expected) = parts.ok_or(HostError::Sealed("a password in an unknown form"))?;
        let hash = self.derive(password, *salt).await?;
        Ok(hash[..].ct_eq(expected).into())
    }

    async fn derive(&self, password: Password, salt: [u8; 16]) -> Result<Zeroizing<[u8; 32]>, HostError> {
        let busy = |_| HostError::Wait { retry_after: std::time::Duration::from_secs(1) };
        let _waits = self.waiting.try_acquire().map_err(busy)?;
        let place = self.places.clone().acquire_owned().await.map_err(HostError::internal)?;
        let derived = tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut hash = Zeroizing::new([0; 32]);
            let derived = Argon2::default().hash_password_into(password.0.as_bytes(), &salt, &mut *hash);
            derived.map(|()| hash)
        });
        let derived = derived.await.map_err(HostError::internal)?;
        derived.map_err(|error| HostError::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_itself_and_nothing_of_it_is_kept() {
        let passwords = Passwords::new();
        let tried = |text: &str| Password::tried(text.to_owned());
        let kept = passwords.hash(tried("correct horse battery"), "password", [3; 16]).await.unwrap();
        assert!(!kept.contains("horse") && !format!("{:?}", tried("horse")).contains("horse"));
        assert!(passwords.matches(tried("correct horse battery"), Some(&kept)).await.unwrap());
        for wrong in ["", "correct horse batterx", &"x".repeat(5000)] {
            assert!(!passwords.matches(tried(wrong), Some(&kept)).await.unwrap());
            assert!(!passwords.matches(tried(wrong), None).await.unwrap());
        }
        for short in ["", "eleven chars", &"x".repeat(257)] {
            assert_eq!(passwords.hash(tried(short), "password", [3; 16]).await.is_ok(), short.len() == 12);
        }
    }
}
