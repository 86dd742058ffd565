//! Messages: put into their chats, and changed there.

use prost::Message as _;
use wire::{
    AccountId, DeviceId,
    content::{Body, Content},
};
use zeroize::Zeroizing;

use super::Device;
use crate::{
    Error, Event, MessageRef,
    records::{ChatRecord, Entry, EntryReaction, EntryState, Work, message_name, seen_message},
    vault::{Order, Space},
};

/// Milliseconds for which a message may be changed by its author.
pub(super) const CHANGEABLE: u64 = 24 * 3_600_000;
/// What a reader forgives: clocks and networks are not exact.
const GRACE: u64 = 3_600_000;
/// Changes of messages that are not there, of one author.
const EARLY: usize = 100;

/// Who says something, where and when.
#[derive(Clone, Copy)]
pub(super) struct Said {
    pub(super) chat: AccountId,
    pub(super) author: AccountId,
    pub(super) device: DeviceId,
    /// By the relay's clock; of what this device says by its own.
    pub(super) received: u64,
}

impl Device {
    pub(super) async fn chat_record(work: &Work<'_>, account: AccountId) -> Result<ChatRecord, Error> {
        let found = work.load::<ChatRecord>(Space::Chat, account.as_bytes()).await?;
        Ok(found
            .unwrap_or_else(|| ChatRecord { account: account.as_bytes().to_vec(), ..ChatRecord::default() }))
    }

    pub(super) fn put_chat(work: &mut Work<'_>, chat: &ChatRecord) {
        let value = Zeroizing::new(chat.encode_to_vec());
        work.put(Space::Chat, chat.account.clone(), &[], chat.position, value);
    }

    pub(super) async fn entry(work: &Work<'_>, message: MessageRef) -> Result<Option<Entry>, Error> {
        work.load(Space::Message, &message_name(message, None)).await
    }

    pub(super) fn put_entry(work: &mut Work<'_>, entry: &Entry) -> Result<(), Error> {
        work.put(Space::Message, entry.name()?, &entry.chat, entry.position, entry.stored());
        Ok(())
    }

    /// Puts a message into its chat; `None` if it was there before, even if it has gone since.
    pub(super) async fn insert(
        &self,
        work: &mut Work<'_>,
        said: Said,
        content: Content,
        state: EntryState,
    ) -> Result<Option<Entry>, Error> {
        let id = MessageRef { author: said.author, timestamp: content.timestamp };
        let seen = seen_message(said.author, said.device, content.timestamp);
        if work.bytes(Space::Seen, &seen).await?.is_some() {
            return Ok(None);
        }
        work.put(Space::Seen, seen, &[], work.now, Zeroizing::default());

        let mut chat = Self::chat_record(work, said.chat).await?;
        let expires_after = content.expires_after;
        if matches!(content.body, Some(Body::TimerChange(_))) {
            chat.timer = expires_after;
        }
        let own = said.author == self.account();
        let mut entry = Entry {
            chat: said.chat.as_bytes().to_vec(),
            author: said.author.as_bytes().to_vec(),
            device: said.device.into(),
            timestamp: content.timestamp,
            received: said.received,
            state: state.into(),
            position: work.next_position(),
            named_with_device: Self::entry(work, id).await?.is_some(),
            content: Some(content),
            ..Entry::default()
        };
        if own && expires_after > 0 {
            Self::expire(work, &mut entry)?;
        }
        chat.position = entry.position;
        if !own {
            chat.unread = chat.unread.saturating_add(1);
            work.put(Space::Unread, entry.name()?, &entry.chat, entry.position, Zeroizing::default());
        }
        Self::put_chat(work, &chat);
        Self::put_entry(work, &entry)?;
        let early = message_name(id, None);
        if let Some(change) = work.load::<Content>(Space::Early, &early).await? {
            work.delete(Space::Early, early);
            self.change(work, said, &change).await?;
            entry = work.load(Space::Message, &entry.name()?).await?.unwrap_or(entry);
        }
        Ok(Some(entry))
    }

    /// Lets the time of a disappearing message begin.
    pub(super) fn expire(work: &mut Work<'_>, entry: &mut Entry) -> Result<(), Error> {
        if entry.expires_after() > 0 && entry.expires_at == 0 {
            entry.expires_at = work.now + u64::from(entry.expires_after()) * 1000;
            work.put(Space::Expiry, entry.name()?, &[], entry.expires_at, Zeroizing::default());
        }
        Ok(())
    }

    /// Takes a reaction, an edit or a deletion to the message that it is about, if whoever says it may.
    pub(super) async fn change(
        &self,
        work: &mut Work<'_>,
        said: Said,
        content: &Content,
    ) -> Result<(), Error> {
        let by_author = |timestamp| MessageRef { author: said.author, timestamp };
        let id = match &content.body {
            Some(Body::Reaction(reaction)) => reaction.message.as_ref().and_then(crate::content::message_ref),
            Some(Body::Edit(edit)) => Some(by_author(edit.timestamp)),
            Some(Body::Delete(delete)) => Some(by_author(delete.timestamp)),
            _ => None,
        };
        let Some(id) = id else { return Ok(()) };
        let Some(mut entry) = Self::entry(work, id).await? else {
            // It may have to be asked for again, and then comes after this.
            return self.keep_for_later(work, said, id, content).await;
        };
        let late = said.received > entry.received.saturating_add(CHANGEABLE + GRACE);
        if entry.chat != said.chat.as_bytes() || entry.deleted {
            return Ok(());
        }
        match &content.body {
            Some(Body::Reaction(reaction)) => {
                let emoji = if reaction.remove { String::new() } else { reaction.emoji.clone() };
                let author = said.author.as_bytes().to_vec();
                let new = EntryReaction { author, emoji, timestamp: content.timestamp };
                match entry.reactions.iter_mut().find(|reaction| reaction.author == new.author) {
                    Some(old) if old.timestamp >= new.timestamp => return Ok(()),
                    Some(old) => *old = new,
                    None => entry.reactions.push(new),
                }
            }
            Some(Body::Edit(edit)) if !late && content.timestamp > entry.edited => {
                match entry.content.as_mut().and_then(|content| content.body.as_mut()) {
                    Some(Body::Text(text)) => text.body.clone_from(&edit.body),
                    Some(Body::Media(media)) => media.caption.clone_from(&edit.body),
                    _ => return Ok(()),
                }
                entry.edited = content.timestamp;
            }
            Some(Body::Delete(_)) if !late => entry.wipe(),
            _ => return Ok(()),
        }
        Self::put_entry(work, &entry)?;
        work.events.push(Event::Changed { message: Box::new(entry.to_message()?) });
        Ok(())
    }

    /// Keeps an author's last change of a message that is not there: not a reaction, which is no loss.
    async fn keep_for_later(
        &self,
        work: &mut Work<'_>,
        said: Said,
        id: MessageRef,
        content: &Content,
    ) -> Result<(), Error> {
        let author = said.author.as_bytes();
        let kept = work.scan(Space::Early, Some(author), Order::After(0), EARLY).await?.len();
        if said.author == id.author && kept < EARLY {
            let value = Zeroizing::new(content.encode_to_vec());
            work.put(Space::Early, message_name(id, None), author, work.now, value);
        }
        Ok(())
    }

    /// Moves the state of an own message in a chat.
    pub(super) async fn move_state(
        &self,
        work: &mut Work<'_>,
        chat: AccountId,
        timestamp: u64,
        state: EntryState,
    ) -> Result<(), Error> {
        let id = MessageRef { author: self.account(), timestamp };
        let Some(mut entry) = Self::entry(work, id).await? else { return Ok(()) };
        if entry.chat != chat.as_bytes() || !entry.state().may_become(state) {
            return Ok(());
        }
        entry.set_state(state);
        Self::put_entry(work, &entry)?;
        work.events.push(Event::State { chat, message: id, state: state.into() });
        Ok(())
    }
}
