//! Files that come in pieces and go on where they broke off: samples of templates, and the pictures of profiles.
//!
//! Each piece is sealed under the business's key and committed before the next one is taken, so that what has arrived
//! counts, whatever becomes of the rest. What is whole has a handle, which says nothing to anybody else.

mod store;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use ::store::{Timestamp, blobs::BlobId};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, pin_mut, stream};
use tokio::task::JoinHandle;

pub(crate) use self::store::MIGRATIONS;
use self::store::{Part, Stored};
use crate::{
    HostError,
    codes::{Code, Refusal},
    config::Files,
    ground::Ground,
    ids::{BusinessId, InvalidId},
    media::{limit_of, sniff},
    sealing::{Domain, Keys, Place},
};

/// Types that are taken.
pub const TYPES: [&str; 5] = ["application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"];
/// Uploads of a business that are not finished.
const UNFINISHED: i64 = 100;
/// Bytes of a piece.
const PIECE: usize = 1 << 20;
/// How long what is not finished waits for the rest.
const WAITS: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a handle is good: 30 days.
const GOOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often to look for what is over.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// Names an upload. On the outside `upload:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UploadId([u8; 16]);

const PREFIX: &str = "upload:";
/// In front of the parts of a handle.
const HANDLE: &str = "4::";

impl UploadId {
    /// Whether this text is meant to be one.
    #[must_use]
    pub fn is(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Its words, without what stands in front.
    #[must_use]
    pub fn bare(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// From those.
    #[must_use]
    pub fn from_bare(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.bare())
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UploadId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.strip_prefix(PREFIX).and_then(Self::from_bare).ok_or(InvalidId::of("the id of an upload"))
    }
}

/// What is known of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Which.
    pub id: UploadId,
    /// Whose.
    pub business: BusinessId,
    /// What it is to be.
    pub mime_type: String,
    /// How many bytes it is to have.
    pub size: u64,
    /// How many are here.
    pub received: u64,
}

impl Upload {
    /// What names it, once it is whole.
    #[must_use]
    pub fn handle(&self) -> Option<String> {
        let whole = self.received == self.size;
        whole.then(|| format!("{HANDLE}{}:{}", URL_SAFE_NO_PAD.encode(&self.mime_type), self.id.bare()))
    }
}

impl From<Stored> for Upload {
    fn from(row: Stored) -> Self {
        let Stored { id, business, mime_type, size, received, .. } = row;
        Self { id, business, mime_type, size: size.cast_unsigned(), received: received.cast_unsigned() }
    }
}

/// Keeps uploads.
#[derive(Debug)]
pub struct Uploads {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
}

const NONE: HostError = HostError::NotFound("upload");

fn refuse(details: impl Into<std::borrow::Cow<'static, str>>) -> HostError {
    Refusal::new(Code::Parameter, details).into()
}

impl Uploads {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>) -> Arc<Self> {
        Arc::new(Self { ground, keys })
    }

    /// Begins one.
    ///
    /// # Errors
    /// `Invalid` for a type or size that is not taken, `Wait` if too many are not finished, `Refused` if all would have too
    /// many bytes; those of the database.
    pub async fn begin(&self, business: BusinessId, mime_type: &str, size: u64) -> Result<Upload, HostError> {
        let known = TYPES.iter().find(|known| known.eq_ignore_ascii_case(mime_type.trim()));
        let known = *known.ok_or_else(|| HostError::invalid("file_type", TYPES.join(", ")))?;
        let limit = limit_of(known).min(self.ground.config.files.limit);
        let stored = i64::try_from(size).ok().filter(|_| (1..=limit).contains(&size));
        let size =
            stored.ok_or_else(|| HostError::invalid("file_length", format!("from 1 to {limit} bytes")))?;
        let new = Stored {
            id: UploadId(self.ground.random()),
            business,
            mime_type: if known == "image/jpg" { "image/jpeg" } else { known }.to_owned(),
            size,
            received: 0,
            expires: Some(self.ground.now().after(WAITS)),
        };
        let row = new.clone();
        let bound = Files::bound(self.ground.config.files.uploads_per_business);
        let written = self.ground.write(business.get(), move |transaction| {
            let row = row.clone();
            Box::pin(async move {
                let (unfinished, bytes) = store::held(transaction, row.business).await?;
                if unfinished >= UNFINISHED {
                    return Err(HostError::Wait { retry_after: Duration::from_secs(60 * 60) });
                }
                // What is begun counts with all that it is to have: it will not be refused halfway.
                if bytes.saturating_add(row.size.cast_unsigned()) > bound {
                    return Err(refuse(format!(
                        "file_length: this host keeps {bound} bytes of uploads of a business, {bytes} of which are taken"
                    )));
                }
                Ok(store::insert(transaction, &row).await?)
            })
        });
        written.await?;
        Ok(new.into())
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn get(&self, id: UploadId) -> Result<Upload, HostError> {
        let found = store::get(&mut self.ground.reader().await?, id).await?;
        let now = self.ground.now();
        let found = found.filter(|row| row.expires.is_none_or(|expires| expires > now));
        found.map(Upload::from).ok_or(NONE)
    }

    /// Takes more bytes, which begin at `offset`: all that come are kept, whether or not the rest does. What is whole is
    /// looked at, and is gone if it is not what it was to be.
    ///
    /// # Errors
    /// `Refused` for an offset at which nothing is missing, and for too many or the wrong bytes; `E`'s; those of the
    /// place for files and of the database.
    pub async fn append<E: Into<HostError>>(
        &self,
        id: UploadId,
        offset: u64,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<Upload, HostError> {
        let mut upload = self.get(id).await?;
        if upload.received != offset || upload.received == upload.size {
            return Err(refuse(format!("file_offset: the upload goes on at byte {}", upload.received)));
        }
        pin_mut!(bytes);
        let mut waiting = BytesMut::new();
        let mut broken = None;
        loop {
            let ended = match bytes.next().await {
                Some(Ok(more)) => {
                    waiting.extend_from_slice(&more);
                    false
                }
                Some(Err(error)) => {
                    broken = Some(error.into());
                    true
                }
                None => true,
            };
            if upload.received + waiting.len() as u64 > upload.size {
                return Err(refuse(format!("the body: the upload has {} bytes and no more", upload.size)));
            }
            while waiting.len() >= PIECE || (ended && !waiting.is_empty()) {
                let piece = waiting.split_to(waiting.len().min(PIECE));
                self.add(&mut upload, &piece).await?;
            }
            if ended {
                break;
            }
        }
        if let Some(error) = broken {
            return Err(error);
        }
        if upload.received == upload.size {
            self.check(&upload).await?;
        }
        Ok(upload)
    }

    /// Seals a piece and commits it.
    async fn add(&self, upload: &mut Upload, piece: &[u8]) -> Result<(), HostError> {
        let (id, start) = (upload.id, upload.received);
        let key = self.keys.of(upload.business).await?;
        let name = name(id, start);
        let place = Place { domain: Domain::Business, name: &name };
        let sealed = key.seal(place, self.ground.random(), piece)?.into_stored();
        let sealed = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(sealed))]);
        let blob = self.ground.blobs.put(sealed).await?.id;
        let part = Arc::new(Part {
            start: start.cast_signed(),
            size: i64::try_from(piece.len()).unwrap_or(i64::MAX),
            blob: blob.to_string(),
        });
        let whole = start + piece.len() as u64 == upload.size;
        let expires = self.ground.now().after(if whole { GOOD } else { WAITS });
        let written = self.ground.write(upload.business.get(), move |transaction| {
            let part = part.clone();
            Box::pin(async move { Ok(store::add_part(transaction, id, &part, expires).await?) })
        });
        match written.await {
            Ok(true) => {
                upload.received += piece.len() as u64;
                Ok(())
            }
            // Somebody else was faster.
            Ok(false) => {
                self.ground.blobs.delete(blob).await?;
                Err(refuse("file_offset: another request writes to this upload"))
            }
            // It may have been written after all, and then a row names the piece.
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                let _ = self.ground.blobs.delete(blob).await;
                Err(error)
            }
        }
    }

    async fn check(&self, upload: &Upload) -> Result<(), HostError> {
        let head = self.pieces(upload).await?.into_iter().next();
        let head = match head {
            Some(part) => self.piece(upload, &part).await?,
            None => Vec::new(),
        };
        let found = sniff(&head);
        // Clients say of any picture that it is a JPEG.
        let is_picture = |kind: &str| ["image/jpeg", "image/jpg", "image/png"].contains(&kind);
        let same = found.is_some_and(|found| {
            found == upload.mime_type
                || (is_picture(found) && is_picture(&upload.mime_type))
                || (upload.mime_type == "video/mp4" && found.ends_with("/mp4"))
        });
        if same {
            return Ok(());
        }
        self.remove(upload.id).await?;
        Err(refuse("the body: the file is not what its type says"))
    }

    async fn pieces(&self, upload: &Upload) -> Result<Vec<Part>, HostError> {
        Ok(store::parts(&mut self.ground.reader().await?, upload.id).await?)
    }

    /// A piece is the business's own, not a person's: it needs no purpose.
    async fn piece(&self, upload: &Upload, part: &Part) -> Result<Vec<u8>, HostError> {
        let blob: BlobId = part.blob.parse()?;
        let size = self.ground.blobs.size(blob).await?;
        let mut bytes = self.ground.blobs.get(blob, 0..size).await?;
        let mut sealed = Vec::new();
        while let Some(more) = bytes.next().await {
            sealed.extend_from_slice(&more?);
        }
        let name = name(upload.id, part.start.cast_unsigned());
        let key = self.keys.for_opening(upload.business, [&*sealed].into_iter()).await?;
        Ok(key.open_own(&name, &sealed)?.to_vec())
    }

    /// What a handle names, if it is whole and this business's.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn of_handle(&self, business: BusinessId, handle: &str) -> Result<Upload, HostError> {
        // Of several lines the first: some clients join the handles of several files.
        let line = handle.lines().next().unwrap_or_default().trim();
        let id = line.strip_prefix(HANDLE).and_then(|rest| rest.rsplit(':').next());
        let id = id.and_then(UploadId::from_bare).ok_or(NONE)?;
        let upload = self.get(id).await?;
        let good = upload.business == business && upload.handle().as_deref() == Some(line);
        if good { Ok(upload) } else { Err(NONE) }
    }

    /// All bytes of one that is whole, piece by piece as they are taken.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stream(
        self: &Arc<Self>,
        upload: &Upload,
    ) -> Result<impl Stream<Item = Result<Bytes, HostError>> + Send + 'static, HostError> {
        let (this, upload) = (self.clone(), upload.clone());
        let pieces = self.pieces(&upload).await?;
        Ok(stream::iter(pieces).then(move |part| {
            let (this, upload) = (this.clone(), upload.clone());
            async move { this.piece(&upload, &part).await.map(Bytes::from) }
        }))
    }

    /// All bytes of one that is whole.
    ///
    /// # Errors
    /// `NotFound`; those of the place for files and of the database.
    pub async fn open(&self, upload: &Upload) -> Result<Vec<u8>, HostError> {
        let mut whole = Vec::new();
        for part in self.pieces(upload).await? {
            whole.extend(self.piece(upload, &part).await?);
        }
        if whole.len() as u64 == upload.size { Ok(whole) } else { Err(NONE) }
    }

    /// Keeps one for as long as it is in use, or (`false`) no longer.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(&self, upload: &Upload, kept: bool) -> Result<(), HostError> {
        let (id, until) = (upload.id, if kept { None } else { Some(self.ground.now()) });
        let written = self.ground.write(upload.business.get(), move |transaction| {
            Box::pin(async move { Ok(store::keep(transaction, id, until).await?) })
        });
        written.await
    }

    /// Deletes what is over and what belongs to nobody any more, from time to time.
    pub fn start_sweeping(self: &Arc<Self>) -> JoinHandle<()> {
        let uploads = self.clone();
        tokio::spawn(async move {
            let closing = uploads.ground.closing.clone();
            loop {
                if let Err(error) = uploads.sweep().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old uploads were not deleted");
                }
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(SWEEP) => {}
                }
            }
        })
    }

    /// Deletes what is over and what belongs to nobody any more.
    ///
    /// # Errors
    /// Those of the place for files and of the database.
    pub async fn sweep(&self) -> Result<(), HostError> {
        loop {
            let now: Timestamp = self.ground.now();
            let rows = store::expired(&mut self.ground.reader().await?, now, 100).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                self.remove(row.id).await?;
            }
        }
    }

    /// The blobs first: a row without its blob is swept again, a blob without its row would stay for ever.
    async fn remove(&self, id: UploadId) -> Result<(), HostError> {
        for part in store::parts(&mut self.ground.reader().await?, id).await? {
            self.ground.blobs.delete(part.blob.parse()?).await?;
        }
        let written = self
            .ground
            .write(0, move |transaction| Box::pin(async move { Ok(store::delete(transaction, id).await?) }));
        written.await
    }
}

fn name(id: UploadId, start: u64) -> Vec<u8> {
    format!("{id} {start}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_has_one_spelling_and_a_handle_once_it_is_whole() {
        let id = UploadId([7; 16]);
        assert_eq!(id.to_string().parse::<UploadId>().unwrap(), id);
        for bad in ["", "upload:", "upload:x", &id.bare(), &format!("{id}A"), &format!("{id}=")] {
            assert!(bad.parse::<UploadId>().is_err(), "{bad}");
        }
        let business = BusinessId::from_name(1);
        let mut upload = Upload { id, business, mime_type: "image/png".to_owned(), size: 2, received: 1 };
        assert_eq!(upload.handle(), None);
        upload.received = 2;
        assert!(upload.handle().unwrap().starts_with("4::"));
    }
}
