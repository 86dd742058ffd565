//! What is told to the business's software.

use std::fmt;

use ::store::{Timestamp, sql::Transaction};
use async_trait::async_trait;

use crate::{
    HostError,
    content::{Inbound, Profile, StatusUpdate},
    ids::{BusinessId, NumberId, WabaId},
    webhooks::{self, About, Field, NewEvent, Webhooks, render},
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
    /// Names it: the same again is not told twice.
    pub unique: String,
    /// What webhooks say of it; none if they say nothing.
    pub event: Option<NewEvent>,
}

/// Where what happened goes.
#[async_trait]
pub trait Outlet: Send + Sync + fmt::Debug {
    /// Seals what there is to say. `unique` names it.
    ///
    /// # Errors
    /// Those of sealing.
    async fn seal(
        &self,
        business: BusinessId,
        unique: String,
        happened: &Happened,
    ) -> Result<Prepared, HostError>;

    /// Writes events in the transaction of what they tell of.
    ///
    /// # Errors
    /// Those of the database.
    async fn add(&self, transaction: &mut Transaction, events: Vec<Prepared>) -> Result<(), HostError>;

    /// They are committed.
    async fn wake(&self);
}

#[async_trait]
impl Outlet for Webhooks {
    async fn seal(
        &self,
        business: BusinessId,
        unique: String,
        happened: &Happened,
    ) -> Result<Prepared, HostError> {
        let (waba, number, person, field, value) = match happened {
            Happened::Message(inbound) => (
                inbound.waba,
                inbound.number,
                inbound.from.user_id.clone(),
                Field::Messages,
                Some(render::message(inbound)),
            ),
            Happened::Status(update) => (
                update.waba,
                update.number,
                update.to.user_id.clone(),
                Field::Messages,
                render::status(update),
            ),
            Happened::Marketing { waba, number, display_number, from, at, stopped } => (
                *waba,
                *number,
                from.user_id.clone(),
                Field::UserPreferences,
                Some(render::user_preference((display_number, *number), from, *stopped, *at)),
            ),
        };
        let Some(value) = value else { return Ok(Prepared { unique, event: None }) };
        let about = About {
            business,
            waba,
            number: Some(number),
            person: Some(person),
            field,
            unique: unique.clone(),
        };
        Ok(Prepared { unique, event: Some(Self::seal(self, about, &value).await?) })
    }

    async fn add(&self, transaction: &mut Transaction, events: Vec<Prepared>) -> Result<(), HostError> {
        let events: Vec<_> = events.into_iter().filter_map(|prepared| prepared.event).collect();
        if events.is_empty() { Ok(()) } else { webhooks::add(transaction, events).await }
    }

    async fn wake(&self) {
        Self::wake(self).await;
    }
}
