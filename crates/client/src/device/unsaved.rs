//! Changes that were handed in, and are told of when they are durable: in the order in which they were made, whichever
//! of their callers hears of it first.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use super::Device;
use crate::{
    Error, Event,
    records::{Done, Handed, Work},
    vault::Saving,
};

/// What waits to be told, with its number.
#[derive(Default)]
pub(super) struct Untold(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    last: u64,
    done: VecDeque<(u64, Done)>,
}

impl Untold {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends that were handed in: others see them, and [`Unsaved::durable`] says when they cannot be lost any more. Nothing
/// of them leaves before. Dropped, it stops nothing: what comes after it is told of after them.
#[must_use = "nothing is saved for sure before this says so"]
pub struct Unsaved {
    device: Device,
    number: u64,
    saving: Saving,
}

impl std::fmt::Debug for Unsaved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unsaved").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Unsaved {
    /// Returns when they are durable.
    ///
    /// # Errors
    /// [`Error::Vault`]: then it is unknown whether anything is sent.
    pub async fn durable(self) -> Result<(), Error> {
        self.saving.durable().await?;
        // What was handed in before is durable too.
        self.device.tell_through(self.number);
        Ok(())
    }
}

impl Device {
    /// Hands a change in and lets others change the state.
    pub(super) async fn hand_in(&self, work: Work<'_>) -> Result<Unsaved, Error> {
        let Handed { done, saving, lock } = work.commit().await?;
        let number = {
            let mut waiting = self.0.untold.waiting();
            waiting.last += 1;
            let number = waiting.last;
            waiting.done.push_back((number, done));
            number
        };
        drop(lock);
        Ok(Unsaved { device: self.clone(), number, saving })
    }

    /// Stores a change, then tells of it. It also says that what the change has read is durable.
    pub(super) async fn save(&self, work: Work<'_>) -> Result<(), Error> {
        self.hand_in(work).await?.durable().await
    }

    fn tell_through(&self, number: u64) {
        let mut waiting = self.0.untold.waiting();
        while let Some((_, done)) = waiting.done.pop_front_if(|(of, _)| *of <= number) {
            self.0.fed.store(done.in_feed, Ordering::Release);
            done.fed.into_iter().for_each(|through| self.0.readers.tell(&Event::Feed { through }));
            done.events.iter().for_each(|event| self.0.readers.tell(event));
            self.0.lanes.nudge(done.lanes);
        }
    }
}
