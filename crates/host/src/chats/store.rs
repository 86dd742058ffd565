//! Reading chats.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, query},
};

use super::{Direction, Filter};
use crate::{
    ids::{BusinessId, NumberId},
    messages::Stored,
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
    }
}

/// Chats of a number, the latest first, after this place.
pub(super) async fn chats(
    reader: &mut Connection,
    number: NumberId,
    after: (i64, i64),
    limit: u32,
) -> Result<Vec<ChatRow>, StoreError> {
    query(
        "SELECT person, latest, wrote, blocked, marketing_stopped FROM chats
         WHERE number = $1 AND (latest < $2 OR (latest = $2 AND person < $3))
         ORDER BY latest DESC, person DESC LIMIT $4",
    )
    .bind(number)
    .bind(after.0)
    .bind(after.1)
    .bind(limit)
    .all(reader)
    .await
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

fn bound(
    query: ::store::sql::Query,
    number: NumberId,
    before: i64,
    filter: &Filter,
    limit: u32,
) -> ::store::sql::Query {
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
    business: BusinessId,
    number: NumberId,
    before: i64,
    filter: &Filter,
    words: &[[u8; 16]],
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let page = query(filtered!(
        "AND m.seq IN (SELECT message FROM message_words WHERE business = $9 AND word IN (VALUES {rows})
         GROUP BY message HAVING COUNT(*) = $10) ORDER BY m.seq DESC LIMIT $8"
    ));
    // One statement: as many rows as a power of two. A word said twice is one.
    let rows = words.len().next_power_of_two();
    let padded = words.iter().chain(std::iter::repeat(words.last().unwrap_or(&[0; 16]))).take(rows);
    bound(page, number, before, filter, limit)
        .bind(business)
        .bind(i64::try_from(words.len()).unwrap_or(i64::MAX))
        .rows(padded.map(|word| [(*word).into()]))
        .all(reader)
        .await
}
