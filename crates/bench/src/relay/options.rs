use std::{net::SocketAddr, path::PathBuf};

use super::{BenchError, message::Head};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Test {
    /// Pairs, all connected: as many messages as a window allows
    Online,
    /// The same at a fixed rate, each message alone: delivery latency
    Steady,
    /// Messages for recipients who are offline
    Store,
    /// These recipients log in and take everything
    Drain,
    /// As `store`, with SIGKILL to the server at the last acknowledgement, then `drain`
    Kill,
    /// Connections that only wait
    Idle,
    /// As `steady` while one account floods, then beside 10,000 half-open connections, 500 slow uploads, nonsense on
    /// sockets, and nonsense in requests
    Flood,
}

/// `tradepost bench relay`: measure a relay from outside, with real messages on real sockets
///
/// A server is started for the test, with its data in a temporary folder, and killed at the end; or a running one is
/// measured (--url, --pid). The generator is one thread on the same machine and takes part of its processors: read
/// "server CPU per message" rather than rates, which move with whatever else the machine does.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
EXAMPLES:
  tradepost bench relay
      Everything but the flood, on SQLite
  tradepost bench relay --tests online,steady --rounds 3
      Medians of three rounds, with minimum and maximum
  tradepost bench relay --tests store,drain --each 50 --json
      One JSON object per test and round on standard output
  ulimit -n 12000; tradepost bench relay --tests idle --connections 10000
      Two descriptors per connection: one here, one in the server
  tradepost bench relay --nodes 2 --postgres postgres://user@127.0.0.1/db --nats nats://127.0.0.1:4222
      Senders on one node, receivers on the other
  tradepost bench relay --url http://127.0.0.1:8443 --pid 4711 --tests online
      A server that runs already, with its development mailbox open and limits lifted

The exit status is 1 if a count that must be 0 is not.")]
pub struct Options {
    /// What to measure, in this order
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "online,steady,store,drain,kill,idle",
        value_name = "TEST,…"
    )]
    pub tests: Vec<Test>,
    /// How often to go through all tests; figures are then medians, with minimum and maximum
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub rounds: u32,
    /// How long online, steady and each part of flood are measured
    #[arg(long, default_value_t = 10)]
    pub seconds: u32,
    /// How long they run before that
    #[arg(long, default_value_t = 3, value_name = "SECONDS")]
    pub warm_up: u32,
    /// Pairs of one sender and one receiver; also the senders of store
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    pub pairs: u32,
    /// online: messages of a pair between being sent and being delivered. store: unanswered messages of a sender
    #[arg(long, default_value_t = 64, value_name = "COUNT")]
    pub window: u32,
    /// steady, flood: messages per second in all
    #[arg(long, default_value_t = 2000, value_name = "PER SECOND")]
    pub rate: u32,
    /// Bytes of a message's body
    #[arg(long, default_value_t = 200, value_name = "BYTES")]
    pub body: u32,
    /// store, drain, kill: recipients, a multiple of the pairs
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    pub recipients: u32,
    /// store, drain, kill: messages for each recipient
    #[arg(long, default_value_t = 500, value_name = "COUNT")]
    pub each: u32,
    /// kill: at this many acknowledgements [default: at the last]
    #[arg(long, value_name = "COUNT")]
    pub kill_at: Option<u64>,
    /// idle: connections
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    pub connections: u32,
    /// idle: how long they are held
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub hold: u32,
    /// Server processes to start: 1 or 2
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub nodes: u32,
    /// TLS ends in the server, with a certificate of its own that is trusted here
    #[arg(long, conflicts_with = "url")]
    pub tls: bool,
    /// A PostgreSQL database for the server, instead of SQLite: postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Its main process on this machine: what it costs is then shown too
    #[arg(long, value_name = "PID", requires = "postgres")]
    pub postgres_pid: Option<u32>,
    /// NATS between two nodes
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// A server that runs already: http://ADDRESS:PORT, one for each node
    #[arg(long, value_name = "URL", conflicts_with_all = ["nodes", "postgres", "nats", "data", "server"])]
    pub url: Vec<String>,
    /// Its process, one for each node
    #[arg(long, value_name = "PID", requires = "url")]
    pub pid: Vec<u32>,
    /// The program to start as a server [default: this one]
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// A folder for the server's data, on the disk that is to be measured; a folder in it is made, and deleted at the
    /// end [default: the system's folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Further settings of the server: a TOML file, which wins over what the test sets
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub config: Option<PathBuf>,
    /// Print one JSON object per test and round
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), BenchError> {
        let sure =
            |good: bool, what: &str| if good { Ok(()) } else { Err(BenchError::Options(what.to_owned())) };
        let body = usize::try_from(self.body).unwrap_or(usize::MAX);
        sure(self.rounds > 0 && self.seconds > 0, "--rounds and --seconds: at least 1")?;
        sure((1..=10_000).contains(&self.pairs), "--pairs: from 1 to 10000")?;
        sure((2..=1000).contains(&self.window), "--window: from 2 to 1000")?;
        sure((1..=1_000_000).contains(&self.rate), "--rate: from 1 to 1000000")?;
        sure((Head::LEN..=wire::limits::BODY / 128).contains(&body), "--body: from 32 to 2048")?;
        sure(
            u64::from(self.window) * (u64::from(self.body) + 128) <= wire::limits::FRAME as u64,
            "--window: so many of --body do not fit into a frame",
        )?;
        sure(
            self.recipients > 0 && self.recipients.is_multiple_of(self.pairs),
            "--recipients: a multiple of --pairs",
        )?;
        sure(
            self.each > 0 && self.connections > 0 && self.hold > 5,
            "--each, --connections: at least 1; --hold: over 5",
        )?;
        sure((1..=2).contains(&self.nodes), "--nodes: 1 or 2")?;
        sure(
            self.nodes == 1 || (self.postgres.is_some() && self.nats.is_some()),
            "--nodes 2: they need --postgres and --nats between them",
        )?;
        sure(
            self.url.is_empty() || !self.tests.contains(&Test::Kill),
            "kill: only with a server that is started for it, without --url",
        )?;
        sure(self.url.len() == self.pid.len(), "--pid: the process of each --url")?;
        sure(self.url.len() <= 2, "--url: at most two")?;
        self.addresses().map(drop)
    }

    /// Where the servers are that run already.
    pub(super) fn addresses(&self) -> Result<Vec<SocketAddr>, BenchError> {
        let address = |url: &String| {
            let address = url.strip_prefix("http://").map(|address| address.trim_end_matches('/'));
            let address = address.and_then(|address| address.parse().ok());
            address.ok_or_else(|| {
                BenchError::Options(format!(
                    "--url {url}: http://ADDRESS:PORT, such as http://127.0.0.1:8443"
                ))
            })
        };
        self.url.iter().map(address).collect()
    }

    pub(super) fn has(&self, tests: &[Test]) -> bool {
        self.tests.iter().any(|test| tests.contains(test))
    }
}
