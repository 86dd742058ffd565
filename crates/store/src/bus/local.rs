//! The bus of a server that is one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Bus, Mailbox, Subject, Subscription};
use crate::StoreError;

/// Signals within this process. Clones are the same bus.
#[derive(Debug, Clone)]
pub struct LocalBus {
    mailboxes: Arc<Mailboxes>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Mailboxes(Mutex<HashMap<Subject, Vec<Arc<Mailbox>>>>);

impl LocalBus {
    /// A bus that keeps `capacity` signals for each subscriber.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { mailboxes: Arc::default(), capacity }
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, subject: &Subject, message: Bytes) -> Result<(), StoreError> {
        for mailbox in self.mailboxes.lock().get(subject).into_iter().flatten() {
            mailbox.put(message.clone());
        }
        Ok(())
    }

    async fn subscribe(&self, subject: &Subject) -> Result<Subscription, StoreError> {
        let mailbox = Arc::new(Mailbox::new(self.capacity));
        self.mailboxes.lock().entry(subject.clone()).or_default().push(mailbox.clone());
        let entry =
            Entry { mailboxes: self.mailboxes.clone(), subject: subject.clone(), mailbox: mailbox.clone() };
        Ok(Subscription { mailbox, _feed: Box::new(entry) })
    }
}

impl Mailboxes {
    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, Vec<Arc<Mailbox>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscriber's place among the others; gone with the subscription.
struct Entry {
    mailboxes: Arc<Mailboxes>,
    subject: Subject,
    mailbox: Arc<Mailbox>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut mailboxes = self.mailboxes.lock();
        if let Some(present) = mailboxes.get_mut(&self.subject) {
            present.retain(|mailbox| !Arc::ptr_eq(mailbox, &self.mailbox));
            if present.is_empty() {
                mailboxes.remove(&self.subject);
            }
        }
    }
}
