//! The recorded vectors of `tests/vectors/signal-vectors.json`, for the tests of this crate.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// One of the parts into which the file is divided.
pub(crate) fn section<T: DeserializeOwned>(name: &str) -> T {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../tests/vectors/signal-vectors.json")).unwrap();
    serde_json::from_value(file[name].clone()).unwrap_or_else(|error| panic!("section {name}: {error}"))
}

/// Bytes that are written in hexadecimal.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Hex {
    pub(crate) fn array<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().unwrap()
    }
}

impl Deref for Hex {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Gives out recorded bytes in place of random ones.
pub(crate) struct Recorded(std::vec::IntoIter<u8>);

impl Recorded {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        Self(parts.concat().into_iter())
    }
}

impl rand_core::TryRng for Recorded {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill_with(|| self.0.next().expect("more randomness is drawn than was recorded"));
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Recorded {}
