//! Devices against a relay in memory that does what `docs/relay-api.md` says, over links that lose and repeat.

mod business;
mod chats;
mod crashes;
mod healing;
mod linking;
mod lossy;
mod media;
mod relay;
mod sessions;
mod world;
