//! Who writes to an upload.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::{BlobError, BlobId};

/// How long what is still written of an upload whose sender gave up is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The uploads that somebody in this process is writing to. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims(Arc<Taken>);

#[derive(Debug, Default)]
struct Taken {
    ids: Mutex<HashSet<BlobId>>,
    given_back: Notify,
}

/// The right to write to one upload, until it is dropped. It goes wherever bytes are written, also into what goes on
/// when the caller has given up.
#[derive(Debug)]
pub(super) struct Claim {
    claims: Claims,
    id: BlobId,
}

impl Claims {
    /// As soon as nobody writes to it any more; `Busy` if that takes long.
    pub(super) async fn claim(&self, id: BlobId) -> Result<Claim, BlobError> {
        let free = async {
            loop {
                let mut given_back = std::pin::pin!(self.0.given_back.notified());
                // Before the look, so that none is missed.
                given_back.as_mut().enable();
                if self.lock().insert(id) {
                    return Claim { claims: self.clone(), id };
                }
                given_back.await;
            }
        };
        tokio::time::timeout(PATIENCE, free).await.map_err(|_| BlobError::Busy)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<BlobId>> {
        self.0.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
        self.claims.0.given_back.notify_waiters();
    }
}
