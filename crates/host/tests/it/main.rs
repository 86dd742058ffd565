//! The host on both engines.

mod conversations;
mod purposes;
mod sealing;
mod stage;
mod world;
