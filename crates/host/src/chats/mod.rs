//! Chats as the business sees them: lists, history, search. Pages by cursor: the place of the last item of the page before.

mod store;
pub(crate) mod words;

use std::sync::Arc;

use ::store::Timestamp;

use crate::{
    HostError,
    content::Profile,
    ground::Ground,
    ids::BusinessId,
    messages::{About, Document, Messages},
    numbers::Number,
    people::{People, PersonId, Standing},
    purposes::{Access, Gate, Plain, Purpose, Subject, SubjectKind},
};

/// Items of one page at most.
const PAGE: u32 = 200;
/// Words that are looked for at once.
const WORDS: usize = 8;

/// Chats of businesses.
#[derive(Debug)]
pub struct Chats {
    ground: Arc<Ground>,
    gate: Arc<Gate>,
    people: Arc<People>,
    messages: Arc<Messages>,
}

/// A chat of one number with one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// With whom.
    pub person: PersonId,
    /// What the business may know of them.
    pub profile: Profile,
    /// When something was last said.
    pub latest: Timestamp,
    /// How they stand with the number.
    pub standing: Standing,
}

/// In which direction a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the person.
    In,
    /// From the business.
    Out,
}

/// Which messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// With this person.
    pub person: Option<PersonId>,
    /// In this direction.
    pub direction: Option<Direction>,
    /// Of this type, by the API's word.
    pub kind: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Where the next page of chats begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatCursor {
    latest: i64,
    person: i64,
}

impl Chats {
    /// On these parts.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        gate: Arc<Gate>,
        people: Arc<People>,
        messages: Arc<Messages>,
    ) -> Arc<Self> {
        Arc::new(Self { ground, gate, people, messages })
    }

    /// Chats of a number, the latest first; and where the next page begins, if there may be one.
    ///
    /// # Errors
    /// `NotAllowed` unless the business lets its host store chats; those of the gate and of the database.
    pub async fn list(
        &self,
        number: &Number,
        after: Option<ChatCursor>,
        limit: u32,
    ) -> Result<(Vec<Chat>, Option<ChatCursor>), HostError> {
        self.allow(number.business, Purpose::Store, "chats").await?;
        let limit = limit.clamp(1, PAGE);
        let from = after.map_or((i64::MAX, i64::MAX), |cursor| (cursor.latest, cursor.person));
        let rows = store::chats(&mut self.ground.reader().await?, number.id, from, limit).await?;
        let ids: Vec<_> = rows.iter().map(|row| row.person).collect();
        let people = self.people.of_ids(number.business, &ids).await?;
        let full = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let last = rows.last().map(|row| ChatCursor { latest: row.latest.0, person: row.person.0 });
        let chats = rows.into_iter().filter_map(|row| {
            let known = people.get(&row.person)?;
            Some(Chat {
                person: row.person,
                profile: known.profile(),
                latest: row.latest,
                standing: Standing {
                    wrote: row.wrote,
                    blocked: row.blocked,
                    marketing_stopped: row.marketing_stopped,
                },
            })
        });
        Ok((chats.collect(), last.filter(|_| full)))
    }

    /// Messages of a number, the latest first, below this place ([`About::seq`]) or from the end.
    ///
    /// # Errors
    /// Those of the gate and of the database; `NotAllowed` unless the business lets its host store chats.
    pub async fn history(
        &self,
        access: &Access,
        number: &Number,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(About, Plain<Document>)>, HostError> {
        self.allow(number.business, Purpose::Store, "history").await?;
        let before = before.unwrap_or(i64::MAX);
        let mut reader = self.ground.reader().await?;
        let rows = store::history(&mut reader, number.id, before, filter, limit.clamp(1, PAGE)).await?;
        drop(reader);
        let opened = self.messages.open_rows(access, number.id, &rows).await?;
        Ok(rows.iter().map(|row| row.about(number.id)).zip(opened).collect())
    }

    /// The same among messages that have all of these words, whole and in any case. Found is what was indexed: what came
    /// or went while the business let its host search.
    ///
    /// # Errors
    /// `Invalid` for no words or more than 8; as [`history`](Self::history), and `NotAllowed` unless the business lets its host
    /// search.
    pub async fn search(
        &self,
        reader: &'static str,
        number: &Number,
        words: &str,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(About, Plain<Document>)>, HostError> {
        self.allow(number.business, Purpose::Search, reader).await?;
        let key = self.gate.names(number.business).await?;
        let words = words::hidden(&key, words);
        if words.is_empty() || words.len() > WORDS {
            return Err(HostError::invalid("words", "from 1 to 8"));
        }
        let before = before.unwrap_or(i64::MAX);
        let mut connection = self.ground.reader().await?;
        let limit = limit.clamp(1, PAGE);
        let (business, id) = (number.business, number.id);
        let rows = store::found(&mut connection, business, id, before, filter, &words, limit).await?;
        drop(connection);
        let access = Access::by(reader, number.business, Purpose::Search);
        let opened = self.messages.open_rows(&access, number.id, &rows).await?;
        Ok(rows.iter().map(|row| row.about(number.id)).zip(opened).collect())
    }

    /// Refuses, and writes down that it was asked for, what the business does not allow.
    async fn allow(
        &self,
        business: BusinessId,
        purpose: Purpose,
        reader: &'static str,
    ) -> Result<(), HostError> {
        if self.gate.instructions(business).await?.allow(purpose) {
            return Ok(());
        }
        let subject = Subject { kind: SubjectKind::Chat, names: Vec::new() };
        self.gate.receive(&Access::by(reader, business, purpose), subject, ()).await.map(drop)
    }
}
