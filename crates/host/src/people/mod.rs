//! The people that a business talks to.

mod awaited;
mod blocks;
mod known;
mod store;

use ::store::Timestamp;
use serde::{Deserialize, Serialize};
use wire::{AccountId, PhoneNumber};

pub(crate) use self::store::{MIGRATIONS, there};
pub use self::{
    blocks::{BLOCKS, NotBlocked},
    known::{Known, People},
};
use crate::{
    content::Profile,
    ids::{BusinessId, UserId},
};

/// Somebody a business talks to, without anything that only the gate opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their row.
    pub id: PersonId,
    /// Whose person they are.
    pub business: BusinessId,
    /// By what the business names them.
    pub user_id: UserId,
    /// At the relay. It never leaves this process.
    pub account: AccountId,
}

/// The row of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub(crate) i64);

/// What is sealed of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Their number, if they shared it or the business had it.
    pub number: Option<PhoneNumber>,
    /// What they call themselves.
    pub name: String,
}

impl Details {
    /// With the id, what the business may know.
    #[must_use]
    pub fn profile(&self, user_id: UserId) -> Profile {
        let wa_id = self.number.as_ref().map(|number| number.as_str().trim_start_matches('+').to_owned());
        Profile { user_id, wa_id, name: self.name.clone() }
    }
}

/// How one number and one person stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When the person last wrote.
    pub wrote: Option<Timestamp>,
    /// Whether the business takes nothing from them.
    pub blocked: bool,
    /// Whether they want no marketing.
    pub marketing_stopped: bool,
}

impl Standing {
    /// How long the service window is: 24 hours.
    pub const WINDOW: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

    /// Whether anything may be written to them now, and not only templates.
    #[must_use]
    pub fn in_window(&self, now: Timestamp) -> bool {
        self.wrote.is_some_and(|wrote| now < wrote.after(Self::WINDOW))
    }
}
