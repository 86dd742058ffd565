//! Encrypted media: uploads that go on where they stopped, parts of what is finished, and an end to each.

mod range;
pub mod routes;
mod store;
pub(crate) mod upload;

use std::{sync::Arc, time::Duration};

use ::store::{
    Timestamp,
    blobs::{BlobError, BlobId, Blobs, ByteStream},
    jobs::{Failure, Handler, Job},
};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use serve::{Peer, Sending};
use wire::{AccountId, api};

pub use self::range::Part;
pub(crate) use self::store::{MIGRATIONS, erase};
use crate::{
    RelayError,
    auth::Caller,
    devices,
    ground::{Ground, shard, shard_of},
    limits::{Buckets, Place, Places},
};

/// The jobs that remove what has expired.
pub(crate) const EXPIRY: &str = "blob_expiry";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Keeps blobs.
#[derive(Debug)]
pub struct Media {
    ground: Arc<Ground>,
    blobs: Blobs,
    begun: Buckets<AccountId>,
    mebibytes: Buckets<AccountId>,
    uploads: Arc<Places>,
    downloads: Arc<Places>,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are safe.
    pub offset: u64,
    /// Bytes that it will have.
    pub size: u64,
}

/// Bytes on their way out.
pub struct Download {
    /// Which of them.
    pub part: Part,
    /// How many the blob has.
    pub size: u64,
    /// They.
    pub bytes: ByteStream,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("part", &self.part).finish_non_exhaustive()
    }
}

impl Media {
    /// On this ground, in this place.
    #[must_use]
    pub fn new(ground: Arc<Ground>, blobs: Blobs) -> Arc<Self> {
        let (limits, config) = (&ground.config.limits, &ground.config.blobs);
        let begun = Buckets::new(limits.blobs, limits.remembered, ground.clock.clone());
        let mebibytes = Buckets::new(limits.blob_mebibytes, limits.remembered, ground.clock.clone());
        let uploads = Places::new(config.uploads, config.uploads_of_one);
        let downloads = Places::new(config.downloads, config.downloads_of_one);
        Arc::new(Self { blobs, begun, mebibytes, uploads, downloads, ground })
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// `TooLarge`, `Invalid`, `Conflict` if too many are not finished, `RateLimited`, `Unauthorized` if the caller is
    /// gone already; those of the storage.
    pub async fn begin(&self, caller: Caller, size: u64) -> Result<api::BlobBegun, RelayError> {
        let account = caller.account;
        let config = &self.ground.config.blobs;
        if size == 0 {
            return Err(RelayError::field("size", "at least 1"));
        }
        let bytes = i64::try_from(size).ok().filter(|_| size <= config.limit);
        let limit = RelayError::TooLarge { what: "a blob in bytes", limit: config.limit };
        let bytes = bytes.ok_or(limit)?;
        self.begun.take(&account)?;
        let most = i64::from(config.unfinished);
        let unfinished = store::unfinished(&mut self.ground.reader().await?, account).await?;
        if unfinished >= most {
            return Err(RelayError::Conflict("finish or delete uploads before you begin more"));
        }
        self.mebibytes.take_many(&account, u32::try_from(size.div_ceil(1 << 20)).unwrap_or(u32::MAX))?;
        let id = self.blobs.begin().await?;
        let now = self.ground.now();
        let expires = now.after(HOUR * config.unfinished_hours);
        let written = self.ground.write(shard(account), move |transaction| {
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(store::insert(transaction, id, account, bytes, (now, expires)).await?)
            })
        });
        if let Err(error) = written.await {
            // Nobody will ever ask for it. If this fails too, an empty file stays.
            let _ = self.blobs.abandon(id).await;
            return Err(error);
        }
        let expires = u64::try_from(self.expires(now).0).unwrap_or_default();
        Ok(api::BlobBegun { id: id.to_string(), expires })
    }

    /// How far an upload is.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for anybody but its account, `Unauthorized` if the caller is gone already; those of the
    /// storage.
    pub async fn progress(&self, caller: Caller, id: BlobId) -> Result<Progress, RelayError> {
        let (progress, _) = self.look(caller, id).await?;
        Ok(progress)
    }

    /// An account's own upload, and whether it is finished.
    async fn look(&self, caller: Caller, id: BlobId) -> Result<(Progress, bool), RelayError> {
        let blob = store::blob(&mut self.ground.reader().await?, id, self.ground.now()).await?;
        let blob = blob.ok_or(RelayError::NotFound)?;
        if blob.account != caller.account.to_bytes() {
            return Err(RelayError::Forbidden("only the account that began it may do this"));
        }
        let size = u64::try_from(blob.size).unwrap_or_default();
        if blob.finished {
            return Ok((Progress { offset: size, size }, true));
        }
        match self.blobs.offset(id).await {
            Ok(offset) => Ok((Progress { offset, size }, false)),
            Err(BlobError::NotFound) => {
                // Finished, but the relay went down before it said so.
                self.blobs.size(id).await?;
                self.finished(caller, id, blob.created).await?;
                Ok((Progress { offset: size, size }, true))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says that an upload is finished. If its row or the caller is gone meanwhile, its bytes go too.
    async fn finished(&self, caller: Caller, id: BlobId, created: Timestamp) -> Result<(), RelayError> {
        let expires = self.expires(created);
        let written = self.ground.write(shard(caller.account), move |transaction| {
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(store::finish(transaction, id, expires).await?)
            })
        });
        let refusal = match written.await {
            Ok(true) => return Ok(()),
            Ok(false) => RelayError::NotFound,
            Err(RelayError::Unauthorized) => RelayError::Unauthorized,
            Err(error) => return Err(error),
        };
        // The row may be gone, and with it whatever would remove the bytes.
        self.blobs.delete(id).await?;
        Err(refusal)
    }

    fn expires(&self, created: Timestamp) -> Timestamp {
        created.after(DAY * self.ground.config.blobs.days)
    }

    /// A part of a finished blob, or all of it.
    ///
    /// # Errors
    /// `NotFound`, `OutOfRange` (as [`BlobError`]), `Unavailable`; those of the storage.
    pub async fn get(
        &self,
        account: AccountId,
        id: BlobId,
        range: Option<&str>,
        peer: Option<Peer>,
    ) -> Result<Download, RelayError> {
        let place = self.downloads.take(account).ok_or(RelayError::Unavailable)?;
        let blob = store::blob(&mut self.ground.reader().await?, id, self.ground.now()).await?;
        let blob = blob.filter(|blob| blob.finished).ok_or(RelayError::NotFound)?;
        let size = u64::try_from(blob.size).unwrap_or_default();
        let part = Part::read(range, size).ok_or(BlobError::OutOfRange { size })?;
        let bytes = self.blobs.get(id, part.bytes()).await?;
        Ok(Download { part, size, bytes: watched(place, peer, bytes) })
    }

    /// Removes a blob or gives an upload up.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for anybody but its account, `Unauthorized` if the caller is gone already; those of the
    /// storage.
    pub async fn remove(&self, caller: Caller, id: BlobId) -> Result<(), RelayError> {
        let now = self.ground.now();
        let blob = store::blob(&mut self.ground.reader().await?, id, now).await?;
        if blob.ok_or(RelayError::NotFound)?.account != caller.account.to_bytes() {
            return Err(RelayError::Forbidden("only the account that began it may do this"));
        }
        let written = self.ground.write(shard(caller.account), move |transaction| {
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(store::remove(transaction, id, now).await?)
            })
        });
        written.await?;
        self.ground.jobs.wake(EXPIRY).await;
        Ok(())
    }
}

/// The stream keeps its place until it is dropped, and tells the connection that it moves: who asks for bytes and does
/// not take them is cut off.
fn watched(place: Place, peer: Option<Peer>, bytes: ByteStream) -> ByteStream {
    let sending = peer.map(Peer::sending);
    bytes
        .map(move |piece| {
            let _ = &place;
            sending.iter().for_each(Sending::moves);
            piece
        })
        .boxed()
}

/// Removes what has expired: the row first, then the bytes, so that a row never promises what is not there.
#[async_trait]
impl Handler for Media {
    fn kind(&self) -> &'static str {
        EXPIRY
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let id = std::str::from_utf8(&job.payload).ok().and_then(|text| text.parse::<BlobId>().ok());
        let Some(id) = id else { return Err(Failure::Never("not a blob".to_owned())) };
        let later = |error: &dyn std::error::Error| Failure::Later(error.to_string());
        let now = self.ground.now();
        let expired = self.ground.write(shard_of(&job.payload), move |transaction| {
            Box::pin(async move { Ok(store::expire(transaction, id, now).await?) })
        });
        // If not, it was finished since, and there is another job for it.
        if expired.await.map_err(|error| later(&error))? {
            self.blobs.abandon(id).await.map_err(|error| later(&error))?;
            self.blobs.delete(id).await.map_err(|error| later(&error))?;
        }
        Ok(())
    }
}
