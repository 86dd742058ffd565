//! The table of usernames.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use crate::ids::{BusinessId, NumberId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "usernames",
    migrations: &[Migration::new(
        "names by which numbers are found",
        "CREATE TABLE usernames (
            name TEXT PRIMARY KEY,
            number {integer} NOT NULL UNIQUE,
            business {integer} NOT NULL,
            since {integer} NOT NULL
        ) {options};",
    )],
};

::store::row! {
    /// Who has a name.
    pub(super) struct Holder from "usernames" {
        pub(super) number: NumberId,
        pub(super) business: BusinessId,
    }
}

/// Who has a name; nobody else takes it until the transaction ends.
pub(super) async fn holder(transaction: &mut Transaction, name: &str) -> Result<Option<Holder>, StoreError> {
    query(Sql::each(
        "SELECT number, business FROM usernames WHERE name = $1",
        "SELECT number, business FROM usernames WHERE name = $1 FOR UPDATE",
    ))
    .bind(name)
    .optional(transaction)
    .await
}

/// Gives a number this name instead of the one that it had; `false` if somebody was faster.
pub(super) async fn set(
    transaction: &mut Transaction,
    name: &str,
    (number, business): (NumberId, BusinessId),
    now: Timestamp,
) -> Result<bool, StoreError> {
    query("DELETE FROM usernames WHERE number = $1 OR (name = $2 AND business = $3)")
        .bind(number)
        .bind(name)
        .bind(business)
        .execute(transaction)
        .await?;
    let set = query(
        "INSERT INTO usernames (name, number, business, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .bind(number)
    .bind(business)
    .bind(now)
    .execute(transaction)
    .await?;
    Ok(set == 1)
}

::store::row! {
    struct Named from "usernames" { name: String }
}

pub(super) async fn of_number(
    reader: &mut Connection,
    number: NumberId,
) -> Result<Option<String>, StoreError> {
    let found: Option<Named> =
        query("SELECT name FROM usernames WHERE number = $1").bind(number).optional(reader).await?;
    Ok(found.map(|row| row.name))
}

/// Which of these are taken.
pub(super) async fn taken(reader: &mut Connection, names: &[String]) -> Result<Vec<String>, StoreError> {
    let found: Vec<Named> = query("SELECT name FROM usernames WHERE name IN (VALUES {rows})")
        .rows(names.iter().map(|name| [name.as_str().into()]))
        .all(reader)
        .await?;
    Ok(found.into_iter().map(|row| row.name).collect())
}

pub(super) async fn remove(transaction: &mut Transaction, number: NumberId) -> Result<u64, StoreError> {
    query("DELETE FROM usernames WHERE number = $1").bind(number).execute(transaction).await
}
