//! A device of Tradepost in a browser: `client` on IndexedDB, `fetch` and a WebSocket, behind commands and events.
#![deny(missing_docs)]

mod answer;
mod command;
mod notice;
mod problem;

pub use answer::*;
pub use command::{Command, MediaDraft};
pub use notice::{Connected, Erased, Notice, Standing};
pub use problem::{Problem, ProblemCode};
