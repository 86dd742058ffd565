//! Who can read what is written to a business.

use serde::{Deserialize, Serialize};
use wire::{Base64, hosting};

/// Who runs the process that holds a business's keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hosting {
    /// The business itself.
    #[serde(rename = "self")]
    Own,
    /// A vendor.
    Vendor,
    /// The operator of the relay.
    Operator,
    /// Nobody but the business's agents can read it.
    Sealed,
    /// In a way that this version does not know.
    Unknown,
}

/// What the relay states about a business, under its label key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Label {
    /// The business: 16 bytes.
    pub business: Base64,
    /// Who hosts it.
    pub hosting: Hosting,
    /// The vendor's or the operator's name; empty if the business hosts itself.
    pub host_name: String,
    /// As the business calls itself.
    pub name: String,
    /// As it is registered.
    pub legal_name: String,
    /// Whether the operator has approved it.
    pub verified: bool,
    /// Milliseconds since 1970: since when it is hosted so.
    pub since: u64,
    /// ISO 3166, two letters.
    pub country: String,
    /// What kind of business.
    pub category: String,
}

impl Label {
    pub(crate) fn from_wire(declaration: &hosting::Declaration) -> Self {
        Self {
            business: Base64(declaration.business.clone()),
            hosting: match declaration.mode() {
                hosting::Mode::SelfHosted => Hosting::Own,
                hosting::Mode::Vendor => Hosting::Vendor,
                hosting::Mode::Operator => Hosting::Operator,
                hosting::Mode::Sealed => Hosting::Sealed,
                hosting::Mode::ModeUnknown => Hosting::Unknown,
            },
            host_name: declaration.host_name.clone(),
            name: declaration.name.clone(),
            legal_name: declaration.legal_name.clone(),
            verified: declaration.verified,
            since: declaration.since,
            country: declaration.country.clone(),
            category: declaration.category.clone(),
        }
    }

    /// The label as people know it.
    #[must_use]
    pub fn words(&self) -> String {
        match self.hosting {
            Hosting::Own => "End-to-end encrypted".to_owned(),
            Hosting::Vendor | Hosting::Operator => format!("Managed by {}", self.host_name),
            Hosting::Sealed => format!("End-to-end encrypted, stored by {}", self.host_name),
            Hosting::Unknown => "Hosted in a way that this version does not know".to_owned(),
        }
    }
}

impl Label {
    /// Who can read what is said in the chat, in a sentence.
    #[must_use]
    pub fn readers(&self) -> String {
        let Self { name, host_name: host, .. } = self;
        match self.hosting {
            Hosting::Own => {
                format!("You and {name} can read this chat. {name} keeps it on a machine of its own.")
            }
            Hosting::Vendor => {
                format!(
                    "You, {name} and {host} can read this chat: {host} keeps it for {name}, as {name} instructs it."
                )
            }
            Hosting::Operator => format!(
                "You, {name} and {host}, which runs this service, can read this chat: {host} keeps it as {name} \
                 instructs it."
            ),
            Hosting::Sealed => format!(
                "You and people who work for {name} can read this chat. {host}, which keeps it, cannot."
            ),
            Hosting::Unknown => "Who can read this chat is not known to this version.".to_owned(),
        }
    }
}

/// What there is to say of a business's label.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelChange {
    /// It is the first one.
    First,
    /// It is another one than before, or there is one again.
    Changed,
    /// The relay gives none any more.
    Missing,
    /// It is not signed by the relay's label key.
    Unsigned,
    /// It is about another account, or about another identity key.
    Foreign,
    /// Its time is over, or it is older than what was known.
    Stale,
}

/// How it is with the label of a business.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LabelState {
    /// The last good one. Only with [`LabelChange::First`] and [`LabelChange::Changed`] it still holds.
    pub label: Option<Label>,
    /// How it came to be so.
    pub change: LabelChange,
    /// Names this state: what [`Device::label_shown`](crate::Device::label_shown) takes.
    pub digest: Base64,
    /// Whether a person was shown it here. Until then what is sent to the business waits.
    pub shown: bool,
}
