//! Documents that go with an application: seen by the business and the operator, and by nobody else.

use std::{sync::Arc, time::Duration};

use ::store::{
    blobs::{BlobError, BlobId, Blobs, ByteStream},
    jobs::{Failure, Handler, Job},
};
use async_trait::async_trait;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;
use wire::{BusinessId, api};

use super::{application::file_name, editable, held, store};
use crate::{
    RelayError,
    blobs::upload::paced,
    devices::since_1970,
    edge::Patience,
    ground::{Ground, shard_of},
    limits::Buckets,
};

/// The jobs that remove what did not arrive, and what was removed.
pub(crate) const REMOVAL: &str = "document_removal";
/// How long a document may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(60 * 60);
/// Bytes by which a kind of file is known.
const MAGIC: usize = 8;

/// Keeps documents.
#[derive(Debug)]
pub struct Documents {
    ground: Arc<Ground>,
    blobs: Blobs,
    changes: Buckets<BusinessId>,
}

/// A document on its way in.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) name: String,
    /// How many bytes it will have.
    pub(super) length: u64,
    pub(super) body: Body,
    pub(super) patience: Patience,
}

/// A document on its way out.
pub struct Found {
    /// What it is.
    pub document: api::Document,
    /// Its bytes.
    pub bytes: ByteStream,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("id", &self.document.id).finish_non_exhaustive()
    }
}

impl Documents {
    /// On this ground, in this place.
    #[must_use]
    pub fn new(ground: Arc<Ground>, blobs: Blobs) -> Arc<Self> {
        let limits = &ground.config.limits;
        let changes = Buckets::new(limits.changes, limits.remembered, ground.clock.clone());
        Arc::new(Self { ground, blobs, changes })
    }

    /// Bytes of a document at most: it is kept where blobs are.
    fn limit(&self) -> u64 {
        let config = &self.ground.config;
        config.businesses.document_bytes.min(config.blobs.limit)
    }

    /// Takes a document of a draft, or of what was rejected. What it is, is told by its first bytes.
    ///
    /// # Errors
    /// `Invalid` if it is no PDF, PNG or JPEG or breaks off, `TooLarge`, `Conflict` after it was submitted,
    /// `RateLimited`; those of the storage.
    pub(super) async fn add(
        &self,
        business: BusinessId,
        arriving: Arriving,
    ) -> Result<api::Document, RelayError> {
        self.changes.take(&business)?;
        let Arriving { name, length, body, patience } = arriving;
        let name = Arc::new(file_name(&name)?);
        let limit = self.limit();
        if length > limit {
            return Err(RelayError::TooLarge { what: "a document in bytes", limit });
        }
        let (content_type, body) = peeked(body, patience.idle).await?;
        let id = self.blobs.begin().await?;
        let now = self.ground.now();
        let (expires, most) = (now.after(ARRIVAL), self.ground.config.businesses.documents);
        let (shard, called) = (shard_of(business.as_bytes()), name.clone());
        let begun = self.ground.write(shard, move |transaction| {
            let name = called.clone();
            Box::pin(async move {
                editable(&held(transaction, business).await?)?;
                if store::count_documents(transaction, business).await? >= i64::from(most) {
                    return Err(RelayError::TooLarge { what: "a business in documents", limit: most.into() });
                }
                Ok(store::begin_document(transaction, business, id, &name, (now, expires)).await?)
            })
        });
        if let Err(error) = begun.await {
            // Nobody will ever ask for it. If this fails too, an empty file stays.
            let _ = self.blobs.abandon(id).await;
            return Err(error);
        }
        match self.arrive(business, id, content_type, (body, patience.idle)).await {
            Ok(size) => {
                let (name, content_type) = ((*name).clone(), content_type.to_owned());
                Ok(api::Document { id: id.to_string(), name, content_type, size, created: since_1970(now) })
            }
            Err(error) => {
                // It does not count any more. If this fails, it goes when its time is over.
                let _ = self.remove_row(business, id).await;
                Err(error)
            }
        }
    }

    async fn arrive(
        &self,
        business: BusinessId,
        id: BlobId,
        content_type: &'static str,
        (body, idle): (Body, Duration),
    ) -> Result<u64, RelayError> {
        let bytes = paced(body, idle, self.ground.config.blobs.slowest);
        self.blobs.append(id, 0, bytes, true).await?;
        let stored = self.blobs.finish(id, None).await?;
        let limit = self.limit();
        let size = i64::try_from(stored.size).ok().filter(|_| stored.size <= limit);
        let size = size.ok_or(RelayError::TooLarge { what: "a document in bytes", limit })?;
        let finished = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            Box::pin(async move {
                // It may have been submitted meanwhile: what the operator looks at does not change.
                editable(&held(transaction, business).await?)?;
                Ok(store::finish_document(transaction, id, content_type, size).await?)
            })
        });
        if finished.await? { Ok(stored.size) } else { Err(RelayError::NotFound) }
    }

    /// Removes a document of a draft, or of what was rejected.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` after it was submitted, `RateLimited`; those of the database.
    pub async fn remove(&self, business: BusinessId, id: BlobId) -> Result<(), RelayError> {
        self.changes.take(&business)?;
        if self.remove_row(business, id).await? { Ok(()) } else { Err(RelayError::NotFound) }
    }

    async fn remove_row(&self, business: BusinessId, id: BlobId) -> Result<bool, RelayError> {
        let now = self.ground.now();
        let removed = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            Box::pin(async move {
                editable(&held(transaction, business).await?)?;
                Ok(store::remove_document(transaction, business, id, now).await?)
            })
        });
        let removed = removed.await?;
        self.ground.jobs.wake(REMOVAL).await;
        Ok(removed)
    }

    /// A document of a business.
    ///
    /// # Errors
    /// `NotFound`; those of the storage.
    pub async fn get(&self, business: BusinessId, id: BlobId) -> Result<Found, RelayError> {
        let row = store::document(&mut self.ground.reader().await?, business, id).await?;
        let document = to_api(row.ok_or(RelayError::NotFound)?);
        let bytes = self.blobs.get(id, 0..document.size).await?;
        Ok(Found { document, bytes })
    }
}

pub(super) fn to_api(row: store::Document) -> api::Document {
    api::Document {
        id: row.id,
        name: row.name,
        content_type: row.content_type,
        size: u64::try_from(row.size).unwrap_or_default(),
        created: since_1970(row.created),
    }
}

/// What a body is, and the body.
async fn peeked(body: Body, idle: Duration) -> Result<(&'static str, Body), RelayError> {
    let mut pieces = body.into_data_stream();
    let mut head = BytesMut::new();
    while head.len() < MAGIC {
        let piece =
            timeout(idle, pieces.next()).await.map_err(|_| RelayError::invalid("the body took too long"))?;
        match piece {
            Some(Ok(piece)) => head.extend_from_slice(&piece),
            Some(Err(_)) => {
                return Err(RelayError::from(BlobError::Interrupted("the body broke off".into())));
            }
            None => break,
        }
    }
    let kind = kind(&head).ok_or_else(|| RelayError::field("document", "a PDF, PNG or JPEG file"))?;
    let head: Bytes = head.freeze();
    Ok((kind, Body::from_stream(stream::iter([Ok(head)]).chain(pieces))))
}

/// What begins with these bytes, if it is something that the operator looks at.
fn kind(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ => None,
    }
}

/// The row goes first, then the bytes, so that a row never promises what is not there.
#[async_trait]
impl Handler for Documents {
    fn kind(&self) -> &'static str {
        REMOVAL
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let id = std::str::from_utf8(&job.payload).ok().and_then(|text| text.parse::<BlobId>().ok());
        let Some(id) = id else { return Err(Failure::Never("not a document".to_owned())) };
        let later = |error: &dyn std::error::Error| Failure::Later(error.to_string());
        let given_up = self.ground.write(shard_of(&job.payload), move |transaction| {
            Box::pin(async move { Ok(store::give_up(transaction, id).await?) })
        });
        if given_up.await.map_err(|error| later(&error))? {
            self.blobs.abandon(id).await.map_err(|error| later(&error))?;
            self.blobs.delete(id).await.map_err(|error| later(&error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_begins_with() {
        assert_eq!(kind(b"%PDF-1.7\n"), Some("application/pdf"));
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(kind(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        for other in [&b""[..], b"%PDF", b"PK\x03\x04", b"\x89PNG\n\x1a\n", b"<svg>", b"MZ"] {
            assert_eq!(kind(other), None, "{other:?}");
        }
    }
}
