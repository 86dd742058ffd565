//! Sends that their business named: which name was used for which message.

use std::collections::HashMap;

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, query},
};

use crate::{
    ids::{AppId, NumberId},
    messages::once::Once,
    people::PersonId,
};

/// By number, app and name.
pub(in crate::messages) type Key = (NumberId, AppId, [u8; 32]);

::store::row! {
    /// For what a name was used.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Used from "sends_once" {
        number: NumberId,
        app: AppId,
        once_key: [u8; 32],
        pub(in crate::messages) request: [u8; 32],
        pub(in crate::messages) name: [u8; 22],
        pub(in crate::messages) person: PersonId,
    }
}

impl Used {
    const fn key(&self) -> Key {
        (self.number, self.app, self.once_key)
    }
}

/// For what a name is wanted: the request, the message's name, to whom it goes, and when.
pub(in crate::messages) type Wanted = ([u8; 32], [u8; 22], PersonId, Timestamp);

/// Takes names for messages, unless they were used within a day: each for the first of these that has it. For what each
/// name stands then.
pub(in crate::messages) async fn take_names(
    transaction: &mut Transaction,
    wanted: &HashMap<Key, Wanted>,
) -> Result<HashMap<Key, Used>, StoreError> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    query(
        "INSERT INTO sends_once (number, app, once_key, request, name, person, at) VALUES {rows}
         ON CONFLICT (number, app, once_key) DO UPDATE
         SET request = excluded.request, name = excluded.name, person = excluded.person, at = excluded.at
         WHERE sends_once.at <= excluded.at - 86400000",
    )
    .rows(wanted.iter().map(|((number, app, key), (request, name, person, at))| {
        let key = [(*number).into(), (*app).into(), key.to_vec().into()];
        let [number, app, key] = key;
        [number, app, key, request.to_vec().into(), (*name).into(), person.0.into(), (*at).into()]
    }))
    .execute(transaction)
    .await?;
    let used: Vec<Used> = query(
        "SELECT s.number, s.app, s.once_key, s.request, s.name, s.person FROM (VALUES {rows}) AS v
         CROSS JOIN sends_once s WHERE s.number = v.column1 AND s.app = v.column2 AND s.once_key = v.column3",
    )
    .rows(wanted.keys().map(|(number, app, key)| [(*number).into(), (*app).into(), key.to_vec().into()]))
    .all(transaction)
    .await?;
    Ok(used.into_iter().map(|used| (used.key(), used)).collect())
}

/// Gives names back, whose messages were not taken.
pub(in crate::messages) async fn give_back(
    transaction: &mut Transaction,
    names: &[Key],
) -> Result<(), StoreError> {
    for (number, app, key) in names {
        query("DELETE FROM sends_once WHERE number = $1 AND app = $2 AND once_key = $3")
            .bind(*number)
            .bind(*app)
            .bind(key.to_vec())
            .execute(transaction)
            .await?;
    }
    Ok(())
}

/// For what a name was used since then.
pub(in crate::messages) async fn used(
    reader: &mut Connection,
    number: NumberId,
    once: &Once,
    since: Timestamp,
) -> Result<Option<Used>, StoreError> {
    query(
        "SELECT number, app, once_key, request, name, person FROM sends_once
         WHERE number = $1 AND app = $2 AND once_key = $3 AND at > $4",
    )
    .bind(number)
    .bind(once.app)
    .bind(once.key.to_vec())
    .bind(since)
    .optional(reader)
    .await
}

/// Forgets names that were used before this: at most so many; how many they were.
pub(in crate::messages) async fn forget_names(
    transaction: &mut Transaction,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    query(
        "DELETE FROM sends_once WHERE (number, app, once_key) IN
         (SELECT number, app, once_key FROM sends_once WHERE at <= $1 ORDER BY at LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(transaction)
    .await
}
