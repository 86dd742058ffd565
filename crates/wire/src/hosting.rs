//! What the relay states about businesses under its label key: `proto/hosting.proto`, field for field.
//!
//! Who reads a [`Signed`] verifies `signature` over [`Signed::signed_bytes`] with the label key that it trusts, and only
//! then decodes the statement. A [`Declaration`] is about one account and one identity key, and for a few days.

use prost::Message as _;

use crate::PhoneNumber;

/// Signed under this: a [`Declaration`].
pub const DECLARATION: &str = "Tradepost hosting declaration v1";
/// Signed under this: a [`NumberProof`].
pub const NUMBER_PROOF: &str = "Tradepost number proof v1";
/// Signed under this: a [`KeyCertificate`].
pub const KEY_CERTIFICATE: &str = "Tradepost label key v1";
/// Bytes of a [`Signed`] at most.
pub const SIGNED: usize = 4 << 10;

/// Bytes that are no [`Signed`], or more than one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signed statement")]
pub struct InvalidStatement;

/// A statement and its signature.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Signed {
    /// What is stated, encoded.
    #[prost(bytes = "vec", tag = "1")]
    pub statement: Vec<u8>,
    /// 64 bytes, over the context and the statement.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

impl Signed {
    /// Reads one from outside.
    ///
    /// # Errors
    /// It is none, or larger than [`SIGNED`].
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidStatement> {
        if bytes.len() > SIGNED {
            return Err(InvalidStatement);
        }
        Self::decode(bytes).map_err(|_| InvalidStatement)
    }

    /// What the signature is over.
    #[must_use]
    pub fn signed_bytes(&self, context: &str) -> Vec<u8> {
        signed_bytes(context, &self.statement)
    }
}

/// The context of what a device of a business signs when it brings the business a further number.
pub const FURTHER_NUMBER: &str = "Tradepost further number v1";

/// What it states: the number, and the identity key of the device that is registered for it.
#[must_use]
pub fn further_number(number: &PhoneNumber, identity_key: &[u8]) -> Vec<u8> {
    // A number has no zero byte in it.
    [number.as_str().as_bytes(), &[0], identity_key].concat()
}

/// What a signature is over: the context and the statement, one after the other.
#[must_use]
pub fn signed_bytes(context: &str, statement: &[u8]) -> Vec<u8> {
    [context.as_bytes(), statement].concat()
}

/// Who runs the process that holds a business's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Mode {
    /// One that a newer relay knows.
    ModeUnknown = 0,
    /// The business itself.
    SelfHosted = 1,
    /// A vendor that the operator approved.
    Vendor = 2,
    /// The operator of the relay.
    Operator = 3,
    /// Nobody but the business's agents can read it. Not served yet.
    Sealed = 4,
}

/// What a hosting label is derived from.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Declaration {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub business: Vec<u8>,
    /// 16 bytes: the account that this is about.
    #[prost(bytes = "vec", tag = "2")]
    pub account: Vec<u8>,
    /// Who hosts it.
    #[prost(enumeration = "Mode", tag = "3")]
    pub mode: i32,
    /// 16 bytes: the vendor; zeros for the operator; empty if the business hosts itself.
    #[prost(bytes = "vec", tag = "4")]
    pub host: Vec<u8>,
    /// The vendor's or the operator's name; empty if the business hosts itself.
    #[prost(string, tag = "5")]
    pub host_name: String,
    /// As the business calls itself.
    #[prost(string, tag = "6")]
    pub name: String,
    /// As it is registered.
    #[prost(string, tag = "7")]
    pub legal_name: String,
    /// Whether the operator has approved it, and has not suspended it since.
    #[prost(bool, tag = "8")]
    pub verified: bool,
    /// 33 bytes: the identity key of the account.
    #[prost(bytes = "vec", tag = "9")]
    pub identity_key: Vec<u8>,
    /// Milliseconds since 1970: since when the account is hosted so.
    #[prost(uint64, tag = "10")]
    pub since: u64,
    /// Milliseconds since 1970, by the relay's clock.
    #[prost(uint64, tag = "11")]
    pub issued: u64,
    /// Milliseconds since 1970; afterwards it says nothing.
    #[prost(uint64, tag = "12")]
    pub expires: u64,
    /// ISO 3166, two capital letters.
    #[prost(string, tag = "13")]
    pub country: String,
    /// One of [`CATEGORIES`].
    #[prost(string, tag = "14")]
    pub category: String,
}

impl Declaration {
    /// What a person is shown: two declarations with the same label differ only in when they were issued.
    #[must_use]
    pub fn label(&self) -> Self {
        Self { issued: 0, expires: 0, ..self.clone() }
    }
}

/// That a person has a phone number, for one business and nobody else.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct NumberProof {
    /// 16 bytes: the person's account.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    /// 16 bytes: whom it was made for.
    #[prost(bytes = "vec", tag = "2")]
    pub business: Vec<u8>,
    /// E.164.
    #[prost(string, tag = "3")]
    pub number: String,
    /// Milliseconds since 1970, by the relay's clock.
    #[prost(uint64, tag = "4")]
    pub issued: u64,
}

/// The label key that follows the one that signed this.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeyCertificate {
    /// 33 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// Milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub issued: u64,
}

/// What a business may be: the verticals of the Cloud API.
pub const CATEGORIES: &[&str] = &[
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "ALCOHOL",
    "ONLINE_GAMBLING",
    "PHYSICAL_GAMBLING",
    "OTC_DRUGS",
    "MATRIMONY_SERVICE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_does_not_pass_with_time() {
        let one = Declaration { name: "Bank".into(), issued: 1, expires: 2, ..Declaration::default() };
        let later = Declaration { issued: 3, expires: 4, ..one.clone() };
        assert_eq!(one.label(), later.label());
        assert_ne!(one.label(), Declaration { since: 5, ..one.clone() }.label());
        assert_ne!(one.label(), Declaration { mode: Mode::Vendor.into(), ..one.clone() }.label());
    }

    #[test]
    fn what_is_too_large_is_nothing() {
        let signed = |length| Signed { statement: vec![1; length], signature: vec![2; 64] }.encode_to_vec();
        assert!(Signed::read(&signed(SIGNED - 100)).is_ok());
        assert!(Signed::read(&signed(SIGNED)).is_err());
    }
}
