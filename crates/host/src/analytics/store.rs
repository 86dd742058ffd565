//! What is counted: messages as they are stored, and the counts of those that were deleted since. Nothing sealed is
//! opened for it.

use ::store::{
    StoreError,
    sql::{
        Connection, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use crate::ids::BusinessId;

pub(crate) const MIGRATIONS: Module = Module {
    name: "analytics",
    migrations: &[Migration::new(
        "how many messages there were, by the half hour",
        "CREATE TABLE message_counts (
            business {integer} NOT NULL,
            number {integer} NOT NULL,
            slot {integer} NOT NULL,
            country TEXT NOT NULL,
            category {integer} NOT NULL,
            template {integer} NOT NULL,
            state {integer} NOT NULL,
            amount {integer} NOT NULL,
            PRIMARY KEY (business, slot, number, country, category, template, state)
        ) {options};",
    )],
};

/// Counts messages of the business that are about to be deleted.
pub(crate) async fn keep(transaction: &mut Transaction, seqs: &[i64]) -> Result<(), StoreError> {
    query(
        "INSERT INTO message_counts (business, number, slot, country, category, template, state, amount)
         SELECT m.business, m.number, m.at / 1800000, COALESCE(SUBSTR(p.user_id, 1, 2), ''), m.category,
             COALESCE(m.template, 0), m.state, COUNT(*)
         FROM messages m LEFT JOIN people p ON p.id = m.person
         WHERE m.outbound AND m.kind <> 'reaction' AND m.seq IN (VALUES {rows})
         GROUP BY 1, 2, 3, 4, 5, 6, 7
         ON CONFLICT (business, slot, number, country, category, template, state)
         DO UPDATE SET amount = message_counts.amount + excluded.amount",
    )
    .rows(seqs.iter().map(|seq| [(*seq).into()]))
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    /// How many messages of one kind there were in one stretch of time.
    #[derive(Debug, Clone)]
    pub(super) struct Count from "messages" {
        pub(super) number: i64,
        pub(super) slot: i64,
        pub(super) country: String,
        pub(super) category: i64,
        pub(super) template: i64,
        pub(super) state: i64,
        pub(super) amount: i64,
    }
}

/// Messages of a business in a range of milliseconds, by stretches of `stretch` milliseconds (a multiple of half hours).
pub(super) async fn counts(
    reader: &mut Connection,
    business: BusinessId,
    (start, end): (i64, i64),
    stretch: i64,
    limit: i64,
) -> Result<Vec<Count>, StoreError> {
    let mut found: Vec<Count> = query(
        "SELECT m.number, m.at / $4 AS slot, COALESCE(SUBSTR(p.user_id, 1, 2), '') AS country, m.category,
             COALESCE(m.template, 0) AS template, m.state, COUNT(*) AS amount
         FROM messages m LEFT JOIN people p ON p.id = m.person
         WHERE m.business = $1 AND m.at >= $2 AND m.at < $3 AND m.outbound AND m.kind <> 'reaction'
         GROUP BY 1, 2, 3, 4, 5, 6 LIMIT $5",
    )
    .bind(business)
    .bind(start)
    .bind(end)
    .bind(stretch)
    .bind(limit)
    .all(reader)
    .await?;
    let before: Vec<Count> = query(
        "SELECT number, slot * 1800000 / $4 AS slot, country, category, template, state,
             CAST(SUM(amount) AS BIGINT) AS amount
         FROM message_counts WHERE business = $1 AND slot * 1800000 >= $2 AND slot * 1800000 < $3
         GROUP BY 1, 2, 3, 4, 5, 6 LIMIT $5",
    )
    .bind(business)
    .bind(start)
    .bind(end)
    .bind(stretch)
    .bind(limit)
    .all(reader)
    .await?;
    found.extend(before);
    Ok(found)
}
