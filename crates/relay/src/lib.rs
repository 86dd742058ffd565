//! The platform server: accounts, devices, keys, queues and blobs, and nothing that opens an envelope.
//!
//! A feature is a folder with the same rooms: types and rules in `mod.rs`, all its SQL in `store.rs`, HTTP in
//! `routes.rs`. It stands on the [`ground`] and speaks with another feature through that one's public type.
//!
//! - [`Relay::start`] puts everything together and serves it; [`config`] says how.
//! - [`auth`]: who asks. A handler names the right it needs in its signature.
//! - [`error`]: the one way from a failure to an answer.
//!
//! It knows no session and no plaintext: the trust boundary runs along this crate.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod accounts;
pub mod auth;
pub mod blobs;
pub mod blocks;
pub mod businesses;
pub mod config;
pub mod devices;
pub mod edge;
pub mod error;
pub mod ground;
pub mod hosting;
pub mod keys;
pub mod labels;
pub mod limits;
pub mod metrics;
pub mod operator;
pub mod profiles;
pub mod provisioning;
pub mod queue;
pub mod registration;
mod relay;
pub mod router;
pub mod socket;

pub use config::Config;
pub use error::RelayError;
pub use relay::{MIGRATIONS, Relay, StartError};
