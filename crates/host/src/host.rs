//! Putting it all together.

use std::{io, net::SocketAddr, sync::Arc};

use ::store::{
    Clock, Entropy, StoreError,
    blobs::{BlobError, Blobs},
    bus::{Bus, LocalBus, NatsBus},
    jobs::Jobs,
    sql::{Database, migrations},
    writer::{Writer, WriterTasks},
};
use axum::middleware;
use client::{Link, NativeLink, NativeLinkOptions};
use serve::{Certificate, Server, TlsError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, HostError, MIGRATIONS,
    agents::Agents,
    analytics::Analytics,
    apps::Apps,
    businesses::{Approvals, Businesses},
    changes::Changes,
    cloud_api::{
        Api,
        room::{self, Room},
        router,
    },
    config::ConfigError,
    console::{self, Console},
    ground::Ground,
    inbox::{Live, Noticing},
    management::{self, Management, OperatorToken},
    media::Media,
    messages::Messages,
    numbers::{Numbers, running::Running},
    people::People,
    purposes::Gate,
    qr_codes::QrCodes,
    sealing::{KeyTasks, Keys, MasterKey, MasterKeyConfig, Owning},
    settings::Settings,
    templates::{Clicks, Templates},
    uploads::Uploads,
    usernames::Usernames,
    webhooks::{Deliveries, Webhooks, address::SystemLookup},
};

/// The file of the master key in the data folder, if nothing else is configured.
pub(crate) const MASTER_KEY: &str = "master.key";
/// Bytes of a request's head, and of what is read ahead of a body. Tokens and parameters may stand in the address.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 100;

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It was told nonsense.
    #[error("configuration")]
    Config(#[from] ConfigError),
    /// The database, or the bus.
    #[error("the store")]
    Store(#[from] StoreError),
    /// The place for files.
    #[error("the place for files")]
    Blobs(#[from] BlobError),
    /// The certificate.
    #[error("TLS")]
    Tls(#[from] TlsError),
    /// The relay's address.
    #[error("the relay")]
    Relay(#[from] client::LinkError),
    /// A folder or the address.
    #[error("{what}")]
    Io {
        /// What was to be made or taken.
        what: String,
        /// Why that was not possible.
        #[source]
        source: io::Error,
    },
    /// The master key, or parts that do not fit together.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// A host that runs. Dropped, it stops where it is; [`shutdown`](Self::shutdown) is the better way.
#[derive(Debug)]
#[must_use = "the host stops when this is dropped"]
pub struct Host {
    /// Where it listens.
    pub address: SocketAddr,
    /// What the routes call.
    pub api: Arc<Api>,
    /// The devices of its numbers.
    pub running: Arc<Running>,
    /// Whom its businesses talk to.
    pub people: Arc<People>,
    /// What they say to each other.
    pub messages: Arc<Messages>,
    serving: JoinHandle<()>,
    changes: JoinHandle<()>,
    live: JoinHandle<()>,
    asking: JoinHandle<()>,
    numbers: JoinHandle<()>,
    sweeping: [JoinHandle<()>; 3],
    deliveries: Deliveries,
    writer: WriterTasks,
    keys: KeyTasks,
}

impl Host {
    /// Migrates the database, starts all tasks and listens.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        config.validate()?;
        let folder = config.data.display().to_string();
        // What is in it is nobody else's on this machine.
        let mut made = tokio::fs::DirBuilder::new();
        #[cfg(unix)]
        made.mode(0o700);
        made.recursive(true)
            .create(&config.data)
            .await
            .map_err(|source| StartError::Io { what: folder, source })?;
        let listen = config.listen.whole();
        let certificate = match &listen.tls {
            Some(tls) => Some(Certificate::open(tls, &config.data)?),
            None => None,
        };
        let link: Arc<dyn Link> = Arc::new(link(&config).await?);
        let token = match &config.operator.token {
            Some(token) => OperatorToken::new(token.expose()),
            None => OperatorToken::of_folder(&config.data, &*entropy).map_err(|source| StartError::Io {
                what: config.data.join(management::TOKEN_FILE).display().to_string(),
                source,
            })?,
        };
        let masters = master_keys(&config, &*entropy).await?;
        let database = Database::open(&config.database()).await?;
        migrations::apply(&database, MIGRATIONS, clock.now()).await?;
        let bus: Arc<dyn Bus> = match &config.bus.nats {
            Some(location) => Arc::new(NatsBus::connect(location, &config.bus).await?),
            None => Arc::new(LocalBus::new(config.bus.capacity)),
        };
        let blobs = Blobs::open(&config.files(), entropy.clone()).await?;
        let what = listen.address.to_string();
        let io = |source| StartError::Io { what, source };
        let listener = serve::listener(listen.address).map_err(io.clone())?;
        let address = listener.local_addr().map_err(io)?;
        let base = base(&config, address);

        let (writer, writer_tasks) = Writer::start(&database, &config.writer);
        let jobs = Jobs::new(bus.clone());
        let closing = CancellationToken::new();
        let ground = Arc::new(Ground { database, writer, bus, jobs, blobs, clock, entropy, closing, config });
        let (keys, key_tasks) = Keys::open(&ground, masters, Owning::Alone).await?;
        let gate = Gate::new(ground.clone(), keys.clone());
        let apps = Apps::new(ground.clone(), keys.clone());
        let lookup = Arc::new(SystemLookup);
        let webhooks = Webhooks::new(ground.clone(), keys.clone(), gate.clone(), apps.clone(), lookup)?;
        let businesses = Businesses::new(ground.clone(), keys.clone(), gate.clone());
        let numbers = Numbers::new(ground.clone());
        let running =
            Running::new(ground.clone(), keys.clone(), numbers.clone(), businesses.clone(), link.clone());
        let people = People::new(ground.clone(), gate.clone(), running.clone());
        let media = Media::new(ground.clone(), gate.clone());
        media.served_at(&base);
        let uploads = Uploads::new(ground.clone(), keys.clone());
        let templates = Templates::new(ground.clone(), keys.clone(), webhooks.clone(), uploads.clone());
        let settings = Settings::new(ground.clone(), keys.clone());
        let live = Live::new(ground.clone());
        let agents = Agents::new(ground.clone(), keys.clone());
        let clicks = Clicks::new(templates.clone(), gate.clone(), webhooks.clone());
        let messages = Messages::new(
            ground.clone(),
            gate.clone(),
            numbers.clone(),
            people.clone(),
            media.clone(),
            running.clone(),
            settings.clone(),
            Noticing::new(clicks, live.clone()),
        );
        let changes = Changes {
            ground: ground.clone(),
            apps: apps.clone(),
            keys: keys.clone(),
            gate: gate.clone(),
            businesses: businesses.clone(),
            numbers: numbers.clone(),
            people: people.clone(),
        };
        let api = Arc::new(Api {
            people: people.clone(),
            messages: messages.clone(),
            uploads: uploads.clone(),
            usernames: Usernames::new(ground.clone(), webhooks.clone()),
            analytics: Analytics::new(ground.clone(), gate.clone()),
            settings,
            qr_codes: QrCodes::new(ground.clone(), keys),
            templates,
            post: messages.clone(),
            ground: ground.clone(),
            gate,
            apps,
            businesses: businesses.clone(),
            numbers: numbers.clone(),
            running: running.clone(),
            media,
            webhooks: webhooks.clone(),
            room: Room::new(room::ALL),
            base,
        });
        let changes = changes.follow().await;
        let console = Console::new(api.clone(), agents.clone(), live.clone());
        let live = live.follow().await;
        let approvals = Approvals::new(
            ground.clone(),
            api.businesses.clone(),
            api.numbers.clone(),
            running.clone(),
            webhooks.clone(),
        );
        let asking = approvals.start();
        let management =
            Management::new(api.clone(), running.clone(), messages.clone(), approvals, agents, link, token);
        let counted = management.figures();
        let figures = counted.connections();
        let measure = middleware::from_fn_with_state(counted, management::measure);
        let router = management::router(management)
            .merge(console::router(console))
            .merge(router(api.clone()))
            .merge(ground.config.pages.router())
            .layer(measure);
        let server = Server { router, certificate, head: HEAD, headers: HEADERS, figures };
        let serving = tokio::spawn({
            let closing = ground.closing.clone();
            async move { server.serve(listener, &listen, closing).await }
        });
        tracing::info!(%address, "the host listens");
        Ok(Self {
            address,
            api,
            numbers: running.start(messages.clone()),
            sweeping: [
                messages.start_sweeping(),
                uploads.start_sweeping(),
                numbers.start_growing(webhooks.clone(), businesses.clone()),
            ],
            deliveries: webhooks.start(),
            running,
            people,
            messages,
            serving,
            changes,
            live,
            asking,
            writer: writer_tasks,
            keys: key_tasks,
        })
    }

    /// Reads what the settings name, as a start does, and changes nothing: a wrong path is found before anything starts.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn check(config: &Config) -> Result<(), StartError> {
        config.validate()?;
        if let Some(tls) = &config.listen.whole().tls {
            Certificate::open(tls, &config.data)?;
        }
        link(config).await?;
        let made = MasterKeyConfig::File(config.data.join(MASTER_KEY));
        // Without one it is made.
        let own = config.master_keys.is_empty() && config.data.join(MASTER_KEY).exists();
        for key in config.master_keys.iter().chain(own.then_some(&made)) {
            MasterKey::fetch(key).await?;
        }
        Ok(())
    }

    /// Goes down: takes no more connections, finishes what is under way, writes what was accepted.
    pub async fn shutdown(self) {
        let ground = self.api.ground.clone();
        ground.closing.cancel();
        let [chats, uploads, tiers] = self.sweeping;
        let following = [self.changes, self.live, self.asking];
        for task in [self.serving, self.numbers, chats, uploads, tiers].into_iter().chain(following) {
            if let Err(error) = task.await {
                tracing::error!(error = &error as &dyn std::error::Error, "a task ended in disorder");
            }
        }
        self.deliveries.close().await;
        self.writer.close().await;
        ground.database.close().await;
        self.keys.close().await;
        tracing::info!("the host is down");
    }
}

/// The way to the relay: with the certificate that it is known by, or that is trusted besides.
async fn link(config: &Config) -> Result<NativeLink, StartError> {
    let mut trusted = Vec::new();
    if let Some(path) = &config.relay_certificate {
        let what = path.display().to_string();
        trusted.push(tokio::fs::read(path).await.map_err(|source| StartError::Io { what, source })?);
    }
    let fingerprint = config.fingerprint();
    let options =
        NativeLinkOptions { multiplexed: true, trusted, fingerprint, ..NativeLinkOptions::default() };
    Ok(NativeLink::new(&config.relay, options)?)
}

/// What absolute addresses in answers begin with.
fn base(config: &Config, address: SocketAddr) -> String {
    match &config.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => serve::url(config.listen.tls.is_some(), address),
    }
}

pub(crate) async fn master_keys(config: &Config, entropy: &dyn Entropy) -> Result<Vec<MasterKey>, HostError> {
    if config.master_keys.is_empty() {
        return Ok(vec![MasterKey::fetch_or_make(&config.data.join(MASTER_KEY), entropy).await?]);
    }
    let mut keys = Vec::with_capacity(config.master_keys.len());
    for key in &config.master_keys {
        keys.push(MasterKey::fetch(key).await?);
    }
    Ok(keys)
}
