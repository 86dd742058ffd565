//! What arrived last, on SQLite: first written in the order of arrival, later put where it belongs.
//!
//! `envelopes` is clustered by device. A commit with one envelope for each of a thousand devices would change a thousand
//! of its pages, and write each to the log and once more to the file. So envelopes go to the end of `arrivals`, where a
//! page takes a dozen, whoever they are for. When many have come together, or somebody wants to read or delete one of
//! them, all of `arrivals` is *settled*: moved into `envelopes`, sorted by device, so that a page there takes many at
//! once too. All of this happens in the transactions of the one lane that writes here.
//!
//! - **A mailbox is its row and what is in `arrivals` for it.** The row counts what was settled, and nothing else; its
//!   `next` is the first sequence that is not there. So an append changes no row of `mailboxes`.
//! - **What is in `arrivals` is known here too**, per device, as of the last commit: [`Arrivals`]. After a start, and
//!   whenever a transaction did not end with a commit as planned, it is not known, and the next transaction settles first.
//! - **Whoever reads asks first** whether [`something may be here`](Arrivals::holds), and has it settled then; if that
//!   cannot be, because the disk is full or the writer busy, reads [both tables](page). What is appended meanwhile
//!   announces itself to the mailbox after its commit.
//!
//! - **Whoever removes a device** takes what is here for it too, and counts that in `removals`, in the same transaction.
//!   If that number is another one than at the last commit, what is known here is not what is there: settle first.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use store::{
    StoreError, Timestamp,
    sql::{Connection, Sql, Transaction, query},
};

use super::store::{Change, Mailbox, Stored};
use crate::devices::DeviceKey;

/// PostgreSQL writes in the order of arrival by itself.
pub(super) const TABLE: Sql = Sql::each(
    "CREATE TABLE arrivals (
        place INTEGER PRIMARY KEY,
        device INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        received INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE removals (count INTEGER NOT NULL) STRICT;
    INSERT INTO removals (count) VALUES (0);",
    "SELECT 1;",
);

/// Envelopes and bytes in `arrivals` from which on they are settled. Larger, and an envelope costs less; but whoever
/// stores something while they are settled waits for it, some 100 ms.
const MOST: i64 = 16_384;
const MOST_BYTES: i64 = 16 << 20;

/// Mailboxes that a transaction has at hand, by device.
pub(super) type Mailboxes = HashMap<i64, Known>;

/// A mailbox: its row, and what came since.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) row: Mailbox,
    count: i64,
    bytes: i64,
}

/// An envelope that is to be written.
#[derive(Debug)]
pub(super) struct Appended<'a> {
    pub(super) device: i64,
    pub(super) seq: i64,
    pub(super) received: Timestamp,
    pub(super) envelope: &'a Bytes,
}

impl From<Mailbox> for Known {
    fn from(row: Mailbox) -> Self {
        Self { row, count: 0, bytes: 0 }
    }
}

impl Known {
    /// How many envelopes there are, settled or not.
    pub(super) const fn waiting(&self) -> i64 {
        self.row.waiting + self.count
    }

    /// And how many bytes they have.
    pub(super) const fn bytes(&self) -> i64 {
        self.row.bytes + self.bytes
    }

    /// Counts an envelope of this length; its sequence.
    pub(super) const fn append(&mut self, length: i64) -> i64 {
        let seq = self.row.next + self.count;
        self.count += 1;
        self.bytes += length;
        seq
    }

    /// Counts in its row what came since; the first of it at this time.
    pub(super) fn settle(&mut self, received: Timestamp) {
        if self.row.waiting == 0 {
            self.row.since = received.0;
        }
        self.row.next += self.count;
        self.row.waiting += self.count;
        self.row.bytes += self.bytes;
        (self.count, self.bytes) = (0, 0);
    }
}

/// What is known of `arrivals`.
#[derive(Debug)]
pub(crate) struct Arrivals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Mailboxes with something in `arrivals`, as of the last commit.
    fresh: Mailboxes,
    count: i64,
    bytes: i64,
    /// Whether `fresh` is what the next transaction will find, if `removals` is this.
    sure: bool,
    removals: i64,
    /// Whether more may have been committed than `fresh` says.
    doubtful: bool,
    /// Whether the transaction under way has settled what was in `fresh`.
    settled: bool,
    /// What it found and changed; all of it, once it was done.
    under_way: Option<Mailboxes>,
}

impl State {
    fn holds(&self, device: Option<DeviceKey>) -> bool {
        device.map_or(!self.fresh.is_empty(), |device| self.fresh.contains_key(&device.0))
    }

    fn is_much(&self) -> bool {
        self.count >= MOST || self.bytes >= MOST_BYTES
    }
}

impl Arrivals {
    pub(super) fn new() -> Self {
        // What the last process left is not known.
        Self(Mutex::new(State { doubtful: true, ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something that was committed for this device, or for anybody, may be here, where readers do not see it.
    pub(super) fn holds(&self, device: Option<DeviceKey>) -> bool {
        let state = self.state();
        state.doubtful || state.holds(device)
    }

    /// Begins to write these: settles, if there is a reason to, and gives what is known of their mailboxes.
    pub(super) async fn begin(
        &self,
        transaction: &mut Transaction,
        items: &[Change],
    ) -> Result<Mailboxes, StoreError> {
        let removals = query("SELECT count FROM removals").value(transaction).await?.unwrap_or(0);
        match self.known(items, removals) {
            Some(known) => Ok(known),
            None => settle(transaction).await.map(|()| Mailboxes::new()),
        }
    }

    /// What is known of the mailboxes of these, or nothing if everything has to be settled first.
    fn known(&self, items: &[Change], removals: i64) -> Option<Mailboxes> {
        let mut state = self.state();
        let same = std::mem::replace(&mut state.removals, removals) == removals;
        let sure = std::mem::replace(&mut state.sure, false) && same;
        let wanted = |item: &Change| match item {
            Change::Append { .. } => false,
            Change::Acknowledge { device, .. } | Change::Expire { device, .. } => state.holds(Some(*device)),
            Change::Settle(device) => state.holds(*device),
        };
        let settles = !sure || state.is_much() || items.iter().any(wanted);
        state.settled = settles;
        state.under_way = None;
        let find = |item: &Change| Some((item.device(), state.fresh.get(&item.device())?.clone()));
        (!settles).then(|| items.iter().filter_map(find).collect())
    }

    /// All is written; this is so if it is committed.
    pub(super) fn done(&self, mailboxes: Mailboxes) {
        self.state().under_way = Some(mailboxes);
    }

    /// The transaction has ended, with a commit or perhaps not.
    pub(super) fn ended(&self, committed: bool) {
        let mut state = self.state();
        match state.under_way.take() {
            Some(mailboxes) if committed => {
                if std::mem::take(&mut state.settled) {
                    (state.fresh, state.count, state.bytes) = (Mailboxes::new(), 0, 0);
                }
                for (device, known) in mailboxes.into_iter().filter(|(_, known)| known.count > 0) {
                    let (count, bytes) = (known.count, known.bytes);
                    let before = state.fresh.insert(device, known);
                    let before = before.map_or((0, 0), |before| (before.count, before.bytes));
                    state.count += count - before.0;
                    state.bytes += bytes - before.1;
                }
                (state.sure, state.doubtful) = (true, false);
            }
            _ => state.doubtful = true,
        }
    }
}

/// Writes them to the end.
pub(super) async fn append(
    transaction: &mut Transaction,
    appended: &[Appended<'_>],
) -> Result<(), StoreError> {
    query("INSERT INTO arrivals (device, seq, received, body) VALUES {rows}")
        .rows(appended.iter().map(|one| {
            [one.device.into(), one.seq.into(), one.received.into(), one.envelope.to_vec().into()]
        }))
        .execute(transaction)
        .await
        .map(drop)
}

/// Takes out what is there for these devices, in the transaction that removes them.
pub(super) async fn erase(transaction: &mut Transaction, devices: &[DeviceKey]) -> Result<(), StoreError> {
    query("DELETE FROM arrivals WHERE device IN (VALUES {rows})")
        .rows(devices.iter().map(|device| [device.0.into()]))
        .execute(transaction)
        .await?;
    query("UPDATE removals SET count = count + 1").execute(transaction).await.map(drop)
}

/// The oldest envelopes of a device after `after`, at most `limit`, settled or not. Looks through all that arrived.
pub(super) async fn page(
    connection: &mut Connection,
    device: DeviceKey,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query(
        "SELECT seq, body FROM (
            SELECT seq, body FROM envelopes WHERE device = $1 AND seq > $2 ORDER BY seq LIMIT $3
         ) UNION ALL SELECT seq, body FROM (
            SELECT seq, body FROM arrivals WHERE device = $1 AND seq > $2 ORDER BY seq LIMIT $3
         ) ORDER BY seq LIMIT $3",
    )
    .bind(device.0)
    .bind(after)
    .bind(limit)
    .all(connection)
    .await
}

/// Moves everything to where it stays. Does nothing if there is nothing.
///
/// By way of memory, where it is for a moment: what it leaves is free for where it goes, so that this needs hardly any
/// room on a full disk.
async fn settle(transaction: &mut Transaction) -> Result<(), StoreError> {
    for statement in [
        "CREATE TEMP TABLE IF NOT EXISTS settling (
            device INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            received INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (device, seq)
        ) STRICT, WITHOUT ROWID",
        "INSERT INTO settling (device, seq, received, body)
         SELECT device, seq, received, body FROM arrivals ORDER BY device, seq",
        "DELETE FROM arrivals",
        "INSERT INTO envelopes (device, seq, body)
         SELECT device, seq, body FROM settling WHERE device IN (SELECT device FROM mailboxes)
         ORDER BY device, seq",
        "UPDATE mailboxes SET
            next = last + 1, waiting = waiting + came, bytes = bytes + length,
            since = CASE WHEN waiting = 0 THEN first ELSE since END
         FROM (SELECT device AS whose, MAX(seq) AS last, COUNT(*) AS came, SUM(LENGTH(body)) AS length,
                     MIN(received) AS first
               FROM settling GROUP BY device)
         WHERE mailboxes.device = whose",
        "DELETE FROM settling",
    ] {
        query(statement).execute(transaction).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
