//! What a program has not taken yet, as it is stored.

use wire::{AccountId, DeviceId};

use super::{Entry, EntryState};
use crate::{
    Error, MessageRef,
    content::change_from_wire,
    error::damaged,
    feed::{FeedItem, News},
};

/// Something that happened.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FeedRecord {
    #[prost(oneof = "Fed", tags = "1, 2, 3, 4")]
    pub(crate) what: Option<Fed>,
}

/// What.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are messages")]
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Fed {
    /// A message, or a change of one.
    #[prost(message, tag = "1")]
    Said(Entry),
    #[prost(message, tag = "2")]
    State(FedState),
    #[prost(message, tag = "3")]
    Identity(FedIdentity),
    #[prost(message, tag = "4")]
    Unreadable(FedUnreadable),
}

/// An own message has come further.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FedState {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) chat: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) author: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) timestamp: u64,
    #[prost(enumeration = "EntryState", tag = "4")]
    pub(crate) state: i32,
    /// Under which whoever sent it knows it, or nothing.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) reference: Vec<u8>,
}

/// An identity key changed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FedIdentity {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    #[prost(bool, tag = "2")]
    pub(crate) held: bool,
}

/// A message cannot be read.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FedUnreadable {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) device: u32,
    #[prost(uint64, tag = "3")]
    pub(crate) timestamp: u64,
    #[prost(bool, tag = "4")]
    pub(crate) asked: bool,
}

/// How far a sent message has come. Nothing of what it says.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SentRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) chat: Vec<u8>,
    #[prost(enumeration = "EntryState", tag = "2")]
    pub(crate) state: i32,
    /// Under which whoever sent it knows it, or nothing.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) reference: Vec<u8>,
    /// Whether it is a voice note: that can be heard after it was seen.
    #[prost(bool, tag = "4")]
    pub(crate) voice: bool,
}

fn account(bytes: &[u8]) -> Result<AccountId, Error> {
    AccountId::try_from(bytes).map_err(|_| damaged("an account"))
}

impl FeedRecord {
    /// As a program sees it.
    pub(crate) fn to_item(&self, position: u64) -> Result<FeedItem, Error> {
        let news = match self.what.as_ref().ok_or(damaged("the feed"))? {
            Fed::Said(entry) => match change_from_wire(entry.id()?.author, entry.content.as_ref()) {
                Some((message, change)) => News::Changed {
                    chat: entry.chat()?,
                    message,
                    by: entry.id()?,
                    device: DeviceId::try_from(entry.device).map_err(|_| damaged("a device"))?,
                    received: entry.received,
                    change,
                },
                None => News::Message { message: Box::new(entry.to_message()?) },
            },
            Fed::State(fed) => News::State {
                chat: account(&fed.chat)?,
                message: MessageRef { author: account(&fed.author)?, timestamp: fed.timestamp },
                state: fed.state().into(),
                reference: <[u8; 16]>::try_from(&fed.reference[..]).ok(),
            },
            Fed::Identity(fed) => News::IdentityChanged { account: account(&fed.account)?, held: fed.held },
            Fed::Unreadable(fed) => News::Undecryptable {
                account: account(&fed.account)?,
                device: DeviceId::try_from(fed.device).map_err(|_| damaged("a device"))?,
                timestamp: fed.timestamp,
                asked: fed.asked,
            },
        };
        Ok(FeedItem { position, news })
    }
}
