use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text or bytes that are no identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    /// Not `what`.
    pub(crate) const fn other(what: &'static str) -> Self {
        Self(what)
    }
}

macro_rules! uuids {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $bytes:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
        pub struct $name(Uuid);

        impl $name {
            /// The one with these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// A new one from 16 random bytes: a UUID of version 4.
            #[must_use]
            pub const fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Its 16 bytes.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Its 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidId;

            fn try_from(bytes: &[u8]) -> Result<Self, InvalidId> {
                bytes.try_into().map(Self::from_bytes).map_err(|_| InvalidId($bytes))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the hyphenated form: one id, one spelling in a path.
                let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
                uuid.map(Self).ok_or(InvalidId($text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

uuids! {
    /// An account, of a person or a business.
    AccountId = "an account (a UUID)", "the 16 bytes of an account";
    /// A business as the relay knows it: one application, one label, any number of accounts.
    BusinessId = "a business (a UUID)", "the 16 bytes of a business";
    /// Somebody whom the operator lets host businesses.
    VendorId = "a vendor (a UUID)", "the 16 bytes of a vendor";
}

impl AccountId {
    /// The relay itself, as the sender of notices.
    pub const RELAY: Self = Self(Uuid::nil());
}

/// Number of a device within its account: 1 to 127, 1 being the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "u32", into = "u32")]
#[cfg_attr(feature = "openapi", schema(value_type = u32, minimum = 1, maximum = 127))]
pub struct DeviceId(u8);

impl DeviceId {
    /// The device that an account begins with.
    pub const PRIMARY: Self = Self(1);

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u32> for DeviceId {
    type Error = InvalidId;

    fn try_from(number: u32) -> Result<Self, InvalidId> {
        let number = u8::try_from(number).ok().filter(|number| (1..=127).contains(number));
        number.map(Self).ok_or(InvalidId("a device (1 to 127)"))
    }
}

impl From<DeviceId> for u32 {
    fn from(device: DeviceId) -> Self {
        Self::from(device.0)
    }
}

impl FromStr for DeviceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse::<u32>().map_err(|_| InvalidId("a device (1 to 127)"))?.try_into()
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The sender's name for a message: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl TryFrom<&[u8]> for MessageId {
    type Error = InvalidId;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidId> {
        bytes.try_into().map(Self).map_err(|_| InvalidId("the 16 bytes of a message id"))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_spelling() {
        let text = "8c78cd2a-16ff-427d-83dc-1a5e36ce713d";
        let account: AccountId = text.parse().unwrap();
        assert_eq!(account.to_string(), text);
        assert_eq!(AccountId::try_from(&account.to_bytes()[..]).unwrap(), account);
        for other in ["", "8c78cd2a16ff427d83dc1a5e36ce713d", "{8c78cd2a-16ff-427d-83dc-1a5e36ce713d}", "x"] {
            assert!(other.parse::<AccountId>().is_err(), "{other}");
        }
        assert!(AccountId::try_from(&[0; 15][..]).is_err());
    }

    #[test]
    fn a_device_is_from_1_to_127() {
        for bad in [0, 128, 255, 256, u32::MAX] {
            assert!(DeviceId::try_from(bad).is_err(), "{bad}");
            assert!(serde_json::from_value::<DeviceId>(bad.into()).is_err(), "{bad}");
        }
        assert_eq!("127".parse::<DeviceId>().unwrap().get(), 127);
        assert_eq!(serde_json::to_string(&DeviceId::PRIMARY).unwrap(), "1");
    }
}
