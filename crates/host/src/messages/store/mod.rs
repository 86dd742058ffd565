//! The tables of messages and of the words in them.

mod chats;
mod deleting;
mod finding;
mod once;
mod progress;
mod reading;

use std::collections::HashMap;

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Row, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

pub(crate) use self::finding::Stored;
pub(super) use self::{chats::*, deleting::*, finding::*, once::*, progress::*, reading::*};
use crate::{
    content::{Category, Status},
    ids::{BusinessId, NumberId, TemplateId},
    people::PersonId,
};

pub(crate) const MIGRATIONS: Module = Module {
    name: "messages",
    migrations: &[
        Migration::new(
            "messages, and words to find them by",
            "CREATE TABLE messages (
            seq {sequence},
            number {integer} NOT NULL,
            name {bytes} NOT NULL,
            business {integer} NOT NULL,
            person {integer} NOT NULL,
            outbound {boolean} NOT NULL,
            kind TEXT NOT NULL,
            at {integer} NOT NULL,
            state {integer} NOT NULL,
            stamp {integer},
            category {integer} NOT NULL,
            sealed {bytes} NOT NULL,
            tracker {bytes},
            UNIQUE (number, name)
        ) {options};
        CREATE INDEX messages_waiting ON messages (number, state, seq) WHERE state < 2;
        CREATE INDEX messages_of_person ON messages (number, person, seq);
        CREATE INDEX messages_by_stamp ON messages (number, person, stamp);
        CREATE INDEX messages_by_age ON messages (business, at);
        CREATE TABLE read_marks (
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            through {integer} NOT NULL,
            told {integer} NOT NULL,
            typing {boolean} NOT NULL,
            PRIMARY KEY (number, person)
        ) {options};
        CREATE TABLE message_words (
            business {integer} NOT NULL,
            word {bytes} NOT NULL,
            message {integer} NOT NULL,
            PRIMARY KEY (business, word, message)
        ) {options};
        CREATE INDEX message_words_of ON message_words (message);",
        ),
        Migration::new(
            "of which template a message is, so that it can be counted without being read; what a number sent, in order",
            "ALTER TABLE messages ADD COLUMN template {integer};
        CREATE INDEX messages_sent ON messages (number, seq) WHERE outbound;",
        ),
        Migration {
            name: "words and times without what is not looked for",
            sql: Sql::each(
                "CREATE TABLE words (
            business INTEGER NOT NULL,
            word BLOB NOT NULL,
            message INTEGER NOT NULL,
            PRIMARY KEY (business, word, message)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO words SELECT business, word, message FROM message_words;
        DROP TABLE message_words;
        ALTER TABLE words RENAME TO message_words;
        CREATE INDEX message_words_of ON message_words (message);
        DROP INDEX messages_by_stamp;
        CREATE INDEX messages_by_time ON messages (number, person, stamp) WHERE stamp IS NOT NULL;",
                "DROP INDEX messages_by_stamp;
        CREATE INDEX messages_by_time ON messages (number, person, stamp) WHERE stamp IS NOT NULL;",
            ),
        },
        Migration::new(
            "until when messages are worth delivering",
            "ALTER TABLE messages ADD COLUMN deliver_by {integer};
        CREATE INDEX messages_by_deadline ON messages (number, deliver_by) WHERE deliver_by IS NOT NULL AND state < 4;",
        ),
        Migration::new(
            "names that businesses gave to sends, so that they can be repeated",
            "CREATE TABLE sends_once (
            number {integer} NOT NULL,
            app {integer} NOT NULL,
            once_key {bytes} NOT NULL,
            request {bytes} NOT NULL,
            name {bytes} NOT NULL,
            person {integer} NOT NULL,
            at {integer} NOT NULL,
            PRIMARY KEY (number, app, once_key)
        ) {options};
        CREATE INDEX sends_once_by_age ON sends_once (at);
        CREATE INDEX sends_once_of_person ON sends_once (number, person);",
        ),
        Migration::new(
            "of which chats people are to be told that they were read",
            "CREATE INDEX read_marks_untold ON read_marks (number, person) WHERE told < through OR typing;",
        ),
    ],
};

/// Taken from the business, and going nowhere: the person is blocked, or there is nobody. The desk says so.
pub(super) const UNDELIVERABLE: i64 = -2;
/// The same, of marketing: the person does not want it.
pub(super) const UNWANTED: i64 = -1;
/// Taken from the business.
pub(super) const ACCEPTED: i64 = 0;
/// Taken, and its files are on their way to the relay.
pub(super) const PREPARING: i64 = 1;
/// In the hands of the device.
pub(super) const HANDED: i64 = 2;
/// The relay has it.
pub(super) const SENT: i64 = 3;
/// On a device of the person.
pub(super) const DELIVERED: i64 = 4;
/// A person saw it.
pub(super) const READ: i64 = 5;
/// A person heard it: of voice notes.
pub(super) const PLAYED: i64 = 6;
/// It will not arrive.
pub(super) const FAILED: i64 = 9;
/// A person wrote it.
pub(crate) const RECEIVED: i64 = 20;
/// It was said elsewhere, and brought here.
pub(crate) const IMPORTED: i64 = 30;

/// A message to be written.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(super) number: NumberId,
    pub(super) name: [u8; 22],
    pub(super) business: BusinessId,
    pub(super) person: PersonId,
    pub(super) outbound: bool,
    pub(super) kind: &'static str,
    pub(super) at: Timestamp,
    pub(super) state: i64,
    pub(super) stamp: Option<u64>,
    pub(super) category: Category,
    pub(super) template: Option<TemplateId>,
    pub(super) sealed: Vec<u8>,
    pub(super) tracker: Option<Vec<u8>>,
    pub(super) deliver_by: Option<Timestamp>,
    pub(super) words: Vec<[u8; 16]>,
}

/// How far a message has come, of those that the business sent.
pub(super) const fn status(state: i64) -> Option<Status> {
    match state {
        UNDELIVERABLE | UNWANTED | ACCEPTED | PREPARING | HANDED => Some(Status::Accepted),
        SENT => Some(Status::Sent),
        DELIVERED => Some(Status::Delivered),
        READ => Some(Status::Read),
        PLAYED => Some(Status::Played),
        FAILED => Some(Status::Failed),
        _ => None,
    }
}

/// Whether a message in this state was sent, delivered and read.
pub(crate) const fn came_to(state: i64) -> (bool, bool, bool) {
    (
        matches!(state, SENT | DELIVERED | READ | PLAYED),
        matches!(state, DELIVERED | READ | PLAYED),
        matches!(state, READ | PLAYED),
    )
}

impl Column for PersonId {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get(column).map(Self)
    }
}

const CATEGORIES: [(Category, i64); 4] =
    [(Category::Service, 0), (Category::Utility, 1), (Category::Marketing, 2), (Category::Authentication, 3)];

pub(crate) fn category_number(category: Category) -> i64 {
    CATEGORIES.iter().find(|(of, _)| *of == category).map_or(0, |(_, number)| *number)
}

impl Column for Category {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let stored: i64 = row.get(column)?;
        let found = CATEGORIES.iter().find(|(_, number)| *number == stored);
        found.map(|(category, _)| *category).ok_or_else(|| ColumnError::new(column, "no such category"))
    }
}

::store::row! {
    struct Inserted from "messages" { seq: i64, name: [u8; 22] }
}

/// Writes messages that are not there yet, with their words; the names of those.
pub(super) async fn insert(
    transaction: &mut Transaction,
    messages: &[&NewMessage],
) -> Result<Vec<[u8; 22]>, StoreError> {
    let rows: Vec<Inserted> = query(
        "INSERT INTO messages
         (number, name, business, person, outbound, kind, at, state, stamp, category, template, sealed, tracker,
          deliver_by)
         VALUES {rows} ON CONFLICT (number, name) DO NOTHING RETURNING seq, name",
    )
    .rows(messages.iter().map(|new| {
        [
            new.number.into(),
            new.name.into(),
            new.business.into(),
            new.person.0.into(),
            new.outbound.into(),
            new.kind.into(),
            new.at.into(),
            new.state.into(),
            new.stamp.map(u64::cast_signed).into(),
            category_number(new.category).into(),
            new.template.map(|id| id.get().cast_signed()).into(),
            (&*new.sealed).into(),
            new.tracker.clone().into(),
            new.deliver_by.map(|at| at.0).into(),
        ]
    }))
    .all(transaction)
    .await?;
    let seqs: HashMap<_, _> = rows.iter().map(|row| (row.name, row.seq)).collect();
    let words = messages.iter().flat_map(|new| {
        let seq = seqs.get(&new.name).copied();
        seq.into_iter().flat_map(move |seq| {
            new.words.iter().map(move |word| [new.business.into(), (*word).into(), seq.into()])
        })
    });
    query(
        "INSERT INTO message_words (business, word, message) VALUES {rows}
         ON CONFLICT (business, word, message) DO NOTHING",
    )
    .rows(words)
    .execute(transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
