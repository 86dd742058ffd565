//! What tests stand on: scratch databases, real servers, a clock turned by hand, seeded randomness.
//!
//! Only for tests, and only with the feature `testing`. The servers are those of the Debian packages that
//! `scripts/setup.sh` installs, started on a free port in a folder of their own and gone with the test.

mod server;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

pub use self::server::{Nats, Postgres, free_port};
use crate::{
    Clock, Entropy, StoreError, Timestamp,
    sql::{Database, DatabaseConfig},
};

/// An empty database of its own, gone when dropped.
#[derive(Debug)]
pub struct Scratch {
    /// How to open it once more.
    pub config: DatabaseConfig,
    /// It, open.
    pub database: Database,
    _folder: Option<TempDir>,
}

impl Scratch {
    /// A new file in a folder of its own.
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub async fn sqlite() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(StoreError::unavailable)?;
        let path = folder.path().join("scratch.db");
        let config = DatabaseConfig::at(format!("sqlite:{}", path.display()).as_str());
        // Tests that open it once more stand for other nodes, which PostgreSQL would have.
        let config = DatabaseConfig { shared: true, ..config };
        let database = Database::open(&config).await?;
        Ok(Self { config, database, _folder: Some(folder) })
    }

    /// A new schema on a server. It stays until the server goes.
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub async fn postgres(server: &Postgres) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("scratch{}", NEXT.fetch_add(1, SeqCst));
        server.execute(&format!("CREATE SCHEMA {name}"));
        let url = format!("{}?options=-c%20search_path%3D{name}", server.url());
        let config = DatabaseConfig::at(url.as_str());
        let database = Database::open(&config).await?;
        Ok(Self { config, database, _folder: None })
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.0.store(self.now().after(by).0, SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(SeqCst))
    }
}

/// Bytes that look random and are the same for the same seed.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<[u8; 32]>);

impl SeededEntropy {
    /// Begins with this seed.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self(Mutex::new([seed; 32]))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("nobody panics while holding it");
        for part in bytes.chunks_mut(16) {
            *state = Sha256::digest(*state).into();
            part.copy_from_slice(&state[..part.len()]);
        }
    }
}
