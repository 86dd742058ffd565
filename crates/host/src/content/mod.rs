//! What a message says, in the words of the Cloud API: the one form in which the host stores messages (sealed), sends them
//! and renders them for webhooks, inbox and export.
//!
//! `cloud_api` makes these from requests that it has validated; `messages` makes them from what devices receive, and turns
//! them into what devices send. Inside they are serde types whose JSON is stored: a new field has a default.

mod interactive;
mod template;

use serde::{Deserialize, Serialize};
use store::Timestamp;

pub use self::{interactive::*, template::*};
use crate::{
    codes::Refusal,
    ids::{MediaId, MessageId, NumberId, UserId, WabaId},
};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Words.
    Text(Text),
    /// A picture.
    Image(File),
    /// A film.
    Video(File),
    /// Sound; with `voice` a voice note.
    Audio(File),
    /// A document.
    Document(File),
    /// A sticker.
    Sticker(File),
    /// A place.
    Location(Location),
    /// Cards of people.
    Contacts {
        /// At most 257.
        cards: Vec<Card>,
    },
    /// To a message.
    Reaction(Reaction),
    /// With something to choose. Only from businesses.
    Interactive(Box<Interactive>),
    /// A template, filled in. Only from businesses.
    Template(Box<Template>),
    /// A template's quick reply was tapped.
    Button(ButtonReply),
    /// Something was chosen.
    InteractiveReply(InteractiveReply),
    /// Other words for an earlier message of the same person.
    Edit {
        /// Which.
        original: MessageName,
        /// The new words.
        body: String,
    },
    /// An earlier message of the same person was taken back.
    Revoke {
        /// Which.
        original: MessageName,
    },
    /// Something happened to the person's account.
    System(System),
    /// The chat was opened for the first time.
    RequestWelcome,
    /// Something that this version, or the API, has no form for.
    Unsupported {
        /// What it is, if that is known: a word such as `poll`.
        what: Option<String>,
    },
}

impl Content {
    /// The API's word for its type, as in `messages[].type`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts { .. } => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Interactive(_) | Self::InteractiveReply(_) => "interactive",
            Self::Template(_) => "template",
            Self::Button(_) => "button",
            Self::Edit { .. } => "edit",
            Self::Revoke { .. } => "revoke",
            Self::System(_) => "system",
            Self::RequestWelcome => "request_welcome",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// The file in it, if it is one.
    #[must_use]
    pub const fn file(&self) -> Option<&File> {
        match self {
            Self::Image(file)
            | Self::Video(file)
            | Self::Audio(file)
            | Self::Document(file)
            | Self::Sticker(file) => Some(file),
            _ => None,
        }
    }
}

/// A message's id in stored JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageName(pub MessageId);

impl Serialize for MessageName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    /// At most 4096 characters from businesses, 64 KiB from people.
    pub body: String,
    /// Whether the first address in it is shown as a preview.
    #[serde(default)]
    pub preview_url: bool,
}

/// A file in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct File {
    /// The file, once the host has it.
    #[serde(default)]
    pub id: Option<MediaId>,
    /// Where the host fetches it when it is sent.
    #[serde(default)]
    pub link: Option<String>,
    /// Words under it.
    #[serde(default)]
    pub caption: Option<String>,
    /// Its name; a word, not a path.
    #[serde(default)]
    pub filename: Option<String>,
    /// Of audio: whether it is a voice note.
    #[serde(default)]
    pub voice: bool,
    /// Of stickers: whether it moves.
    #[serde(default)]
    pub animated: bool,
    /// `image/png`, …; known once the host has it.
    #[serde(default)]
    pub mime_type: Option<String>,
    /// Of the bytes in the clear, in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// What it is called.
    #[serde(default)]
    pub name: Option<String>,
    /// Its postal address.
    #[serde(default)]
    pub address: Option<String>,
}

/// Somebody's card, with the fields of the API's `contacts`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// Whose.
    pub name: CardName,
    /// Numbers, as they were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<CardPhone>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<CardEmail>,
    /// Postal addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CardAddress>,
    /// Where they work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<CardOrg>,
    /// Web addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<CardUrl>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    /// In answer to a request for contact information.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub requested: bool,
}

macro_rules! card_parts {
    ($($(#[$doc:meta])* $name:ident { $($field:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default)]
        #[expect(missing_docs, reason = "the API's own field names (spec section 3)")]
        pub struct $name { $(#[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<String>),* }
    )*};
}

card_parts! {
    /// A name in parts.
    CardName { formatted_name, first_name, last_name, middle_name, prefix, suffix }
    /// A number.
    CardPhone { phone, r#type, wa_id }
    /// An e-mail address.
    CardEmail { email, r#type }
    /// A postal address.
    CardAddress { street, city, state, zip, country, country_code, r#type }
    /// Where somebody works.
    CardOrg { company, department, title }
    /// A web address.
    CardUrl { url, r#type }
}

/// What somebody thinks of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Which message.
    pub message_id: MessageName,
    /// None takes it back.
    #[serde(default)]
    pub emoji: Option<String>,
}

/// Something happened to a person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum System {
    /// Another number.
    UserChangedNumber {
        /// The new one, digits only.
        wa_id: String,
    },
    /// Another identity key.
    CustomerIdentityChanged {
        /// What names the new one.
        identity: String,
    },
}

/// What a message refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// What it answers, if the host knows that message.
    pub message_id: Option<MessageName>,
    /// Whether it was passed on.
    pub forwarded: bool,
    /// Whether it was passed on more than five times.
    pub frequently_forwarded: bool,
}

/// A person, as far as the business may know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// By what the business names them.
    pub user_id: UserId,
    /// Their number without `+`, if they shared it or the business had it.
    pub wa_id: Option<String>,
    /// What they call themselves; empty if they say nothing.
    pub name: String,
}

/// A person's identity key, as the business's software may name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Unguessable, and only this business's.
    pub hash: String,
    /// When it was first seen.
    #[serde(skip)]
    pub since: Timestamp,
    /// Whether it is the first one, or the business has sent with its hash since it changed.
    pub acknowledged: bool,
}

/// A message that came in, with all that a webhook or an inbox shows of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inbound {
    /// The account.
    pub waba: WabaId,
    /// The number it came to.
    pub number: NumberId,
    /// That number's digits.
    pub display_number: String,
    /// Who wrote.
    pub from: Profile,
    /// Its name.
    pub id: MessageId,
    /// When, by the relay's clock.
    #[serde(skip)]
    pub at: Timestamp,
    /// What it says.
    pub content: Content,
    /// What it refers to.
    pub context: Context,
    /// The person's identity key, if the number checks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken by this host; no webhook says it.
    Accepted,
    /// The relay has it.
    Sent,
    /// On a device of the person.
    Delivered,
    /// A person saw it.
    Read,
    /// A person heard it.
    Played,
    /// It will not arrive.
    Failed,
}

impl Status {
    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
        }
    }
}

/// What a message is charged as. Prices come later; the category is what webhooks say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Free-form, within the window.
    Service,
    /// A template.
    Utility,
    /// A template.
    Marketing,
    /// A template with a code.
    Authentication,
}

impl Category {
    /// The API's word in webhooks; templates have it in capitals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Utility => "utility",
            Self::Marketing => "marketing",
            Self::Authentication => "authentication",
        }
    }
}

/// A message came further.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusUpdate {
    /// The account.
    pub waba: WabaId,
    /// The number it was sent from.
    pub number: NumberId,
    /// That number's digits.
    pub display_number: String,
    /// To whom.
    pub to: Profile,
    /// Which.
    pub id: MessageId,
    /// How far.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// `biz_opaque_callback_data` of its sending.
    pub tracker: Option<String>,
    /// Why it failed.
    pub refusal: Option<Refusal>,
    /// What it is charged as.
    pub category: Category,
    /// Whether the person had written in the day before.
    pub in_window: bool,
}
