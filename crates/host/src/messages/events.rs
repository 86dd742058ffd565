//! What is told to the business's software.

use std::fmt;

use ::store::{StoreError, Timestamp, sql::Transaction};
use async_trait::async_trait;
use serde_json::Value;

use crate::{
    HostError,
    content::{Inbound, Profile, StatusUpdate},
    ids::{NumberId, WabaId},
    sealing::{BusinessKey, Domain, Place, Sealed},
};

/// Something happened that webhooks tell of.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// A message came.
    Message(Box<Inbound>),
    /// A message came further.
    Status(Box<StatusUpdate>),
    /// A person wants no marketing, or wants it again.
    Marketing {
        /// The account.
        waba: WabaId,
        /// The number it was said to.
        number: NumberId,
        /// That number's digits.
        display_number: String,
        /// Who.
        from: Profile,
        /// When.
        at: Timestamp,
        /// Whether they stopped it.
        stopped: bool,
    },
}

/// Something that happened, ready to be written.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The account.
    pub waba: WabaId,
    /// The number, if it is about one.
    pub number: Option<NumberId>,
    /// The webhook's field.
    pub field: &'static str,
    /// Names it: the same again is not told twice.
    pub unique: String,
    /// The value of the webhook as JSON, sealed at [`event_place`].
    pub value: Sealed,
}

/// Where an event's value is sealed: in the domain of messages, under this name.
#[must_use]
pub fn event_place(unique: &str) -> Vec<u8> {
    [b"event\0", unique.as_bytes()].concat()
}

/// Where what happened goes: the webhooks.
#[async_trait]
pub trait Outlet: Send + Sync + fmt::Debug {
    /// The webhook's field and value.
    fn render(&self, happened: &Happened) -> (&'static str, Value);

    /// Writes events in the transaction of what they tell of.
    async fn add(&self, transaction: &mut Transaction, events: Vec<Prepared>) -> Result<(), StoreError>;

    /// They are committed.
    async fn wake(&self);
}

/// For a host without webhooks.
#[derive(Debug, Clone, Copy)]
pub struct NoOutlet;

#[async_trait]
impl Outlet for NoOutlet {
    fn render(&self, _happened: &Happened) -> (&'static str, Value) {
        ("messages", Value::Null)
    }

    async fn add(&self, _transaction: &mut Transaction, _events: Vec<Prepared>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn wake(&self) {}
}

/// Renders and seals.
pub(super) fn prepare(
    outlet: &dyn Outlet,
    key: &BusinessKey,
    nonce: [u8; 12],
    unique: String,
    happened: &Happened,
) -> Result<Prepared, HostError> {
    let (field, value) = outlet.render(happened);
    let plain = serde_json::to_vec(&value).map_err(HostError::internal)?;
    let name = event_place(&unique);
    let value = key.seal(Place { domain: Domain::Message, name: &name }, nonce, &plain)?;
    let (waba, number) = match happened {
        Happened::Message(inbound) => (inbound.waba, inbound.number),
        Happened::Status(update) => (update.waba, update.number),
        Happened::Marketing { waba, number, .. } => (*waba, *number),
    };
    Ok(Prepared { waba, number: Some(number), field, unique, value })
}
