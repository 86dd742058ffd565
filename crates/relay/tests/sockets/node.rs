//! A relay in a process of its own: this test binary once more, told by an environment variable to be one.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use relay::Relay;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use store::{
    Clock, Entropy, Timestamp,
    testing::{SeededEntropy, free_port},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::people::PATIENCE;

const CHILD: &str = "RELAY_CHILD";

#[derive(Debug)]
struct System;

impl Clock for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "a process that is killed has no clock in another one's hand"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    }
}

/// Whether this process was started as a relay: then it has been one until it was stopped.
pub(crate) async fn be_a_relay() -> bool {
    let Ok(config) = std::env::var(CHILD) else { return false };
    let seed = u8::try_from(std::process::id() % 251).unwrap();
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    let mut stop = signal(SignalKind::terminate()).unwrap();
    let relay =
        Relay::start(serde_json::from_str(&config).unwrap(), Arc::new(System), entropy).await.unwrap();
    stop.recv().await;
    relay.shutdown().await;
    true
}

/// A relay in a process of its own.
pub(crate) struct Node {
    test: &'static str,
    config: String,
    pub(crate) data: PathBuf,
    pub(crate) address: String,
    child: Option<Child>,
}

impl Node {
    pub(crate) fn new(test: &'static str, folder: &Path, database: Option<&str>, nats: Option<&str>) -> Self {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let data = folder.join(port.to_string());
        let mut config = serde_json::json!({
            "data": data,
            "listen": { "address": address },
            // No mailbox is ever full: a refused send does not stop those after it, and would be overtaken by them.
            "queue": {
                "burst": 1_000_000_000,
                "sends_per_second": 1_000_000,
                "envelopes": 10_000_000,
                "bytes": 1_u64 << 40,
            },
        });
        if let Some(url) = database {
            config["database"] = serde_json::json!({ "url": url });
        }
        if let Some(url) = nats {
            config["bus"] = serde_json::json!({ "nats": url });
        }
        let mut node = Self { test, config: config.to_string(), data, address, child: None };
        node.start();
        node
    }

    pub(crate) fn start(&mut self) {
        // Over a limit of the size of files a process is ended, unless it was told to take that for any other error.
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "relay"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", self.test, "--nocapture"])
            .env(CHILD, &self.config)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops it as a service manager does; whether it ended in order.
    pub(crate) async fn stop(&mut self) -> bool {
        let mut child = self.child.take().unwrap();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        tokio::time::timeout(PATIENCE, ended).await.expect("the relay goes down").unwrap().success()
    }

    /// Lets no file of this process grow over so many bytes: writing more fails, as on a full disk.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let child = self.child.as_ref().unwrap();
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit).unwrap();
    }

    pub(crate) async fn until_up(&self) {
        for _ in 0..1000 {
            if tokio::net::TcpStream::connect(&self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the relay does not come up");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
