//! Large opaque bytes: in a folder, or in anything that speaks S3. Streamed both ways, never whole in memory.
//!
//! A blob has a random id, is written once and never changed. An upload may be interrupted and go on where it stopped
//! ([`Blobs::begin`], [`append`](Blobs::append), [`finish`](Blobs::finish)), also in another process; [`Blobs::put`] is
//! all of it in one go. What is finished is durable. There is no listing; when a blob expires is its owner's business.

mod claim;
mod folder;
mod id;
mod s3;

use std::{error::Error, fmt, ops::Range, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream::BoxStream};
use serde::Deserialize;

use self::{
    claim::{Claim, Claims},
    folder::Folder,
    s3::S3,
};
pub use self::{id::BlobId, s3::S3Config};
use crate::{Entropy, StoreError};

/// Bytes on their way in or out.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Why a blob was not written or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is no such blob or upload.
    #[error("there is no such blob")]
    NotFound,
    /// It is larger than allowed.
    #[error("a blob may have {limit} bytes")]
    TooLarge {
        /// How many bytes are allowed.
        limit: u64,
    },
    /// An upload goes on where it stopped, which is not here.
    #[error("the upload goes on at byte {offset}")]
    WrongOffset {
        /// Where it goes on.
        offset: u64,
    },
    /// Somebody else is writing to this upload in this process. Nothing was changed; come back when they are done.
    #[error("somebody is writing to this upload")]
    Busy,
    /// The bytes are not those that were announced. The upload is gone.
    #[error("the bytes do not have the announced digest")]
    WrongDigest,
    /// The range begins or ends outside of the blob.
    #[error("the blob has {size} bytes")]
    OutOfRange {
        /// How many bytes it has.
        size: u64,
    },
    /// Who sends the bytes broke off. What arrived may be kept: ask [`Blobs::offset`].
    #[error("the bytes broke off")]
    Interrupted(#[source] Box<dyn Error + Send + Sync>),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<std::io::Error> for BlobError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Self::NotFound;
        }
        Self::Store(StoreError::unavailable(error))
    }
}

/// A finished blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// How to get it.
    pub id: BlobId,
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// Where blobs are kept, and how large they may be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobConfig {
    /// A folder of this machine, or S3.
    pub place: Place,
    /// Bytes of one blob at most. Default 104857600 (100 MiB).
    #[serde(default = "limit")]
    pub limit: u64,
}

const fn limit() -> u64 {
    100 << 20
}

/// Where blobs are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// This folder; it is made if it is not there. On one file system, not shared with anything else.
    Folder(PathBuf),
    /// A bucket.
    S3(S3Config),
}

/// A place for blobs. Clones are the same place.
#[derive(Clone)]
pub struct Blobs {
    backend: Arc<dyn Backend>,
    claims: Claims,
    entropy: Arc<dyn Entropy>,
    limit: u64,
}

/// What a place can do.
#[async_trait]
trait Backend: Send + Sync {
    async fn begin(&self, id: BlobId) -> Result<(), BlobError>;
    async fn offset(&self, id: BlobId) -> Result<u64, BlobError>;
    async fn append(&self, id: BlobId, more: Append) -> Result<u64, BlobError>;
    async fn finish(&self, id: BlobId, announced: Option<[u8; 32]>) -> Result<Stored, BlobError>;
    async fn abandon(&self, id: BlobId) -> Result<(), BlobError>;
    async fn size(&self, id: BlobId) -> Result<u64, BlobError>;
    async fn get(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, BlobError>;
    async fn delete(&self, id: BlobId) -> Result<(), BlobError>;
}

/// What is added to an upload, and by whose right.
struct Append {
    claim: Claim,
    offset: u64,
    bytes: ByteStream,
    last: bool,
    limit: u64,
}

impl Blobs {
    /// Opens the place; ids come from `entropy`.
    ///
    /// # Errors
    /// `Unavailable` if the folder cannot be made, `Invalid` for a configuration that makes no sense.
    pub async fn open(config: &BlobConfig, entropy: Arc<dyn Entropy>) -> Result<Self, BlobError> {
        let backend: Arc<dyn Backend> = match &config.place {
            Place::Folder(path) => Arc::new(Folder::open(path).await?),
            Place::S3(config) => Arc::new(S3::open(config)?),
        };
        Ok(Self { backend, claims: Claims::default(), entropy, limit: config.limit })
    }

    /// Stores all of `bytes` under a new id. What breaks off leaves nothing.
    ///
    /// # Errors
    /// `TooLarge`, `Interrupted`, `Store`.
    pub async fn put<E>(
        &self,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<Stored, BlobError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let id = self.begin().await?;
        let stored = match self.append(id, 0, bytes, true).await {
            Ok(_) => self.finish(id, None).await,
            Err(error) => Err(error),
        };
        if stored.is_err() {
            // It may be gone already.
            let _ = self.abandon(id).await;
        }
        stored
    }

    /// Begins an upload. Its id becomes the blob's when it is finished.
    ///
    /// # Errors
    /// `Store`.
    pub async fn begin(&self) -> Result<BlobId, BlobError> {
        let id = BlobId::random(&*self.entropy);
        self.backend.begin(id).await?;
        Ok(id)
    }

    /// How many bytes of an upload are safe: where it goes on.
    ///
    /// # Errors
    /// `NotFound` for what was not begun or is finished; `Store`.
    pub async fn offset(&self, id: BlobId) -> Result<u64, BlobError> {
        self.backend.offset(id).await
    }

    /// Adds bytes to an upload, beginning at `offset`; how many bytes are now safe. With S3 these are whole parts of
    /// 8 MiB and may be fewer than were sent, except after the `last` bytes.
    ///
    /// One caller at a time: within a process the second one is refused. Between processes it is the caller's business:
    /// what two write at once has the digest of neither.
    ///
    /// # Errors
    /// `Busy`, `WrongOffset`, `TooLarge`, `NotFound`, `Interrupted`, `Store`.
    pub async fn append<E>(
        &self,
        id: BlobId,
        offset: u64,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        last: bool,
    ) -> Result<u64, BlobError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let bytes = bytes.map(|part| part.map_err(|error| BlobError::Interrupted(error.into()))).boxed();
        let claim = self.claims.claim(id).await?;
        self.backend.append(id, Append { claim, offset, bytes, last, limit: self.limit }).await
    }

    /// Makes an upload a blob, durably. If a digest was announced, only with that.
    ///
    /// # Errors
    /// `WrongDigest`, with which the upload is gone; `Busy`, `NotFound`, `Store`.
    pub async fn finish(&self, id: BlobId, announced: Option<[u8; 32]>) -> Result<Stored, BlobError> {
        let _claim = self.claims.claim(id).await?;
        self.backend.finish(id, announced).await
    }

    /// Gives an upload up, whatever became of it: safe to repeat, for uploads that were never begun, and for those that
    /// are finished, whose blob stays. So a sweep over what was begun long ago needs no memory of what it did.
    ///
    /// # Errors
    /// `Busy` if somebody is writing to it and so has not abandoned it; `Store`.
    pub async fn abandon(&self, id: BlobId) -> Result<(), BlobError> {
        let _claim = self.claims.claim(id).await?;
        self.backend.abandon(id).await
    }

    /// How many bytes a blob has.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn size(&self, id: BlobId) -> Result<u64, BlobError> {
        self.backend.size(id).await
    }

    /// A part of a blob.
    ///
    /// # Errors
    /// `OutOfRange`, `NotFound`, `Store`; the last also within the stream.
    pub async fn get(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        let size = self.size(id).await?;
        if range.start > range.end || range.end > size {
            return Err(BlobError::OutOfRange { size });
        }
        if range.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        self.backend.get(id, range).await
    }

    /// Removes a blob. Safe to repeat.
    ///
    /// # Errors
    /// `Store`.
    pub async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.backend.delete(id).await
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// What is not there need not be removed.
fn absent_is_fine(outcome: Result<(), BlobError>) -> Result<(), BlobError> {
    match outcome {
        Err(BlobError::NotFound) => Ok(()),
        other => other,
    }
}

/// The size after `more` bytes, if it may have that.
fn grown(size: u64, more: usize, limit: u64) -> Result<u64, BlobError> {
    let size = u64::try_from(more).ok().and_then(|more| size.checked_add(more));
    size.filter(|size| *size <= limit).ok_or(BlobError::TooLarge { limit })
}
