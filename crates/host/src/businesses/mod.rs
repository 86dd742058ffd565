//! The businesses on this host.

mod approval;
mod arrivals;
mod store;

use std::sync::Arc;

use ::store::Timestamp;
pub use wire::api::{BusinessState, HostingMode};

pub use self::approval::Approvals;
pub(crate) use self::store::MIGRATIONS;
use crate::{
    HostError,
    ground::{Ground, Recent},
    ids::{BusinessId, WabaId},
    purposes::{Access, Gate, Purpose, Subject, SubjectKind},
    sealing::Keys,
};

/// A business on this host. Nothing of it is secret: customers see most of it in the label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Business {
    /// Its id: the API's portfolio.
    pub id: BusinessId,
    /// Its one account.
    pub waba: WabaId,
    /// Its id at the relay.
    pub relay_id: wire::BusinessId,
    /// What it calls itself.
    pub name: String,
    /// As it is registered.
    pub legal_name: String,
    /// ISO 3166, two capital letters.
    pub country: String,
    /// ISO 4217, three capital letters.
    pub currency: String,
    /// The API's number of a time zone; `1` for UTC−8, as there.
    pub timezone_id: String,
    /// How far its approval is, as the relay said last.
    pub state: BusinessState,
    /// Who hosts it.
    pub mode: HostingMode,
    /// The vendor's or operator's name; empty if it hosts itself.
    pub host_name: String,
    /// When it came to this host.
    pub created: Timestamp,
    /// Why its programs are refused, if they are: a decision of who runs this host.
    pub suspended: Option<String>,
}

/// A business that comes to this host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of Business")]
pub struct NewBusiness {
    pub relay_id: wire::BusinessId,
    pub name: String,
    pub legal_name: String,
    pub country: String,
    pub currency: String,
    pub timezone_id: String,
    pub state: BusinessState,
    pub mode: HostingMode,
    pub host_name: String,
}

/// What there is of businesses.
#[derive(Debug)]
pub struct Businesses {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    gate: Arc<Gate>,
    recent: Recent<BusinessId, Arc<Business>>,
}

impl Businesses {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>, gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self { recent: Recent::new(10_000), ground, keys, gate })
    }

    /// Takes a business in, with a key of its own. The same business again is the one that is there.
    ///
    /// # Errors
    /// `Invalid` for what does not fit; those of the database.
    pub async fn create(&self, new: NewBusiness) -> Result<Arc<Business>, HostError> {
        sure(capitals(&new.country, 2), "country", "two capital letters")?;
        valid_currency(&new.currency)?;
        sure((1..=300).contains(&new.name.len()), "name", "from 1 to 300 bytes")?;
        sure(new.legal_name.len() <= 800, "legal_name", "at most 800 bytes")?;
        valid_timezone(&new.timezone_id)?;
        if let Some(found) = store::by_relay_id(&mut self.ground.reader().await?, new.relay_id).await? {
            // It has had a key since before it was here.
            return Ok(Arc::new(found));
        }
        let business = Business {
            id: BusinessId::random(&*self.ground.entropy),
            waba: WabaId::random(&*self.ground.entropy),
            relay_id: new.relay_id,
            name: new.name,
            legal_name: new.legal_name,
            country: new.country,
            currency: new.currency,
            timezone_id: new.timezone_id,
            state: new.state,
            mode: new.mode,
            host_name: new.host_name,
            created: self.ground.now(),
            suspended: None,
        };
        // The key first: a business without one could store nothing.
        self.keys.create(business.id).await?;
        let (row, id) = (business.clone(), business.id);
        let written = self.ground.write(id.get(), move |transaction| {
            let row = row.clone();
            Box::pin(async move { Ok(store::insert(transaction, &row).await?) })
        });
        if written.await? {
            return Ok(Arc::new(business));
        }
        // Somebody else was faster, and nothing is under this key.
        self.keys.erase(id).await?;
        let found = store::by_relay_id(&mut self.ground.reader().await?, business.relay_id).await?;
        found.map(Arc::new).ok_or(HostError::Conflict("the business was erased meanwhile"))
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn get(&self, id: BusinessId) -> Result<Arc<Business>, HostError> {
        if let Some(known) = self.recent.get(&id, self.ground.now()) {
            return Ok(known);
        }
        let found = store::by_id(&mut self.ground.reader().await?, id).await?;
        self.keep(found)
    }

    /// Whose account this is.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn of_waba(&self, waba: WabaId) -> Result<Arc<Business>, HostError> {
        let found = store::by_waba(&mut self.ground.reader().await?, waba).await?;
        self.keep(found)
    }

    /// The one that the relay knows under this id, if it is here.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_relay(&self, id: wire::BusinessId) -> Result<Option<Business>, HostError> {
        Ok(store::by_relay_id(&mut self.ground.reader().await?, id).await?)
    }

    /// All of them after this one, in the order of their ids.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, after: Option<BusinessId>, limit: u32) -> Result<Vec<Business>, HostError> {
        Ok(store::list(&mut self.ground.reader().await?, after, limit).await?)
    }

    /// Forgets what is in memory of a business: it was changed.
    pub fn forget(&self, id: BusinessId) {
        self.recent.forget(&id);
    }

    /// Forgets all businesses that are in memory.
    pub fn forget_all(&self) {
        self.recent.forget_all();
    }

    /// Erases a business: its keys first, with which everything of it is unreadable at once, here and in backups; then its
    /// row. What else is stored of it goes with [`crate::messages::Messages::sweep`]. The log of what was read stays.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn erase(&self, id: BusinessId) -> Result<(), HostError> {
        let access = Access::by("erasure of the business", id, Purpose::Export);
        let subject = Subject { kind: SubjectKind::Chat, names: vec!["all".to_owned()] };
        self.gate.receive(&access, subject, ()).await?;
        self.keys.erase(id).await?;
        let written = self.ground.write(id.get(), move |transaction| {
            Box::pin(async move { Ok(store::erase(transaction, id).await?) })
        });
        written.await?;
        self.forget(id);
        self.gate.forget(id);
        self.ground.changed(id).await;
        Ok(())
    }

    fn keep(&self, found: Option<Business>) -> Result<Arc<Business>, HostError> {
        let found = Arc::new(found.ok_or(HostError::NotFound("business"))?);
        self.recent.keep(found.id, found.clone(), self.ground.now());
        Ok(found)
    }
}

fn sure(good: bool, field: &'static str, reason: &'static str) -> Result<(), HostError> {
    if good { Ok(()) } else { Err(HostError::invalid(field, reason)) }
}

fn capitals(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether this can be a business's currency.
pub(crate) fn valid_currency(text: &str) -> Result<(), HostError> {
    sure(capitals(text, 3), "currency", "three capital letters")
}

/// Whether this can be a business's time zone.
pub(crate) fn valid_timezone(text: &str) -> Result<(), HostError> {
    sure((1..=64).contains(&text.len()), "timezone_id", "from 1 to 64 bytes")
}
