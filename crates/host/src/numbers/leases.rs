//! Who runs which number: any number of processes share them over the database.
//!
//! Each process renews its leases every few seconds; a lease that is not renewed runs out, and the number is taken by
//! whoever has fewer than its fair share. A process that was only slow finds its saves refused ([`super::vault`]).

use std::{fmt, sync::Arc, time::Duration};

use ::store::bus::{Subject, Subscription};
use bytes::Bytes;

use super::{store, vault::Token};
use crate::{HostError, ground::Ground, ids::NumberId};

/// How long a number waits for its process.
const LEASE: Duration = Duration::from_secs(15);
/// How often leases are renewed, and free numbers looked for.
const RENEW: Duration = Duration::from_secs(4);
const WAKE: &str = "numbers.free";

/// This process's leases.
pub(super) struct Leases {
    ground: Arc<Ground>,
    holder: Token,
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}

/// What changed.
pub(super) struct Share {
    /// To be stopped: others may have them.
    pub(super) lost: Vec<NumberId>,
    /// To be stopped and given up: others have fewer.
    pub(super) spare: Vec<NumberId>,
    /// To be begun.
    pub(super) taken: Vec<NumberId>,
}

impl Leases {
    pub(super) fn new(ground: Arc<Ground>) -> Self {
        Self { holder: ground.random(), ground }
    }

    /// Of a database that only this process can have open: who had numbers before is dead, whether or not its leases
    /// have run out.
    pub(super) async fn inherit(&self) -> Result<(), HostError> {
        if !self.ground.database.is_alone() {
            return Ok(());
        }
        let holder = self.holder;
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::only(transaction, holder).await?) })
        });
        written.await
    }

    /// Begins to run a number of this process's under a token of its own; whether it is still this process's.
    pub(super) async fn claim(&self, number: NumberId, token: Token) -> Result<bool, HostError> {
        let holder = self.holder;
        let written = self.ground.write(number.get(), move |transaction| {
            Box::pin(async move { Ok(store::claim(transaction, number, holder, token).await?) })
        });
        written.await
    }

    pub(super) async fn take(&self, number: NumberId, holder: Token) -> Result<bool, HostError> {
        let now = self.ground.now();
        let written = self.ground.write(number.get(), move |transaction| {
            Box::pin(
                async move { Ok(store::take(transaction, number, holder, now, now.after(LEASE)).await?) },
            )
        });
        written.await
    }

    pub(super) async fn release(&self, number: NumberId, holder: Token) -> Result<(), HostError> {
        let written = self.ground.write(number.get(), move |transaction| {
            Box::pin(async move { Ok(store::release(transaction, number, holder).await?) })
        });
        written.await
    }

    pub(super) async fn give_up(&self, number: NumberId) -> Result<(), HostError> {
        self.release(number, self.holder).await?;
        self.wake().await;
        Ok(())
    }

    pub(super) async fn leave(&self) -> Result<(), HostError> {
        let holder = self.holder;
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::leave(transaction, holder).await?) })
        });
        written.await?;
        self.wake().await;
        Ok(())
    }

    /// Renews, and takes or gives up what makes the shares fair. `running` are the numbers that run here.
    pub(super) async fn share(&self, running: impl Fn() -> Vec<NumberId>) -> Result<Share, HostError> {
        let (holder, now) = (self.holder, self.ground.now());
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::renew(transaction, holder, now, now.after(LEASE)).await?) })
        });
        let (mut held, alive) = written.await?;
        let running = running();
        let lost = running.iter().copied().filter(|number| !held.contains(number)).collect();
        let mut reader = self.ground.reader().await?;
        let all = store::all_registered(&mut reader).await?;
        let fair = usize::try_from((all + alive - 1) / alive.max(1)).unwrap_or(usize::MAX);
        let spare = held.split_off(held.len().min(fair));
        let room = i64::try_from(fair - held.len()).unwrap_or(0);
        // What is held and does not run was taken before and never begun.
        let mut taken: Vec<_> = held.iter().copied().filter(|number| !running.contains(number)).collect();
        if room > 0 {
            let free = store::free(&mut reader, now, room).await?;
            drop(reader);
            for number in free {
                if self.take(number, holder).await? {
                    taken.push(number);
                }
            }
        }
        Ok(Share { lost, spare, taken })
    }

    pub(super) async fn wake(&self) {
        if let Ok(subject) = Subject::new(WAKE)
            && let Err(error) = self.ground.bus.publish(&subject, Bytes::new()).await
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody was told of free numbers");
        }
    }

    pub(super) async fn listen(&self) -> Option<Subscription> {
        let subject = Subject::new(WAKE).ok()?;
        self.ground.bus.subscribe(&subject).await.ok()
    }

    pub(super) async fn pause(&self, signals: &mut Option<Subscription>) {
        let heard = async {
            match signals {
                Some(signals) => drop(signals.next().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = heard => {}
            () = tokio::time::sleep(RENEW) => {}
        }
    }
}
