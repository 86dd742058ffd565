//! How much of memory the parameters of all requests may take: they are read before all is known of who asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};

use super::Failure;

/// Bytes of the parameters of all requests at the same time, at most.
pub const ALL: usize = 256 << 20;
/// Bytes of all parameters of a request at most; files are not among them.
pub const LIMIT: usize = 4 << 20;
/// The same of a request that shows no token that is good, neither in its head nor in its address. It may stand in the
/// body, and so much is read to find it there.
pub const STRANGER: usize = 64 << 10;
/// How long a request waits for others to be done.
const PATIENCE: Duration = Duration::from_secs(10);

/// The room for all.
#[derive(Debug)]
pub struct Room(Arc<Semaphore>);

/// What one request takes of it, byte by byte as they come. It is free again when this is dropped.
#[derive(Debug)]
pub struct Share {
    room: Arc<Semaphore>,
    taken: AtomicUsize,
    /// Why no more of it is read, if a stranger asks.
    refusal: Option<Failure>,
}

impl Room {
    /// So many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// For a request that shows a token that is good.
    #[must_use]
    pub fn known(&self) -> Share {
        self.share(None)
    }

    /// For one that does not, and why it is refused if it is larger than [`STRANGER`].
    #[must_use]
    pub fn stranger(&self, refusal: Failure) -> Share {
        self.share(Some(refusal))
    }

    fn share(&self, refusal: Option<Failure>) -> Share {
        Share { room: self.0.clone(), taken: AtomicUsize::new(0), refusal }
    }

    /// Bytes that nobody has taken.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }
}

impl Share {
    /// Bytes that this request may take.
    #[must_use]
    pub const fn most(&self) -> usize {
        if self.refusal.is_some() { STRANGER } else { LIMIT }
    }

    /// Why there is no more for this request.
    pub(super) fn over(&self, what: &str) -> Failure {
        self.refusal.clone().unwrap_or_else(|| Failure::too_large(what, LIMIT))
    }

    /// Takes bytes that came.
    ///
    /// # Errors
    /// All is taken, and was for long.
    pub(super) async fn take(&self, bytes: usize) -> Result<(), Failure> {
        let busy = || Failure::down("too many large requests at the same time: try again in a moment");
        let count = u32::try_from(bytes).map_err(|_| busy())?;
        match timeout(PATIENCE, self.room.acquire_many(count)).await {
            Ok(Ok(permit)) => {
                // Given back by `drop`.
                permit.forget();
                self.taken.fetch_add(bytes, Relaxed);
                Ok(())
            }
            _ => Err(busy()),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.add_permits(self.taken.load(Relaxed));
    }
}
