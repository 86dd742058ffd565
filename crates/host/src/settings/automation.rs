//! What stands in front of a chat before anything was written.

use serde::{Deserialize, Serialize};

use super::Setting;

/// Ice breakers and commands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Automation {
    /// Whether opening a chat for the first time is told.
    pub enable_welcome_message: bool,
    /// At most four texts that can be tapped.
    pub prompts: Vec<String>,
    /// At most thirty, typed as `/name …`.
    pub commands: Vec<Command>,
}

/// Something to be typed behind a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Without the slash.
    pub command_name: String,
    /// What it does.
    pub command_description: String,
}

impl Automation {
    /// What a customer is shown of it.
    #[must_use]
    pub fn menu(&self) -> client::Menu {
        let command = |command: &Command| client::MenuCommand {
            name: command.command_name.clone(),
            description: command.command_description.clone(),
        };
        client::Menu { prompts: self.prompts.clone(), commands: self.commands.iter().map(command).collect() }
    }
}

impl Setting for Automation {
    const KIND: &'static str = "automation";
}
