//! Writing imported messages. They stand in the tables of live ones, at places before all of those, in the order of time.

use std::collections::{HashMap, HashSet};

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, query},
};

use crate::{
    ids::{BusinessId, NumberId},
    messages::IMPORTED,
    people::PersonId,
};

/// A message to be written.
#[derive(Debug)]
pub(super) struct New {
    pub(super) name: [u8; 22],
    pub(super) outbound: bool,
    pub(super) kind: &'static str,
    pub(super) at: Timestamp,
    /// Its place among those of the same second.
    pub(super) turn: u16,
    pub(super) sealed: Vec<u8>,
    pub(super) words: Vec<[u8; 16]>,
    /// It is there without its file: what is new of it is that.
    pub(super) with_file: bool,
}

/// Where they are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chat {
    pub(super) business: BusinessId,
    pub(super) number: NumberId,
    pub(super) person: PersonId,
}

::store::row! {
    struct Named from "messages" { name: [u8; 22] }
}

/// Which of these names are there.
pub(super) async fn present(
    reader: &mut Connection,
    number: NumberId,
    names: &[[u8; 22]],
) -> Result<HashSet<[u8; 22]>, StoreError> {
    let rows: Vec<Named> = query("SELECT name FROM messages WHERE number = $1 AND name IN (VALUES {rows})")
        .bind(number)
        .rows(names.iter().map(|name| [(*name).into()]))
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

::store::row! {
    struct Inserted from "messages" { seq: i64, name: [u8; 22] }
}

/// How often another place is tried where one is taken. Two in 2¹⁸ of the same second and turn have the same.
const TRIES: u8 = 8;

/// Below all places that databases give by themselves: seconds since 1970, the turn, and what tells chats apart.
fn place(new: &New, again: u8) -> i64 {
    let seconds = new.at.0.div_euclid(1000).clamp(0, (1 << 33) - 1);
    let turn = i64::from(new.turn.min(1023));
    let rest = new
        .name
        .iter()
        .skip(usize::from(again))
        .take(3)
        .fold(0_i64, |rest, byte| rest << 8 | i64::from(*byte));
    -(1 << 62) + (seconds << 28 | turn << 18 | rest & ((1 << 18) - 1))
}

/// Writes messages that are not there yet, with their words, and the chat that they belong to. How many were new.
pub(super) async fn add(
    transaction: &mut Transaction,
    chat: Chat,
    messages: &[New],
) -> Result<u64, StoreError> {
    let mut left: Vec<&New> = messages.iter().filter(|new| !new.with_file).collect();
    let mut seqs: HashMap<[u8; 22], i64> = HashMap::with_capacity(left.len());
    for again in 0..TRIES {
        if left.is_empty() {
            break;
        }
        let rows: Vec<Inserted> = query(
            "INSERT INTO messages (seq, number, name, business, person, outbound, kind, at, state, category, sealed)
             VALUES {rows} ON CONFLICT DO NOTHING RETURNING seq, name",
        )
        .rows(left.iter().map(|new| {
            [
                place(new, again).into(),
                chat.number.into(),
                new.name.into(),
                chat.business.into(),
                chat.person.0.into(),
                new.outbound.into(),
                new.kind.into(),
                new.at.into(),
                IMPORTED.into(),
                0_i64.into(),
                (&*new.sealed).into(),
            ]
        }))
        .all(transaction)
        .await?;
        seqs.extend(rows.into_iter().map(|row| (row.name, row.seq)));
        left.retain(|new| !seqs.contains_key(&new.name));
        if !left.is_empty() {
            // There already, or another message has the place.
            let names: Vec<_> = left.iter().map(|new| new.name).collect();
            let there = present(transaction, chat.number, &names).await?;
            left.retain(|new| !there.contains(&new.name));
        }
    }
    if !left.is_empty() {
        return Err(StoreError::Invalid("no place is free for an imported message".to_owned()));
    }
    let words = messages.iter().flat_map(|new| {
        let seq = seqs.get(&new.name).copied();
        seq.into_iter().flat_map(move |seq| {
            new.words.iter().map(move |word| [chat.business.into(), (*word).into(), seq.into()])
        })
    });
    query(
        "INSERT INTO message_words (business, word, message) VALUES {rows}
         ON CONFLICT (business, word, message) DO NOTHING",
    )
    .rows(words)
    .execute(transaction)
    .await?;
    complete(transaction, chat, messages).await?;
    touch(transaction, chat, messages.iter().map(|new| new.at).max()).await?;
    Ok(seqs.len() as u64)
}

/// Gives messages that were imported without their files those.
async fn complete(transaction: &mut Transaction, chat: Chat, messages: &[New]) -> Result<(), StoreError> {
    for new in messages.iter().filter(|new| new.with_file) {
        query("UPDATE messages SET kind = $3, sealed = $4 WHERE number = $1 AND name = $2 AND state = $5")
            .bind(chat.number)
            .bind(new.name)
            .bind(new.kind)
            .bind(&*new.sealed)
            .bind(IMPORTED)
            .execute(transaction)
            .await?;
    }
    Ok(())
}

/// There is a chat, in which something was said then. Whether the person may be written to freely, old messages do not say.
async fn touch(
    transaction: &mut Transaction,
    chat: Chat,
    latest: Option<Timestamp>,
) -> Result<(), StoreError> {
    let Some(latest) = latest else { return Ok(()) };
    query(
        "INSERT INTO chats (number, person, business, latest, blocked, marketing_stopped)
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (number, person) DO UPDATE SET
         latest = CASE WHEN excluded.latest > chats.latest THEN excluded.latest ELSE chats.latest END",
    )
    .bind(chat.number)
    .bind(chat.person.0)
    .bind(chat.business)
    .bind(latest)
    .bind(false)
    .execute(transaction)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(seconds: i64, turn: u16, name: u8) -> New {
        New {
            name: [name; 22],
            outbound: false,
            kind: "text",
            at: Timestamp(seconds * 1000),
            turn,
            sealed: Vec::new(),
            words: Vec::new(),
            with_file: false,
        }
    }

    #[test]
    fn places_follow_time_and_stay_below_those_of_live_messages() {
        let order = [new(0, 0, 255), new(1, 0, 0), new(1, 1, 0), new(1, 1023, 9), new(1 << 33, 0, 0)];
        for pair in order.windows(2) {
            assert!(place(&pair[0], 0) < place(&pair[1], 0));
        }
        assert!(place(&new(i64::MAX / 1000, u16::MAX, 255), 0) < 0);
        assert_eq!(place(&order[1], 0), place(&new(1, 0, 0), 3));
    }
}
