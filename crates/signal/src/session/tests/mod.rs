//! What sessions must do, told by recorded conversations, by rules and by chance.

mod behaviour;
mod party;
mod vectors;
