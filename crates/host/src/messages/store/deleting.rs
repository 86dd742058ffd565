//! What is deleted: of a person, by age, by erasure.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Transaction, query},
};

use super::finding::{Stored, columns};
use crate::{
    analytics,
    ids::{BusinessId, NumberId},
    people::PersonId,
};

/// Messages with a person, the first first.
pub(in crate::messages) async fn of_person(
    reader: &mut Connection,
    number: NumberId,
    person: PersonId,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(columns!("WHERE m.number = $1 AND m.person = $2 ORDER BY m.seq LIMIT $3"))
        .bind(number)
        .bind(person.0)
        .bind(limit)
        .all(reader)
        .await
}

::store::row! {
    struct SeqRow from "messages" { seq: i64 }
}

/// Messages of a business that are older than this.
pub(in crate::messages) async fn older(
    reader: &mut Connection,
    business: BusinessId,
    before: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<SeqRow> =
        query("SELECT seq FROM messages WHERE business = $1 AND at < $2 ORDER BY at LIMIT $3")
            .bind(business)
            .bind(before)
            .bind(limit)
            .all(reader)
            .await?;
    Ok(rows.into_iter().map(|row| row.seq).collect())
}

/// Deletes messages and their words; with `counted`, how many there were stays known.
pub(in crate::messages) async fn delete(
    transaction: &mut Transaction,
    seqs: &[i64],
    counted: bool,
) -> Result<(), StoreError> {
    if counted {
        analytics::keep(transaction, seqs).await?;
    }
    for text in [
        "DELETE FROM message_words WHERE message IN (VALUES {rows})",
        "DELETE FROM messages WHERE seq IN (VALUES {rows})",
    ] {
        query(text).rows(seqs.iter().map(|seq| [(*seq).into()])).execute(transaction).await?;
    }
    Ok(())
}

/// Deletes how a number and a person stand, and the person if no other number of the business knows them.
pub(in crate::messages) async fn forget_chat(
    transaction: &mut Transaction,
    business: BusinessId,
    number: NumberId,
    person: PersonId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM read_marks WHERE number = $1 AND person = $2",
        "DELETE FROM blocks_untold WHERE number = $1 AND person = $2",
        "DELETE FROM sends_once WHERE number = $1 AND person = $2",
        "DELETE FROM chats WHERE number = $1 AND person = $2",
    ] {
        query(text).bind(number).bind(person.0).execute(transaction).await?;
    }
    query(
        "DELETE FROM people WHERE business = $1 AND id = $2
         AND NOT EXISTS (SELECT 1 FROM chats WHERE chats.person = people.id)",
    )
    .bind(business)
    .bind(person.0)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    struct BusinessRow from "businesses" { id: BusinessId }
}

pub(in crate::messages) async fn businesses(
    reader: &mut Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<BusinessId>, StoreError> {
    let rows: Vec<BusinessRow> = query("SELECT id FROM businesses WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Businesses that were erased and of which something is left, while nobody runs a number of them any more.
pub(in crate::messages) async fn erased(
    reader: &mut Connection,
    now: Timestamp,
) -> Result<Vec<BusinessId>, StoreError> {
    let rows: Vec<BusinessRow> = query(
        "SELECT e.id AS id FROM erased_businesses e WHERE NOT EXISTS (
            SELECT 1 FROM numbers n JOIN number_leases l ON l.number = n.id
            WHERE n.business = e.id AND l.until > $1) LIMIT 100",
    )
    .bind(now)
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Deletes the rest of a business: people, chats, numbers, what their devices kept.
pub(in crate::messages) async fn finish_erasure(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM read_marks WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM blocks_untold WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM sends_once WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM vault_records WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM number_leases WHERE number IN (SELECT id FROM numbers WHERE business = $1)",
        "DELETE FROM chats WHERE business = $1",
        "DELETE FROM people WHERE business = $1",
        "DELETE FROM numbers WHERE business = $1",
        "DELETE FROM message_counts WHERE business = $1",
        "DELETE FROM usernames WHERE business = $1",
        "DELETE FROM erased_businesses WHERE id = $1",
    ] {
        query(text).bind(business).execute(transaction).await?;
    }
    Ok(())
}
