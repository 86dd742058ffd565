//! What agents note of a chat for each other. The person never sees it.

use serde::Serialize;

use super::{By, ChatRef, Event, Inbox, store};
use crate::{
    HostError,
    ids::AgentId,
    purposes::{Access, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// Characters of a note.
const TEXT: usize = 4096;
/// Notes of one chat.
const MOST: i64 = 2000;

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its id.
    pub note_id: String,
    /// Who wrote it.
    pub agent_id: AgentId,
    /// When.
    pub at: i64,
    /// What it says.
    pub text: String,
}

impl Inbox {
    /// Notes something.
    ///
    /// # Errors
    /// `Invalid`; `NotAllowed` unless the business lets its host store; `Conflict` if there are too many; those of the
    /// database.
    pub async fn note(&self, by: By, chat: &ChatRef, text: &str) -> Result<Note, HostError> {
        if text.trim().is_empty() || text.chars().count() > TEXT {
            return Err(HostError::invalid("text", "from 1 to 4096 characters"));
        }
        let access =
            Access { business: by.business, purpose: Purpose::Store, reader: by.agent.log_name().into() };
        self.api.gate.receive(&access, subject(chat), ()).await?;
        let (name, now) = (self.api.ground.random::<16>(), self.api.ground.now());
        let place = Place { domain: Domain::Business, name: &name };
        let sealed = self.api.gate.seal(by.business, place, text.as_bytes()).await?.into_stored();
        let row = store::NoteRow { seq: 0, agent: by.agent, name: name.to_vec(), sealed, at: now };
        let (business, pair) = (by.business, chat.pair());
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            let row = row.clone();
            Box::pin(async move {
                if store::count_notes(transaction, pair).await? >= MOST {
                    return Err(HostError::Conflict("a chat has at most 2000 notes"));
                }
                Ok(store::insert_note(transaction, business, pair, &row).await?)
            })
        });
        let seq = written.await?;
        self.live.tell(by.business, Event::note(chat)).await;
        Ok(Note { note_id: seq.to_string(), agent_id: by.agent, at: now.0, text: text.to_owned() })
    }

    /// Notes of a chat, the latest first, below this one.
    ///
    /// # Errors
    /// `NotAllowed` unless the business lets its host store; `Sealed`, `Erased`; those of the database.
    pub async fn notes(
        &self,
        by: By,
        chat: &ChatRef,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Note>, HostError> {
        let mut reader = self.api.ground.reader().await?;
        let rows = store::notes(&mut reader, chat.pair(), before.unwrap_or(i64::MAX), limit).await?;
        drop(reader);
        let access =
            Access { business: by.business, purpose: Purpose::Store, reader: by.agent.log_name().into() };
        let sealed: Vec<Sealed> = rows.iter().map(|row| Sealed::from_stored(row.sealed.clone())).collect();
        let places = rows.iter().map(|row| Place { domain: Domain::Business, name: &row.name });
        let placed: Vec<_> = places.zip(&sealed).collect();
        let opened = self.api.gate.open(&access, subject(chat), &placed).await?;
        rows.iter()
            .zip(opened)
            .map(|(row, text)| {
                let text = String::from_utf8(text.hand_over().to_vec());
                let text = text.map_err(|_| HostError::Sealed("a note"))?;
                Ok(Note { note_id: row.seq.to_string(), agent_id: row.agent, at: row.at.0, text })
            })
            .collect()
    }

    /// Deletes a note: one's own, or (`any`) whoever's.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn delete_note(&self, by: By, chat: &ChatRef, seq: i64, any: bool) -> Result<(), HostError> {
        let (pair, of) = (chat.pair(), (!any).then_some(by.agent));
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            Box::pin(async move { Ok(store::delete_note(transaction, pair, seq, of).await?) })
        });
        if !written.await? {
            return Err(HostError::NotFound("note"));
        }
        self.live.tell(by.business, Event::note(chat)).await;
        Ok(())
    }
}

fn subject(chat: &ChatRef) -> Subject {
    Subject { kind: SubjectKind::Chat, names: vec![chat.user_id.to_string()] }
}
