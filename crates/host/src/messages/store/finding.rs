//! Messages as they are stored, and how they are found.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Value, query},
};

use super::{IMPORTED, status};
use crate::{
    businesses::BusinessState,
    content::Category,
    ids::{BusinessId, MessageId, NumberId},
    messages::{About, Names},
    people::PersonId,
};

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

/// Everything of messages, and how far their chats were read. What is looked up for each of many rows comes first: SQLite
/// follows the order of a `CROSS JOIN`, and would otherwise look through the whole table.
macro_rules! columns {
    (for each $from:literal, $rest:literal) => {
        concat!(
            "SELECT m.seq, m.name, m.person, m.outbound, m.kind, m.at, m.state, m.stamp, m.category, m.sealed,
             m.tracker, r.through
             FROM ",
            $from,
            " messages m LEFT JOIN read_marks r ON r.number = m.number AND r.person = m.person ",
            $rest
        )
    };
    ($rest:literal) => {
        columns!(for each "", $rest)
    };
}
pub(super) use columns;

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

pub(in crate::messages) async fn by_name(
    reader: &mut Connection,
    id: MessageId,
) -> Result<Option<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.name = $2"))
        .bind(id.number())
        .bind(*id.name())
        .optional(reader)
        .await
}

pub(in crate::messages) async fn by_names(
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
pub(in crate::messages) async fn sent_by(
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

/// Those that were to be delivered by then, and are not.
pub(in crate::messages) async fn overdue(
    reader: &mut Connection,
    number: NumberId,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    query(columns!(
        "WHERE m.number = $1 AND m.deliver_by IS NOT NULL AND m.state < 4 AND m.deliver_by < $2
         ORDER BY m.deliver_by LIMIT $3"
    ))
    .bind(number)
    .bind(before)
    .bind(limit)
    .all(reader)
    .await
}

/// Those whose names begin with these references.
pub(in crate::messages) async fn by_references(
    reader: &mut Connection,
    number: NumberId,
    references: &[[u8; 16]],
) -> Result<Vec<Stored>, StoreError> {
    let ends = |reference: &[u8; 16], rest: u8| -> Value {
        let mut end = [rest; 22];
        end.iter_mut().zip(reference).for_each(|(to, from)| *to = *from);
        end.into()
    };
    query(columns!(
        for each "(VALUES {rows}) AS v CROSS JOIN",
        "WHERE m.number = $1 AND m.name BETWEEN v.column1 AND v.column2"
    ))
    .bind(number)
    .rows(references.iter().map(|reference| [ends(reference, 0), ends(reference, 0xff)]))
    .all(reader)
    .await
}

/// Messages in this state behind `after`, the first first.
pub(in crate::messages) async fn waiting(
    reader: &mut Connection,
    number: NumberId,
    state: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(columns!(
        "WHERE m.number = $1 AND m.state = $2 AND m.state < 2 AND m.seq > $3 ORDER BY m.seq LIMIT $4"
    ))
    .bind(number)
    .bind(state)
    .bind(after)
    .bind(limit)
    .all(reader)
    .await
}

/// What was taken and goes nowhere.
pub(in crate::messages) async fn withheld(
    reader: &mut Connection,
    number: NumberId,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.state < 0 AND m.state < 2 ORDER BY m.state, m.seq LIMIT $2"))
        .bind(number)
        .bind(limit)
        .all(reader)
        .await
}

::store::row! {
    struct Named from "messages" { name: [u8; 22], person: PersonId, outbound: bool, stamp: i64 }
}

/// Messages by what devices call them: with whom, by whom, when.
pub(in crate::messages) async fn by_stamps(
    reader: &mut Connection,
    number: NumberId,
    stamps: &[(PersonId, bool, u64)],
) -> Result<Names, StoreError> {
    let rows: Vec<Named> = query(
        "SELECT m.name, m.person, m.outbound, m.stamp FROM (VALUES {rows}) AS v CROSS JOIN messages m
         WHERE m.number = $1 AND m.person = v.column1 AND m.stamp = v.column2",
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

/// How far a business's approval is, as the relay said last; none if it is not here.
pub(crate) async fn business_state(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Option<BusinessState>, StoreError> {
    let word = query("SELECT state FROM businesses WHERE id = $1").bind(business);
    Ok(word.value::<String>(reader).await?.and_then(|word| word.parse().ok()))
}
