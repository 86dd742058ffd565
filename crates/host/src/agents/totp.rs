//! Codes of an authenticator app (RFC 6238 with SHA-1, six digits, thirty seconds: what all of them know).

use ::store::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after the present one whose codes are taken: clocks differ.
const SKEW: i64 = 1;
/// RFC 4648.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Bytes in the letters that people can type.
pub(super) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0u32, 0);
    let letter = |five: u32| LETTERS.get((five & 31) as usize).copied().map_or('A', char::from);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(held << (5 - bits)));
    }
    text
}

/// The code of a step.
fn code(secret: &[u8], step: i64) -> Option<Zeroizing<String>> {
    let mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    let digest: [u8; 20] = mac.chain_update(step.to_be_bytes()).finalize().into_bytes().into();
    let offset = usize::from(digest.last()? & 15);
    let (four, _) = digest.get(offset..)?.split_first_chunk::<4>()?;
    let number = (u32::from_be_bytes(*four) & 0x7fff_ffff) % 1_000_000;
    Some(Zeroizing::new(format!("{number:06}")))
}

/// The step whose code this is, if it is one of those around now and later than the one that was used last.
pub(super) fn step_of(secret: &[u8], shown: &str, now: Timestamp, used: i64) -> Option<i64> {
    let present = now.0.div_euclid(1000 * STEP);
    // All are compared, so that it takes as long whichever it is.
    (present - SKEW..=present + SKEW).fold(None, |found, step| {
        let is = code(secret, step).is_some_and(|code| code.as_bytes().ct_eq(shown.as_bytes()).into());
        if is && step > used { Some(step) } else { found }
    })
}

/// What an authenticator app reads as a QR code.
pub(super) fn uri(secret: &[u8], issuer: &str, name: &str) -> String {
    let quote = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let (issuer, name, secret) = (quote(issuer), quote(name), base32(secret));
    format!(
        "otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, SHA-1: the last six of eight digits.
        let secret = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(&**code(secret, seconds / STEP).unwrap(), expected);
            let now = Timestamp(seconds * 1000);
            assert_eq!(step_of(secret, expected, now, 0), Some(seconds / STEP));
            assert_eq!(
                step_of(secret, expected, now.after(std::time::Duration::from_secs(30)), 0),
                Some(seconds / STEP)
            );
            assert_eq!(step_of(secret, expected, now.after(std::time::Duration::from_secs(61)), 0), None);
            assert_eq!(step_of(secret, expected, now, seconds / STEP), None, "used before");
        }
        for wrong in ["", "287083", "28708", "2870822"] {
            assert_eq!(step_of(secret, wrong, Timestamp(59_000), 0), None);
        }
    }

    #[test]
    fn letters_are_those_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        let uri = uri(b"foobar", "Bank & Co", "ada@bank.example");
        assert!(
            uri.starts_with("otpauth://totp/Bank%20%26%20Co:ada%40bank%2Eexample?secret=MZXW6YTBOI&"),
            "{uri}"
        );
    }
}
