//! The log of what was read, and of who was let do so: hash-chained per business, so that nothing can be removed, changed or
//! moved unnoticed.
//!
//! An entry's hash covers the hash before it and everything the entry says. A business downloads the entries as lines of
//! JSON and checks them with [`verify`], which needs nothing else: they must count from 1 without a gap, and each must
//! follow from the one before it. What was cut off at the end shows against a [`Head`] noted earlier: a business that
//! keeps the head of each download knows that the next one contains it.

use std::collections::BTreeMap;

use ::store::{StoreError, Timestamp, sql::Transaction, writer::Lane};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::store;
use crate::ids::BusinessId;

/// What the first entry follows.
pub const BEGINNING: [u8; 32] = [0; 32];

/// Something was read, or was not allowed to be; or it was decided what may be.
#[derive(Debug, Clone)]
pub(super) struct NewEntry {
    pub(super) at: Timestamp,
    pub(super) purpose: &'static str,
    pub(super) reader: String,
    pub(super) subject: &'static str,
    pub(super) names: Vec<String>,
    pub(super) refused: bool,
}

/// An entry, as the business gets it: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// When: milliseconds since 1970.
    pub at: i64,
    /// Why: a purpose; of decisions [`DECIDE`](super::DECIDE).
    pub purpose: String,
    /// Who.
    pub reader: String,
    /// What kind of thing was read, or what was decided.
    pub subject: String,
    /// Which.
    pub names: Vec<String>,
    /// Whether it was refused, so that nothing was read.
    pub refused: bool,
    /// SHA-256 over the hash before and all of this, in hexadecimal.
    pub hash: String,
}

/// The end of a log at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many entries there are.
    pub seq: u64,
    /// The hash of the last.
    pub hash: String,
}

/// Where a log is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line is no entry.
    #[error("line {line} is no entry: {reason}")]
    Unreadable {
        /// Counted from 1.
        line: usize,
        /// Why not.
        reason: String,
    },
    /// Entries are missing, doubled or moved.
    #[error("entry {expected} is missing: {found} stands in its place")]
    Gap {
        /// Which should be there.
        expected: u64,
        /// Which is.
        found: u64,
    },
    /// An entry was changed, or one before it.
    #[error("entry {0} was changed, or does not follow the one before it")]
    Changed(u64),
    /// The log does not contain the head that was noted before.
    #[error("the log does not contain the entry {0} that was noted before")]
    Forked(u64),
}

impl Entry {
    fn digest(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new().chain_update(b"Tradepost reading log v1").chain_update(before);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at.to_be_bytes());
        // Lengths in front: no two entries have the same bytes.
        let texts = [&self.purpose, &self.reader, &self.subject];
        for text in texts.into_iter().chain(&self.names) {
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update([u8::from(self.refused)]);
        hasher.finalize().into()
    }
}

/// Checks a downloaded log: all lines from its first entry, and that it contains `noted`, the head of an earlier
/// download, if there was one. The head that it has now.
///
/// # Errors
/// The first place where it is broken.
pub fn verify<'a>(lines: impl IntoIterator<Item = &'a str>, noted: Option<&Head>) -> Result<Head, Broken> {
    let mut checking = Checking::against(noted.cloned());
    for line in lines {
        checking.line(line)?;
    }
    checking.end()
}

/// A check that goes line by line, for logs that do not fit into memory.
#[derive(Debug, Clone)]
pub struct Checking {
    seq: u64,
    hash: [u8; 32],
    lines: usize,
    noted: Option<Head>,
    found: bool,
}

impl Default for Checking {
    fn default() -> Self {
        Self { seq: 0, hash: BEGINNING, lines: 0, noted: None, found: false }
    }
}

impl Checking {
    /// Looks out for the head of an earlier download.
    #[must_use]
    pub fn against(noted: Option<Head>) -> Self {
        Self { noted, ..Self::default() }
    }

    /// Takes the next line; empty ones do not count.
    ///
    /// # Errors
    /// Where it is broken.
    pub fn line(&mut self, line: &str) -> Result<(), Broken> {
        self.lines += 1;
        if line.trim().is_empty() {
            return Ok(());
        }
        let entry: Entry = serde_json::from_str(line)
            .map_err(|error| Broken::Unreadable { line: self.lines, reason: error.to_string() })?;
        let expected = self.seq + 1;
        if entry.seq != expected {
            return Err(Broken::Gap { expected, found: entry.seq });
        }
        let digest = entry.digest(&self.hash);
        if hex(&digest) != entry.hash {
            return Err(Broken::Changed(entry.seq));
        }
        (self.seq, self.hash) = (expected, digest);
        if let Some(noted) = &self.noted
            && noted.seq == self.seq
        {
            if noted.hash != entry.hash {
                return Err(Broken::Forked(noted.seq));
            }
            self.found = true;
        }
        Ok(())
    }

    /// All lines were taken.
    ///
    /// # Errors
    /// `Forked` if the noted head was not among them.
    pub fn end(self) -> Result<Head, Broken> {
        if let Some(noted) = self.noted.filter(|noted| noted.seq > 0 && !self.found) {
            return Err(Broken::Forked(noted.seq));
        }
        Ok(Head { seq: self.seq, hash: hex(&self.hash) })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Appends to the log of a business, in the transaction of what it says.
pub(super) async fn append(
    transaction: &mut Transaction,
    business: BusinessId,
    entries: &[&NewEntry],
) -> Result<(), StoreError> {
    let (mut seq, mut hash) = store::head(transaction, business).await?;
    let mut rows = Vec::with_capacity(entries.len());
    for new in entries {
        seq += 1;
        let mut entry = Entry {
            seq,
            at: new.at.0,
            purpose: new.purpose.to_owned(),
            reader: new.reader.clone(),
            subject: new.subject.to_owned(),
            names: new.names.clone(),
            refused: new.refused,
            hash: String::new(),
        };
        hash = entry.digest(&hash);
        entry.hash = hex(&hash);
        rows.push((entry, hash));
    }
    store::append(transaction, business, &rows).await?;
    store::set_head(transaction, business, seq, hash).await
}

/// What a reading adds to the log of a business.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) business: BusinessId,
    pub(super) entries: Vec<NewEntry>,
}

/// Appends to the logs of businesses.
#[derive(Debug)]
pub(super) struct Log;

impl Lane for Log {
    type Item = Item;
    type Output = ();

    async fn apply(&self, transaction: &mut Transaction, items: &[Item]) -> Result<Vec<()>, StoreError> {
        let mut by_business: BTreeMap<BusinessId, Vec<&NewEntry>> = BTreeMap::new();
        for item in items {
            by_business.entry(item.business).or_default().extend(&item.entries);
        }
        for (business, entries) in by_business {
            append(transaction, business, &entries).await?;
        }
        Ok(items.iter().map(|_| ()).collect())
    }

    fn key(&self, item: &Item) -> u64 {
        item.business.get()
    }
}
