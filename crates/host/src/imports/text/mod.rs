//! The text of a chat export, read twice: a [`Survey`] finds out how it is written, a [`Chat`] then takes it apart. Both go
//! line by line and hold one message at most.
//!
//! ```text
//! Read ─▶ lines (bounded, any encoding) ─▶ stamp ─▶ who ─▶ chat: entries over several lines ─▶ body: what it is
//! ```

mod body;
mod chat;
mod lines;
mod periods;
mod phrases;
mod stamp;
mod survey;

pub use self::{
    body::{Body, Omitted, Said},
    chat::{Chat, Entry, Item, Problem, Senders, Speaker},
    stamp::DateOrder,
    survey::Survey,
};
pub(crate) use self::{stamp::is_mark, survey::tidy};
