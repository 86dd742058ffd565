//! Chats, their messages, and what this browser keeps of them.

use std::{cmp::Reverse, collections::HashMap};

use client::{AccountId, Chat, Contact, Device, Message, MessageRef};

use super::{Outcome, done, search::search, shown};
use crate::{
    answer::{ChatMarks, ChatOverview, Found, Waiting, WrittenDraft},
    browser::now,
    command::Command,
    core::{Inner, internal},
    notice::Notice,
    problem::Problem,
};

/// Messages of a page, and results of a search: at most, and if it does not say.
const PAGE: u32 = 500;
const RESULTS: u32 = 100;
const USUAL: u32 = 50;
/// Bytes of what was begun to be written.
const DRAFT: usize = 64 << 10;
/// Chats of which something is kept.
const MARKED: u32 = 100_000;

pub(super) async fn run(core: &Inner, command: Command) -> Outcome {
    let device = core.device()?;
    match command {
        Command::Chats => shown(&core.overviews(&device).await?),
        Command::Chat { account } => shown(&overview(core, &device, account).await?),
        Command::OpenChat { account } => {
            device.open_chat(account).await?;
            core.meet(account);
            done()
        }
        Command::Menu { account } => shown(&device.menu(account).await?),
        Command::History { account, before, limit } => {
            let limit = usize::try_from(limit.unwrap_or(USUAL).min(PAGE)).unwrap_or_default();
            shown(&device.history(account, before, limit).await?)
        }
        Command::Message { message } => shown(&device.message(message).await?),
        Command::Search { text, account, before, limit } => {
            let limit = usize::try_from(limit.unwrap_or(USUAL).min(RESULTS)).unwrap_or_default();
            let (messages, next) = search(&device, &text, account, before, limit).await?;
            shown(&Found { messages, next })
        }
        Command::MarkRead { account, through } => {
            let read = device.mark_read(account, through).await?;
            core.mark(account, |marks| marks.marked_unread = false).await?;
            if read > 0 {
                core.tell(&Notice::Read { account, through });
            }
            shown(&read)
        }
        Command::MarkPlayed { message } => {
            device.mark_played(message).await?;
            done()
        }
        Command::ForgetMessage { message } => {
            device.forget_message(message).await?;
            core.tell(&client::Event::Disappeared { messages: vec![message] });
            done()
        }
        Command::ForgetChat { account } => {
            device.forget_chat(account).await?;
            core.vault().forget_local(account.as_bytes()).await?;
            core.tell(&Notice::ChatForgotten { account });
            done()
        }
        Command::Outbox => {
            let waiting = u64::try_from(device.outbox_len().await?).unwrap_or(u64::MAX);
            shown(&Waiting { waiting })
        }
        _ => marked(core, command).await,
    }
}

/// What this browser alone keeps.
async fn marked(core: &Inner, command: Command) -> Outcome {
    match command {
        Command::SetPinned { account, pinned } => {
            core.mark(account, |marks| marks.pinned = pinned.then(now)).await?
        }
        Command::SetMuted { account, until } => core.mark(account, |marks| marks.muted = until).await?,
        Command::SetArchived { account, archived } => {
            core.mark(account, |marks| marks.archived = archived).await?;
        }
        Command::SetMarkedUnread { account, marked } => {
            core.mark(account, |marks| marks.marked_unread = marked).await?;
        }
        Command::SetDraft { account, text, quote } => set_draft(core, account, text, quote).await?,
        _ => return Err(internal("this command is done elsewhere")),
    }
    done()
}

async fn set_draft(
    core: &Inner,
    account: AccountId,
    text: String,
    quote: Option<MessageRef>,
) -> Result<(), Problem> {
    if text.len() > DRAFT {
        return Err(Problem::invalid("what was written is too long"));
    }
    let draft = (!text.is_empty() || quote.is_some()).then(|| WrittenDraft { text, quote, at: now() });
    core.mark(account, |marks| marks.draft = draft).await
}

/// One chat, also one in which nothing stands yet.
pub(super) async fn overview(
    core: &Inner,
    device: &Device,
    account: AccountId,
) -> Result<ChatOverview, Problem> {
    let contact = device.contact(account).await?;
    let marks = core.marks(account).await?;
    let chat = match device.chat(account).await? {
        Some(chat) => chat,
        None => Chat {
            account,
            title: contact.title(),
            unread: 0,
            latest: None,
            timer: 0,
            held: false,
            label: device.label(account).await?,
        },
    };
    Ok(shown_chat(chat, contact, marks))
}

fn shown_chat(chat: Chat, contact: Contact, marks: ChatMarks) -> ChatOverview {
    let business = chat.label.is_some() || contact.business.is_some();
    ChatOverview { chat, contact, business, marks }
}

impl Inner {
    /// All chats: pinned ones first, then by their latest message.
    pub(super) async fn overviews(&self, device: &Device) -> Result<Vec<ChatOverview>, Problem> {
        let contacts = device.contacts().await?.into_iter().map(|contact| (contact.account, contact));
        let mut contacts: HashMap<_, _> = contacts.collect();
        let mut marks = HashMap::new();
        for record in self.vault().locals(MARKED).await? {
            if let Ok(account) = AccountId::try_from(&record.key[..]) {
                marks.insert(account, read(&record.value));
            }
        }
        let mut chats = Vec::new();
        for chat in device.chats().await? {
            let contact = match contacts.remove(&chat.account) {
                Some(contact) => contact,
                None => device.contact(chat.account).await?,
            };
            let marks = marks.remove(&chat.account).unwrap_or_default();
            chats.push(shown_chat(chat, contact, marks));
        }
        // Begun and never sent: a chat all the same.
        for (account, kept) in marks {
            if kept.draft.is_some() || kept.pinned.is_some() {
                chats.push(overview(self, device, account).await?);
            }
        }
        let place = |overview: &ChatOverview| {
            let written = overview.marks.draft.as_ref().map_or(0, |draft| draft.at);
            let latest = overview.chat.latest.as_ref().map_or(0, |message: &Message| message.received);
            (Reverse(overview.marks.pinned.is_some()), Reverse(latest.max(written)))
        };
        chats.sort_by_key(place);
        Ok(chats)
    }

    pub(super) async fn marks(&self, account: AccountId) -> Result<ChatMarks, Problem> {
        Ok(self.vault().local(account.as_bytes()).await?.map(|bytes| read(&bytes)).unwrap_or_default())
    }

    /// Changes what this browser keeps of a chat, and tells its pages.
    pub(super) async fn mark(
        &self,
        account: AccountId,
        change: impl FnOnce(&mut ChatMarks),
    ) -> Result<(), Problem> {
        // One after another: what is read must be what is changed.
        let _turn = self.marking.lock().await;
        let before = self.marks(account).await?;
        let mut marks = before.clone();
        change(&mut marks);
        if marks == before {
            return Ok(());
        }
        let value = serde_json::to_vec(&marks).map_err(|_| internal("this is no JSON"))?;
        self.vault().set_local(account.as_bytes(), &value).await?;
        self.tell(&Notice::Marks { account, marks });
        Ok(())
    }
}

/// What another version wrote and this one does not know is none.
fn read(value: &[u8]) -> ChatMarks {
    serde_json::from_slice(value).unwrap_or_default()
}
