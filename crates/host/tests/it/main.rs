//! The host on both engines.

mod apps;
mod cloud_api;
mod parse;
mod purposes;
mod sealing;
mod stage;
mod templates;
