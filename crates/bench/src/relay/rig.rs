//! What all tests stand on: servers and accounts.

use std::cell::Cell;

use super::{
    BenchError, Options, Test,
    accounts::{self, Account},
    flood, process,
    process::Family,
    report::Outcome,
    server::Servers,
};

/// Servers and accounts.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) options: Options,
    pub(super) servers: Servers,
    accounts: Vec<Account>,
    recipients: usize,
    stage: Cell<u32>,
}

impl Rig {
    /// Starts the servers and registers as many accounts as the tests need.
    pub(super) async fn new(options: Options) -> Result<Self, BenchError> {
        let servers = Servers::start(&options).await?;
        let stores = options.has(&[Test::Store, Test::Drain, Test::Kill]);
        let recipients = if stores { count(options.recipients) } else { 0 };
        let idle = if options.has(&[Test::Idle]) { count(options.connections) } else { 0 };
        let flood = if options.has(&[Test::Flood]) { flood::ACCOUNTS } else { 0 };
        let all = 2 * count(options.pairs) + recipients + idle.max(flood);
        let accounts = accounts::register(servers.first(), all).await?;
        // What an earlier run left in the queues of a server that stays is not taken for this run's.
        let stage = Cell::new(super::clock::since_1970().subsec_nanos());
        Ok(Self { options, servers, accounts, recipients, stage })
    }

    /// Sender i of the pairs.
    pub(super) fn senders(&self) -> &[Account] {
        &self.accounts[..count(self.options.pairs)]
    }

    /// Receiver i of the pairs.
    pub(super) fn receivers(&self) -> &[Account] {
        &self.accounts[count(self.options.pairs)..][..count(self.options.pairs)]
    }

    /// Those who are offline while they are sent to.
    pub(super) fn recipients(&self) -> &[Account] {
        &self.accounts[2 * count(self.options.pairs)..][..self.recipients]
    }

    /// Those who have no part in the exchange of messages.
    pub(super) fn others(&self) -> &[Account] {
        &self.accounts[2 * count(self.options.pairs) + self.recipients..]
    }

    /// A number that no other run of a test has.
    pub(super) fn next_stage(&self) -> u32 {
        self.stage.set(self.stage.get().wrapping_add(1));
        self.stage.get()
    }

    pub(super) fn database(&self) -> &'static str {
        if !self.options.url.is_empty() {
            "a running server"
        } else if self.options.postgres.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    }
}

/// A number of options as an index.
pub(super) fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What processes have used so far.
#[derive(Debug)]
pub(super) struct Usage {
    server: f64,
    postgres: Option<f64>,
    own: f64,
    written: f64,
}

impl Usage {
    pub(super) fn now(servers: &Servers) -> Self {
        Self {
            server: servers.family().cpu(),
            postgres: servers.postgres().as_ref().map(Family::cpu),
            own: process::own_cpu(),
            written: servers.family().written(),
        }
    }

    /// What was used since an earlier one.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            server: self.server - earlier.server,
            postgres: self.postgres.zip(earlier.postgres).map(|(now, earlier)| now - earlier),
            own: self.own - earlier.own,
            written: self.written - earlier.written,
        }
    }

    /// Adds what it comes to for each of so many messages.
    pub(super) fn report(&self, messages: u64, seconds: f64, outcome: &mut Outcome) {
        let messages = messages as f64;
        outcome.figure("server_cpu_us", "server CPU, µs per message", self.server / messages * 1e6, 2);
        outcome.figure("server_cpu_s_per_1000", "server CPU, s per 1,000", self.server / messages * 1e3, 5);
        outcome.figure("server_cores", "server CPU, cores", self.server / seconds, 2);
        if let Some(postgres) = self.postgres {
            outcome.figure("postgres_cpu_us", "PostgreSQL CPU, µs per message", postgres / messages * 1e6, 2);
        }
        outcome.figure("client_cpu_us", "generator CPU, µs per message", self.own / messages * 1e6, 2);
    }

    /// Bytes that the server wrote on their way to a disk.
    pub(super) fn written(&self) -> f64 {
        self.written
    }

    /// Seconds of the server.
    pub(super) fn server(&self) -> f64 {
        self.server
    }
}
