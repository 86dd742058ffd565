use std::path::PathBuf;

use crate::error::BenchError;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Test {
    /// The business's software sends, until customers' devices have decrypted it
    Send,
    /// Customers write, until the business's software has been told
    Inbound,
    /// Both at the same time: each message that is sent has two statuses told, each that is written is told
    Both,
    /// As `send`, a million messages in rounds: whether memory stays
    Memory,
    /// The software sends and customers write while the host is killed again and again
    Kill,
}

/// `tradepost bench host`: measure a host from outside, with a business's software on one side and customers' devices on
/// the other
///
/// A relay and a host are started for the test, with a business that has one number, and their data in a temporary
/// folder; they are killed at the end. Customers' devices have sessions of their own and decrypt what they are sent.
/// Software and customers are one thread on the same machine and take part of its processors: read CPU per message
/// rather than rates, which move with whatever else the machine does.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
EXAMPLES:
  tradepost bench host
      Sending and receiving, 1,000 customers, on SQLite
  tradepost bench host --tests send --webhooks --rounds 3
      Sending while a callback is told of each status; medians of three rounds
  tradepost bench host --tests both
      Sending, with all statuses told, while customers write
  tradepost bench host --tests memory --messages 300000
      Memory after each 100,000 messages
  tradepost bench host --tests kill --kills 200 --customers 100 --connections 20
      SIGKILL to the host under load, 200 times: what was acknowledged and is lost
  tradepost bench host --tests send --per-second 1000 --pair-ms 6000
      With the limits that a host has by default: what is over them is refused, and counted

The exit status is 1 if a count that must be 0 is not.")]
pub struct Options {
    /// What to measure, in this order
    #[arg(long, value_delimiter = ',', default_value = "send,inbound", value_name = "TEST,…")]
    pub tests: Vec<Test>,
    /// How often to go through all tests; figures are then medians, with minimum and maximum
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub rounds: u32,
    /// Customers, each with a device that is online
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    pub customers: u32,
    /// send, inbound, both: how long is measured
    #[arg(long, default_value_t = 20)]
    pub seconds: u32,
    /// How long it runs before that
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    pub warm_up: u32,
    /// Connections of the business's software to the host, each with one request at a time
    #[arg(long, default_value_t = 128, value_name = "COUNT")]
    pub connections: u32,
    /// Messages that are on their way at the same time
    #[arg(long, default_value_t = 1024, value_name = "COUNT")]
    pub under_way: u32,
    /// Bytes of a message's text
    #[arg(long, default_value_t = 100, value_name = "BYTES")]
    pub body: u32,
    /// send, memory: a callback is told of every status
    #[arg(long)]
    pub webhooks: bool,
    /// memory: messages in all
    #[arg(long, default_value_t = 1_000_000, value_name = "COUNT")]
    pub messages: u64,
    /// memory: messages until the host's memory is looked at again
    #[arg(long, default_value_t = 100_000, value_name = "COUNT")]
    pub step: u64,
    /// kill: how often
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    pub kills: u32,
    /// The host's setting `messaging.per_second`; 0 for any number
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub per_second: u32,
    /// The host's setting `messaging.pair_ms`; 0 for any number
    #[arg(long, default_value_t = 0, value_name = "MILLISECONDS")]
    pub pair_ms: u64,
    /// The host's setting `messaging.pair_burst`
    #[arg(long, default_value_t = 45, value_name = "COUNT")]
    pub pair_burst: u32,
    /// A PostgreSQL database for the host, instead of SQLite: postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// NATS between two hosts
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// Host processes: 1, or 2 on PostgreSQL and NATS; of two one is killed at a time, and the other takes over
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub hosts: usize,
    /// The program to start as relay and host [default: this one]
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// A folder for their data, on the disk that is to be measured; a folder in it is made, and deleted at the end
    /// [default: the system's folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Print one JSON object per test and round
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), BenchError> {
        let sure =
            |good: bool, what: &str| if good { Ok(()) } else { Err(BenchError::Options(what.to_owned())) };
        sure(self.rounds > 0 && self.seconds > 0, "--rounds and --seconds: at least 1")?;
        sure((1..=50_000).contains(&self.customers), "--customers: from 1 to 50000")?;
        sure(
            (1..=self.customers).contains(&self.connections),
            "--connections: from 1 to the number of customers",
        )?;
        sure(
            (self.connections..=100_000).contains(&self.under_way),
            "--under-way: from the number of connections to 100000",
        )?;
        sure(
            self.hosts == 1 || (self.hosts == 2 && self.postgres.is_some() && self.nats.is_some()),
            "--hosts: 1, or 2 with --postgres and --nats between them",
        )?;
        sure((32..=4096).contains(&self.body), "--body: from 32 to 4096")?;
        sure(
            self.step > 0 && self.messages >= self.step && self.messages <= 100_000_000,
            "--messages: from --step to 100000000",
        )
    }

    pub(super) fn database(&self) -> &'static str {
        if self.postgres.is_some() { "PostgreSQL" } else { "SQLite" }
    }
}
