//! The tables of messages and of the words in them.

use std::collections::HashMap;

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};

use super::About;
use crate::{
    analytics,
    content::{Category, Status},
    ids::{BusinessId, MessageId, NumberId, TemplateId},
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
    ],
};

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
pub(super) const RECEIVED: i64 = 20;
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
    pub(super) words: Vec<[u8; 16]>,
}

::store::row! {
    /// A message, sealed.
    pub(crate) struct Stored from "messages" {
        pub(crate) seq: i64,
        pub(crate) name: [u8; 22],
        pub(crate) person: PersonId,
        pub(crate) outbound: bool,
        pub(crate) kind: String,
        pub(crate) at: Timestamp,
        pub(crate) state: i64,
        pub(crate) stamp: Option<i64>,
        pub(crate) category: Category,
        pub(crate) sealed: Vec<u8>,
        pub(crate) tracker: Option<Vec<u8>>,
        through: Option<i64>,
    }
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT m.seq, m.name, m.person, m.outbound, m.kind, m.at, m.state, m.stamp, m.category, m.sealed,
             m.tracker, r.through
             FROM messages m LEFT JOIN read_marks r ON r.number = m.number AND r.person = m.person ",
            $rest
        )
    };
}

impl Stored {
    /// Without what it says.
    pub(crate) fn about(&self, number: NumberId) -> About {
        About {
            id: MessageId::from_parts(number, self.name),
            seq: self.seq,
            person: self.person,
            outbound: self.outbound,
            kind: self.kind.clone(),
            at: self.at,
            status: status(self.state),
            read: !self.outbound
                && (self.state == IMPORTED || self.through.is_some_and(|through| through >= self.seq)),
            imported: self.state == IMPORTED,
            category: self.category,
        }
    }
}

/// How far a message has come, of those that the business sent.
pub(super) const fn status(state: i64) -> Option<Status> {
    match state {
        ACCEPTED | PREPARING | HANDED => Some(Status::Accepted),
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

pub(super) async fn by_name(reader: &mut Connection, id: MessageId) -> Result<Option<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.name = $2"))
        .bind(id.number())
        .bind(*id.name())
        .optional(reader)
        .await
}

pub(super) async fn by_names(
    reader: &mut Connection,
    number: NumberId,
    names: &[[u8; 22]],
) -> Result<Vec<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.name IN (VALUES {rows})"))
        .bind(number)
        .rows(names.iter().map(|name| [(*name).into()]))
        .all(reader)
        .await
}

/// What a number sent, the latest first, before this place; with `back` what came behind it, the first first.
pub(super) async fn sent_by(
    reader: &mut Connection,
    number: NumberId,
    from: i64,
    back: bool,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let text = if back {
        columns!("WHERE m.number = $1 AND m.outbound AND m.seq > $2 ORDER BY m.seq LIMIT $3")
    } else {
        columns!("WHERE m.number = $1 AND m.outbound AND m.seq < $2 ORDER BY m.seq DESC LIMIT $3")
    };
    query(text).bind(number).bind(from).bind(limit).all(reader).await
}

/// Those whose names begin with these references.
pub(super) async fn by_references(
    reader: &mut Connection,
    number: NumberId,
    references: &[[u8; 16]],
) -> Result<Vec<Stored>, StoreError> {
    let ends = |reference: &[u8; 16], rest: u8| -> Value {
        let mut end = [rest; 22];
        end.iter_mut().zip(reference).for_each(|(to, from)| *to = *from);
        end.into()
    };
    query(columns!("JOIN (VALUES {rows}) AS v ON m.name BETWEEN v.column1 AND v.column2 WHERE m.number = $1"))
        .bind(number)
        .rows(references.iter().map(|reference| [ends(reference, 0), ends(reference, 0xff)]))
        .all(reader)
        .await
}

/// Messages in this state, the first first.
pub(super) async fn waiting(
    reader: &mut Connection,
    number: NumberId,
    state: i64,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.state = $2 AND m.state < 2 ORDER BY m.seq LIMIT $3"))
        .bind(number)
        .bind(state)
        .bind(limit)
        .all(reader)
        .await
}

::store::row! {
    struct Named from "messages" { name: [u8; 22], person: PersonId, outbound: bool, stamp: i64 }
}

/// Messages by what devices call them: with whom, by whom, when.
pub(super) async fn by_stamps(
    reader: &mut Connection,
    number: NumberId,
    stamps: &[(PersonId, bool, u64)],
) -> Result<super::Names, StoreError> {
    let rows: Vec<Named> = query(
        "SELECT m.name, m.person, m.outbound, m.stamp FROM messages m JOIN (VALUES {rows}) AS v
         ON m.person = v.column1 AND m.stamp = v.column2 WHERE m.number = $1",
    )
    .bind(number)
    .rows(stamps.iter().map(|(person, _, stamp)| [person.0.into(), stamp.cast_signed().into()]))
    .all(reader)
    .await?;
    let name = |row: Named| {
        let key = (row.person, row.outbound, row.stamp.cast_unsigned());
        (key, MessageId::from_parts(number, row.name))
    };
    Ok(rows.into_iter().map(name).collect())
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
         (number, name, business, person, outbound, kind, at, state, stamp, category, template, sealed, tracker)
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

::store::row! {
    /// How a chat stands.
    #[derive(Debug, Clone, Default)]
    pub(super) struct ChatRow from "chats" {
        number: i64,
        person: i64,
        pub(super) latest: i64,
        pub(super) wrote: Option<i64>,
        pub(super) opened: Option<i64>,
        pub(super) allowance: i64,
        pub(super) blocked: bool,
        pub(super) marketing_stopped: bool,
        pub(super) identity: Option<String>,
    }
}

/// By number and person.
pub(super) type Pair = (NumberId, PersonId);

pub(super) async fn chats(
    reader: &mut Connection,
    pairs: &[Pair],
) -> Result<HashMap<Pair, ChatRow>, StoreError> {
    let mut distinct = pairs.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let rows: Vec<ChatRow> = query(
        "SELECT c.number, c.person, c.latest, c.wrote, c.opened, c.allowance, c.blocked, c.marketing_stopped,
         c.identity FROM chats c JOIN (VALUES {rows}) AS v ON c.number = v.column1 AND c.person = v.column2",
    )
    .rows(distinct.into_iter().map(|(number, person)| [number.into(), person.0.into()]))
    .all(reader)
    .await?;
    let pair = |row: ChatRow| {
        let number = NumberId::try_from(row.number.cast_unsigned());
        let number = number.map_err(|error| ColumnError::new("number", error).within("chats"))?;
        Ok(((number, PersonId(row.person)), row))
    };
    rows.into_iter().map(pair).collect()
}

/// What sending changes of chats.
pub(super) async fn put_chats(
    transaction: &mut Transaction,
    chats: &HashMap<Pair, (BusinessId, ChatRow)>,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO chats
         (number, person, business, latest, opened, allowance, blocked, marketing_stopped) VALUES {rows}
         ON CONFLICT (number, person) DO UPDATE
         SET latest = excluded.latest, opened = excluded.opened, allowance = excluded.allowance",
    )
    .rows(chats.iter().map(|((number, person), (business, chat))| {
        [
            (*number).into(),
            person.0.into(),
            (*business).into(),
            chat.latest.into(),
            chat.opened.into(),
            chat.allowance.into(),
            chat.blocked.into(),
            chat.marketing_stopped.into(),
        ]
    }))
    .execute(transaction)
    .await
    .map(drop)
}

/// People wrote to a number, the last time then.
pub(super) async fn wrote(
    transaction: &mut Transaction,
    business: BusinessId,
    number: NumberId,
    people: &HashMap<PersonId, Timestamp>,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO chats (number, person, business, latest, wrote, blocked, marketing_stopped) VALUES {rows}
         ON CONFLICT (number, person) DO UPDATE SET
         latest = CASE WHEN excluded.latest > chats.latest THEN excluded.latest ELSE chats.latest END,
         wrote = CASE WHEN chats.wrote > excluded.wrote THEN chats.wrote ELSE excluded.wrote END",
    )
    .rows(people.iter().map(|(person, at)| {
        let [no, neither] = [false.into(), false.into()];
        [number.into(), person.0.into(), business.into(), (*at).into(), (*at).into(), no, neither]
    }))
    .execute(transaction)
    .await
    .map(drop)
}

/// What a person wants of marketing.
pub(super) async fn set_marketing(
    transaction: &mut Transaction,
    number: NumberId,
    person: PersonId,
    stopped: bool,
) -> Result<(), StoreError> {
    query("UPDATE chats SET marketing_stopped = $3 WHERE number = $1 AND person = $2")
        .bind(number)
        .bind(person.0)
        .bind(stopped)
        .execute(transaction)
        .await
        .map(drop)
}

/// What names a person's identity key.
pub(super) async fn set_identity(
    transaction: &mut Transaction,
    number: NumberId,
    person: PersonId,
    identity: &str,
) -> Result<(), StoreError> {
    query("UPDATE chats SET identity = $3 WHERE number = $1 AND person = $2")
        .bind(number)
        .bind(person.0)
        .bind(identity)
        .execute(transaction)
        .await
        .map(drop)
}

/// To how many people a number wrote first since then.
pub(super) async fn opened(reader: &mut Connection, number: NumberId, since: i64) -> Result<i64, StoreError> {
    let count: Option<i64> = query("SELECT COUNT(*) FROM chats WHERE number = $1 AND opened > $2")
        .bind(number)
        .bind(since)
        .value(reader)
        .await?;
    Ok(count.unwrap_or(0))
}

/// The device has them, under these timestamps; nothing (0) where nobody looks at one.
pub(super) async fn handed(
    transaction: &mut Transaction,
    number: NumberId,
    handed: &[([u8; 22], u64)],
) -> Result<(), StoreError> {
    query(
        "UPDATE messages SET state = 2, stamp = v.column2 FROM (VALUES {rows}) AS v
         WHERE messages.number = $1 AND messages.name = v.column1 AND messages.state < 2",
    )
    .bind(number)
    .rows(handed.iter().map(|(name, stamp)| [(*name).into(), stamp.cast_signed().into()]))
    .execute(transaction)
    .await
    .map(drop)
}

/// Their files are at the relay.
pub(super) async fn prepared(
    transaction: &mut Transaction,
    number: NumberId,
    name: [u8; 22],
    sealed: &[u8],
) -> Result<(), StoreError> {
    query("UPDATE messages SET state = 0, sealed = $3 WHERE number = $1 AND name = $2 AND state = 1")
        .bind(number)
        .bind(name)
        .bind(sealed)
        .execute(transaction)
        .await
        .map(drop)
}

::store::row! {
    /// How far a message has come.
    pub(super) struct StateRow from "messages" { pub(super) name: [u8; 22], pub(super) state: i64 }
}

/// How far messages have come; they stay so until the transaction ends.
pub(super) async fn states(
    transaction: &mut Transaction,
    number: NumberId,
    names: &[[u8; 22]],
) -> Result<Vec<StateRow>, StoreError> {
    query(Sql::each(
        "SELECT name, state FROM messages WHERE number = $1 AND name IN (VALUES {rows})",
        "SELECT name, state FROM messages WHERE number = $1 AND name IN (VALUES {rows}) FOR UPDATE",
    ))
    .bind(number)
    .rows(names.iter().map(|name| [(*name).into()]))
    .all(transaction)
    .await
}

/// Moves messages on.
pub(super) async fn move_on(
    transaction: &mut Transaction,
    number: NumberId,
    moved: &[([u8; 22], i64, Option<u64>)],
) -> Result<(), StoreError> {
    query(
        "UPDATE messages SET state = v.column2, stamp = COALESCE(messages.stamp, v.column3)
         FROM (VALUES {rows}) AS v WHERE messages.number = $1 AND messages.name = v.column1",
    )
    .bind(number)
    .rows(moved.iter().map(|(name, state, stamp)| {
        [(*name).into(), (*state).into(), stamp.unwrap_or(0).cast_signed().into()]
    }))
    .execute(transaction)
    .await
    .map(drop)
}

/// The business has read a chat up to here.
pub(super) async fn mark_read(
    transaction: &mut Transaction,
    number: NumberId,
    person: PersonId,
    through: i64,
    typing: bool,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO read_marks (number, person, through, told, typing) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (number, person) DO UPDATE SET
         through = CASE WHEN excluded.through > read_marks.through THEN excluded.through ELSE read_marks.through END,
         typing = excluded.typing",
    )
    .bind(number)
    .bind(person.0)
    .bind(through)
    .bind(typing)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    /// A chat that was read further than its person was told, or in which somebody types.
    pub(super) struct Mark from "read_marks" {
        pub(super) person: PersonId,
        pub(super) through: i64,
        pub(super) told: i64,
        pub(super) typing: bool,
    }
}

pub(super) async fn marks(
    reader: &mut Connection,
    number: NumberId,
    limit: i64,
) -> Result<Vec<Mark>, StoreError> {
    query(
        "SELECT person, through, told, typing FROM read_marks
         WHERE number = $1 AND (told < through OR typing = $2) LIMIT $3",
    )
    .bind(number)
    .bind(true)
    .bind(limit)
    .all(reader)
    .await
}

::store::row! {
    struct StampRow from "messages" { stamp: i64, seq: i64 }
}

/// When messages of a person were written, by their clock: those between these two places; and the place of the last.
pub(super) async fn stamps_between(
    reader: &mut Connection,
    number: NumberId,
    person: PersonId,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<(u64, i64)>, StoreError> {
    let rows: Vec<StampRow> = query(
        "SELECT stamp, seq FROM messages WHERE number = $1 AND person = $2 AND seq > $3 AND seq <= $4
         AND outbound = $5 AND stamp IS NOT NULL ORDER BY seq LIMIT $6",
    )
    .bind(number)
    .bind(person.0)
    .bind(after)
    .bind(through)
    .bind(false)
    .bind(limit)
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| (row.stamp.cast_unsigned(), row.seq)).collect())
}

/// A person was told.
pub(super) async fn told(
    transaction: &mut Transaction,
    number: NumberId,
    person: PersonId,
    through: i64,
) -> Result<(), StoreError> {
    query("UPDATE read_marks SET told = $3, typing = $4 WHERE number = $1 AND person = $2")
        .bind(number)
        .bind(person.0)
        .bind(through)
        .bind(false)
        .execute(transaction)
        .await
        .map(drop)
}

/// Messages with a person, the first first.
pub(super) async fn of_person(
    reader: &mut Connection,
    number: NumberId,
    person: PersonId,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.person = $2 ORDER BY m.seq LIMIT $3"))
        .bind(number)
        .bind(person.0)
        .bind(limit)
        .all(reader)
        .await
}

::store::row! {
    struct SeqRow from "messages" { seq: i64 }
}

/// Messages of a business that are older than this.
pub(super) async fn older(
    reader: &mut Connection,
    business: BusinessId,
    before: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<SeqRow> =
        query("SELECT seq FROM messages WHERE business = $1 AND at < $2 ORDER BY at LIMIT $3")
            .bind(business)
            .bind(before)
            .bind(limit)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.seq).collect())
}

/// Deletes messages and their words; with `counted`, how many there were stays known.
pub(super) async fn delete(
    transaction: &mut Transaction,
    seqs: &[i64],
    counted: bool,
) -> Result<(), StoreError> {
    if counted {
        analytics::keep(transaction, seqs).await?;
    }
    for text in [
        "DELETE FROM message_words WHERE message IN (VALUES {rows})",
        "DELETE FROM messages WHERE seq IN (VALUES {rows})",
    ] {
        query(text).rows(seqs.iter().map(|seq| [(*seq).into()])).execute(transaction).await?;
    }
    Ok(())
}

/// Deletes how a number and a person stand, and the person if no other number of the business knows them.
pub(super) async fn forget_chat(
    transaction: &mut Transaction,
    business: BusinessId,
    number: NumberId,
    person: PersonId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM read_marks WHERE number = $1 AND person = $2",
        "DELETE FROM blocks_untold WHERE number = $1 AND person = $2",
        "DELETE FROM chats WHERE number = $1 AND person = $2",
    ] {
        query(text).bind(number).bind(person.0).execute(transaction).await?;
    }
    query(
        "DELETE FROM people WHERE business = $1 AND id = $2
         AND NOT EXISTS (SELECT 1 FROM chats WHERE chats.person = people.id)",
    )
    .bind(business)
    .bind(person.0)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    struct BusinessRow from "businesses" { id: BusinessId }
}

pub(super) async fn businesses(
    reader: &mut Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<BusinessId>, StoreError> {
    let rows: Vec<BusinessRow> = query("SELECT id FROM businesses WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Businesses that were erased and of which something is left, while nobody runs a number of them any more.
pub(super) async fn erased(reader: &mut Connection, now: Timestamp) -> Result<Vec<BusinessId>, StoreError> {
    let rows: Vec<BusinessRow> = query(
        "SELECT e.id AS id FROM erased_businesses e WHERE NOT EXISTS (
            SELECT 1 FROM numbers n JOIN number_leases l ON l.number = n.id
            WHERE n.business = e.id AND l.until > $1) LIMIT 100",
    )
    .bind(now)
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Deletes the rest of a business: people, chats, numbers, what their devices kept.
pub(super) async fn finish_erasure(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM read_marks WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM blocks_untold WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM vault_records WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM number_leases WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM chats WHERE business = $1",
        "DELETE FROM people WHERE business = $1",
        "DELETE FROM numbers WHERE business = $1",
        "DELETE FROM message_counts WHERE business = $1",
        "DELETE FROM usernames WHERE business = $1",
        "DELETE FROM erased_businesses WHERE id = $1",
    ] {
        query(text).bind(business).execute(transaction).await?;
    }
    Ok(())
}
