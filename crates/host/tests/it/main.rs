//! The host on both engines.

mod parse;
mod purposes;
mod sealing;
mod stage;
