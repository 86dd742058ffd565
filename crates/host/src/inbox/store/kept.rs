//! Notes, labels, canned replies, and how fast was answered.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, query},
};

use super::Pair;
use crate::ids::{AgentId, BusinessId, NumberId};

::store::row! {
    /// A note, sealed.
    #[derive(Debug, Clone)]
    pub(in crate::inbox) struct NoteRow from "inbox_notes" {
        pub(in crate::inbox) seq: i64,
        pub(in crate::inbox) agent: AgentId,
        pub(in crate::inbox) name: Vec<u8>,
        pub(in crate::inbox) sealed: Vec<u8>,
        pub(in crate::inbox) at: Timestamp,
    }
}

::store::row! {
    /// A label or a canned reply, sealed.
    #[derive(Debug, Clone)]
    pub(in crate::inbox) struct WordsRow from "inbox_words" {
        pub(in crate::inbox) id: i64,
        pub(in crate::inbox) name: Vec<u8>,
        pub(in crate::inbox) sealed: Vec<u8>,
    }
}

::store::row! {
    /// How fast was answered in a half hour.
    #[derive(Debug, Clone)]
    pub(in crate::inbox) struct AnswersRow from "inbox_answers" {
        pub(in crate::inbox) number: NumberId,
        pub(in crate::inbox) slot: i64,
        pub(in crate::inbox) answers: i64,
        pub(in crate::inbox) total: i64,
        pub(in crate::inbox) longest: i64,
    }
}

pub(in crate::inbox) async fn insert_note(
    transaction: &mut Transaction,
    business: BusinessId,
    (number, person): Pair,
    note: &NoteRow,
) -> Result<i64, StoreError> {
    let seq: Option<i64> = query(
        "INSERT INTO inbox_notes (number, person, business, agent, name, sealed, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq",
    )
    .bind(number)
    .bind(person.0)
    .bind(business)
    .bind(note.agent)
    .bind(note.name.as_slice())
    .bind(note.sealed.as_slice())
    .bind(note.at)
    .value(transaction)
    .await?;
    Ok(seq.unwrap_or_default())
}

pub(in crate::inbox) async fn notes(
    reader: &mut Connection,
    (number, person): Pair,
    before: i64,
    limit: u32,
) -> Result<Vec<NoteRow>, StoreError> {
    query(
        "SELECT seq, agent, name, sealed, at FROM inbox_notes
         WHERE number = $1 AND person = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
    )
    .bind(number)
    .bind(person.0)
    .bind(before)
    .bind(limit)
    .all(reader)
    .await
}

pub(in crate::inbox) async fn count_notes(
    transaction: &mut Transaction,
    (number, person): Pair,
) -> Result<i64, StoreError> {
    let counted = query("SELECT COUNT(*) AS value FROM inbox_notes WHERE number = $1 AND person = $2")
        .bind(number)
        .bind(person.0)
        .value(transaction)
        .await?;
    Ok(counted.unwrap_or_default())
}

/// Deletes a note, if it is this agent's, or whoever's (`None`); whether it did.
pub(in crate::inbox) async fn delete_note(
    transaction: &mut Transaction,
    (number, person): Pair,
    seq: i64,
    of: Option<AgentId>,
) -> Result<bool, StoreError> {
    let deleted = query(
        "DELETE FROM inbox_notes WHERE number = $1 AND person = $2 AND seq = $3 AND ($4 = 0 OR agent = $4)",
    )
    .bind(number)
    .bind(person.0)
    .bind(seq)
    .bind(of.map_or(0, |agent| agent.get().cast_signed()))
    .execute(transaction)
    .await?;
    Ok(deleted == 1)
}

pub(in crate::inbox) async fn words(
    reader: &mut Connection,
    business: BusinessId,
    kind: &str,
) -> Result<Vec<WordsRow>, StoreError> {
    query("SELECT id, name, sealed FROM inbox_words WHERE business = $1 AND kind = $2 ORDER BY id")
        .bind(business)
        .bind(kind)
        .all(reader)
        .await
}

pub(in crate::inbox) async fn word_is_there(
    reader: &mut Connection,
    (business, kind): (BusinessId, &str),
    id: i64,
) -> Result<bool, StoreError> {
    let found: Option<i64> =
        query("SELECT COUNT(*) AS value FROM inbox_words WHERE business = $1 AND kind = $2 AND id = $3")
            .bind(business)
            .bind(kind)
            .bind(id)
            .value(reader)
            .await?;
    Ok(found.unwrap_or_default() > 0)
}

pub(in crate::inbox) async fn insert_words(
    transaction: &mut Transaction,
    (business, kind): (BusinessId, &str),
    (name, sealed): (&[u8], &[u8]),
) -> Result<i64, StoreError> {
    let id: Option<i64> =
        query("INSERT INTO inbox_words (business, kind, name, sealed) VALUES ($1, $2, $3, $4) RETURNING id")
            .bind(business)
            .bind(kind)
            .bind(name)
            .bind(sealed)
            .value(transaction)
            .await?;
    Ok(id.unwrap_or_default())
}

pub(in crate::inbox) async fn change_words(
    transaction: &mut Transaction,
    (business, kind): (BusinessId, &str),
    id: i64,
    (name, sealed): (&[u8], &[u8]),
) -> Result<bool, StoreError> {
    let changed =
        query("UPDATE inbox_words SET name = $4, sealed = $5 WHERE business = $1 AND kind = $2 AND id = $3")
            .bind(business)
            .bind(kind)
            .bind(id)
            .bind(name)
            .bind(sealed)
            .execute(transaction)
            .await?;
    Ok(changed == 1)
}

pub(in crate::inbox) async fn delete_words(
    transaction: &mut Transaction,
    (business, kind): (BusinessId, &str),
    id: i64,
) -> Result<bool, StoreError> {
    query("DELETE FROM inbox_chat_labels WHERE business = $1 AND label = $2 AND $3 = 'label'")
        .bind(business)
        .bind(id)
        .bind(kind)
        .execute(transaction)
        .await?;
    let deleted = query("DELETE FROM inbox_words WHERE business = $1 AND kind = $2 AND id = $3")
        .bind(business)
        .bind(kind)
        .bind(id)
        .execute(transaction)
        .await?;
    Ok(deleted == 1)
}

/// An answer took so long.
pub(in crate::inbox) async fn count_answer(
    transaction: &mut Transaction,
    (business, number): (BusinessId, NumberId),
    slot: i64,
    millis: i64,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO inbox_answers (business, number, slot, answers, total, longest)
         VALUES ($1, $2, $3, 1, $4, $4)
         ON CONFLICT (business, number, slot) DO UPDATE SET
         answers = inbox_answers.answers + 1, total = inbox_answers.total + excluded.total,
         longest = CASE WHEN excluded.longest > inbox_answers.longest THEN excluded.longest
                   ELSE inbox_answers.longest END",
    )
    .bind(business)
    .bind(number)
    .bind(slot)
    .bind(millis)
    .execute(transaction)
    .await
    .map(drop)
}

pub(in crate::inbox) async fn answers(
    reader: &mut Connection,
    business: BusinessId,
    (from, to): (i64, i64),
    limit: u32,
) -> Result<Vec<AnswersRow>, StoreError> {
    query(
        "SELECT number, slot, answers, total, longest FROM inbox_answers
         WHERE business = $1 AND slot >= $2 AND slot < $3 ORDER BY slot, number LIMIT $4",
    )
    .bind(business)
    .bind(from)
    .bind(to)
    .bind(limit)
    .all(reader)
    .await
}
