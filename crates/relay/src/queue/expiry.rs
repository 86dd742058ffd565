//! What is not collected in time is deleted, and its sender is told.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use ::store::writer::Lane as _;
use bytes::Bytes;
use wire::{
    AccountId, Message as _,
    frames::{Envelope, Expired, Kind, Notice, notice},
};

use super::{Queue, store};
use crate::{RelayError, accounts::Recipient, devices::DeviceKey};

/// How often to look, and how many devices and envelopes at once.
const EVERY: Duration = Duration::from_secs(15 * 60);
const DEVICES: i64 = 200;
const ENVELOPES: i64 = 200;

/// Sweeps now and then, until the queue is gone.
pub(super) async fn sweep(queue: Weak<Queue>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(queue) = queue.upgrade() else { return };
        if let Err(error) = queue.expire().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what was not collected could not be deleted");
        }
    }
}

impl Queue {
    /// Deletes everything that has waited too long, and tells its senders. How many envelopes that were.
    ///
    /// # Errors
    /// Those of the database; what was not deleted is found by the next sweep.
    pub async fn expire(self: &Arc<Self>) -> Result<usize, RelayError> {
        let (mut after, mut expired) = (DeviceKey(0), 0);
        loop {
            let mut reader = self.ground.reader().await?;
            let overdue = store::overdue(&mut reader, after, self.cutoff(), DEVICES).await?;
            drop(reader);
            let Some(last) = overdue.last() else { return Ok(expired) };
            after = *last;
            for device in overdue {
                expired += self.expire_device(device).await?;
            }
        }
    }

    async fn expire_device(self: &Arc<Self>, device: DeviceKey) -> Result<usize, RelayError> {
        let (mut expired, cutoff) = (0, self.cutoff());
        loop {
            // Who they are is looked up before the transaction, and the notices are written in it.
            let mut reader = self.ground.reader().await?;
            let oldest = store::page(&mut reader, device, 0, ENVELOPES).await?;
            let owner = crate::devices::owner(&mut reader, device).await?;
            drop(reader);
            let Some((account, number)) = owner else { return Ok(expired) };
            let mut senders = Vec::new();
            for row in &oldest {
                let from = Envelope::decode(&*row.body)
                    .ok()
                    .and_then(|envelope| AccountId::try_from(&*envelope.from).ok());
                if let Some(from) = from.filter(|from| *from != AccountId::RELAY)
                    && !senders.iter().any(|known: &Arc<Recipient>| known.account == from)
                    && let Some(sender) = self.accounts.recipient(from).await?
                {
                    senders.push(sender);
                }
            }
            let (bounds, now) = (self.bounds(), self.ground.now());
            let ids = self.ground.random::<16>();
            let (gone, told, more) = self
                .ground
                .write(device.0.unsigned_abs(), move |transaction| {
                    let (senders, lane) = (senders.clone(), store::MailboxLane(bounds));
                    Box::pin(async move {
                        let (gone, more) = store::expire(transaction, device, cutoff, ENVELOPES).await?;
                        let mut notices = Vec::new();
                        for (index, envelope) in gone.iter().enumerate() {
                            let sender = senders
                                .iter()
                                .find(|sender| sender.account.as_bytes()[..] == envelope.from[..]);
                            let to = account.as_bytes();
                            let notice = notice(envelope, to, number, (ids, index), now.0);
                            for endpoint in sender.into_iter().flat_map(|sender| &sender.endpoints) {
                                notices.push(store::Change::Append {
                                    device: endpoint.key,
                                    envelope: notice.clone(),
                                    received: now,
                                });
                            }
                        }
                        lane.apply(transaction, &notices).await?;
                        let told: Vec<DeviceKey> = notices.iter().map(store::Change::device_key).collect();
                        Ok::<_, RelayError>((gone.len(), told, more))
                    })
                })
                .await?;
            expired += gone;
            self.wake(&told);
            if !more {
                return Ok(expired);
            }
        }
    }

    /// Something was stored for these devices, not by way of their mailboxes.
    fn wake(&self, devices: &[DeviceKey]) {
        for device in devices {
            if let Some(mailbox) = self.sockets.get(*device) {
                mailbox.look_again();
            }
            if let Some(nodes) = &self.nodes {
                nodes.stored(*device);
            }
        }
    }
}

/// What the sender is told. It has an id of its own, which differs for each in the sweep.
fn notice(
    envelope: &Envelope,
    to: &[u8; 16],
    device: u32,
    (mut id, index): ([u8; 16], usize),
    now: i64,
) -> Bytes {
    let number = u64::try_from(index).unwrap_or(0).to_le_bytes();
    id.iter_mut().zip(number).for_each(|(byte, index)| *byte ^= index);
    let expired = Expired {
        id: envelope.id.clone(),
        to: Bytes::copy_from_slice(to),
        device,
        timestamp: envelope.timestamp,
    };
    let now = u64::try_from(now).unwrap_or(0);
    let notice = Envelope {
        id: Bytes::copy_from_slice(&id),
        from: Bytes::copy_from_slice(AccountId::RELAY.as_bytes()),
        from_device: 0,
        timestamp: now,
        received: now,
        kind: Kind::Notice.into(),
        body: Notice { notice: Some(notice::Notice::Expired(expired)) }.encode_to_vec().into(),
    };
    notice.encode_to_vec().into()
}
