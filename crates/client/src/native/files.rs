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

/// A file that comes: written beside its place under another name, and put there when it is whole and right.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl FileSink {
    /// Begins a file that will be `path`. What is there is replaced when it is finished.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn create(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".part");
        let beside = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // What was encrypted on its way is for its reader alone.
        #[cfg(unix)]
        options.mode(0o600);
        Ok(Self { file: options.open(&beside).await?, beside, path: path.to_owned() })
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
        tokio::fs::rename(&self.beside, &self.path).await
    }

    async fn abort(&mut self) -> io::Result<()> {
        tokio::fs::remove_file(&self.beside).await
    }
}
