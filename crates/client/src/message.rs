//! Messages as a person or a program sees them. All of it can be serialised, so that a daemon can hand it on.

use serde::{Deserialize, Serialize};
use wire::{AccountId, Base64, DeviceId, PhoneNumber};

/// Names a message: who wrote it, and when by the author's clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct MessageRef {
    /// Who wrote it.
    pub author: AccountId,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

/// A message of a chat.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The other account of the chat; the own one for notes to oneself.
    pub chat: AccountId,
    /// Its name.
    pub id: MessageRef,
    /// Which of the author's devices.
    pub device: DeviceId,
    /// Its place among all messages of this vault, in the order in which they came: what pages are counted by.
    pub position: u64,
    /// When it was accepted by the relay; of own messages, when it was made.
    pub received: u64,
    /// What it says.
    pub body: Body,
    /// What it answers.
    pub quote: Option<Quote>,
    /// How far it has come; of messages of others always [`State::Delivered`] or [`State::Read`].
    pub state: State,
    /// Who thinks what of it.
    pub reactions: Vec<Reaction>,
    /// When its words were changed last.
    pub edited: Option<u64>,
    /// Seconds after which it disappears once it is read (own ones: sent); 0 for never.
    pub expires_after: u32,
    /// When it disappears, if that has begun to count.
    pub expires_at: Option<u64>,
}

/// What a message says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// A file of any kind.
    Media(Media),
    /// A place.
    Location(Location),
    /// Cards of people.
    Contacts {
        /// The cards.
        contacts: Vec<Card>,
    },
    /// The timer of disappearing messages is now the message's `expires_after`.
    Timer,
    /// Its author took it back.
    Deleted,
    /// Something that this version does not know.
    Unsupported,
}

/// What kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Anything.
    #[default]
    File,
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Spoken by the sender.
    Voice,
    /// Moving pictures.
    Video,
    /// Something to read.
    Document,
    /// A small picture that stands by itself.
    Sticker,
}

/// A file that was uploaded, and what is said of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Media {
    /// What kind.
    pub kind: MediaKind,
    /// Where it is.
    pub blob: Blob,
    /// As in HTTP.
    #[serde(default)]
    pub content_type: String,
    /// A name without folders.
    #[serde(default)]
    pub file_name: String,
    /// Words under it.
    #[serde(default)]
    pub caption: String,
    /// Pixels; 0 if unknown.
    #[serde(default)]
    pub width: u32,
    /// Pixels; 0 if unknown.
    #[serde(default)]
    pub height: u32,
    /// Milliseconds; 0 if unknown.
    #[serde(default)]
    pub duration: u32,
    /// A small JPEG, PNG or WebP, at most 64 KiB.
    #[serde(default)]
    pub thumbnail: Base64,
}

/// Encrypted bytes at the relay: what [`Device::upload`](crate::Device::upload) gave. Serialised it holds the key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Blob {
    /// Its name at the relay.
    pub id: String,
    /// 32 bytes that open it.
    pub key: Base64,
    /// SHA-256 of the encrypted bytes.
    pub digest: Base64,
    /// Bytes of the file.
    pub size: u64,
}

/// A place.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Metres; 0 if unknown.
    #[serde(default)]
    pub accuracy: f32,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// Its postal address.
    #[serde(default)]
    pub address: String,
}

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
}

/// What a message answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quote {
    /// Which message.
    pub message: MessageRef,
    /// Its first words, as its quoter says.
    pub excerpt: String,
}

/// What somebody thinks of a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reaction {
    /// Who.
    pub author: AccountId,
    /// An emoji.
    pub emoji: String,
}

/// How far a message has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Waits here.
    Queued,
    /// Safe at the relay.
    Sent,
    /// A device has it.
    Delivered,
    /// A person saw it.
    Read,
    /// Will not be sent.
    Failed {
        /// Why.
        reason: Failure,
    },
    /// Was not collected within 30 days and is deleted.
    Expired,
}

/// Why a message will not be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// There is no such account (any more).
    NoSuchAccount,
    /// A device of the recipient takes no more until it collects what waits.
    QueueFull,
    /// The relay takes it for malformed or too large.
    Refused,
    /// The recipient's devices or keys are in no state to send to.
    Devices,
}

/// What is to be sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// What.
    #[serde(flatten)]
    pub content: DraftContent,
    /// What it answers.
    #[serde(default)]
    pub quote: Option<MessageRef>,
    /// Seconds after which it disappears; the chat's timer if it does not say.
    #[serde(default)]
    pub expires_after: Option<u32>,
}

/// What a [`Draft`] is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DraftContent {
    /// Words.
    Text {
        /// At most 64 KiB.
        text: String,
    },
    /// A file that was uploaded.
    Media(Media),
    /// A place.
    Location(Location),
    /// Cards of people.
    Contacts {
        /// At most 50.
        contacts: Vec<Card>,
    },
    /// To a message of the chat.
    Reaction {
        /// Which.
        message: MessageRef,
        /// An emoji; none takes the reaction back.
        emoji: Option<String>,
    },
    /// Other words for an own message of the last 24 hours.
    Edit {
        /// Which.
        message: MessageRef,
        /// The new words.
        text: String,
    },
    /// Takes an own message of the last 24 hours back.
    Delete {
        /// Which.
        message: MessageRef,
    },
    /// Sets the timer of disappearing messages for the chat.
    Timer {
        /// 0 for never.
        seconds: u32,
    },
}

impl Draft {
    /// Words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        DraftContent::Text { text: text.into() }.into()
    }

    /// The same as the answer to a message.
    #[must_use]
    pub fn quoting(mut self, message: MessageRef) -> Self {
        self.quote = Some(message);
        self
    }
}

impl From<DraftContent> for Draft {
    fn from(content: DraftContent) -> Self {
        Self { content, quote: None, expires_after: None }
    }
}

/// All messages with one account.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Chat {
    /// With whom; the own account for notes to oneself.
    pub account: AccountId,
    /// What this account calls them, else what they call themselves, else their number.
    pub title: Option<String>,
    /// How many messages nobody here has read.
    pub unread: u32,
    /// The latest message.
    pub latest: Option<Message>,
    /// Seconds after which new messages disappear; 0 for never.
    pub timer: u32,
    /// Whether what is sent waits until a changed identity key is accepted.
    pub held: bool,
}

/// Somebody this account knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Who.
    pub account: AccountId,
    /// What this account calls them.
    pub name: Option<String>,
    /// Their number, if it is known.
    pub number: Option<PhoneNumber>,
    /// What they call themselves.
    pub profile: Option<Profile>,
    /// Whether nothing is taken from them.
    pub blocked: bool,
    /// How far their identity key is trusted.
    pub trust: Trust,
}

/// How far an identity key is trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// No key is known yet.
    Unknown,
    /// The first key that was seen.
    FirstUse,
    /// A person compared the safety number.
    Verified,
    /// It changed: nothing is sent until that is accepted.
    Changed,
}

/// What somebody says of themselves.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Profile {
    /// What they are called.
    pub name: String,
    /// A few words.
    #[serde(default)]
    pub about: String,
    /// A picture.
    #[serde(default)]
    pub avatar: Option<Blob>,
}

/// What two people compare to know that nobody stands between them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SafetyNumber {
    /// 60 digits, the same on both sides.
    pub digits: String,
    /// The bytes to show as a QR code.
    pub code: Base64,
}

/// Who this device is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Own {
    /// The account.
    pub account: AccountId,
    /// Which of its devices.
    pub device: DeviceId,
    /// The account's number.
    pub number: PhoneNumber,
}

/// One of the account's devices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnDevice {
    /// Its number.
    pub id: DeviceId,
    /// What it is called; none if that cannot be read.
    pub name: Option<String>,
    /// When it was registered or linked.
    pub created: u64,
    /// The day on which it was last online.
    pub last_seen: u64,
    /// Whether it is the one that asks.
    pub this: bool,
}
