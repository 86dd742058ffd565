//! The table of jobs, and every statement about it.

use super::NewJob;
use crate::{
    StoreError, Timestamp,
    sql::{Connection, Sql, Transaction, query},
};

crate::row! {
    /// A job that a handler has been given.
    #[derive(Debug, Clone)]
    pub struct Job from "jobs" {
        /// Its number.
        pub id: i64,
        /// What it was written with.
        pub payload: Vec<u8>,
        /// Which attempt this is, from 1.
        pub attempts: i64,
        pub(super) lease: Vec<u8>,
    }
}

crate::row! {
    /// A job that was given up.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeadJob from "jobs" {
        /// Its number.
        pub id: i64,
        /// Which handler could not do it.
        pub kind: String,
        /// How often it was tried.
        pub attempts: i64,
        /// When it was given up.
        pub died_at: Timestamp,
        /// What the handler said last.
        pub failure: Option<String>,
    }
}

/// Writes jobs in the transaction of the change that wants them; how many were new, by their unique keys.
///
/// After the commit, [`Jobs::wake`](super::Jobs::wake).
///
/// # Errors
/// Those of the database.
pub async fn add(
    transaction: &mut Transaction,
    jobs: impl IntoIterator<Item = NewJob>,
) -> Result<u64, StoreError> {
    query(
        "INSERT INTO jobs (kind, payload, unique_key, due) VALUES {rows}
         ON CONFLICT (kind, unique_key) DO NOTHING",
    )
    .rows(
        jobs.into_iter()
            .map(|job| [job.kind.into(), job.payload.into(), job.unique_key.into(), job.due.into()]),
    )
    .execute(transaction)
    .await
}

/// Leases at most `most` due jobs of `kind` until `until`.
pub(super) async fn take(
    transaction: &mut Transaction,
    kind: &str,
    now: Timestamp,
    until: Timestamp,
    token: &[u8],
    most: i64,
) -> Result<Vec<Job>, StoreError> {
    query(Sql::each(
        "UPDATE jobs SET due = $1, lease = $2, attempts = attempts + 1 WHERE id IN (
            SELECT id FROM jobs WHERE kind = $3 AND died_at IS NULL AND due <= $4 ORDER BY due LIMIT $5
        ) RETURNING id, payload, attempts, lease",
        // Workers do not wait for each other's rows.
        "UPDATE jobs SET due = $1, lease = $2, attempts = attempts + 1 WHERE id IN (
            SELECT id FROM jobs WHERE kind = $3 AND died_at IS NULL AND due <= $4 ORDER BY due LIMIT $5
            FOR UPDATE SKIP LOCKED
        ) RETURNING id, payload, attempts, lease",
    ))
    .bind(until)
    .bind(token)
    .bind(kind)
    .bind(now)
    .bind(most)
    .all(transaction)
    .await
}

/// Leases a job that runs for longer; `false` if another worker has it by now, or nobody.
pub(super) async fn renew(
    transaction: &mut Transaction,
    job: &Job,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let renewed = query("UPDATE jobs SET due = $1 WHERE id = $2 AND lease = $3")
        .bind(until)
        .bind(job.id)
        .bind(&*job.lease)
        .execute(transaction)
        .await?;
    Ok(renewed == 1)
}

/// When the next job of `kind` is due, if there is one.
pub(super) async fn next_due(reader: &mut Connection, kind: &str) -> Result<Option<Timestamp>, StoreError> {
    query("SELECT due FROM jobs WHERE kind = $1 AND died_at IS NULL ORDER BY due LIMIT 1")
        .bind(kind)
        .value(reader)
        .await
}

/// Removes a job that is done; `false` if another worker has it by now. A handler may do this itself, in the
/// transaction of its own changes: then they happen once.
///
/// # Errors
/// Those of the database.
pub async fn finish(transaction: &mut Transaction, job: &Job) -> Result<bool, StoreError> {
    let removed = query("DELETE FROM jobs WHERE id = $1 AND lease = $2")
        .bind(job.id)
        .bind(&*job.lease)
        .execute(transaction)
        .await?;
    Ok(removed == 1)
}

/// Puts a job off until `due`, or gives it up.
pub(super) async fn put_off(
    transaction: &mut Transaction,
    job: &Job,
    due: Option<Timestamp>,
    now: Timestamp,
    failure: &str,
) -> Result<(), StoreError> {
    let died_at = if due.is_none() { Some(now) } else { None };
    query("UPDATE jobs SET due = $1, died_at = $2, failure = $3, lease = NULL WHERE id = $4 AND lease = $5")
        .bind(due.unwrap_or(now))
        .bind(died_at)
        .bind(failure)
        .bind(job.id)
        .bind(&*job.lease)
        .execute(transaction)
        .await
        .map(drop)
}

/// Jobs that were given up, those with numbers over `after` first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub async fn dead(reader: &mut Connection, after: i64, limit: i64) -> Result<Vec<DeadJob>, StoreError> {
    query(
        "SELECT id, kind, attempts, died_at, failure FROM jobs
         WHERE died_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .all(reader)
    .await
}

/// Lets a dead job begin anew; `false` if there is no such dead job.
///
/// # Errors
/// Those of the database.
pub async fn revive(transaction: &mut Transaction, id: i64, now: Timestamp) -> Result<bool, StoreError> {
    let changed =
        query("UPDATE jobs SET died_at = NULL, attempts = 0, due = $1 WHERE id = $2 AND died_at IS NOT NULL")
            .bind(now)
            .bind(id)
            .execute(transaction)
            .await?;
    Ok(changed == 1)
}

/// Removes a dead job; `false` if there is no such dead job.
///
/// # Errors
/// Those of the database.
pub async fn forget(transaction: &mut Transaction, id: i64) -> Result<bool, StoreError> {
    let removed =
        query("DELETE FROM jobs WHERE id = $1 AND died_at IS NOT NULL").bind(id).execute(transaction).await?;
    Ok(removed == 1)
}
