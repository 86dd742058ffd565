//! The ground's clock and randomness, as devices take them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use ::store::{Clock, Entropy};
use async_trait::async_trait;
use rand_core::{TryCryptoRng, TryRng};

#[derive(Debug)]
pub(super) struct HostClock(pub(super) Arc<dyn Clock>);

#[async_trait]
impl client::Clock for HostClock {
    fn now(&self) -> u64 {
        u64::try_from(self.0.now().0).unwrap_or(0)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

pub(super) fn rng(entropy: Arc<dyn Entropy>) -> client::Randomness {
    Box::new(HostRandomness(entropy))
}

struct HostRandomness(Arc<dyn Entropy>);

impl TryRng for HostRandomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for HostRandomness {}
