//! The business server: holds a business's keys, keeps its chats, and speaks the API that its software already speaks.
//!
//! - [`ids`], [`codes`], [`content`]: names, errors and messages in the words of the Cloud API.
//! - [`sealing`]: everything stored is under a key per business.
//! - [`businesses`], [`numbers`], [`people`]: who there is; devices of numbers run in one process at a time, under a lease.
//! - [`messages`], [`media`], [`chats`]: what is said, sent, kept, found and erased.
//! - [`imports`], [`exports`]: chats from elsewhere, and all that a business has, to take along.
//! - [`management`]: what who runs a host does at `/host/v1`; [`changes`]: what other processes changed.
//! - [`console`]: what the browser console asks, for [`agents`], the people who work for a business, and the [`inbox`] they
//!   share.
//! - [`purposes`]: the one gate to plaintext, and the log of what was read.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod agents;
pub mod analytics;
pub mod apps;
pub mod businesses;
pub mod changes;
pub mod chats;
pub mod cloud_api;
pub mod codes;
pub mod config;
pub mod console;
pub mod content;
mod error;
pub mod exports;
pub mod ground;
mod host;
pub mod ids;
pub mod imports;
pub mod inbox;
pub mod management;
pub mod media;
pub mod messages;
pub mod numbers;
pub mod offline;
pub mod people;
pub mod purposes;
pub mod qr_codes;
pub mod sealing;
pub mod settings;
pub mod templates;
pub mod uploads;
pub mod usernames;
pub mod webhooks;

use store::sql::migrations::Module;

/// The tables of all features, in the order in which they build on each other.
pub const MIGRATIONS: &[Module] = &[
    store::jobs::MIGRATIONS,
    sealing::MIGRATIONS,
    purposes::MIGRATIONS,
    businesses::MIGRATIONS,
    numbers::MIGRATIONS,
    people::MIGRATIONS,
    apps::MIGRATIONS,
    settings::MIGRATIONS,
    qr_codes::MIGRATIONS,
    templates::MIGRATIONS,
    messages::MIGRATIONS,
    media::MIGRATIONS,
    webhooks::MIGRATIONS,
    analytics::MIGRATIONS,
    uploads::MIGRATIONS,
    usernames::MIGRATIONS,
    agents::MIGRATIONS,
    inbox::MIGRATIONS,
];

pub use config::Config;
pub use error::HostError;
pub use host::{Host, StartError};
