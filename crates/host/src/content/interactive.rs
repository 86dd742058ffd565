//! Messages with something to choose, and what was chosen.

use serde::{Deserialize, Serialize};

use super::File;

/// A message with something to choose (spec section 3, "Interactive").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interactive {
    /// Above.
    #[serde(default)]
    pub header: Option<Header>,
    /// The words.
    pub body: Option<String>,
    /// Below, small.
    #[serde(default)]
    pub footer: Option<String>,
    /// What can be done.
    pub action: Action,
}

/// What stands above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Header {
    /// Words, at most 60 characters.
    Text {
        /// Which.
        text: String,
    },
    /// A picture.
    Image(File),
    /// A film.
    Video(File),
    /// A document.
    Document(File),
    /// A place; only in templates.
    Location {
        /// Degrees north, as they were written.
        latitude: String,
        /// Degrees east, as they were written.
        longitude: String,
        /// What it is called.
        name: Option<String>,
        /// Its postal address.
        address: Option<String>,
    },
}

/// What can be done with an interactive message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// One to three buttons.
    Button {
        /// Ids and titles are unique.
        buttons: Vec<ReplyButton>,
    },
    /// A list behind a button.
    List {
        /// What the button says.
        button: String,
        /// At most 10, with at most 10 rows in all.
        sections: Vec<Section>,
    },
    /// A link.
    CtaUrl {
        /// What the button says.
        display_text: String,
        /// Where it leads.
        url: String,
    },
    /// Asks for a place.
    LocationRequest,
    /// Asks for number or card.
    ContactRequest,
    /// Cards side by side.
    Carousel {
        /// Two to ten.
        cards: Vec<Interactive>,
    },
}

/// A button that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyButton {
    /// The business's name for it.
    pub id: String,
    /// What it says.
    pub title: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Empty if there is only one.
    #[serde(default)]
    pub title: String,
    /// What can be chosen.
    pub rows: Vec<ListRow>,
}

/// Something in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    /// The business's name for it.
    pub id: String,
    /// What it says.
    pub title: String,
    /// More words.
    #[serde(default)]
    pub description: Option<String>,
}

/// Something was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum InteractiveReply {
    /// A button.
    ButtonReply {
        /// The business's name for it.
        id: String,
        /// What it says.
        title: String,
    },
    /// A row of a list.
    ListReply {
        /// The business's name for it.
        id: String,
        /// What it says.
        title: String,
        /// More words.
        #[serde(default)]
        description: Option<String>,
    },
}

/// A template's quick reply was tapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonReply {
    /// What the business gave the button to say to itself.
    pub payload: String,
    /// What the button says.
    pub text: String,
}
