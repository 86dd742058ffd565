//! What is not collected in time is deleted, and its sender is told.

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use wire::{
    AccountId, Message as _, MessageId,
    frames::{Envelope, Expired, Kind, Notice, notice},
};

use super::{
    Queue, Refusal,
    mailbox::Arrival,
    pending::{Pending, Sender},
    recent::RecentIds,
    store::{self, Change, Changed},
};
use crate::{RelayError, devices::DeviceKey};

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
        // Which mailboxes there is something in is in their rows.
        self.settle(None).await?;
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
            let mut reader = self.ground.reader().await?;
            let oldest = store::page(&mut reader, device, 0, ENVELOPES).await?;
            let owner = crate::devices::owner(&mut reader, device).await?;
            drop(reader);
            let Some((account, number)) = owner else { return Ok(expired) };
            // The notices first: should the process die between both, the next sweep repeats them under the same ids.
            for row in &oldest {
                let envelope = Envelope::decode(&*row.body).unwrap_or_default();
                if i64::try_from(envelope.received).unwrap_or(i64::MAX) >= cutoff.0 {
                    break;
                }
                self.tell_sender(&envelope, account, number, (device, row.seq)).await?;
            }
            let change = Change::Expire { device, cutoff, limit: ENVELOPES };
            let (gone, more) = match self.lane.submit(change).await? {
                Changed::Expired(gone, more) => (gone, more),
                _ => (0, false),
            };
            expired += gone;
            if !more {
                return Ok(expired);
            }
        }
    }

    /// Puts a notice into the mailboxes of the sender's devices, and waits until it is safe there. It goes the way that
    /// all envelopes go: only a mailbox knows in which order.
    async fn tell_sender(
        self: &Arc<Self>,
        envelope: &Envelope,
        to: AccountId,
        number: u32,
        place: (DeviceKey, i64),
    ) -> Result<(), RelayError> {
        let Ok(from) = AccountId::try_from(&*envelope.from) else { return Ok(()) };
        if from == AccountId::RELAY {
            return Ok(());
        }
        let Some(sender) = self.accounts.recipient(from).await? else { return Ok(()) };
        let now = self.ground.now();
        let (id, notice) = notice(envelope, to.as_bytes(), number, place, now.0);
        for endpoint in &sender.endpoints {
            let (reply, answer) = oneshot::channel();
            let waiting = Sender::Request(Mutex::new(Some(reply)));
            let key = RecentIds::key(endpoint.key, &[], id.as_bytes());
            let pending = Pending::new(1, waiting, id, key, self.recent.clone());
            let arrival = Arrival {
                envelope: &notice,
                received: now,
                transient: false,
                pending: &pending,
                device: endpoint.device.into(),
            };
            self.sockets.with(endpoint.key, |mailbox| mailbox.post(self, &arrival));
            match answer.await.unwrap_or(Err(Refusal::Unavailable)) {
                // Whoever collects nothing is not told of what others did not collect.
                Ok(()) | Err(Refusal::Full(_)) => {}
                Err(_) => return Err(RelayError::Unavailable),
            }
        }
        Ok(())
    }
}

/// What the sender is told, under an id that is the same whenever this envelope expires.
fn notice(
    envelope: &Envelope,
    to: &[u8; 16],
    number: u32,
    (device, seq): (DeviceKey, i64),
    now: i64,
) -> (MessageId, Bytes) {
    let digest = Sha256::new()
        .chain_update(b"expired")
        .chain_update(device.0.to_be_bytes())
        .chain_update(seq.to_be_bytes())
        .chain_update(&envelope.id)
        .finalize();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let expired = Expired {
        id: envelope.id.clone(),
        to: Bytes::copy_from_slice(to),
        device: number,
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
    (MessageId::from_bytes(id), notice.encode_to_vec().into())
}
