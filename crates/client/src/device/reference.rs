//! What is to happen once: sends under a reference, and answers to what a message offers.

use prost::Message as _;
use zeroize::Zeroizing;

use super::Device;
use crate::{
    AccountId, Error, MessageRef, Reply,
    content::body_from_wire,
    error::damaged,
    records::{Referred, SentRecord, Work, message_name},
    vault::Space,
};

impl Device {
    /// What was sent under a reference.
    pub(super) async fn sent_under(
        &self,
        work: &Work<'_>,
        to: AccountId,
        reference: Option<[u8; 16]>,
    ) -> Result<Option<MessageRef>, Error> {
        let Some(reference) = reference else { return Ok(None) };
        let Some(sent) = work.load::<Referred>(Space::Reference, &reference).await? else { return Ok(None) };
        if AccountId::try_from(&sent.to[..]).map_err(|_| damaged("a recipient"))? != to {
            return Err(Error::Invalid("this reference was used for another account"));
        }
        Ok(Some(MessageRef { author: self.account(), timestamp: sent.timestamp }))
    }

    /// Remembers under which reference something was sent, and at the message, so that its states say it.
    pub(super) async fn note_reference(
        work: &mut Work<'_>,
        to: AccountId,
        reference: Option<[u8; 16]>,
        id: MessageRef,
    ) -> Result<(), Error> {
        let Some(reference) = reference else { return Ok(()) };
        let value = Referred { to: to.as_bytes().to_vec(), timestamp: id.timestamp }.encode_to_vec();
        work.put(Space::Reference, reference.to_vec(), &[], work.now, Zeroizing::new(value));
        if let Some(mut sent) = work.load::<SentRecord>(Space::Sent, &message_name(id, None)).await? {
            sent.reference = reference.to_vec();
            Self::put_sent(work, id, &sent);
        } else if let Some(mut entry) = Self::entry(work, id).await? {
            entry.reference = reference.to_vec();
            Self::put_entry(work, &entry)?;
        }
        Ok(())
    }

    /// The reply that is made by pressing or choosing something in a message of a chat.
    pub(super) async fn chosen(
        work: &Work<'_>,
        chat: AccountId,
        message: MessageRef,
        choice: &str,
    ) -> Result<Reply, Error> {
        let entry = Self::entry(work, message).await?.filter(|entry| entry.chat == chat.as_bytes());
        let entry = entry.ok_or(Error::NoSuchMessage)?;
        let choices = body_from_wire(entry.deleted, entry.content.as_ref()).choices();
        let chosen = choices.into_iter().find(|offered| offered.id() == Some(choice));
        let chosen = chosen.ok_or(Error::Invalid("this message offers no such choice"))?;
        Ok(Reply {
            message,
            kind: chosen.kind,
            id: choice.to_owned(),
            title: chosen.title,
            description: chosen.description,
            response: String::new(),
        })
    }
}
