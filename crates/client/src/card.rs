//! Cards of people.

use serde::{Deserialize, Serialize};

/// Somebody's card.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Card {
    /// Whose.
    pub name: String,
    /// As they were written.
    #[serde(default)]
    pub phone_numbers: Vec<String>,
    /// As they were written.
    #[serde(default)]
    pub email_addresses: Vec<String>,
    /// Where they work.
    #[serde(default)]
    pub organization: String,
    /// The name in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_parts: Option<NameParts>,
    /// What the number at the same place is for: `Work`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phone_labels: Vec<String>,
    /// What the address at the same place is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub email_labels: Vec<String>,
    /// Where to find them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<PostalAddress>,
    /// In which part of the organization.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub department: String,
    /// What they are there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Their pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub websites: Vec<Website>,
    /// `YYYY-MM-DD`, or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub birthday: String,
}

/// A name in parts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NameParts {
    /// Given.
    pub first: String,
    /// Of the family.
    pub last: String,
    /// Between them.
    pub middle: String,
    /// Before them.
    pub prefix: String,
    /// After them.
    pub suffix: String,
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PostalAddress {
    /// With the house's number.
    pub street: String,
    /// The place.
    pub city: String,
    /// Or province.
    pub state: String,
    /// As it is written there.
    pub postal_code: String,
    /// In words.
    pub country: String,
    /// Two letters.
    pub country_code: String,
    /// What it is for.
    pub label: String,
}

/// A page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Website {
    /// Where, as it was written.
    pub url: String,
    /// What it is for.
    pub label: String,
}
