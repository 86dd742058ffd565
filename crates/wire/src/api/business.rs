//! Businesses, who hosts them, and what the operator decides.

use serde::{Deserialize, Serialize};

use super::NewDevice;
use crate::{AccountId, Base64, BusinessId, PhoneNumber, VendorId};

/// How far a business is with the operator's approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BusinessState {
    /// The business fills in its application.
    Draft,
    /// It waits for the operator.
    Submitted,
    /// The operator looks at it.
    InReview,
    /// It may write to everybody.
    Approved,
    /// The operator said no; it may mend its application and submit it again.
    Rejected,
    /// It was approved, and nothing goes out until the operator reinstates it.
    Suspended,
}

/// Who runs the process that holds a business's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostingMode {
    /// The business itself.
    #[serde(rename = "self")]
    Own,
    /// A vendor.
    Vendor,
    /// The operator of the relay.
    Operator,
    /// Nobody but its agents: not served yet.
    Sealed,
}

macro_rules! words {
    ($($enum:ident { $($variant:ident = $word:literal,)* })*) => {$(
        impl $enum {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::str::FromStr for $enum {
            type Err = crate::InvalidId;

            fn from_str(text: &str) -> Result<Self, crate::InvalidId> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(crate::InvalidId::other(concat!("one of:", $(" ", $word),*))),
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    )*};
}

words! {
    BusinessState {
        Draft = "draft", Submitted = "submitted", InReview = "in_review", Approved = "approved",
        Rejected = "rejected", Suspended = "suspended",
    }
    HostingMode { Own = "self", Vendor = "vendor", Operator = "operator", Sealed = "sealed", }
}

requests! {
    /// What a business says of itself: `POST /v1/businesses`, `PUT /v1/business/application`. A draft may have gaps.
    Application {
        /// As it is registered; at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        legal_name: Option<String>,
        /// As it wants to be called; at most 75 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// ISO 3166, two capital letters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<String>,
        /// In the register of its country; at most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        registration_number: Option<String>,
        /// `https://…`, at most 256 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        website: Option<String>,
        /// One of the categories of `docs/relay-api.md`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<String>,
        /// Whom the operator asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<BusinessContact>,
    }
    /// A person at the business.
    BusinessContact {
        /// At most 200 characters.
        name: String,
        /// At most 254 characters.
        email: String,
        /// Their number.
        phone: PhoneNumber,
    }
    /// `PUT /v1/business/numbers`.
    BindNumber {
        /// The number.
        number: PhoneNumber,
        /// Six digits, from `POST /v1/registration/codes`.
        code: String,
        /// The PIN, if the number's account has a registration lock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<String>,
    }
    /// `PUT /v1/business/hosting`.
    SetHosting {
        /// Who is to host.
        mode: HostingMode,
        /// With the mode `vendor`: which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vendor: Option<VendorId>,
    }
    /// `POST /v1/hosting/devices`.
    RegisterHosted {
        /// Whose number it is.
        business: BusinessId,
        /// One of its numbers.
        number: PhoneNumber,
        /// The primary device of that number's account.
        device: NewDevice,
    }
    /// `POST /v1/hosting/numbers`.
    AddHostedNumber {
        /// The number.
        number: PhoneNumber,
        /// Six digits, from `POST /v1/registration/codes`.
        code: String,
        /// The PIN, if the number's account has a registration lock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<String>,
        /// The primary device of that number's account.
        device: NewDevice,
        /// 64 bytes: `hosting::further_number`, signed by the identity key of the account that asks.
        signature: Base64,
    }
    /// `POST /v1/hosting/people`.
    WhichPeople {
        /// At most 100.
        accounts: Vec<AccountId>,
    }
    /// `POST /v1/account/number-proof`.
    ProveNumber {
        /// An account of the business that is to be shown it.
        account: AccountId,
    }
    /// `POST /v1/operator/businesses/{business}/reject` and `…/suspend`.
    Reason {
        /// For the business to read; at most 1000 characters.
        reason: String,
    }
    /// `POST /v1/operator/vendors`.
    AddVendor {
        /// As customers see it; at most 75 characters.
        name: String,
    }
}

answers! {
    /// A business was made.
    BusinessMade {
        /// Its id.
        business: BusinessId,
        /// Its credential, told this once.
        credential: String,
    }
    /// A credential was made; the one before it is void.
    CredentialMade {
        /// Told this once.
        credential: String,
    }
    /// A business, as it and the operator see it.
    Business {
        /// Its id.
        business: BusinessId,
        /// How far its approval is.
        state: BusinessState,
        /// Why it was rejected or is suspended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What it says of itself.
        application: Application,
        /// What it has shown.
        documents: Vec<Document>,
        /// Its numbers.
        numbers: Vec<BusinessNumber>,
        /// Whom it may write to before it is approved.
        testers: Vec<PhoneNumber>,
        /// Who hosts it, once it has said that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hosting: Option<Hosting>,
        /// Milliseconds since 1970.
        created: u64,
        /// Milliseconds since 1970: when its state was last another one.
        changed: u64,
    }
    /// A business, as who hosts it sees it.
    HostedBusiness {
        /// Its id.
        business: BusinessId,
        /// How far its approval is.
        state: BusinessState,
        /// As it wants to be called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// As it is registered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        legal_name: Option<String>,
        /// Where it is registered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<String>,
        /// Its numbers.
        numbers: Vec<BusinessNumber>,
        /// Who hosts it: who asks.
        hosting: Hosting,
    }
    /// A file that goes with an application.
    Document {
        /// Its name in paths.
        id: String,
        /// Its file name.
        name: String,
        /// By its first bytes: `application/pdf`, `image/png` or `image/jpeg`.
        content_type: String,
        /// Bytes.
        size: u64,
        /// Milliseconds since 1970.
        created: u64,
    }
    /// A number of a business.
    BusinessNumber {
        /// The number.
        number: PhoneNumber,
        /// Its account, once a device is registered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
    }
    /// Who hosts a business.
    Hosting {
        /// Who.
        mode: HostingMode,
        /// Which vendor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vendor: Option<VendorId>,
        /// As customers see it; not there if the business hosts itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host_name: Option<String>,
        /// Milliseconds since 1970.
        since: u64,
        /// After `PUT /v1/business/hosting` with `self`: with which devices are registered. Told this once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<String>,
    }
    /// A page of businesses, the latest change first.
    Businesses {
        /// At most 100.
        businesses: Vec<BusinessSummary>,
        /// Where the next page begins, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    /// A business in a list.
    BusinessSummary {
        /// Its id.
        business: BusinessId,
        /// How far its approval is.
        state: BusinessState,
        /// As it wants to be called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// As it is registered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        legal_name: Option<String>,
        /// Where it is registered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<String>,
        /// Milliseconds since 1970: when its state was last another one.
        changed: u64,
    }
    /// All vendors.
    Vendors {
        /// By name.
        vendors: Vec<Vendor>,
    }
    /// Somebody who may host businesses.
    Vendor {
        /// Its id.
        vendor: VendorId,
        /// As customers see it.
        name: String,
        /// Whether nothing goes out from what it hosts.
        suspended: bool,
        /// Milliseconds since 1970.
        created: u64,
    }
    /// A vendor was made.
    VendorMade {
        /// Its id.
        vendor: VendorId,
        /// Its credential, told this once.
        credential: String,
    }
    /// A page of the audit trail, in order.
    AuditTrail {
        /// At most 1000.
        entries: Vec<AuditEntry>,
        /// Whether there are more after the last one.
        more: bool,
    }
    /// What somebody decided or changed. `hash` is SHA-256 over `Tradepost audit v1`, the `hash` of the entry before it
    /// (32 zeros before the first) and the fields `number`, `at` (8 bytes each, big-endian), `who`, `what`, `subject`,
    /// `before`, `after` (each its length in bytes, 4 bytes big-endian, and its UTF-8).
    AuditEntry {
        /// Counts up from 1 without a gap.
        number: u64,
        /// Milliseconds since 1970.
        at: u64,
        /// `operator`, or `business` for the one that it is about.
        who: String,
        /// A stable word.
        what: String,
        /// The id of the business or vendor that it is about; empty for the relay itself.
        subject: String,
        /// How it was: JSON, or empty.
        before: String,
        /// How it is: JSON, or empty.
        after: String,
        /// 32 bytes.
        hash: Base64,
    }
    /// The key that signs declarations and number proofs.
    LabelKey {
        /// 33 bytes.
        key: Base64,
        /// How it came to be: each a `Signed` of `hosting.proto` in which the key before certifies the one after it, the
        /// oldest first.
        certificates: Vec<Base64>,
    }
    /// Who hosts a business.
    DeclarationOf {
        /// A `Signed` of `hosting.proto`.
        declaration: Base64,
    }
    /// People as a business knows them.
    People {
        /// Those of the accounts that there are.
        people: Vec<PersonId>,
    }
    /// One of them.
    PersonId {
        /// The account.
        account: AccountId,
        /// The country of their number, a dot and 20 digits; another one for every business.
        user_id: String,
    }
    /// That a person has a number.
    NumberShown {
        /// A `Signed` of `hosting.proto`.
        proof: Base64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_json() {
        for state in BusinessState::ALL {
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{state}\""));
            assert_eq!(state.as_str().parse::<BusinessState>().unwrap(), *state);
        }
        for mode in HostingMode::ALL {
            assert_eq!(serde_json::to_string(mode).unwrap(), format!("\"{mode}\""));
            assert_eq!(mode.as_str().parse::<HostingMode>().unwrap(), *mode);
        }
        assert!("own".parse::<HostingMode>().is_err());
    }
}
