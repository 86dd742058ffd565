//! Finds callbacks with something due, and gives each a task.

use std::{sync::Arc, time::Duration};

use ::store::bus::Subscription;
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{Webhooks, held::Held, signal, store};
use crate::HostError;

/// Callbacks that one process holds at the same time.
const CALLBACKS: usize = 4096;
/// How often what is old is deleted.
const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);

/// Delivers until it is closed. Dropped, it stops at once, as a process that dies does; leases then run out.
#[derive(Debug)]
#[must_use = "deliveries stop when this is dropped"]
pub struct Deliveries {
    closing: CancellationToken,
    task: JoinHandle<()>,
}

impl Deliveries {
    /// Begins no more requests and waits for those that run.
    pub async fn close(mut self) {
        self.closing.cancel();
        // It ends by itself; if it was stopped, it has ended.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Webhooks {
    /// Starts to deliver, until the host closes or the handle does.
    pub fn start(self: &Arc<Self>) -> Deliveries {
        let closing = self.ground.closing.child_token();
        let task = tokio::spawn(self.clone().supervise(closing.clone()));
        Deliveries { closing, task }
    }

    async fn supervise(self: Arc<Self>, closing: CancellationToken) {
        let poll = Duration::from_millis(self.ground.config.workers.poll_ms.max(1));
        let nudge = Arc::new(Notify::new());
        let mut held = JoinSet::new();
        let mut signals: Option<Subscription> = None;
        let mut purge = tokio::time::interval(PURGE_EVERY);
        if let Err(error) = self.inherit().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "callbacks of an earlier process wait for its leases"
            );
        }
        while !closing.is_cancelled() {
            // Before looking, so that what is committed after the look is heard. It may fail: polling goes on.
            if signals.is_none() {
                signals = self.listen().await;
            }
            match self.claim(CALLBACKS.saturating_sub(held.len())).await {
                Ok(claimed) => {
                    for (callback, token) in claimed {
                        let (webhooks, nudge, closing) = (self.clone(), nudge.clone(), closing.clone());
                        held.spawn(async move { Held::run(webhooks, callback, token, nudge, closing).await });
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "callbacks were not claimed");
                }
            }
            tokio::select! {
                () = closing.cancelled() => {}
                () = hear(&mut signals) => nudge.notify_waiters(),
                Some(_) = held.join_next(), if !held.is_empty() => {}
                () = tokio::time::sleep(poll) => {}
                _ = purge.tick() => {
                    if let Err(error) = self.purge().await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "webhooks were not purged");
                    }
                }
            }
        }
        while held.join_next().await.is_some() {}
    }

    async fn listen(&self) -> Option<Subscription> {
        self.ground.bus.subscribe(&signal().ok()?).await.ok()
    }

    /// Of a database that only this process can have open: who held callbacks before is dead.
    async fn inherit(&self) -> Result<(), HostError> {
        if !self.ground.database.is_alone() {
            return Ok(());
        }
        let written = self
            .ground
            .write(0, |transaction| Box::pin(async move { Ok(store::release_all(transaction).await?) }));
        written.await
    }

    async fn claim(&self, most: usize) -> Result<Vec<(store::Callback, [u8; 16])>, HostError> {
        let now = self.ground.now();
        if most == 0 || !store::any_due(&mut self.ground.reader().await?, now).await? {
            return Ok(Vec::new());
        }
        let until = now.after(self.lease());
        let token: [u8; 16] = self.ground.random();
        // Few at a time, so that processes share them.
        let most = i64::try_from(most.min(64)).unwrap_or(64);
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::claim(transaction, now, until, &token, most).await?) })
        });
        let claimed: Result<Vec<store::Callback>, HostError> = written.await;
        Ok(claimed?.into_iter().map(|callback| (callback, token)).collect())
    }

    /// How long a callback is held without a sign of life.
    pub(super) fn lease(&self) -> Duration {
        Duration::from_millis(self.ground.config.workers.lease_ms.max(1))
    }
}

/// The next signal; never, without a subscription.
async fn hear(signals: &mut Option<Subscription>) {
    match signals {
        Some(signals) => drop(signals.next().await),
        None => std::future::pending().await,
    }
}
