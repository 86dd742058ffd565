//! A send that its business named, so that it can be repeated when its answer got lost: it is one message all the same.
//!
//! The name is taken in the transaction of the message. Whatever dies when, both are there or neither is.

use std::{collections::HashMap, time::Duration};

use ::store::{StoreError, Timestamp, sql::Transaction};

use super::{
    Accepted, Messages, Recipient,
    send::{Denied, Item},
    store::{self, Key, Used},
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::{AppId, MessageId},
    numbers::Number,
    sealing::BusinessKey,
};

/// How long a name holds.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Names that are forgotten together.
const BATCH: i64 = 1000;

/// What names a send: only MACs under the business's key, since a name or a request may say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Whose name it is.
    pub(super) app: AppId,
    pub(super) key: [u8; 32],
    pub(super) request: [u8; 32],
}

impl Once {
    /// A name that an app gives, and the request that it gives it to.
    #[must_use]
    pub fn new(key: &BusinessKey, app: AppId, name: &[u8], request: &[u8]) -> Self {
        Self { app, key: key.name("idempotency key", name), request: key.name("idempotent request", request) }
    }
}

/// The names that a batch of messages has.
pub(super) struct Names {
    used: HashMap<Key, Used>,
    refused: HashMap<Key, Denied>,
}

impl Names {
    /// Takes them, as far as they are free.
    pub(super) async fn take(transaction: &mut Transaction, items: &[Item]) -> Result<Self, StoreError> {
        let mut wanted = HashMap::new();
        for item in items {
            if let Some((key, once)) = item.named() {
                let new = &item.new;
                wanted.entry(key).or_insert((once.request, new.name, new.person, new.at));
            }
        }
        Ok(Self { used: store::take_names(transaction, &wanted).await?, refused: HashMap::new() })
    }

    /// What became of the message that has this one's name, if that is another one.
    pub(super) fn earlier(&self, item: &Item) -> Option<Result<Used, Denied>> {
        let (key, once) = item.named()?;
        let used = self.used.get(&key).filter(|used| used.name != item.new.name)?;
        Some(match self.refused.get(&key) {
            _ if used.request != once.request => Err(Code::ParameterInvalid.into()),
            Some(denied) => Err(*denied),
            None => Ok(*used),
        })
    }

    /// This one was not taken: its name is free again.
    pub(super) fn refuse(&mut self, item: &Item, denied: Denied) {
        if let Some((key, _)) = item.named() {
            self.refused.insert(key, denied);
        }
    }

    /// Gives back the names of what was not taken.
    pub(super) async fn settle(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let keys: Vec<Key> = self.refused.into_keys().collect();
        store::give_back(transaction, &keys).await
    }
}

impl Messages {
    /// The message that was sent by the same request under the same name, if there is one.
    ///
    /// # Errors
    /// `Refused` if the name was used for another request; those of the gate and of the database.
    pub async fn sent_once(
        &self,
        number: &Number,
        once: &Once,
        to: &Recipient,
    ) -> Result<Option<Accepted>, HostError> {
        let since = Timestamp(self.ground.now().0 - i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX));
        let used = store::used(&mut self.ground.reader().await?, number.id, once, since).await?;
        match used {
            None => Ok(None),
            Some(used) if used.request != once.request => Err(other_request()),
            Some(used) => self.accepted(number, used, to).await.map(Some),
        }
    }

    /// What was answered then.
    pub(super) async fn accepted(
        &self,
        number: &Number,
        used: Used,
        to: &Recipient,
    ) -> Result<Accepted, HostError> {
        let people = self.people.of_ids(number.business, &[used.person]).await?;
        let known = people.get(&used.person).ok_or(HostError::NotFound("person"))?;
        let mut profile = known.profile();
        if let Recipient::Number(asked) = to {
            profile.wa_id = Some(asked.as_str().trim_start_matches('+').to_owned());
        }
        Ok(Accepted { id: MessageId::from_parts(number.id, used.name), to: profile })
    }

    /// Forgets names of sends that hold no longer.
    pub(super) async fn forget_names(&self) -> Result<(), HostError> {
        let before = Timestamp(self.ground.now().0 - i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX));
        loop {
            let written = self.ground.write(0, move |transaction| {
                Box::pin(async move { Ok(store::forget_names(transaction, before, BATCH).await?) })
            });
            if written.await? < BATCH.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

pub(super) fn other_request() -> HostError {
    let why = "Idempotency-Key: it was used for another request within the last 24 hours";
    Refusal::new(Code::ParameterInvalid, why).into()
}
