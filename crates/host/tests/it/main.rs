//! The host on both engines.

mod purposes;
mod sealing;
mod stage;
mod webhooks;
