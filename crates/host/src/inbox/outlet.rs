//! What messages tell the business's software is told to who looks, too: when it is committed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ::store::sql::Transaction;
use async_trait::async_trait;
use tokio::task::Id;

use super::{Event, Live};
use crate::{
    HostError,
    ids::BusinessId,
    messages::{Happened, Outlet, Prepared},
};

/// What a task may leave waiting: what is over it is one look at everything.
const WAITING: usize = 1000;

/// What a task has sealed and not woken for.
type Waiting = Vec<(BusinessId, Event)>;

/// Notices what goes by. What a desk seals, commits and then wakes for, it does in one task: by that it is known what is
/// committed when somebody is woken.
#[derive(Debug)]
pub struct Noticing {
    outlet: Arc<dyn Outlet>,
    live: Arc<Live>,
    waiting: Mutex<HashMap<Option<Id>, Waiting>>,
}

impl Noticing {
    /// On the way to this outlet.
    #[must_use]
    pub fn new(outlet: Arc<dyn Outlet>, live: Arc<Live>) -> Arc<Self> {
        Arc::new(Self { outlet, live, waiting: Mutex::default() })
    }
}

#[async_trait]
impl Outlet for Noticing {
    async fn seal(
        &self,
        business: BusinessId,
        unique: String,
        happened: &Happened,
    ) -> Result<Prepared, HostError> {
        let event = match happened {
            Happened::Message(inbound) => Event::message(inbound.id, &inbound.from.user_id),
            Happened::Status(update) => Event::status(update.id, &update.to.user_id),
            Happened::Marketing { number, from, .. } => Event::chat(*number, &from.user_id),
        };
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = waiting.entry(tokio::task::try_id()).or_default();
            if waiting.len() >= WAITING {
                waiting.clear();
                waiting.push((business, Event::Resync {}));
            }
            waiting.push((business, event));
        }
        self.outlet.seal(business, unique, happened).await
    }

    async fn add(&self, transaction: &mut Transaction, events: Vec<Prepared>) -> Result<(), HostError> {
        self.outlet.add(transaction, events).await
    }

    async fn wake(&self) {
        let told = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.remove(&tokio::task::try_id()).unwrap_or_default()
        };
        for (business, event) in told {
            self.live.tell(business, event).await;
        }
        self.outlet.wake().await;
    }
}
