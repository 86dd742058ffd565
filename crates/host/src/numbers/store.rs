//! The tables of numbers, of who runs them, and of their devices' state.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Connection, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use client::vault::Order;
use wire::AccountId;

use super::Number;
use crate::ids::{BusinessId, NumberId, WabaId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "numbers",
    migrations: &[
        Migration::new(
            "numbers, who runs them, and what their devices keep",
            "CREATE TABLE numbers (
            id {integer} PRIMARY KEY,
            waba {integer} NOT NULL,
            business {integer} NOT NULL,
            account {bytes},
            number TEXT NOT NULL UNIQUE,
            verified_name TEXT NOT NULL,
            registered {boolean} NOT NULL,
            tier {integer},
            created {integer} NOT NULL
        ) {options};
        CREATE INDEX numbers_of_waba ON numbers (waba);
        CREATE TABLE number_leases (
            number {integer} PRIMARY KEY,
            holder {bytes} NOT NULL,
            token {bytes} NOT NULL,
            until {integer} NOT NULL
        ) {options};
        CREATE TABLE hosts_alive (
            host {bytes} PRIMARY KEY,
            until {integer} NOT NULL
        ) {options};
        CREATE TABLE vault_records (
            number {integer} NOT NULL,
            space {integer} NOT NULL,
            name {bytes} NOT NULL,
            owner {bytes} NOT NULL,
            position {integer} NOT NULL,
            value {bytes} NOT NULL,
            PRIMARY KEY (number, space, name)
        ) {options};
        CREATE INDEX vault_records_by_owner ON vault_records (number, space, owner, position);
        CREATE INDEX vault_records_by_position ON vault_records (number, space, position);",
        ),
        Migration::new("names that numbers asked for", "ALTER TABLE numbers ADD COLUMN requested_name TEXT;"),
        Migration::new(
            "only records that are somebody's are found by whose they are",
            "DROP INDEX vault_records_by_owner;
        CREATE INDEX vault_records_of_owner ON vault_records (number, space, owner, position) WHERE LENGTH(owner) > 0;",
        ),
        Migration::new(
            "those of them that wait, found by themselves",
            "CREATE INDEX numbers_asking ON numbers (id) WHERE requested_name IS NOT NULL;",
        ),
        Migration::new(
            "since when a messaging limit is what it is, and whether it stays so",
            "ALTER TABLE numbers ADD COLUMN tier_since {integer} NOT NULL DEFAULT 0;
        ALTER TABLE numbers ADD COLUMN tier_held {boolean} NOT NULL DEFAULT FALSE;",
        ),
    ],
};

::store::row! {
    struct Stored from "numbers" {
        id: NumberId,
        waba: WabaId,
        business: BusinessId,
        account: Option<Vec<u8>>,
        number: String,
        verified_name: String,
        requested_name: Option<String>,
        registered: bool,
        tier: Option<i64>,
        tier_held: bool,
        created: Timestamp,
    }
}

impl Stored {
    fn number(self) -> Result<Number, StoreError> {
        let wrong = |column: &'static str, error: wire::InvalidId| {
            ::store::sql::ColumnError::new(column, error).within("numbers")
        };
        let account = self.account.map(|bytes| AccountId::try_from(&bytes[..]));
        let number = self.number.parse();
        Ok(Number {
            id: self.id,
            waba: self.waba,
            business: self.business,
            account: account.transpose().map_err(|error| wrong("account", error))?,
            number: number
                .map_err(|error| ::store::sql::ColumnError::new("number", error).within("numbers"))?,
            verified_name: self.verified_name,
            requested_name: self.requested_name,
            registered: self.registered,
            tier: self.tier.and_then(|tier| u32::try_from(tier).ok()),
            tier_held: self.tier_held,
            created: self.created,
        })
    }
}

/// Writes a number down, unless somebody has it already.
pub(super) async fn insert(transaction: &mut Transaction, new: &Number) -> Result<bool, StoreError> {
    let inserted = query(
        "INSERT INTO numbers (id, waba, business, account, number, verified_name, registered, tier, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (number) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.waba)
    .bind(new.business)
    .bind(new.account.map(|account| account.as_bytes().to_vec()))
    .bind(new.number.as_str())
    .bind(&*new.verified_name)
    .bind(new.registered)
    .bind(new.tier.map(i64::from))
    .bind(new.created)
    .execute(transaction)
    .await?;
    Ok(inserted == 1)
}

/// Takes a number away from a business that has said `before` that it is its own, and to which its holder has not agreed,
/// unless that is being asked just now, or there are chats of it.
pub(super) async fn remove_unverified(
    transaction: &mut Transaction,
    id: NumberId,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let removed = query(
        "DELETE FROM numbers WHERE id = $1 AND account IS NULL AND created <= $3
         AND NOT EXISTS (SELECT 1 FROM number_leases WHERE number = $1 AND until > $2)
         AND NOT EXISTS (SELECT 1 FROM chats WHERE number = $1)",
    )
    .bind(id)
    .bind(now)
    .bind(before)
    .execute(transaction)
    .await?;
    if removed == 1 {
        for text in
            ["DELETE FROM vault_records WHERE number = $1", "DELETE FROM number_leases WHERE number = $1"]
        {
            query(text).bind(id).execute(transaction).await?;
        }
    }
    Ok(())
}

/// How many numbers of an account nobody verified.
pub(super) async fn count_unverified(transaction: &mut Transaction, waba: WabaId) -> Result<i64, StoreError> {
    let text = "SELECT COUNT(*) FROM numbers WHERE waba = $1 AND account IS NULL";
    Ok(query(text).bind(waba).value(transaction).await?.unwrap_or(0))
}

pub(super) async fn by_id(reader: &mut Connection, id: NumberId) -> Result<Option<Number>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM numbers WHERE id = $1").bind(id).optional(reader).await?;
    found.map(Stored::number).transpose()
}

pub(super) async fn by_display(reader: &mut Connection, number: &str) -> Result<Option<Number>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM numbers WHERE number = $1").bind(number).optional(reader).await?;
    found.map(Stored::number).transpose()
}

pub(super) async fn of_waba(reader: &mut Connection, waba: WabaId) -> Result<Vec<Number>, StoreError> {
    let found: Vec<Stored> =
        query("SELECT * FROM numbers WHERE waba = $1 ORDER BY id").bind(waba).all(reader).await?;
    found.into_iter().map(Stored::number).collect()
}

pub(super) async fn set_registered(
    transaction: &mut Transaction,
    id: NumberId,
    account: Option<AccountId>,
    registered: bool,
) -> Result<bool, StoreError> {
    let changed = query("UPDATE numbers SET registered = $2, account = COALESCE($3, account) WHERE id = $1")
        .bind(id)
        .bind(registered)
        .bind(account.map(|account| account.as_bytes().to_vec()))
        .execute(transaction)
        .await?;
    Ok(changed == 1)
}

/// Gives a number another limit, if it has this one now, held or not as it was seen. Whether it was so.
pub(super) async fn set_tier(
    transaction: &mut Transaction,
    id: NumberId,
    (before, was_held): (Option<u32>, bool),
    tier: Option<u32>,
    (held, now): (bool, Timestamp),
) -> Result<bool, StoreError> {
    let changed = query(
        "UPDATE numbers SET tier = $2, tier_held = $3, tier_since = CASE WHEN COALESCE($2, -1) = $4 THEN tier_since ELSE $5 END
         WHERE id = $1 AND COALESCE(tier, -1) = $4 AND tier_held = $6",
    )
    .bind(id)
    .bind(tier.map(i64::from))
    .bind(held)
    .bind(before.map_or(-1, i64::from))
    .bind(now)
    .bind(was_held)
    .execute(transaction)
    .await?;
    Ok(changed == 1)
}

/// Numbers after this one that wrote first to half as many people as their limit lets them, since then or since they have
/// it.
pub(super) async fn using_their_tier(
    reader: &mut Connection,
    since: Timestamp,
    after: Option<NumberId>,
    limit: u32,
) -> Result<Vec<Number>, StoreError> {
    let found: Vec<Stored> = query(
        "SELECT n.* FROM numbers n WHERE n.id > $1 AND n.tier > 0 AND NOT n.tier_held AND n.registered
         AND n.tier <= 2 * (SELECT COUNT(*) FROM chats c WHERE c.number = n.id
          AND NOT EXISTS (SELECT 1 FROM people p WHERE p.id = c.person AND p.awaited)
          AND c.opened > CASE WHEN n.tier_since > $2 THEN n.tier_since ELSE $2 END)
         ORDER BY n.id LIMIT $3",
    )
    .bind(after.map_or(0, |after| after.get().cast_signed()))
    .bind(since)
    .bind(limit)
    .all(reader)
    .await?;
    found.into_iter().map(Stored::number).collect()
}

/// Gives a number a name, if there is one, and notes what it asks for, or that it asks for nothing: with `of` only if it
/// asks for this now. Whether it was so.
pub(super) async fn set_names(
    transaction: &mut Transaction,
    id: NumberId,
    of: Option<&str>,
    verified: Option<&str>,
    requested: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = query(
        "UPDATE numbers SET verified_name = COALESCE($2, verified_name), requested_name = $3
         WHERE id = $1 AND (requested_name = $4 OR $5)",
    )
    .bind(id)
    .bind(verified.map(str::to_owned))
    .bind(requested.map(str::to_owned))
    .bind(of.unwrap_or_default())
    .bind(of.is_none())
    .execute(transaction)
    .await?;
    Ok(changed == 1)
}

/// Those that ask for a name, after this one, as far as their business is here.
pub(super) async fn asking_for_names(
    reader: &mut Connection,
    after: Option<NumberId>,
    limit: u32,
) -> Result<Vec<Number>, StoreError> {
    let found: Vec<Stored> = query(
        "SELECT * FROM numbers WHERE requested_name IS NOT NULL AND id > $1
         AND business IN (SELECT id FROM businesses) ORDER BY id LIMIT $2",
    )
    .bind(after.map_or(0, |id| id.get().cast_signed()))
    .bind(limit)
    .all(reader)
    .await?;
    found.into_iter().map(Stored::number).collect()
}

/// All that can send and receive.
pub(super) async fn all_registered(reader: &mut Connection) -> Result<i64, StoreError> {
    let count: Option<i64> =
        query("SELECT COUNT(*) FROM numbers WHERE registered = $1").bind(true).value(reader).await?;
    Ok(count.unwrap_or(0))
}

/// Under what token a number is run; it stays so until the transaction ends.
pub(super) async fn token(
    transaction: &mut Transaction,
    number: NumberId,
) -> Result<Option<[u8; 16]>, StoreError> {
    query(Sql::each(
        "SELECT token FROM number_leases WHERE number = $1",
        "SELECT token FROM number_leases WHERE number = $1 FOR SHARE",
    ))
    .bind(number)
    .value(transaction)
    .await
}

/// Takes a number that nobody has, or whose lease has run out.
pub(super) async fn take(
    transaction: &mut Transaction,
    number: NumberId,
    holder: [u8; 16],
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = query(
        "INSERT INTO number_leases (number, holder, token, until) VALUES ($1, $2, $2, $3)
         ON CONFLICT (number) DO UPDATE
         SET holder = excluded.holder, token = excluded.token, until = excluded.until
         WHERE number_leases.until < $4 OR number_leases.holder = excluded.holder",
    )
    .bind(number)
    .bind(holder)
    .bind(until)
    .bind(now)
    .execute(transaction)
    .await?;
    Ok(taken == 1)
}

/// Runs a number under this token from now on.
pub(super) async fn claim(
    transaction: &mut Transaction,
    number: NumberId,
    holder: [u8; 16],
    token: [u8; 16],
) -> Result<bool, StoreError> {
    let claimed = query("UPDATE number_leases SET token = $3 WHERE number = $1 AND holder = $2")
        .bind(number)
        .bind(holder)
        .bind(token)
        .execute(transaction)
        .await?;
    Ok(claimed == 1)
}

/// Gives a number up.
pub(super) async fn release(
    transaction: &mut Transaction,
    number: NumberId,
    holder: [u8; 16],
) -> Result<(), StoreError> {
    query("DELETE FROM number_leases WHERE number = $1 AND holder = $2")
        .bind(number)
        .bind(holder)
        .execute(transaction)
        .await
        .map(drop)
}

::store::row! {
    struct Leased from "number_leases" { number: NumberId }
}

/// Says that a process is alive; renews the leases that it has of numbers that are still registered. Which those are, and
/// how many processes are alive.
pub(super) async fn renew(
    transaction: &mut Transaction,
    holder: [u8; 16],
    now: Timestamp,
    until: Timestamp,
) -> Result<(Vec<NumberId>, i64), StoreError> {
    query(
        "INSERT INTO hosts_alive (host, until) VALUES ($1, $2)
         ON CONFLICT (host) DO UPDATE SET until = excluded.until",
    )
    .bind(holder)
    .bind(until)
    .execute(transaction)
    .await?;
    query("DELETE FROM hosts_alive WHERE until < $1").bind(now).execute(transaction).await?;
    query(
        "DELETE FROM number_leases WHERE holder = $1
         AND number IN (SELECT id FROM numbers WHERE registered = $2)",
    )
    .bind(holder)
    .bind(false)
    .execute(transaction)
    .await?;
    let kept: Vec<Leased> = query("UPDATE number_leases SET until = $2 WHERE holder = $1 RETURNING number")
        .bind(holder)
        .bind(until)
        .all(transaction)
        .await?;
    let alive: Option<i64> = query("SELECT COUNT(*) FROM hosts_alive").value(transaction).await?;
    Ok((kept.into_iter().map(|row| row.number).collect(), alive.unwrap_or(1)))
}

/// Goes away: what a process had is free.
pub(super) async fn leave(transaction: &mut Transaction, holder: [u8; 16]) -> Result<(), StoreError> {
    query("DELETE FROM hosts_alive WHERE host = $1").bind(holder).execute(transaction).await?;
    query("DELETE FROM number_leases WHERE holder = $1").bind(holder).execute(transaction).await.map(drop)
}

/// Whether somebody runs a number of a business.
pub(super) async fn leased(
    reader: &mut Connection,
    business: BusinessId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let count: Option<i64> = query(
        "SELECT COUNT(*) FROM number_leases l JOIN numbers n ON n.id = l.number
         WHERE n.business = $1 AND l.until > $2",
    )
    .bind(business)
    .bind(now)
    .value(reader)
    .await?;
    Ok(count.unwrap_or_default() > 0)
}

/// How many numbers can send and receive, and how many of them nobody runs.
pub(super) async fn counts(reader: &mut Connection, now: Timestamp) -> Result<(i64, i64), StoreError> {
    let registered = all_registered(reader).await?;
    let run: Option<i64> = query(
        "SELECT COUNT(*) FROM number_leases l JOIN numbers n ON n.id = l.number
         WHERE n.registered = $1 AND l.until > $2",
    )
    .bind(true)
    .bind(now)
    .value(reader)
    .await?;
    Ok((registered, registered - run.unwrap_or_default()))
}

/// There is no process but this one.
pub(super) async fn only(transaction: &mut Transaction, holder: [u8; 16]) -> Result<(), StoreError> {
    query("DELETE FROM hosts_alive WHERE host <> $1").bind(holder).execute(transaction).await?;
    query("DELETE FROM number_leases WHERE holder <> $1").bind(holder).execute(transaction).await.map(drop)
}

/// Numbers that nobody runs.
pub(super) async fn free(
    reader: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<NumberId>, StoreError> {
    let rows: Vec<Leased> = query(
        "SELECT n.id AS number FROM numbers n LEFT JOIN number_leases l ON l.number = n.id
         WHERE n.registered = $1 AND (l.number IS NULL OR l.until < $2) ORDER BY n.id LIMIT $3",
    )
    .bind(true)
    .bind(now)
    .bind(limit)
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

::store::row! {
    /// A record of a device's state, sealed.
    pub(super) struct VaultRow from "vault_records" {
        pub(super) name: Vec<u8>,
        pub(super) owner: Vec<u8>,
        pub(super) position: i64,
        pub(super) value: Vec<u8>,
    }
}

pub(super) async fn vault_row(
    reader: &mut Connection,
    number: NumberId,
    space: u8,
    name: &[u8],
) -> Result<Option<VaultRow>, StoreError> {
    query(
        "SELECT name, owner, position, value FROM vault_records
         WHERE number = $1 AND space = $2 AND name = $3",
    )
    .bind(number)
    .bind(i64::from(space))
    .bind(name)
    .optional(reader)
    .await
}

::store::row! {
    /// The same, with where it is.
    pub(super) struct NamedRow from "vault_records" {
        pub(super) space: i64,
        pub(super) name: Vec<u8>,
        owner: Vec<u8>,
        position: i64,
        value: Vec<u8>,
    }
}

impl From<NamedRow> for VaultRow {
    fn from(row: NamedRow) -> Self {
        let NamedRow { name, owner, position, value, .. } = row;
        Self { name, owner, position, value }
    }
}

/// Records of these spaces and names, in no order.
pub(super) async fn vault_rows_named(
    reader: &mut Connection,
    number: NumberId,
    names: impl Iterator<Item = (u8, [u8; 32])>,
) -> Result<Vec<NamedRow>, StoreError> {
    // CROSS JOIN: SQLite takes each name and looks it up, and not the whole table to look for each row among the names.
    query(
        "SELECT r.space, r.name, r.owner, r.position, r.value
         FROM (VALUES {rows}) AS v CROSS JOIN vault_records r
         WHERE r.number = $1 AND r.space = v.column1 AND r.name = v.column2",
    )
    .bind(number)
    .rows(names.map(|(space, name)| [i64::from(space).into(), name.into()]))
    .all(reader)
    .await
}

pub(super) async fn vault_rows(
    reader: &mut Connection,
    number: NumberId,
    space: u8,
    owner: Option<[u8; 32]>,
    order: Order,
    limit: i64,
) -> Result<Vec<VaultRow>, StoreError> {
    let (text, position) = match (order, owner.is_some()) {
        (Order::After(position), false) => (
            "SELECT name, owner, position, value FROM vault_records
             WHERE number = $1 AND space = $2 AND position > $3 ORDER BY position LIMIT $4",
            position,
        ),
        (Order::Before(position), false) => (
            "SELECT name, owner, position, value FROM vault_records
             WHERE number = $1 AND space = $2 AND position < $3 ORDER BY position DESC LIMIT $4",
            position,
        ),
        (Order::After(position), true) => (
            "SELECT name, owner, position, value FROM vault_records
             WHERE number = $1 AND space = $2 AND owner = $5 AND LENGTH(owner) > 0 AND position > $3
             ORDER BY position LIMIT $4",
            position,
        ),
        (Order::Before(position), true) => (
            "SELECT name, owner, position, value FROM vault_records
             WHERE number = $1 AND space = $2 AND owner = $5 AND LENGTH(owner) > 0 AND position < $3
             ORDER BY position DESC LIMIT $4",
            position,
        ),
    };
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    let found = query(text).bind(number).bind(i64::from(space)).bind(position).bind(limit);
    match owner {
        Some(owner) => found.bind(owner).all(reader).await,
        None => found.all(reader).await,
    }
}
