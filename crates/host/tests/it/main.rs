//! The host on both engines.

mod apps;
mod cloud_api;
mod conversations;
mod keeping;
mod management;
mod parse;
mod purposes;
mod sealing;
mod stage;
mod templates;
mod webhooks;
mod world;
