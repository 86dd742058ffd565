//! The signals to go down.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals to go down.
#[derive(Debug)]
pub(crate) struct Stopping {
    terminate: Signal,
    interrupt: Signal,
}

impl Stopping {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Waits for one, then goes down. A second one does not wait.
    pub(crate) async fn then(mut self, go_down: impl Future<Output = ()>) -> anyhow::Result<()> {
        let name = self.next().await;
        tracing::info!(signal = name, "going down; a second signal does not wait");
        tokio::select! {
            () = go_down => Ok(()),
            _ = self.next() => anyhow::bail!("stopped by a second signal, before all was finished"),
        }
    }
}
