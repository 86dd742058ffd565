//! Messages and chats as they are stored.

use prost::Message as _;
use wire::{AccountId, DeviceId, content::Content};

use super::LabelNote;
use crate::{
    Body, Error, Failure, Label, Message, MessageRef, Quote, Reaction, State,
    content::{body_from_wire, message_ref, preview_from_wire},
    error::damaged,
};

/// A message.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) chat: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) author: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(crate) device: u32,
    #[prost(uint64, tag = "4")]
    pub(crate) timestamp: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) received: u64,
    /// As it was sent, with the words of the last edit; nothing once it was taken back.
    #[prost(message, optional, tag = "6")]
    pub(crate) content: Option<Content>,
    #[prost(enumeration = "EntryState", tag = "7")]
    pub(crate) state: i32,
    #[prost(uint64, tag = "8")]
    pub(crate) edited: u64,
    #[prost(bool, tag = "9")]
    pub(crate) deleted: bool,
    #[prost(message, repeated, tag = "10")]
    pub(crate) reactions: Vec<EntryReaction>,
    #[prost(uint64, tag = "11")]
    pub(crate) expires_at: u64,
    #[prost(uint64, tag = "12")]
    pub(crate) position: u64,
    /// Whether it is named with its device.
    #[prost(bool, tag = "13")]
    pub(crate) named_with_device: bool,
    /// 16 bytes under which whoever sent it knows it, or nothing.
    #[prost(bytes = "vec", tag = "14")]
    pub(crate) reference: Vec<u8>,
    /// It is no message, but a label that was seen.
    #[prost(message, optional, tag = "15")]
    pub(crate) label: Option<LabelNote>,
}

/// What somebody thinks of a message.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EntryReaction {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) author: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) emoji: String,
    /// When it was given: an older one does not replace it.
    #[prost(uint64, tag = "3")]
    pub(crate) timestamp: u64,
}

/// How far a message has come: [`State`], stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum EntryState {
    Queued = 0,
    Sent = 1,
    Delivered = 2,
    Read = 3,
    Expired = 4,
    NoSuchAccount = 5,
    QueueFull = 6,
    Refused = 7,
    Devices = 8,
    Forbidden = 9,
    Played = 10,
}

impl From<EntryState> for State {
    fn from(state: EntryState) -> Self {
        let failed = |reason| Self::Failed { reason };
        match state {
            EntryState::Queued => Self::Queued,
            EntryState::Sent => Self::Sent,
            EntryState::Delivered => Self::Delivered,
            EntryState::Read => Self::Read,
            EntryState::Played => Self::Played,
            EntryState::Expired => Self::Expired,
            EntryState::NoSuchAccount => failed(Failure::NoSuchAccount),
            EntryState::QueueFull => failed(Failure::QueueFull),
            EntryState::Refused => failed(Failure::Refused),
            EntryState::Devices => failed(Failure::Devices),
            EntryState::Forbidden => failed(Failure::Forbidden),
        }
    }
}

impl EntryState {
    /// Whether a message in this state may come into the other one. Receipts come in any order, also late.
    pub(crate) const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Queued => false,
            Self::Sent => matches!(self, Self::Queued),
            Self::Delivered => matches!(self, Self::Queued | Self::Sent | Self::Expired),
            Self::Read => !matches!(self, Self::Read | Self::Played),
            Self::Played => !matches!(self, Self::Played),
            Self::Expired => matches!(self, Self::Queued | Self::Sent),
            Self::NoSuchAccount | Self::QueueFull | Self::Refused | Self::Devices | Self::Forbidden => {
                matches!(self, Self::Queued)
            }
        }
    }
}

impl Entry {
    pub(crate) fn chat(&self) -> Result<AccountId, Error> {
        AccountId::try_from(&self.chat[..]).map_err(|_| damaged("a chat"))
    }

    pub(crate) fn id(&self) -> Result<MessageRef, Error> {
        let author = AccountId::try_from(&self.author[..]).map_err(|_| damaged("an author"))?;
        Ok(MessageRef { author, timestamp: self.timestamp })
    }

    /// The name of its record.
    pub(crate) fn name(&self) -> Result<Vec<u8>, Error> {
        let device = DeviceId::try_from(self.device).map_err(|_| damaged("a device"))?;
        Ok(super::message_name(self.id()?, self.named_with_device.then_some(device)))
    }

    pub(crate) fn expires_after(&self) -> u32 {
        self.content.as_ref().map_or(0, |content| content.expires_after)
    }

    /// As a person sees it.
    pub(crate) fn to_message(&self) -> Result<Message, Error> {
        let quote = self.content.as_ref().and_then(|content| content.quote.as_ref()).and_then(|quote| {
            let message = message_ref(quote.message.as_ref()?)?;
            Some(Quote { message, excerpt: quote.excerpt.clone() })
        });
        let reactions = self.reactions.iter().filter_map(|reaction| {
            let author = AccountId::try_from(&reaction.author[..]).ok()?;
            Some(Reaction { author, emoji: reaction.emoji.clone() })
        });
        Ok(Message {
            chat: self.chat()?,
            id: self.id()?,
            device: DeviceId::try_from(self.device).map_err(|_| damaged("a device"))?,
            position: self.position,
            received: self.received,
            body: match &self.label {
                Some(note) => Body::Label {
                    label: note.declaration.as_ref().map(Label::from_wire),
                    change: note.standing().into(),
                },
                None => body_from_wire(self.deleted, self.content.as_ref()),
            },
            quote: quote.filter(|_| !self.deleted),
            state: self.state().into(),
            reactions: reactions.filter(|reaction| !reaction.emoji.is_empty()).collect(),
            edited: (self.edited != 0).then_some(self.edited),
            expires_after: self.expires_after(),
            expires_at: (self.expires_at != 0).then_some(self.expires_at),
            forwarded: self.content.as_ref().map_or(0, |content| content.forwarded),
            preview: self
                .content
                .as_ref()
                .and_then(|content| content.preview.as_ref())
                .map(preview_from_wire),
            reference: <[u8; 16]>::try_from(&self.reference[..]).ok(),
        })
    }

    /// Takes its content out of it, except how long it lasts.
    pub(crate) fn wipe(&mut self) {
        let expires_after = self.expires_after();
        self.content = Some(Content { expires_after, ..Content::default() });
        self.deleted = true;
        self.reactions.clear();
    }

    pub(crate) fn stored(&self) -> zeroize::Zeroizing<Vec<u8>> {
        zeroize::Zeroizing::new(self.encode_to_vec())
    }
}

/// A chat.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ChatRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) account: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) timer: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) unread: u32,
    /// Its place among chats: that of its last message.
    #[prost(uint64, tag = "4")]
    pub(crate) position: u64,
}
