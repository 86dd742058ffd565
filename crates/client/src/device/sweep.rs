//! What goes with time.

use super::{Device, heal::KEPT};
use crate::{
    Error, Event,
    records::{Entry, PreKeyKind, Work, message_of},
    vault::{Order, Space},
};

const DAY: u64 = 86_400_000;
/// Milliseconds for which processed envelopes and messages are remembered: the relay keeps what waits for 30 days.
const SEEN: u64 = 45 * DAY;
/// Milliseconds for which one-time and replaced prekeys are kept: who took one may not have been online since.
const PREKEYS: u64 = 90 * DAY;
/// Contents that are kept for those who cannot read them.
const OUTGOING: u64 = 20_000;
/// Records in one commit.
const BATCH: usize = 256;

impl Device {
    /// Lets messages disappear whose time has come, and forgets what is no longer of use. [`Device::run`] does it every
    /// minute. How many messages disappeared.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn sweep(&self, now: u64) -> Result<usize, Error> {
        let mut gone = 0;
        loop {
            let mut work = self.work().await?;
            let due = work.scan(Space::Expiry, None, Order::After(0), BATCH).await?;
            let mut messages = Vec::new();
            for record in due.iter().filter(|record| record.position <= now) {
                if let Some(entry) = work.load::<Entry>(Space::Message, &record.key).await? {
                    self.remove(&mut work, &entry).await?;
                }
                work.delete(Space::Expiry, record.key.clone());
                messages.extend(message_of(&record.key));
            }
            if messages.is_empty() {
                break;
            }
            gone += messages.len();
            work.events.push(Event::Disappeared { messages });
            self.save(work).await?;
        }
        for (space, kept) in [
            (Space::Seen, SEEN),
            (Space::Asked, KEPT),
            (Space::Early, KEPT),
            (Space::Sent, SEEN),
            (Space::LastResort, PREKEYS + SEEN),
            (Space::Outgoing, KEPT),
        ] {
            while self.forget_before(space, now.saturating_sub(kept)).await? == BATCH {}
        }
        while self.too_many_outgoing().await? {}
        self.forget_prekeys(now).await?;
        Ok(gone)
    }

    /// Forgets records whose position, a time, is before this one.
    async fn forget_before(&self, space: Space, time: u64) -> Result<usize, Error> {
        let mut work = self.work().await?;
        let old = work.scan(space, None, Order::After(0), BATCH).await?;
        let old = old.into_iter().filter(|record| record.position < time);
        let count = self.forget(&mut work, space, old.map(|record| record.key).collect());
        self.save(work).await?;
        Ok(count)
    }

    fn forget(&self, work: &mut Work<'_>, space: Space, keys: Vec<Vec<u8>>) -> usize {
        let count = keys.len();
        if space == Space::Outgoing {
            let left = work.upkeep().outgoing.saturating_sub(count as u64);
            work.upkeep().outgoing = left;
        }
        keys.into_iter().for_each(|key| work.delete(space, key));
        count
    }

    async fn too_many_outgoing(&self) -> Result<bool, Error> {
        let mut work = self.work().await?;
        if work.upkeep().outgoing <= OUTGOING {
            return Ok(false);
        }
        let oldest = work.scan(Space::Outgoing, None, Order::After(0), BATCH).await?;
        let count =
            self.forget(&mut work, Space::Outgoing, oldest.into_iter().map(|record| record.key).collect());
        if count == 0 {
            // The count was wrong; it is a bound, not a book.
            work.upkeep().outgoing = 0;
        }
        self.save(work).await?;
        Ok(count > 0)
    }

    async fn forget_prekeys(&self, now: u64) -> Result<(), Error> {
        let mut work = self.work().await?;
        let rotated = work.upkeep().rotated;
        let old = work.scan(Space::PreKey, None, Order::After(0), BATCH).await?;
        for record in old {
            // Those that the relay gives out now were made at the last rotation and stay, whenever that was.
            let current = record.position >= rotated
                && !matches!(record.key.first(), Some(kind) if *kind == PreKeyKind::OneTime as u8 || *kind == PreKeyKind::OneTimeKem as u8);
            if record.position < now.saturating_sub(PREKEYS) && !current {
                work.delete(Space::PreKey, record.key);
            }
        }
        self.save(work).await
    }
}
