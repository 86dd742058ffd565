//! Grounds on both engines.

use std::sync::Arc;

use host::{Config, ground::Ground};
use store::{
    Timestamp,
    blobs::{BlobConfig, Blobs, Place},
    bus::LocalBus,
    jobs::Jobs,
    sql::migrations,
    testing::{HandClock, Postgres, Scratch, SeededEntropy},
    writer::{Writer, WriterConfig, WriterTasks},
};

/// A ground, and what it stands on.
pub(crate) struct Stage {
    pub(crate) ground: Arc<Ground>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) writer: WriterTasks,
    scratch: Scratch,
    folder: tempfile::TempDir,
    _server: Option<Postgres>,
}

/// Runs `test` on SQLite and on PostgreSQL.
pub(crate) async fn on_both<F: AsyncFn(Stage)>(test: F) {
    test(Stage::on(Scratch::sqlite().await.unwrap(), None).await).await;
    let server = Postgres::start();
    let scratch = Scratch::postgres(&server).await.unwrap();
    test(Stage::on(scratch, Some(server)).await).await;
}

impl Stage {
    /// On SQLite alone: for what has no SQL of its own.
    pub(crate) async fn sqlite() -> Self {
        Self::on(Scratch::sqlite().await.unwrap(), None).await
    }

    /// Another process on the same database and bus.
    pub(crate) async fn another(&self, seed: u8) -> (Arc<Ground>, WriterTasks) {
        let database = store::sql::Database::open(&self.scratch.config).await.unwrap();
        let (writer, tasks) = Writer::start(&database, &WriterConfig::default());
        let ground = Ground {
            database,
            writer,
            jobs: Jobs::new(self.ground.bus.clone()),
            bus: self.ground.bus.clone(),
            blobs: self.ground.blobs.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            closing: tokio_util::sync::CancellationToken::new(),
            config: self.ground.config.clone(),
        };
        (Arc::new(ground), tasks)
    }

    /// The same ground, told something else.
    pub(crate) fn told(&self, change: impl FnOnce(&mut Config)) -> Arc<Ground> {
        let mut config = self.ground.config.clone();
        change(&mut config);
        Arc::new(Ground {
            database: self.ground.database.clone(),
            writer: self.ground.writer.clone(),
            jobs: Jobs::new(self.ground.bus.clone()),
            bus: self.ground.bus.clone(),
            blobs: self.ground.blobs.clone(),
            clock: self.clock.clone(),
            entropy: self.ground.entropy.clone(),
            closing: self.ground.closing.clone(),
            config,
        })
    }

    /// How many files there are in the place for them.
    pub(crate) fn files(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
            let paths = entries.map(|entry| entry.unwrap().path());
            paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(&self.folder.path().join("files"))
    }

    async fn on(scratch: Scratch, server: Option<Postgres>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::at(Timestamp(1_800_000_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let database = scratch.database.clone();
        migrations::apply(&database, host::MIGRATIONS, Timestamp(0)).await.unwrap();
        let (writer, tasks) = Writer::start(&database, &WriterConfig::default());
        let bus: Arc<dyn store::bus::Bus> = Arc::new(LocalBus::new(1024));
        let place = Place::Folder(folder.path().join("files"));
        let blobs = Blobs::open(&BlobConfig { place, limit: 4 << 20 }, entropy.clone()).await.unwrap();
        let mut config = Config { data: folder.path().to_owned(), ..Config::default() };
        config.webhooks.loopback = true;
        config.webhooks.timeout_ms = 2_000;
        let ground = Ground {
            database,
            writer,
            jobs: Jobs::new(bus.clone()),
            bus,
            blobs,
            clock: clock.clone(),
            entropy,
            closing: tokio_util::sync::CancellationToken::new(),
            config,
        };
        Self { ground: Arc::new(ground), clock, writer: tasks, scratch, folder, _server: server }
    }
}
