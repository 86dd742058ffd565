//! What waits for one subscriber.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::Signal;

/// A bounded queue that forgets everything when it is full: a subscriber that must read again needs no details.
#[derive(Debug)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    lagged: bool,
    messages: VecDeque<Bytes>,
}

impl Mailbox {
    pub(super) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::default(), arrived: Notify::new(), capacity: capacity.max(1) }
    }

    pub(super) fn put(&self, message: Bytes) {
        let mut waiting = self.waiting();
        if waiting.messages.len() < self.capacity {
            waiting.messages.push_back(message);
        } else {
            *waiting = Waiting { lagged: true, messages: VecDeque::new() };
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Something was lost on the way here.
    pub(super) fn lag(&self) {
        *self.waiting() = Waiting { lagged: true, messages: VecDeque::new() };
        self.arrived.notify_one();
    }

    pub(super) async fn next(&self) -> Signal {
        loop {
            if let Some(signal) = self.take() {
                return signal;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<Signal> {
        let mut waiting = self.waiting();
        if std::mem::take(&mut waiting.lagged) {
            return Some(Signal::Lagged);
        }
        waiting.messages.pop_front().map(Signal::Message)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
