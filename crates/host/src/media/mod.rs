//! Files: of the business, and those that people sent. Each is encrypted in chunks under a key of its own, which is sealed
//! under the business's; they go in and out as streams.

mod address;
mod chunks;
mod fetch;
mod imported;
mod kinds;
mod links;
mod relay;
mod room;
mod store;

use std::{
    error::Error,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use ::store::{
    Timestamp,
    blobs::{BlobError, BlobId},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream, stream::BoxStream};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

pub(crate) use self::kinds::ending;
pub use self::kinds::{limit_of, sniff};
pub(crate) use self::store::MIGRATIONS;
use self::{
    chunks::{CHUNK, SEALED},
    links::Links,
    room::{Coming, Room},
    store::{Row, Written},
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    config::Files,
    ground::Ground,
    ids::{BusinessId, MediaId, NumberId},
    numbers::Number,
    purposes::{Access, Gate, Plain, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// How long a file of the business is kept: 30 days.
const OWN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a file that a person sent is kept: 7 days, or as long as the business stores chats.
const RECEIVED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Files that wait in memory at the same time.
const HELD: usize = 8;
/// How long one waits for a place there.
const PLACE: Duration = Duration::from_secs(10);

/// Files.
#[derive(Debug)]
pub struct Media {
    ground: Arc<Ground>,
    gate: Arc<Gate>,
    held: Semaphore,
    room: Room,
    links: Links,
    /// What absolute addresses begin with.
    base: OnceLock<String>,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaAbout {
    /// Its id.
    pub id: MediaId,
    /// The number that it belongs to.
    pub number: NumberId,
    /// Whose it is.
    pub business: BusinessId,
    /// Its type.
    pub mime_type: String,
    /// Bytes.
    pub size: u64,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its name, if it was given one.
    pub filename: Option<String>,
    /// When it is deleted.
    pub expires: Timestamp,
}

/// What is sealed of a file.
#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    key: [u8; 32],
    sha256: String,
    filename: Option<String>,
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

/// What was counted while a file went by.
struct Tally {
    hasher: Sha256,
    size: u64,
    coming: Coming,
}

impl Media {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self {
            ground,
            gate,
            held: Semaphore::new(HELD),
            room: Room::default(),
            links: Links::new(),
            base: OnceLock::new(),
        })
    }

    /// A place among the files that wait in memory until it is known what they are. There are few: none comes if nobody
    /// gives one back in time.
    pub async fn place_in_memory(&self) -> Option<SemaphorePermit<'_>> {
        let place = tokio::time::timeout(PLACE, self.held.acquire()).await;
        place.ok().and_then(Result::ok)
    }

    /// Takes a file of the business in. Its bytes must be what the type says.
    ///
    /// # Errors
    /// `Refused` for a type or size that the API does not take, and for more than the host keeps for a business; `Blob`;
    /// those of the database.
    pub async fn put<E>(
        &self,
        number: &Number,
        mime_type: &str,
        filename: Option<String>,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<MediaId, HostError>
    where
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let limit = limit_of(mime_type).min(self.ground.config.files.limit);
        let mut bytes = bytes.boxed();
        let mut first = BytesMut::new();
        while first.len() < kinds::HEAD {
            match bytes.next().await {
                Some(Ok(more)) => first.extend_from_slice(&more),
                Some(Err(error)) => return Err(BlobError::Interrupted(error.into()).into()),
                None => break,
            }
        }
        if first.is_empty() {
            return Err(Refusal::new(Code::Parameter, "The file is empty.").into());
        }
        kinds::check(mime_type, &first)?;
        let whole = stream::iter([Ok(first.freeze())]).chain(bytes);
        let id = MediaId::random(&*self.ground.entropy);
        let expires = self.ground.now().after(OWN);
        self.store(number, id, mime_type, filename, limit, expires, whole).await?;
        Ok(id)
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a file")]
    async fn store<E>(
        &self,
        number: &Number,
        id: MediaId,
        mime_type: &str,
        filename: Option<String>,
        limit: u64,
        expires: Timestamp,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<String, HostError>
    where
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let key = Zeroizing::new(self.ground.random::<32>());
        let bound = Files::bound(self.ground.config.files.media_per_business);
        let held = store::held(&mut self.ground.reader().await?, number.business).await?;
        let coming = self.room.coming(number.business, bound.saturating_sub(held));
        // It goes when the row is written, at the end of this.
        let tally = Arc::new(Mutex::new(Tally { hasher: Sha256::new(), size: 0, coming }));
        let sealed = sealing(*key, limit, tally.clone(), bytes.boxed());
        let stored = self.ground.blobs.put(sealed).await.map_err(|error| match error {
            BlobError::Interrupted(inner) if inner.is::<TooLarge>() => HostError::Refused(Refusal::new(
                Code::MediaUpload,
                "The file is larger than a file of its type may be.",
            )),
            BlobError::Interrupted(inner) if inner.is::<NoRoom>() => full(bound),
            error => error.into(),
        })?;
        let (sha256, size) = {
            let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            (hex(&tally.hasher.clone().finalize()), tally.size)
        };
        let secret = Secret { key: *key, sha256: sha256.clone(), filename };
        let plain = Zeroizing::new(serde_json::to_vec(&secret).map_err(HostError::internal)?);
        let name = id.get().to_be_bytes();
        let place = Place { domain: Domain::Media, name: &name };
        let sealed = self.gate.seal(number.business, place, &plain).await?.into_stored();
        let row = Row {
            id,
            number: number.id,
            business: number.business,
            mime_type: mime_type.to_owned(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            blob: stored.id.to_string(),
            sealed,
            expires,
            relay: None,
            relay_until: None,
        };
        let row = Arc::new(row);
        let written = self.ground.write(number.business.get(), move |transaction| {
            let row = row.clone();
            Box::pin(async move {
                match store::insert(transaction, &row, bound).await? {
                    Written::TooMuch => Err(full(bound)),
                    written => Ok(written == Written::New),
                }
            })
        });
        match written.await {
            Ok(true) => Ok(sha256),
            // It was there: what was just written is of no use.
            Ok(false) => {
                self.ground.blobs.delete(stored.id).await?;
                Ok(sha256)
            }
            Err(error) => self.was_written(id, stored.id, error).await.map(|()| sha256),
        }
    }

    /// Whether a row was written whose writing failed: then its answer was lost, and it names this file. A file that no row
    /// names is deleted; where nobody can say, it stays, for a row may name it.
    async fn was_written(&self, id: MediaId, blob: BlobId, error: HostError) -> Result<(), HostError> {
        if error.is_transient() {
            let Ok(mut reader) = self.ground.reader().await else { return Err(error) };
            match store::by_ids(&mut reader, &[id]).await {
                Ok(rows) if rows.iter().any(|row| row.blob == blob.to_string()) => return Ok(()),
                Ok(_) => {}
                Err(_) => return Err(error),
            }
        }
        // What it leaves is swept away with what nobody finished.
        if let Err(left) = self.ground.blobs.delete(blob).await {
            tracing::warn!(error = &left as &dyn Error, "a file that nobody names stays");
        }
        Err(error)
    }

    /// What is known of a file.
    ///
    /// # Errors
    /// `NotFound`; those of the gate and of the database.
    pub async fn about(&self, id: MediaId) -> Result<MediaAbout, HostError> {
        let row = self.row(id).await?;
        let access = Access::by("media", row.business, Purpose::Deliver);
        self.known(&access, row).await
    }

    /// The same, of this business and for this purpose.
    ///
    /// # Errors
    /// As [`about`](Self::about).
    pub(crate) async fn about_for(&self, access: &Access, id: MediaId) -> Result<MediaAbout, HostError> {
        let row = self.row(id).await?;
        if row.business != access.business {
            return Err(HostError::NotFound("file"));
        }
        self.known(access, row).await
    }

    async fn known(&self, access: &Access, row: Row) -> Result<MediaAbout, HostError> {
        let secret = self.secret(access, &row).await?;
        Ok(MediaAbout {
            id: row.id,
            number: row.number,
            business: row.business,
            size: row.size.cast_unsigned(),
            sha256: secret.sha256.clone(),
            filename: secret.filename.clone(),
            expires: row.expires,
            mime_type: row.mime_type,
        })
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// `NotFound`; those of the gate and of the database; within the stream also `Sealed` for bytes that were changed.
    pub async fn open(
        &self,
        id: MediaId,
        access: &Access,
    ) -> Result<BoxStream<'static, Result<Bytes, HostError>>, HostError> {
        let row = self.row(id).await?;
        if row.business != access.business {
            return Err(HostError::NotFound("file"));
        }
        let secret = self.secret(access, &row).await?;
        let (size, key) = (row.size.cast_unsigned(), Zeroizing::new(secret.key));
        let blob: BlobId = row.blob.parse()?;
        let chunks = chunks::count(size);
        let sealed = self.ground.blobs.get(blob, 0..size + chunks * chunks::TAG as u64).await?;
        let opening =
            stream::try_unfold((sealed, BytesMut::new(), 0), move |(mut sealed, mut waiting, index)| {
                let key = key.clone();
                async move {
                    if index == chunks {
                        return Ok(None);
                    }
                    let len = chunks::sealed_len(size, index);
                    while waiting.len() < len {
                        match sealed.next().await {
                            Some(more) => waiting.extend_from_slice(&more?),
                            None => return Err(HostError::Sealed("a file was cut")),
                        }
                    }
                    let chunk = chunks::open(&key, index, index + 1 == chunks, &waiting.split_to(len))?;
                    Ok(Some((Bytes::from(chunk), (sealed, waiting, index + 1))))
                }
            });
        Ok(opening.boxed())
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn delete(&self, id: MediaId) -> Result<(), HostError> {
        let row = self.row(id).await?;
        self.remove(vec![row]).await
    }

    /// Deletes files whose time is over; whether there may be more.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep(&self) -> Result<bool, HostError> {
        let rows = store::expired(&mut self.ground.reader().await?, self.ground.now(), 100).await?;
        let more = rows.len() == 100;
        self.remove(rows).await?;
        Ok(more)
    }

    /// Deletes these files of a business: those of a person or all. How many there were.
    pub(crate) async fn remove_ids(&self, ids: &[MediaId]) -> Result<u64, HostError> {
        let rows = store::by_ids(&mut self.ground.reader().await?, ids).await?;
        let count = rows.len() as u64;
        self.remove(rows).await?;
        Ok(count)
    }

    /// Deletes some files of a business; whether there may be more.
    pub(crate) async fn remove_of(&self, business: BusinessId) -> Result<bool, HostError> {
        let rows = store::of_business(&mut self.ground.reader().await?, business, 100).await?;
        let more = rows.len() == 100;
        self.remove(rows).await?;
        Ok(more)
    }

    /// The blobs first: a row without its blob is swept again, a blob without its row would stay for ever.
    async fn remove(&self, rows: Vec<Row>) -> Result<(), HostError> {
        for row in &rows {
            self.ground.blobs.delete(row.blob.parse()?).await?;
        }
        let Some(key) = rows.first().map(|row| row.business.get()) else { return Ok(()) };
        let ids: Arc<[MediaId]> = rows.iter().map(|row| row.id).collect();
        let written = self.ground.write(key, move |transaction| {
            let ids = ids.clone();
            Box::pin(async move { Ok(store::delete(transaction, &ids).await?) })
        });
        written.await
    }

    async fn row(&self, id: MediaId) -> Result<Row, HostError> {
        let row = store::by_ids(&mut self.ground.reader().await?, &[id]).await?.pop();
        row.filter(|row| row.expires > self.ground.now()).ok_or(HostError::NotFound("file"))
    }

    async fn secret(&self, access: &Access, row: &Row) -> Result<Plain<Secret>, HostError> {
        let subject = Subject { kind: SubjectKind::Media, names: vec![row.id.to_string()] };
        let name = row.id.get().to_be_bytes();
        let sealed = Sealed::from_stored(row.sealed.clone());
        let place = Place { domain: Domain::Media, name: &name };
        let opened = self.gate.open(access, subject, &[(place, &sealed)]).await?.pop();
        let opened = opened.ok_or_else(|| HostError::internal("nothing was opened"))?;
        opened.try_map(|bytes| serde_json::from_slice(&bytes)).map_err(HostError::internal)
    }
}

/// More bytes than a file of its type may have.
#[derive(Debug, thiserror::Error)]
#[error("the file is too large")]
struct TooLarge;

/// More bytes than a business may have.
#[derive(Debug, thiserror::Error)]
#[error("the business has no room for the file")]
struct NoRoom;

fn full(bound: u64) -> HostError {
    let details =
        format!("This host keeps {bound} bytes of files of a business: there is no room for this one.");
    Refusal::new(Code::MediaUpload, details).into()
}

type Boxed = Box<dyn Error + Send + Sync>;

/// The chunks of a file, encrypted. One is held back until it is known whether it is the last.
fn sealing<E: Into<Boxed> + Send + 'static>(
    key: [u8; 32],
    limit: u64,
    tally: Arc<Mutex<Tally>>,
    bytes: BoxStream<'static, Result<Bytes, E>>,
) -> impl Stream<Item = Result<Bytes, Boxed>> + Send + 'static {
    let key = Zeroizing::new(key);
    let begin = (bytes, BytesMut::new(), 0_u64, false);
    stream::try_unfold(begin, move |(mut bytes, mut waiting, index, ended)| {
        let (key, tally) = (key.clone(), tally.clone());
        async move {
            if ended {
                return Ok(None);
            }
            let mut last = false;
            // Exactly one chunk may still be the last.
            while waiting.len() <= CHUNK && !last {
                match bytes.next().await {
                    Some(more) => {
                        let more = more.map_err(Into::into)?;
                        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                        tally.hasher.update(&more);
                        tally.size += more.len() as u64;
                        if tally.size > limit {
                            return Err(Boxed::from(TooLarge));
                        }
                        if !tally.coming.takes(more.len() as u64) {
                            return Err(Boxed::from(NoRoom));
                        }
                        waiting.extend_from_slice(&more);
                    }
                    None => last = true,
                }
            }
            let chunk = waiting.split_to(waiting.len().min(CHUNK));
            let sealed = chunks::seal(&key, index, last, &chunk).map_err(Boxed::from)?;
            debug_assert!(sealed.len() <= SEALED, "a chunk has a size");
            Ok(Some((Bytes::from(sealed), (bytes, waiting, index + 1, last))))
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
