//! Tells the business's software what happened.
//!
//! - A producer seals what there is to say ([`Webhooks::seal`]) and [`add`]s it in the transaction of what happened: there
//!   it becomes one delivery for each app that is subscribed to the account and the field; then [`Webhooks::wake`].
//! - An app's events go to the callback of the number, else of the account, else of the app.
//! - A callback is held by one process at a time, under a lease. What waits there is sent in the order in which it
//!   happened; what concerns one person one after the other, what concerns others beside it. Callbacks do not wait for
//!   each other: each has a task, requests and pauses of its own.
//! - Only 200 is delivered. A callback that cannot be reached, or says that it is busy, is tried again at once and then
//!   less and less often, and everything waits for it in order; an event that it refuses comes again by itself, and
//!   holds up nothing. After seven days an event is a dead letter, until it is replayed or thirty days have passed.
//! - An event is sent again without such a failure only where a process died, or lost the database, between a request and
//!   the commit of its answer.

pub mod address;
mod callbacks;
mod caller;
mod deliver;
mod field;
mod handshake;
mod held;
pub mod json;
mod load;
mod log;
pub mod render;
mod store;

use std::{collections::BTreeMap, fmt, sync::Arc};

use ::store::{
    Timestamp,
    bus::Subject as Signal,
    sql::{Transaction, Value as Parameter},
};
use async_trait::async_trait;
use zeroize::Zeroizing;

pub(crate) use self::store::MIGRATIONS;
use self::{address::Lookup, caller::Caller};
pub use self::{
    callbacks::Callback,
    deliver::Deliveries,
    field::{Field, UnknownField},
    log::{Attempt, DeadLetter, Delivery, Told},
};
use crate::{
    HostError,
    ground::Ground,
    ids::{AppId, BusinessId, NumberId, UserId, WabaId},
    purposes::Gate,
    sealing::{Domain, Keys, Place, Sealed},
};

/// Bytes of a request at most, with room for its envelope.
const MOST: usize = 3 * 1024 * 1024 - 1024;
/// Bytes of what names an event.
const UNIQUE: usize = 200;

/// An app's secret, which signs what it is told.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Who knows the secrets of apps.
#[async_trait]
pub trait Secrets: Send + Sync + fmt::Debug {
    /// That of this app.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    async fn of(&self, app: AppId) -> Result<Secret, HostError>;
}

/// For what a callback is. The first digit of its id says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Everything of an app that nothing else is for.
    App(AppId),
    /// An account.
    Waba(WabaId),
    /// A number.
    Number(NumberId),
}

impl Target {
    const fn id(self) -> u64 {
        match self {
            Self::App(id) => id.get(),
            Self::Waba(id) => id.get(),
            Self::Number(id) => id.get(),
        }
    }

    fn from_id(id: u64) -> Option<Self> {
        let app = AppId::try_from(id).map(Self::App);
        app.or_else(|_| WabaId::try_from(id).map(Self::Waba))
            .or_else(|_| NumberId::try_from(id).map(Self::Number))
            .ok()
    }
}

impl From<Target> for Parameter {
    fn from(target: Target) -> Self {
        // Sixteen digits always fit.
        target.id().cast_signed().into()
    }
}

/// What an event is about.
#[derive(Debug, Clone)]
pub struct About {
    /// Whose.
    pub business: BusinessId,
    /// The account.
    pub waba: WabaId,
    /// The number, if it concerns one: its own callback is preferred.
    pub number: Option<NumberId>,
    /// The person, if it concerns one: what concerns one person goes in order, and is erased with them.
    pub person: Option<UserId>,
    /// The field.
    pub field: Field,
    /// Its name within the account; at most 200 bytes. The second one of the same name is no event. It stands in the
    /// business's log of what was read: an id, without content.
    pub unique: String,
}

/// Something to be told.
#[derive(Debug, Clone)]
pub struct NewEvent {
    business: BusinessId,
    waba: WabaId,
    number: Option<NumberId>,
    about: Option<UserId>,
    field: Field,
    unique: String,
    value: Sealed,
    at: Timestamp,
}

/// Where an event's value stands.
fn place(waba: WabaId, unique: &str) -> Vec<u8> {
    format!("webhook {waba} {unique}").into_bytes()
}

/// Callbacks, and what they are told.
#[derive(Debug)]
pub struct Webhooks {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    gate: Arc<Gate>,
    secrets: Arc<dyn Secrets>,
    caller: Caller,
}

impl Webhooks {
    /// On this ground. `lookup` is [`address::SystemLookup`] but in tests.
    ///
    /// # Errors
    /// `Internal` if TLS cannot be set up.
    pub fn new(
        ground: Arc<Ground>,
        keys: Arc<Keys>,
        gate: Arc<Gate>,
        secrets: Arc<dyn Secrets>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Arc<Self>, HostError> {
        let caller = Caller::new(&ground.config.webhooks, lookup)?;
        Ok(Arc::new(Self { ground, keys, gate, secrets, caller }))
    }

    /// Seals what there is to say: `value` is what [`render`] makes.
    ///
    /// # Errors
    /// `Invalid` for more than 3 MiB or a name that is too long; `Erased`; those of the database.
    pub async fn seal(&self, about: About, value: &serde_json::Value) -> Result<NewEvent, HostError> {
        let About { business, waba, number, person, field, unique } = about;
        if unique.is_empty() || unique.len() > UNIQUE {
            return Err(HostError::invalid("unique", "from 1 to 200 bytes"));
        }
        let value = Zeroizing::new(json::ascii(value));
        if value.len() > MOST {
            return Err(HostError::invalid("value", "a webhook has at most 3 MiB"));
        }
        let name = place(waba, &unique);
        let value = self.gate.seal(business, Place { domain: Domain::Message, name: &name }, &value).await?;
        Ok(NewEvent { business, waba, number, about: person, field, unique, value, at: self.ground.now() })
    }

    /// Says that events were committed. If it gets lost, polling finds them.
    pub async fn wake(&self) {
        let told = match signal() {
            Ok(signal) => self.ground.bus.publish(&signal, bytes::Bytes::new()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::debug!(error = &error as &dyn std::error::Error, "deliveries were not woken");
        }
    }
}

fn signal() -> Result<Signal, ::store::StoreError> {
    Signal::new("host.webhooks")
}

/// Writes events in the transaction of what happened, once for each name. What nobody is subscribed to is not kept.
///
/// After the commit, [`Webhooks::wake`].
///
/// # Errors
/// Those of the database.
pub async fn add(transaction: &mut Transaction, events: Vec<NewEvent>) -> Result<(), HostError> {
    let mut by_waba: BTreeMap<WabaId, Vec<NewEvent>> = BTreeMap::new();
    for event in events {
        by_waba.entry(event.waba).or_default().push(event);
    }
    for (waba, events) in by_waba {
        let routes = store::routes(transaction, waba).await?;
        let wanted = events.iter().map(|event| (event, callbacks_of(&routes, event)));
        let wanted: BTreeMap<&str, _> = wanted
            .filter(|(_, callbacks)| !callbacks.is_empty())
            .map(|(event, callbacks)| (event.unique.as_str(), (event, callbacks)))
            .collect();
        // In their order, and each name once.
        let mut seen = std::collections::BTreeSet::new();
        let new: Vec<&NewEvent> = events
            .iter()
            .filter(|event| wanted.contains_key(event.unique.as_str()) && seen.insert(event.unique.as_str()))
            .collect();
        let Some(now) = new.first().map(|event| event.at) else { continue };
        let inserted = store::insert_events(transaction, &new, now).await?;
        let deliveries = inserted.iter().flat_map(|row| {
            let callbacks = wanted.get(row.unique_key.as_str()).map(|(_, callbacks)| callbacks);
            callbacks.into_iter().flatten().map(|callback| (*callback, row.id))
        });
        store::insert_deliveries(transaction, deliveries.collect(), now).await?;
    }
    Ok(())
}

/// Deletes what is still to be said about a person, in the transaction of their erasure.
///
/// # Errors
/// Those of the database.
pub async fn erase_person(
    transaction: &mut Transaction,
    business: BusinessId,
    person: &UserId,
) -> Result<(), HostError> {
    Ok(store::erase_person(transaction, business, person).await?)
}

/// Deletes callbacks, subscriptions and everything that is or was to be said for a business that is erased, in the
/// transaction of its erasure. While its apps are still there.
pub(crate) async fn erase_business(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<(), HostError> {
    Ok(store::erase_business(transaction, business).await?)
}

/// For each app that wants the field, the callback that comes first.
fn callbacks_of(routes: &[store::Route], event: &NewEvent) -> Vec<i64> {
    let rank = |target| match target {
        Target::Number(number) if Some(number) == event.number => Some(2),
        Target::Waba(waba) if waba == event.waba => Some(1),
        Target::App(_) => Some(0),
        _ => None,
    };
    let mut best: BTreeMap<AppId, (i32, i64)> = BTreeMap::new();
    for route in routes {
        let wants = route.fields.as_deref();
        // An app that never said which fields, and has a callback for an account or a number only, wants all.
        let wants = wants.is_none_or(|fields| fields.split(',').any(|field| field == event.field.as_str()));
        let Some(rank) = rank(route.target).filter(|_| wants) else { continue };
        let slot = best.entry(route.app).or_insert((rank, route.callback));
        if rank > slot.0 {
            *slot = (rank, route.callback);
        }
    }
    best.into_values().map(|(_, callback)| callback).collect()
}
