//! What a device is given instead of reaching for it: where it keeps its state, how it reaches the relay, what time it
//! is, and randomness.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use rand_core::CryptoRng;

use crate::{link::Link, vault::Vault};

/// `Send + Sync`, except in a browser, which has one thread.
#[cfg(not(target_arch = "wasm32"))]
pub trait Shared: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync + ?Sized> Shared for T {}

/// `Send + Sync`, except in a browser, which has one thread.
#[cfg(target_arch = "wasm32")]
pub trait Shared {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> Shared for T {}

/// The time, and waiting for it.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Clock: Shared {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Returns after this time.
    async fn sleep(&self, time: Duration);
}

/// Randomness that keys may be made of.
pub type Randomness = Box<dyn CryptoRng + Send + Sync>;

/// Everything outside that a device touches.
pub struct Edges {
    /// Where it keeps its state.
    pub vault: Arc<dyn Vault>,
    /// How it reaches the relay.
    pub link: Arc<dyn Link>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where its keys come from.
    pub rng: Randomness,
}

impl fmt::Debug for Edges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edges").finish_non_exhaustive()
    }
}
