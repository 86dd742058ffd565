//! Without a history: what happened is kept until the program has taken it, and nothing else of it.

use std::sync::atomic::Ordering;

use prost::Message as _;
use wire::{
    AccountId, DeviceId,
    content::{Body, Content, MediaType},
};
use zeroize::Zeroizing;

use super::{
    Device,
    history::{CHANGEABLE, GRACE, Said},
};
use crate::{
    Error, Event, FeedItem, MessageRef,
    content::change_from_wire,
    records::{
        Entry, EntryState, Fed, FedIdentity, FedState, FedUnreadable, FeedRecord, SentRecord, Work, decode,
        message_name, seen_message,
    },
    vault::{Order, Space},
};

/// What may wait in the feed: then nothing more is read from the relay.
const FEED: u64 = 100_000;
/// Items of one page, whatever is asked for.
const PAGE: usize = 1000;

impl Device {
    /// What happened, in order, after a position and not forgotten yet; at most 1000 items. Empty if the device keeps
    /// a history ([`Settings::keep_history`](crate::Settings)).
    ///
    /// An item stands here from the commit that took it in until [`Device::forget_through`]: whoever acts on items, makes
    /// that durable and then forgets them, misses none, also across crashes. [`Event::Feed`] tells when to look. When
    /// 100,000 wait nothing more is taken from the relay, which keeps it.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn feed(&self, after: u64, limit: usize) -> Result<Vec<FeedItem>, Error> {
        let work = self.work().await?;
        let page = work.scan(Space::Feed, None, Order::After(after), limit.min(PAGE)).await?;
        self.save(work).await?;
        page.iter().map(|record| decode::<FeedRecord>(record)?.to_item(record.position)).collect()
    }

    /// Deletes everything up to this position from the feed. How many items that were. What is needed to know repeated
    /// messages stays: names, no content.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn forget_through(&self, position: u64) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let mut work = self.work().await?;
            let page = work.scan(Space::Feed, None, Order::After(0), PAGE).await?;
            let full = page.len() == PAGE;
            let keys: Vec<_> = page
                .into_iter()
                .filter(|record| record.position <= position)
                .map(|record| record.key)
                .collect();
            let count = keys.len();
            keys.into_iter().for_each(|key| work.delete(Space::Feed, key));
            let left = work.upkeep().fed.saturating_sub(count as u64);
            // The count is a bound, not a book: nothing left is nothing.
            work.upkeep().fed = if full { left } else { left.min((PAGE - count) as u64) };
            self.save(work).await?;
            self.0.taken.notify_waiters();
            forgotten += count as u64;
            if count < PAGE {
                return Ok(forgotten);
            }
        }
    }

    /// Returns when there is room in the feed.
    pub(super) async fn room_in_feed(&self) {
        loop {
            let taken = self.0.taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable();
            if self.0.fed.load(Ordering::Acquire) < FEED {
                return;
            }
            taken.await;
        }
    }

    pub(super) fn put_news(work: &mut Work<'_>, position: u64, what: Fed) {
        let value = Zeroizing::new(FeedRecord { what: Some(what) }.encode_to_vec());
        work.put(Space::Feed, position.to_be_bytes().to_vec(), &[], position, value);
        work.upkeep().fed += 1;
        work.fed = Some(position);
    }

    /// Tells how far an own message has come.
    pub(super) fn tell_state(
        work: &mut Work<'_>,
        chat: AccountId,
        message: MessageRef,
        state: EntryState,
        reference: &[u8],
    ) {
        if work.keeps_history() {
            work.events.push(Event::State { chat, message, state: state.into() });
            return;
        }
        let position = work.next_position();
        let fed = FedState {
            chat: chat.as_bytes().to_vec(),
            author: message.author.as_bytes().to_vec(),
            timestamp: message.timestamp,
            state: state.into(),
            reference: reference.to_vec(),
        };
        Self::put_news(work, position, Fed::State(fed));
    }

    /// Tells that an identity key changed.
    pub(super) fn tell_identity(work: &mut Work<'_>, account: AccountId, held: bool) {
        if work.keeps_history() {
            work.events.push(Event::IdentityChanged { account, held });
            return;
        }
        let position = work.next_position();
        let fed = FedIdentity { account: account.as_bytes().to_vec(), held };
        Self::put_news(work, position, Fed::Identity(fed));
    }

    /// Tells that a message cannot be read.
    pub(super) fn tell_unreadable(
        work: &mut Work<'_>,
        account: AccountId,
        device: DeviceId,
        timestamp: u64,
        asked: bool,
    ) {
        if work.keeps_history() {
            work.events.push(Event::Undecryptable { account, device, timestamp, asked });
            return;
        }
        let position = work.next_position();
        let account = account.as_bytes().to_vec();
        let fed = FedUnreadable { account, device: device.into(), timestamp, asked };
        Self::put_news(work, position, Fed::Unreadable(fed));
    }

    /// Takes a message in: what is not of this device stands in the feed; of own ones it is kept how far they come.
    pub(super) async fn insert_in_feed(
        &self,
        work: &mut Work<'_>,
        said: Said,
        content: Content,
        state: EntryState,
    ) -> Result<(), Error> {
        let id = MessageRef { author: said.author, timestamp: content.timestamp };
        let position = work.next_position();
        if matches!(content.body, Some(Body::TimerChange(_))) {
            let mut chat = Self::chat_record(work, said.chat).await?;
            chat.timer = content.expires_after;
            chat.position = position;
            Self::put_chat(work, &chat);
        }
        let own = said.author == self.account();
        let voice = is_voice(content.body.as_ref());
        if !own || said.device != self.device() {
            let entry = Entry { state: state.into(), position, ..said.entry(content) };
            Self::put_news(work, position, Fed::Said(entry));
        }
        if own {
            let chat = said.chat.as_bytes().to_vec();
            let sent = SentRecord { chat, state: state.into(), voice, ..Default::default() };
            Self::put_sent(work, id, &sent);
            // Nobody has what this device only now sends.
            if said.device != self.device() {
                self.take_early_receipt(work, said.chat, id.timestamp).await?;
            }
        }
        Ok(())
    }

    pub(super) fn put_sent(work: &mut Work<'_>, id: MessageRef, sent: &SentRecord) {
        let key = message_name(id, None);
        match sent.state() {
            EntryState::Read if sent.voice => {
                work.put(Space::Sent, key, &[], work.now, Zeroizing::new(sent.encode_to_vec()));
            }
            // Nothing comes after these.
            EntryState::Read
            | EntryState::Played
            | EntryState::NoSuchAccount
            | EntryState::QueueFull
            | EntryState::Refused
            | EntryState::Devices
            | EntryState::Forbidden => work.delete(Space::Sent, key),
            _ => work.put(Space::Sent, key, &[], work.now, Zeroizing::new(sent.encode_to_vec())),
        }
    }

    /// Takes a change in. Whether there is such a message only the program knows.
    pub(super) async fn change_in_feed(
        &self,
        work: &mut Work<'_>,
        said: Said,
        content: &Content,
    ) -> Result<(), Error> {
        if said.author == self.account() && said.device == self.device() {
            return Ok(());
        }
        let Some((message, _)) = change_from_wire(said.author, Some(content)) else { return Ok(()) };
        let within = message.author == said.chat || message.author == self.account();
        let reaction = matches!(content.body, Some(Body::Reaction(_)));
        // By the time in the name of the message: another one would be another message.
        let late = said.received > message.timestamp.saturating_add(CHANGEABLE + GRACE);
        let seen = seen_message(said.author, said.device, content.timestamp);
        if !within || (late && !reaction) || work.bytes(Space::Seen, &seen).await?.is_some() {
            return Ok(());
        }
        work.put(Space::Seen, seen, &[], work.now, Zeroizing::default());
        let position = work.next_position();
        let entry = Entry { position, ..said.entry(content.clone()) };
        Self::put_news(work, position, Fed::Said(entry));
        Ok(())
    }
}

/// Whether it is spoken by its sender.
pub(super) fn is_voice(body: Option<&Body>) -> bool {
    matches!(body, Some(Body::Media(media)) if media.r#type() == MediaType::Voice)
}
