//! A template with its places filled in, as it is sent and shown.

use serde::{Deserialize, Serialize};

use super::{Category, Header};
use crate::ids::TemplateId;

/// A template, filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Which.
    pub id: TemplateId,
    /// What the business calls it.
    pub name: String,
    /// `en_US`, ….
    pub language: String,
    /// What for.
    pub category: Category,
    /// Above.
    #[serde(default)]
    pub header: Option<Header>,
    /// The words.
    pub body: String,
    /// Below, small.
    #[serde(default)]
    pub footer: Option<String>,
    /// At most 10.
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
    /// Cards side by side, each with header, body and buttons.
    #[serde(default)]
    pub cards: Vec<TemplateCard>,
    /// An offer for a limited time.
    #[serde(default)]
    pub offer: Option<Offer>,
    /// Seconds for which it waits for the person; none for 30 days.
    #[serde(default)]
    pub ttl_seconds: Option<u32>,
}

/// An offer for a limited time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// In words.
    pub text: String,
    /// Milliseconds since 1970; none if it does not say.
    #[serde(default)]
    pub ends: Option<u64>,
}

/// A card of a carousel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCard {
    /// Above.
    #[serde(default)]
    pub header: Option<Header>,
    /// The words.
    #[serde(default)]
    pub body: Option<String>,
    /// What can be done.
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
}

/// What can be done with a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TemplateButton {
    /// Answers with a payload.
    QuickReply {
        /// What it says.
        text: String,
        /// What comes back; the text itself if the business gave none.
        payload: String,
    },
    /// A link.
    Url {
        /// What it says.
        text: String,
        /// Where it leads.
        url: String,
    },
    /// Calls a number.
    PhoneNumber {
        /// What it says.
        text: String,
        /// Which.
        phone_number: String,
    },
    /// Copies a code.
    CopyCode {
        /// What it says.
        text: String,
        /// Which.
        code: String,
    },
    /// Asks for number or card.
    RequestContactInfo {
        /// What it says.
        text: String,
    },
}
