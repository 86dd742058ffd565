//! How far messages have come.

use ::store::{
    StoreError,
    sql::{Sql, Transaction, query},
};

use crate::ids::NumberId;

/// The device has them, by place, under these timestamps; nothing (0) where nobody looks at one.
pub(in crate::messages) async fn handed(
    transaction: &mut Transaction,
    number: NumberId,
    handed: &[(i64, u64)],
) -> Result<(), StoreError> {
    // By place: SQLite would look for rows of values by name in the whole table.
    query(
        "UPDATE messages SET state = 2, stamp = v.column2 FROM (VALUES {rows}) AS v
         WHERE messages.seq = v.column1 AND messages.number = $1 AND messages.state < 2",
    )
    .bind(number)
    .rows(handed.iter().map(|(seq, stamp)| [(*seq).into(), stamp.cast_signed().into()]))
    .execute(transaction)
    .await
    .map(drop)
}

/// Their files are at the relay.
pub(in crate::messages) async fn prepared(
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
    pub(in crate::messages) struct StateRow from "messages" {
        pub(in crate::messages) seq: i64,
        pub(in crate::messages) name: [u8; 22],
        pub(in crate::messages) state: i64,
    }
}

/// How far messages have come; they stay so until the transaction ends.
pub(in crate::messages) async fn states(
    transaction: &mut Transaction,
    number: NumberId,
    names: &[[u8; 22]],
) -> Result<Vec<StateRow>, StoreError> {
    query(Sql::each(
        "SELECT seq, name, state FROM messages WHERE number = $1 AND name IN (VALUES {rows})",
        "SELECT seq, name, state FROM messages WHERE number = $1 AND name IN (VALUES {rows}) FOR UPDATE",
    ))
    .bind(number)
    .rows(names.iter().map(|name| [(*name).into()]))
    .all(transaction)
    .await
}

/// Moves messages on: by place, to this state, under this timestamp if they have none yet.
pub(in crate::messages) async fn move_on(
    transaction: &mut Transaction,
    number: NumberId,
    moved: &[(i64, i64, Option<u64>)],
) -> Result<(), StoreError> {
    query(
        "UPDATE messages SET state = v.column2, stamp = COALESCE(messages.stamp, v.column3)
         FROM (VALUES {rows}) AS v WHERE messages.seq = v.column1 AND messages.number = $1",
    )
    .bind(number)
    .rows(
        moved.iter().map(|(seq, state, stamp)| {
            [(*seq).into(), (*state).into(), stamp.unwrap_or(0).cast_signed().into()]
        }),
    )
    .execute(transaction)
    .await
    .map(drop)
}
