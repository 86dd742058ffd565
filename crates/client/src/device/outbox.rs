//! Putting into the outbox, and taking from it what can be sent now.

use std::collections::BTreeSet;

use prost::Message as _;
use tokio::sync::futures::Notified;
use wire::{AccountId, frames, limits};
use zeroize::Zeroizing;

use super::{Device, label::Gate, lanes::Lane, seal::Sealing};
use crate::{
    Error,
    records::{EntryState, Outgoing, Purpose, QueuedSend, Work, decode},
    vault::{Order, Space},
};

/// What may wait to be sent.
const OUTBOX: u64 = 10_000;
/// Bytes of a content: sealed for the most devices an account can have, it fits in a frame.
pub(super) const CONTENT: usize = 88 << 10;
/// Bytes of the sends in a frame, which also says what is acknowledged.
const FRAME: usize = limits::FRAME - 64;
/// Lanes that are looked at together.
const LANES: usize = 256;

impl Device {
    /// How much waits to be sent.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn outbox_len(&self) -> Result<u64, Error> {
        Ok(self.work().await?.upkeep().queued)
    }

    /// Returns when nothing waits to be sent any more. It needs [`Device::run`]; what is held for a changed identity key waits
    /// on.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn settled(&self) -> Result<(), Error> {
        loop {
            let emptied: Notified<'_> = self.0.lanes.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self.outbox_len().await? == 0 {
                return Ok(());
            }
            emptied.await;
        }
    }

    /// Whether less than half of what may wait does.
    pub(super) fn half_of_outbox(work: &mut Work<'_>) -> bool {
        work.upkeep().queued < OUTBOX / 2
    }

    pub(super) fn room_in_outbox(work: &mut Work<'_>) -> Result<(), Error> {
        if work.upkeep().queued < OUTBOX { Ok(()) } else { Err(Error::OutboxFull) }
    }

    /// Queues a content. If nothing waits before it and all sessions are there it is sealed at once, so that one commit
    /// does everything; else when its turn comes: who is to get it may be another question by then.
    pub(super) async fn queue(
        &self,
        work: &mut Work<'_>,
        to: AccountId,
        timestamp: u64,
        content: Vec<u8>,
        purpose: Purpose,
        message: u64,
    ) -> Result<(), Error> {
        let mut item = QueuedSend {
            id: work.random::<16>().to_vec(),
            to: to.as_bytes().to_vec(),
            timestamp,
            content,
            purpose: purpose.into(),
            message,
            queued: work.now,
            ..QueuedSend::default()
        };
        if purpose != Purpose::AskAgain {
            let outgoing = Outgoing {
                to: item.to.clone(),
                content: item.content.clone(),
                sent_again: Vec::new(),
                queued: work.now,
            };
            Self::put_outgoing(work, timestamp, &outgoing);
            work.upkeep().outgoing += 1;
        }
        let first = !work.any(Space::Outbox, to.as_bytes()).await?;
        if first && let Sealing::Sealed(parts) = self.seal(work, &item).await? {
            item.parts = parts;
            item.sealed = true;
        }
        work.upkeep().queued += 1;
        Self::put_item(work, &item);
        work.lanes.insert(to);
        Ok(())
    }

    pub(super) fn put_outgoing(work: &mut Work<'_>, timestamp: u64, outgoing: &Outgoing) {
        let value = Zeroizing::new(outgoing.encode_to_vec());
        work.put(Space::Outgoing, timestamp.to_be_bytes().to_vec(), &[], timestamp, value);
    }

    pub(super) fn put_item(work: &mut Work<'_>, item: &QueuedSend) {
        let (key, value) = (item.timestamp.to_be_bytes().to_vec(), Zeroizing::new(item.encode_to_vec()));
        work.put(Space::Outbox, key, &item.to, item.timestamp, value);
    }

    /// The first of a lane.
    pub(super) async fn head(work: &Work<'_>, to: AccountId) -> Result<Option<QueuedSend>, Error> {
        let first = work.scan(Space::Outbox, Some(to.as_bytes()), Order::After(0), 1).await?;
        first.first().map(decode).transpose()
    }

    /// Takes something out of the outbox for good.
    pub(super) fn take_out(work: &mut Work<'_>, item: &QueuedSend) {
        work.delete(Space::Outbox, item.timestamp.to_be_bytes().to_vec());
        let queued = work.upkeep().queued.saturating_sub(1);
        work.upkeep().queued = queued;
    }

    /// For whom something waits.
    pub(super) async fn waiting(&self) -> Result<BTreeSet<AccountId>, Error> {
        let work = self.work().await?;
        let (mut waiting, mut last) = (BTreeSet::new(), 0);
        loop {
            let page = work.scan(Space::Outbox, None, Order::After(last), 256).await?;
            let Some(end) = page.last() else { return Ok(waiting) };
            last = end.position;
            for record in &page {
                waiting.insert(decode::<QueuedSend>(record)?.to()?);
            }
        }
    }

    /// What can go to the relay now, at most a frame of it; what is not sealed yet is sealed and stored first.
    ///
    /// Lanes are changed while the state is locked: whoever queues something, or accepts a key, does so before or after.
    pub(super) async fn next_sends(&self) -> Result<Vec<frames::Send>, Error> {
        let ready = self.0.lanes.ready(self.now(), LANES);
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let mut work = self.work().await?;
        let (mut sends, mut size) = (Vec::new(), 0);
        for to in ready {
            let Some(mut item) = Self::head(&work, to).await? else {
                self.0.lanes.end(to);
                continue;
            };
            // Also of what was encrypted before: it has not left.
            if !matches!(item.purpose(), Purpose::Receipt | Purpose::AskAgain) {
                match self.label_gate(&mut work, to).await? {
                    Gate::Open => {}
                    Gate::Ask => {
                        self.0.lanes.set(to, Lane::WantsLabel);
                        continue;
                    }
                    Gate::Held => {
                        self.0.lanes.set(to, Lane::Held);
                        continue;
                    }
                }
            }
            if !item.sealed {
                match self.seal(&mut work, &item).await? {
                    Sealing::Sealed(parts) => {
                        item.parts = parts;
                        item.sealed = true;
                        Self::put_item(&mut work, &item);
                    }
                    Sealing::Keys(devices) => {
                        self.0.lanes.set(to, Lane::WantsKeys(devices));
                        continue;
                    }
                    Sealing::Held => {
                        self.0.lanes.set(to, Lane::Held);
                        continue;
                    }
                }
            }
            let send = to_wire(&item);
            let len = send.encoded_len() + 16;
            if len > FRAME {
                self.fail(&mut work, &item, EntryState::Refused).await?;
                self.0.lanes.set(to, Lane::Ready);
                continue;
            }
            if size + len > FRAME {
                self.0.lanes.set(to, Lane::Ready);
                break;
            }
            size += len;
            let id = <[u8; 16]>::try_from(&send.id[..]).unwrap_or_default();
            self.0.lanes.set(to, Lane::Sent { id, since: work.now });
            sends.push(send);
        }
        self.save(work).await?;
        Ok(sends)
    }
}

fn to_wire(item: &QueuedSend) -> frames::Send {
    let parts = item.parts.iter().map(|part| frames::Part {
        device: part.device,
        registration_id: part.registration_id,
        kind: part.kind,
        body: part.body.clone(),
    });
    frames::Send {
        id: item.id.clone().into(),
        to: item.to.clone().into(),
        timestamp: item.timestamp,
        transient: false,
        parts: parts.collect(),
    }
}
