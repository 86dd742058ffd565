//! Adding bytes to an upload.

use std::{io, time::Duration};

use ::store::blobs::BlobId;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout};

use super::{Media, Progress, store};
use crate::{RelayError, auth::Caller, edge::Patience};

/// An upload may be slow for this long before its speed is looked at.
const GRACE: Duration = Duration::from_secs(30);

/// Bytes for an upload.
#[derive(Debug)]
pub struct Addition {
    /// Where they begin.
    pub offset: u64,
    /// How many there are.
    pub length: u64,
    /// They.
    pub body: Body,
    /// How long they may take.
    pub patience: Patience,
}

impl Media {
    /// Adds bytes to an upload; with the last of them it is finished.
    ///
    /// # Errors
    /// `WrongOffset`, `Interrupted` and, while somebody else does the same, `Busy` (as `BlobError`), `TooLarge`,
    /// `NotFound`, `Forbidden`, `Unavailable`, `Unauthorized` if the caller is gone already; those of the storage.
    pub async fn add(&self, caller: Caller, id: BlobId, addition: Addition) -> Result<Progress, RelayError> {
        let _place = self.uploads.take(caller.account).ok_or(RelayError::Unavailable)?;
        let (progress, finished) = self.look(caller, id).await?;
        let Progress { offset, size } = progress;
        if finished || addition.offset != offset {
            return Err(::store::blobs::BlobError::WrongOffset { offset }.into());
        }
        let end = offset.saturating_add(addition.length);
        if end > size {
            return Err(RelayError::TooLarge { what: "this blob in bytes", limit: size });
        }
        let slowest = self.ground.config.blobs.slowest;
        let bytes = paced(addition.body, addition.patience.idle, slowest);
        let safe = self.blobs.append(id, offset, bytes, end == size).await?;
        if safe < size {
            return Ok(Progress { offset: safe, size });
        }
        let stored = self.blobs.finish(id, None).await?;
        let blob = store::blob(&mut self.ground.reader().await?, id, self.ground.now()).await?;
        // It may have been deleted while it arrived; then its bytes go too.
        let created = blob.map_or(::store::Timestamp(0), |blob| blob.created);
        self.finished(caller, id, created).await?;
        Ok(Progress { offset: stored.size, size })
    }
}

/// The bytes of a body, or an error where they come too slowly.
fn paced(
    body: Body,
    idle: Duration,
    slowest: u64,
) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    let began = Instant::now();
    let pieces = body.into_data_stream();
    stream::try_unfold((pieces, 0_u64), move |(mut pieces, received)| async move {
        let slow = || io::Error::from(io::ErrorKind::TimedOut);
        let Some(piece) = timeout(idle, pieces.next()).await.map_err(|_| slow())? else { return Ok(None) };
        let piece = piece.map_err(io::Error::other)?;
        let received = received.saturating_add(crate::edge::as_u64(piece.len()));
        let counted = began.elapsed().saturating_sub(GRACE).as_secs();
        if received < counted.saturating_mul(slowest) {
            return Err(slow());
        }
        Ok(Some((piece, (pieces, received))))
    })
}
