//! Devices against a relay in memory that does what `docs/relay-api.md` says, over links that lose and repeat.

mod chats;
mod crashes;
mod feed;
mod healing;
mod hostile;
mod linking;
mod lossy;
mod many;
mod media;
mod relay;
mod sessions;
mod world;
