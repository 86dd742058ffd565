//! Relay and host as processes, with a business that has one number.
//!
//! `tradepost up` brings the business in, as it does for whoever tries it; then relay and host go on alone, on the same
//! data, each a process whose processor time and memory can be told from the other's.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use super::Options;
use crate::{
    clock,
    error::{BenchError, Tried as _},
    place::Place,
    process::{self, Family},
    report::Outcome,
};

/// How long a process may take to start, or to end.
const PATIENCE: f64 = 60.0;
const LOOK: Duration = Duration::from_millis(20);

/// What `tradepost up` says of what it made.
#[derive(Debug, Deserialize)]
pub(super) struct Demo {
    pub(super) token: String,
    pub(super) phone_number_id: String,
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) verify_token: String,
    pub(super) business_number: String,
    relay_url: String,
}

/// All processes. Dropped, they are killed.
#[derive(Debug)]
pub(super) struct Stand {
    pub(super) demo: Demo,
    pub(super) relay: Server,
    pub(super) hosts: Vec<Server>,
    program: Program,
    /// Deleted with everything in it when the processes are gone.
    _folder: TempDir,
}

/// A process that listens.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) place: Place,
    address: SocketAddr,
    name: String,
    child: Child,
}

impl Server {
    /// SIGKILL, now.
    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Stand {
    pub(super) async fn start(options: &Options) -> Result<Self, BenchError> {
        let parent = options.data.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix("tradepost-bench-").tempdir_in(&parent);
        let folder = folder.tried(format!("making a folder in {}", parent.display()))?;
        let program =
            options.server.clone().map_or_else(std::env::current_exe, Ok).tried("finding this program")?;
        let program = Program { path: program, folder: folder.path().to_owned() };
        let demo = program.bring_in(options).await?;
        let relay_address = address_of(&demo.relay_url)?;
        program.configure("relay", &relay_config(&program, relay_address))?;
        let relay = program.serve("relay", "relay".to_owned(), relay_address).await?;
        let mut hosts = Vec::new();
        for number in 1..=options.hosts {
            let (name, address) = (format!("host-{number}"), free_address()?);
            program.configure(&name, &host_config(options, &program, &demo, (&name, address)))?;
            hosts.push(program.serve("host", name, address).await?);
        }
        Ok(Self { demo, relay, hosts, program, _folder: folder })
    }

    /// SIGKILL to a host, now.
    pub(super) fn kill(&mut self, host: usize) {
        self.hosts.iter_mut().skip(host).take(1).for_each(Server::kill);
    }

    /// Starts a host again, on the same data and at the same address, after it was killed.
    pub(super) async fn start_again(&mut self, host: usize) -> Result<(), BenchError> {
        if let Some(host) = self.hosts.get_mut(host) {
            *host = self.program.serve("host", host.name.clone(), host.address).await?;
        }
        Ok(())
    }

    fn family(&self) -> Family {
        Family::alone(self.hosts.iter().map(|host| host.child.id()))
    }

    /// MiB of resident memory of the hosts.
    pub(super) fn resident(&self) -> f64 {
        self.family().resident() / 1024.0
    }
}

#[derive(Debug)]
struct Program {
    path: PathBuf,
    folder: PathBuf,
}

impl Program {
    fn up(&self) -> PathBuf {
        self.folder.join("up")
    }

    fn command(&self, log: &Path) -> Result<Command, BenchError> {
        let file = fs::File::create(log).tried("opening a log")?;
        let also = file.try_clone().tried("opening a log")?;
        let mut command = Command::new(&self.path);
        command.stdin(Stdio::null()).stdout(file).stderr(also).env("TRADEPOST_LOG", "warn");
        Ok(command)
    }

    /// Has the business made, approved and registered.
    async fn bring_in(&self, options: &Options) -> Result<Demo, BenchError> {
        let log = self.folder.join("up.log");
        let mut command = self.command(&log)?;
        if let Some(url) = &options.postgres {
            command.env("TRADEPOST_HOST__DATABASE__URL", url);
        }
        command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(self.up());
        let mut child = command.spawn().tried(format!("starting {}", self.path.display()))?;
        let made = self.up().join("demo.json");
        let demo = wait(&mut child, &log, async || fs::read(&made).ok()).await;
        let demo = demo.and_then(|demo| {
            serde_json::from_slice(&demo).map_err(|error| BenchError::Protocol(error.to_string()))
        });
        // As a service manager does: what it holds is given back.
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        let asked = asked.tried("ending a process");
        let began = clock::now();
        while child.try_wait().tried("ending a process")?.is_none() {
            if clock::seconds_since(began) > PATIENCE || asked.is_err() {
                // Nothing that it acknowledged is lost by this.
                let _ = child.kill();
            }
            sleep(LOOK).await;
        }
        demo
    }

    fn config(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.toml"))
    }

    fn configure(&self, name: &str, config: &toml::Table) -> Result<(), BenchError> {
        fs::write(self.config(name), config.to_string()).tried("writing a configuration")
    }

    async fn serve(&self, what: &str, name: String, address: SocketAddr) -> Result<Server, BenchError> {
        let log = self.folder.join(format!("{name}.log"));
        let mut command = self.command(&log)?;
        let child = command.arg(what).arg("--config").arg(self.config(&name)).spawn();
        let child = child.tried(format!("starting {}", self.path.display()))?;
        let mut server = Server { place: Place::plain(address), address, name, child };
        wait(&mut server.child, &log, async || TcpStream::connect(address).await.ok()).await?;
        Ok(server)
    }
}

/// Waits until it is there, or the process has ended.
async fn wait<T>(child: &mut Child, log: &Path, look: impl AsyncFn() -> Option<T>) -> Result<T, BenchError> {
    let began = clock::now();
    let reason = loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        if let Ok(Some(status)) = child.try_wait() {
            break format!("it ended with {status}");
        }
        if clock::seconds_since(began) > PATIENCE {
            break format!("it was not there within {PATIENCE} s");
        }
        sleep(LOOK).await;
    };
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    Err(BenchError::Start { reason, log: lines[lines.len().saturating_sub(20)..].join("\n") })
}

fn table(entries: impl IntoIterator<Item = (&'static str, toml::Value)>) -> toml::Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn text(path: &Path) -> toml::Value {
    path.display().to_string().into()
}

/// What a test from one address with one business needs otherwise than the defaults.
fn relay_config(program: &Program, address: SocketAddr) -> toml::Table {
    let rate = || toml::Value::from(table([("burst", 100_000_000.into()), ("every_ms", 1.into())]));
    let lifted =
        ["codes", "registrations", "requests", "bundles", "bundles_of_one", "lookups", "profiles", "people"];
    let queue = [("sends_per_second", 1_000_000_000.into()), ("burst", 1_000_000_000.into())];
    let listen = [("address", address.to_string().into()), ("connections_per_address", 200_000.into())];
    table([
        ("data", text(&program.up().join("relay"))),
        ("limits", table(lifted.map(|limit| (limit, rate()))).into()),
        // The development mailbox holds 10,000 codes, and keeps them as long as they are good.
        ("registration", table([("code_ms", 30_000.into())]).into()),
        ("listen", table(listen).into()),
        ("queue", table(queue).into()),
    ])
}

fn host_config(
    options: &Options,
    program: &Program,
    demo: &Demo,
    (name, address): (&str, SocketAddr),
) -> toml::Table {
    let number = |number: u64| toml::Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let messaging = [
        ("per_second", number(options.per_second.into())),
        ("pair_ms", number(options.pair_ms)),
        ("pair_burst", number(options.pair_burst.into())),
    ];
    // Where `up` had it.
    let made = program.up().join("host");
    let mut config = table([
        ("data", text(&program.folder.join(name))),
        ("master_keys", toml::Value::Array(vec![table([("file", text(&made.join("master.key")))]).into()])),
        ("relay", demo.relay_url.clone().into()),
        ("listen", table([("address", address.to_string().into())]).into()),
        ("messaging", table(messaging).into()),
        ("webhooks", table([("loopback", true.into())]).into()),
    ]);
    let database = match &options.postgres {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", made.join("host.db").display()),
    };
    config.insert("database".to_owned(), table([("url", database.into())]).into());
    if let Some(url) = &options.nats {
        config.insert("bus".to_owned(), table([("nats", url.clone().into())]).into());
    }
    config
}

fn address_of(url: &str) -> Result<SocketAddr, BenchError> {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.ok_or_else(|| BenchError::Protocol(format!("a relay at {url}")))
}

/// A port that nobody listens on just now.
fn free_address() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).tried("looking for a free port")?;
    listener.local_addr().tried("looking for a free port")
}

/// What the processes have used so far.
#[derive(Debug)]
pub(super) struct Usage {
    host: f64,
    relay: f64,
    own: f64,
    written: f64,
}

impl Usage {
    pub(super) fn now(stand: &Stand) -> Self {
        Self {
            host: stand.family().cpu(),
            relay: Family::alone([stand.relay.child.id()]).cpu(),
            own: process::own_cpu(),
            written: stand.family().written(),
        }
    }

    /// Adds what was used since then, for each of so many messages.
    pub(super) fn report(&self, stand: &Stand, messages: u64, seconds: f64, outcome: &mut Outcome) {
        let (now, messages) = (Self::now(stand), messages as f64);
        let each = |used: f64| used / messages * 1e3;
        outcome.figure("host_cpu_s_per_1000", "host CPU, s per 1,000", each(now.host - self.host), 3);
        outcome.figure("relay_cpu_s_per_1000", "relay CPU, s per 1,000", each(now.relay - self.relay), 3);
        outcome.figure(
            "own_cpu_s_per_1000",
            "software and customers, CPU s per 1,000",
            each(now.own - self.own),
            3,
        );
        outcome.figure("host_cores", "host CPU, cores", (now.host - self.host) / seconds, 2);
        outcome.figure(
            "written",
            "host, bytes to the disk per message",
            (now.written - self.written) / messages,
            0,
        );
        outcome.figure("host_resident_mib", "host memory, MiB resident", stand.resident(), 1);
    }
}
