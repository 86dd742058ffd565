//! What a business says of itself where the law asks for it (spec section 6, `business_compliance_info`).

use serde::{Deserialize, Serialize};

use super::Setting;

/// What kind of company it may be.
pub const ENTITIES: &[&str] = &[
    "LIMITED_LIABILITY_PARTNERSHIP",
    "SOLE_PROPRIETORSHIP",
    "PARTNERSHIP",
    "PUBLIC_COMPANY",
    "PRIVATE_COMPANY",
    "OTHER",
];

/// Who a business is, and who answers for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compliance {
    /// As it is registered.
    pub entity_name: Option<String>,
    /// One of [`ENTITIES`].
    pub entity_type: Option<String>,
    /// In its own words, for `OTHER`.
    pub entity_type_custom: Option<String>,
    /// Whether it is.
    pub is_registered: Option<bool>,
    /// Who takes complaints.
    pub grievance_officer_details: Answerable,
    /// Who takes questions.
    pub customer_care_details: Answerable,
}

/// Somebody who can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answerable {
    /// What they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where they are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landline_number: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile_number: Option<String>,
}

impl Setting for Compliance {
    const KIND: &'static str = "compliance";
}
