//! Who has a SQLite file open.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{sleep, timeout};

use crate::StoreError;

/// How soon to look again whether the other process is gone.
const AGAIN: Duration = Duration::from_millis(25);

/// The right to a SQLite file, as long as this or a clone of it lives.
///
/// SQLite itself lets several processes write in turn, but what stands on it does not: signals stay within a process,
/// and so do the writer's queues. Two servers on one file would lose each other's wake-ups without a word.
///
/// It is an advisory lock on a file beside the database, which the system takes back however the process ends. Not on
/// the database itself: closing a file gives up all locks of the process on it, SQLite's too.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// None of who only works beside an owner for a while.
    file: Option<Arc<File>>,
    shared: bool,
}

impl Owner {
    /// Waits up to `wait` until nobody else has it: a server that is replaced may still be finishing. Those that
    /// are `shared` stand in nobody's way but that of one who is not.
    pub(super) async fn of(path: &Path, shared: bool, wait: Duration) -> Result<Self, StoreError> {
        let lock = beside(path);
        // It stays when we go: removing it would let two processes lock two files of the same name.
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(|error| StoreError::unavailable(format!("{}: {error}", lock.display())))?;
        let locked = async {
            loop {
                match if shared { file.try_lock_shared() } else { file.try_lock() } {
                    Err(TryLockError::WouldBlock) => sleep(AGAIN).await,
                    Err(TryLockError::Error(error)) => return Err(StoreError::unavailable(error)),
                    Ok(()) => return Ok(()),
                }
            }
        };
        let taken = |_| {
            let (path, lock) = (path.display(), lock.display());
            StoreError::unavailable(format!(
                "another process has this database open: {path} (locked by {lock})"
            ))
        };
        timeout(wait, locked).await.map_err(taken)??;
        Ok(Self { file: Some(Arc::new(file)), shared })
    }

    /// No right, and none that another has is in its way: of who only works beside an owner for a while.
    pub(super) const fn beside() -> Self {
        Self { file: None, shared: true }
    }

    /// Whether nobody else can have it.
    pub(super) const fn is_alone(&self) -> bool {
        self.file.is_some() && !self.shared
    }

    /// Gives the right up, also that of all clones.
    pub(super) fn leave(&self) {
        // If it fails, the lock goes with the last clone.
        let _ = self.file.as_ref().map(|file| file.unlock());
    }
}

/// The lock file: by its real name, so that nobody comes in by a link from another folder.
fn beside(path: &Path) -> PathBuf {
    let mut name: OsString = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into();
    name.push(".lock");
    name.into()
}
