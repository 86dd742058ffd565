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
    content::{excerpt, message_ref},
    records::{
        ChatRecord, Entry, EntryReaction, EntryState, SentRecord, Work, decode, early_receipt, message_name,
        seen_message,
    },
    vault::{Order, Space},
};

/// Milliseconds for which a message may be changed by its author.
pub(super) const CHANGEABLE: u64 = 24 * 3_600_000;
/// What a reader forgives: clocks and networks are not exact.
pub(super) const GRACE: u64 = 3_600_000;
/// Changes of messages that are not there, and receipts for such, of one author.
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

impl Said {
    /// What stands for it in a chat or in the feed, as far as it is said with it.
    pub(super) fn entry(self, content: Content) -> Entry {
        Entry {
            chat: self.chat.as_bytes().to_vec(),
            author: self.author.as_bytes().to_vec(),
            device: self.device.into(),
            timestamp: content.timestamp,
            received: self.received,
            content: Some(content),
            ..Entry::default()
        }
    }
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

    /// What a message quotes, in the words that it has here: nobody puts words into somebody else's mouth, and who keeps no
    /// messages can quote them all the same.
    async fn quote_what_stands_here(
        work: &Work<'_>,
        Said { chat, author, .. }: Said,
        content: &mut Content,
    ) -> Result<(), Error> {
        let Some(quote) = &mut content.quote else { return Ok(()) };
        let Some(message) = quote.message.as_ref().and_then(message_ref) else { return Ok(()) };
        let quoted = Self::entry(work, message).await?.filter(|entry| entry.chat == chat.as_bytes());
        match quoted {
            Some(quoted) => {
                quote.excerpt = excerpt(quoted.content.as_ref().and_then(|content| content.body.as_ref()));
            }
            // What is not here may be quoted by its own author alone.
            None if message.author != author => quote.excerpt.clear(),
            None => {}
        }
        Ok(())
    }

    /// Puts a message into its chat; `None` if it was there before, even if it has gone since, or if it stands in the
    /// feed.
    pub(super) async fn insert(
        &self,
        work: &mut Work<'_>,
        said: Said,
        mut content: Content,
        state: EntryState,
    ) -> Result<Option<Entry>, Error> {
        let id = MessageRef { author: said.author, timestamp: content.timestamp };
        // This device gives every time once: nobody repeats what it sends.
        let new_here = !work.keeps_history() && said.author == self.account() && said.device == self.device();
        if !new_here {
            let seen = seen_message(said.author, said.device, content.timestamp);
            if work.bytes(Space::Seen, &seen).await?.is_some() {
                return Ok(None);
            }
            work.put(Space::Seen, seen, &[], work.now, Zeroizing::default());
        }
        if !work.keeps_history() {
            self.insert_in_feed(work, said, content, state).await?;
            return Ok(None);
        }
        Self::quote_what_stands_here(work, said, &mut content).await?;
        let mut chat = Self::chat_record(work, said.chat).await?;
        let expires_after = content.expires_after;
        if matches!(content.body, Some(Body::TimerChange(_))) {
            chat.timer = expires_after;
        }
        let own = said.author == self.account();
        let mut entry = Entry {
            state: state.into(),
            position: work.next_position(),
            named_with_device: Self::entry(work, id).await?.is_some(),
            ..said.entry(content)
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
        }
        if own {
            self.take_early_receipt(work, said.chat, id.timestamp).await?;
        }
        let name = entry.name()?;
        Ok(Some(work.load(Space::Message, &name).await?.unwrap_or(entry)))
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
        if !work.keeps_history() {
            return self.change_in_feed(work, said, content).await;
        }
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
        // Without a history it is almost always this one.
        let sent = work.load::<SentRecord>(Space::Sent, &message_name(id, None)).await?;
        let reference = if let Some(mut sent) = sent {
            if sent.chat != chat.as_bytes() || !sent.state().may_become(state) {
                return Ok(());
            }
            sent.set_state(state);
            Self::put_sent(work, id, &sent);
            sent.reference
        } else if let Some(mut entry) = Self::entry(work, id).await? {
            if entry.chat != chat.as_bytes() || !entry.state().may_become(state) {
                return Ok(());
            }
            entry.set_state(state);
            Self::put_entry(work, &entry)?;
            entry.reference
        } else {
            return self.keep_receipt(work, chat, timestamp, state).await;
        };
        Self::tell_state(work, chat, id, state, &reference);
        Ok(())
    }

    /// Keeps a receipt for a message that is not there: another own device may have sent it, and its copy is on the way.
    async fn keep_receipt(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        timestamp: u64,
        state: EntryState,
    ) -> Result<(), Error> {
        let receipt = matches!(state, EntryState::Delivered | EntryState::Read | EntryState::Played);
        if !receipt || !self.has_siblings(work).await? {
            return Ok(());
        }
        let name = early_receipt(from, timestamp);
        // Apart from the changes of the same author, so that neither takes the other's room.
        let owner = [&[0], &from.as_bytes()[..]].concat();
        let kept = work.scan(Space::Early, Some(&owner), Order::After(0), EARLY).await?;
        let before = kept.iter().find(|record| record.key == name).map(decode::<SentRecord>).transpose()?;
        let further = before.as_ref().is_none_or(|before| before.state().may_become(state));
        if further && (before.is_some() || kept.len() < EARLY) {
            let sent =
                SentRecord { chat: from.as_bytes().to_vec(), state: state.into(), ..Default::default() };
            work.put(Space::Early, name, &owner, work.now, Zeroizing::new(sent.encode_to_vec()));
        }
        Ok(())
    }

    /// Takes the receipt that came before the copy of an own message.
    pub(super) async fn take_early_receipt(
        &self,
        work: &mut Work<'_>,
        chat: AccountId,
        timestamp: u64,
    ) -> Result<(), Error> {
        let name = early_receipt(chat, timestamp);
        let Some(early) = work.load::<SentRecord>(Space::Early, &name).await? else { return Ok(()) };
        work.delete(Space::Early, name);
        self.move_state(work, chat, timestamp, early.state()).await
    }
}
