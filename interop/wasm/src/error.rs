use signal::{
    DecryptError, EncryptError, KeyError, ParseError, SenderKeyError, StartError, StateError,
    sealed::{CertificateError, OpenError, SealError},
};
use wasm_bindgen::JsValue;

use crate::javascript::Error;

/// What only this face can complain about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaceError {
    /// Devices are numbered from 1 to 127.
    #[error("there is no device {0}")]
    NoSuchDevice(u32),
    /// The name in an address is no UUID, so that no safety number can be made with it.
    #[error("the address names no account")]
    NoAccount,
    /// Nothing was exchanged with that device yet.
    #[error("the identity key of that device is not known")]
    UnknownIdentity,
    /// The id of a distribution is a UUID.
    #[error("a distribution id has 16 bytes")]
    NoDistributionId,
}

/// An error on its way to JavaScript.
#[derive(Debug)]
pub struct Thrown(JsValue);

impl From<Thrown> for JsValue {
    fn from(thrown: Thrown) -> Self {
        thrown.0
    }
}

impl<E: Named> From<E> for Thrown {
    fn from(error: E) -> Self {
        let thrown = Error::new(&error.to_string());
        thrown.set_name(error.name());
        Self(thrown.into())
    }
}

/// The `name` of an error in JavaScript: its variant, or its type where only a developer cares for the variant.
/// Callers compare these, so they stay when a variant is renamed.
trait Named: std::error::Error {
    fn name(&self) -> &'static str;
}

impl Named for FaceError {
    fn name(&self) -> &'static str {
        match self {
            Self::NoSuchDevice(_) => "NoSuchDevice",
            Self::NoAccount => "NoAccount",
            Self::UnknownIdentity => "UnknownIdentity",
            Self::NoDistributionId => "NoDistributionId",
        }
    }
}

impl Named for ParseError {
    fn name(&self) -> &'static str {
        "ParseError"
    }
}

impl Named for KeyError {
    fn name(&self) -> &'static str {
        "KeyError"
    }
}

impl Named for StateError {
    fn name(&self) -> &'static str {
        "StateError"
    }
}

impl Named for StartError {
    fn name(&self) -> &'static str {
        match self {
            Self::UntrustedIdentity(_) => "UntrustedIdentity",
            Self::WrongDevice => "WrongDevice",
            Self::BadSignedPreKey => "BadSignedPreKey",
            Self::BadKemPreKey => "BadKemPreKey",
            Self::Key(error) => error.name(),
        }
    }
}

impl Named for EncryptError {
    fn name(&self) -> &'static str {
        match self {
            Self::NoSession => "NoSession",
            Self::Unanswered => "Unanswered",
            Self::UntrustedIdentity(_) => "UntrustedIdentity",
            Self::TooLong { .. } => "TooLong",
            Self::ChainExhausted => "ChainExhausted",
        }
    }
}

impl Named for DecryptError {
    fn name(&self) -> &'static str {
        match self {
            Self::Duplicate => "Duplicate",
            Self::NoSession => "NoSession",
            Self::UntrustedIdentity(_) => "UntrustedIdentity",
            Self::PreKeysNeeded => "PreKeysNeeded",
            Self::UnknownOneTimePreKey(_) => "UnknownOneTimePreKey",
            Self::UnknownSignedPreKey(_) => "UnknownSignedPreKey",
            Self::UnknownKemPreKey(_) => "UnknownKemPreKey",
            Self::BaseKey => "BaseKey",
            Self::OtherIdentity => "OtherIdentity",
            Self::Version(_) => "Version",
            Self::TooFarAhead { .. } => "TooFarAhead",
            Self::Spqr(_) => "SpqrError",
            Self::BadMac => "BadMac",
            Self::WrongAddresses => "WrongAddresses",
            Self::BadCiphertext => "BadCiphertext",
            Self::Key(error) => error.name(),
            Self::State(error) => error.name(),
        }
    }
}

impl Named for SenderKeyError {
    fn name(&self) -> &'static str {
        match self {
            Self::NoState { .. } => "NoState",
            Self::NoOwnChain => "NoOwnChain",
            Self::OtherDistribution => "OtherDistribution",
            Self::BadSignature => "BadSignature",
            Self::Duplicate { .. } => "Duplicate",
            Self::TooFarAhead { .. } => "TooFarAhead",
            Self::Exhausted => "ChainExhausted",
            Self::BadCiphertext => "BadCiphertext",
            Self::TooLong { .. } => "TooLong",
        }
    }
}

impl Named for CertificateError {
    fn name(&self) -> &'static str {
        "CertificateError"
    }
}

impl Named for SealError {
    fn name(&self) -> &'static str {
        match self {
            Self::Key(error) => error.name(),
            _ => "SealError",
        }
    }
}

impl Named for OpenError {
    fn name(&self) -> &'static str {
        match self {
            Self::Parse(error) => error.name(),
            Self::Key(error) => error.name(),
            Self::BadCiphertext => "BadCiphertext",
            Self::OtherSender => "OtherSender",
            Self::Certificate(error) => error.name(),
            Self::SelfSend => "SelfSend",
        }
    }
}
