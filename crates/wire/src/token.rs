use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{AccountId, DeviceId};

/// The credential of a device: which device, and a secret. On the wire `tp1_` and 49 bytes in base64url.
///
/// `Debug` shows no secret; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub account: AccountId,
    /// Which device.
    pub device: DeviceId,
    /// 32 random bytes. The relay keeps only a hash.
    pub secret: [u8; 32],
}

/// Text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct InvalidToken;

const PREFIX: &str = "tp1_";

impl Token {
    /// The text that a device sends: a secret.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut bytes = [0; 49];
        let device = [self.device.get()];
        let parts = self.account.as_bytes().iter().chain(&device).chain(&self.secret);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let text = text.strip_prefix(PREFIX).filter(|text| text.len() == 66).ok_or(InvalidToken)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (account, rest) = bytes.split_at_checked(16).ok_or(InvalidToken)?;
        let (device, secret) = rest.split_first().ok_or(InvalidToken)?;
        Ok(Self {
            account: AccountId::try_from(account).map_err(|_| InvalidToken)?,
            device: DeviceId::try_from(u32::from(*device)).map_err(|_| InvalidToken)?,
            secret: secret.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}.{})", self.account, self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_hides_it() {
        let token =
            Token { account: AccountId::from_bytes([7; 16]), device: DeviceId::PRIMARY, secret: [9; 32] };
        let text = token.expose();
        assert_eq!(text.parse::<Token>().unwrap(), token);
        assert_eq!(format!("{token:?}"), "Token(07070707-0707-0707-0707-070707070707.1)");
        for bad in ["", "tp1_", &text[4..], &text[..69], &format!("{text}A")] {
            assert!(bad.parse::<Token>().is_err(), "{bad}");
        }
    }
}
