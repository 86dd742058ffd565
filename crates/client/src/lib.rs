//! One device of an account: registers, links, sends, receives, and keeps what it must.
//!
//! A [`Device`] is opened from [`Edges`]: a [`Vault`] that keeps its state, a [`Link`] to the relay, a [`Clock`], and
//! randomness. With the feature `native` there are [`SqliteVault`], [`NativeLink`] and [`SystemClock`]; a browser brings
//! its own, and so do tests.
//!
//! ```no_run
//! # #[cfg(feature = "native")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use client::*;
//!
//! let mut rng = system_rng();
//! let folder = std::path::Path::new("anna");
//! let key = VaultKey::from_file(&folder.join("vault.key"), &mut rng).await?;
//! let edges = Edges {
//!     vault: Arc::new(SqliteVault::open(&folder.join("vault.db"), key, system_rng()).await?),
//!     link: Arc::new(NativeLink::new("https://relay.example", NativeLinkOptions::default())?),
//!     clock: Arc::new(SystemClock),
//!     rng,
//! };
//! let device = Device::open(edges).await?;
//! let mut events = device.events();
//! let running = tokio::spawn({ let device = device.clone(); async move { device.run().await } });
//!
//! let found = device.lookup(&["+4915112345678".parse()?]).await?;
//! device.send(found[0].account, Draft::text("I would like to open an account.")).await?;
//! while let Event::Message { message } = events.next().await {
//!     device.mark_read(message.chat, message.position).await?;
//! }
//! # running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! What is promised:
//!
//! - **Nothing is lost or shown twice.** [`Device::send`] returns when the message is in the vault, together with what is
//!   to be sent; it is sent until the relay has it or refuses it for good, in order, under one id. What comes is in the vault,
//!   with the state of its session, before it is acknowledged. Whoever must act on every message exactly once, also
//!   across crashes, reads [`Device::messages`] from the last position it acted on; [`Events`] tell when to look.
//! - **Whom it is sent to is known.** The first identity key of an account is trusted, a changed one is told, and nothing
//!   is sent to it before [`Device::accept_identity`], which names the key that was decided on. Who hosts a business, and so
//!   can read what it is sent, is shown before anything is sent to it: [`Device::label_shown`].
//! - **One at a time.** All changes of a device's state happen one after another. No two processes may open one vault.
//!
//! # For programs that keep messages themselves
//!
//! A server that answers for a business has a store of its own. It sets [`Settings::keep_history`] to false and reads
//! [`Device::feed`]: a durable list, in order, of messages, [`Change`]s of messages, states of what it sent, changed
//! identities and what cannot be read. It acts on a page, makes that durable, and takes the page out with
//! [`Device::forget_through`]; after a crash it reads the same page again. Nothing else of a message stays on the device: what
//! was sent is there while it is in the outbox, and up to 14 days for whoever could not read it. Read receipts go by
//! name ([`Device::mark_these_read`]); edits, reactions and quotes name messages that only the program has.
//! [`Device::send_many`] puts many sends into one save.
//!
//! ```no_run
//! # async fn example(device: client::Device) -> Result<(), client::Error> {
//! # use client::*;
//! # async fn keep(_: &[FeedItem]) {}
//! device.set_settings(Settings { keep_history: false, ..Settings::default() }).await?;
//! let mut events = device.events();
//! loop {
//!     let page = device.feed(0, 500).await?;
//!     match page.last() {
//!         Some(last) => {
//!             keep(&page).await;
//!             device.forget_through(last.position).await?;
//!         }
//!         None => while !matches!(events.next().await, Event::Feed { .. }) {},
//!     }
//! }
//! # }
//! ```
//!
//! Notes for the reader of the code: `records` is what is stored, `content` what may come from outside, `device` what
//! a device does, one file for each thing it does, `media` how files are encrypted.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod card;
mod cipher;
mod content;
mod device;
mod edges;
mod error;
mod event;
mod feed;
pub mod hosting;
mod interactive;
mod label;
pub mod link;
mod media;
mod menu;
mod message;
#[cfg(feature = "native")]
mod native;
mod records;
pub mod vault;

pub use card::{Card, NameParts, PostalAddress, Website};
pub use device::{
    Device, Ended, HostedRegistration, Linking, LinkingRequest, Registration, Settings, Unsaved,
};
pub use edges::{Clock, Edges, Randomness, Shared};
pub use error::Error;
pub use event::{Connection, Event, Events};
pub use feed::{Change, FeedItem, News};
pub use interactive::*;
pub use label::{Hosting, Label, LabelChange, LabelState};
pub use link::{Link, LinkError};
pub use media::{Progress, Sink, Source};
pub use menu::{Menu, MenuCommand};
pub use message::*;
#[cfg(feature = "native")]
pub use native::{FileSink, FileSource, NativeLink, NativeLinkOptions, SystemClock, is_loopback, system_rng};
pub use vault::{MemoryVault, Vault, VaultError};
#[cfg(feature = "native")]
pub use vault::{SqliteVault, VaultKey};
pub use wire::{AccountId, BusinessId, DeviceId, PhoneNumber};
