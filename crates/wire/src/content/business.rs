//! What businesses send, and what people answer.

use super::{Location, Media, MessageRef};

/// Words with something to press or to choose.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Interactive {
    /// Above the words.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// The words.
    #[prost(string, tag = "2")]
    pub body: String,
    /// Below them, small.
    #[prost(string, tag = "3")]
    pub footer: String,
    /// At most 10.
    #[prost(message, repeated, tag = "4")]
    pub buttons: Vec<Button>,
    /// What can be chosen from.
    #[prost(message, optional, tag = "5")]
    pub list: Option<ChoiceList>,
    /// To be looked through side by side, at most 10.
    #[prost(message, repeated, tag = "6")]
    pub slides: Vec<Slide>,
}

/// What stands above the words.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Header {
    /// It.
    #[prost(oneof = "HeaderKind", tags = "1, 2, 3")]
    pub header: Option<HeaderKind>,
}

/// What stands above the words.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum HeaderKind {
    /// More words.
    #[prost(string, tag = "1")]
    Text(String),
    /// A picture, a video, a document.
    #[prost(message, tag = "2")]
    Media(Media),
    /// A place.
    #[prost(message, tag = "3")]
    Location(Location),
}

/// Something to press.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Button {
    /// What stands on it.
    #[prost(string, tag = "1")]
    pub title: String,
    /// What it does; none that this version knows: it cannot be pressed.
    #[prost(oneof = "ButtonAction", tags = "2, 3, 4, 5, 6, 7, 8")]
    pub action: Option<ButtonAction>,
}

/// What a button does.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ButtonAction {
    /// Answers with a [`Reply`] of this id.
    #[prost(string, tag = "2")]
    Reply(String),
    /// Opens an address: `http` or `https`.
    #[prost(string, tag = "3")]
    Url(String),
    /// Calls a number.
    #[prost(string, tag = "4")]
    Call(String),
    /// Copies these words.
    #[prost(string, tag = "5")]
    Copy(String),
    /// Answers with a location that quotes the message.
    #[prost(message, tag = "6")]
    LocationRequest(LocationRequest),
    /// Answers with a [`NumberShare`], or with contacts that quote the message.
    #[prost(message, tag = "7")]
    ContactRequest(ContactRequest),
    /// Forms, catalogues, calls: for readers that know them.
    #[prost(message, tag = "8")]
    Other(OtherAction),
}

/// Asks where somebody is.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct LocationRequest {}

/// Asks for somebody's number.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ContactRequest {}

/// An action by name.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OtherAction {
    /// Which.
    #[prost(string, tag = "1")]
    pub name: String,
    /// JSON.
    #[prost(string, tag = "2")]
    pub parameters: String,
}

/// What can be chosen from.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ChoiceList {
    /// What opens it.
    #[prost(string, tag = "1")]
    pub button: String,
    /// At most 10, with at most 100 rows in all.
    #[prost(message, repeated, tag = "2")]
    pub sections: Vec<Section>,
}

/// A part of a list.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Section {
    /// Above it.
    #[prost(string, tag = "1")]
    pub title: String,
    /// What is in it.
    #[prost(message, repeated, tag = "2")]
    pub rows: Vec<Row>,
}

/// Something to choose.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Row {
    /// The id of the [`Reply`].
    #[prost(string, tag = "1")]
    pub id: String,
    /// What it is called.
    #[prost(string, tag = "2")]
    pub title: String,
    /// A few words.
    #[prost(string, tag = "3")]
    pub description: String,
}

/// One of those side by side.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Slide {
    /// Above the words.
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// The words.
    #[prost(string, tag = "2")]
    pub body: String,
    /// Below them.
    #[prost(message, repeated, tag = "3")]
    pub buttons: Vec<Button>,
}

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum TemplateCategory {
    /// It does not say.
    Unknown = 0,
    /// About something that is under way.
    Utility = 1,
    /// To sell.
    Marketing = 2,
    /// A code that proves who somebody is.
    Authentication = 3,
}

/// A text that was approved before, filled in.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Template {
    /// What it is called.
    #[prost(string, tag = "1")]
    pub name: String,
    /// As in `en_US`.
    #[prost(string, tag = "2")]
    pub language: String,
    /// What it is for.
    #[prost(enumeration = "TemplateCategory", tag = "3")]
    pub category: i32,
    /// What is shown.
    #[prost(message, optional, tag = "4")]
    pub content: Option<Interactive>,
    /// An offer that ends.
    #[prost(message, optional, tag = "5")]
    pub offer: Option<Offer>,
}

/// An offer that ends.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Offer {
    /// In words.
    #[prost(string, tag = "1")]
    pub text: String,
    /// Milliseconds since 1970; 0 if it does not say.
    #[prost(uint64, tag = "2")]
    pub ends: u64,
}

/// Where something was pressed or chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ReplyKind {
    /// A button.
    Button = 0,
    /// A row of a list.
    Row = 1,
    /// A button of a template.
    Template = 2,
    /// A form, filled in.
    Form = 3,
}

/// What somebody pressed or chose.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Reply {
    /// In which message.
    #[prost(message, optional, tag = "1")]
    pub message: Option<MessageRef>,
    /// What it was.
    #[prost(enumeration = "ReplyKind", tag = "2")]
    pub kind: i32,
    /// That of the button or row; the name of the form.
    #[prost(string, tag = "3")]
    pub id: String,
    /// What stood on it.
    #[prost(string, tag = "4")]
    pub title: String,
    /// What stood below.
    #[prost(string, tag = "5")]
    pub description: String,
    /// What a form was filled in with: JSON.
    #[prost(string, tag = "6")]
    pub response: String,
}

/// Lets a business know the author's number.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NumberShare {
    /// What the relay signed about it.
    #[prost(bytes = "vec", tag = "1")]
    pub proof: Vec<u8>,
}

/// Whether somebody wants to be sold to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Marketing {
    /// As before.
    Unchanged = 0,
    /// No longer.
    Stop = 1,
    /// Again.
    Resume = 2,
}

/// What the author wants from the reader.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Preference {
    /// Whether to be sold to.
    #[prost(enumeration = "Marketing", tag = "1")]
    pub marketing: i32,
}

/// Asks to erase everything of this chat and its author.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ErasureRequest {}

/// It was done.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ErasureDone {
    /// The request.
    #[prost(message, optional, tag = "1")]
    pub request: Option<MessageRef>,
    /// How many messages went.
    #[prost(uint64, tag = "2")]
    pub messages: u64,
    /// How many files.
    #[prost(uint64, tag = "3")]
    pub media: u64,
}

/// A person has the chat with a business on their screen.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ChatOpened {}

/// What a business offers in front of a chat.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Menu {
    /// Words that can be chosen.
    #[prost(string, repeated, tag = "1")]
    pub prompts: Vec<String>,
    /// What can be typed behind a slash.
    #[prost(message, repeated, tag = "2")]
    pub commands: Vec<MenuCommand>,
}

/// Something to be typed behind a slash.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MenuCommand {
    /// Without the slash.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it does.
    #[prost(string, tag = "2")]
    pub description: String,
}
