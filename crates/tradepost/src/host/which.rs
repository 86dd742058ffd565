//! Which business: by its id, or by its account's.

use std::{fmt, str::FromStr};

use ::host::ids::{BusinessId, WabaId};

/// A business's id, or its account's: the host knows it by either.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    Business(BusinessId),
    Account(WabaId),
}

impl FromStr for Which {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let account = || text.parse().map(Self::Account);
        text.parse()
            .map(Self::Business)
            .or_else(|_| account())
            .map_err(|_| "not an id of a business or an account")
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Business(id) => id.fmt(f),
            Self::Account(id) => id.fmt(f),
        }
    }
}
