//! How far a template is, and what the operator decides of it.

use std::{fmt, str::FromStr};

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// How far a template is (spec section 5).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Status { $($(#[$doc])* $name,)* }

        impl Status {
            /// The API's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl FromStr for Status {
            type Err = UnknownStatus;

            fn from_str(text: &str) -> Result<Self, UnknownStatus> {
                match text.to_ascii_uppercase().as_str() { $($word => Ok(Self::$name),)* _ => Err(UnknownStatus) }
            }
        }
    };
}

/// A word that is no status of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no status of a template")]
pub struct UnknownStatus;

statuses! {
    /// Waits for its review.
    Pending = "PENDING";
    /// Can be sent.
    Approved = "APPROVED";
    /// Was refused.
    Rejected = "REJECTED";
    /// Cannot be sent for a while.
    Paused = "PAUSED";
    /// Cannot be sent any more.
    Disabled = "DISABLED";
    /// Put away by the business.
    Archived = "ARCHIVED";
    /// Deleted.
    Deleted = "DELETED";
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the operator of the host decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It can be sent.
    Approve,
    /// It cannot, for one of the API's reasons.
    Reject(Reason),
    /// It cannot be sent for a while.
    Pause,
    /// It can be sent again.
    Unpause,
    /// It cannot be sent any more.
    Disable,
}

/// Why a template is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Against decency.
    AbusiveContent,
    /// Not as templates are.
    InvalidFormat,
    /// An offer that says that it is none.
    Promotional,
    /// Words in another language than it says.
    TagContentMismatch,
    /// Deceives people.
    Scam,
    /// Another category.
    IncorrectCategory,
}

impl Reason {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::AbusiveContent,
        Self::InvalidFormat,
        Self::Promotional,
        Self::TagContentMismatch,
        Self::Scam,
        Self::IncorrectCategory,
    ];

    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AbusiveContent => "ABUSIVE_CONTENT",
            Self::InvalidFormat => "INVALID_FORMAT",
            Self::Promotional => "PROMOTIONAL",
            Self::TagContentMismatch => "TAG_CONTENT_MISMATCH",
            Self::Scam => "SCAM",
            Self::IncorrectCategory => "INCORRECT_CATEGORY",
        }
    }
}
