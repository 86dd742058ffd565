//! What businesses send, and what people answer: everything that a reader shows is said, so that none needs to know
//! from which API it came.

use serde::{Deserialize, Serialize};

use crate::{Body, Location, Media, MessageRef};

/// Words with something to press or to choose.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Interactive {
    /// Above the words.
    #[serde(default)]
    pub header: Option<Header>,
    /// The words: at most 64 KiB.
    #[serde(default)]
    pub body: String,
    /// Below them, small.
    #[serde(default)]
    pub footer: String,
    /// At most 10.
    #[serde(default)]
    pub buttons: Vec<Button>,
    /// What can be chosen from.
    #[serde(default)]
    pub list: Option<ChoiceList>,
    /// To be looked through side by side, at most 10.
    #[serde(default)]
    pub slides: Vec<Slide>,
}

/// What stands above the words.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Header {
    /// More words.
    Text {
        /// At most 1 KiB.
        text: String,
    },
    /// A picture, a video, a document.
    Media(Media),
    /// A place.
    Location(Location),
}

/// Something to press.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it: at most 256 bytes.
    pub title: String,
    /// What it does.
    #[serde(flatten)]
    pub action: ButtonAction,
}

/// What a button does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ButtonAction {
    /// Answers with a [`Reply`].
    Reply {
        /// Its id: at most 1 KiB.
        id: String,
    },
    /// Opens an address.
    Url {
        /// `http` or `https`, at most 2 KiB.
        url: String,
    },
    /// Calls a number.
    Call {
        /// As it is dialled: digits, and what people put between them.
        number: String,
    },
    /// Copies words.
    Copy {
        /// The words.
        text: String,
    },
    /// Asks where somebody is: answered with a location that quotes the message.
    LocationRequest,
    /// Asks for somebody's number: answered by [`Device::share_number`](crate::Device::share_number), or with contacts
    /// that quote the message.
    ContactRequest,
    /// Forms, catalogues, calls: for readers that know them.
    Other {
        /// Which.
        name: String,
        /// JSON, at most 32 KiB.
        parameters: String,
    },
    /// Something that this version does not know; it cannot be pressed, and is not sent.
    Unsupported,
}

/// What can be chosen from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChoiceList {
    /// What opens it.
    pub button: String,
    /// At most 10, with at most 100 rows in all.
    pub sections: Vec<Section>,
}

/// A part of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Section {
    /// Above it.
    #[serde(default)]
    pub title: String,
    /// What is in it.
    pub rows: Vec<Row>,
}

/// Something to choose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The id of the [`Reply`]: at most 1 KiB.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// A few words.
    #[serde(default)]
    pub description: String,
}

/// One of those side by side.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Slide {
    /// Above the words.
    #[serde(default)]
    pub header: Option<Header>,
    /// The words.
    #[serde(default)]
    pub body: String,
    /// Below them.
    #[serde(default)]
    pub buttons: Vec<Button>,
}

/// What a template is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateCategory {
    /// It does not say.
    #[default]
    Unknown,
    /// About something that is under way.
    Utility,
    /// To sell.
    Marketing,
    /// A code that proves who somebody is.
    Authentication,
}

/// A text that was approved before, filled in.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Template {
    /// What it is called: at most 1 KiB.
    pub name: String,
    /// As in `en_US`.
    pub language: String,
    /// What it is for.
    #[serde(default)]
    pub category: TemplateCategory,
    /// What is shown.
    pub content: Interactive,
    /// An offer that ends.
    #[serde(default)]
    pub offer: Option<Offer>,
}

/// An offer that ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offer {
    /// In words.
    pub text: String,
    /// Milliseconds since 1970; 0 if it does not say.
    #[serde(default)]
    pub ends: u64,
}

/// Where something was pressed or chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyKind {
    /// A button.
    Button,
    /// A row of a list.
    Row,
    /// A button of a template.
    Template,
    /// A form, filled in.
    Form,
}

/// What somebody pressed or chose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// In which message.
    pub message: MessageRef,
    /// What it was.
    pub kind: ReplyKind,
    /// That of the button or row; the name of the form.
    pub id: String,
    /// What stood on it.
    #[serde(default)]
    pub title: String,
    /// What stood below.
    #[serde(default)]
    pub description: String,
    /// What a form was filled in with: JSON; else empty.
    #[serde(default)]
    pub response: String,
}

/// Whether somebody wants to be sold to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marketing {
    /// As before.
    Unchanged,
    /// No longer.
    Stop,
    /// Again.
    Resume,
}

/// What can be pressed or chosen in a message, in the order in which it stands there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// What stands on it.
    pub title: String,
    /// What stands below.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// As what it is answered.
    pub kind: ReplyKind,
    /// What it does.
    #[serde(flatten)]
    pub action: ButtonAction,
}

impl Choice {
    /// The id of its [`Reply`], if it is answered with one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.action {
            ButtonAction::Reply { id } => Some(id),
            _ => None,
        }
    }
}

impl Body {
    /// The file in it, if there is one: of a business's message the one above its words.
    #[must_use]
    pub const fn media(&self) -> Option<&Media> {
        let header = match self {
            Self::Media(media) => return Some(media),
            Self::Interactive(content) => &content.header,
            Self::Template(template) => &template.content.header,
            _ => return None,
        };
        match header {
            Some(Header::Media(media)) => Some(media),
            _ => None,
        }
    }

    /// Everything in it that can be pressed or chosen: buttons, then rows, then the buttons of slides.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        let (content, kind) = match self {
            Self::Interactive(content) => (content, ReplyKind::Button),
            Self::Template(template) => (&template.content, ReplyKind::Template),
            _ => return Vec::new(),
        };
        let pressed = |button: &Button| Choice {
            title: button.title.clone(),
            description: String::new(),
            kind,
            action: button.action.clone(),
        };
        let rows = content.list.iter().flat_map(|list| &list.sections).flat_map(|section| &section.rows);
        let rows = rows.map(|row| Choice {
            title: row.title.clone(),
            description: row.description.clone(),
            kind: ReplyKind::Row,
            action: ButtonAction::Reply { id: row.id.clone() },
        });
        let slides = content.slides.iter().flat_map(|slide| &slide.buttons).map(pressed);
        content.buttons.iter().map(pressed).chain(rows).chain(slides).collect()
    }
}
