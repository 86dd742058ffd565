//! Chats as they are shown, and what was read of them.

use wire::{
    AccountId,
    content::{ReadHere, ReceiptType, SyncEvent},
};

use super::{Device, contacts, feed::is_voice};
use crate::{
    Chat, Error, Message, MessageRef,
    content::{NAMED, wire_ref},
    records::{ChatRecord, Entry, EntryState, LabelRecord, Purpose, Work, decode},
    vault::{MAX_POSITION, Order, Space},
};

/// Rows of one page, whatever is asked for.
const PAGE: usize = 1000;

impl Device {
    /// All chats, the one with the latest message first.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn chats(&self) -> Result<Vec<Chat>, Error> {
        let work = self.work().await?;
        let (mut chats, mut before) = (Vec::new(), MAX_POSITION);
        loop {
            let page = work.scan(Space::Chat, None, Order::Before(before), PAGE).await?;
            let Some(last) = page.last() else {
                self.save(work).await?;
                return Ok(chats);
            };
            before = last.position;
            for record in &page {
                chats.push(Self::shown(&work, &decode(record)?).await?);
            }
        }
    }

    /// The chat with one account, if there is one.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn chat(&self, account: AccountId) -> Result<Option<Chat>, Error> {
        let work = self.work().await?;
        let found = work.load::<ChatRecord>(Space::Chat, account.as_bytes()).await?;
        let chat = match found {
            Some(record) => Some(Self::shown(&work, &record).await?),
            None => None,
        };
        self.save(work).await?;
        Ok(chat)
    }

    async fn shown(work: &Work<'_>, chat: &ChatRecord) -> Result<Chat, Error> {
        let owner = Some(&chat.account[..]);
        let latest = work.scan(Space::Message, owner, Order::Before(MAX_POSITION), 1).await?;
        let latest = latest.first().map(decode::<Entry>).transpose()?;
        let account = AccountId::try_from(&chat.account[..]).map_err(|_| Error::Damaged("a chat"))?;
        let peer = work.peer(account).await?;
        let title = contacts::contact(work, &peer).await?.title();
        Ok(Chat {
            account,
            title,
            unread: chat.unread,
            latest: latest.map(|entry| entry.to_message()).transpose()?,
            timer: chat.timer,
            held: peer.held(),
            label: match work.load::<LabelRecord>(Space::Label, &chat.account).await? {
                Some(record) => record.state(),
                None => None,
            },
        })
    }

    /// Messages of a chat, the latest first: those before a position, or the last ones. At most 1000.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn history(
        &self,
        chat: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Message>, Error> {
        let work = self.work().await?;
        let order = Order::Before(before.unwrap_or(MAX_POSITION));
        let page = work.scan(Space::Message, Some(chat.as_bytes()), order, limit.min(PAGE)).await?;
        self.save(work).await?;
        page.iter().map(|record| decode::<Entry>(record)?.to_message()).collect()
    }

    /// Messages of all chats in the order in which they came, own ones too, after a position. At most 1000.
    ///
    /// Whoever remembers the position of the last message it acted on, acts on each once.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn messages(&self, after: u64, limit: usize) -> Result<Vec<Message>, Error> {
        let work = self.work().await?;
        let page = work.scan(Space::Message, None, Order::After(after), limit.min(PAGE)).await?;
        self.save(work).await?;
        page.iter().map(|record| decode::<Entry>(record)?.to_message()).collect()
    }

    /// One message.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn message(&self, id: MessageRef) -> Result<Option<Message>, Error> {
        let work = self.work().await?;
        let entry = Self::entry(&work, id).await?;
        self.save(work).await?;
        entry.map(|entry| entry.to_message()).transpose()
    }

    /// A person saw the messages of a chat up to this position: tells their authors and the other own devices, and
    /// lets disappearing ones begin to count. How many that were.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn mark_read(&self, chat: AccountId, through: u64) -> Result<usize, Error> {
        let mut read = 0;
        loop {
            let mut work = self.work().await?;
            let unread = work.scan(Space::Unread, Some(chat.as_bytes()), Order::After(0), NAMED).await?;
            let unread: Vec<_> = unread.into_iter().filter(|record| record.position <= through).collect();
            let mut ids = Vec::with_capacity(unread.len());
            for record in &unread {
                match work.load::<Entry>(Space::Message, &record.key).await? {
                    Some(mut entry) => {
                        self.note_read(&mut work, &mut entry).await?;
                        ids.push(entry.id()?);
                    }
                    None => work.delete(Space::Unread, record.key.clone()),
                }
            }
            if ids.is_empty() {
                self.save(work).await?;
                return Ok(read);
            }
            read += ids.len();
            self.tell_read(&mut work, chat, ids).await?;
            self.save(work).await?;
        }
    }

    /// The same for these messages of a chat, whether or not they are still here: of at most 1000 at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are more, or one is not by the other side.
    pub async fn mark_these_read(&self, chat: AccountId, messages: &[MessageRef]) -> Result<(), Error> {
        if messages.len() > NAMED {
            return Err(Error::Invalid("at most 1000 messages are read at once"));
        }
        if chat == self.account() || messages.iter().any(|message| message.author != chat) {
            return Err(Error::Invalid("only messages of the other side are read"));
        }
        if messages.is_empty() {
            return Ok(());
        }
        let mut work = self.work().await?;
        for id in messages {
            if let Some(mut entry) = Self::entry(&work, *id).await? {
                self.note_read(&mut work, &mut entry).await?;
            }
        }
        self.tell_read(&mut work, chat, messages.to_vec()).await?;
        self.save(work).await
    }

    /// Tells the author and the other own devices what was read.
    async fn tell_read(
        &self,
        work: &mut Work<'_>,
        chat: AccountId,
        ids: Vec<MessageRef>,
    ) -> Result<(), Error> {
        if !work.upkeep().read_in_silence {
            let timestamps: Vec<u64> = ids.iter().map(|id| id.timestamp).collect();
            self.queue_receipt(work, chat, ReceiptType::Read, &timestamps).await?;
        }
        if self.has_siblings(work).await? {
            let messages = ids.into_iter().map(wire_ref).collect();
            let event = SyncEvent::Read(ReadHere { messages });
            self.queue_sync(work, event, Purpose::Other, 0).await?;
        }
        Ok(())
    }

    /// A person heard a voice note: that it was read, and played for the first time, is told to its author.
    ///
    /// # Errors
    /// [`Error::NoSuchMessage`]; [`Error::Invalid`] for an own message, and for one that is no voice note.
    pub async fn mark_played(&self, id: MessageRef) -> Result<(), Error> {
        let mut work = self.work().await?;
        let mut entry = Self::entry(&work, id).await?.ok_or(Error::NoSuchMessage)?;
        let body = entry.content.as_ref().and_then(|content| content.body.as_ref());
        if id.author == self.account() || entry.deleted || !is_voice(body) {
            return Err(Error::Invalid("only voice notes of others are played"));
        }
        if entry.state() == EntryState::Played {
            return Ok(());
        }
        let (chat, unread) = (entry.chat()?, entry.state() != EntryState::Read);
        self.note_read(&mut work, &mut entry).await?;
        entry.set_state(EntryState::Played);
        Self::put_entry(&mut work, &entry)?;
        if unread {
            self.tell_read(&mut work, chat, vec![id]).await?;
        }
        if !work.upkeep().read_in_silence {
            self.queue_receipt(&mut work, chat, ReceiptType::Played, &[id.timestamp]).await?;
        }
        self.save(work).await
    }

    /// Takes a message from those that nobody has read.
    pub(super) async fn note_read(&self, work: &mut Work<'_>, entry: &mut Entry) -> Result<(), Error> {
        entry.set_state(EntryState::Read);
        Self::expire(work, entry)?;
        Self::put_entry(work, entry)?;
        self.not_unread(work, entry).await
    }

    pub(super) async fn not_unread(&self, work: &mut Work<'_>, entry: &Entry) -> Result<(), Error> {
        let name = entry.name()?;
        if work.bytes(Space::Unread, &name).await?.is_none() {
            return Ok(());
        }
        work.delete(Space::Unread, name);
        let mut chat = Self::chat_record(work, entry.chat()?).await?;
        chat.unread = chat.unread.saturating_sub(1);
        Self::put_chat(work, &chat);
        Ok(())
    }

    /// Takes a message away here, and nowhere else.
    ///
    /// # Errors
    /// [`Error::NoSuchMessage`].
    pub async fn forget_message(&self, id: MessageRef) -> Result<(), Error> {
        let mut work = self.work().await?;
        let entry = Self::entry(&work, id).await?.ok_or(Error::NoSuchMessage)?;
        self.remove(&mut work, &entry).await?;
        self.save(work).await
    }

    /// Takes a chat with all its messages away here, and nowhere else.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn forget_chat(&self, chat: AccountId) -> Result<(), Error> {
        loop {
            let mut work = self.work().await?;
            let page = work.scan(Space::Message, Some(chat.as_bytes()), Order::After(0), 256).await?;
            for record in &page {
                self.remove(&mut work, &decode(record)?).await?;
            }
            if page.is_empty() {
                work.delete(Space::Chat, chat.as_bytes().to_vec());
                return self.save(work).await;
            }
            self.save(work).await?;
        }
    }

    pub(super) async fn remove(&self, work: &mut Work<'_>, entry: &Entry) -> Result<(), Error> {
        self.not_unread(work, entry).await?;
        let name = entry.name()?;
        work.delete(Space::Message, name.clone());
        work.delete(Space::Expiry, name);
        Ok(())
    }
}
