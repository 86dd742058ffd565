//! Businesses: what they apply with, how far their approval is, their numbers, and whom they may write to.
//!
//! draft → submitted → in review → approved or rejected; rejected → submitted; approved → suspended → approved. Every
//! step is in the operator's trail. A business that is not approved may write to its testers only, a suspended one to
//! nobody ([`Reach`]).

mod application;
mod documents;
mod numbers;
mod reach;
pub mod routes;
mod store;

use std::{net::IpAddr, sync::Arc};

use ::store::{Timestamp, sql::Transaction};
use serde::Deserialize;
use wire::{BusinessId, Credential, Party, api};

pub use self::{
    application::{Application, Contact},
    documents::{Documents, Found},
    numbers::Numbers,
    reach::Reach,
};
pub(crate) use self::{
    application::{lines, words},
    numbers::{bind_number, lose_number},
    reach::{reach, whose_tester},
    store::{
        Business, MIGRATIONS, business, credential_hash, hold, hold_number, host_hash, set_host_hash,
        set_hosting,
    },
};
use crate::{
    RelayError,
    devices::{self, since_1970},
    ground::{Ground, shard_of},
    hosting,
    limits::{Buckets, network},
    operator::{Event, Who, append},
    queue::Queue,
};

/// How far a business is.
pub use wire::api::BusinessState as State;

/// How much a business may have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusinessesConfig {
    /// Testers of a business. Default 5.
    pub testers: u32,
    /// Numbers of a business. Default 100.
    pub numbers: u32,
    /// Documents of a business. Default 10.
    pub documents: u32,
    /// Bytes of a document at most. Default 10485760 (10 MiB).
    pub document_bytes: u64,
}

impl Default for BusinessesConfig {
    fn default() -> Self {
        Self { testers: 5, numbers: 100, documents: 10, document_bytes: 10 << 20 }
    }
}

/// Keeps businesses.
#[derive(Debug)]
pub struct Businesses {
    ground: Arc<Ground>,
    queue: Arc<Queue>,
    applications: Buckets<IpAddr>,
    changes: Buckets<BusinessId>,
}

/// A step from one state to another.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) who: Who,
    pub(crate) what: &'static str,
    pub(crate) from: &'static [State],
    pub(crate) to: State,
    pub(crate) reason: Option<String>,
    /// What is said if it is in another state.
    pub(crate) refusal: &'static str,
}

impl Businesses {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, queue: Arc<Queue>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let applications = Buckets::new(limits.applications, limits.remembered, clock.clone());
        let changes = Buckets::new(limits.changes, limits.remembered, clock.clone());
        Arc::new(Self { ground, queue, applications, changes })
    }

    /// Begins a business, with a draft of its application.
    ///
    /// # Errors
    /// `Invalid`, `RateLimited`; those of the database.
    pub async fn begin(
        &self,
        address: IpAddr,
        application: api::Application,
    ) -> Result<api::BusinessMade, RelayError> {
        self.applications.take(&network(address))?;
        let application = Arc::new(Application::parse(application)?);
        let business = BusinessId::from_random(self.ground.random());
        let (secret, hash) = devices::mint(&self.ground);
        let now = self.ground.now();
        let written = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let application = application.clone();
            Box::pin(async move { Ok(store::insert(transaction, business, hash, &application, now).await?) })
        });
        written.await?;
        let credential = Credential { party: Party::Business(business), secret }.expose();
        Ok(api::BusinessMade { business, credential })
    }

    /// Another credential for a business; the one before it is void.
    ///
    /// # Errors
    /// `NotFound`, `RateLimited`; those of the database.
    pub async fn rotate(&self, business: BusinessId) -> Result<api::CredentialMade, RelayError> {
        self.changes.take(&business)?;
        let (secret, hash) = devices::mint(&self.ground);
        let now = self.ground.now();
        let written = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            Box::pin(async move {
                hold(transaction, business).await?.ok_or(RelayError::NotFound)?;
                store::set_credential(transaction, business, hash).await?;
                let (who, what) = (Who::Business, "business_credential_made");
                crate::operator::remember(transaction, who, what, business.to_string(), now).await
            })
        });
        written.await?;
        Ok(api::CredentialMade {
            credential: Credential { party: Party::Business(business), secret }.expose(),
        })
    }

    /// A business with all that belongs to it.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn show(&self, business: BusinessId) -> Result<api::Business, RelayError> {
        let mut reader = self.ground.reader().await?;
        let found = business_row(&mut reader, business).await?;
        let documents = store::documents(&mut reader, business).await?;
        let numbers = store::numbers(&mut reader, business).await?;
        let testers = store::testers(&mut reader, business).await?;
        let hosting = match found.hosting() {
            Some((mode, vendor, since)) => {
                let host_name = match (mode, vendor) {
                    (api::HostingMode::Vendor, Some(vendor)) => {
                        let vendor = crate::operator::store::vendor(&mut reader, vendor).await?;
                        vendor.map(|vendor| vendor.name)
                    }
                    (api::HostingMode::Operator, _) => Some(self.ground.config.operator.name.clone()),
                    _ => None,
                };
                let since = since_1970(since);
                Some(api::Hosting { mode, vendor, host_name, since, credential: None })
            }
            None => None,
        };
        Ok(api::Business {
            business,
            state: found.state(),
            reason: found.reason.clone(),
            application: found.application()?.to_api(),
            documents: documents.into_iter().map(documents::to_api).collect(),
            numbers,
            testers,
            hosting,
            created: since_1970(found.created),
            changed: since_1970(found.changed),
        })
    }

    /// A business, as who hosts it sees it.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` if nobody hosts it; those of the database.
    pub async fn hosted(&self, business: BusinessId) -> Result<api::HostedBusiness, RelayError> {
        let shown = self.show(business).await?;
        let hosting = shown.hosting.ok_or(RelayError::Conflict("nobody hosts the business"))?;
        let api::Application { name, legal_name, country, .. } = shown.application;
        let (state, numbers) = (shown.state, shown.numbers);
        Ok(api::HostedBusiness { business, state, name, legal_name, country, numbers, hosting })
    }

    /// A page of businesses, the latest change first.
    ///
    /// # Errors
    /// `Invalid`; those of the database.
    pub async fn list(
        &self,
        state: Option<State>,
        after: Option<&str>,
    ) -> Result<api::Businesses, RelayError> {
        const PAGE: usize = 100;
        let after = match after {
            None => (Timestamp(i64::MAX), BusinessId::from_bytes([0; 16])),
            Some(text) => cursor(text).ok_or_else(|| RelayError::field("after", "from `next` of a page"))?,
        };
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        let mut rows = store::list(&mut self.ground.reader().await?, state, after, limit).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| more).map(|row| format!("{}_{}", row.changed.0, row.id()));
        let businesses = rows.into_iter().map(|row| api::BusinessSummary {
            business: row.id(),
            state: row.state(),
            name: row.name,
            legal_name: row.legal_name,
            country: row.country,
            changed: since_1970(row.changed),
        });
        Ok(api::Businesses { businesses: businesses.collect(), next })
    }

    /// Replaces the application of a draft, or of what was rejected.
    ///
    /// # Errors
    /// `Invalid`, `Conflict` while the operator has it or has approved it, `RateLimited`; those of the database.
    pub async fn apply(&self, business: BusinessId, application: api::Application) -> Result<(), RelayError> {
        self.changes.take(&business)?;
        let application = Arc::new(Application::parse(application)?);
        let written = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let application = application.clone();
            Box::pin(async move {
                editable(&hold(transaction, business).await?.ok_or(RelayError::NotFound)?)?;
                Ok(store::set_application(transaction, business, &application).await?)
            })
        });
        written.await
    }

    /// Hands the application to the operator.
    ///
    /// # Errors
    /// `Invalid` with the first field that is missing, `Conflict` in any state but draft and rejected, `RateLimited`;
    /// those of the database.
    pub async fn submit(&self, business: BusinessId) -> Result<api::Business, RelayError> {
        self.changes.take(&business)?;
        let change = Change {
            who: Who::Business,
            what: "business_submitted",
            from: &[State::Draft, State::Rejected],
            to: State::Submitted,
            reason: None,
            refusal: "it was submitted already",
        };
        self.change_state(business, change).await?;
        self.show(business).await
    }

    /// Takes a step, and has it remembered. What a business may do changes at once: its sockets open anew.
    pub(crate) async fn change_state(&self, business: BusinessId, change: Change) -> Result<(), RelayError> {
        let now = self.ground.now();
        let written = self.ground.write(shard_of(business.as_bytes()), move |transaction| {
            let change = change.clone();
            Box::pin(async move {
                let found = hold(transaction, business).await?.ok_or(RelayError::NotFound)?;
                if !change.from.contains(&found.state()) {
                    return Err(RelayError::Conflict(change.refusal));
                }
                if change.to == State::Submitted {
                    found.application()?.complete()?;
                    if store::documents(transaction, business).await?.is_empty() {
                        return Err(RelayError::field(
                            "documents",
                            "at least one is needed before it is submitted",
                        ));
                    }
                }
                store::set_state(transaction, business, change.to, change.reason.as_deref(), now).await?;
                let event = Event {
                    who: change.who,
                    what: change.what,
                    subject: business.to_string(),
                    before: Some(stated(found.state(), found.reason.as_deref())),
                    after: Some(stated(change.to, change.reason.as_deref())),
                };
                append(transaction, event, now).await?;
                Ok(hosting::devices_of(transaction, business).await?)
            })
        });
        let devices = written.await?;
        self.queue.renew(&devices);
        Ok(())
    }
}

fn stated(state: State, reason: Option<&str>) -> serde_json::Value {
    match reason {
        Some(reason) => serde_json::json!({ "state": state, "reason": reason }),
        None => serde_json::json!({ "state": state }),
    }
}

async fn business_row(
    reader: &mut ::store::sql::Connection,
    business: BusinessId,
) -> Result<Business, RelayError> {
    self::business(reader, business).await?.ok_or(RelayError::NotFound)
}

/// Whether the application and its documents may change.
fn editable(business: &Business) -> Result<(), RelayError> {
    match business.state() {
        State::Draft | State::Rejected => Ok(()),
        _ => Err(RelayError::Conflict("it was submitted: only a draft and what was rejected can be changed")),
    }
}

fn cursor(text: &str) -> Option<(Timestamp, BusinessId)> {
    let (changed, business) = text.split_once('_')?;
    Some((Timestamp(changed.parse().ok()?), business.parse().ok()?))
}

/// Whether a transaction still finds the business as the caller knew it.
pub(crate) async fn held(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<Business, RelayError> {
    hold(transaction, business).await?.ok_or(RelayError::NotFound)
}
