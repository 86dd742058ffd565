//! Chats as the business sees them: lists, history, search. Pages by cursor: the place of the last item of the page before.

mod store;
pub(crate) mod words;

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::Arc,
};

use ::store::Timestamp;

use crate::{
    HostError,
    content::Profile,
    ground::Ground,
    ids::{AgentId, BusinessId, NumberId},
    messages::{About, Document, Messages, Stored},
    people::{People, PersonId, Standing},
    purposes::{Access, Gate, Plain, Purpose, Subject, SubjectKind},
};

/// Items of one page at most.
pub const PAGE: u32 = 200;
/// Up to how many unread messages of a chat are counted.
pub const UNREAD: u32 = 100;
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

/// Whose chats are looked at, and who looks.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Whose.
    pub business: BusinessId,
    /// Those of these numbers, all of which are its own.
    pub numbers: &'a [NumberId],
    /// Who looks, as the log says it ("app 4…").
    pub by: &'a str,
}

/// A chat of one number with one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// Of which number.
    pub number: NumberId,
    /// With whom.
    pub person: PersonId,
    /// What the business may know of them.
    pub profile: Profile,
    /// When something was last said.
    pub latest: Timestamp,
    /// How they stand with the number.
    pub standing: Standing,
    /// How many of their messages the business has not marked as read; more than [`UNREAD`] count as so many.
    pub unread: u32,
}

/// Which chats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatFilter {
    /// With this person.
    pub person: Option<PersonId>,
    /// In which something is unread.
    pub unread: bool,
    /// In which something was last said not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// With a message that has all of these words, as in [`Chats::search`].
    pub words: Option<String>,
    /// How agents handle it.
    pub work: Option<Work>,
}

/// How agents handle a chat (`inbox` says so).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Who answers it.
    pub assigned: Assigned,
    /// Whether it was closed, and the person has not written since.
    pub closed: Option<bool>,
    /// With this label.
    pub label: Option<i64>,
}

/// Who answers a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assigned {
    /// Whoever.
    #[default]
    Any,
    /// Nobody.
    Nobody,
    /// Somebody.
    Somebody,
    /// This one.
    To(AgentId),
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

/// Where the next page of chats begins. To others it is one word, which is a [`ChatCursor`] again when it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChatCursor {
    latest: i64,
    number: u64,
    person: i64,
}

impl ChatCursor {
    /// What chats of a number come after it: the time and the person before which they stand.
    fn before(&self, number: NumberId) -> (i64, i64) {
        let person = match number.get().cmp(&self.number) {
            Ordering::Less => i64::MAX,
            Ordering::Equal => self.person,
            Ordering::Greater => i64::MIN,
        };
        (self.latest, person)
    }
}

impl fmt::Display for ChatCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.latest, self.number, self.person)
    }
}

/// Text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a list of chats")]
pub struct InvalidCursor;

impl FromStr for ChatCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.split('-').map(|part| u64::from_str_radix(part, 16));
        let mut part = || parts.next().and_then(Result::ok).ok_or(InvalidCursor);
        let cursor = Self { latest: part()?.cast_signed(), number: part()?, person: part()?.cast_signed() };
        // One spelling, so that what is no cursor is none.
        if cursor.to_string() == text { Ok(cursor) } else { Err(InvalidCursor) }
    }
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

    /// Chats of numbers, the latest first; and where the next page begins, if there may be one.
    ///
    /// # Errors
    /// `NotAllowed` unless the business lets its host store chats, and search them if words are asked for; `Invalid` for
    /// those; those of the gate and of the database.
    pub async fn list(
        &self,
        look: &Look<'_>,
        filter: &ChatFilter,
        after: Option<ChatCursor>,
        limit: u32,
    ) -> Result<(Vec<Chat>, Option<ChatCursor>), HostError> {
        let access = self.allow(look, Purpose::Store).await?;
        let words = match &filter.words {
            Some(words) => {
                let search = self.allow(look, Purpose::Search).await?;
                let hidden = self.words(look, words).await?;
                self.gate.receive(&search, chat(), ()).await?;
                Some(hidden)
            }
            None => None,
        };
        let limit = limit.clamp(1, PAGE);
        let mut rows = Vec::new();
        for number in look.numbers {
            let place = after.map_or((i64::MAX, i64::MAX), |cursor| cursor.before(*number));
            let mut reader = self.ground.reader().await?;
            let wanted = (look.business, *number, filter, words.as_deref());
            let found = store::chats(&mut reader, wanted, place, limit).await?;
            rows.extend(found.into_iter().map(|row| {
                let (latest, person) = (row.latest.0, row.person.0);
                (ChatCursor { latest, number: number.get(), person }, *number, row)
            }));
        }
        rows.sort_unstable_by_key(|(place, ..)| Reverse(*place));
        let full = rows.len() >= limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().map(|(place, ..)| *place);
        let ids: Vec<_> = rows.iter().map(|(.., row)| row.person).collect();
        if ids.is_empty() {
            // That there is nothing is something that was learnt.
            self.gate.receive(&access, chat(), ()).await?;
        }
        let people = self.people.shown(&access, &ids).await?;
        let chats = rows.into_iter().filter_map(|(_, number, row)| {
            let known = people.get(&row.person)?;
            Some(Chat {
                number,
                person: row.person,
                profile: known.profile(),
                latest: row.latest,
                standing: Standing {
                    wrote: row.wrote,
                    blocked: row.blocked,
                    marketing_stopped: row.marketing_stopped,
                },
                unread: u32::try_from(row.unread).unwrap_or(UNREAD),
            })
        });
        Ok((chats.collect(), last.filter(|_| full)))
    }

    /// Messages of numbers, the latest first, below this place ([`About::seq`]) or from the end.
    ///
    /// # Errors
    /// Those of the gate and of the database; `NotAllowed` unless the business lets its host store chats.
    pub async fn history(
        &self,
        look: &Look<'_>,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(About, Plain<Document>)>, HostError> {
        let access = self.allow(look, Purpose::Store).await?;
        let (before, limit) = (before.unwrap_or(i64::MAX), limit.clamp(1, PAGE));
        let mut rows = Vec::new();
        for number in look.numbers {
            let mut reader = self.ground.reader().await?;
            let found = store::history(&mut reader, *number, before, filter, limit).await?;
            rows.extend(found.into_iter().map(|row| (*number, row)));
        }
        self.open(&access, rows, limit).await
    }

    /// The same among messages that have all of these words, whole and in any case. Found is what was indexed: what came
    /// or went while the business let its host search.
    ///
    /// # Errors
    /// `Invalid` for no words or more than 8; as [`history`](Self::history), and `NotAllowed` unless the business lets its host
    /// search.
    pub async fn search(
        &self,
        look: &Look<'_>,
        words: &str,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(About, Plain<Document>)>, HostError> {
        let access = self.allow(look, Purpose::Search).await?;
        let words = self.words(look, words).await?;
        let (before, limit) = (before.unwrap_or(i64::MAX), limit.clamp(1, PAGE));
        let mut rows = Vec::new();
        for number in look.numbers {
            let mut reader = self.ground.reader().await?;
            let wanted = (look.business, *number, filter, &*words);
            let found = store::found(&mut reader, wanted, before, limit).await?;
            rows.extend(found.into_iter().map(|row| (*number, row)));
        }
        if rows.is_empty() {
            // That nothing has these words is something that was learnt.
            self.gate.receive(&access, chat(), ()).await?;
        }
        self.open(&access, rows, limit).await
    }

    /// The latest of these, opened.
    async fn open(
        &self,
        access: &Access,
        mut rows: Vec<(NumberId, Stored)>,
        limit: u32,
    ) -> Result<Vec<(About, Plain<Document>)>, HostError> {
        rows.sort_unstable_by_key(|(_, row)| Reverse(row.seq));
        rows.truncate(limit as usize);
        let mut by_number: BTreeMap<NumberId, Vec<Stored>> = BTreeMap::new();
        for (number, row) in rows {
            by_number.entry(number).or_default().push(row);
        }
        let mut all = Vec::new();
        for (number, rows) in by_number {
            let opened = self.messages.open_rows(access, number, &rows).await?;
            all.extend(rows.iter().map(|row| row.about(number)).zip(opened));
        }
        all.sort_unstable_by_key(|(about, _)| Reverse(about.seq));
        Ok(all)
    }

    /// What stands for these words in the index. Whoever looks may search.
    async fn words(&self, look: &Look<'_>, words: &str) -> Result<Vec<[u8; 16]>, HostError> {
        let key = self.gate.names(look.business).await?;
        let words = words::hidden(&key, words);
        if words.is_empty() || words.len() > WORDS {
            return Err(HostError::invalid("words", "from 1 to 8"));
        }
        Ok(words)
    }

    /// Who looks, and why. What the business does not allow is refused, and that it was asked for is written down.
    async fn allow(&self, look: &Look<'_>, purpose: Purpose) -> Result<Access, HostError> {
        let access = Access { business: look.business, purpose, reader: look.by.to_owned().into() };
        if !self.gate.instructions(look.business).await?.allow(purpose) {
            self.gate.receive(&access, chat(), ()).await?;
        }
        Ok(access)
    }
}

/// Chats in general, in the log.
const fn chat() -> Subject {
    Subject { kind: SubjectKind::Chat, names: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_one_word_and_nothing_else_is_one() {
        let cursor = ChatCursor { latest: 1_800_000_000_000, number: 4_000_000_000_000_001, person: 7 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "-", "1-2", "1-2-3-4", "1-2-x", "01-2-3", "1-2--3", "+1-2-3", "1-2-FF"] {
            assert_eq!(bad.parse::<ChatCursor>(), Err(InvalidCursor), "{bad}");
        }
    }
}
