//! What the devices of one account tell each other.

use wire::{
    AccountId, DeviceId, Message as _,
    content::{Body, Content, Sync, SyncEvent},
};

use super::{Device, history::Said};
use crate::{
    Error, Event,
    content::{bounded, message_ref},
    records::{EntryState, Work},
};

impl Device {
    pub(super) async fn take_sync(
        &self,
        work: &mut Work<'_>,
        device: DeviceId,
        received: u64,
        sync: Sync,
    ) -> Result<(), Error> {
        match sync.event {
            Some(SyncEvent::Sent(sent)) => {
                let (Ok(chat), Ok(content)) =
                    (AccountId::try_from(&sent.to[..]), Content::decode(&sent.content[..]))
                else {
                    return Ok(());
                };
                let said = Said { chat, author: self.account(), device, received };
                let content = bounded(content);
                match &content.body {
                    Some(Body::Reaction(_) | Body::Edit(_) | Body::Delete(_)) => {
                        self.change(work, said, &content).await
                    }
                    // Only what stands in a chat is told in this way.
                    Some(Body::Receipt(_) | Body::Typing(_) | Body::Sync(_)) => Ok(()),
                    _ => {
                        if let Some(entry) = self.insert(work, said, content, EntryState::Sent).await? {
                            work.events.push(Event::Message { message: Box::new(entry.to_message()?) });
                        }
                        Ok(())
                    }
                }
            }
            Some(SyncEvent::Read(read)) => {
                let mut messages = Vec::new();
                for id in read.messages.iter().filter_map(message_ref) {
                    let Some(mut entry) = Self::entry(work, id).await? else {
                        // Without a history only the program knows whether it is news.
                        if !work.keeps_history() && id.author != self.account() {
                            messages.push(id);
                        }
                        continue;
                    };
                    if id.author != self.account()
                        && !matches!(entry.state(), EntryState::Read | EntryState::Played)
                    {
                        self.note_read(work, &mut entry).await?;
                        messages.push(id);
                    }
                }
                if !messages.is_empty() {
                    work.events.push(Event::ReadElsewhere { messages });
                }
                Ok(())
            }
            Some(SyncEvent::Blocked(blocked)) => {
                let Ok(account) = AccountId::try_from(&blocked.account[..]) else { return Ok(()) };
                let mut peer = work.peer(account).await?;
                peer.blocked = !blocked.unblocked;
                work.put_peer(&mut peer);
                work.events.push(Event::Contact { account });
                Ok(())
            }
            Some(SyncEvent::Contact(contact)) => {
                let Ok(account) = AccountId::try_from(&contact.account[..]) else { return Ok(()) };
                let mut peer = work.peer(account).await?;
                peer.name = contact.name;
                // One that is no number says nothing.
                if contact.phone_number.parse::<wire::PhoneNumber>().is_ok() {
                    peer.number = contact.phone_number;
                }
                work.put_peer(&mut peer);
                work.events.push(Event::Contact { account });
                Ok(())
            }
            None => Ok(()),
        }
    }
}
