//! Sending.

use wire::{
    DeviceId, Message as _,
    content::{self, Body, Content, Sent, Sync, SyncEvent},
    frames,
};

use super::{
    Device,
    history::{CHANGEABLE, Said},
    label::Gate,
    outbox::CONTENT,
    seal::Sealing,
    unsaved::Unsaved,
};
use crate::{
    AccountId, Draft, DraftContent, Error, Event, MessageRef, State,
    content::{body_to_wire, excerpt, preview_to_wire, wire_ref},
    records::{EntryState, Purpose, QueuedSend, SentRecord, Work, name},
    vault::Space,
};

/// Typing notices that may wait for the socket.
const TRANSIENT: usize = 64;

impl Device {
    /// Sends something to an account; to the own one: a note for the own devices.
    ///
    /// When it returns the message is in its chat and in the outbox; [`Event::State`] says how far it comes. What it gives is
    /// the message's name, or the name of the change if the draft is one. With a [`Draft::reference`] that was used before
    /// nothing is sent, and it gives what it gave then.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what no reader would take, and for a reference that was used for another account;
    /// [`Error::NoSuchMessage`] and [`Error::TooLate`] for changes, [`Error::OutboxFull`].
    pub async fn send(&self, to: AccountId, draft: Draft) -> Result<MessageRef, Error> {
        let mut work = self.work().await?;
        let id = self.put_draft(&mut work, to, draft).await?;
        self.save(work).await?;
        Ok(id)
    }

    /// Sends many things, to one account or to several, in this order: the same as [`Device::send`] for each, but all
    /// that can be sent is one save. What cannot be says why in its place, leaves no trace and holds up nothing.
    ///
    /// Nothing else changes the device's state meanwhile: some hundreds at once are a good measure.
    ///
    /// # Errors
    /// [`Error::Vault`]: then nothing is sent.
    pub async fn send_many(
        &self,
        drafts: Vec<(AccountId, Draft)>,
    ) -> Result<Vec<Result<MessageRef, Error>>, Error> {
        let (sent, unsaved) = self.hand_many(drafts).await?;
        unsaved.durable().await?;
        Ok(sent)
    }

    /// The same, but the next can be handed in before these are durable.
    ///
    /// # Errors
    /// [`Error::Vault`]: then nothing is sent.
    pub async fn hand_many(
        &self,
        drafts: Vec<(AccountId, Draft)>,
    ) -> Result<(Vec<Result<MessageRef, Error>>, Unsaved), Error> {
        let mut work = self.work().await?;
        work.prefetch(drafts.iter().flat_map(|(to, draft)| needed(*to, draft)).collect()).await?;
        let mut sent = Vec::with_capacity(drafts.len());
        for (to, draft) in drafts {
            let mark = work.mark();
            match self.put_draft(&mut work, to, draft).await {
                Err(error @ Error::Vault(_)) => return Err(error),
                Err(error) => {
                    work.take_back(mark);
                    sent.push(Err(error));
                }
                Ok(id) => {
                    work.keep(mark);
                    sent.push(Ok(id));
                }
            }
        }
        Ok((sent, self.hand_in(work).await?))
    }

    /// Puts what a draft says into its chat and into the outbox.
    async fn put_draft(&self, work: &mut Work<'_>, to: AccountId, draft: Draft) -> Result<MessageRef, Error> {
        if to == AccountId::RELAY {
            return Err(Error::NoSuchAccount);
        }
        let reference = draft.reference;
        if let Some(sent) = self.sent_under(work, to, reference).await? {
            return Ok(sent);
        }
        Self::room_in_outbox(work)?;
        let content = self.content(work, to, draft).await?;
        let id = MessageRef { author: self.account(), timestamp: content.timestamp };
        let bytes = content.encode_to_vec();
        if bytes.len() > CONTENT {
            return Err(Error::Invalid("the message is too long; send a file instead"));
        }

        let said =
            Said { chat: to, author: self.account(), device: self.device(), received: content.timestamp };
        let purpose = match content.body {
            Some(Body::Reaction(_) | Body::Edit(_) | Body::Delete(_)) => {
                self.change(work, said, &content).await?;
                // Under a reference, a program that keeps messages itself is told how far a reaction comes.
                let watched = reference.is_some() && !work.keeps_history();
                if watched && matches!(content.body, Some(Body::Reaction(_))) {
                    let chat = to.as_bytes().to_vec();
                    let state = EntryState::Queued.into();
                    Self::put_sent(work, id, &SentRecord { chat, state, ..SentRecord::default() });
                    Purpose::Message
                } else {
                    Purpose::Other
                }
            }
            _ => {
                self.insert(work, said, content, EntryState::Queued).await?;
                if work.keeps_history() {
                    work.events.push(Event::State { chat: to, message: id, state: State::Queued });
                }
                Purpose::Message
            }
        };
        Self::note_reference(work, to, reference, id).await?;
        let to_self = to == self.account();
        if !to_self {
            self.queue(work, to, id.timestamp, bytes.clone(), purpose, 0).await?;
        }
        let copy = SyncEvent::Sent(Sent { to: to.as_bytes().to_vec(), content: bytes });
        if self.has_siblings(work).await? {
            let purpose = if to_self { purpose } else { Purpose::Other };
            self.queue_sync(work, copy, purpose, id.timestamp).await?;
        } else if to_self && purpose == Purpose::Message {
            self.move_state(work, to, id.timestamp, EntryState::Sent).await?;
        }
        Ok(id)
    }

    /// Says that somebody types, or stopped, to who is connected just now.
    ///
    /// # Errors
    /// [`Error::Vault`]. That nobody hears it is none.
    pub async fn typing(&self, to: AccountId, stopped: bool) -> Result<(), Error> {
        let mut work = self.work().await?;
        let timestamp = work.next_timestamp();
        let body = Some(Body::Typing(content::Typing { stopped }));
        let content = Content { timestamp, body, ..Content::default() };
        let item = QueuedSend {
            to: to.as_bytes().to_vec(),
            content: content.encode_to_vec(),
            ..QueuedSend::default()
        };
        if self.label_gate(&mut work, to).await? != Gate::Open {
            return Ok(());
        }
        let Sealing::Sealed(parts) = self.seal(&mut work, &item).await? else { return Ok(()) };
        let id = work.random::<16>().to_vec();
        self.save(work).await?;
        let parts = parts.into_iter().map(|part| frames::Part {
            device: part.device,
            registration_id: part.registration_id,
            kind: part.kind,
            body: part.body,
        });
        let send = frames::Send {
            id: id.into(),
            to: item.to.clone().into(),
            timestamp,
            transient: true,
            parts: parts.collect(),
        };
        let mut waiting = self.0.transient.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if waiting.len() < TRANSIENT {
            waiting.push_back(send);
        }
        drop(waiting);
        self.0.lanes.wake.notify_one();
        Ok(())
    }

    async fn content(&self, work: &mut Work<'_>, to: AccountId, mut draft: Draft) -> Result<Content, Error> {
        let mut chat = Self::chat_record(work, to).await?;
        if let DraftContent::Choose { message, choice } = &draft.content {
            draft.content = DraftContent::Reply(Self::chosen(work, to, *message, choice).await?);
        }
        match &draft.content {
            DraftContent::Timer { seconds } => chat.timer = *seconds,
            content if !work.keeps_history() => self.may_say(work, to, content)?,
            DraftContent::Reaction { message, .. } => {
                let entry = Self::entry(work, *message).await?;
                entry.filter(|entry| entry.chat == to.as_bytes()).ok_or(Error::NoSuchMessage)?;
            }
            DraftContent::Edit { message, .. } | DraftContent::Delete { message } => {
                let entry = Self::entry(work, *message).await?.ok_or(Error::NoSuchMessage)?;
                if entry.chat != to.as_bytes() || entry.deleted {
                    return Err(Error::NoSuchMessage);
                }
                if message.author != self.account() {
                    return Err(Error::Invalid("only own messages can be changed"));
                }
                if work.now > entry.timestamp.saturating_add(CHANGEABLE) {
                    return Err(Error::TooLate);
                }
            }
            _ => {}
        }
        let quote = match draft.quote {
            // What it says only the program knows.
            Some(message) if !work.keeps_history() => {
                if message.author != to && message.author != self.account() {
                    return Err(Error::NoSuchMessage);
                }
                Some(content::Quote { message: Some(wire_ref(message)), excerpt: String::new() })
            }
            Some(message) => {
                let entry = Self::entry(work, message).await?.filter(|entry| entry.chat == to.as_bytes());
                let entry = entry.ok_or(Error::NoSuchMessage)?;
                let body = entry.content.as_ref().and_then(|content| content.body.as_ref());
                Some(content::Quote { message: Some(wire_ref(message)), excerpt: excerpt(body) })
            }
            None => None,
        };
        let content = Content {
            timestamp: work.next_timestamp(),
            expires_after: draft.expires_after.unwrap_or(chat.timer),
            profile_key: self.0.profile_key.to_vec(),
            quote,
            forwarded: draft.forwarded,
            preview: draft.preview.take().map(preview_to_wire),
            deliver_by: draft.deliver_by.unwrap_or(0),
            body: Some(body_to_wire(draft)?),
        };
        // What a reader would cut is not sent.
        if crate::content::bounded(content.clone()) == content {
            Ok(content)
        } else {
            Err(Error::Invalid("messages cannot last that long, or the preview is none"))
        }
    }

    /// Whether a change may be said, as far as that can be told without the message.
    fn may_say(&self, work: &Work<'_>, to: AccountId, content: &DraftContent) -> Result<(), Error> {
        match content {
            DraftContent::Reaction { message, .. } => {
                let within = message.author == to || message.author == self.account();
                if within { Ok(()) } else { Err(Error::NoSuchMessage) }
            }
            DraftContent::Edit { message, .. } | DraftContent::Delete { message } => {
                if message.author != self.account() {
                    return Err(Error::Invalid("only own messages can be changed"));
                }
                if work.now > message.timestamp.saturating_add(CHANGEABLE) {
                    return Err(Error::TooLate);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether there are other devices of this account, as far as is known.
    pub(super) async fn has_siblings(&self, work: &Work<'_>) -> Result<bool, Error> {
        Ok(!work.peer(self.account()).await?.devices.is_empty())
    }

    /// Tells the other own devices.
    pub(super) async fn queue_sync(
        &self,
        work: &mut Work<'_>,
        event: SyncEvent,
        purpose: Purpose,
        message: u64,
    ) -> Result<(), Error> {
        let timestamp = work.next_timestamp();
        let body = Some(Body::Sync(Sync { event: Some(event) }));
        let content = Content { timestamp, body, ..Content::default() };
        let account = self.account();
        self.queue(work, account, timestamp, content.encode_to_vec(), purpose, message).await
    }
}

/// What is looked at to send a draft, as far as that can be told from it.
fn needed(to: AccountId, draft: &Draft) -> Vec<(Space, Vec<u8>)> {
    let account = || to.as_bytes().to_vec();
    let reference = draft.reference.map(|reference| (Space::Reference, reference.to_vec()));
    let known =
        [(Space::Peer, account()), (Space::Chat, account()), (Space::Session, name(to, DeviceId::PRIMARY))];
    known.into_iter().chain(reference).collect()
}
