//! What happens on a device, as it happens.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use wire::{AccountId, DeviceId};

use crate::{LabelState, Menu, Message, MessageRef, State};

/// What happened. Everything but [`Event::Typing`], [`Event::Connection`] and [`Event::Drained`] is in the vault before
/// it is told.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A message came, or another own device sent one.
    Message {
        /// The message.
        message: Box<Message>,
    },
    /// A message was edited, taken back or reacted to.
    Changed {
        /// As it is now.
        message: Box<Message>,
    },
    /// An own message has come further.
    State {
        /// With whom.
        chat: AccountId,
        /// Which message.
        message: MessageRef,
        /// How far.
        #[serde(flatten)]
        state: State,
    },
    /// Another own device has shown messages.
    ReadElsewhere {
        /// Which.
        messages: Vec<MessageRef>,
    },
    /// Messages disappeared.
    Disappeared {
        /// Which.
        messages: Vec<MessageRef>,
    },
    /// Somebody types, or stopped.
    Typing {
        /// Who.
        account: AccountId,
        /// On which device.
        device: DeviceId,
        /// Whether they stopped.
        stopped: bool,
    },
    /// The identity key of an account changed. What is sent to it waits, if `held`.
    IdentityChanged {
        /// Whose.
        account: AccountId,
        /// Whether [`Device::accept_identity`](crate::Device::accept_identity) is waited for.
        held: bool,
    },
    /// A message cannot be read. It was asked for again, if `asked`.
    Undecryptable {
        /// From whom.
        account: AccountId,
        /// From which device.
        device: DeviceId,
        /// When it was sent.
        timestamp: u64,
        /// Whether it was asked for again.
        asked: bool,
    },
    /// Something came into the feed, of a device that keeps no history ([`Device::feed`](crate::Device::feed)). Messages,
    /// changes, states and changed identities are told in no other way then.
    Feed {
        /// The position of the last of it.
        through: u64,
    },
    /// The label of a business is the first, or another one than before, or something is wrong with it. What is sent to it
    /// waits until [`Device::label_shown`](crate::Device::label_shown).
    Label {
        /// Whose.
        account: AccountId,
        /// How it is now.
        #[serde(flatten)]
        state: LabelState,
    },
    /// A contact's name, profile or block changed, here or on another own device.
    Contact {
        /// Who.
        account: AccountId,
    },
    /// A business offers something else in front of its chat than before ([`Device::menu`](crate::Device::menu)).
    Menu {
        /// Which business.
        account: AccountId,
        /// What it offers now.
        menu: Menu,
    },
    /// The connection to the relay.
    Connection {
        /// How it is.
        #[serde(flatten)]
        connection: Connection,
    },
    /// All that waited at the relay has come.
    Drained,
}

/// How the connection to the relay is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "connection", rename_all = "snake_case")]
pub enum Connection {
    /// There.
    Online,
    /// Not there; tried again after this time.
    Offline {
        /// Milliseconds.
        retry_in_ms: u64,
    },
    /// Taken over by a newer socket of the same device; not tried again.
    Replaced,
    /// The device was removed or its account deleted; not tried again.
    Removed,
}

/// Events wait here for their reader until there are this many; then nothing more is read from the relay.
const ROOM: usize = 1024;

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Event>>,
    filled: Notify,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads what happens from when it was made. While it lives it must be read: when much waits, receiving stops.
pub struct Events {
    queue: Arc<Queue>,
    emptied: Arc<Notify>,
}

impl Events {
    /// The next event.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            self.queue.filled.notified().await;
        }
    }

    /// The next event, if one waits.
    pub fn try_next(&mut self) -> Option<Event> {
        let event = self.queue.waiting().pop_front();
        if event.is_some() {
            self.emptied.notify_one();
        }
        event
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.emptied.notify_one();
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// All readers of a device's events.
#[derive(Default)]
pub(crate) struct Readers {
    queues: Mutex<Vec<Weak<Queue>>>,
    emptied: Arc<Notify>,
}

impl Readers {
    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::new(Queue::default());
        self.queues().push(Arc::downgrade(&queue));
        Events { queue, emptied: Arc::clone(&self.emptied) }
    }

    /// Hands an event to every reader. Never waits: a reader that calls the device itself would wait for itself.
    pub(crate) fn tell(&self, event: &Event) {
        self.queues().retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            queue.waiting().push_back(event.clone());
            queue.filled.notify_one();
            true
        });
    }

    /// Returns when every reader has room.
    pub(crate) async fn room(&self) {
        while self.queues().iter().filter_map(Weak::upgrade).any(|queue| queue.waiting().len() >= ROOM) {
            self.emptied.notified().await;
        }
    }

    fn queues(&self) -> MutexGuard<'_, Vec<Weak<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
