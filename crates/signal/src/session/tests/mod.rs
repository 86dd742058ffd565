//! What sessions must do, told by recorded conversations, by rules and by chance.

mod behaviour;
#[cfg(target_os = "linux")]
mod memory;
mod party;
mod vectors;
