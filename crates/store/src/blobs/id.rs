//! What a blob is called.

use std::{fmt, str::FromStr};

use super::BlobError;
use crate::Entropy;

/// The name of a blob: 128 random bits, which nobody can guess and which no path can be made of but its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 16]);

impl BlobId {
    pub(super) fn random(entropy: &dyn Entropy) -> Self {
        let mut id = [0; 16];
        entropy.fill(&mut id);
        Self(id)
    }
}

/// 32 small hexadecimal digits.
impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for BlobId {
    type Err = BlobError;

    /// # Errors
    /// `NotFound` for anything but 32 small hexadecimal digits: no blob is called that.
    fn from_str(text: &str) -> Result<Self, BlobError> {
        let small = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(small) {
            return Err(BlobError::NotFound);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| BlobError::NotFound)?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_an_id() {
        let id = BlobId([0x0a; 16]);
        assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
        let bad = [
            "",
            "../../../../../../../../etc/passwd",
            "0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
            "+a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
        ];
        for bad in bad {
            assert!(bad.parse::<BlobId>().is_err(), "{bad}");
        }
    }
}
