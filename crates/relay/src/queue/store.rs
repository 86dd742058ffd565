//! The tables of the queue. A device's envelopes lie together (`PRIMARY KEY (device, seq)`, clustered on SQLite), so that
//! a drain reads few pages and an acknowledgement deletes a range.
//!
//! `mailboxes.next` gives the sequence. A writer holds the row of the mailbox until its commit, so that within a device
//! sequences become visible in their order: who has read up to one misses none below it.
//!
//! No account fills a mailbox for all others: half of it is for whoever comes, and of the other half each has a share
//! ([`Bounds`]). Only while a mailbox is so full does `shares` count, under numbers that name nobody.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use store::{
    StoreError, Timestamp,
    sql::{
        Connection, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
    writer::Lane,
};
use wire::frames::Envelope;

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
        Migration::new(
            "what each sender has in the second half of a mailbox",
            "CREATE TABLE shares (
            device {integer} NOT NULL,
            sender {integer} NOT NULL,
            waiting {integer} NOT NULL,
            bytes {integer} NOT NULL,
            PRIMARY KEY (device, sender)
        ) {options};",
        ),
    ],
};

store::row! {
    struct Mailbox from "mailboxes" { device: i64, next: i64, waiting: i64, bytes: i64, since: i64 }
}

store::row! {
    /// An envelope as it is stored.
    pub(crate) struct Stored from "envelopes" { pub(crate) seq: i64, pub(crate) body: Vec<u8> }
}

store::row! {
    struct Share from "shares" { device: i64, sender: i64, waiting: i64, bytes: i64 }
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
    for statement in [
        "DELETE FROM mailboxes WHERE device IN (VALUES {rows})",
        "DELETE FROM shares WHERE device IN (VALUES {rows})",
        "DELETE FROM envelopes WHERE device IN (VALUES {rows})",
    ] {
        query(statement).rows(devices.iter().map(|device| [device.0.into()])).execute(transaction).await?;
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

/// Deletes at most `limit` of a device's envelopes that came before `cutoff`, and gives them back. `None`: no more of
/// them are left.
pub(crate) async fn expire(
    transaction: &mut Transaction,
    device: DeviceKey,
    cutoff: Timestamp,
    limit: i64,
    bounds: Bounds,
) -> Result<(Vec<Envelope>, bool), StoreError> {
    let mut mailboxes = lock(transaction, [device.0].into_iter()).await?;
    let Some(mailbox) = mailboxes.get_mut(&device.0) else { return Ok((Vec::new(), false)) };
    let oldest = page(transaction, device, 0, limit).await?;
    let (mut expired, mut through, mut next) = (Vec::new(), 0, None);
    for row in &oldest {
        let envelope = Envelope::decode(&*row.body).unwrap_or_default();
        let received = i64::try_from(envelope.received).unwrap_or(i64::MAX);
        if received >= cutoff.0 {
            next = Some(received);
            break;
        }
        through = row.seq;
        expired.push(envelope);
    }
    let more = next.is_none() && expired.len() == oldest.len() && !expired.is_empty();
    delete(transaction, mailbox, through, None, bounds).await?;
    if let Some(next) = next {
        mailbox.since = next;
    }
    save(transaction, mailboxes.values()).await?;
    Ok((expired, more))
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
}

impl Change {
    /// Whose mailbox it changes.
    pub(crate) const fn device_key(&self) -> DeviceKey {
        match self {
            Self::Append { device, .. } | Self::Acknowledge { device, .. } => *device,
        }
    }

    const fn device(&self) -> i64 {
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
    /// The mailbox takes no more.
    Full,
    /// There is no such mailbox (any more).
    Gone,
}

/// How much a mailbox takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Envelopes.
    pub(crate) envelopes: i64,
    /// Bytes.
    pub(crate) bytes: i64,
}

impl Bounds {
    /// Whether so much is half of it or more: from there on senders have shares.
    const fn crowded(self, waiting: i64, bytes: i64) -> bool {
        waiting >= self.envelopes / 2 || bytes >= self.bytes / 2
    }

    /// Whether a mailbox takes one more envelope of this length.
    const fn has_room(self, mailbox: &Mailbox, length: i64) -> bool {
        mailbox.waiting < self.envelopes && mailbox.bytes.saturating_add(length) <= self.bytes
    }

    /// Whether a sender's share does: an eighth of all, and one envelope at least.
    const fn has_share(self, share: &Share, length: i64) -> bool {
        share.waiting == 0
            || share.waiting < self.envelopes / 8 && share.bytes.saturating_add(length) <= self.bytes / 8
    }
}

/// Writes the changes of many devices at once.
#[derive(Debug)]
pub(crate) struct MailboxLane(pub(crate) Bounds);

impl Lane for MailboxLane {
    type Item = Change;
    type Output = Changed;

    async fn apply(
        &self,
        transaction: &mut Transaction,
        items: &[Change],
    ) -> Result<Vec<Changed>, StoreError> {
        let mut mailboxes = lock(transaction, items.iter().map(Change::device)).await?;
        let mut shares = shares(transaction, self.0, &mailboxes, items).await?;
        let mut outputs = Vec::with_capacity(items.len());
        let mut appended = Vec::with_capacity(items.len());
        // Per device: through, count, bytes.
        let mut acknowledged: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
        for item in items {
            let Some(mailbox) = mailboxes.get_mut(&item.device()) else {
                outputs.push(Changed::Gone);
                continue;
            };
            outputs.push(match item {
                Change::Append { envelope, received, .. } => {
                    let length = length(envelope);
                    let mut share = if self.0.crowded(mailbox.waiting, mailbox.bytes) {
                        shares.get_mut(&(mailbox.device, sender(mailbox.device, envelope)))
                    } else {
                        None
                    };
                    let shared = share.as_deref().is_none_or(|share| self.0.has_share(share, length));
                    if !shared || !self.0.has_room(mailbox, length) {
                        Changed::Full
                    } else {
                        if let Some(share) = &mut share {
                            share.waiting += 1;
                            share.bytes += length;
                        }
                        let seq = mailbox.next;
                        if mailbox.waiting == 0 {
                            mailbox.since = received.0;
                        }
                        mailbox.next += 1;
                        mailbox.waiting += 1;
                        mailbox.bytes += length;
                        appended.push([mailbox.device.into(), seq.into(), envelope.to_vec().into()]);
                        Changed::Appended(seq)
                    }
                }
                Change::Acknowledge { through, count, bytes, .. } => {
                    let sum = acknowledged.entry(mailbox.device).or_default();
                    *sum = (sum.0.max(*through), sum.1 + count, sum.2 + bytes);
                    Changed::Acknowledged
                }
            });
        }
        query("INSERT INTO envelopes (device, seq, body) VALUES {rows}")
            .rows(appended)
            .execute(transaction)
            .await?;
        save_shares(transaction, shares.values()).await?;
        for (device, (through, count, bytes)) in acknowledged {
            if let Some(mailbox) = mailboxes.get_mut(&device) {
                delete(transaction, mailbox, through, Some((count, bytes)), self.0).await?;
            }
        }
        save(transaction, mailboxes.values()).await?;
        Ok(outputs)
    }

    fn key(&self, item: &Change) -> u64 {
        item.device().unsigned_abs()
    }
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

fn length(envelope: &Bytes) -> i64 {
    i64::try_from(envelope.len()).unwrap_or(i64::MAX)
}

/// Stands for the sender of an envelope in the shares of one device.
fn sender(device: i64, envelope: &Bytes) -> i64 {
    let from = Envelope::decode(envelope.clone()).unwrap_or_default().from;
    let digest = Sha256::new().chain_update(device.to_be_bytes()).chain_update(from).finalize();
    digest.first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
}

/// The shares of all who append to a mailbox that is crowded or may be before the last of `items`. As a rule there is
/// none, and nothing is asked.
async fn shares(
    transaction: &mut Transaction,
    bounds: Bounds,
    mailboxes: &BTreeMap<i64, Mailbox>,
    items: &[Change],
) -> Result<BTreeMap<(i64, i64), Share>, StoreError> {
    let appended = items.iter().filter_map(|item| match item {
        Change::Append { device, envelope, .. } => Some((device.0, envelope)),
        Change::Acknowledge { .. } => None,
    });
    let more = appended
        .clone()
        .fold((0, 0), |(count, bytes), (_, envelope)| (count + 1, length(envelope).saturating_add(bytes)));
    let crowded = |mailbox: &Mailbox| {
        bounds.crowded(mailbox.waiting.saturating_add(more.0), mailbox.bytes.saturating_add(more.1))
    };
    if !mailboxes.values().any(crowded) {
        return Ok(BTreeMap::new());
    }
    let mut shares: BTreeMap<(i64, i64), Share> = appended
        .filter(|(device, _)| mailboxes.get(device).is_some_and(crowded))
        .map(|(device, envelope)| {
            let sender = sender(device, envelope);
            ((device, sender), Share { device, sender, waiting: 0, bytes: 0 })
        })
        .collect();
    let known: Vec<Share> =
        query("SELECT device, sender, waiting, bytes FROM shares WHERE (device, sender) IN (VALUES {rows})")
            .rows(shares.keys().map(|(device, sender)| [(*device).into(), (*sender).into()]))
            .all(transaction)
            .await?;
    shares.extend(known.into_iter().map(|share| ((share.device, share.sender), share)));
    Ok(shares)
}

async fn save_shares(
    transaction: &mut Transaction,
    shares: impl Iterator<Item = &Share>,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO shares (device, sender, waiting, bytes) VALUES {rows}
         ON CONFLICT (device, sender) DO UPDATE SET waiting = excluded.waiting, bytes = excluded.bytes",
    )
    .rows(
        shares.filter(|share| share.waiting > 0).map(|share| {
            [share.device.into(), share.sender.into(), share.waiting.into(), share.bytes.into()]
        }),
    )
    .execute(transaction)
    .await
    .map(drop)
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
    mailbox: &mut Mailbox,
    through: i64,
    expected: Option<(i64, i64)>,
    bounds: Bounds,
) -> Result<(), StoreError> {
    let crowded = bounds.crowded(mailbox.waiting, mailbox.bytes);
    let deleted = query("DELETE FROM envelopes WHERE device = $1 AND seq <= $2")
        .bind(mailbox.device)
        .bind(through)
        .execute(transaction)
        .await?;
    match expected {
        Some((count, bytes)) if u64::try_from(count) == Ok(deleted) => {
            mailbox.waiting -= count;
            mailbox.bytes -= bytes;
        }
        _ => {
            let left: Option<Left> = query(
                "SELECT COUNT(*) AS waiting, CAST(SUM(LENGTH(body)) AS BIGINT) AS bytes FROM envelopes WHERE device = $1",
            )
            .bind(mailbox.device)
            .optional(transaction)
            .await?;
            mailbox.waiting = left.as_ref().map_or(0, |left| left.waiting);
            mailbox.bytes = left.and_then(|left| left.bytes).unwrap_or(0);
        }
    }
    if mailbox.waiting <= 0 {
        (mailbox.waiting, mailbox.bytes, mailbox.since) = (0, 0, 0);
    }
    if crowded && !bounds.crowded(mailbox.waiting, mailbox.bytes) {
        query("DELETE FROM shares WHERE device = $1").bind(mailbox.device).execute(transaction).await?;
    }
    Ok(())
}
