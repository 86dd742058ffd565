//! The host on both engines.

mod apps;
mod conversations;
mod parse;
mod purposes;
mod sealing;
mod stage;
mod templates;
mod webhooks;
mod world;
