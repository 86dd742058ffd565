//! The tables of people, and of how each stands with a number.

use std::collections::HashSet;

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::AccountId;

use super::{PersonId, Standing};
use crate::ids::{BusinessId, NumberId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "people",
    migrations: &[
        Migration::new(
            "people, and chats with them",
            "CREATE TABLE people (
            id {sequence},
            business {integer} NOT NULL,
            account {bytes} NOT NULL,
            user_id TEXT NOT NULL,
            number_name {bytes},
            sealed {bytes} NOT NULL,
            created {integer} NOT NULL,
            UNIQUE (business, account),
            UNIQUE (business, user_id)
        ) {options};
        CREATE INDEX people_by_number ON people (business, number_name);
        CREATE TABLE chats (
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            business {integer} NOT NULL,
            latest {integer} NOT NULL,
            wrote {integer},
            opened {integer},
            allowance {integer} NOT NULL DEFAULT 0,
            blocked {boolean} NOT NULL,
            marketing_stopped {boolean} NOT NULL,
            identity TEXT,
            PRIMARY KEY (number, person)
        ) {options};
        CREATE INDEX chats_latest ON chats (number, latest);
        CREATE INDEX chats_opened ON chats (number, opened);
        CREATE INDEX chats_of_business ON chats (business);",
        ),
        Migration::new(
            "people whose chats are here before they are",
            "ALTER TABLE people ADD COLUMN awaited {boolean} NOT NULL DEFAULT FALSE;",
        ),
        Migration::new(
            "blocks that the relay does not know of yet",
            "CREATE TABLE blocks_untold (
             number {integer} NOT NULL,
             person {integer} NOT NULL,
             change {integer} NOT NULL,
             PRIMARY KEY (number, person)
         ) {options};
         CREATE INDEX chats_blocked ON chats (number, person) WHERE blocked;",
        ),
        Migration::new(
            "since when a person has their identity key, and whether the business knows that it is another one",
            "ALTER TABLE chats ADD COLUMN identity_since {integer};
         ALTER TABLE chats ADD COLUMN identity_acknowledged {boolean};",
        ),
    ],
};

::store::row! {
    /// Somebody, sealed.
    #[derive(Clone)]
    pub(super) struct Stored from "people" {
        pub(super) id: i64,
        pub(super) account: Vec<u8>,
        pub(super) user_id: String,
        pub(super) sealed: Vec<u8>,
        pub(super) awaited: bool,
    }
}

pub(super) async fn by_number(
    reader: &mut Connection,
    business: BusinessId,
    name: [u8; 32],
) -> Result<Option<Stored>, StoreError> {
    query(
        "SELECT id, account, user_id, sealed, awaited FROM people WHERE business = $1 AND number_name = $2
         ORDER BY id DESC LIMIT 1",
    )
    .bind(business)
    .bind(name)
    .optional(reader)
    .await
}

pub(super) async fn by_user_id(
    reader: &mut Connection,
    business: BusinessId,
    user_id: &str,
) -> Result<Option<Stored>, StoreError> {
    query("SELECT id, account, user_id, sealed, awaited FROM people WHERE business = $1 AND user_id = $2")
        .bind(business)
        .bind(user_id)
        .optional(reader)
        .await
}

pub(super) async fn by_accounts(
    reader: &mut Connection,
    business: BusinessId,
    accounts: &[AccountId],
) -> Result<Vec<Stored>, StoreError> {
    query(
        "SELECT id, account, user_id, sealed, awaited FROM people
         WHERE business = $1 AND account IN (VALUES {rows})",
    )
    .bind(business)
    .rows(accounts.iter().map(|account| [account.as_bytes().to_vec().into()]))
    .all(reader)
    .await
}

pub(super) async fn by_ids(
    reader: &mut Connection,
    business: BusinessId,
    ids: &[PersonId],
) -> Result<Vec<Stored>, StoreError> {
    query("SELECT id, account, user_id, sealed, awaited FROM people WHERE business = $1 AND id IN (VALUES {rows})")
        .bind(business)
        .rows(ids.iter().map(|id| [id.0.into()]))
        .all(reader)
        .await
}

/// Somebody to be written down.
#[derive(Clone)]
pub(super) struct New {
    pub(super) account: AccountId,
    pub(super) user_id: String,
    pub(super) number_name: Option<[u8; 32]>,
    pub(super) sealed: Vec<u8>,
}

/// Writes people down, or what is now known of them.
pub(super) async fn put(
    transaction: &mut Transaction,
    business: BusinessId,
    people: &[New],
    now: Timestamp,
) -> Result<(), StoreError> {
    for new in people {
        // A number goes from hand to hand: whoever had it before is not addressed by it any more.
        if let Some(name) = new.number_name {
            query("UPDATE people SET number_name = NULL WHERE business = $1 AND number_name = $2 AND account <> $3 AND awaited = $4")
                .bind(business)
                .bind(name)
                .bind(new.account.as_bytes().to_vec())
                .bind(false)
                .execute(transaction)
                .await?;
        }
    }
    query(
        "INSERT INTO people (business, account, user_id, number_name, sealed, created) VALUES {rows}
         ON CONFLICT (business, account) DO UPDATE
         SET user_id = excluded.user_id, sealed = excluded.sealed,
             number_name = COALESCE(excluded.number_name, people.number_name)",
    )
    .rows(people.iter().map(|new| {
        [
            business.into(),
            new.account.as_bytes().to_vec().into(),
            (&*new.user_id).into(),
            new.number_name.map(|name| name.to_vec()).into(),
            (&*new.sealed).into(),
            now.into(),
        ]
    }))
    .execute(transaction)
    .await?;
    for new in people {
        if let Some(name) = new.number_name {
            arrive(transaction, business, name, new.account).await?;
        }
    }
    Ok(())
}

/// Writes somebody down who has a number and no account yet. Who has come meanwhile takes their place when they are looked
/// up again ([`arrive`]).
pub(super) async fn put_awaited(
    transaction: &mut Transaction,
    business: BusinessId,
    new: &New,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO people (business, account, user_id, number_name, sealed, created, awaited)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(business)
    .bind(new.account.as_bytes().to_vec())
    .bind(&*new.user_id)
    .bind(new.number_name.map(|name| name.to_vec()))
    .bind(&*new.sealed)
    .bind(now)
    .bind(true)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    struct IdRow from "people" { id: i64 }
}

/// Somebody has an account now: what was said with whoever was awaited under their number was said with them.
async fn arrive(
    transaction: &mut Transaction,
    business: BusinessId,
    number_name: [u8; 32],
    account: AccountId,
) -> Result<(), StoreError> {
    let awaited: Option<IdRow> =
        query("SELECT id FROM people WHERE business = $1 AND number_name = $2 AND awaited = $3")
            .bind(business)
            .bind(number_name)
            .bind(true)
            .optional(transaction)
            .await?;
    let Some(awaited) = awaited else { return Ok(()) };
    let person: Option<IdRow> = query("SELECT id FROM people WHERE business = $1 AND account = $2")
        .bind(business)
        .bind(account.as_bytes().to_vec())
        .optional(transaction)
        .await?;
    let Some(person) = person.filter(|person| person.id != awaited.id) else { return Ok(()) };
    for text in [
        "UPDATE sends_once SET person = $2
         WHERE person = $3 AND number IN (SELECT id FROM numbers WHERE business = $1)",
        "UPDATE messages SET person = $2
         WHERE person = $3 AND number IN (SELECT id FROM numbers WHERE business = $1)",
        "INSERT INTO chats (number, person, business, latest, wrote, opened, allowance, blocked, marketing_stopped)
         SELECT number, $2, business, latest, wrote, opened, allowance, blocked, marketing_stopped
         FROM chats WHERE business = $1 AND person = $3
         ON CONFLICT (number, person) DO UPDATE SET
         latest = CASE WHEN excluded.latest > chats.latest THEN excluded.latest ELSE chats.latest END",
    ] {
        query(text).bind(business).bind(person.id).bind(awaited.id).execute(transaction).await?;
    }
    for text in [
        "DELETE FROM read_marks WHERE person = $2 AND number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM chats WHERE business = $1 AND person = $2",
        "DELETE FROM people WHERE business = $1 AND id = $2",
    ] {
        query(text).bind(business).bind(awaited.id).execute(transaction).await?;
    }
    Ok(())
}

::store::row! {
    struct StandingRow from "chats" { wrote: Option<i64>, blocked: bool, marketing_stopped: bool }
}

pub(super) async fn standing(
    reader: &mut Connection,
    number: NumberId,
    person: PersonId,
) -> Result<Option<Standing>, StoreError> {
    let found: Option<StandingRow> =
        query("SELECT wrote, blocked, marketing_stopped FROM chats WHERE number = $1 AND person = $2")
            .bind(number)
            .bind(person.0)
            .optional(reader)
            .await?;
    Ok(found.map(|row| Standing {
        wrote: row.wrote.map(Timestamp),
        blocked: row.blocked,
        marketing_stopped: row.marketing_stopped,
    }))
}

/// Blocks people for a number, or no longer, and notes that the relay is to be told. Who is so already is left alone.
pub(super) async fn set_blocked(
    transaction: &mut Transaction,
    business: BusinessId,
    number: NumberId,
    people: &[PersonId],
    blocked: bool,
    (now, change): (Timestamp, i64),
) -> Result<(), StoreError> {
    query(
        "INSERT INTO chats (number, person, business, latest, blocked, marketing_stopped) VALUES {rows}
         ON CONFLICT (number, person) DO UPDATE SET blocked = excluded.blocked",
    )
    .rows(people.iter().map(|person| {
        [number.into(), person.0.into(), business.into(), now.into(), blocked.into(), false.into()]
    }))
    .execute(transaction)
    .await?;
    query(
        "INSERT INTO blocks_untold (number, person, change) VALUES {rows}
         ON CONFLICT (number, person) DO UPDATE SET change = excluded.change",
    )
    .rows(people.iter().map(|person| [number.into(), person.0.into(), change.into()]))
    .execute(transaction)
    .await
    .map(drop)
}

/// How many are blocked for a number.
pub(super) async fn count_blocked(reader: &mut Connection, number: NumberId) -> Result<i64, StoreError> {
    let counted: Option<i64> =
        query("SELECT COUNT(*) FROM chats WHERE number = $1 AND blocked").bind(number).value(reader).await?;
    Ok(counted.unwrap_or_default())
}

::store::row! {
    struct BlockedRow from "chats" { person: i64 }
}

/// Those blocked for a number behind this row, in order; with `back` those before it, the nearest first.
pub(super) async fn blocked(
    reader: &mut Connection,
    number: NumberId,
    from: i64,
    back: bool,
    limit: u32,
) -> Result<Vec<PersonId>, StoreError> {
    let text = if back {
        "SELECT person FROM chats WHERE number = $1 AND blocked AND person < $2 ORDER BY person DESC LIMIT $3"
    } else {
        "SELECT person FROM chats WHERE number = $1 AND blocked AND person > $2 ORDER BY person LIMIT $3"
    };
    let rows: Vec<BlockedRow> = query(text).bind(number).bind(from).bind(limit).all(reader).await?;
    Ok(rows.into_iter().map(|row| PersonId(row.person)).collect())
}

::store::row! {
    /// Somebody of whom the relay is to be told that they are blocked, or not any more.
    pub(super) struct Untold from "blocks_untold" {
        pub(super) person: PersonId,
        pub(super) change: i64,
        pub(super) blocked: bool,
    }
}

/// Which of these people are still there.
pub(crate) async fn there(
    transaction: &mut Transaction,
    people: &[PersonId],
) -> Result<HashSet<PersonId>, StoreError> {
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<IdRow> = query("SELECT id FROM people WHERE id IN (VALUES {rows})")
        .rows(people.iter().map(|person| [person.0.into()]))
        .all(transaction)
        .await?;
    Ok(rows.into_iter().map(|row| PersonId(row.id)).collect())
}

/// Whether something of this change is among them.
pub(super) async fn is_untold(
    reader: &mut Connection,
    number: NumberId,
    change: i64,
) -> Result<bool, StoreError> {
    let text = "SELECT COUNT(*) FROM blocks_untold WHERE number = $1 AND change = $2";
    let count: Option<i64> = query(text).bind(number).bind(change).value(reader).await?;
    Ok(count.unwrap_or(0) > 0)
}

pub(super) async fn untold(
    reader: &mut Connection,
    number: NumberId,
    limit: i64,
) -> Result<Vec<Untold>, StoreError> {
    query(
        "SELECT u.person, u.change, c.blocked FROM blocks_untold u
         JOIN chats c ON c.number = u.number AND c.person = u.person
         WHERE u.number = $1 ORDER BY u.person LIMIT $2",
    )
    .bind(number)
    .bind(limit)
    .all(reader)
    .await
}

/// The relay knows of it, unless it changed again meanwhile.
pub(super) async fn told(
    transaction: &mut Transaction,
    number: NumberId,
    told: &[(PersonId, i64)],
) -> Result<(), StoreError> {
    query("DELETE FROM blocks_untold WHERE number = $1 AND (person, change) IN (VALUES {rows})")
        .bind(number)
        .rows(told.iter().map(|(person, change)| [person.0.into(), (*change).into()]))
        .execute(transaction)
        .await
        .map(drop)
}
