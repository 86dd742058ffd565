//! The zip of an export, written by a thread of its own: under a temporary name, readable by its owner only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use tokio::{sync::mpsc, task::JoinHandle};
use zip::{CompressionMethod, ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::partial;

/// Why the zip was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// There is a file of that name.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("it cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A defect.
    #[error("its zip: {0}")]
    Zip(#[from] ZipError),
}

enum Part {
    Begin { name: String, packed: bool },
    Bytes(Bytes),
    Finish,
}

/// A zip that is being written.
pub(super) struct Pack {
    to: PathBuf,
    replace: bool,
    parts: mpsc::Sender<Part>,
    thread: JoinHandle<Result<(), PackError>>,
}

impl Pack {
    pub(super) async fn create(to: &Path, replace: bool) -> Result<Self, PackError> {
        if !replace && to.exists() {
            return Err(PackError::Exists(to.to_owned()));
        }
        let (parts, from) = mpsc::channel(8);
        let path = partial(to);
        // Before anything is read.
        let file =
            tokio::task::spawn_blocking(move || owners_only(&path)).await.map_err(io::Error::other)??;
        let thread = tokio::task::spawn_blocking(move || write(file, from));
        Ok(Self { to: to.to_owned(), replace, parts, thread })
    }

    /// What follows is this file, of text.
    pub(super) async fn begin(&mut self, name: &str) -> Result<(), PackError> {
        self.hand(Part::Begin { name: name.to_owned(), packed: false }).await
    }

    /// What follows is this file, which was packed when it was made.
    pub(super) async fn begin_packed(&mut self, name: &str) -> Result<(), PackError> {
        self.hand(Part::Begin { name: name.to_owned(), packed: true }).await
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), PackError> {
        self.hand(Part::Bytes(bytes)).await
    }

    async fn hand(&mut self, part: Part) -> Result<(), PackError> {
        if self.parts.send(part).await.is_ok() {
            return Ok(());
        }
        // The thread says what is wrong.
        match (&mut self.thread).await {
            Ok(Err(error)) => Err(error),
            other => Err(io::Error::other(format!("the zip ended early: {other:?}")).into()),
        }
    }

    /// Ends the zip and gives it its name.
    pub(super) async fn finish(mut self) -> Result<(), PackError> {
        self.hand(Part::Finish).await?;
        let Self { to, replace, parts, thread } = self;
        drop(parts);
        let ended = thread.await.map_err(io::Error::other)?;
        let named = ended.and_then(|()| name(&to, replace));
        if named.is_err() {
            let _ = fs::remove_file(partial(&to));
        }
        named
    }

    /// Leaves nothing.
    pub(super) async fn abandon(self) {
        drop(self.parts);
        if !self.thread.is_finished() {
            let _ = self.thread.await;
        }
        let _ = fs::remove_file(partial(&self.to));
    }
}

/// What is in it is for nobody else.
fn owners_only(path: &Path) -> io::Result<File> {
    // It may be left over from another time, or be somebody's link to elsewhere.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn name(to: &Path, replace: bool) -> Result<(), PackError> {
    let partial = partial(to);
    if replace {
        return Ok(fs::rename(partial, to)?);
    }
    // Unlike a new name, a second one never takes the place of a file that has come meanwhile.
    match fs::hard_link(&partial, to) {
        Ok(()) => Ok(fs::remove_file(partial)?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(PackError::Exists(to.to_owned())),
        // Not every file system has second names.
        Err(_) => Ok(fs::rename(partial, to)?),
    }
}

fn write(file: File, mut parts: mpsc::Receiver<Part>) -> Result<(), PackError> {
    let mut zip = ZipWriter::new(BufWriter::with_capacity(256 << 10, file));
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Begin { name, packed } => {
                let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
                // How large it will be is not known: with room for more than 4 GiB.
                let options = SimpleFileOptions::default().compression_method(method).large_file(true);
                zip.start_file(name, options)?;
            }
            Part::Bytes(bytes) => zip.write_all(&bytes)?,
            Part::Finish => {
                let file = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
                return Ok(file.sync_all()?);
            }
        }
    }
    // Nobody finished it.
    drop(zip);
    Ok(())
}
