//! The operator: health and figures, what businesses and vendors may, and a trail of what was decided.

pub mod audit;
mod reviews;
pub mod routes;
pub(crate) mod store;
mod token;
mod vendors;

use std::sync::Arc;

use ::store::{Timestamp, sql::Transaction};
use wire::{Credential, Party, api};

pub use self::token::FILE as TOKEN_FILE;
pub(crate) use self::{
    audit::{Event, Who, append},
    store::MIGRATIONS,
    token::ensure as ensure_token,
};
use crate::{
    RelayError,
    businesses::Businesses,
    devices,
    ground::{Ground, shard_of},
    hosting,
    labels::Labels,
    queue::Queue,
};

/// The zeros that the operator's own host credential has in the place of an id.
pub(crate) const NOBODY: [u8; 16] = [0; 16];

/// Decides about businesses and vendors.
#[derive(Debug)]
pub struct Office {
    ground: Arc<Ground>,
    businesses: Arc<Businesses>,
    labels: Arc<Labels>,
    queue: Arc<Queue>,
}

impl Office {
    /// On this ground.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        businesses: Arc<Businesses>,
        labels: Arc<Labels>,
        queue: Arc<Queue>,
    ) -> Arc<Self> {
        Arc::new(Self { ground, businesses, labels, queue })
    }

    /// A new host credential for the operator; the one before it is void. Devices that were registered with it stay.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn host_credential(&self) -> Result<api::CredentialMade, RelayError> {
        let (secret, hash) = devices::mint(&self.ground);
        let now = self.ground.now();
        let written = self.ground.write(shard_of(&NOBODY), move |transaction| {
            Box::pin(async move {
                hosting::set_operator_hash(transaction, hash).await?;
                remember(transaction, Who::Operator, "operator_credential_made", String::new(), now).await
            })
        });
        written.await?;
        Ok(api::CredentialMade { credential: Credential { party: Party::OperatorHost, secret }.expose() })
    }

    /// Makes a new label key, certified by the one before it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rotate_label_key(&self) -> Result<api::LabelKey, RelayError> {
        self.labels.rotate().await
    }

    /// A page of the trail: what follows an entry.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn trail(&self, after: u64) -> Result<api::AuditTrail, RelayError> {
        const PAGE: usize = 1000;
        let after = i64::try_from(after).map_err(|_| RelayError::field("after", "no such number"))?;
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        let mut rows = store::entries(&mut self.ground.reader().await?, after, limit).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let entries = rows.into_iter().map(|row| api::AuditEntry {
            number: number(row.number),
            at: number(row.at.0),
            who: row.who,
            what: row.what,
            subject: row.subject,
            before: row.was,
            after: row.became,
            hash: row.hash.to_vec().into(),
        });
        Ok(api::AuditTrail { entries: entries.collect(), more })
    }
}

/// Adds an entry that says nothing of before and after.
pub(crate) async fn remember(
    transaction: &mut Transaction,
    who: Who,
    what: &'static str,
    subject: String,
    now: Timestamp,
) -> Result<(), RelayError> {
    append(transaction, Event { who, what, subject, before: None, after: None }, now).await
}
