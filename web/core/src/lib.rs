//! A device of Tradepost in a browser: `client` on IndexedDB, `fetch` and a WebSocket, behind commands and events.
//!
//! A page gives a [`Command`] and is told a [`Notice`] or an event of `client`; `src-ts/core.ts` is its side. Everything runs
//! in a worker, in the tab that leads. It knows nothing of what is shown.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod answer;
mod command;
mod notice;
mod problem;
#[cfg(any(target_arch = "wasm32", test))]
mod words;

// What only a browser has; elsewhere there are the types alone.
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod commands;
#[cfg(target_arch = "wasm32")]
mod core;

#[cfg(target_arch = "wasm32")]
pub use self::core::Core;
pub use answer::*;
pub use command::{Command, MediaDraft};
pub use notice::{Connected, Erased, Notice, Standing};
pub use problem::{Problem, ProblemCode};
