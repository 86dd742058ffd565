//! Names of things, as the Cloud API has them: strings of digits, opaque message ids.
//!
//! The first digit of an id says of what kind it is, so that `GET /{object}` needs to look in one table only, and an id
//! of one kind is none of another. Sixteen digits stay below 2⁵³, where consumers in JavaScript begin to round.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use store::{
    Entropy, Timestamp,
    sql::{Column, ColumnError, Row, Value},
};

/// Text that is no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    /// Not such one.
    pub(crate) const fn of(what: &'static str) -> Self {
        Self(what)
    }
}

/// What follows the digit of the kind: fifteen digits.
const BELOW: u64 = 1_000_000_000_000_000;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $digit:literal, $what:literal;)*) => {
        /// What an id names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// The kind of thing that this text names, if it is an id.
            #[must_use]
            pub fn of(text: &str) -> Option<Self> {
                match number(text)? / BELOW {
                    $($digit => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(u64);

            impl $name {
                /// A new one, which cannot be guessed.
                #[must_use]
                pub fn random(entropy: &dyn Entropy) -> Self {
                    let mut bytes = [0; 8];
                    entropy.fill(&mut bytes);
                    Self::from_name(u64::from_be_bytes(bytes))
                }

                /// The same one for the same number, whatever it is: of what may come twice.
                #[must_use]
                pub const fn from_name(name: u64) -> Self {
                    Self($digit * BELOW + name % BELOW)
                }

                /// The number, as webhooks of templates and databases have it.
                #[must_use]
                pub const fn get(self) -> u64 {
                    self.0
                }
            }

            impl FromStr for $name {
                type Err = InvalidId;

                fn from_str(text: &str) -> Result<Self, InvalidId> {
                    number(text).and_then(|id| Self::try_from(id).ok()).ok_or(InvalidId($what))
                }
            }

            impl TryFrom<u64> for $name {
                type Error = InvalidId;

                fn try_from(id: u64) -> Result<Self, InvalidId> {
                    if id / BELOW == $digit { Ok(Self(id)) } else { Err(InvalidId($what)) }
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(&self.0, f)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{}({})", stringify!($name), self.0)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }

            impl From<$name> for Value {
                fn from(id: $name) -> Self {
                    // Sixteen digits always fit.
                    id.0.cast_signed().into()
                }
            }

            impl Column for $name {
                fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
                    let id: i64 = row.get(column)?;
                    Self::try_from(id.cast_unsigned()).map_err(|error| ColumnError::new(column, error))
                }
            }
        )*
    };
}

ids! {
    /// A business on this host: in the Cloud API's words a portfolio.
    BusinessId = 1, "the id of a business";
    /// A business's account: what the Cloud API calls a WhatsApp Business Account.
    WabaId = 2, "the id of a business account";
    /// One of its phone numbers.
    NumberId = 3, "the id of a phone number";
    /// A program of the business that calls the API and takes webhooks.
    AppId = 4, "the id of an app";
    /// A message template.
    TemplateId = 5, "the id of a template";
    /// A file.
    MediaId = 6, "the id of a file";
    /// A flow.
    FlowId = 7, "the id of a flow";
    /// A catalogue, or one of its products.
    CatalogId = 8, "the id of a catalogue";
    /// Somebody who works for a business.
    AgentId = 9, "the id of an agent";
}

/// Sixteen digits, without a sign and without leading zeros.
fn number(text: &str) -> Option<u64> {
    if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number >= BELOW)
}

/// Names a message of one number, in either direction. On the outside `wamid.` and base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    number: NumberId,
    name: [u8; 22],
}

/// In front of the bytes, so that forms may follow.
const FORM: u8 = 1;
const PREFIX: &str = "wamid.";

impl MessageId {
    /// A new one, of this time.
    #[must_use]
    pub fn random(number: NumberId, at: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut rest = [0; 16];
        entropy.fill(&mut rest);
        Self { number, name: named(at, &rest) }
    }

    /// The same one for the same bytes: of what may come twice. `digest` is unguessable to others: a digest under a key.
    #[must_use]
    pub fn from_digest(number: NumberId, at: Timestamp, digest: &[u8; 32]) -> Self {
        Self { number, name: named(at, digest) }
    }

    /// Whose message it is.
    #[must_use]
    pub const fn number(self) -> NumberId {
        self.number
    }

    /// The bytes by which it stands in the tables of its number.
    #[must_use]
    pub const fn name(&self) -> &[u8; 22] {
        &self.name
    }

    /// From the columns of its table.
    #[must_use]
    pub const fn from_parts(number: NumberId, name: [u8; 22]) -> Self {
        Self { number, name }
    }

    /// The first half of its name: by what a device knows what it was asked to send.
    #[must_use]
    pub fn reference(&self) -> [u8; 16] {
        let mut reference = [0; 16];
        reference.iter_mut().zip(self.name).for_each(|(to, from)| *to = from);
        reference
    }
}

/// The time in milliseconds, so that messages of the same time stand beside each other in tables, and what nobody guesses.
fn named(at: Timestamp, rest: &[u8]) -> [u8; 22] {
    let time = at.0.to_be_bytes();
    let mut name = [0; 22];
    let bytes = time.iter().skip(2).chain(rest);
    name.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    name
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 31];
        let parts = [FORM].into_iter().chain(self.number.0.to_be_bytes()).chain(self.name);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        write!(f, "{PREFIX}{}", STANDARD.encode(bytes))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const WHAT: InvalidId = InvalidId("the id of a message");
        let encoded = text.strip_prefix(PREFIX).filter(|encoded| encoded.len() == 44).ok_or(WHAT)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| WHAT)?;
        let (form, rest) = bytes.split_first().ok_or(WHAT)?;
        let (number, name) = rest.split_first_chunk::<8>().ok_or(WHAT)?;
        if *form != FORM {
            return Err(WHAT);
        }
        let number = NumberId::try_from(u64::from_be_bytes(*number)).map_err(|_| WHAT)?;
        Ok(Self { number, name: name.try_into().map_err(|_| WHAT)? })
    }
}

impl serde::Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Names a person to one business: two letters of their country, and digits (the API's business-scoped user id).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const WHAT: InvalidId = InvalidId("the id of a user");
        let (country, name) = text.split_once('.').ok_or(WHAT)?;
        let country_fits = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let name_fits = (1..=128).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        if country_fits && name_fits { Ok(Self(text.to_owned())) } else { Err(WHAT) }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for UserId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use store::testing::SeededEntropy;

    use super::*;

    #[test]
    fn an_id_says_its_kind_and_is_no_other() {
        let entropy = SeededEntropy::new(1);
        let number = NumberId::random(&entropy);
        let text = number.to_string();
        assert_eq!((text.len(), Kind::of(&text)), (16, Some(Kind::NumberId)));
        assert_eq!(text.parse::<NumberId>().unwrap(), number);
        assert!(text.parse::<WabaId>().is_err());
        assert!(number.get() < 1 << 53);
        for bad in
            ["", "0", "-3", "3", "+300000000000000", "0300000000000000", "9999999999999999999999", "3x"]
        {
            assert!(bad.parse::<NumberId>().is_err(), "{bad}");
            assert_eq!(Kind::of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_message_id_is_long_opaque_and_one_spelling() {
        let entropy = SeededEntropy::new(1);
        let id = MessageId::random(NumberId::random(&entropy), Timestamp(1_700_000_000_000), &entropy);
        let text = id.to_string();
        assert!(text.len() >= 46, "{text}");
        assert_eq!(text.parse::<MessageId>().unwrap(), id);
        for bad in ["", "wamid.", "wamid.X", &text[6..], &text[..text.len() - 1], &format!("{text}=")] {
            assert!(bad.parse::<MessageId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_id_has_a_country_and_a_name() {
        for good in ["US.13491208655302741918", "DE.ENT.77", "BR.a"] {
            assert_eq!(good.parse::<UserId>().unwrap().as_str(), good);
        }
        for bad in ["", "US", "US.", "us.1", "USA.1", "US.1 2", "+4915112345678"] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }
}
