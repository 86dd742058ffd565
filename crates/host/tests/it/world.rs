//! A relay, a host with one business, and its customers.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use client::{
    Clock as _, Device, Edges, Event, MemoryVault, Message, NativeLink, NativeLinkOptions, Registration,
    SystemClock, system_rng,
};
use host::{
    Config, HostError,
    businesses::{BusinessState, Businesses, HostingMode, NewBusiness},
    content::{Content, Text},
    ground::Ground,
    ids::{BusinessId, MessageId},
    media::Media,
    messages::{Happened, Messages, Outgoing, Outlet, Prepared, Recipient},
    numbers::{Number, Numbers, running::Running},
    people::People,
    purposes::{Gate, Instructions},
    sealing::{Keys, MasterKey},
    settings::Settings,
};
use relay::{Relay, limits::Rate};
use serde_json::{Value, json};
use store::{
    Entropy, Timestamp,
    blobs::{BlobConfig, Blobs, Place},
    bus::LocalBus,
    jobs::Jobs,
    sql::{
        Database, Transaction,
        migrations::{self, Migration, Module},
        query,
    },
    testing::{Postgres, Scratch},
    writer::{Writer, WriterConfig, WriterTasks},
};
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use wire::{AccountId, PhoneNumber};

pub(crate) const BUSINESS: &str = "+4930901820";
const ADA: &str = "+4915112345678";

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct RealClock;

impl store::Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().cast_signed())
    }
}

/// The system's randomness: processes and people must not draw the same.
#[derive(Debug)]
pub(crate) struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        system_rng().fill_bytes(bytes);
    }
}

const TOLD: Module = Module {
    name: "told",
    migrations: &[Migration::new(
        "what was told",
        "CREATE TABLE told (seq {sequence}, line TEXT NOT NULL) {options}",
    )],
};

/// Writes what is told into a table, in the transactions that it is told in.
#[derive(Debug)]
pub(crate) struct Told;

#[async_trait]
impl Outlet for Told {
    async fn seal(
        &self,
        _business: BusinessId,
        unique: String,
        _happened: &Happened,
    ) -> Result<Prepared, HostError> {
        Ok(Prepared { unique, event: None })
    }

    async fn add(&self, transaction: &mut Transaction, events: Vec<Prepared>) -> Result<(), HostError> {
        let rows = events.into_iter().map(|event| [event.unique.into()]);
        query("INSERT INTO told (line) VALUES {rows}").rows(rows).execute(transaction).await?;
        Ok(())
    }

    async fn wake(&self) {}
}

store::row! {
    struct Line from "told" { line: String }
}

/// One process of the host.
pub(crate) struct Host {
    pub(crate) ground: Arc<Ground>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) businesses: Arc<Businesses>,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) running: Arc<Running>,
    pub(crate) people: Arc<People>,
    pub(crate) media: Arc<Media>,
    pub(crate) messages: Arc<Messages>,
    task: JoinHandle<()>,
    writer: WriterTasks,
}

impl Host {
    /// Dies as by SIGKILL: everything stops where it is.
    pub(crate) async fn kill(self) {
        drop(self.writer);
        self.task.abort();
        let _ = self.task.await;
        self.ground.database.close().await;
    }

    /// Goes down.
    pub(crate) async fn close(self) {
        self.ground.closing.cancel();
        let _ = self.task.await;
        self.writer.close().await;
        self.ground.database.close().await;
    }
}

/// Somebody with a device.
pub(crate) struct Person {
    pub(crate) device: Device,
    pub(crate) number: PhoneNumber,
    running: std::sync::Mutex<JoinHandle<()>>,
}

impl Drop for Person {
    fn drop(&mut self) {
        self.leaves();
    }
}

pub(crate) struct World {
    /// None while it is gone.
    relay: Mutex<Option<Relay>>,
    pub(crate) url: String,
    http: reqwest::Client,
    folder: tempfile::TempDir,
    pub(crate) scratch: Scratch,
    bus: Arc<LocalBus>,
    pub(crate) business: wire::BusinessId,
    pub(crate) owner: String,
    pub(crate) credential: String,
    server: Option<Postgres>,
}

/// Runs `test` on SQLite and on PostgreSQL.
pub(crate) async fn on_both<F: AsyncFn(World)>(test: F) {
    test(World::on(Scratch::sqlite().await.unwrap(), None).await).await;
    let server = Postgres::start();
    let scratch = Scratch::postgres(&server).await.unwrap();
    test(World::on(scratch, Some(server)).await).await;
}

/// Runs `test` on SQLite, where the engine makes no difference.
pub(crate) async fn on_sqlite<F: AsyncFn(World)>(test: F) {
    test(World::on(Scratch::sqlite().await.unwrap(), None).await).await;
}

async fn start_relay(folder: &tempfile::TempDir, address: SocketAddr) -> Relay {
    let mut config = relay::Config { data: folder.path().join("relay"), ..relay::Config::default() };
    config.listen.address = address;
    config.limits.codes = Rate::new(10_000, 1);
    config.limits.registrations = Rate::new(10_000, 1);
    // A number may be registered anew at once.
    config.registration.pause_ms = 1;
    Relay::start(config, Arc::new(RealClock), Arc::new(RealEntropy)).await.unwrap()
}

impl World {
    /// On SQLite alone: for what has no SQL of its own.
    pub(crate) async fn sqlite() -> Self {
        Self::on(Scratch::sqlite().await.unwrap(), None).await
    }

    async fn on(scratch: Scratch, server: Option<Postgres>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay = start_relay(&folder, SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let url = format!("http://{}", relay.address);
        migrations::apply(&scratch.database, host::MIGRATIONS, Timestamp(0)).await.unwrap();
        migrations::apply(&scratch.database, &[TOLD], Timestamp(0)).await.unwrap();
        let mut world = Self {
            relay: Mutex::new(Some(relay)),
            url,
            http: reqwest::Client::new(),
            folder,
            scratch,
            bus: Arc::new(LocalBus::new(1024)),
            business: wire::BusinessId::from_bytes([0; 16]),
            owner: String::new(),
            credential: String::new(),
            server,
        };
        (world.business, world.owner) = world.apply(BUSINESS).await;
        let owner = world.owner.clone();
        let hosting = world.ask("PUT", "/v1/business/hosting", &owner, Some(json!({ "mode": "self" }))).await;
        world.credential = hosting["credential"].as_str().unwrap().to_owned();
        world
    }

    /// A draft of a business at the relay, with a number; its credential.
    pub(crate) async fn apply(&self, number: &str) -> (wire::BusinessId, String) {
        let application = json!({ "legal_name": "Bank AG", "name": "Bank", "country": "DE" });
        let made = self.ask("POST", "/v1/businesses", "", Some(application)).await;
        let owner = made["credential"].as_str().unwrap().to_owned();
        let code = self.code(number).await;
        let number = json!({ "number": number, "code": code });
        self.ask("PUT", "/v1/business/numbers", &owner, Some(number)).await;
        (serde_json::from_value(made["business"].clone()).unwrap(), owner)
    }

    /// What who runs the relay shows it.
    pub(crate) fn relay_operator(&self) -> String {
        let file = self.folder.path().join("relay").join(relay::operator::TOKEN_FILE);
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// A whole host, as it is started, and the token of who runs it.
    pub(crate) async fn serve(&self, clock: Arc<dyn store::Clock>) -> (host::Host, String) {
        self.serve_with(clock, |_| {}).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn serve_with(
        &self,
        clock: Arc<dyn store::Clock>,
        change: impl FnOnce(&mut Config),
    ) -> (host::Host, String) {
        let data = self.folder.path().join("host");
        let mut config = Config { data: data.clone(), relay: self.url.clone(), ..Config::default() };
        config.database = Some(self.scratch.config.clone());
        config.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.files.place = Some(Place::Folder(self.files()));
        config.webhooks.loopback = true;
        config.messaging.pair_burst = 1000;
        config.operator.figures_on_loopback = true;
        change(&mut config);
        let host = host::Host::start(config, clock, Arc::new(RealEntropy)).await.unwrap();
        let token = std::fs::read_to_string(data.join(host::management::TOKEN_FILE)).unwrap();
        (host, token.trim().to_owned())
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, credential: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        if !credential.is_empty() {
            request = request.bearer_auth(credential);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) fn link(&self) -> Arc<NativeLink> {
        Arc::new(NativeLink::new(&self.url, NativeLinkOptions::default()).unwrap())
    }

    async fn code(&self, number: &str) -> String {
        let (link, number) = (self.link(), number.parse().unwrap());
        Device::request_code(&*link, &number).await.unwrap();
        Device::development_code(&*link, &number).await.unwrap()
    }

    /// A customer with a device that is online, whom the business may write to.
    pub(crate) async fn customer(&self) -> Person {
        self.customer_at(ADA).await
    }

    pub(crate) async fn customer_at(&self, number: &str) -> Person {
        let code = self.code(number).await;
        let edges = Edges {
            vault: Arc::new(MemoryVault::new()),
            link: self.link(),
            clock: Arc::new(SystemClock),
            rng: system_rng(),
        };
        let number: PhoneNumber = number.parse().unwrap();
        let registration =
            Registration { number: number.clone(), code, pin: None, device_name: "phone".to_owned() };
        let device = Device::register(edges, registration).await.unwrap();
        // A screen: who hosts a business is shown when it is told, and then messages go there.
        tokio::spawn({
            let (device, mut events) = (device.clone(), device.events());
            async move {
                loop {
                    if let Event::Label { account, state } = events.next().await {
                        device.label_shown(account, &state.digest.0).await.unwrap();
                    }
                }
            }
        });
        let running = tokio::spawn({
            let device = device.clone();
            async move {
                device.run().await.unwrap();
            }
        });
        self.add_tester(number.as_str()).await;
        Person { device, number, running: std::sync::Mutex::new(running) }
    }

    /// The business may write to this number before it is approved.
    pub(crate) async fn add_tester(&self, number: &str) {
        let path = format!("/v1/business/testers/{}", number.replace('+', "%2B"));
        self.ask("PUT", &path, &self.owner, None).await;
    }

    /// One more process of the host.
    pub(crate) async fn host(&self) -> Host {
        self.host_with(Arc::new(Told)).await
    }

    pub(crate) async fn host_with(&self, outlet: Arc<dyn Outlet>) -> Host {
        self.host_told(outlet, |_| {}).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn host_told(&self, outlet: Arc<dyn Outlet>, change: impl FnOnce(&mut Config)) -> Host {
        let database = Database::open(&self.scratch.config).await.unwrap();
        let (writer, tasks) = Writer::start(&database, &WriterConfig::default());
        let bus: Arc<dyn store::bus::Bus> = self.bus.clone();
        let place = Place::Folder(self.files());
        let entropy = Arc::new(RealEntropy);
        let blobs = Blobs::open(&BlobConfig { place, limit: 64 << 20 }, entropy.clone()).await.unwrap();
        let mut config = Config { data: self.folder.path().to_owned(), ..Config::default() };
        config.messaging.pair_burst = 1000;
        change(&mut config);
        let ground = Arc::new(Ground {
            database,
            writer,
            jobs: Jobs::new(bus.clone()),
            bus,
            blobs,
            clock: Arc::new(RealClock),
            entropy,
            closing: CancellationToken::new(),
            config,
        });
        let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
        let gate = Gate::new(ground.clone(), keys.clone());
        let businesses = Businesses::new(ground.clone(), keys.clone(), gate.clone());
        let numbers = Numbers::new(ground.clone());
        let running =
            Running::new(ground.clone(), keys.clone(), numbers.clone(), businesses.clone(), self.link());
        let people = People::new(ground.clone(), gate.clone(), running.clone());
        let media = Media::new(ground.clone(), gate.clone());
        let settings = Settings::new(ground.clone(), keys);
        let messages = Messages::new(
            ground.clone(),
            gate.clone(),
            numbers.clone(),
            people.clone(),
            media.clone(),
            running.clone(),
            settings,
            outlet,
        );
        let task = running.start(messages.clone());
        Host { ground, gate, businesses, numbers, running, people, media, messages, task, writer: tasks }
    }

    /// The business on this host, with its number connected.
    pub(crate) async fn settle(&self, host: &Host) -> Arc<Number> {
        let new = NewBusiness {
            relay_id: self.business,
            name: "Bank".to_owned(),
            legal_name: "Bank AG".to_owned(),
            country: "DE".to_owned(),
            currency: "EUR".to_owned(),
            timezone_id: "1".to_owned(),
            state: BusinessState::Draft,
            mode: HostingMode::Own,
            host_name: String::new(),
        };
        let business = host.businesses.create(new).await.unwrap();
        let kept = Instructions { store_days: Some(365), search: true, ..Instructions::default() };
        host.gate.instruct(business.id, kept, "test").await.unwrap();
        let number = host.numbers.add(&business, BUSINESS.parse().unwrap(), "Bank".to_owned()).await.unwrap();
        let connected = host.running.connect(number.id, &self.credential).await.unwrap();
        until("the number runs", async || host.running.live(number.id).is_some()).await;
        connected
    }

    /// All that was told, in order.
    pub(crate) async fn told(&self) -> Vec<String> {
        let mut reader = self.scratch.database.reader().await.unwrap();
        let lines: Vec<Line> = query("SELECT line FROM told ORDER BY seq").all(&mut reader).await.unwrap();
        lines.into_iter().map(|line| line.line).collect()
    }

    pub(crate) async fn told_of(&self, id: MessageId) -> Vec<String> {
        let id = format!("{id} ");
        let told = self.told().await;
        told.iter().filter_map(|line| line.strip_prefix(&id)).map(str::to_owned).collect()
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Says that nobody runs any number.
    pub(crate) async fn free_leases(&self) {
        let mut transaction = self.scratch.database.begin().await.unwrap();
        for text in ["DELETE FROM number_leases", "DELETE FROM hosts_alive"] {
            query(text).execute(&mut transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let text = match table {
            "messages" => "SELECT COUNT(*) FROM messages",
            "people" => "SELECT COUNT(*) FROM people",
            "chats" => "SELECT COUNT(*) FROM chats",
            "media" => "SELECT COUNT(*) FROM media",
            "numbers" => "SELECT COUNT(*) FROM numbers",
            "vault_records" => "SELECT COUNT(*) FROM vault_records",
            "business_keys" => "SELECT COUNT(*) FROM business_keys",
            "message_words" => "SELECT COUNT(*) FROM message_words",
            "business_arrivals" => "SELECT COUNT(*) FROM business_arrivals",
            "message_counts" => "SELECT COUNT(*) FROM message_counts",
            other => panic!("{other}"),
        };
        let mut reader = self.scratch.database.reader().await.unwrap();
        query(text).value(&mut reader).await.unwrap().unwrap()
    }

    /// No file of the host, and none of its database's server, has these bytes: not in rows, nor in logs of what was written,
    /// nor in what was deleted.
    pub(crate) fn scan(&self, secret: &[u8]) {
        let mut folders = vec![self.files(), self.folder.path().join("host")];
        if let Some(path) = self.scratch.config.url.expose().strip_prefix("sqlite:") {
            folders.push(std::path::Path::new(path).parent().unwrap().to_owned());
        }
        folders.extend(self.server.as_ref().map(|server| server.folder().to_owned()));
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    files += 1;
                    let found = memchr::memmem::find(&bytes, secret).is_some();
                    assert!(!found, "{} in {}", String::from_utf8_lossy(secret), path.display());
                }
            }
        }
        assert!(files > 0);
    }

    /// The relay goes down, whatever is under way.
    pub(crate) async fn relay_goes(&self) {
        self.relay.lock().await.take().unwrap().shutdown().await;
    }

    /// It is there again, where it was and with what it had.
    pub(crate) async fn relay_comes_back(&self) {
        let address = self.url.strip_prefix("http://").unwrap().parse().unwrap();
        *self.relay.lock().await = Some(start_relay(&self.folder, address).await);
    }

    pub(crate) async fn close(self) {
        self.relay_goes().await;
    }
}

impl Person {
    /// Goes offline.
    pub(crate) fn leaves(&self) {
        self.running.lock().unwrap().abort();
    }

    /// Is online again.
    pub(crate) fn returns(&self) {
        let device = self.device.clone();
        *self.running.lock().unwrap() = tokio::spawn(async move { device.run().await.map(drop).unwrap() });
    }

    /// The next message that comes from an account.
    pub(crate) async fn hears(&self, from: AccountId, count: usize) -> Vec<Message> {
        let mut heard = Vec::new();
        let waiting = async {
            loop {
                heard = self.device.history(from, None, 1000).await.unwrap();
                heard.retain(|message| message.id.author == from);
                heard.reverse();
                if heard.len() >= count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(came.is_ok(), "{} of {count} messages came", heard.len());
        heard
    }
}

pub(crate) async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}");
}

pub(crate) fn text(number: &Number, to: &PhoneNumber, body: &str) -> Outgoing {
    Outgoing {
        number: number.id,
        to: Recipient::Number(to.clone()),
        content: Content::Text(Text { body: body.to_owned(), preview_url: false }),
        context: None,
        tracker: None,
        identity_key_hash: None,
        once: None,
    }
}

pub(crate) fn code(outcome: Result<impl std::fmt::Debug, HostError>) -> u32 {
    match outcome {
        Err(HostError::Refused(refusal)) => refusal.code.number(),
        other => panic!("{other:?}"),
    }
}
