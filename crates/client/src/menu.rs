//! What a business offers in front of a chat.

use serde::{Deserialize, Serialize};
use wire::content;

use crate::content::cut_characters;

/// Prompts, and characters of each.
const PROMPTS: usize = 4;
const PROMPT: usize = 80;
/// Commands, and characters of their names and descriptions.
const COMMANDS: usize = 30;
const NAME: usize = 32;
const DESCRIPTION: usize = 256;

/// What a business offers in front of a chat.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Menu {
    /// At most 4: words that are sent when they are chosen.
    pub prompts: Vec<String>,
    /// At most 30: what can be typed behind a slash.
    pub commands: Vec<MenuCommand>,
}

/// Something to be typed behind a slash.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MenuCommand {
    /// At most 32 characters, without the slash.
    pub name: String,
    /// What it does, in at most 256 characters.
    pub description: String,
}

impl Menu {
    /// Whether it offers nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.prompts.is_empty() && self.commands.is_empty()
    }

    pub(crate) fn to_wire(&self) -> content::Menu {
        let command = |command: &MenuCommand| content::MenuCommand {
            name: command.name.clone(),
            description: command.description.clone(),
        };
        content::Menu { prompts: self.prompts.clone(), commands: self.commands.iter().map(command).collect() }
    }

    pub(crate) fn from_wire(menu: &content::Menu) -> Self {
        let command = |command: &content::MenuCommand| MenuCommand {
            name: command.name.clone(),
            description: command.description.clone(),
        };
        Self { prompts: menu.prompts.clone(), commands: menu.commands.iter().map(command).collect() }
    }
}

/// Puts a menu within its limits.
pub(crate) fn bound(menu: &mut content::Menu) {
    menu.prompts.truncate(PROMPTS);
    menu.prompts.iter_mut().for_each(|prompt| cut_characters(prompt, PROMPT));
    menu.prompts.retain(|prompt| !prompt.is_empty());
    menu.commands.truncate(COMMANDS);
    for command in &mut menu.commands {
        cut_characters(&mut command.name, NAME);
        cut_characters(&mut command.description, DESCRIPTION);
    }
    menu.commands.retain(|command| !command.name.is_empty());
}
