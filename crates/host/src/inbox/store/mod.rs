//! The tables of what agents share: who answers which chat, labels, who is answering, who sent what.

mod kept;

use std::collections::HashMap;

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

pub(super) use self::kept::*;
use crate::{
    ids::{AgentId, BusinessId, NumberId},
    people::PersonId,
};

pub(crate) const MIGRATIONS: Module = Module {
    name: "inbox",
    migrations: &[Migration::new(
        "what agents share: who answers which chat, labels, notes, canned replies, who sent what, how fast",
        "CREATE TABLE inbox_chats (
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            business {integer} NOT NULL,
            assignee {integer},
            closed {integer} NOT NULL,
            claimed_by {integer},
            claimed_seen {integer} NOT NULL,
            answered {integer} NOT NULL,
            PRIMARY KEY (number, person)
        ) {options};
        CREATE INDEX inbox_chats_of ON inbox_chats (business);
        CREATE TABLE inbox_chat_labels (
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            label {integer} NOT NULL,
            business {integer} NOT NULL,
            PRIMARY KEY (number, person, label)
        ) {options};
        CREATE INDEX inbox_chat_labels_of ON inbox_chat_labels (business, label);
        CREATE TABLE inbox_answering (
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            agent {integer} NOT NULL,
            business {integer} NOT NULL,
            until {integer} NOT NULL,
            PRIMARY KEY (number, person, agent)
        ) {options};
        CREATE TABLE inbox_sent (
            number {integer} NOT NULL,
            name {bytes} NOT NULL,
            person {integer} NOT NULL,
            business {integer} NOT NULL,
            agent {integer} NOT NULL,
            at {integer} NOT NULL,
            PRIMARY KEY (number, name)
        ) {options};
        CREATE INDEX inbox_sent_of ON inbox_sent (business, at);
        CREATE INDEX inbox_sent_to ON inbox_sent (number, person);
        CREATE TABLE inbox_notes (
            seq {sequence},
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            business {integer} NOT NULL,
            agent {integer} NOT NULL,
            name {bytes} NOT NULL,
            sealed {bytes} NOT NULL,
            at {integer} NOT NULL
        ) {options};
        CREATE INDEX inbox_notes_of_chat ON inbox_notes (number, person, seq);
        CREATE INDEX inbox_notes_of ON inbox_notes (business, at);
        CREATE TABLE inbox_words (
            id {sequence},
            business {integer} NOT NULL,
            kind TEXT NOT NULL,
            name {bytes} NOT NULL,
            sealed {bytes} NOT NULL
        ) {options};
        CREATE INDEX inbox_words_of ON inbox_words (business, kind, id);
        CREATE TABLE inbox_answers (
            business {integer} NOT NULL,
            number {integer} NOT NULL,
            slot {integer} NOT NULL,
            answers {integer} NOT NULL,
            total {integer} NOT NULL,
            longest {integer} NOT NULL,
            PRIMARY KEY (business, number, slot)
        ) {options};",
    )],
};

/// A chat: of a number with a person.
pub(super) type Pair = (NumberId, PersonId);

::store::row! {
    /// How agents handle a chat.
    #[derive(Debug, Clone)]
    pub(super) struct Handled from "inbox_chats" {
        pub(super) number: NumberId,
        pub(super) person: PersonId,
        pub(super) assignee: Option<i64>,
        pub(super) closed: Timestamp,
        pub(super) claimed_by: Option<i64>,
        pub(super) claimed_seen: i64,
        pub(super) answered: Timestamp,
    }
}

::store::row! {
    struct LabelOf from "inbox_chat_labels" { number: NumberId, person: PersonId, label: i64 }
}

::store::row! {
    /// Somebody is answering.
    #[derive(Debug, Clone)]
    pub(super) struct Answering from "inbox_answering" {
        pub(super) number: NumberId,
        pub(super) person: PersonId,
        pub(super) agent: AgentId,
        pub(super) until: Timestamp,
    }
}

::store::row! {
    struct SentBy from "inbox_sent" { name: [u8; 22], agent: AgentId }
}

/// How chats are handled, of those that ever were.
pub(super) async fn handled(
    reader: &mut Connection,
    pairs: &[Pair],
) -> Result<HashMap<Pair, Handled>, StoreError> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Handled> = query(
        "SELECT w.number, w.person, w.assignee, w.closed, w.claimed_by, w.claimed_seen, w.answered
         FROM (VALUES {rows}) AS v CROSS JOIN inbox_chats w
         WHERE w.number = v.column1 AND w.person = v.column2",
    )
    .rows(pairs.iter().map(|(number, person)| [(*number).into(), person.0.into()]))
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.number, row.person), row)).collect())
}

/// One, which nobody else changes until the transaction ends.
pub(super) async fn locked(
    transaction: &mut Transaction,
    business: BusinessId,
    (number, person): Pair,
) -> Result<Handled, StoreError> {
    query(
        "INSERT INTO inbox_chats (number, person, business, closed, claimed_seen, answered)
         VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT (number, person) DO NOTHING",
    )
    .bind(number)
    .bind(person.0)
    .bind(business)
    .execute(transaction)
    .await?;
    let text = Sql::each(
        "SELECT number, person, assignee, closed, claimed_by, claimed_seen, answered FROM inbox_chats
         WHERE number = $1 AND person = $2",
        "SELECT number, person, assignee, closed, claimed_by, claimed_seen, answered FROM inbox_chats
         WHERE number = $1 AND person = $2 FOR UPDATE",
    );
    let found: Option<Handled> = query(text).bind(number).bind(person.0).optional(transaction).await?;
    let nothing = Timestamp(0);
    Ok(found.unwrap_or(Handled {
        number,
        person,
        assignee: None,
        closed: nothing,
        claimed_by: None,
        claimed_seen: 0,
        answered: nothing,
    }))
}

pub(super) async fn put(transaction: &mut Transaction, handled: &Handled) -> Result<(), StoreError> {
    query(
        "UPDATE inbox_chats SET assignee = $3, closed = $4, claimed_by = $5, claimed_seen = $6, answered = $7
         WHERE number = $1 AND person = $2",
    )
    .bind(handled.number)
    .bind(handled.person.0)
    .bind(handled.assignee)
    .bind(handled.closed)
    .bind(handled.claimed_by)
    .bind(handled.claimed_seen)
    .bind(handled.answered)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn labels_of(
    reader: &mut Connection,
    pairs: &[Pair],
) -> Result<HashMap<Pair, Vec<i64>>, StoreError> {
    let mut labels: HashMap<Pair, Vec<i64>> = HashMap::new();
    if pairs.is_empty() {
        return Ok(labels);
    }
    let mut rows: Vec<LabelOf> = query(
        "SELECT l.number, l.person, l.label FROM (VALUES {rows}) AS v CROSS JOIN inbox_chat_labels l
         WHERE l.number = v.column1 AND l.person = v.column2",
    )
    .rows(pairs.iter().map(|(number, person)| [(*number).into(), person.0.into()]))
    .all(reader)
    .await?;
    rows.sort_unstable_by_key(|row| row.label);
    for row in rows {
        labels.entry((row.number, row.person)).or_default().push(row.label);
    }
    Ok(labels)
}

pub(super) async fn put_label(
    transaction: &mut Transaction,
    business: BusinessId,
    (number, person): Pair,
    label: i64,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO inbox_chat_labels (number, person, label, business) VALUES ($1, $2, $3, $4)
         ON CONFLICT (number, person, label) DO NOTHING",
    )
    .bind(number)
    .bind(person.0)
    .bind(label)
    .bind(business)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn remove_label(
    transaction: &mut Transaction,
    (number, person): Pair,
    label: i64,
) -> Result<(), StoreError> {
    query("DELETE FROM inbox_chat_labels WHERE number = $1 AND person = $2 AND label = $3")
        .bind(number)
        .bind(person.0)
        .bind(label)
        .execute(transaction)
        .await
        .map(drop)
}

/// Who is answering these chats.
pub(super) async fn answering(
    reader: &mut Connection,
    pairs: &[Pair],
    now: Timestamp,
) -> Result<Vec<Answering>, StoreError> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    query(
        "SELECT a.number, a.person, a.agent, a.until FROM (VALUES {rows}) AS v CROSS JOIN inbox_answering a
         WHERE a.number = v.column1 AND a.person = v.column2 AND a.until > $1",
    )
    .bind(now)
    .rows(pairs.iter().map(|(number, person)| [(*number).into(), person.0.into()]))
    .all(reader)
    .await
}

pub(super) async fn answer(
    transaction: &mut Transaction,
    business: BusinessId,
    (number, person): Pair,
    (agent, until, now): (AgentId, Timestamp, Timestamp),
) -> Result<(), StoreError> {
    query("DELETE FROM inbox_answering WHERE number = $1 AND person = $2 AND until <= $3")
        .bind(number)
        .bind(person.0)
        .bind(now)
        .execute(transaction)
        .await?;
    query(
        "INSERT INTO inbox_answering (number, person, agent, business, until) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (number, person, agent) DO UPDATE SET until = excluded.until",
    )
    .bind(number)
    .bind(person.0)
    .bind(agent)
    .bind(business)
    .bind(until)
    .execute(transaction)
    .await
    .map(drop)
}

/// Whether this one was answering.
pub(super) async fn answers_no_longer(
    transaction: &mut Transaction,
    (number, person): Pair,
    agent: AgentId,
) -> Result<bool, StoreError> {
    let deleted = query("DELETE FROM inbox_answering WHERE number = $1 AND person = $2 AND agent = $3")
        .bind(number)
        .bind(person.0)
        .bind(agent)
        .execute(transaction)
        .await?;
    Ok(deleted > 0)
}

pub(super) async fn put_sent(
    transaction: &mut Transaction,
    business: BusinessId,
    ((number, person), name): (Pair, &[u8; 22]),
    (agent, now): (AgentId, Timestamp),
) -> Result<bool, StoreError> {
    let inserted = query(
        "INSERT INTO inbox_sent (number, name, person, business, agent, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (number, name) DO NOTHING",
    )
    .bind(number)
    .bind(*name)
    .bind(person.0)
    .bind(business)
    .bind(agent)
    .bind(now)
    .execute(transaction)
    .await?;
    Ok(inserted == 1)
}

/// Who sent these messages of a number, of those that agents sent.
pub(super) async fn sent_by(
    reader: &mut Connection,
    number: NumberId,
    names: &[[u8; 22]],
) -> Result<HashMap<[u8; 22], AgentId>, StoreError> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<SentBy> = query(
        "SELECT s.name, s.agent FROM (VALUES {rows}) AS v CROSS JOIN inbox_sent s
         WHERE s.name = v.column1 AND s.number = $1",
    )
    .bind(number)
    .rows(names.iter().map(|name| [(*name).into()]))
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.agent)).collect())
}

/// Nobody answers what this one answered.
pub(super) async fn forget_agent(
    transaction: &mut Transaction,
    business: BusinessId,
    agent: AgentId,
) -> Result<(), StoreError> {
    query("UPDATE inbox_chats SET assignee = NULL WHERE business = $1 AND assignee = $2")
        .bind(business)
        .bind(agent)
        .execute(transaction)
        .await?;
    query("DELETE FROM inbox_answering WHERE business = $1 AND agent = $2")
        .bind(business)
        .bind(agent)
        .execute(transaction)
        .await
        .map(drop)
}

/// Forgets a chat, with what was noted of it.
pub(crate) async fn erase_chat(
    transaction: &mut Transaction,
    number: NumberId,
    person: PersonId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM inbox_chats WHERE number = $1 AND person = $2",
        "DELETE FROM inbox_chat_labels WHERE number = $1 AND person = $2",
        "DELETE FROM inbox_answering WHERE number = $1 AND person = $2",
        "DELETE FROM inbox_sent WHERE number = $1 AND person = $2",
        "DELETE FROM inbox_notes WHERE number = $1 AND person = $2",
    ] {
        query(text).bind(number).bind(person.0).execute(transaction).await?;
    }
    Ok(())
}

/// Deletes what is older than its business keeps.
pub(crate) async fn delete_before(
    transaction: &mut Transaction,
    business: BusinessId,
    before: Timestamp,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM inbox_sent WHERE business = $1 AND at < $2",
        "DELETE FROM inbox_notes WHERE business = $1 AND at < $2",
    ] {
        query(text).bind(business).bind(before).execute(transaction).await?;
    }
    Ok(())
}

/// Deletes all of a business.
pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM inbox_chats WHERE business = $1",
        "DELETE FROM inbox_chat_labels WHERE business = $1",
        "DELETE FROM inbox_answering WHERE business = $1",
        "DELETE FROM inbox_sent WHERE business = $1",
        "DELETE FROM inbox_notes WHERE business = $1",
        "DELETE FROM inbox_words WHERE business = $1",
        "DELETE FROM inbox_answers WHERE business = $1",
    ] {
        query(text).bind(business).execute(transaction).await?;
    }
    Ok(())
}
