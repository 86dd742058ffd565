//! The Signal protocol as JavaScript sees it, to prove that it runs in WebAssembly and to measure how fast.
//!
//! It is small on purpose and not what a browser client will use: a [`Device`] keeps its prekeys and sessions in
//! memory, trusts an identity key on first use, and leaves it to its caller to store [`Device::session_bytes`] after
//! each message. The client's own face, which owns stores and ordering, comes later and elsewhere.
//!
//! It knows no network, no storage and no clock. This is an edge, so it is the one place here that takes randomness
//! from the system. Every error is a JavaScript `Error` whose `name` says which it is (`Duplicate`, `BadMac`, …).

mod address;
mod bundle;
mod device;
mod error;
mod group;
mod javascript;
mod message;
mod sealed;

#[expect(clippy::disallowed_types, reason = "the face to JavaScript is where randomness enters")]
use getrandom::SysRng;
use rand_core::{CryptoRng, UnwrapErr};
use signal::Timestamp;
use wasm_bindgen::prelude::*;

pub use address::Address;
pub use bundle::{Bundle, PublicPreKey};
pub use device::Device;
pub use error::{FaceError, Thrown};
pub use group::SenderKey;
pub use message::Message;
pub use sealed::{Authority, Opened};

/// Version of this module.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn rng() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// What `Date.now()` gives, in the protocol's terms.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript has no other number; the cast saturates, and dates are far from its bounds"
)]
fn timestamp(milliseconds: f64) -> Timestamp {
    Timestamp(milliseconds as u64)
}
