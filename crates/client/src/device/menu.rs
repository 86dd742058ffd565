//! What businesses offer in front of their chats: asked for when a chat is opened, and kept beside it.

use wire::{
    AccountId, Message as _,
    content::{self, Body, Content},
};

use super::Device;
use crate::{
    Error, Event, Menu, menu,
    records::{LabelRecord, Purpose, Work},
    vault::Space,
};

/// Milliseconds after which a menu is asked for again.
const FRESH: u64 = 24 * 3_600_000;

impl Device {
    /// The chat with an account is on a screen: a business is told, at most once a day, and answers with its [`Menu`]
    /// ([`Event::Menu`]). Nobody else is told anything.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn open_chat(&self, account: AccountId) -> Result<(), Error> {
        let mut work = self.work().await?;
        if !is_business(&work, account).await? {
            return Ok(());
        }
        let mut peer = work.peer(account).await?;
        let asked_lately = peer.menu_asked != 0 && work.now < peer.menu_asked.saturating_add(FRESH);
        // Without room it can be asked for another time: nothing that was written is held up for it.
        if asked_lately || peer.blocked || Self::room_in_outbox(&mut work).is_err() {
            return Ok(());
        }
        peer.menu_asked = work.now;
        work.put_peer(&mut peer);
        self.queue_aside(&mut work, account, Body::ChatOpened(content::ChatOpened {})).await?;
        self.save(work).await
    }

    /// What a business offers in front of its chat, as it said last; `None` if it never did.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn menu(&self, account: AccountId) -> Result<Option<Menu>, Error> {
        Ok(self.work().await?.peer(account).await?.menu.as_ref().map(Menu::from_wire))
    }

    /// Of a business: tells a person what it offers in front of the chat with them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is more than a reader takes; [`Error::Vault`], [`Error::OutboxFull`].
    pub async fn send_menu(&self, to: AccountId, offered: &Menu) -> Result<(), Error> {
        let (wire, mut bounded) = (offered.to_wire(), offered.to_wire());
        menu::bound(&mut bounded);
        if bounded != wire {
            return Err(Error::Invalid("the menu is too long"));
        }
        let mut work = self.work().await?;
        Self::room_in_outbox(&mut work)?;
        self.queue_aside(&mut work, to, Body::Menu(wire)).await?;
        self.save(work).await
    }

    /// Queues something that stands in no chat.
    async fn queue_aside(&self, work: &mut Work<'_>, to: AccountId, body: Body) -> Result<(), Error> {
        let timestamp = work.next_timestamp();
        let profile_key = self.0.profile_key.to_vec();
        let content = Content { timestamp, profile_key, body: Some(body), ..Content::default() };
        self.queue(work, to, timestamp, content.encode_to_vec(), Purpose::Other, 0).await
    }

    /// Keeps what a business offers now. People offer nothing.
    pub(super) async fn take_menu(
        &self,
        work: &mut Work<'_>,
        from: AccountId,
        menu: &content::Menu,
    ) -> Result<(), Error> {
        if !work.keeps_history() || !is_business(work, from).await? {
            return Ok(());
        }
        let mut peer = work.peer(from).await?;
        if peer.menu.as_ref() != Some(menu) {
            peer.menu = Some(menu.clone());
            work.put_peer(&mut peer);
            work.events.push(Event::Menu { account: from, menu: Menu::from_wire(menu) });
        }
        Ok(())
    }
}

/// Whether an account is a business's, as far as is known: it has a label.
async fn is_business(work: &Work<'_>, account: AccountId) -> Result<bool, Error> {
    let record = work.load::<LabelRecord>(Space::Label, account.as_bytes()).await?;
    Ok(record.and_then(|record| record.state()).is_some())
}
