//! The way to it, which can be a bad one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use async_trait::async_trait;
use client::{
    LinkError,
    link::{HttpRequest, HttpResponse, Link, Socket},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use super::{Relay, socket::TestSocket};
use crate::world::TestClock;

/// What goes wrong.
pub(crate) struct Faults {
    /// How many of 1000 times.
    often: AtomicU32,
    rng: Mutex<ChaCha20Rng>,
}

impl Faults {
    pub(crate) fn happens(&self) -> bool {
        let often = self.often.load(Ordering::Relaxed);
        often > 0 && self.rng.lock().unwrap().next_u32() % 1000 < often
    }

    pub(crate) fn set(&self, often: u32) {
        self.often.store(often, Ordering::Relaxed);
    }
}

pub(crate) struct TestLink {
    relay: Arc<Relay>,
    clock: TestClock,
    pub(crate) faults: Arc<Faults>,
    /// How many requests were made.
    pub(crate) requests: AtomicU64,
    /// Gives this many bytes of every body before it breaks off.
    pub(crate) break_bodies_after: AtomicU64,
}

impl TestLink {
    pub(crate) fn new(relay: &Arc<Relay>, clock: TestClock, seed: u64) -> Arc<Self> {
        let rng = Mutex::new(ChaCha20Rng::seed_from_u64(seed));
        Arc::new(Self {
            relay: Arc::clone(relay),
            clock,
            faults: Arc::new(Faults { often: AtomicU32::new(0), rng }),
            requests: AtomicU64::new(0),
            break_bodies_after: AtomicU64::new(0),
        })
    }
}

fn lost() -> LinkError {
    LinkError::Unreachable("lost".into())
}

#[async_trait]
impl Link for TestLink {
    fn url(&self) -> &str {
        "https://relay.test"
    }

    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, LinkError> {
        tokio::task::yield_now().await;
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.faults.happens() {
            return Err(lost());
        }
        let cut = self.break_bodies_after.load(Ordering::Relaxed);
        let response = self.relay.answer(request, &self.clock, cut).await;
        if self.faults.happens() {
            return Err(lost());
        }
        Ok(response)
    }

    async fn open(&self, token: &str) -> Result<Arc<dyn Socket>, LinkError> {
        tokio::task::yield_now().await;
        if self.faults.happens() {
            return Err(lost());
        }
        let who = self.relay.state().by_token(token).ok_or(LinkError::Unauthorized)?;
        Ok(Arc::new(TestSocket::open(&self.relay, who, &self.faults, self.clock.clone())))
    }
}
