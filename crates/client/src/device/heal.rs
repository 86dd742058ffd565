//! Healing: what cannot be read is asked for again, once; who is asked sends it again, once, in a new session.

use signal::{DecryptionErrorMessage, MessageKind, PlaintextContent, Timestamp};
use wire::{AccountId, DeviceId, frames::Envelope};
use zeroize::Zeroizing;

use super::{Device, receive::named_with};
use crate::{
    Error,
    records::{Outgoing, Purpose, QueuedSend, Work, decode},
    vault::{Order, Space},
};

/// Milliseconds for which what was sent is kept for those who cannot read it: 14 days.
pub(super) const KEPT: u64 = 14 * 86_400_000;
/// What is asked of one device in an hour; more than that is no accident.
const ASKED: usize = 500;
const HOUR: u64 = 3_600_000;

impl Device {
    /// Asks the sender of an envelope that no session opens to send it again, unless that was asked before.
    pub(super) async fn ask_again(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        device: DeviceId,
        envelope: &Envelope,
    ) -> Result<(), Error> {
        let timestamp = envelope.timestamp;
        let asked = named_with(from, device, timestamp);
        let owner = crate::records::name(from, device);
        let recent =
            work.scan(Space::Asked, Some(&owner), Order::After(work.now.saturating_sub(HOUR)), ASKED);
        let too_often = recent.await?.len() >= ASKED;
        let before = work.bytes(Space::Asked, &asked).await?.is_some();
        let about = message_kind(envelope.kind).zip(signal::DeviceId::new(device.get()));
        let error = about.and_then(|(kind, device)| {
            DecryptionErrorMessage::for_original(kind, &envelope.body, Timestamp(timestamp), device).ok()
        });
        let error = error.filter(|_| !before && !too_often);
        let account = from;
        Self::tell_unreadable(work, account, device, timestamp, error.is_some());
        let Some(error) = error else { return Ok(()) };
        work.put(Space::Asked, asked, &owner, work.now, Zeroizing::default());
        let mut peer = work.peer(from).await?;
        if peer.knows(device).is_none() {
            // The relay takes the request only for all devices of the account: this is one of them.
            peer.note_device(device, 0);
            work.put_peer(&mut peer);
        }
        let content = PlaintextContent::from(error).serialize().bytes;
        let timestamp = work.next_timestamp();
        self.queue(work, from, timestamp, content, Purpose::AskAgain, 0).await
    }

    /// Sends again what a device could not read. Nobody vouches for the request: all it can bring about is one more copy,
    /// for the account that it was for, in a new session.
    pub(super) async fn take_ask(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        device: DeviceId,
        body: &[u8],
    ) -> Result<(), Error> {
        let Ok(PlaintextContent { error }) = PlaintextContent::parse(body) else { return Ok(()) };
        if error.device().is_none_or(|device| device.get() != self.device().get()) {
            return Ok(());
        }
        let mut session = self.session(work, from, device).await?;
        if error.ratchet_key().is_some_and(|key| session.sends_under(key)) {
            session.archive_current();
            Self::put_session(work, from, device, &session);
            // Whatever was sealed in that session and is still here could not be read either.
            self.unseal_waiting(work, from).await?;
        }
        let timestamp = error.timestamp().0;
        let key = timestamp.to_be_bytes();
        let Some(mut outgoing) = work.load::<Outgoing>(Space::Outgoing, &key).await? else { return Ok(()) };
        let fresh = work.now <= outgoing.queued.saturating_add(KEPT);
        let number = u32::from(device);
        if outgoing.to != from.as_bytes() || !fresh || outgoing.sent_again.contains(&number) {
            return Ok(());
        }
        outgoing.sent_again.push(number);
        Self::put_outgoing(work, timestamp, &outgoing);
        // If it is still in the outbox, the relay's answer is on its way: it goes once more, under another name.
        let waiting = work.load::<QueuedSend>(Space::Outbox, &key).await?;
        if waiting.is_none() {
            work.upkeep().queued += 1;
        }
        let mut item = waiting.unwrap_or_else(|| QueuedSend {
            to: outgoing.to.clone(),
            timestamp,
            content: outgoing.content.clone(),
            purpose: Purpose::Other.into(),
            queued: work.now,
            ..QueuedSend::default()
        });
        item.id = work.random::<16>().to_vec();
        item.unseal();
        Self::put_item(work, &item);
        work.lanes.insert(from);
        Ok(())
    }

    async fn unseal_waiting(&self, work: &mut Work<'_>, to: AccountId) -> Result<(), Error> {
        // Only the first of a lane is ever sealed.
        for record in work.scan(Space::Outbox, Some(to.as_bytes()), Order::After(0), 2).await? {
            let mut item: QueuedSend = decode(&record)?;
            if item.sealed && self.0.lanes.recipient(&item.id).is_none() {
                item.unseal();
                Self::put_item(work, &item);
            }
        }
        Ok(())
    }
}

fn message_kind(kind: i32) -> Option<MessageKind> {
    u8::try_from(kind).ok().and_then(|kind| MessageKind::try_from(kind).ok())
}
