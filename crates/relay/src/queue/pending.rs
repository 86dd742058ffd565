//! A send that was accepted and whose sender waits for the answer.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering::AcqRel},
};

use tokio::sync::oneshot;
use wire::MessageId;

use super::{Refusal, mailbox::Mailbox, recent::RecentIds};

/// Counts the devices that a send is not yet safe for; the last one answers the sender.
#[derive(Debug)]
pub(super) struct Pending {
    open: AtomicUsize,
    failure: Mutex<Option<Refusal>>,
    sender: Sender,
    id: MessageId,
    recent: Arc<RecentIds>,
    key: u128,
}

/// Who waits.
#[derive(Debug)]
pub(super) enum Sender {
    /// The socket with this number of the device with this mailbox.
    Socket(Arc<Mailbox>, u64),
    /// A request.
    Request(Mutex<Option<oneshot::Sender<Result<(), Refusal>>>>),
}

impl Pending {
    /// A send to so many devices. `key` names it in `recent`.
    pub(super) fn new(
        open: usize,
        sender: Sender,
        id: MessageId,
        key: u128,
        recent: Arc<RecentIds>,
    ) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(open), failure: Mutex::new(None), sender, id, recent, key })
    }

    /// For one more device it is durable, or the device has acknowledged it, or that no longer matters.
    ///
    /// Locks the sender's mailbox: call it with no mailbox locked.
    pub(super) fn safe(&self) {
        if self.open.fetch_sub(1, AcqRel) == 1 {
            self.answer();
        }
    }

    /// For one device it failed. As [`safe`](Self::safe), with no mailbox locked.
    pub(super) fn failed(&self, refusal: Refusal) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *failure = Some(match (failure.take(), refusal) {
            (Some(Refusal::Full(mut full)), Refusal::Full(more)) => {
                full.extend(more);
                Refusal::Full(full)
            }
            // The one that asks for more is the answer.
            (Some(Refusal::Unavailable), _) | (_, Refusal::Unavailable) => Refusal::Unavailable,
            (_, refusal) => refusal,
        });
        drop(failure);
        self.safe();
    }

    fn answer(&self) {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if failure.is_none() {
            self.recent.insert(self.key);
        }
        match &self.sender {
            Sender::Socket(mailbox, socket) => match failure {
                None => mailbox.sent(*socket, self.id.as_bytes()),
                Some(refusal) => mailbox.refused(*socket, self.id.as_bytes(), &refusal),
            },
            Sender::Request(reply) => {
                if let Some(reply) = reply.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    // Who no longer waits asks again, with the same id.
                    let _ = reply.send(failure.map_or(Ok(()), Err));
                }
            }
        }
    }
}
