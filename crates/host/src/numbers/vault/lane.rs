//! The lane of all vaults: saves of many numbers become one statement and one commit.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ::store::{
    StoreError,
    sql::{Transaction, Value, query},
    writer::Lane,
};

use super::super::store;
use crate::ids::NumberId;

/// Who may write the state of a number's device: the one whose lease has this.
pub(crate) type Token = [u8; 16];

/// The lane of all vaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saves;

/// A record by space and hidden name; none takes it away.
pub(crate) type Written = ((u8, [u8; 32]), Option<Row>);

/// A save.
#[derive(Debug)]
pub(crate) struct Save {
    pub(super) number: NumberId,
    pub(super) token: Token,
    pub(super) changes: Vec<Written>,
    pub(super) chain: Chain,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) owner: Option<[u8; 32]>,
    pub(crate) position: u64,
    pub(super) sealed: Vec<u8>,
}

/// Saves that were made of each other: after one that was not written none is.
pub(super) type Chain = Arc<AtomicBool>;

/// Whether it was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saved {
    Yes,
    /// The number is another process's now.
    Lost,
    /// One before it was not.
    After,
}

impl Lane for Saves {
    type Item = Save;
    type Output = Saved;

    async fn apply(&self, transaction: &mut Transaction, items: &[Save]) -> Result<Vec<Saved>, StoreError> {
        let mut tokens = BTreeMap::new();
        let mut rows: BTreeMap<(NumberId, u8, [u8; 32]), Option<&Row>> = BTreeMap::new();
        let mut outputs = Vec::with_capacity(items.len());
        for item in items {
            if item.chain.load(Ordering::Acquire) {
                outputs.push(Saved::After);
                continue;
            }
            let token = match tokens.entry(item.number) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => *place.insert(store::token(transaction, item.number).await?),
            };
            if token != Some(item.token) {
                outputs.push(Saved::Lost);
                continue;
            }
            for ((space, name), row) in &item.changes {
                rows.insert((item.number, *space, *name), row.as_ref());
            }
            outputs.push(Saved::Yes);
        }
        let mut puts: Vec<[Value; 6]> = Vec::with_capacity(rows.len());
        let mut deletes: BTreeMap<(NumberId, u8), Vec<[Value; 1]>> = BTreeMap::new();
        for ((number, space, name), row) in rows {
            match row {
                Some(row) => puts.push([
                    number.into(),
                    i64::from(space).into(),
                    name.into(),
                    row.owner.as_ref().map_or(&[][..], |owner| owner).into(),
                    row.position.cast_signed().into(),
                    (&*row.sealed).into(),
                ]),
                None => deletes.entry((number, space)).or_default().push([name.into()]),
            }
        }
        query(
            "INSERT INTO vault_records (number, space, name, owner, position, value) VALUES {rows}
             ON CONFLICT (number, space, name) DO UPDATE
             SET owner = excluded.owner, position = excluded.position, value = excluded.value",
        )
        .rows(puts)
        .execute(transaction)
        .await?;
        // One statement for each space: SQLite would look for rows of several columns in the whole table.
        for ((number, space), names) in deletes {
            query("DELETE FROM vault_records WHERE number = $1 AND space = $2 AND name IN (VALUES {rows})")
                .bind(number)
                .bind(i64::from(space))
                .rows(names)
                .execute(transaction)
                .await?;
        }
        Ok(outputs)
    }

    fn key(&self, item: &Save) -> u64 {
        item.number.get()
    }

    fn refused(&self, item: &Save) {
        item.chain.store(true, Ordering::Release);
    }
}
