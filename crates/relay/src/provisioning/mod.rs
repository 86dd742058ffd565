//! Where a device that is being linked and its primary device meet: one sealed message, given out once.

pub mod routes;
mod store;

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use ::store::bus::Subject;
use bytes::Bytes;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};
use wire::{api, limits};

pub(crate) use self::store::MIGRATIONS;
use crate::{
    RelayError,
    auth::Caller,
    devices,
    error::millis,
    ground::{Ground, shard_of},
    limits::{Buckets, network},
};

/// How long two devices have to meet.
const OPEN: Duration = Duration::from_secs(10 * 60);
/// How long a question may wait for its answer.
const LONGEST: Duration = Duration::from_secs(30);
/// A signal may get lost: look again this often.
const POLL: Duration = Duration::from_secs(5);
/// Questions that wait at the same time.
const WAITING: usize = 10_000;

/// Names a meeting: whoever knows it takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MeetingId([u8; 16]);

impl FromStr for MeetingId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let small = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(small) {
            return Err(());
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| ())
    }
}

impl fmt::Display for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// It lets its holder in.
impl fmt::Debug for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeetingId(…)")
    }
}

/// Lets devices meet.
#[derive(Debug)]
pub struct Provisioning {
    ground: Arc<Ground>,
    begun: Buckets<IpAddr>,
    polls: Buckets<IpAddr>,
    waiting: Semaphore,
}

impl Provisioning {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let begun = Buckets::new(limits.provisioning, limits.remembered, clock.clone());
        let polls = Buckets::new(limits.provisioning_polls, limits.remembered, clock.clone());
        Arc::new(Self { ground, begun, polls, waiting: Semaphore::new(WAITING) })
    }

    /// A new place to meet.
    ///
    /// # Errors
    /// `RateLimited`; those of the database.
    pub async fn begin(&self, address: IpAddr) -> Result<api::Provisioning, RelayError> {
        self.begun.take(&network(address))?;
        let id = MeetingId(self.ground.random());
        let expires = self.ground.now().after(OPEN);
        let written = self.ground.write(shard_of(&id.0), move |transaction| {
            Box::pin(async move { Ok(store::insert(transaction, id.0, expires).await?) })
        });
        written.await?;
        Ok(api::Provisioning { id: id.to_string(), expires_in_ms: millis(OPEN) })
    }

    /// Leaves the message. Whose it is, nobody notes.
    ///
    /// # Errors
    /// `TooLarge`, `Unauthorized` if the caller is gone already; `NotFound` if there is no such meeting, or a message was left already; those of the database.
    pub async fn leave(&self, caller: Caller, id: MeetingId, message: Vec<u8>) -> Result<(), RelayError> {
        if message.is_empty() {
            return Err(RelayError::field("message", "nothing is in it"));
        }
        if message.len() > limits::PROVISION {
            let limit = crate::edge::as_u64(limits::PROVISION);
            return Err(RelayError::TooLarge { what: "a provisioning message in bytes", limit });
        }
        let (message, now): (Arc<[u8]>, _) = (message.into(), self.ground.now());
        let written = self.ground.write(shard_of(&id.0), move |transaction| {
            let message = message.clone();
            Box::pin(async move {
                devices::still(transaction, caller).await?;
                Ok(store::leave(transaction, id.0, &message, now).await?)
            })
        });
        if !written.await? {
            return Err(RelayError::NotFound);
        }
        if let Ok(subject) = subject(id) {
            // Lost, it costs a few seconds.
            let _ = self.ground.bus.publish(&subject, Bytes::new()).await;
        }
        Ok(())
    }

    /// Takes the message, waiting for it this long at most.
    ///
    /// # Errors
    /// `NotFound` if there is no such meeting (any more), `RateLimited`, `Unavailable` if too many wait; those of the
    /// database.
    pub async fn take(
        &self,
        address: IpAddr,
        id: MeetingId,
        wait: Duration,
    ) -> Result<Option<Vec<u8>>, RelayError> {
        self.polls.take(&network(address))?;
        let _place = self.waiting.try_acquire().map_err(|_| RelayError::Unavailable)?;
        let until = Instant::now() + wait.min(LONGEST);
        // Before looking, so that what comes after the look is heard.
        let mut signals = self.ground.bus.subscribe(&subject(id)?).await?;
        loop {
            if let Some(message) = self.look(id).await? {
                return Ok(Some(message));
            }
            let next = until.min(Instant::now() + POLL);
            tokio::select! {
                _ = timeout_at(next, signals.next()) => {}
                () = self.ground.closing.cancelled() => return Ok(None),
            }
            if Instant::now() >= until {
                // What came at the last moment is there at the next question.
                sleep_until(until).await;
                return self.look(id).await;
            }
        }
    }

    async fn look(&self, id: MeetingId) -> Result<Option<Vec<u8>>, RelayError> {
        let now = self.ground.now();
        let there = store::there(&mut self.ground.reader().await?, id.0, now).await?;
        if !there.ok_or(RelayError::NotFound)? {
            return Ok(None);
        }
        let taken = self.ground.write(shard_of(&id.0), move |transaction| {
            Box::pin(async move { Ok(store::take(transaction, id.0, now).await?) })
        });
        taken.await?.map(Some).ok_or(RelayError::NotFound)
    }

    /// Removes meetings that came to nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep(&self) -> Result<(), RelayError> {
        let now = self.ground.now();
        let swept = self
            .ground
            .write(0, move |transaction| Box::pin(async move { Ok(store::sweep(transaction, now).await?) }));
        swept.await
    }
}

fn subject(id: MeetingId) -> Result<Subject, ::store::StoreError> {
    Subject::new(format!("provisioning.{id}"))
}
