//! Who writes to an upload.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

    fn lock(&self) -> MutexGuard<'_, HashSet<BlobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
    }
}
