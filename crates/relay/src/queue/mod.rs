//! The message queue. Stubs: the real one is built beside this.

pub mod store;

use std::sync::Arc;

use crate::devices::DeviceKey;

/// What waits for devices.
#[derive(Debug)]
pub struct Queue;

impl Queue {
    /// A queue.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self)
    }

    /// These devices were removed: closes their sockets.
    pub fn removed(&self, _devices: &[DeviceKey]) {}

    /// Few one-time prekeys are left for this device: tells it.
    pub fn prekeys_low(&self, _device: DeviceKey, _left: u32) {}
}
