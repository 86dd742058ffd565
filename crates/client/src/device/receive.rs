//! Receiving: everything that a delivery changes is one commit, and only then it is acknowledged.

use std::collections::BTreeMap;

use signal::{
    DecryptError, Decrypted, KemPreKey, OneTimePreKey, PreKeySignalMessage, ResponderKeys, Session,
    SignalMessage, SignedPreKey, Trust, UsedPreKeys,
};
use wire::{
    AccountId, DeviceId, Message as _,
    content::{Body, Content, Receipt, ReceiptType},
    frames::{self, Delivery, Envelope, Kind},
};
use zeroize::Zeroizing;

use super::{Device, history::Said, label::Gate};
use crate::{
    Error, Event,
    content::{NAMED, bounded},
    records::{EntryState, PreKeyKind, Purpose, Work, name, seen_envelope},
    vault::Space,
};

/// Deliveries in one commit.
const BATCH: usize = 256;

/// Milliseconds by which clocks differ that are well enough.
const CLOCKS: u64 = 60_000;

/// What a batch of deliveries asks for besides.
#[derive(Default)]
pub(super) struct Batch {
    /// Whose messages have come.
    pub(super) delivered: BTreeMap<AccountId, Vec<u64>>,
}

/// What came of opening an envelope.
enum Opened {
    Content(Zeroizing<Vec<u8>>),
    /// It was opened before.
    Repeated,
    /// No session opens it.
    Unreadable,
}

/// A prekey message and what it is answered with.
struct PreKeys {
    one_time: Option<OneTimePreKey>,
    signed: SignedPreKey,
    kem: KemPreKey,
    last_resort: bool,
}

impl Device {
    /// Takes in what came together: deliveries, and what the relay says of what was sent; gives the number of the last
    /// delivery, now safe.
    pub(super) async fn take_in(
        &self,
        deliveries: &[Delivery],
        sent: &[bytes::Bytes],
        refusals: &[frames::Refusal],
    ) -> Result<Option<u64>, Error> {
        let mut batches = deliveries.chunks(BATCH).peekable();
        while let Some(batch) = batches.next() {
            let mut work = self.work().await?;
            self.receive(&mut work, batch).await?;
            if batches.peek().is_none() {
                self.settle(&mut work, sent, refusals).await?;
            }
            self.save(work).await?;
        }
        if deliveries.is_empty() && !(sent.is_empty() && refusals.is_empty()) {
            let mut work = self.work().await?;
            self.settle(&mut work, sent, refusals).await?;
            self.save(work).await?;
        }
        Ok(deliveries.last().map(|delivery| delivery.number))
    }

    async fn receive(&self, work: &mut Work<'_>, batch: &[Delivery]) -> Result<(), Error> {
        let envelopes = || batch.iter().filter_map(|delivery| delivery.envelope.as_ref());
        work.prefetch(envelopes().flat_map(needed).collect()).await?;
        let mut asked = Batch::default();
        for envelope in envelopes() {
            match self.take(work, envelope, &mut asked).await {
                Ok(()) => {}
                Err(error @ Error::Vault(_)) => return Err(error),
                // One envelope must not stop those after it.
                Err(error) => tracing::warn!(%error, "an envelope was dropped"),
            }
        }
        for (account, timestamps) in asked.delivered {
            for timestamps in timestamps.chunks(NAMED) {
                self.queue_receipt(work, account, ReceiptType::Delivered, timestamps).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn queue_receipt(
        &self,
        work: &mut Work<'_>,
        to: AccountId,
        kind: ReceiptType,
        timestamps: &[u64],
    ) -> Result<(), Error> {
        // It could not leave while the new identity is not accepted, and a stranger could fill the outbox with it.
        if work.peer(to).await?.held() {
            return Ok(());
        }
        // The same of what waits behind something for a label to be shown.
        let label = self.label_gate(work, to).await?;
        if label == Gate::Held && !Self::half_of_outbox(work) {
            return Ok(());
        }
        let timestamp = work.next_timestamp();
        let body = Some(Body::Receipt(Receipt { r#type: kind.into(), timestamps: timestamps.to_vec() }));
        let content = Content { timestamp, body, ..Content::default() };
        let purpose = match kind {
            ReceiptType::Delivered => Purpose::Receipt,
            ReceiptType::Read | ReceiptType::Played => Purpose::Other,
        };
        self.queue(work, to, timestamp, content.encode_to_vec(), purpose, 0).await
    }

    async fn take(&self, work: &mut Work<'_>, envelope: &Envelope, batch: &mut Batch) -> Result<(), Error> {
        let Ok(from) = AccountId::try_from(&envelope.from[..]) else { return Ok(()) };
        if from == AccountId::RELAY {
            return self.take_notice(work, envelope).await;
        }
        let (Ok(device), 16) = (DeviceId::try_from(envelope.from_device), envelope.id.len()) else {
            return Ok(());
        };
        let myself = from == self.account() && device == self.device();
        let seen = seen_envelope(from, device, &envelope.id);
        if myself || work.bytes(Space::Seen, &seen).await?.is_some() {
            return Ok(());
        }
        work.put(Space::Seen, seen, &[], work.now, Zeroizing::default());
        if work.peer(from).await?.blocked {
            return Ok(());
        }
        match envelope.kind() {
            Kind::Plaintext => self.take_ask(work, from, device, &envelope.body).await,
            Kind::Signal | Kind::PreKey => match self.open_envelope(work, from, device, envelope).await? {
                Opened::Content(padded) => {
                    let content = wire::padding::unpad(&padded).and_then(|bytes| Content::decode(bytes).ok());
                    let Some(content) = content else { return Ok(()) };
                    self.take_content(work, from, device, envelope.received, content, batch).await
                }
                Opened::Repeated => Ok(()),
                Opened::Unreadable => self.ask_again(work, from, device, envelope).await,
            },
            Kind::Unknown | Kind::Notice => Ok(()),
        }
    }

    async fn take_notice(&self, work: &mut Work<'_>, envelope: &Envelope) -> Result<(), Error> {
        let Ok(notice) = frames::Notice::decode(envelope.body.clone()) else { return Ok(()) };
        if let Some(frames::notice::Notice::Expired(expired)) = notice.notice
            && let Ok(chat) = AccountId::try_from(&expired.to[..])
        {
            self.move_state(work, chat, expired.timestamp, EntryState::Expired).await?;
        }
        Ok(())
    }

    async fn open_envelope(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        device: DeviceId,
        envelope: &Envelope,
    ) -> Result<Opened, Error> {
        let own_identity = self.0.local.identity.public;
        // Whoever else writes is believed to be who they prove to be: another key than before is told, and not sent to.
        let to_self = from == self.account();
        let trust = if to_self { Trust::Only(&own_identity) } else { Trust::FirstUse };
        let mut session = self.session(work, from, device).await?;
        let first = envelope.kind() == Kind::PreKey;
        let outcome = if first {
            let Ok(message) = PreKeySignalMessage::parse(&envelope.body) else {
                return Ok(Opened::Unreadable);
            };
            let mut keys = None;
            if let Some(ids) = session.wanted_prekeys(&message) {
                keys = Self::wanted(work, ids).await?;
                let used = UsedPreKeys { ids, base_key: *message.base_key() };
                if work.bytes(Space::LastResort, &last_resort_name(&used)).await?.is_some() {
                    return Ok(Opened::Repeated);
                }
            }
            let given = keys.as_ref().map(|keys| ResponderKeys {
                one_time: keys.one_time.as_ref(),
                signed: &keys.signed,
                kem: &keys.kem,
            });
            let opened = session.decrypt_first(&message, given, trust, work.rng());
            if let (Ok(Decrypted { used: Some(used), .. }), Some(keys)) = (&opened, &keys) {
                Self::use_up(work, used, keys.last_resort);
            }
            opened
        } else {
            let Ok(message) = SignalMessage::parse(&envelope.body) else { return Ok(Opened::Unreadable) };
            session.decrypt(&message, trust, work.rng())
        };
        let opened = match outcome {
            Ok(opened) => opened,
            Err(DecryptError::Duplicate) => return Ok(Opened::Repeated),
            Err(_) => return Ok(Opened::Unreadable),
        };
        Self::put_session(work, from, device, &session);
        self.note_sender(work, from, device, &session, &opened, first).await?;
        Ok(Opened::Content(opened.plaintext))
    }

    /// Remembers the device that wrote, and under which key.
    async fn note_sender(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        device: DeviceId,
        session: &Session,
        opened: &Decrypted,
        first: bool,
    ) -> Result<(), Error> {
        let before = work.peer(from).await?;
        let mut peer = before.clone();
        if from != self.account() {
            self.note_identity(work, &mut peer, &opened.identity)?;
        }
        // What comes late in an old session says nothing of the device that is there now.
        if (first || peer.knows(device).is_none())
            && let Some(registration_id) = session.remote_registration_id()
        {
            peer.note_device(device, registration_id.0);
        }
        if peer != before {
            work.put_peer(&mut peer);
        }
        Ok(())
    }

    async fn wanted(work: &Work<'_>, ids: signal::PreKeyIds) -> Result<Option<PreKeys>, Error> {
        let key = async |kind: PreKeyKind, id| work.bytes(Space::PreKey, &kind.name(id)).await;
        let Some(signed) = key(PreKeyKind::Signed, ids.signed.0).await? else { return Ok(None) };
        let (kem, last_resort) = match key(PreKeyKind::OneTimeKem, ids.kem.0).await? {
            Some(kem) => (kem, false),
            None => match key(PreKeyKind::LastResortKem, ids.kem.0).await? {
                Some(kem) => (kem, true),
                None => return Ok(None),
            },
        };
        let one_time = match ids.one_time {
            Some(id) => key(PreKeyKind::OneTime, id.0).await?,
            None => None,
        };
        let (Ok(signed), Ok(kem)) = (SignedPreKey::from_bytes(&signed), KemPreKey::from_bytes(&kem)) else {
            return Ok(None);
        };
        let one_time = one_time.and_then(|bytes| OneTimePreKey::from_bytes(&bytes).ok());
        Ok(Some(PreKeys { one_time, signed, kem, last_resort }))
    }

    /// Deletes prekeys that serve once; of a last-resort one remembers for what it served.
    fn use_up(work: &mut Work<'_>, used: &UsedPreKeys, last_resort: bool) {
        if let Some(id) = used.ids.one_time {
            work.delete(Space::PreKey, PreKeyKind::OneTime.name(id.0));
        }
        if last_resort {
            work.put(Space::LastResort, last_resort_name(used), &[], work.now, Zeroizing::default());
        } else {
            work.delete(Space::PreKey, PreKeyKind::OneTimeKem.name(used.ids.kem.0));
        }
    }

    async fn take_content(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        device: DeviceId,
        received: u64,
        content: Content,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let content = bounded(content);
        if from == self.account() {
            // Own devices tell each other everything in one way.
            return match content.body {
                Some(Body::Sync(sync)) => self.take_sync(work, device, received, sync).await,
                _ => Ok(()),
            };
        }
        if !content.profile_key.is_empty() {
            let mut peer = work.peer(from).await?;
            if peer.profile_key != content.profile_key {
                peer.profile_key.clone_from(&content.profile_key);
                peer.profile = None;
                work.put_peer(&mut peer);
            }
        }
        let said = Said { chat: from, author: from, device, received };
        match &content.body {
            Some(Body::Sync(_)) => Ok(()),
            Some(Body::Reaction(_) | Body::Edit(_) | Body::Delete(_)) => {
                self.change(work, said, &content).await
            }
            Some(Body::Receipt(receipt)) => {
                let state = match receipt.r#type() {
                    ReceiptType::Delivered => EntryState::Delivered,
                    ReceiptType::Read => EntryState::Read,
                    ReceiptType::Played => EntryState::Played,
                };
                for timestamp in &receipt.timestamps {
                    self.move_state(work, from, *timestamp, state).await?;
                }
                Ok(())
            }
            Some(Body::Typing(typing)) => {
                work.events.push(Event::Typing { account: from, device, stopped: typing.stopped });
                Ok(())
            }
            Some(Body::Menu(menu)) => self.take_menu(work, from, menu).await,
            // A person's screen is nothing to another person.
            Some(Body::ChatOpened(_)) if work.keeps_history() => Ok(()),
            Some(Body::ChatOpened(_)) => {
                self.insert(work, said, content, EntryState::Delivered).await.map(drop)
            }
            // It came too late to be of use: whoever sent it takes it as not delivered.
            _ if content.deliver_by != 0 && work.now > content.deliver_by.saturating_add(CLOCKS) => Ok(()),
            _ => {
                let timestamp = content.timestamp;
                if let Some(entry) = self.insert(work, said, content, EntryState::Delivered).await? {
                    work.events.push(Event::Message { message: Box::new(entry.to_message()?) });
                }
                // Said again even if it came before: the first time may not have arrived.
                batch.delivered.entry(from).or_default().push(timestamp);
                Ok(())
            }
        }
    }
}

/// What is looked at to open an envelope.
fn needed(envelope: &Envelope) -> Vec<(Space, Vec<u8>)> {
    let (Ok(from), Ok(device)) =
        (AccountId::try_from(&envelope.from[..]), DeviceId::try_from(envelope.from_device))
    else {
        return Vec::new();
    };
    vec![
        (Space::Seen, seen_envelope(from, device, &envelope.id)),
        (Space::Peer, from.as_bytes().to_vec()),
        (Space::Session, name(from, device)),
    ]
}

/// A first message under a last-resort key: who repeats it, repeats all of this.
fn last_resort_name(used: &UsedPreKeys) -> Vec<u8> {
    let base_key = used.base_key.to_bytes();
    [&used.ids.kem.0.to_be_bytes()[..], &used.ids.signed.0.to_be_bytes(), &base_key].concat()
}

/// How a device is named where others are counted by it.
pub(super) fn named_with(account: AccountId, device: DeviceId, timestamp: u64) -> Vec<u8> {
    [name(account, device), timestamp.to_be_bytes().to_vec()].concat()
}
