//! The API that a business's software already speaks: paths, parameters, errors and answers as its clients expect them.
//!
//! ```text
//! request ─▶ edge (one map of parameters, in its room) ─▶ apps (who asks) ─▶ routes (which object, is it theirs) ─▶ a feature
//! ```

mod analytics;
mod api;
mod apps;
mod automation;
mod blocks;
mod call;
mod compliance;
pub mod edge;
mod error;
mod fields;
mod history;
mod lists;
mod media;
mod messages;
mod numbers;
mod objects;
pub mod openapi;
mod page;
pub mod parse;
mod post;
mod profiles;
mod qr_codes;
pub mod room;
pub mod routes;
pub mod selection;
mod subscriptions;
mod templates;
mod uploads;
mod usernames;

use std::{fmt, str::FromStr};

pub(crate) use self::api::meant;
pub(crate) use self::fields::has_nul;
pub(crate) use self::profiles::{change as change_profile, picture_path};
pub(crate) use self::qr_codes::link;
pub use self::{
    api::{Answer, Api, Outcome, Post, Task, router},
    call::Call,
    error::{Failure, json_response},
    fields::{Fields, Voice},
};

/// A version of the API, as it stands in front of paths. All are served alike but for what is asked of it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
}

/// Text that is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version such as v24.0")]
pub struct InvalidVersion;

impl Version {
    /// What is served where a path names none.
    pub const LATEST: Self = Self { major: 24, minor: 0 };

    /// From v16 on, messages of errors begin with the code.
    #[must_use]
    pub const fn has_codes_in_messages(self) -> bool {
        self.major >= 16
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let number = |text: &str| {
            let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().map_err(|_| InvalidVersion) } else { Err(InvalidVersion) }
        };
        let text = text.strip_prefix(['v', 'V']).ok_or(InvalidVersion)?;
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}
