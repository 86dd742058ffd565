//! Reading everything of a business, page by page.

use ::store::{
    StoreError,
    sql::{Connection, query},
};

use crate::{
    ids::{BusinessId, NumberId},
    messages::Stored,
    people::PersonId,
};

::store::row! {
    /// Somebody.
    pub(super) struct Person from "people" { pub(super) id: PersonId, pub(super) user_id: String }
}

/// Whoever has this user id, or the number that this stands for.
pub(super) async fn person(
    reader: &mut Connection,
    business: BusinessId,
    user_id: &str,
    number_name: [u8; 32],
) -> Result<Option<Person>, StoreError> {
    query(
        "SELECT id, user_id FROM people WHERE business = $1 AND (user_id = $2 OR number_name = $3)
         ORDER BY id DESC LIMIT 1",
    )
    .bind(business)
    .bind(user_id)
    .bind(number_name)
    .optional(reader)
    .await
}

::store::row! {
    struct PersonRow from "people" { id: PersonId }
}

/// People of a business after this one.
pub(super) async fn people(
    reader: &mut Connection,
    business: BusinessId,
    after: i64,
    limit: i64,
) -> Result<Vec<PersonId>, StoreError> {
    let rows: Vec<PersonRow> =
        query("SELECT id FROM people WHERE business = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(business)
            .bind(after)
            .bind(limit)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

::store::row! {
    struct ChatRow from "chats" { person: PersonId }
}

/// With whom a number has chats, after this person.
pub(super) async fn chats(
    reader: &mut Connection,
    number: NumberId,
    after: i64,
    limit: i64,
) -> Result<Vec<PersonId>, StoreError> {
    let rows: Vec<ChatRow> =
        query("SELECT person FROM chats WHERE number = $1 AND person > $2 ORDER BY person LIMIT $3")
            .bind(number)
            .bind(after)
            .bind(limit)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.person).collect())
}

/// Messages with a person after this place, the first first.
pub(super) async fn messages(
    reader: &mut Connection,
    number: NumberId,
    person: PersonId,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(
        "SELECT m.seq, m.name, m.person, m.outbound, m.kind, m.at, m.state, m.stamp, m.category, m.sealed,
         m.tracker, r.through
         FROM messages m LEFT JOIN read_marks r ON r.number = m.number AND r.person = m.person
         WHERE m.number = $1 AND m.person = $2 AND m.seq > $3 ORDER BY m.seq LIMIT $4",
    )
    .bind(number)
    .bind(person.0)
    .bind(after)
    .bind(limit)
    .all(reader)
    .await
}
