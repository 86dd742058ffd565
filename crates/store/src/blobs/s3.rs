//! Blobs in a bucket: `uploads/ID` remembers how far an upload is, `blobs/ID` is the blob once it is finished.

use std::{fmt, ops::Range, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::{
    GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    multipart::{MultipartStore as _, PartId},
    path::Path,
};
use serde::{Deserialize, Serialize};
use sha2::{
    Digest as _, Sha256,
    digest::common::hazmat::{SerializableState as _, SerializedState},
};

use super::{Append, Backend, BlobError, BlobId, ByteStream, Stored, absent_is_fine, grown};
use crate::{Location, StoreError};

/// Bytes of a part, and so in memory of each upload. S3 wants 5 MiB or more of all but the last.
const PART: usize = 8 << 20;

/// A bucket, and how to get in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// The bucket. It must be there.
    pub bucket: String,
    /// Its region. Default `us-east-1`, which stands for any where there is only one.
    #[serde(default = "region")]
    pub region: String,
    /// The server, if it is not Amazon's. Plain `http` is accepted if it says so.
    pub endpoint: Option<Location>,
    /// Who we are.
    pub access_key_id: String,
    /// How we prove it.
    pub secret_access_key: String,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// Without the secret.
impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

pub(super) struct S3(AmazonS3);

/// What an upload must remember between two appends, wherever the second one happens.
#[derive(Serialize, Deserialize)]
struct Progress {
    upload: String,
    size: u64,
    /// The state of SHA-256 over the parts so far.
    hash: Vec<u8>,
    parts: Vec<String>,
}

impl S3 {
    pub(super) fn open(config: &S3Config) -> Result<Self, StoreError> {
        let retry =
            RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..Default::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key_id)
            .with_secret_access_key(&config.secret_access_key)
            // Not every server knows how to delete many at once, and we never do.
            .with_disable_bulk_delete(true)
            .with_retry(retry);
        if let Some(endpoint) = config.endpoint.as_ref().map(Location::expose) {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        builder.build().map(Self).map_err(|error| StoreError::Invalid(error.to_string()))
    }

    async fn progress(&self, id: BlobId) -> Result<Progress, BlobError> {
        let bytes = self.0.get(&upload(id)).await.map_err(failed)?.bytes().await.map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(error.into()))
    }

    async fn remember(&self, id: BlobId, progress: &Progress) -> Result<(), BlobError> {
        let bytes = serde_json::to_vec(progress).map_err(|error| unreadable(error.into()))?;
        self.0.put(&upload(id), PutPayload::from(bytes)).await.map(drop).map_err(failed)
    }

    async fn part(
        &self,
        id: BlobId,
        progress: &mut Progress,
        hash: &mut Sha256,
        part: Bytes,
    ) -> Result<(), BlobError> {
        hash.update(&part);
        progress.size = grown(progress.size, part.len(), u64::MAX)?;
        let number = progress.parts.len();
        let done = self.0.put_part(&blob(id), &progress.upload, number, part.into()).await.map_err(failed)?;
        progress.parts.push(done.content_id);
        progress.hash = hash.serialize().to_vec();
        self.remember(id, progress).await
    }
}

#[async_trait]
impl Backend for S3 {
    async fn begin(&self, id: BlobId) -> Result<(), BlobError> {
        let upload = self.0.create_multipart(&blob(id)).await.map_err(failed)?;
        let hash = Sha256::new().serialize().to_vec();
        self.remember(id, &Progress { upload, size: 0, hash, parts: Vec::new() }).await
    }

    async fn offset(&self, id: BlobId) -> Result<u64, BlobError> {
        Ok(self.progress(id).await?.size)
    }

    async fn append(&self, id: BlobId, more: Append) -> Result<u64, BlobError> {
        let Append { claim: _claim, offset, mut bytes, last, limit } = more;
        let mut progress = self.progress(id).await?;
        if progress.size != offset {
            return Err(BlobError::WrongOffset { offset: progress.size });
        }
        let mut hash = resumed(&progress.hash)?;
        let mut part = BytesMut::new();
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            grown(progress.size, part.len() + piece.len(), limit)?;
            part.extend_from_slice(&piece);
            while part.len() >= PART {
                let full = part.split_to(PART).freeze();
                self.part(id, &mut progress, &mut hash, full).await?;
            }
        }
        // A multipart upload has at least one part, if only an empty one.
        if last && (!part.is_empty() || progress.parts.is_empty()) {
            self.part(id, &mut progress, &mut hash, part.freeze()).await?;
        }
        Ok(progress.size)
    }

    async fn finish(&self, id: BlobId, announced: Option<[u8; 32]>) -> Result<Stored, BlobError> {
        let progress = self.progress(id).await?;
        let sha256: [u8; 32] = resumed(&progress.hash)?.finalize().into();
        if announced.is_some_and(|announced| announced != sha256) {
            self.abandon(id).await?;
            return Err(BlobError::WrongDigest);
        }
        let parts = progress.parts.into_iter().map(|content_id| PartId { content_id }).collect();
        self.0.complete_multipart(&blob(id), &progress.upload, parts).await.map_err(failed)?;
        self.0.delete(&upload(id)).await.map_err(failed)?;
        Ok(Stored { id, size: progress.size, sha256 })
    }

    async fn abandon(&self, id: BlobId) -> Result<(), BlobError> {
        let progress = match self.progress(id).await {
            Ok(progress) => progress,
            other => return absent_is_fine(other.map(drop)),
        };
        absent_is_fine(self.0.abort_multipart(&blob(id), &progress.upload).await.map_err(failed))?;
        absent_is_fine(self.0.delete(&upload(id)).await.map_err(failed))
    }

    async fn size(&self, id: BlobId) -> Result<u64, BlobError> {
        Ok(self.0.head(&blob(id)).await.map_err(failed)?.size)
    }

    async fn get(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..Default::default() };
        let found = self.0.get_opts(&blob(id), options).await.map_err(failed)?;
        Ok(found.into_stream().map_err(failed).boxed())
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        absent_is_fine(self.0.delete(&blob(id)).await.map_err(failed))
    }
}

fn upload(id: BlobId) -> Path {
    Path::from(format!("uploads/{id}"))
}

fn blob(id: BlobId) -> Path {
    Path::from(format!("blobs/{id}"))
}

fn resumed(state: &[u8]) -> Result<Sha256, BlobError> {
    let state = SerializedState::<Sha256>::try_from(state).map_err(|error| unreadable(error.into()))?;
    Sha256::deserialize(&state).map_err(|error| unreadable(error.into()))
}

fn failed(error: object_store::Error) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::NotFound,
        error => BlobError::Store(StoreError::unavailable(error)),
    }
}

fn unreadable(source: Box<dyn std::error::Error + Send + Sync>) -> BlobError {
    let column = "progress".to_owned();
    BlobError::Store(StoreError::Inconsistent { table: "uploads", column, source: source.into() })
}
