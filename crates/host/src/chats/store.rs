//! Reading chats.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Query, Rows, query},
};

use super::{Assigned, ChatFilter, Direction, Filter, UNREAD, Work};
use crate::{
    ids::{BusinessId, NumberId},
    messages::{RECEIVED, Stored},
    people::PersonId,
};

::store::row! {
    /// How a chat stands.
    pub(super) struct ChatRow from "chats" {
        pub(super) person: PersonId,
        pub(super) latest: Timestamp,
        pub(super) wrote: Option<Timestamp>,
        pub(super) blocked: bool,
        pub(super) marketing_stopped: bool,
        pub(super) unread: i64,
    }
}

/// Chats of a number ($1) after a place ($2, $3). A filter that is not set lets everything through.
macro_rules! chats {
    ($join:literal, $rest:literal) => {
        concat!(
            "SELECT c.person, c.latest, c.wrote, c.blocked, c.marketing_stopped,
             (SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.number = c.number AND m.person = c.person
              AND m.state = $9 AND m.seq > COALESCE(r.through, 0) LIMIT $10) AS counted) AS unread
             FROM chats c LEFT JOIN read_marks r ON r.number = c.number AND r.person = c.person ",
            $join,
            "WHERE c.number = $1 AND (c.latest < $2 OR (c.latest = $2 AND c.person < $3))
             AND ($5 = 0 OR c.person = $5) AND c.latest >= $6 AND c.latest < $7
             AND ($8 = 0 OR EXISTS (SELECT 1 FROM messages m WHERE m.number = c.number AND m.person = c.person
              AND m.state = $9 AND m.seq > COALESCE(r.through, 0))) ",
            $rest,
            "ORDER BY c.latest DESC, c.person DESC LIMIT $4"
        )
    };
}

/// Chats of a number, the latest first, after this place; with words, those in which a message has all of them.
pub(super) async fn chats(
    reader: &mut Connection,
    (business, number, filter, words): (BusinessId, NumberId, &ChatFilter, Option<&[[u8; 16]]>),
    after: (i64, i64),
    limit: u32,
) -> Result<Vec<ChatRow>, StoreError> {
    // How agents handle it ($11 to $14): -1 lets everything through.
    let text = match (words, filter.work) {
        (None, None) => chats!("", ""),
        (Some(_), None) => chats!(
            "",
            "AND c.person IN (SELECT m.person FROM messages m WHERE m.number = $1 AND m.seq IN
             (SELECT message FROM message_words WHERE business = $11 AND word IN (VALUES {rows})
              GROUP BY message HAVING COUNT(*) = $12)) "
        ),
        (None, Some(_)) => chats!(
            "LEFT JOIN inbox_chats w ON w.number = c.number AND w.person = c.person ",
            "AND ($11 = -1 OR ($11 = 0 AND w.assignee IS NULL) OR ($11 = 1 AND w.assignee IS NOT NULL)
             OR w.assignee = $12)
             AND ($13 = -1 OR (CASE WHEN COALESCE(w.closed, 0) > COALESCE(c.wrote, 0) THEN 1 ELSE 0 END) = $13)
             AND ($14 = -1 OR EXISTS (SELECT 1 FROM inbox_chat_labels l
              WHERE l.number = c.number AND l.person = c.person AND l.label = $14)) "
        ),
        (Some(_), Some(_)) => chats!(
            "LEFT JOIN inbox_chats w ON w.number = c.number AND w.person = c.person ",
            "AND ($11 = -1 OR ($11 = 0 AND w.assignee IS NULL) OR ($11 = 1 AND w.assignee IS NOT NULL)
             OR w.assignee = $12)
             AND ($13 = -1 OR (CASE WHEN COALESCE(w.closed, 0) > COALESCE(c.wrote, 0) THEN 1 ELSE 0 END) = $13)
             AND ($14 = -1 OR EXISTS (SELECT 1 FROM inbox_chat_labels l
              WHERE l.number = c.number AND l.person = c.person AND l.label = $14))
             AND c.person IN (SELECT m.person FROM messages m WHERE m.number = $1 AND m.seq IN
             (SELECT message FROM message_words WHERE business = $15 AND word IN (VALUES {rows})
              GROUP BY message HAVING COUNT(*) = $16)) "
        ),
    };
    let page = query(text)
        .bind(number)
        .bind(after.0)
        .bind(after.1)
        .bind(limit)
        .bind(filter.person.map_or(0, |person| person.0))
        .bind(filter.since.map_or(i64::MIN, |since| since.0))
        .bind(filter.until.map_or(i64::MAX, |until| until.0))
        .bind(i64::from(filter.unread))
        .bind(RECEIVED)
        .bind(UNREAD);
    let page = match filter.work {
        None => page,
        Some(work) => handled(page, work),
    };
    match words {
        None => page.all(reader).await,
        Some(words) => with_words(page, business, words).all(reader).await,
    }
}

/// How agents handle it.
fn handled(query: Query, work: Work) -> Query {
    let (kind, agent): (i64, i64) = match work.assigned {
        Assigned::Any => (-1, 0),
        Assigned::Nobody => (0, 0),
        Assigned::Somebody => (1, 0),
        Assigned::To(agent) => (2, agent.get().cast_signed()),
    };
    query.bind(kind).bind(agent).bind(work.closed.map_or(-1, i64::from)).bind(work.label.unwrap_or(-1))
}

/// The business, how many words, and the words.
fn with_words(query: Query, business: BusinessId, words: &[[u8; 16]]) -> Rows<1> {
    // One statement: as many rows as a power of two. A word said twice is one.
    let rows = words.len().next_power_of_two();
    let padded = words.iter().chain(std::iter::repeat(words.last().unwrap_or(&[0; 16]))).take(rows);
    query
        .bind(business)
        .bind(i64::try_from(words.len()).unwrap_or(i64::MAX))
        .rows(padded.map(|word| [(*word).into()]))
}

/// A filter that is not set lets everything through. In front of it the number ($1) and the place ($2).
macro_rules! filtered {
    ($rest:literal) => {
        concat!(
            "SELECT m.seq, m.name, m.person, m.outbound, m.kind, m.at, m.state, m.stamp, m.category, m.sealed,
             m.tracker, r.through
             FROM messages m LEFT JOIN read_marks r ON r.number = m.number AND r.person = m.person
             WHERE m.number = $1 AND m.seq < $2 AND ($3 = 0 OR m.person = $3)
             AND ($4 = 0 OR m.outbound = ($4 = 1)) AND ($5 = '' OR m.kind = $5)
             AND m.at >= $6 AND m.at < $7 ",
            $rest
        )
    };
}

fn bound(query: Query, number: NumberId, before: i64, filter: &Filter, limit: u32) -> Query {
    let direction: i64 = match filter.direction {
        None => 0,
        Some(Direction::Out) => 1,
        Some(Direction::In) => 2,
    };
    query
        .bind(number)
        .bind(before)
        .bind(filter.person.map_or(0, |person| person.0))
        .bind(direction)
        .bind(filter.kind.clone().unwrap_or_default())
        .bind(filter.since.map_or(i64::MIN, |since| since.0))
        .bind(filter.until.map_or(i64::MAX, |until| until.0))
        .bind(limit)
}

/// Messages of a number, the latest first, below this place.
pub(super) async fn history(
    reader: &mut Connection,
    number: NumberId,
    before: i64,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let page = query(filtered!("ORDER BY m.seq DESC LIMIT $8"));
    bound(page, number, before, filter, limit).all(reader).await
}

/// The same among those that have all of these words, of which there are at most 8.
pub(super) async fn found(
    reader: &mut Connection,
    (business, number, filter, words): (BusinessId, NumberId, &Filter, &[[u8; 16]]),
    before: i64,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let page = query(filtered!(
        "AND m.seq IN (SELECT message FROM message_words WHERE business = $9 AND word IN (VALUES {rows})
         GROUP BY message HAVING COUNT(*) = $10) ORDER BY m.seq DESC LIMIT $8"
    ));
    with_words(bound(page, number, before, filter, limit), business, words).all(reader).await
}
