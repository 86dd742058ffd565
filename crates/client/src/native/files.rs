use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _},
};

use crate::{Sink, Source};

/// A file to be sent.
#[derive(Debug)]
pub struct FileSource(File);

impl FileSource {
    /// Opens it.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn open(path: &Path) -> io::Result<Self> {
        File::open(path).await.map(Self)
    }
}

#[async_trait]
impl Source for FileSource {
    async fn size(&mut self) -> io::Result<u64> {
        Ok(self.0.metadata().await?.len())
    }

    async fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.0.seek(SeekFrom::Start(offset)).await?;
        let mut bytes = Vec::with_capacity(len);
        (&mut self.0).take(len as u64).read_to_end(&mut bytes).await?;
        Ok(bytes.into())
    }
}

/// Names beside a file that are tried.
const NAMES: u32 = 1000;

/// A file that comes: written beside its place under a name of its own, and put there when it is whole and right. What
/// is there already is never written to, also not through a link.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl FileSink {
    /// Begins a file that will be `path`, which must be free then and when it is finished. Until then it is `path.part`,
    /// or `path.N.part` if that is taken.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::AlreadyExists`].
    pub async fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        if tokio::fs::symlink_metadata(path).await.is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What was encrypted on its way is for its reader alone.
        #[cfg(unix)]
        options.mode(0o600);
        for number in 0..NAMES {
            let mut name = name.to_owned();
            name.push(if number == 0 { ".part".to_owned() } else { format!(".{number}.part") });
            let beside = path.with_file_name(name);
            match options.open(&beside).await {
                Ok(file) => return Ok(Self { file, beside, path: path.to_owned() }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives it its name, unless something has that already.
    async fn name(&self) -> io::Result<()> {
        // Unlike a renaming, this replaces nothing.
        match tokio::fs::hard_link(&self.beside, &self.path).await {
            Ok(()) => tokio::fs::remove_file(&self.beside).await,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            Err(_) if tokio::fs::symlink_metadata(&self.path).await.is_err() => {
                tokio::fs::rename(&self.beside, &self.path).await
            }
            Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }
}

#[async_trait]
impl Sink for FileSink {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let named = self.name().await;
        if named.is_err() {
            // The first error is the one to tell.
            let _ = tokio::fs::remove_file(&self.beside).await;
        }
        named
    }

    async fn abort(&mut self) -> io::Result<()> {
        tokio::fs::remove_file(&self.beside).await
    }
}
