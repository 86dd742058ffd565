//! Files: encrypted in chunks, streamed both ways.

pub(crate) mod chunks;

use std::io;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Shared;

/// Hears how far a transfer is: bytes done, and in all.
pub trait Progress: Shared {
    /// So far it is.
    fn at(&self, done: u64, total: u64);
}

impl<F: Fn(u64, u64) + Shared> Progress for F {
    fn at(&self, done: u64, total: u64) {
        self(done, total);
    }
}

/// A file to be sent. It is read from any place, because an upload may have to go back.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Source: Shared {
    /// Bytes in all.
    async fn size(&mut self) -> io::Result<u64>;

    /// So many bytes from this place on; fewer only at the end.
    async fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes>;
}

/// A place for a file that comes. What was written counts only after [`Sink::finish`].
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Sink: Shared {
    /// The next bytes.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// It is whole and right: show it.
    async fn finish(&mut self) -> io::Result<()>;

    /// It is not: throw it away.
    async fn abort(&mut self) -> io::Result<()>;
}

/// Bytes in memory.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Source for Bytes {
    async fn size(&mut self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    async fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        Ok(self.slice(start..start.saturating_add(len).min(self.len())))
    }
}

/// Bytes in memory: nothing is in it but what is right.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Sink for Vec<u8> {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    async fn abort(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}
