//! Messages as a person or a program sees them. All of it can be serialised, so that a daemon can hand it on.

use serde::{Deserialize, Serialize};
use wire::{AccountId, Base64, DeviceId, PhoneNumber};

use crate::{Card, Interactive, Label, LabelChange, LabelState, Marketing, Reply, Template};

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
    /// How far it has come; of messages of others always [`State::Delivered`], [`State::Read`]
    /// or [`State::Played`].
    pub state: State,
    /// Who thinks what of it.
    pub reactions: Vec<Reaction>,
    /// When its words were changed last.
    pub edited: Option<u64>,
    /// Seconds after which it disappears once it is read (own ones: sent); 0 for never.
    pub expires_after: u32,
    /// When it disappears, if that has begun to count.
    pub expires_at: Option<u64>,
    /// How often it was passed on before it came to its author.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forwarded: u32,
    /// What the first link in it leads to, as its author saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<LinkPreview>,
    /// Under what the program that sent it knows it: [`Draft::reference`]. Only of what this device sent.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "reference")]
    pub reference: Option<[u8; 16]>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// 16 bytes as JSON has them: base64.
pub(crate) mod reference {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};
    use wire::Base64;

    #[expect(clippy::ref_option, reason = "serde asks so")]
    pub(crate) fn serialize<S: Serializer>(bytes: &Option<[u8; 16]>, to: S) -> Result<S::Ok, S::Error> {
        bytes.map(|bytes| Base64(bytes.to_vec())).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[u8; 16]>, D::Error> {
        let Some(bytes) = Option::<Base64>::deserialize(from)? else { return Ok(None) };
        let bytes = <[u8; 16]>::try_from(&bytes.0[..]);
        bytes.map(Some).map_err(|_| D::Error::custom("a reference has 16 bytes"))
    }
}

/// What a link leads to, as the author of the message saw it: nothing needs to be fetched to show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LinkPreview {
    /// Where: `http` or `https`.
    pub url: String,
    /// What it is called.
    #[serde(default)]
    pub title: String,
    /// A few words.
    #[serde(default)]
    pub description: String,
    /// A small JPEG, PNG or WebP, at most 64 KiB.
    #[serde(default)]
    pub thumbnail: Base64,
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
    /// Words with something to press or to choose.
    Interactive(Interactive),
    /// A text that was approved before, filled in.
    Template(Template),
    /// What somebody pressed or chose.
    Reply(Reply),
    /// Its author lets a business know their number.
    NumberShare {
        /// What the relay signed about it.
        proof: Base64,
    },
    /// What its author wants.
    Preference {
        /// Whether to be sold to.
        marketing: Marketing,
    },
    /// Its author asks to erase everything of this chat and of them.
    ErasureRequest,
    /// It was erased.
    ErasureDone {
        /// The request.
        request: MessageRef,
        /// How many messages went.
        messages: u64,
        /// How many files.
        media: u64,
    },
    /// Its author has the chat on a screen; only in the feed of a business's device.
    ChatOpened,
    /// Nobody said it: who can read what is written in this chat.
    Label {
        /// The label, or the last good one.
        label: Option<Label>,
        /// What there is to say of it.
        change: LabelChange,
    },
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
    /// A sticker that moves.
    #[serde(default)]
    pub animated: bool,
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
    /// A person heard it: of voice notes.
    Played,
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
    /// This account is a business that may not write to the recipient: not approved, or suspended.
    Forbidden,
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
    /// How often it was passed on before.
    #[serde(default)]
    pub forwarded: u32,
    /// What the first link in it leads to.
    #[serde(default)]
    pub preview: Option<LinkPreview>,
    /// Milliseconds since 1970: a device that is given it more than a minute later does not show it. For ever if it does not
    /// say.
    #[serde(default)]
    pub deliver_by: Option<u64>,
    /// Names what is to happen once: a draft under a reference that was used is not sent again, whatever it says, and
    /// [`Device::send`](crate::Device::send) gives the name of the first. Kept for 45 days.
    #[serde(default, with = "reference")]
    pub reference: Option<[u8; 16]>,
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
        /// At most 257.
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
    /// Words with something to press or to choose.
    Interactive(Interactive),
    /// A text that was approved before, filled in.
    Template(Template),
    /// Presses or chooses something in a message of the chat that has it.
    Choose {
        /// The message.
        message: MessageRef,
        /// The id of the button or row.
        choice: String,
    },
    /// What a form was filled in with, or what was pressed where the message is no longer here.
    Reply(Reply),
    /// Lets a business know the own number: [`Device::share_number`](crate::Device::share_number) does it all.
    NumberShare {
        /// What the relay signed about it.
        proof: Base64,
    },
    /// What this account wants from the other.
    Preference {
        /// Whether to be sold to.
        marketing: Marketing,
    },
    /// Asks to erase everything of this chat and of this account.
    ErasureRequest,
    /// Says that it was erased.
    ErasureDone {
        /// The request.
        request: MessageRef,
        /// How many messages went.
        messages: u64,
        /// How many files.
        media: u64,
    },
}

impl Draft {
    /// Words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        DraftContent::Text { text: text.into() }.into()
    }

    /// The same under a reference: however often it is sent, it is sent once.
    #[must_use]
    pub fn once(mut self, reference: [u8; 16]) -> Self {
        self.reference = Some(reference);
        self
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
        Self {
            content,
            quote: None,
            expires_after: None,
            forwarded: 0,
            preview: None,
            deliver_by: None,
            reference: None,
        }
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
    /// Who can read it, if it is with a business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<LabelState>,
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
    /// If it is a business: as its label says.
    #[serde(default)]
    pub business: Option<BusinessName>,
    /// Whether nothing is taken from them.
    pub blocked: bool,
    /// How far their identity key is trusted.
    pub trust: Trust,
}

/// What a business is called, by its label.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BusinessName {
    /// Its name; empty if the relay never said one.
    pub name: String,
    /// Whether the relay still says so, and the operator has approved it. Else it is only what it calls itself.
    pub vouched: bool,
}

impl Contact {
    /// What to call somebody: as this account does, else by themselves; a business by its label and never by itself; else by
    /// the number.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        let own = match &self.business {
            Some(business) if business.vouched => Some(business.name.clone()),
            Some(business) if business.name.is_empty() => None,
            Some(business) => Some(format!("{} (not verified)", business.name)),
            None => self.profile.as_ref().map(|profile| profile.name.clone()),
        };
        let number = self.number.as_ref().map(ToString::to_string);
        [self.name.clone(), own, number].into_iter().flatten().find(|title| !title.is_empty())
    }
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
