//! What crosses the wire between devices and the relay: frames, content, API bodies, identifiers, error codes.
//!
//! - [`frames`]: what travels on the socket. The published form is `proto/socket.proto`; a test compares the two.
//! - [`content`]: what is inside an envelope, which the relay never sees (`proto/content.proto`), and its [`padding`].
//! - [`hosting`]: what the relay states about businesses under its label key (`proto/hosting.proto`).
//! - [`api`]: the JSON bodies of `docs/relay-api.md`, and the [`ErrorCode`]s.
//! - [`AccountId`], [`DeviceId`], [`PhoneNumber`], …: identifiers that cannot be wrong once they are made.
//!
//! It knows no cryptography, no storage and no network.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod api;
mod base64;
pub mod close;
pub mod content;
mod credential;
mod error_code;
pub mod frames;
pub mod hosting;
mod ids;
pub mod limits;
pub mod padding;
mod phone_number;
mod token;

pub use base64::Base64;
pub use credential::{Credential, InvalidCredential, Party};
pub use error_code::ErrorCode;
pub use ids::{AccountId, BusinessId, DeviceId, InvalidId, MessageId, VendorId};
pub use phone_number::{InvalidPhoneNumber, PhoneNumber};
pub use prost::{self, Message};
pub use token::{InvalidToken, Token};
