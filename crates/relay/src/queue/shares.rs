//! How much a mailbox takes, and how much of one sender.
//!
//! No account fills a mailbox for all others: half of it is for whoever comes, and of the other half each has a share
//! ([`Bounds`]). Only while a mailbox is so full does `shares` count, under numbers that name nobody.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use store::{
    StoreError,
    sql::{Transaction, migrations::Migration, query},
};
use wire::frames::Envelope;

use super::{
    arrivals::{Known, Mailboxes},
    store::Change,
};

/// Kept by `store`'s module.
pub(super) const TABLE: Migration = Migration::new(
    "what each sender has in the second half of a mailbox",
    "CREATE TABLE shares (
            device {integer} NOT NULL,
            sender {integer} NOT NULL,
            waiting {integer} NOT NULL,
            bytes {integer} NOT NULL,
            PRIMARY KEY (device, sender)
        ) {options};",
);

store::row! {
    /// What one sender has in the second half of a mailbox.
    pub(super) struct Share from "shares" { device: i64, sender: i64, waiting: i64, bytes: i64 }
}

impl Share {
    /// One more, of this length.
    pub(super) const fn count(&mut self, length: i64) {
        self.waiting += 1;
        self.bytes += length;
    }
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
    pub(super) const fn crowded(self, mailbox: &Known) -> bool {
        self.would_be_crowded(mailbox, 0, 0)
    }

    const fn would_be_crowded(self, mailbox: &Known, more: i64, bytes: i64) -> bool {
        mailbox.waiting().saturating_add(more) >= self.envelopes / 2
            || mailbox.bytes().saturating_add(bytes) >= self.bytes / 2
    }

    /// Whether a mailbox takes one more envelope of this length.
    pub(super) const fn has_room(self, mailbox: &Known, length: i64) -> bool {
        mailbox.waiting() < self.envelopes && mailbox.bytes().saturating_add(length) <= self.bytes
    }

    /// Whether a sender's share does: an eighth of all, and one envelope at least.
    pub(super) const fn has_share(self, share: &Share, length: i64) -> bool {
        share.waiting == 0
            || share.waiting < self.envelopes / 8 && share.bytes.saturating_add(length) <= self.bytes / 8
    }
}

/// Bytes that it counts as.
pub(super) fn length(envelope: &Bytes) -> i64 {
    i64::try_from(envelope.len()).unwrap_or(i64::MAX)
}

/// Stands for the sender of an envelope in the shares of one device.
pub(super) fn sender(device: i64, envelope: &Bytes) -> i64 {
    let from = Envelope::decode(envelope.clone()).unwrap_or_default().from;
    let digest = Sha256::new().chain_update(device.to_be_bytes()).chain_update(from).finalize();
    digest.first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
}

/// The shares of all who append to a mailbox that is crowded or may be before the last of `items`. As a rule there is
/// none, and nothing is asked.
pub(super) async fn of(
    transaction: &mut Transaction,
    bounds: Bounds,
    mailboxes: &Mailboxes,
    items: &[Change],
) -> Result<BTreeMap<(i64, i64), Share>, StoreError> {
    let appended = items.iter().filter_map(|item| match item {
        Change::Append { device, envelope, .. } => Some((device.0, envelope)),
        _ => None,
    });
    let more = appended
        .clone()
        .fold((0, 0), |(count, bytes), (_, envelope)| (count + 1, length(envelope).saturating_add(bytes)));
    let crowded = |mailbox: &Known| bounds.would_be_crowded(mailbox, more.0, more.1);
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

/// Keeps what they count.
pub(super) async fn save(
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
