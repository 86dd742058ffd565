//! The host on both engines.

mod conversations;
mod keeping;
mod purposes;
mod sealing;
mod stage;
mod webhooks;
mod world;
