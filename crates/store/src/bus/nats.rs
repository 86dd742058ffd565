//! The bus between nodes: core NATS, which forgets what nobody hears. That is all a bus promises.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectError, ConnectErrorKind, Event};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::{task::AbortHandle, time::timeout};

use super::{Bus, BusConfig, Mailbox, Subject, Subscription, way};
use crate::{Location, StoreError};

/// How long the server may take to answer before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Signals by way of NATS servers. It reconnects by itself; since nobody knows what was said meanwhile, all
/// subscribers then hear [`Signal::Lagged`](super::Signal::Lagged).
#[derive(Debug, Clone)]
pub struct NatsBus {
    client: Client,
    subscribers: Arc<Subscribers>,
    prefix: String,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Subscribers(Mutex<Vec<Weak<Mailbox>>>);

impl NatsBus {
    /// Connects to the servers at `location`, commas between them.
    ///
    /// # Errors
    /// `Unavailable` if none answers or the way is not as safe as it must be; `Invalid` for a prefix that is no subject,
    /// for credentials that the server refuses, and for files that are not what they should be.
    pub async fn connect(location: &Location, config: &BusConfig) -> Result<Self, StoreError> {
        Subject::new(&*config.prefix)?;
        let subscribers = Arc::<Subscribers>::default();
        let (told, first) = (subscribers.clone(), AtomicBool::new(true));
        let (options, servers) = way::options(location, config).await?;
        let options = options.connection_timeout(PATIENCE).event_callback(move |event| {
            match event {
                // The first connection comes before anybody listens, but may be told of later.
                Event::Connected if first.swap(false, Ordering::Relaxed) => {}
                Event::Connected | Event::SlowConsumer(_) => told.lag(),
                Event::Disconnected => tracing::warn!("the connection to NATS is lost"),
                _ => {}
            }
            std::future::ready(())
        });
        let client = options.connect(servers).await.map_err(refused)?;
        Ok(Self { client, subscribers, prefix: config.prefix.clone(), capacity: config.capacity })
    }

    fn full(&self, subject: &Subject) -> String {
        format!("{}.{}", self.prefix, subject.as_str())
    }

    /// Waits until the server has done what it was asked to before: a message to ourselves comes after it.
    async fn settled(&self) -> Result<(), StoreError> {
        let inbox = self.client.new_inbox();
        let round = async {
            let mut echo = self.client.subscribe(inbox.clone()).await.map_err(StoreError::unavailable)?;
            self.client.publish(inbox, Bytes::new()).await.map_err(StoreError::unavailable)?;
            echo.next().await.ok_or_else(|| StoreError::unavailable("NATS is closed"))
        };
        timeout(PATIENCE, round).await.map_err(StoreError::unavailable)??;
        Ok(())
    }
}

fn refused(error: ConnectError) -> StoreError {
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            StoreError::Invalid("NATS refuses the credentials".to_owned())
        }
        ConnectErrorKind::ServerParse => StoreError::Invalid(error.to_string()),
        _ => StoreError::unavailable(error),
    }
}

#[async_trait]
impl Bus for NatsBus {
    async fn publish(&self, subject: &Subject, message: Bytes) -> Result<(), StoreError> {
        // While the connection is lost the client keeps some messages, then makes callers wait: they may not.
        if self.client.connection_state() != async_nats::connection::State::Connected {
            return Err(StoreError::unavailable("NATS is not connected"));
        }
        let sent = self.client.publish(self.full(subject), message);
        timeout(PATIENCE, sent).await.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
    }

    async fn subscribe(&self, subject: &Subject) -> Result<Subscription, StoreError> {
        let mut messages =
            self.client.subscribe(self.full(subject)).await.map_err(StoreError::unavailable)?;
        let mailbox = Arc::new(Mailbox::new(self.capacity));
        self.subscribers.add(&mailbox);
        let into = mailbox.clone();
        let feed = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                into.put(message.payload);
            }
        });
        let feed = Feed(feed.abort_handle());
        self.settled().await?;
        Ok(Subscription { mailbox, _feed: Box::new(feed) })
    }
}

impl Subscribers {
    fn add(&self, mailbox: &Arc<Mailbox>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are gone are cleared away before the list would have to grow.
        if all.len() == all.capacity() {
            all.retain(|mailbox| mailbox.strong_count() > 0);
        }
        all.push(Arc::downgrade(mailbox));
    }

    fn lag(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|mailbox| mailbox.upgrade().map(|mailbox| mailbox.lag()).is_some());
    }
}

/// The task that fills a mailbox; ends with the subscription.
struct Feed(AbortHandle);

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.abort();
    }
}
