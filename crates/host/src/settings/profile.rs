//! What a business says about itself to those who write to it.

use serde::{Deserialize, Serialize};

use super::Setting;

/// What a business can be.
pub const VERTICALS: &[&str] = &[
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
    "UNDEFINED",
];

/// A number's business profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the API's own field names (spec section 6)")]
pub struct Profile {
    pub about: Option<String>,
    pub address: Option<String>,
    pub description: Option<String>,
    pub email: Option<String>,
    pub websites: Vec<String>,
    pub vertical: String,
    /// The upload that is the picture.
    pub picture: Option<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            about: None,
            address: None,
            description: None,
            email: None,
            websites: Vec::new(),
            vertical: "UNDEFINED".to_owned(),
            picture: None,
        }
    }
}

impl Setting for Profile {
    const KIND: &'static str = "profile";
}
