//! The table of codes.

use store::{
    StoreError, Timestamp,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::PhoneNumber;

pub(crate) const MIGRATIONS: Module = Module {
    name: "registration",
    migrations: &[Migration::new(
        "codes that were sent, and how many to each number",
        "CREATE TABLE codes (
            number TEXT PRIMARY KEY,
            code_hash {bytes},
            salt {bytes} NOT NULL,
            expires {integer} NOT NULL,
            tries_left {integer} NOT NULL,
            sent {integer} NOT NULL,
            sent_since {integer} NOT NULL,
            sent_last {integer} NOT NULL
        ) {options};
        CREATE INDEX codes_expire ON codes (expires);",
    )],
};

store::row! {
    /// A code that is tried.
    pub(super) struct Tried from "codes" {
        pub(super) code_hash: [u8; 32],
        pub(super) salt: [u8; 16],
        pub(super) tries_left: i64,
    }
}

store::row! {
    /// How many codes a number was sent.
    pub(super) struct Sent from "codes" {
        pub(super) sent: i64,
        pub(super) sent_since: Timestamp,
        pub(super) sent_last: Timestamp,
    }
}

/// A code to be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewCode {
    pub(super) code_hash: [u8; 32],
    pub(super) salt: [u8; 16],
    pub(super) expires: Timestamp,
    pub(super) tries: u32,
    pub(super) now: Timestamp,
    /// The last one must have been sent before this.
    pub(super) pause_began: Timestamp,
    /// Counting began anew before this.
    pub(super) day_began: Timestamp,
    pub(super) most: u32,
}

/// Keeps a code in place of an earlier one; `false` if the number was sent too many.
pub(super) async fn put(
    transaction: &mut Transaction,
    number: &PhoneNumber,
    code: NewCode,
) -> Result<bool, StoreError> {
    let changed = query(
        "INSERT INTO codes (number, code_hash, salt, expires, tries_left, sent, sent_since, sent_last)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $6)
         ON CONFLICT (number) DO UPDATE SET code_hash = excluded.code_hash, salt = excluded.salt,
            expires = excluded.expires, tries_left = excluded.tries_left, sent_last = excluded.sent_last,
            sent = CASE WHEN codes.sent_since <= $7 THEN 1 ELSE codes.sent + 1 END,
            sent_since = CASE WHEN codes.sent_since <= $7 THEN excluded.sent_since ELSE codes.sent_since END
         WHERE codes.sent_last <= $8 AND (codes.sent_since <= $7 OR codes.sent < $9)",
    )
    .bind(number.as_str())
    .bind(code.code_hash)
    .bind(code.salt)
    .bind(code.expires)
    .bind(code.tries)
    .bind(code.now)
    .bind(code.day_began)
    .bind(code.pause_began)
    .bind(code.most)
    .execute(transaction)
    .await?;
    Ok(changed == 1)
}

pub(super) async fn sent(reader: &mut Connection, number: &PhoneNumber) -> Result<Option<Sent>, StoreError> {
    query("SELECT sent, sent_since, sent_last FROM codes WHERE number = $1")
        .bind(number.as_str())
        .optional(reader)
        .await
}

/// Uses up a try, if there is a code and one is left.
pub(super) async fn attempt(
    transaction: &mut Transaction,
    number: &PhoneNumber,
    now: Timestamp,
) -> Result<Option<Tried>, StoreError> {
    query(
        "UPDATE codes SET tries_left = tries_left - 1
         WHERE number = $1 AND code_hash IS NOT NULL AND expires > $2 AND tries_left > 0
         RETURNING code_hash, salt, tries_left",
    )
    .bind(number.as_str())
    .bind(now)
    .optional(transaction)
    .await
}

/// Gives the try back: it was the right code.
pub(super) async fn forgive(transaction: &mut Transaction, number: &PhoneNumber) -> Result<(), StoreError> {
    query("UPDATE codes SET tries_left = tries_left + 1 WHERE number = $1")
        .bind(number.as_str())
        .execute(transaction)
        .await
        .map(drop)
}

/// Uses a code up; `false` if it is used up or another one was sent.
pub(super) async fn take(
    transaction: &mut Transaction,
    number: &PhoneNumber,
    code_hash: [u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed =
        query("UPDATE codes SET code_hash = NULL WHERE number = $1 AND code_hash = $2 AND expires > $3")
            .bind(number.as_str())
            .bind(code_hash)
            .bind(now)
            .execute(transaction)
            .await?;
    Ok(changed == 1)
}

/// Removes what is known of a number.
pub(crate) async fn erase(transaction: &mut Transaction, number: &PhoneNumber) -> Result<(), StoreError> {
    query("DELETE FROM codes WHERE number = $1").bind(number.as_str()).execute(transaction).await.map(drop)
}

/// Removes codes that are neither good nor count any more.
pub(super) async fn sweep(
    transaction: &mut Transaction,
    now: Timestamp,
    day_began: Timestamp,
) -> Result<(), StoreError> {
    query("DELETE FROM codes WHERE expires <= $1 AND sent_since <= $2")
        .bind(now)
        .bind(day_began)
        .execute(transaction)
        .await
        .map(drop)
}
