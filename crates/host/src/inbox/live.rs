//! What happens, told as it happens: over the bus to every process, and from there to whoever looks.
//!
//! An event says where to look, and never what was written. The last ones of a business are kept while somebody looks, and
//! some time longer, so that who comes back hears what they missed; who missed more than that is told to read again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::store::{
    Timestamp,
    bus::{Signal, Subject, Subscription},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};

use super::ChatRef;
use crate::{
    ground::Ground,
    ids::{AgentId, BusinessId, MessageId, NumberId, UserId},
};

const SUBJECT: &str = "host.inbox";
/// Events of a business that are kept.
const KEPT: usize = 512;
/// How long they are kept when nobody looks.
const LINGER: Duration = Duration::from_secs(5 * 60);
/// How long until a lost bus is listened to again.
const AGAIN: Duration = Duration::from_secs(1);

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields name what they are")]
pub enum Event {
    /// A message came, or was sent.
    Message { phone_number_id: String, user_id: String, id: String },
    /// A message came further.
    Status { phone_number_id: String, user_id: String, id: String },
    /// How a chat stands.
    Chat { phone_number_id: String, user_id: String },
    /// Something was noted of a chat.
    Note { phone_number_id: String, user_id: String },
    /// Somebody answers, or no longer (0).
    Answering { phone_number_id: String, user_id: String, agent_id: String, until: i64 },
    /// What agents share.
    Changed { what: String },
    /// Something was missed.
    Resync {},
    /// The session is over.
    Ended {},
}

impl Event {
    /// The word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Status { .. } => "status",
            Self::Chat { .. } => "chat",
            Self::Note { .. } => "note",
            Self::Answering { .. } => "answering",
            Self::Changed { .. } => "changed",
            Self::Resync {} => "resync",
            Self::Ended {} => "ended",
        }
    }

    /// Whether it is about chats, and so for those who may see them.
    #[must_use]
    pub const fn is_of_chats(&self) -> bool {
        !matches!(self, Self::Changed { .. } | Self::Resync {} | Self::Ended {})
    }

    pub(super) fn message(id: MessageId, user_id: &UserId) -> Self {
        let (phone_number_id, user_id) = (id.number().to_string(), user_id.to_string());
        Self::Message { phone_number_id, user_id, id: id.to_string() }
    }

    pub(super) fn status(id: MessageId, user_id: &UserId) -> Self {
        let (phone_number_id, user_id) = (id.number().to_string(), user_id.to_string());
        Self::Status { phone_number_id, user_id, id: id.to_string() }
    }

    pub(super) fn chat(number: NumberId, user_id: &UserId) -> Self {
        Self::Chat { phone_number_id: number.to_string(), user_id: user_id.to_string() }
    }

    pub(super) fn note(chat: &ChatRef) -> Self {
        Self::Note { phone_number_id: chat.number.id.to_string(), user_id: chat.user_id.to_string() }
    }

    pub(super) fn answering(chat: &ChatRef, agent: AgentId, until: i64) -> Self {
        let (phone_number_id, user_id) = (chat.number.id.to_string(), chat.user_id.to_string());
        Self::Answering { phone_number_id, user_id, agent_id: agent.to_string(), until }
    }

    pub(crate) fn changed(what: &str) -> Self {
        Self::Changed { what: what.to_owned() }
    }
}

/// As it goes over the bus.
#[derive(Debug, Serialize, Deserialize)]
struct Signalled {
    business: BusinessId,
    #[serde(flatten)]
    event: Event,
}

/// The last events of a business.
#[derive(Debug)]
struct Ring {
    /// Names this ring: what another one, here or elsewhere, said is none of it.
    epoch: String,
    /// The place of the next event.
    next: u64,
    events: VecDeque<(u64, Arc<Event>)>,
    /// Who looks is woken.
    grown: watch::Sender<u64>,
    /// When somebody looked last.
    looked: Timestamp,
}

/// Tells what happens.
#[derive(Debug)]
pub struct Live {
    ground: Arc<Ground>,
    rings: Mutex<HashMap<BusinessId, Ring>>,
}

impl Live {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        Arc::new(Self { ground, rings: Mutex::default() })
    }

    /// Follows until the host goes down. What happens from when this returns on is heard.
    pub async fn follow(self: &Arc<Self>) -> JoinHandle<()> {
        let mut subscription = self.subscribe().await;
        let live = self.clone();
        tokio::spawn(async move {
            let closing = live.ground.closing.clone();
            let following = async {
                loop {
                    match &mut subscription {
                        Some(subscription) => live.hear(subscription).await,
                        None => {
                            tokio::time::sleep(AGAIN).await;
                            subscription = live.subscribe().await;
                            live.missed();
                        }
                    }
                }
            };
            tokio::select! {
                () = closing.cancelled() => {}
                () = following => {}
            }
        })
    }

    async fn subscribe(&self) -> Option<Subscription> {
        self.ground.bus.subscribe(&Subject::new(SUBJECT).ok()?).await.ok()
    }

    async fn hear(&self, subscription: &mut Subscription) {
        match subscription.next().await {
            Signal::Message(bytes) => match serde_json::from_slice::<Signalled>(&bytes) {
                Ok(signalled) => self.keep(signalled.business, signalled.event),
                // A newer process says what this one does not know.
                Err(_) => self.missed(),
            },
            Signal::Lagged => self.missed(),
        }
    }

    /// Tells all processes. If it gets lost, who looks sees it when they look again.
    pub async fn tell(&self, business: BusinessId, event: Event) {
        let Ok(bytes) = serde_json::to_vec(&Signalled { business, event }) else { return };
        let told = match Subject::new(SUBJECT) {
            Ok(subject) => self.ground.bus.publish(&subject, bytes.into()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::debug!(error = &error as &dyn std::error::Error, "who looks was not told");
        }
    }

    fn keep(&self, business: BusinessId, event: Event) {
        let now = self.ground.now();
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ring) = rings.get_mut(&business) else { return };
        if ring.grown.receiver_count() == 0 && ring.looked.after(LINGER) < now {
            rings.remove(&business);
            return;
        }
        ring.push(event);
    }

    /// Nobody knows what was missed.
    fn missed(&self) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        for ring in rings.values_mut() {
            ring.push(Event::Resync {});
        }
    }

    /// What happens from now on; behind the event that was heard last, if that is known here.
    pub fn stream(self: &Arc<Self>, business: BusinessId, last: Option<&str>) -> Stream {
        let now = self.ground.now();
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.retain(|_, ring| ring.grown.receiver_count() > 0 || now <= ring.looked.after(LINGER));
        let ring = rings.entry(business).or_insert_with(|| Ring {
            epoch: self.ground.random_name(),
            next: 1,
            events: VecDeque::new(),
            grown: watch::Sender::new(0),
            looked: now,
        });
        ring.looked = now;
        let known = last.map(|last| ring.place(last));
        // Behind everything, unless it is known where they were.
        let at = known.flatten().unwrap_or(ring.next - 1);
        let missed = known == Some(None);
        Stream {
            live: self.clone(),
            business,
            epoch: ring.epoch.clone(),
            at,
            missed,
            grown: ring.grown.subscribe(),
        }
    }
}

impl Ring {
    fn push(&mut self, event: Event) {
        self.events.push_back((self.next, Arc::new(event)));
        if self.events.len() > KEPT {
            self.events.pop_front();
        }
        self.grown.send_replace(self.next);
        self.next += 1;
    }

    /// Where an id stands, if nothing behind it is gone.
    fn place(&self, id: &str) -> Option<u64> {
        let (epoch, at) = id.split_once('-')?;
        let at: u64 = at.parse().ok()?;
        let oldest = self.events.front().map_or(self.next, |(at, _)| *at);
        (epoch == self.epoch && at < self.next && at + 1 >= oldest).then_some(at)
    }
}

/// Hears what happens in a business.
#[derive(Debug)]
pub struct Stream {
    live: Arc<Live>,
    business: BusinessId,
    epoch: String,
    /// The event that was heard last.
    at: u64,
    missed: bool,
    grown: watch::Receiver<u64>,
}

impl Stream {
    /// The next event and its id. May be given up and called again.
    pub async fn next(&mut self) -> (String, Arc<Event>) {
        loop {
            if self.missed {
                self.missed = false;
                return (self.id(), Arc::new(Event::Resync {}));
            }
            self.grown.borrow_and_update();
            if let Some(event) = self.look() {
                return (self.id(), event);
            }
            if self.missed {
                continue;
            }
            if self.grown.changed().await.is_err() {
                // The ring is gone: nobody was thought to look.
                std::future::pending::<()>().await;
            }
        }
    }

    fn look(&mut self) -> Option<Arc<Event>> {
        let rings = self.live.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.get(&self.business)?;
        let (oldest, _) = ring.events.front()?;
        if self.at + 1 < *oldest {
            // Too slow: what is between is gone.
            self.at = ring.next - 1;
            self.missed = true;
            return None;
        }
        let index = usize::try_from(self.at + 1 - oldest).ok()?;
        let (at, event) = ring.events.get(index)?;
        self.at = *at;
        Some(event.clone())
    }

    /// What names the place behind what was heard.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.epoch, self.at)
    }
}
