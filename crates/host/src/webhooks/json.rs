//! JSON in pure ASCII: whether a consumer signs the raw bytes or escapes the decoded text first, both come out the same.

use std::io;

use serde_json::{Serializer, Value, ser::Formatter};

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(place) = rest.find(|character: char| !character.is_ascii()) {
            let (plain, other) = rest.split_at(place);
            writer.write_all(plain.as_bytes())?;
            let Some(character) = other.chars().next() else { break };
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = other.get(character.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// The text, compact, every other character as `\uXXXX` with lower-case digits.
#[must_use]
pub fn ascii(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    // A value has string keys only, and memory takes what is written.
    let _ = serde::Serialize::serialize(value, &mut Serializer::with_formatter(&mut bytes, Ascii));
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn other_characters_are_escaped_in_lower_case_and_slashes_are_not() {
        let text = String::from_utf8(ascii(&json!({"é": "a/b 😀\n\u{1f} ß"}))).unwrap();
        assert_eq!(text, r#"{"\u00e9":"a/b \ud83d\ude00\n\u001f \u00df"}"#);
    }

    proptest! {
        #[test]
        fn it_is_ascii_and_reads_back(text in ".*") {
            let bytes = ascii(&json!({"text": text}));
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), json!({"text": text}));
        }
    }
}
