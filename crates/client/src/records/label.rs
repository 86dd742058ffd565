//! What is known of who hosts a business.

use sha2::{Digest as _, Sha256};
use wire::{Base64, Message as _, hosting::Declaration};

use crate::{Label, LabelChange, LabelState};

/// How it is with the label of an account.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LabelRecord {
    /// Whether it is a business.
    #[prost(bool, tag = "1")]
    pub(crate) business: bool,
    /// The last good declaration.
    #[prost(message, optional, tag = "2")]
    pub(crate) declaration: Option<Declaration>,
    /// When the relay was last asked.
    #[prost(uint64, tag = "3")]
    pub(crate) checked: u64,
    #[prost(enumeration = "Standing", tag = "4")]
    pub(crate) standing: i32,
    /// The digest of the state that a person was shown.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) shown: Vec<u8>,
}

/// [`LabelChange`], stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Standing {
    First = 0,
    Changed = 1,
    Missing = 2,
    Unsigned = 3,
    Foreign = 4,
    Stale = 5,
}

impl Standing {
    /// Whether the label holds.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::First | Self::Changed)
    }
}

impl From<Standing> for LabelChange {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::First => Self::First,
            Standing::Changed => Self::Changed,
            Standing::Missing => Self::Missing,
            Standing::Unsigned => Self::Unsigned,
            Standing::Foreign => Self::Foreign,
            Standing::Stale => Self::Stale,
        }
    }
}

impl LabelRecord {
    /// Names what a person is to be shown: the label, and what is wrong with it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let wrong =
            if self.standing().is_good() { 0 } else { u8::try_from(self.standing).unwrap_or(u8::MAX) };
        let label = self.declaration.as_ref().map(|declaration| declaration.label().encode_to_vec());
        let mut digest = Sha256::new();
        digest.update(b"Tradepost label state v1");
        digest.update([wrong]);
        digest.update(label.unwrap_or_default());
        digest.finalize().into()
    }

    pub(crate) fn is_shown(&self) -> bool {
        self.shown == self.digest()
    }

    /// As a person sees it; nothing of who is no business.
    pub(crate) fn state(&self) -> Option<LabelState> {
        self.business.then(|| LabelState {
            label: self.declaration.as_ref().map(Label::from_wire),
            change: self.standing().into(),
            digest: Base64(self.digest().to_vec()),
            shown: self.is_shown(),
        })
    }
}

/// The relay's label key: the first that was seen, or one that the one before certified.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LabelKeyRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
}

/// A label or its change, as it stands in the history of its chat.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LabelNote {
    #[prost(message, optional, tag = "1")]
    pub(crate) declaration: Option<Declaration>,
    #[prost(enumeration = "Standing", tag = "2")]
    pub(crate) standing: i32,
}
