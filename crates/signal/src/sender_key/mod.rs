//! Sender keys: one ciphertext for a whole group (the Signal specification, section 8).
//!
//! A device that writes to a group draws a chain and a signing key, tells both to every member through their
//! pairwise sessions in a [`DistributionMessage`], and from then on encrypts each message once. A
//! [`SenderKeyRecord`] is what one device keeps per (sender, [`DistributionId`]); for what it sends itself, the
//! sender is it.

mod cipher;
mod error;
mod message;
mod record;
mod storage;
#[cfg(test)]
mod tests;

pub use error::SenderKeyError;
pub use message::{DistributionId, DistributionMessage, SenderKeyMessage};
pub use record::SenderKeyRecord;
