//! What the relay says of what was sent.

use wire::{
    AccountId, DeviceId,
    frames::{Reason, Refusal},
};

use super::{Device, lanes::Lane};
use crate::{
    Error,
    error::damaged,
    records::{EntryState, Purpose, QueuedSend, Work},
};

/// How often a send is sealed anew before it fails: each time the recipient's devices must have changed again.
const REFUSALS: u32 = 8;
/// Milliseconds between tries, at least; from a relay that does not say.
const PAUSE: u64 = 500;

impl Device {
    /// Sends are with the relay, or will not be.
    pub(super) async fn settle(
        &self,
        work: &mut Work<'_>,
        sent: &[bytes::Bytes],
        refusals: &[Refusal],
    ) -> Result<(), Error> {
        for id in sent {
            // What went to who is connected now is in no lane.
            let Some(to) = self.0.lanes.recipient(id) else { continue };
            if let Some(item) = Self::head(work, to).await?.filter(|item| item.id == *id) {
                Self::take_out(work, &item);
                self.advance(work, &item, EntryState::Sent).await?;
            }
            self.0.lanes.set(to, Lane::Ready);
        }
        for refusal in refusals {
            let Some(to) = self.0.lanes.recipient(&refusal.id) else { continue };
            let lane = match Self::head(work, to).await?.filter(|item| item.id == refusal.id) {
                Some(item) => self.refused(work, to, item, refusal).await?,
                None => Lane::Ready,
            };
            self.0.lanes.set(to, lane);
        }
        Ok(())
    }

    async fn refused(
        &self,
        work: &mut Work<'_>,
        to: AccountId,
        mut item: QueuedSend,
        refusal: &Refusal,
    ) -> Result<Lane, Error> {
        let known = |devices: &[u32]| -> Vec<DeviceId> {
            devices.iter().take(127).filter_map(|device| DeviceId::try_from(*device).ok()).collect()
        };
        let mut peer = work.peer(to).await?;
        match refusal.reason() {
            Reason::RateLimited | Reason::Unavailable => {
                let wait = refusal.retry_after.clamp(PAUSE, 3_600_000);
                return Ok(Lane::Until(work.now + wait));
            }
            Reason::MismatchedDevices => {
                for device in known(&refusal.extra) {
                    peer.forget_device(device);
                    work.delete_session(to, device);
                }
                for device in known(&refusal.missing) {
                    peer.note_device(device, 0);
                }
            }
            Reason::StaleDevices => {
                for device in known(&refusal.devices) {
                    let mut session = self.session(work, to, device).await?;
                    session.archive_current();
                    Self::put_session(work, to, device, &session);
                    peer.note_device(device, 0);
                }
            }
            Reason::NoSuchAccount => return self.failed(work, &item, EntryState::NoSuchAccount).await,
            Reason::QueueFull => return self.failed(work, &item, EntryState::QueueFull).await,
            Reason::Forbidden => return self.failed(work, &item, EntryState::Forbidden).await,
            Reason::Invalid | Reason::ReasonUnknown => {
                return self.failed(work, &item, EntryState::Refused).await;
            }
        }
        work.put_peer(&mut peer);
        self.try_anew(work, &mut item).await
    }

    /// Lets a send be sealed again, for other devices or in other sessions, unless that happened too often.
    pub(super) async fn try_anew(&self, work: &mut Work<'_>, item: &mut QueuedSend) -> Result<Lane, Error> {
        item.refused += 1;
        if item.refused > REFUSALS {
            return self.failed(work, item, EntryState::Devices).await;
        }
        item.unseal();
        Self::put_item(work, item);
        // The first times are ordinary: a device more or less. Later ones are somebody's trouble.
        let wait = if item.refused > 3 { PAUSE << item.refused } else { 0 };
        Ok(if wait == 0 { Lane::Ready } else { Lane::Until(work.now + wait) })
    }

    async fn failed(&self, work: &mut Work<'_>, item: &QueuedSend, state: EntryState) -> Result<Lane, Error> {
        self.fail(work, item, state).await?;
        Ok(Lane::Ready)
    }

    /// Gives something up.
    pub(super) async fn fail(
        &self,
        work: &mut Work<'_>,
        item: &QueuedSend,
        state: EntryState,
    ) -> Result<(), Error> {
        Self::take_out(work, item);
        self.advance(work, item, state).await
    }

    /// Moves the state of the message that was sent, if it was one.
    async fn advance(&self, work: &mut Work<'_>, item: &QueuedSend, state: EntryState) -> Result<(), Error> {
        if item.purpose() != Purpose::Message {
            return Ok(());
        }
        let timestamp = if item.message == 0 { item.timestamp } else { item.message };
        let chat = item.to().map_err(|_| damaged("a recipient"))?;
        self.move_state(work, chat, timestamp, state).await
    }
}
