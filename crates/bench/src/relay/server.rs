//! The servers that are measured: started here and killed at the end, or running already.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    BenchError, Options, clock,
    error::Tried as _,
    http::Http,
    place::{NAME, Place},
    process::Family,
};

/// How long a server may take to start.
const START: f64 = 30.0;

/// All nodes.
#[derive(Debug)]
pub(super) struct Servers {
    nodes: Vec<Node>,
    postgres: Option<u32>,
    /// Deleted with everything in it when the servers are gone.
    _folder: Option<TempDir>,
}

#[derive(Debug)]
struct Node {
    place: Place,
    pid: u32,
    started: Option<Started>,
}

/// How much one account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    /// As much as it can: what is measured is the relay, not its limit.
    Unlimited,
    /// As much as a relay lets it that was not told otherwise.
    Default,
}

#[derive(Debug)]
struct Started {
    program: PathBuf,
    data: PathBuf,
    /// Its certificate, which it makes itself when it starts for the first time.
    certificate: Option<PathBuf>,
    address: SocketAddr,
    log: PathBuf,
    child: Option<Child>,
}

/// How a relay is started: the one place that knows its command line.
fn command(program: &Path, config: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("relay").arg("--config").arg(config);
    // Every code that is asked for would be a line.
    command.env("TRADEPOST_LOG", "warn");
    command
}

/// What a relay is told: only what a test from one address needs otherwise than the defaults.
fn config(
    options: &Options,
    data: &Path,
    address: SocketAddr,
    sends: Sends,
) -> Result<toml::Table, BenchError> {
    let lifted: toml::Table = ["codes", "registrations", "requests", "blobs"]
        .iter()
        .map(|limit| {
            let rate = [("burst", 1_000_000), ("every_ms", 1)];
            let rate: toml::Table =
                rate.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
            ((*limit).to_owned(), rate.into())
        })
        .collect();
    let table = |entries: Vec<(&str, toml::Value)>| -> toml::Value {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<toml::Table>().into()
    };
    let mut config = toml::Table::new();
    config.insert("data".to_owned(), data.display().to_string().into());
    config.insert("limits".to_owned(), lifted.into());
    // The development mailbox holds 10,000 codes, and keeps them as long as they are good.
    config.insert("registration".to_owned(), table(vec![("code_ms", 3000.into())]));
    let mut listen =
        vec![("address", address.to_string().into()), ("connections_per_address", 200_000.into())];
    if options.tls {
        let made = toml::Value::Array(vec![NAME.into()]);
        listen.push(("tls", table(vec![("self_signed", made)])));
    }
    config.insert("listen".to_owned(), table(listen));
    if sends == Sends::Unlimited {
        let queue = vec![("sends_per_second", 1_000_000_000.into()), ("burst", 1_000_000_000.into())];
        config.insert("queue".to_owned(), table(queue));
    }
    if let Some(url) = &options.postgres {
        config.insert("database".to_owned(), table(vec![("url", url.clone().into())]));
    }
    if let Some(url) = &options.nats {
        config.insert("bus".to_owned(), table(vec![("nats", url.clone().into())]));
    }
    if let Some(path) = &options.config {
        let text = fs::read_to_string(path).tried(format!("reading {}", path.display()))?;
        let further =
            text.parse().map_err(|error| BenchError::Options(format!("{}: {error}", path.display())))?;
        merge(&mut config, further);
    }
    Ok(config)
}

fn merge(config: &mut toml::Table, further: toml::Table) {
    for (key, value) in further {
        match (config.get_mut(&key), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(value)) => merge(known, value),
            (_, value) => drop(config.insert(key, value)),
        }
    }
}

impl Servers {
    /// Starts them, or finds those that run.
    pub(super) async fn start(options: &Options) -> Result<Self, BenchError> {
        if !options.url.is_empty() {
            let nodes = options.addresses()?.into_iter().zip(&options.pid);
            let nodes = nodes
                .map(|(address, pid)| Node { place: Place::plain(address), pid: *pid, started: None })
                .collect();
            return Ok(Self { nodes, postgres: None, _folder: None });
        }
        let parent = options.data.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix("tradepost-bench-").tempdir_in(&parent);
        let folder = folder.tried(format!("making a folder in {}", parent.display()))?;
        let program =
            options.server.clone().map_or_else(std::env::current_exe, Ok).tried("finding this program")?;
        let mut servers = Self { nodes: Vec::new(), postgres: options.postgres_pid, _folder: None };
        for number in 1..=options.nodes {
            let data = folder.path().join(format!("node-{number}"));
            fs::create_dir(&data).tried("making a folder for a node")?;
            let address = free_address()?;
            for sends in [Sends::Unlimited, Sends::Default] {
                let config = config(options, &data, address, sends)?.to_string();
                fs::write(sends.path(&data), config).tried("writing a configuration")?;
            }
            let certificate = options.tls.then(|| data.join("tls").join("certificate.pem"));
            let started = Started {
                program: program.clone(),
                log: data.join("log"),
                certificate,
                address,
                data,
                child: None,
            };
            let mut node = Node { place: Place::plain(address), pid: 0, started: Some(started) };
            node.start(Sends::Unlimited).await?;
            servers.nodes.push(node);
        }
        servers._folder = Some(folder);
        Ok(servers)
    }

    /// Where senders log in.
    pub(super) fn first(&self) -> &Place {
        &self.nodes[0].place
    }

    /// Where receivers log in.
    pub(super) fn last(&self) -> &Place {
        &self.nodes[self.nodes.len() - 1].place
    }

    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn family(&self) -> Family {
        Family::alone(self.nodes.iter().map(|node| node.pid))
    }

    pub(super) fn postgres(&self) -> Option<Family> {
        self.postgres.map(Family::with_children)
    }

    /// SIGKILL, now, to those that were started here.
    pub(super) fn kill(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill);
    }

    /// Ends them if they run and starts them again on the same data. Those that were not started here stay.
    pub(super) async fn restart(&mut self, sends: Sends) -> Result<(), BenchError> {
        self.kill();
        for node in &mut self.nodes {
            node.start(sends).await?;
        }
        Ok(())
    }
}

impl Sends {
    fn path(self, data: &Path) -> PathBuf {
        data.join(match self {
            Self::Unlimited => "unlimited.toml",
            Self::Default => "default.toml",
        })
    }
}

impl Node {
    async fn start(&mut self, sends: Sends) -> Result<(), BenchError> {
        let Some(started) = &mut self.started else { return Ok(()) };
        let log = fs::File::options().create(true).append(true).open(&started.log).tried("opening a log")?;
        let also = log.try_clone().tried("opening a log")?;
        let mut command = command(&started.program, &sends.path(&started.data));
        command.stdin(Stdio::null()).stdout(log).stderr(also);
        let child = command.spawn().tried(format!("starting {}", started.program.display()))?;
        self.pid = child.id();
        let child = started.child.insert(child);
        let began = clock::now();
        let reason = loop {
            let place = match &started.certificate {
                None => Some(Place::plain(started.address)),
                // Not there, or not all of it, until the server has begun.
                Some(path) => Place::with_tls(started.address, path).ok(),
            };
            if let Some(place) = place
                && healthy(&place).await
            {
                self.place = place;
                return Ok(());
            }
            if let Ok(Some(status)) = child.try_wait() {
                break format!("it ended with {status}");
            }
            if clock::seconds_since(began) > START {
                break format!("/health did not answer within {START} s");
            }
            sleep(Duration::from_millis(20)).await;
        };
        let log = fs::read_to_string(&started.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        Err(BenchError::Start { reason, log: lines[lines.len().saturating_sub(20)..].join("\n") })
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.started.as_mut().and_then(|started| started.child.take()) {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn healthy(place: &Place) -> bool {
    let ask = async {
        let mut http = Http::connect(place).await?;
        http.begin("GET", "/health", "", 0, &[]).await?;
        http.answer().await
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), ask).await, Ok(Ok((200, _))))
}

/// A port that nobody listens on just now.
fn free_address() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).tried("looking for a free port")?;
    listener.local_addr().tried("looking for a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_settings_win() {
        let mut config: toml::Table = "[a]\nx = 1\ny = 2".parse().unwrap();
        merge(&mut config, "b = 3\n[a]\ny = 4".parse().unwrap());
        assert_eq!(config, "b = 3\n[a]\nx = 1\ny = 4".parse().unwrap());
    }
}
