//! Takes due jobs and has them done.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    Schedule, millis,
    rows::{self, Job},
    subject,
};
use crate::{
    Clock, Entropy, StoreError,
    bus::{Bus, Subscription},
    sql::Database,
    writer::Writer,
};

/// Does the jobs of one kind.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Which jobs it does: the same word as in [`NewJob::kind`](super::NewJob::kind).
    fn kind(&self) -> &'static str;

    /// When it wants to try again.
    fn schedule(&self) -> Schedule {
        Schedule::default()
    }

    /// How long one job may run, given how long a lease is. Default: ten leases.
    fn longest(&self, lease: Duration) -> Duration {
        lease.saturating_mul(10)
    }

    /// Does one job. Its lease is renewed meanwhile; it is stopped when that fails or when it runs longer than the
    /// [longest](Self::longest), and may be called again with the same job: idempotent.
    ///
    /// # Errors
    /// [`Failure`] says whether another try makes sense.
    async fn run(&self, job: &Job) -> Result<(), Failure>;
}

/// Why a job was not done. The text is kept with the job: no secrets, no content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// It may go better later.
    #[error("{0}")]
    Later(String),
    /// Not before this long has passed, whatever the schedule says (`Retry-After`).
    #[error("{0}")]
    After(String, Duration),
    /// It will never go better.
    #[error("{0}")]
    Never(String),
}

/// How a worker works.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Jobs of a kind at the same time. Default 16.
    pub parallel: usize,
    /// How long a job waits for its worker: when so much has passed without a renewal, another worker may have it.
    /// While it runs its lease is renewed after each half. Default 60000.
    pub lease_ms: u64,
    /// How often to look without being woken. Default 5000.
    pub poll_ms: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self { parallel: 16, lease_ms: 60_000, poll_ms: 5_000 }
    }
}

/// Has jobs done until it is closed. Dropped, it stops at once; leases then run out.
#[derive(Debug)]
#[must_use = "the worker stops when this is dropped"]
pub struct Worker {
    closing: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What every worker task needs.
#[derive(Clone)]
pub(super) struct Ground {
    database: Database,
    writer: Writer,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Worker {
    /// A worker for no kind yet.
    pub fn new() -> Self {
        Self { closing: watch::Sender::new(false), tasks: JoinSet::new() }
    }

    /// Starts to do the jobs of `handler`'s kind.
    pub fn start(
        &mut self,
        handler: Arc<dyn Handler>,
        config: &WorkerConfig,
        (database, writer, bus): (&Database, &Writer, &Arc<dyn Bus>),
        (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    ) {
        let ground = Ground {
            database: database.clone(),
            writer: writer.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        self.tasks.spawn(ground.work(handler, config.clone(), self.closing.subscribe()));
    }

    /// Takes no more jobs and waits for those that run.
    pub async fn close(mut self) {
        self.closing.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground").finish_non_exhaustive()
    }
}

impl Ground {
    async fn work(self, handler: Arc<dyn Handler>, config: WorkerConfig, mut closing: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        let mut signals = None;
        while !*closing.borrow() {
            // Before looking, so that what is committed after the look is heard. It may fail: polling goes on.
            if signals.is_none() {
                signals = self.listen(handler.kind()).await;
            }
            let free = config.parallel.max(1).saturating_sub(running.len());
            let taken = if free == 0 { Ok(Vec::new()) } else { self.take(&handler, &config, free).await };
            let pause = match taken {
                // There may be more.
                Ok(jobs) if jobs.len() == free && free > 0 => {
                    self.spawn(jobs, &handler, &config, &mut running);
                    continue;
                }
                Ok(jobs) => {
                    self.spawn(jobs, &handler, &config, &mut running);
                    self.pause(handler.kind(), &config, free).await
                }
                Err(error) => {
                    let kind = handler.kind();
                    tracing::warn!(kind, error = &error as &dyn std::error::Error, "jobs were not taken");
                    millis(config.poll_ms)
                }
            };
            tokio::select! {
                _ = closing.changed() => {}
                _ = hear(&mut signals) => {}
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn listen(&self, kind: &str) -> Option<Subscription> {
        self.bus.subscribe(&subject(kind).ok()?).await.ok()
    }

    /// How long to wait: until the next job is due, but not longer than the polling interval.
    async fn pause(&self, kind: &str, config: &WorkerConfig, free: usize) -> Duration {
        let most = millis(config.poll_ms);
        if free == 0 {
            return most;
        }
        let next = async { rows::next_due(&mut self.database.reader().await?, kind).await };
        match next.await {
            // Not busily, should another worker hold the rows that are due.
            Ok(Some(due)) => self.clock.now().until(due).clamp(millis(10).min(most), most),
            Ok(None) | Err(_) => most,
        }
    }

    async fn take(
        &self,
        handler: &Arc<dyn Handler>,
        config: &WorkerConfig,
        free: usize,
    ) -> Result<Vec<Job>, StoreError> {
        let (kind, now) = (handler.kind(), self.clock.now());
        let until = now.after(millis(config.lease_ms));
        let most = i64::try_from(free).unwrap_or(i64::MAX);
        let mut token = [0; 16];
        self.entropy.fill(&mut token);
        self.writer
            .write(0, move |transaction| {
                Box::pin(async move { rows::take(transaction, kind, now, until, &token, most).await })
            })
            .await
    }

    fn spawn(
        &self,
        jobs: Vec<Job>,
        handler: &Arc<dyn Handler>,
        config: &WorkerConfig,
        running: &mut JoinSet<()>,
    ) {
        for job in jobs {
            running.spawn(self.clone().run(job, handler.clone(), millis(config.lease_ms)));
        }
    }

    async fn run(self, job: Job, handler: Arc<dyn Handler>, lease: Duration) {
        let kind = handler.kind();
        let (id, attempts) = (job.id, job.attempts);
        // A job that takes its process down with it leaves no failure behind, only used up attempts.
        let used_up = attempts > 1 && handler.schedule().delay(attempts - 1, &*self.entropy).is_none();
        let done = if used_up {
            Err(Failure::Never("too many attempts ended without an outcome".to_owned()))
        } else {
            let stopped = tokio::select! {
                biased;
                done = handler.run(&job) => Ok(done),
                lost = self.keep(&job, lease) => Err(lost),
                () = sleep(handler.longest(lease)) => Err("it ran longer than it may"),
            };
            stopped.unwrap_or_else(|reason| Err(Failure::Later(reason.to_owned())))
        };
        let now = self.clock.now();
        let written = match done {
            Ok(()) => {
                let finish = self.writer.write(0, move |transaction| {
                    let job = job.clone();
                    Box::pin(async move { rows::finish(transaction, &job).await })
                });
                finish.await.map(drop)
            }
            Err(failure) => {
                let delay = match &failure {
                    Failure::Never(_) => None,
                    Failure::Later(_) => handler.schedule().delay(attempts, &*self.entropy),
                    Failure::After(_, least) => {
                        handler.schedule().delay(attempts, &*self.entropy).map(|delay| delay.max(*least))
                    }
                };
                tracing::info!(kind, id, attempts, dead = delay.is_none(), %failure, "a job failed");
                let (due, failure) = (delay.map(|delay| now.after(delay)), failure.to_string());
                let put_off = self.writer.write(0, move |transaction| {
                    let (job, failure) = (job.clone(), failure.clone());
                    Box::pin(async move { rows::put_off(transaction, &job, due, now, &failure).await })
                });
                put_off.await
            }
        };
        if let Err(error) = written {
            // The lease runs out and the job is done again: that is what idempotent means.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(kind, id, error, "the outcome of a job was not written");
        }
    }
}

/// Leases.
impl Ground {
    /// Renews the lease of a job after each half of it; ends when it is lost, with the reason.
    async fn keep(&self, job: &Job, lease: Duration) -> &'static str {
        let mut end = Instant::now() + lease;
        loop {
            sleep_until(end - lease / 2).await;
            // Counted from before the clock is read, so that it ends here before it ends there.
            let next = Instant::now() + lease;
            match timeout_at(end, self.renew(job, lease)).await {
                Ok(true) => end = next,
                Ok(false) => return "another worker has it",
                Err(_) => return "its lease could not be renewed",
            }
        }
    }

    /// Tries until it is known whether the job is still ours.
    async fn renew(&self, job: &Job, lease: Duration) -> bool {
        loop {
            let (job, until) = (job.clone(), self.clock.now().after(lease));
            let id = job.id;
            let renewed = self.writer.write(0, move |transaction| {
                let job = job.clone();
                Box::pin(async move { rows::renew(transaction, &job, until).await })
            });
            match renewed.await {
                Ok(ours) => return ours,
                Err(error) => tracing::warn!(
                    id,
                    error = &error as &dyn std::error::Error,
                    "the lease of a job was not renewed"
                ),
            }
            sleep(lease / 20).await;
        }
    }
}

/// The next signal; never, without a subscription.
async fn hear(signals: &mut Option<Subscription>) {
    match signals {
        Some(signals) => drop(signals.next().await),
        None => std::future::pending().await,
    }
}
