//! Who writes to an upload.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{BlobError, BlobId};

/// The uploads that somebody in this process is writing to. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims(Arc<Mutex<HashSet<BlobId>>>);

/// The right to write to one upload, until it is dropped. It goes wherever bytes are written, also into what goes on
/// when the caller has given up.
#[derive(Debug)]
pub(super) struct Claim {
    claims: Claims,
    id: BlobId,
}

impl Claims {
    pub(super) fn claim(&self, id: BlobId) -> Result<Claim, BlobError> {
        if self.lock().insert(id) { Ok(Claim { claims: self.clone(), id }) } else { Err(BlobError::Busy) }
    }

    /// The same, where what is written of an upload whose sender gave up is waited for a little.
    pub(super) async fn claim_soon(&self, id: BlobId) -> Result<Claim, BlobError> {
        const TRIES: u32 = 50;
        const LOOK: Duration = Duration::from_millis(10);
        for _ in 0..TRIES {
            if let Ok(claim) = self.claim(id) {
                return Ok(claim);
            }
            tokio::time::sleep(LOOK).await;
        }
        self.claim(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<BlobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
    }
}
