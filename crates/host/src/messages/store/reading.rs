//! How far the business has read, and what people were told of it.

use ::store::{
    StoreError,
    sql::{Connection, Transaction, query},
};

use crate::{ids::NumberId, people::PersonId};

/// The business has read a chat up to here.
pub(in crate::messages) async fn mark_read(
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
    pub(in crate::messages) struct Mark from "read_marks" {
        pub(in crate::messages) person: PersonId,
        pub(in crate::messages) through: i64,
        pub(in crate::messages) told: i64,
        pub(in crate::messages) typing: bool,
    }
}

pub(in crate::messages) async fn marks(
    reader: &mut Connection,
    number: NumberId,
    limit: i64,
) -> Result<Vec<Mark>, StoreError> {
    query(
        "SELECT person, through, told, typing FROM read_marks
         WHERE number = $1 AND (told < through OR typing) ORDER BY person LIMIT $2",
    )
    .bind(number)
    .bind(limit)
    .all(reader)
    .await
}

::store::row! {
    struct StampRow from "messages" { stamp: i64, seq: i64 }
}

/// When messages of a person were written, by their clock: those between these two places; and the place of the last.
pub(in crate::messages) async fn stamps_between(
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
pub(in crate::messages) async fn told(
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
