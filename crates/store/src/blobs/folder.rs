//! Blobs as files: `uploads/ID` while they arrive, `blobs/AB/ID` once they are finished.
//!
//! `object_store` has a local back end, but none whose uploads survive the process; this is shorter than working
//! around that.

use std::{
    io::{SeekFrom, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use super::{Append, Backend, BlobError, BlobId, ByteStream, Claim, Stored, absent_is_fine, grown};
use crate::StoreError;

/// Bytes in memory of a file that is read.
const PIECE: usize = 64 << 10;

/// Bytes of an upload that are written together, however small the pieces are in which they come.
const WRITTEN: usize = 16 << 10;
/// Writes to the disk at once: more would not be faster, and each is a thread that takes the processor from others.
const WRITERS: usize = 8;

pub(super) struct Folder {
    uploads: PathBuf,
    blobs: PathBuf,
    writers: Arc<Semaphore>,
}

impl Folder {
    pub(super) async fn open(path: &Path) -> Result<Self, BlobError> {
        let folder = Self {
            uploads: path.join("uploads"),
            blobs: path.join("blobs"),
            writers: Arc::new(Semaphore::new(WRITERS)),
        };
        fs::create_dir_all(&folder.uploads).await?;
        fs::create_dir_all(&folder.blobs).await?;
        sync_folder(path).await?;
        Ok(folder)
    }

    fn upload(&self, id: BlobId) -> PathBuf {
        self.uploads.join(id.to_string())
    }

    /// Runs what waits for the disk where it is in nobody's way. Once begun it goes on when its caller gives up.
    async fn writing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let place = place(&self.writers).await?;
        finished(in_place(place, work)).await
    }

    /// In 256 folders, so that none grows too large.
    fn blob(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        self.blobs.join(name.get(..2).unwrap_or_default()).join(name)
    }
}

/// An upload that is written to. A write that has begun goes on when its caller gives up, and so does the claim.
struct Upload {
    file: std::fs::File,
    _claim: Claim,
}

/// What came of an upload, of which the last bytes are not written yet. When the request is dropped, they are written all the
/// same, if not yet durable: `offset` counts what came.
struct Gathered {
    writers: Arc<Semaphore>,
    /// Not while it is written to.
    upload: Option<Upload>,
    waiting: BytesMut,
    /// Where its name stands, which has to be as durable as its bytes.
    folder: PathBuf,
}

impl Gathered {
    async fn write(&mut self) -> Result<(), BlobError> {
        let place = place(&self.writers).await?;
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        let mut waiting = std::mem::take(&mut self.waiting);
        let written = in_place(place, move || {
            upload.file.write_all(&waiting)?;
            waiting.clear();
            Ok((upload, waiting))
        });
        let (upload, waiting) = finished(written).await?;
        (self.upload, self.waiting) = (Some(upload), waiting);
        Ok(())
    }

    /// Writes the rest and makes all of it durable.
    async fn end(mut self) -> Result<(), BlobError> {
        let place = place(&self.writers).await?;
        match self.rest() {
            Some(rest) => finished(in_place(place, rest)).await,
            None => Ok(()),
        }
    }

    fn rest(&mut self) -> Option<impl FnOnce() -> std::io::Result<()> + Send + use<>> {
        let upload = self.upload.take()?;
        let (waiting, folder) = (std::mem::take(&mut self.waiting), self.folder.clone());
        Some(move || {
            // All of it goes along: its claim is held until this ends.
            let mut upload = upload;
            upload.file.write_all(&waiting)?;
            upload.file.sync_data()?;
            // Whoever began it may have been dropped before this.
            std::fs::File::open(folder)?.sync_all()
        })
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if let Some(rest) = self.rest() {
            let writers = self.writers.clone();
            runtime.spawn(async move {
                // Nobody is there to be told: whoever goes on with it asks how far it is.
                let Ok(place) = place(&writers).await else { return };
                if let Err(error) = finished(in_place(place, rest)).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "what came of an upload is not all written"
                    );
                }
            });
        }
    }
}

async fn place(writers: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, BlobError> {
    Ok(writers.clone().acquire_owned().await.map_err(StoreError::unavailable)?)
}

/// Does it on a thread of its own, also when nobody waits for it any more.
fn in_place<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> JoinHandle<std::io::Result<T>> {
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    })
}

async fn finished<T>(work: JoinHandle<std::io::Result<T>>) -> Result<T, BlobError> {
    Ok(work.await.map_err(StoreError::unavailable)??)
}

#[async_trait]
impl Backend for Folder {
    async fn begin(&self, id: BlobId) -> Result<(), BlobError> {
        let upload = self.upload(id);
        // It holds nothing that could be lost: its name is made durable with the first bytes.
        self.writing(move || std::fs::OpenOptions::new().write(true).create_new(true).open(upload).map(drop))
            .await
    }

    async fn offset(&self, id: BlobId) -> Result<u64, BlobError> {
        Ok(fs::metadata(self.upload(id)).await?.len())
    }

    async fn append(&self, id: BlobId, more: Append) -> Result<u64, BlobError> {
        let Append { claim, offset, mut bytes, limit, .. } = more;
        let path = self.upload(id);
        let opened = self.writing(move || {
            let file = std::fs::OpenOptions::new().append(true).open(path)?;
            let size = file.metadata()?.len();
            Ok((Upload { file, _claim: claim }, size))
        });
        let (upload, mut size) = opened.await?;
        if size != offset {
            return Err(BlobError::WrongOffset { offset: size });
        }
        let folder = self.uploads.clone();
        let mut gathered = Gathered {
            writers: self.writers.clone(),
            upload: Some(upload),
            waiting: BytesMut::new(),
            folder,
        };
        let mut outcome = Ok(());
        while let Some(piece) = bytes.next().await {
            match piece.and_then(|piece| Ok((grown(size, piece.len(), limit)?, piece))) {
                Ok((larger, piece)) => {
                    size = larger;
                    gathered.waiting.extend_from_slice(&piece);
                    if gathered.waiting.len() >= WRITTEN {
                        gathered.write().await?;
                    }
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        // Also what came before the bytes broke off: `offset` counts it.
        gathered.end().await?;
        outcome.map(|()| size)
    }

    async fn finish(&self, id: BlobId, announced: Option<[u8; 32]>) -> Result<Stored, BlobError> {
        let upload = self.upload(id);
        // The file itself is asked, not a memory of what was sent.
        let mut file = File::open(&upload).await?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut piece = vec![0; PIECE];
        loop {
            let read = file.read(&mut piece).await?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            size = grown(size, read, u64::MAX)?;
        }
        let sha256: [u8; 32] = hash.finalize().into();
        if announced.is_some_and(|announced| announced != sha256) {
            fs::remove_file(&upload).await?;
            return Err(BlobError::WrongDigest);
        }
        file.sync_all().await?;
        let blob = self.blob(id);
        let folder = blob.parent().unwrap_or(&self.blobs);
        fs::create_dir_all(folder).await?;
        fs::rename(&upload, &blob).await?;
        // The name in its folder, and the folder in its own.
        sync_folder(folder).await?;
        sync_folder(&self.blobs).await?;
        Ok(Stored { id, size, sha256 })
    }

    async fn abandon(&self, id: BlobId) -> Result<(), BlobError> {
        absent_is_fine(fs::remove_file(self.upload(id)).await.map_err(Into::into))
    }

    async fn size(&self, id: BlobId) -> Result<u64, BlobError> {
        Ok(fs::metadata(self.blob(id)).await?.len())
    }

    async fn get(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        let mut file = File::open(self.blob(id)).await?;
        file.seek(SeekFrom::Start(range.start)).await?;
        let file = file.take(range.end - range.start);
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).await?;
            piece.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(piece), file)))
        });
        Ok(pieces.boxed())
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        absent_is_fine(fs::remove_file(self.blob(id)).await.map_err(Into::into))
    }
}

/// Makes the names in a folder durable.
async fn sync_folder(path: &Path) -> Result<(), BlobError> {
    Ok(File::open(path).await?.sync_all().await?)
}
