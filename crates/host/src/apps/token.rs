//! Secrets of apps.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use store::Entropy;
use zeroize::Zeroizing;

use super::{hash, hex_mac};

const PREFIX: &str = "tpt_";

/// Text that is not shown.
pub type Secret = Zeroizing<String>;

/// A token: `tpt_` and 43 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Secret);

impl Token {
    /// A new one.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        Self(Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// Reads one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        let fits = encoded.len() == 43
            && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// For who it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    /// What names it in the log: it opens nothing.
    #[must_use]
    pub(crate) fn id(&self) -> String {
        super::log_name(&self.hash())
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        hash(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// An app's secret: 32 hexadecimal digits.
#[derive(Clone)]
pub struct AppSecret(Secret);

impl AppSecret {
    /// A new one.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 16]);
        entropy.fill(&mut *bytes);
        Self(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    pub(super) fn from_stored(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// For who it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `appsecret_proof` of a token.
    #[must_use]
    pub fn proof(&self, token: &str) -> Secret {
        hex_mac(self.0.as_bytes(), token.as_bytes())
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use store::testing::SeededEntropy;

    use super::*;

    #[test]
    fn only_a_token_is_read_as_one() {
        let token = Token::random(&SeededEntropy::new(1));
        assert_eq!(Token::parse(token.expose()).unwrap(), token);
        for bad in ["", "tpt_", "EAAB", &format!("{}x", token.expose()), &token.expose()[1..]] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
