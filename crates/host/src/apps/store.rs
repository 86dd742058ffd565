//! The tables of apps and tokens.

use ::store::{
    StoreError, Timestamp,
    sql::{
        ColumnError, Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use super::{App, Known, Scopes};
use crate::{
    ids::{AppId, BusinessId},
    sealing::Sealed,
};

pub(crate) const MIGRATIONS: Module = Module {
    name: "apps",
    migrations: &[Migration::new(
        "apps and their tokens",
        "CREATE TABLE apps (
            id {integer} PRIMARY KEY,
            business {integer} NOT NULL,
            name TEXT NOT NULL,
            secret {bytes} NOT NULL,
            needs_proof {boolean} NOT NULL,
            created {integer} NOT NULL
        ) {options};
        CREATE INDEX apps_of_business ON apps (business);
        CREATE TABLE tokens (
            hash {bytes} PRIMARY KEY,
            app {integer} NOT NULL,
            business {integer} NOT NULL,
            scopes {integer} NOT NULL,
            issued {integer} NOT NULL,
            expires {integer}
        ) {options};
        CREATE INDEX tokens_of_business ON tokens (business);",
    )],
};

::store::row! {
    struct AppRow from "apps" {
        id: AppId,
        business: BusinessId,
        name: String,
        needs_proof: bool,
        created: Timestamp,
    }
}

impl From<AppRow> for App {
    fn from(row: AppRow) -> Self {
        Self {
            id: row.id,
            business: row.business,
            name: row.name,
            needs_proof: row.needs_proof,
            created: row.created,
        }
    }
}

::store::row! {
    struct SecretRow from "apps" { business: BusinessId, secret: Vec<u8> }
}

::store::row! {
    struct HashedRow from "tokens" {
        hash: [u8; 32],
        app: AppId,
        business: BusinessId,
        scopes: i64,
        issued: Timestamp,
        expires: Option<Timestamp>,
    }
}

::store::row! {
    struct TokenRow from "tokens" {
        app: AppId,
        business: BusinessId,
        scopes: i64,
        issued: Timestamp,
        expires: Option<Timestamp>,
    }
}

pub(super) async fn insert_app(
    transaction: &mut Transaction,
    app: &App,
    secret: &Sealed,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO apps (id, business, name, secret, needs_proof, created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(app.id)
    .bind(app.business)
    .bind(app.name.as_str())
    .bind(secret.stored())
    .bind(app.needs_proof)
    .bind(app.created)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn insert_token(
    transaction: &mut Transaction,
    hash: &[u8; 32],
    known: &Known,
) -> Result<(), StoreError> {
    query("INSERT INTO tokens (hash, app, business, scopes, issued, expires) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(*hash)
        .bind(known.app)
        .bind(known.business)
        .bind(known.scopes.stored())
        .bind(known.issued)
        .bind(known.expires)
        .execute(transaction)
        .await
        .map(drop)
}

/// Deletes a token; whether the business had it.
pub(super) async fn delete_token(
    transaction: &mut Transaction,
    business: BusinessId,
    hash: &[u8; 32],
) -> Result<bool, StoreError> {
    let deleted = query("DELETE FROM tokens WHERE hash = $1 AND business = $2")
        .bind(*hash)
        .bind(business)
        .execute(transaction)
        .await?;
    Ok(deleted == 1)
}

/// Deletes all apps and tokens of a business.
pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    query("DELETE FROM tokens WHERE business = $1").bind(business).execute(transaction).await?;
    query("DELETE FROM apps WHERE business = $1").bind(business).execute(transaction).await.map(drop)
}

pub(super) async fn app(reader: &mut Connection, id: AppId) -> Result<Option<App>, StoreError> {
    let found: Option<AppRow> =
        query("SELECT id, business, name, needs_proof, created FROM apps WHERE id = $1")
            .bind(id)
            .optional(reader)
            .await?;
    Ok(found.map(Into::into))
}

pub(super) async fn of_business(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<App>, StoreError> {
    let found: Vec<AppRow> =
        query("SELECT id, business, name, needs_proof, created FROM apps WHERE business = $1 ORDER BY id")
            .bind(business)
            .all(reader)
            .await?;
    Ok(found.into_iter().map(Into::into).collect())
}

pub(super) async fn secret(
    reader: &mut Connection,
    id: AppId,
) -> Result<Option<(BusinessId, Vec<u8>)>, StoreError> {
    let found: Option<SecretRow> =
        query("SELECT business, secret FROM apps WHERE id = $1").bind(id).optional(reader).await?;
    Ok(found.map(|row| (row.business, row.secret)))
}

pub(super) async fn token(reader: &mut Connection, hash: &[u8; 32]) -> Result<Option<Known>, StoreError> {
    let found: Option<TokenRow> =
        query("SELECT app, business, scopes, issued, expires FROM tokens WHERE hash = $1")
            .bind(*hash)
            .optional(reader)
            .await?;
    let Some(row) = found else { return Ok(None) };
    let scopes = Scopes::from_stored(row.scopes)
        .ok_or_else(|| ColumnError::new("scopes", "no set of scopes").within("tokens"))?;
    Ok(Some(Known { app: row.app, business: row.business, scopes, issued: row.issued, expires: row.expires }))
}

/// Tokens of an app, the newest first.
pub(super) async fn tokens(
    reader: &mut Connection,
    app: AppId,
) -> Result<Vec<([u8; 32], Known)>, StoreError> {
    let rows: Vec<HashedRow> = query(
        "SELECT hash, app, business, scopes, issued, expires FROM tokens
         WHERE app = $1 AND business = (SELECT business FROM apps WHERE id = $1) ORDER BY issued DESC, hash",
    )
    .bind(app)
    .all(reader)
    .await?;
    rows.into_iter()
        .map(|row| {
            let scopes = Scopes::from_stored(row.scopes)
                .ok_or_else(|| ColumnError::new("scopes", "no set of scopes").within("tokens"))?;
            let (issued, expires) = (row.issued, row.expires);
            Ok((row.hash, Known { app: row.app, business: row.business, scopes, issued, expires }))
        })
        .collect()
}
