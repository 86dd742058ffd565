//! The tables of the queue. A device's envelopes lie together (`PRIMARY KEY (device, seq)`, clustered on SQLite), so that
//! a drain reads few pages and an acknowledgement deletes a range.
//!
//! `mailboxes.next` gives the sequence. A writer holds the row of the mailbox until its commit, so that within a device
//! sequences become visible in their order: who has read up to one misses none below it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use prost::Message as _;
use store::{
    StoreError, Timestamp,
    sql::{
        Connection, Engine, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
    writer::Lane,
};
use wire::frames::Envelope;

use super::{
    arrivals::{self, Appended, Arrivals, Known, Mailboxes},
    shares::{self, Bounds},
};
use crate::devices::DeviceKey;

/// The tables of this feature.
pub(crate) const MODULE: Module = Module {
    name: "queue",
    migrations: &[
        Migration {
            name: "mailboxes and envelopes",
            sql: Sql::each(
                "CREATE TABLE mailboxes (
                device INTEGER PRIMARY KEY,
                next INTEGER NOT NULL,
                waiting INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                since INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE envelopes (
                device INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                body BLOB NOT NULL,
                PRIMARY KEY (device, seq)
            ) STRICT, WITHOUT ROWID;",
                // Counters change often and are in no index: room for updates in place. Ciphertext does not compress.
                "CREATE TABLE mailboxes (
                device BIGINT PRIMARY KEY,
                next BIGINT NOT NULL,
                waiting BIGINT NOT NULL,
                bytes BIGINT NOT NULL,
                since BIGINT NOT NULL
            ) WITH (fillfactor = 60);
            CREATE TABLE envelopes (
                device BIGINT NOT NULL,
                seq BIGINT NOT NULL,
                body BYTEA NOT NULL,
                PRIMARY KEY (device, seq)
            );
            ALTER TABLE envelopes ALTER COLUMN body SET STORAGE EXTERNAL;",
            ),
        },
        shares::TABLE,
        Migration { name: "what arrived last", sql: arrivals::TABLE },
    ],
};

store::row! {
    /// A mailbox as it is stored.
    #[derive(Debug, Clone)]
    pub(super) struct Mailbox from "mailboxes" {
        pub(super) device: i64,
        pub(super) next: i64,
        pub(super) waiting: i64,
        pub(super) bytes: i64,
        pub(super) since: i64,
    }
}

store::row! {
    /// An envelope as it is stored.
    pub(crate) struct Stored from "envelopes" { pub(crate) seq: i64, pub(crate) body: Vec<u8> }
}

store::row! {
    struct Left from "envelopes" { waiting: i64, bytes: Option<i64> }
}

/// Gives each device an empty mailbox, in the transaction that makes the device.
pub(crate) async fn open_mailboxes(
    transaction: &mut Transaction,
    devices: &[DeviceKey],
) -> Result<(), StoreError> {
    query("INSERT INTO mailboxes (device, next, waiting, bytes, since) VALUES {rows}")
        .rows(
            devices
                .iter()
                .map(|device| [device.0.into(), 1i64.into(), 0i64.into(), 0i64.into(), 0i64.into()]),
        )
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes mailboxes with all that waits in them, in the transaction that removes the devices.
pub(crate) async fn erase_mailboxes(
    transaction: &mut Transaction,
    devices: &[DeviceKey],
) -> Result<(), StoreError> {
    let erase = |statement| query(statement).rows(devices.iter().map(|device| [device.0.into()]));
    erase("DELETE FROM mailboxes WHERE device IN (VALUES {rows})").execute(transaction).await?;
    erase("DELETE FROM shares WHERE device IN (VALUES {rows})").execute(transaction).await?;
    erase("DELETE FROM envelopes WHERE device IN (VALUES {rows})").execute(transaction).await?;
    if transaction.engine() == Engine::Sqlite {
        arrivals::erase(transaction, devices).await?;
    }
    Ok(())
}

/// The oldest envelopes of a device after `after`, at most `limit`.
pub(crate) async fn page(
    connection: &mut Connection,
    device: DeviceKey,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    query("SELECT seq, body FROM envelopes WHERE device = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(device.0)
        .bind(after)
        .bind(limit)
        .all(connection)
        .await
}

/// Those of these devices that are still there, which is as long as they have a mailbox, and whether something waits
/// for them.
pub(crate) async fn waiting(
    connection: &mut Connection,
    devices: &[DeviceKey],
) -> Result<BTreeMap<DeviceKey, bool>, StoreError> {
    store::row! {
        struct Waiting from "mailboxes" { device: i64, waiting: i64 }
    }
    let found: Vec<Waiting> = query("SELECT device, waiting FROM mailboxes WHERE device IN (VALUES {rows})")
        .rows(devices.iter().map(|device| [device.0.into()]))
        .all(connection)
        .await?;
    Ok(found.into_iter().map(|row| (DeviceKey(row.device), row.waiting > 0)).collect())
}

/// Devices after `after` in which something may have waited since before `cutoff`.
pub(crate) async fn overdue(
    connection: &mut Connection,
    after: DeviceKey,
    cutoff: Timestamp,
    limit: i64,
) -> Result<Vec<DeviceKey>, StoreError> {
    store::row! {
        struct Overdue from "mailboxes" { device: i64 }
    }
    let found: Vec<Overdue> = query(
        "SELECT device FROM mailboxes WHERE device > $1 AND waiting > 0 AND since < $2 ORDER BY device LIMIT $3",
    )
    .bind(after.0)
    .bind(cutoff)
    .bind(limit)
    .all(connection)
    .await?;
    Ok(found.into_iter().map(|row| DeviceKey(row.device)).collect())
}

/// Deletes at most `limit` of a device's envelopes that came before `cutoff`: how many, and whether more may be left.
async fn expire(
    transaction: &mut Transaction,
    device: DeviceKey,
    cutoff: Timestamp,
    limit: i64,
    bounds: Bounds,
) -> Result<Changed, StoreError> {
    let mut mailboxes = lock(transaction, [device.0].into_iter()).await?;
    let Some(mailbox) = mailboxes.remove(&device.0) else { return Ok(Changed::Gone) };
    let mailbox = &mut Known::from(mailbox);
    let oldest = page(transaction, device, 0, limit).await?;
    let (mut expired, mut through, mut next) = (0, 0, None);
    for row in &oldest {
        let envelope = Envelope::decode(&*row.body).unwrap_or_default();
        let received = i64::try_from(envelope.received).unwrap_or(i64::MAX);
        if received >= cutoff.0 {
            next = Some(received);
            break;
        }
        through = row.seq;
        expired += 1;
    }
    let more = next.is_none() && expired == oldest.len() && expired > 0;
    delete(transaction, mailbox, through, None, bounds).await?;
    if let Some(next) = next {
        mailbox.row.since = next;
    }
    save(transaction, std::iter::once(&mailbox.row)).await?;
    Ok(Changed::Expired(expired, more))
}

/// What is done to a mailbox.
#[derive(Debug)]
pub(crate) enum Change {
    /// Puts an envelope at its end.
    Append {
        /// Whose mailbox.
        device: DeviceKey,
        /// The encoded envelope.
        envelope: Bytes,
        /// When it was accepted.
        received: Timestamp,
    },
    /// Deletes all up to a sequence.
    Acknowledge {
        /// Whose mailbox.
        device: DeviceKey,
        /// The last that is acknowledged.
        through: i64,
        /// How many that are, as far as the caller knows.
        count: i64,
        /// And how many bytes they have.
        bytes: i64,
    },
    /// Deletes what came before a time.
    Expire {
        /// Whose mailbox.
        device: DeviceKey,
        /// The time.
        cutoff: Timestamp,
        /// How many at most.
        limit: i64,
    },
    /// Makes everything readable that was stored before, if some of it is for this device or none is given; see
    /// [`arrivals`].
    Settle(Option<DeviceKey>),
}

impl Change {
    /// Whose mailbox it changes; 0 if it is not about one.
    pub(crate) const fn device_key(&self) -> DeviceKey {
        match self {
            Self::Append { device, .. } | Self::Acknowledge { device, .. } | Self::Expire { device, .. } => {
                *device
            }
            Self::Settle(_) => DeviceKey(0),
        }
    }

    /// Whether the mailbox's row has to be at hand for it.
    pub(super) const fn is_usual(&self) -> bool {
        matches!(self, Self::Append { .. } | Self::Acknowledge { .. })
    }

    pub(super) const fn device(&self) -> i64 {
        self.device_key().0
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The envelope has this sequence.
    Appended(i64),
    /// It is deleted, or was.
    Acknowledged,
    /// So many are deleted, and whether more may be left.
    Expired(usize, bool),
    /// It can be read.
    Settled,
    /// The mailbox takes no more.
    Full,
    /// There is no such mailbox (any more).
    Gone,
}

/// Writes the changes of many devices at once.
#[derive(Debug)]
pub(crate) struct MailboxLane {
    pub(crate) bounds: Bounds,
    pub(crate) arrivals: Arc<Arrivals>,
}

impl Lane for MailboxLane {
    type Item = Change;
    type Output = Changed;

    async fn apply(
        &self,
        transaction: &mut Transaction,
        items: &[Change],
    ) -> Result<Vec<Changed>, StoreError> {
        let sqlite = transaction.engine() == Engine::Sqlite;
        let mut mailboxes =
            if sqlite { self.arrivals.begin(transaction, items).await? } else { Mailboxes::default() };
        // These look at the tables alone, and come first.
        let mut expired = Vec::new();
        for item in items {
            if let Change::Expire { device, cutoff, limit } = item {
                expired.push(expire(transaction, *device, *cutoff, *limit, self.bounds).await?);
            }
        }
        let usual = items.iter().filter(|item| item.is_usual()).map(Change::device);
        let missing = usual.filter(|device| !mailboxes.contains_key(device));
        let found = lock(transaction, missing).await?;
        mailboxes.extend(found.into_iter().map(|(device, row)| (device, Known::from(row))));

        let mut shares = shares::of(transaction, self.bounds, &mailboxes, items).await?;

        let mut expired = expired.into_iter();
        let mut outputs = Vec::with_capacity(items.len());
        let mut appended = Vec::with_capacity(items.len());
        // Per device: through, count, bytes.
        let mut acknowledged: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
        for item in items {
            let mailbox = match item {
                Change::Expire { .. } => {
                    outputs.push(expired.next().unwrap_or(Changed::Gone));
                    continue;
                }
                Change::Settle(_) => {
                    outputs.push(Changed::Settled);
                    continue;
                }
                _ => mailboxes.get_mut(&item.device()),
            };
            outputs.push(match (item, mailbox) {
                (Change::Append { envelope, received, .. }, Some(mailbox)) => {
                    let (device, length) = (item.device(), shares::length(envelope));
                    let mut share = if self.bounds.crowded(mailbox) {
                        shares.get_mut(&(device, shares::sender(device, envelope)))
                    } else {
                        None
                    };
                    let shared = share.as_deref().is_none_or(|share| self.bounds.has_share(share, length));
                    if !shared || !self.bounds.has_room(mailbox, length) {
                        Changed::Full
                    } else {
                        if let Some(share) = &mut share {
                            share.count(length);
                        }
                        let seq = mailbox.append(length);
                        appended.push(Appended { device, seq, received: *received, envelope });
                        Changed::Appended(seq)
                    }
                }
                (Change::Acknowledge { through, count, bytes, .. }, Some(_)) => {
                    let sum = acknowledged.entry(item.device()).or_default();
                    *sum = (sum.0.max(*through), sum.1 + count, sum.2 + bytes);
                    Changed::Acknowledged
                }
                _ => Changed::Gone,
            });
        }
        if sqlite {
            arrivals::append(transaction, &appended).await?;
        } else {
            append(transaction, &appended, &mut mailboxes).await?;
        }
        shares::save(transaction, shares.values()).await?;
        let mut changed: BTreeSet<i64> = acknowledged.keys().copied().collect();
        for (device, (through, count, bytes)) in acknowledged {
            if let Some(mailbox) = mailboxes.get_mut(&device) {
                delete(transaction, mailbox, through, Some((count, bytes)), self.bounds).await?;
            }
        }
        if !sqlite {
            changed.extend(appended.iter().map(|appended| appended.device));
        }
        let changed = changed.iter().filter_map(|device| mailboxes.get(device));
        save(transaction, changed.map(|mailbox| &mailbox.row)).await?;
        if sqlite {
            self.arrivals.done(mailboxes);
        }
        Ok(outputs)
    }

    fn key(&self, item: &Change) -> u64 {
        item.device().unsigned_abs()
    }

    fn ended(&self, committed: bool) {
        self.arrivals.ended(committed);
    }
}

/// Puts envelopes where they stay, and counts them in the rows of their mailboxes.
async fn append(
    transaction: &mut Transaction,
    appended: &[Appended<'_>],
    mailboxes: &mut Mailboxes,
) -> Result<(), StoreError> {
    for one in appended {
        if let Some(mailbox) = mailboxes.get_mut(&one.device) {
            mailbox.settle(one.received);
        }
    }
    query("INSERT INTO envelopes (device, seq, body) VALUES {rows}")
        .rows(appended.iter().map(|one| [one.device.into(), one.seq.into(), one.envelope.to_vec().into()]))
        .execute(transaction)
        .await
        .map(drop)
}

/// Reads the mailboxes of these devices and, on PostgreSQL, keeps others from changing them: in one order, so that
/// two who lock many never wait for each other.
async fn lock(
    transaction: &mut Transaction,
    devices: impl Iterator<Item = i64>,
) -> Result<BTreeMap<i64, Mailbox>, StoreError> {
    let devices: std::collections::BTreeSet<i64> = devices.collect();
    let found: Vec<Mailbox> = query(Sql::each(
        "SELECT device, next, waiting, bytes, since FROM mailboxes WHERE device IN (VALUES {rows})",
        "SELECT device, next, waiting, bytes, since FROM mailboxes WHERE device IN (VALUES {rows})
         ORDER BY device FOR UPDATE",
    ))
    .rows(devices.into_iter().map(|device| [device.into()]))
    .all(transaction)
    .await?;
    Ok(found.into_iter().map(|mailbox| (mailbox.device, mailbox)).collect())
}

async fn save(
    transaction: &mut Transaction,
    mailboxes: impl Iterator<Item = &Mailbox>,
) -> Result<(), StoreError> {
    query(
        "UPDATE mailboxes SET next = v.column2, waiting = v.column3, bytes = v.column4, since = v.column5
         FROM (VALUES {rows}) AS v WHERE mailboxes.device = v.column1",
    )
    .rows(mailboxes.map(|mailbox| {
        [
            mailbox.device.into(),
            mailbox.next.into(),
            mailbox.waiting.into(),
            mailbox.bytes.into(),
            mailbox.since.into(),
        ]
    }))
    .execute(transaction)
    .await
    .map(drop)
}

/// Deletes up to `through`. If that is not as much as was `expected` (count, bytes), counts what is left. When less
/// than half is left, shares begin anew.
async fn delete(
    transaction: &mut Transaction,
    mailbox: &mut Known,
    through: i64,
    expected: Option<(i64, i64)>,
    bounds: Bounds,
) -> Result<(), StoreError> {
    let crowded = bounds.crowded(mailbox);
    let row = &mut mailbox.row;
    let deleted = query("DELETE FROM envelopes WHERE device = $1 AND seq <= $2")
        .bind(row.device)
        .bind(through)
        .execute(transaction)
        .await?;
    match expected {
        Some((count, bytes)) if u64::try_from(count) == Ok(deleted) => {
            row.waiting -= count;
            row.bytes -= bytes;
        }
        _ => {
            let left: Option<Left> = query(
                "SELECT COUNT(*) AS waiting, CAST(SUM(LENGTH(body)) AS BIGINT) AS bytes FROM envelopes WHERE device = $1",
            )
            .bind(row.device)
            .optional(transaction)
            .await?;
            row.waiting = left.as_ref().map_or(0, |left| left.waiting);
            row.bytes = left.and_then(|left| left.bytes).unwrap_or(0);
        }
    }
    if row.waiting <= 0 {
        (row.waiting, row.bytes, row.since) = (0, 0, 0);
    }
    if crowded && !bounds.crowded(mailbox) {
        query("DELETE FROM shares WHERE device = $1").bind(mailbox.row.device).execute(transaction).await?;
    }
    Ok(())
}
