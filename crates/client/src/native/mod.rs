//! What needs an operating system.

mod clock;
mod files;
mod link;
mod multiplexed;
mod pinned;
mod socket;

pub use self::{
    clock::{SystemClock, system_rng},
    files::{FileSink, FileSource},
    link::{NativeLink, NativeLinkOptions, is_loopback},
};
