//! Up to three devices and a network that delays, loses, doubles, reorders, damages and misdirects what they send.
//!
//! The simulation uses the public interface alone and does what a client does: it fetches a bundle when it has no
//! session, deletes prekeys as it is told, trusts the identity key it saw first. Beside it stands a [`model`] of the
//! documented limits, which foretells for each message whether it must be read. Whatever else happens is a panic, so
//! property tests and the fuzzer can share it.

mod model;
mod party;
mod script;
pub(crate) mod wire;
mod world;

pub(crate) use model::Why;
pub(crate) use party::{Party, Who};
pub(crate) use script::{Line, Step};
pub(crate) use world::{Letter, World};
