//! How chats stand.

use std::collections::HashMap;

use ::store::{
    StoreError, Timestamp,
    sql::{ColumnError, Connection, Transaction, query},
};

use crate::{
    content::Identity,
    ids::{BusinessId, NumberId},
    people::PersonId,
};

::store::row! {
    /// How a chat stands.
    #[derive(Debug, Clone, Default)]
    pub(in crate::messages) struct ChatRow from "chats" {
        number: i64,
        person: i64,
        pub(in crate::messages) latest: i64,
        pub(in crate::messages) wrote: Option<i64>,
        pub(in crate::messages) opened: Option<i64>,
        pub(in crate::messages) allowance: i64,
        pub(in crate::messages) blocked: bool,
        pub(in crate::messages) marketing_stopped: bool,
        pub(in crate::messages) identity: Option<String>,
        pub(in crate::messages) identity_since: Option<Timestamp>,
        pub(in crate::messages) identity_acknowledged: Option<bool>,
    }
}

/// By number and person.
pub(in crate::messages) type Pair = (NumberId, PersonId);

pub(in crate::messages) async fn chats(
    reader: &mut Connection,
    pairs: &[Pair],
) -> Result<HashMap<Pair, ChatRow>, StoreError> {
    let mut distinct = pairs.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let rows: Vec<ChatRow> = query(
        "SELECT c.number, c.person, c.latest, c.wrote, c.opened, c.allowance, c.blocked, c.marketing_stopped,
         c.identity, c.identity_since, c.identity_acknowledged FROM (VALUES {rows}) AS v CROSS JOIN chats c WHERE c.number = v.column1 AND c.person = v.column2",
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
pub(in crate::messages) async fn put_chats(
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
pub(in crate::messages) async fn wrote(
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
pub(in crate::messages) async fn set_marketing(
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

/// Notes the identity key that a person has now, by its hash, unless it is known.
pub(in crate::messages) async fn set_identity(
    transaction: &mut Transaction,
    (number, person): Pair,
    identity: &Identity,
) -> Result<(), StoreError> {
    query(
        "UPDATE chats SET identity = $3, identity_since = $4, identity_acknowledged = $5
         WHERE number = $1 AND person = $2 AND (identity IS NULL OR identity <> $3)",
    )
    .bind(number)
    .bind(person.0)
    .bind(&*identity.hash)
    .bind(identity.since)
    .bind(identity.acknowledged)
    .execute(transaction)
    .await
    .map(drop)
}

/// The business's software sent with the hash of a person's new identity key: it knows that it changed.
pub(in crate::messages) async fn acknowledge_identity(
    transaction: &mut Transaction,
    (number, person): Pair,
    identity: &str,
) -> Result<(), StoreError> {
    query("UPDATE chats SET identity_acknowledged = $4 WHERE number = $1 AND person = $2 AND identity = $3")
        .bind(number)
        .bind(person.0)
        .bind(identity)
        .bind(true)
        .execute(transaction)
        .await
        .map(drop)
}

/// To how many people a number wrote first since then.
pub(in crate::messages) async fn opened(
    reader: &mut Connection,
    number: NumberId,
    since: i64,
) -> Result<i64, StoreError> {
    let count: Option<i64> = query("SELECT COUNT(*) FROM chats WHERE number = $1 AND opened > $2")
        .bind(number)
        .bind(since)
        .value(reader)
        .await?;
    Ok(count.unwrap_or(0))
}
