//! Why a host may read what a business's customers write: nothing is read without a purpose that the business allows,
//! and every reading stands in a log that the business can check.
//!
//! Plaintext of chats exists in this process only as [`Plain`], and only the [`Gate`] makes one. It asks the business's
//! [`Instructions`], writes an entry into the [log](log) and commits it, and then opens. Whoever takes a `Plain` can
//! therefore rely on its having been asked for.
//!
//! ```text
//! Device ──receive──▶ Gate ──▶ Plain ──seal──▶ Sealed ──▶ table
//!                      ▲ purpose allowed? log entry committed
//! table ──▶ Sealed ──open──▶ Gate ──▶ Plain ──▶ webhook, inbox, export, search …
//! ```

pub(crate) mod decisions;
mod gate;
pub mod log;
mod plain;
mod store;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub(crate) use self::store::{MIGRATIONS, erase};
pub use self::{
    decisions::DECIDE,
    gate::{Access, Gate, Pass, Subject, SubjectKind},
    log::{Entry, Head},
    plain::Plain,
};

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $verb:literal;)*) => {
        /// Why something is read. The words are stored, and signed over by the log's hashes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Purpose { $($(#[$doc])* $name,)* }

        impl Purpose {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word that stands for it in tables, files and flags.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl fmt::Display for Purpose {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $verb,)* })
            }
        }

        impl FromStr for Purpose {
            type Err = UnknownPurpose;

            fn from_str(text: &str) -> Result<Self, UnknownPurpose> {
                match text { $($word => Ok(Self::$name),)* _ => Err(UnknownPurpose) }
            }
        }
    };
}

/// A word that is no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a purpose")]
pub struct UnknownPurpose;

purposes! {
    /// To hand messages over between the business's software or agents and people, and to say what became of them.
    Deliver = "deliver", "deliver messages";
    /// To keep chats, and to show them to the business again.
    Store = "store", "store chats";
    /// To find chats by their words.
    Search = "search", "search chats";
    /// To answer by itself.
    Reply = "reply", "reply automatically";
    /// To count and compare what is written.
    Analyse = "analyse", "analyse chats";
    /// For the business's own marketing.
    Market = "market", "use chats for the business's marketing";
    /// For advertising.
    Advertise = "advertise", "use chats for advertising";
    /// To give the business all that is its own. By its command only.
    Export = "export", "export chats";
}

/// What a business lets its host do. All that is not said is refused; advertising is never a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Instructions {
    /// [`Purpose::Deliver`]. Default: yes; without it no message comes or goes.
    pub deliver: bool,
    /// [`Purpose::Store`]: chats stay readable to the business for this many days. Default: not at all, and what was
    /// delivered is deleted after [`Self::UNSTORED_DAYS`].
    pub store_days: Option<u32>,
    /// [`Purpose::Search`]. Default: no.
    pub search: bool,
    /// [`Purpose::Reply`]. Default: no.
    pub reply: bool,
    /// [`Purpose::Analyse`]. Default: no.
    pub analyse: bool,
    /// [`Purpose::Market`]. Default: no.
    pub market: bool,
    /// [`Purpose::Advertise`]. Default: no.
    pub advertise: bool,
}

impl Default for Instructions {
    fn default() -> Self {
        Self {
            deliver: true,
            store_days: None,
            search: false,
            reply: false,
            analyse: false,
            market: false,
            advertise: false,
        }
    }
}

impl Instructions {
    /// How long a message is kept for its delivery, its webhook and its quotes, where the business wants nothing stored.
    pub const UNSTORED_DAYS: u32 = 30;
    /// The longest time for which chats are stored: 30 years.
    pub const MOST_DAYS: u32 = 10_957;

    /// Whether they allow it. To have what is its own, a business needs no instruction to itself.
    #[must_use]
    pub const fn allow(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Deliver => self.deliver,
            Purpose::Store => self.store_days.is_some(),
            Purpose::Search => self.search,
            Purpose::Reply => self.reply,
            Purpose::Analyse => self.analyse,
            Purpose::Market => self.market,
            Purpose::Advertise => self.advertise,
            Purpose::Export => true,
        }
    }

    /// Days after which a message is deleted.
    #[must_use]
    pub fn kept_days(&self) -> u32 {
        self.store_days.unwrap_or(Self::UNSTORED_DAYS)
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// `Invalid`, which names the field.
    pub fn validate(&self) -> Result<(), crate::HostError> {
        match self.store_days {
            Some(days) if days == 0 || days > Self::MOST_DAYS => {
                Err(crate::HostError::invalid("store_days", "from 1 to 10957, or nothing"))
            }
            None if self.search => {
                Err(crate::HostError::invalid("search", "what is not stored cannot be searched"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_delivery_is_allowed_by_default() {
        let allowed: Vec<_> =
            Purpose::ALL.iter().filter(|purpose| Instructions::default().allow(**purpose)).collect();
        assert_eq!(allowed, [&Purpose::Deliver, &Purpose::Export]);
    }

    #[test]
    fn a_purpose_is_one_word_everywhere() {
        for purpose in Purpose::ALL {
            assert_eq!(purpose.as_str().parse::<Purpose>().unwrap(), *purpose);
            assert_eq!(serde_json::to_string(purpose).unwrap(), format!("\"{}\"", purpose.as_str()));
        }
    }

    #[test]
    fn instructions_that_make_no_sense_are_refused() {
        let refused = |instructions: Instructions| instructions.validate().is_err();
        assert!(refused(Instructions { store_days: Some(0), ..Instructions::default() }));
        assert!(refused(Instructions { search: true, ..Instructions::default() }));
        assert!(!refused(Instructions { search: true, store_days: Some(90), ..Instructions::default() }));
        assert!(serde_json::from_str::<Instructions>(r#"{"sell": true}"#).is_err());
    }
}
