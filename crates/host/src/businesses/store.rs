//! The table of businesses.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use super::{Business, BusinessState, HostingMode};
use crate::ids::{BusinessId, WabaId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "businesses",
    migrations: &[
        Migration::new(
            "businesses",
            "CREATE TABLE businesses (
            id {integer} PRIMARY KEY,
            waba {integer} NOT NULL UNIQUE,
            relay_id {bytes} NOT NULL UNIQUE,
            name TEXT NOT NULL,
            legal_name TEXT NOT NULL,
            country TEXT NOT NULL,
            currency TEXT NOT NULL,
            timezone_id TEXT NOT NULL,
            state TEXT NOT NULL,
            mode TEXT NOT NULL,
            host_name TEXT NOT NULL,
            created {integer} NOT NULL
        ) {options};
        CREATE TABLE erased_businesses (
            id {integer} PRIMARY KEY
        ) {options};",
        ),
        Migration::new("why a business is suspended", "ALTER TABLE businesses ADD COLUMN suspended TEXT"),
        Migration::new(
            "which process brings a business in",
            "CREATE TABLE business_arrivals (
            relay_id {bytes} PRIMARY KEY,
            holder {bytes} NOT NULL,
            until {integer} NOT NULL
        ) {options};",
        ),
    ],
};

struct Word<T>(T);

impl<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>> Column for Word<T> {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let text: String = row.get(column)?;
        text.parse().map(Self).map_err(|error: T::Err| ColumnError::new(column, error))
    }
}

::store::row! {
    struct Stored from "businesses" {
        id: BusinessId,
        waba: WabaId,
        relay_id: [u8; 16],
        name: String,
        legal_name: String,
        country: String,
        currency: String,
        timezone_id: String,
        state: Word<BusinessState>,
        mode: Word<HostingMode>,
        host_name: String,
        created: Timestamp,
        suspended: Option<String>,
    }
}

impl From<Stored> for Business {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            waba: row.waba,
            relay_id: wire::BusinessId::from_bytes(row.relay_id),
            name: row.name,
            legal_name: row.legal_name,
            country: row.country,
            currency: row.currency,
            timezone_id: row.timezone_id,
            state: row.state.0,
            mode: row.mode.0,
            host_name: row.host_name,
            created: row.created,
            suspended: row.suspended,
        }
    }
}

/// Writes a business down, unless the one of the relay is here already.
pub(super) async fn insert(transaction: &mut Transaction, new: &Business) -> Result<bool, StoreError> {
    let inserted = query(
        "INSERT INTO businesses
         (id, waba, relay_id, name, legal_name, country, currency, timezone_id, state, mode, host_name, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (relay_id) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.waba)
    .bind(new.relay_id.to_bytes())
    .bind(&*new.name)
    .bind(&*new.legal_name)
    .bind(&*new.country)
    .bind(&*new.currency)
    .bind(&*new.timezone_id)
    .bind(new.state.as_str())
    .bind(new.mode.as_str())
    .bind(&*new.host_name)
    .bind(new.created)
    .execute(transaction)
    .await?;
    Ok(inserted == 1)
}

pub(super) async fn by_id(reader: &mut Connection, id: BusinessId) -> Result<Option<Business>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM businesses WHERE id = $1").bind(id).optional(reader).await?;
    Ok(found.map(Into::into))
}

pub(super) async fn by_waba(reader: &mut Connection, waba: WabaId) -> Result<Option<Business>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM businesses WHERE waba = $1").bind(waba).optional(reader).await?;
    Ok(found.map(Into::into))
}

pub(super) async fn by_relay_id(
    reader: &mut Connection,
    id: wire::BusinessId,
) -> Result<Option<Business>, StoreError> {
    let found: Option<Stored> =
        query("SELECT * FROM businesses WHERE relay_id = $1").bind(id.to_bytes()).optional(reader).await?;
    Ok(found.map(Into::into))
}

pub(super) async fn list(
    reader: &mut Connection,
    after: Option<BusinessId>,
    limit: u32,
) -> Result<Vec<Business>, StoreError> {
    let rows: Vec<Stored> = query("SELECT * FROM businesses WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after.map_or(0, |id| id.get().cast_signed()))
        .bind(limit)
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Notes who hosts it.
pub(super) async fn note_hosting(
    transaction: &mut Transaction,
    id: BusinessId,
    mode: HostingMode,
    host_name: &str,
) -> Result<(), StoreError> {
    query("UPDATE businesses SET mode = $2, host_name = $3 WHERE id = $1")
        .bind(id)
        .bind(mode.as_str())
        .bind(host_name)
        .execute(transaction)
        .await
        .map(drop)
}

/// Notes how far its approval is, if it was there before; whether it was.
pub(super) async fn note_state(
    transaction: &mut Transaction,
    id: BusinessId,
    before: BusinessState,
    state: BusinessState,
) -> Result<bool, StoreError> {
    let changed = query("UPDATE businesses SET state = $3 WHERE id = $1 AND state = $2")
        .bind(id)
        .bind(before.as_str())
        .bind(state.as_str())
        .execute(transaction)
        .await?;
    Ok(changed == 1)
}

::store::row! {
    struct Suspension from "businesses" { suspended: Option<String> }
}

/// Says why a business's programs are refused, or that they are not; whether they were before, none if it is not there.
pub(super) async fn suspend(
    transaction: &mut Transaction,
    id: BusinessId,
    reason: Option<&str>,
) -> Result<Option<bool>, StoreError> {
    let text = Sql::each(
        "SELECT suspended FROM businesses WHERE id = $1",
        "SELECT suspended FROM businesses WHERE id = $1 FOR UPDATE",
    );
    let before: Option<Suspension> = query(text).bind(id).optional(transaction).await?;
    query("UPDATE businesses SET suspended = $2 WHERE id = $1")
        .bind(id)
        .bind(reason.map(str::to_owned))
        .execute(transaction)
        .await?;
    Ok(before.map(|row| row.suspended.is_some()))
}

/// Takes the row away and remembers that the rest is to follow.
pub(super) async fn erase(transaction: &mut Transaction, id: BusinessId) -> Result<(), StoreError> {
    query("DELETE FROM businesses WHERE id = $1").bind(id).execute(transaction).await?;
    // Nobody connects with it any more.
    query("UPDATE numbers SET registered = $2 WHERE business = $1")
        .bind(id)
        .bind(false)
        .execute(transaction)
        .await?;
    query("INSERT INTO erased_businesses (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
        .bind(id)
        .execute(transaction)
        .await
        .map(drop)
}

/// Takes the turn to bring a business in, if nobody has it or its time is over.
pub(super) async fn take_turn(
    transaction: &mut Transaction,
    business: wire::BusinessId,
    holder: [u8; 16],
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = query(
        "INSERT INTO business_arrivals (relay_id, holder, until) VALUES ($1, $2, $3)
         ON CONFLICT (relay_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE business_arrivals.until < $4",
    )
    .bind(business.to_bytes())
    .bind(holder)
    .bind(until)
    .bind(now)
    .execute(transaction)
    .await?;
    Ok(taken == 1)
}

/// Keeps a turn for longer; whether it was still there.
pub(super) async fn keep_turn(
    transaction: &mut Transaction,
    business: wire::BusinessId,
    holder: [u8; 16],
    until: Timestamp,
) -> Result<bool, StoreError> {
    let kept = query("UPDATE business_arrivals SET until = $3 WHERE relay_id = $1 AND holder = $2")
        .bind(business.to_bytes())
        .bind(holder)
        .bind(until)
        .execute(transaction)
        .await?;
    Ok(kept == 1)
}

pub(super) async fn end_turn(
    transaction: &mut Transaction,
    business: wire::BusinessId,
    holder: [u8; 16],
) -> Result<(), StoreError> {
    query("DELETE FROM business_arrivals WHERE relay_id = $1 AND holder = $2")
        .bind(business.to_bytes())
        .bind(holder)
        .execute(transaction)
        .await
        .map(drop)
}
