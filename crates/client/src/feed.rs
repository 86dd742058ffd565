//! What a device without a history keeps until its program has taken it.

use serde::{Deserialize, Serialize};
use wire::{AccountId, DeviceId};

use crate::{Message, MessageRef, State};

/// Something that happened, and its place in the feed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FeedItem {
    /// Later ones have higher positions; there are gaps.
    pub position: u64,
    /// What happened.
    #[serde(flatten)]
    pub news: News,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// A message came, or another own device sent one.
    Message {
        /// The message.
        message: Box<Message>,
    },
    /// A message was edited, taken back or reacted to. It may come before the message itself, if that had to be sent
    /// again; of two changes of one kind by one author the one with the later `by` counts.
    Changed {
        /// With whom.
        chat: AccountId,
        /// Which message.
        message: MessageRef,
        /// Who changed it, and when by their clock.
        by: MessageRef,
        /// On which device.
        device: DeviceId,
        /// When the relay accepted it.
        received: u64,
        /// How.
        change: Change,
    },
    /// A message of this account has come further than [`State::Queued`].
    State {
        /// With whom.
        chat: AccountId,
        /// Which message.
        message: MessageRef,
        /// How far.
        #[serde(flatten)]
        state: State,
    },
    /// The identity key of an account changed. What is sent to it waits, if `held`.
    IdentityChanged {
        /// Whose.
        account: AccountId,
        /// Whether [`Device::accept_identity`](crate::Device::accept_identity) is waited for.
        held: bool,
    },
    /// A message cannot be read. It was asked for again, if `asked`.
    Undecryptable {
        /// From whom.
        account: AccountId,
        /// From which device.
        device: DeviceId,
        /// When it was sent.
        timestamp: u64,
        /// Whether it was asked for again.
        asked: bool,
    },
}

/// How a message was changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// Somebody thinks something of it.
    Reaction {
        /// An emoji; none takes the reaction back.
        emoji: Option<String>,
    },
    /// It has other words now: its text, or the caption of its medium.
    Edit {
        /// They.
        text: String,
    },
    /// Its author took it back.
    Delete,
}
