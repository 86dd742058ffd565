//! Putting it all together.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use ::store::{
    Clock, Entropy, StoreError,
    blobs::{BlobConfig, BlobError, Blobs},
    bus::{Bus, LocalBus, NatsBus},
    jobs::{self, Jobs, Worker},
    sql::{
        Database,
        migrations::{self, Module},
    },
    writer::{Writer, WriterTasks},
};
use serve::{Certificate, Server, Tls, TlsError};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, RelayError, accounts, auth, blobs, blocks, businesses,
    config::ConfigError,
    devices,
    ground::Ground,
    hosting, keys, labels,
    limits::Nonsense,
    metrics, operator, profiles, provisioning,
    queue::{self, Queue, QueueTasks},
    registration,
    router::{Services, router},
};

/// The tables of all features, in the order in which they build on each other.
pub const MIGRATIONS: &[Module] = &[
    jobs::MIGRATIONS,
    registration::MIGRATIONS,
    accounts::MIGRATIONS,
    devices::MIGRATIONS,
    provisioning::MIGRATIONS,
    keys::MIGRATIONS,
    blocks::MIGRATIONS,
    blobs::MIGRATIONS,
    queue::store::MODULE,
    operator::MIGRATIONS,
    businesses::MIGRATIONS,
    hosting::MIGRATIONS,
    labels::MIGRATIONS,
];

/// How often what nobody used in time is removed.
const SWEEP: Duration = Duration::from_secs(10 * 60);
/// Bytes of a request's head, and of what is read ahead of a body.
const HEAD: usize = 16 << 10;
const HEADERS: usize = 64;

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It was told nonsense.
    #[error("configuration")]
    Config(#[from] ConfigError),
    /// The database, or the bus.
    #[error("the store")]
    Store(#[from] StoreError),
    /// The place for blobs.
    #[error("the place for blobs")]
    Blobs(#[from] BlobError),
    /// The certificate.
    #[error("TLS")]
    Tls(#[from] TlsError),
    /// A folder or the address.
    #[error("{what}")]
    Io {
        /// What was to be made or taken.
        what: String,
        /// Why that was not possible.
        #[source]
        source: io::Error,
    },
    /// Parts do not fit together.
    #[error("the relay's parts")]
    Relay(#[from] RelayError),
}

/// A relay that runs. Dropped, it stops where it is; [`shutdown`](Self::shutdown) is the better way.
#[derive(Debug)]
#[must_use = "the relay stops when this is dropped"]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    /// SHA-256 of its certificate, in hexadecimal, if it speaks TLS.
    pub fingerprint: Option<String>,
    /// What its routes call.
    pub services: Services,
    serving: JoinHandle<()>,
    tasks: JoinSet<()>,
    worker: Worker,
    queue: QueueTasks,
    writer: WriterTasks,
}

impl Relay {
    /// Migrates the database, starts all tasks and listens.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        mut config: Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        config.validate()?;
        metrics::install();
        let folder = config.data.display().to_string();
        // What is in it is nobody else's on this machine.
        let mut made = tokio::fs::DirBuilder::new();
        #[cfg(unix)]
        made.mode(0o700);
        made.recursive(true)
            .create(&config.data)
            .await
            .map_err(|source| StartError::Io { what: folder, source })?;
        if config.operator.token.is_none() {
            let token = operator::ensure_token(&config.data, &*entropy).map_err(|source| {
                let what = config.data.join(operator::TOKEN_FILE).display().to_string();
                StartError::Io { what, source }
            })?;
            config.operator.token = Some(token);
        }
        let certificate = match &config.listen.tls {
            Some(tls) => Some(Certificate::open(tls, &config.data)?),
            None => None,
        };
        let database = Database::open(&config.database()).await?;
        migrations::apply(&database, MIGRATIONS, clock.now()).await?;
        let bus: Arc<dyn Bus> = match &config.bus.nats {
            Some(location) => Arc::new(NatsBus::connect(location, &config.bus).await?),
            None => Arc::new(LocalBus::new(config.bus.capacity)),
        };
        let blob_config = BlobConfig { place: config.place(), limit: config.blobs.limit };
        let blobs = Blobs::open(&blob_config, entropy.clone()).await?;
        let what = config.listen.address.to_string();
        let io = |source| StartError::Io { what, source };
        let listener = serve::listener(config.listen.address).map_err(io.clone())?;
        let address = listener.local_addr().map_err(io)?;

        let (writer, writer_tasks) = Writer::start(&database, &config.writer);
        let jobs = Jobs::new(bus.clone());
        let closing = CancellationToken::new();
        let nonsense = Nonsense::new(&config.limits, clock.clone(), closing.clone());
        let ground = Ground { database, writer, bus, jobs, clock, entropy, closing, nonsense, config };
        let (services, queue) = services(Arc::new(ground), blobs);
        services.labels.prepare().await?;
        let router = router(services.clone())?;
        let worker = worker(&services)?;
        let tasks = background(&services);
        let fingerprint = certificate.as_ref().map(|certificate| certificate.fingerprint.clone());
        let figures = metrics::connections();
        let server = Server { router, certificate, head: HEAD, headers: HEADERS, figures };
        let serving = tokio::spawn({
            let ground = services.ground.clone();
            async move { server.serve(listener, &ground.config.listen, ground.closing.clone()).await }
        });
        tracing::info!(%address, tls = fingerprint.is_some(), "the relay listens");
        Ok(Self { address, fingerprint, services, serving, tasks, worker, queue, writer: writer_tasks })
    }

    /// Reads what the settings name, and changes nothing: a wrong path is found before anything starts.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn check(config: &Config) -> Result<(), StartError> {
        config.validate()?;
        // One of its own is made when it is needed.
        if let Some(tls @ Tls::Files { .. }) = &config.listen.tls {
            Certificate::open(tls, &config.data)?;
        }
        Ok(())
    }

    /// Goes down: takes no more connections, finishes what is under way, writes what was accepted.
    pub async fn shutdown(mut self) {
        self.services.ground.closing.cancel();
        self.services.queue.close_all();
        if let Err(error) = (&mut self.serving).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the server ended in disorder");
        }
        // Those that came while the others left.
        self.services.queue.close_all();
        let patience = Duration::from_millis(self.services.ground.config.listen.drain_ms);
        if !self.services.queue.drained(patience).await {
            tracing::warn!("sockets were still open and are cut off");
        }
        self.tasks.shutdown().await;
        self.queue.close().await;
        self.worker.close().await;
        self.writer.close().await;
        self.services.ground.database.close().await;
        tracing::info!("the relay is down");
    }
}

fn services(ground: Arc<Ground>, blobs: Blobs) -> (Services, QueueTasks) {
    let accounts = accounts::Accounts::new(ground.clone());
    let (queue, queue_tasks) = Queue::start(ground.clone(), accounts.clone());
    let devices = devices::Devices::new(ground.clone(), accounts.clone(), queue.clone());
    let registration = registration::Registration::new(ground.clone(), devices.clone());
    let labels = labels::Labels::new(ground.clone());
    let businesses = businesses::Businesses::new(ground.clone(), queue.clone());
    let services = Services {
        credentials: auth::Credentials::new(ground.clone()),
        erasure: accounts::Erasure::new(ground.clone(), devices.clone()),
        linking: devices::Linking::new(ground.clone(), devices.clone()),
        provisioning: provisioning::Provisioning::new(ground.clone()),
        keys: keys::Keys::new(ground.clone(), queue.clone(), labels.clone()),
        profiles: profiles::Profiles::new(ground.clone()),
        blocks: blocks::Blocks::new(ground.clone(), accounts.clone()),
        documents: businesses::Documents::new(ground.clone(), blobs.clone()),
        blobs: blobs::Media::new(ground.clone(), blobs),
        numbers: businesses::Numbers::new(
            ground.clone(),
            registration.clone(),
            devices.clone(),
            queue.clone(),
        ),
        hosting: hosting::Hosting::new(ground.clone(), registration.clone(), devices.clone(), queue.clone()),
        office: operator::Office::new(ground.clone(), businesses.clone(), labels.clone(), queue.clone()),
        registration,
        labels,
        businesses,
        accounts,
        devices,
        queue,
        ground,
    };
    (services, queue_tasks)
}

/// Has the jobs done that features write.
fn worker(services: &Services) -> Result<Worker, RelayError> {
    let ground = &services.ground;
    let mut worker = Worker::new();
    let handlers: [Option<Arc<dyn jobs::Handler>>; 3] =
        [Some(services.blobs.clone()), Some(services.documents.clone()), services.registration.texts()?];
    for handler in handlers.into_iter().flatten() {
        let stores = (&ground.database, &ground.writer, &ground.bus);
        worker.start(handler, &ground.config.workers, stores, (&ground.clock, &ground.entropy));
    }
    Ok(worker)
}

/// What goes on besides requests and jobs.
fn background(services: &Services) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let accounts = services.accounts.clone();
    tasks.spawn(async move { accounts.listen().await });
    let queue = services.queue.clone();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(metrics::UPKEEP).await;
            metrics::upkeep(queue.online());
        }
    });
    let services = services.clone();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            sweep(&services).await;
        }
    });
    tasks
}

/// Removes what nobody used in time. Several nodes may do so at once.
async fn sweep(services: &Services) {
    let swept = [
        services.registration.sweep().await,
        services.linking.sweep().await,
        services.provisioning.sweep().await,
    ];
    for error in swept.into_iter().filter_map(Result::err) {
        tracing::warn!(error = &error as &dyn std::error::Error, "what expired was not removed");
    }
}
