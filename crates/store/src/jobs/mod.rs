//! Work that must happen after a commit: a row written in the same transaction, taken by a worker.
//!
//! - [`add`] writes the row in the transaction of the change: both are there or neither.
//! - A [`Worker`] takes due rows under a lease and renews it while they run. If its process dies, the lease runs out and
//!   another one takes over, so a handler may see a job again and must be idempotent.
//! - A failure puts the job off by its [`Schedule`]; when that is used up the row stays as a dead letter.
//! - A bus signal ([`Jobs::wake`]) makes it quick and polling makes it certain: a lost signal costs time, never a job.

mod rows;
mod schedule;
mod worker;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

pub use self::{
    rows::{DeadJob, Job, add, dead, finish, forget, revive},
    schedule::Schedule,
    worker::{Failure, Handler, Worker, WorkerConfig},
};
use crate::{
    StoreError, Timestamp,
    bus::{Bus, Subject},
    sql::migrations::{Migration, Module},
};

/// The table of jobs. A lease is nothing but a due time in the future, with a token of who set it.
pub const MIGRATIONS: Module = Module {
    name: "jobs",
    migrations: &[Migration::new(
        "jobs, and which of them are due",
        "CREATE TABLE jobs (
            id {sequence},
            kind TEXT NOT NULL,
            payload {bytes} NOT NULL,
            unique_key TEXT,
            due {integer} NOT NULL,
            attempts {integer} NOT NULL DEFAULT 0,
            lease {bytes},
            died_at {integer},
            failure TEXT,
            UNIQUE (kind, unique_key)
        ) {options};
        CREATE INDEX jobs_due ON jobs (kind, due) WHERE died_at IS NULL;",
    )],
};

/// A job to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Which handler does it: a word, as it may stand in a [`Subject`].
    pub kind: &'static str,
    /// What the handler needs to know: ids rather than data.
    pub payload: Vec<u8>,
    /// Not before this.
    pub due: Timestamp,
    /// While a job of this kind and key waits, runs or is dead, another one is not added.
    pub unique_key: Option<String>,
}

/// Tells workers, here and on other nodes, that jobs were committed.
#[derive(Debug, Clone)]
pub struct Jobs {
    bus: Arc<dyn Bus>,
}

impl Jobs {
    /// Tells them over this bus.
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus }
    }

    /// Says that there may be jobs of this kind. After the commit; if it gets lost, polling finds them.
    pub async fn wake(&self, kind: &str) {
        let told = match subject(kind) {
            Ok(subject) => self.bus.publish(&subject, Bytes::new()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::debug!(kind, error = &error as &dyn std::error::Error, "workers were not woken");
        }
    }
}

fn subject(kind: &str) -> Result<Subject, StoreError> {
    Subject::new(format!("jobs.{kind}"))
}

/// Milliseconds of a configuration, as a duration: a year at most, which can be added to any time.
const fn millis(millis: u64) -> Duration {
    const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;
    Duration::from_millis(if millis < YEAR { millis } else { YEAR })
}
