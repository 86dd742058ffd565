//! The host on both engines.

mod apps;
mod parse;
mod purposes;
mod sealing;
mod stage;
mod templates;
