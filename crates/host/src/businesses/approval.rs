//! How far a business's approval is: asked of the relay by its own devices, now and then and when somebody wants to see it,
//! noted, and told to its software. No credential of who hosts it is kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::store::Timestamp;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::timeout};

use super::{Business, BusinessState, Businesses, HostingMode, store};
use crate::{
    HostError,
    ground::Ground,
    ids::BusinessId,
    numbers::{Numbers, running::Running},
    webhooks::{self, About, Field, NewEvent, Webhooks, render},
};

/// How long what the relay said counts: whoever looks often does not have it asked often.
const FRESH: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Businesses that are remembered at most; over it, none is asked about before others are forgotten.
const REMEMBERED: usize = 10_000;
/// How often a process looks whose turn it is.
const LOOK: Duration = Duration::from_secs(15);
/// How often the relay is asked of a business that waits for its approval, and of one that has it.
const WAITING: Duration = Duration::from_secs(15);
const SETTLED: Duration = Duration::from_secs(10 * 60);
/// Questions at the same time.
const AT_ONCE: usize = 8;

/// When the relay was asked last, of each business.
#[derive(Debug, Default)]
struct Asked(Mutex<HashMap<BusinessId, Timestamp>>);

impl Asked {
    /// Whether it is time to ask, after so long. Then it was.
    fn take(&self, business: BusinessId, after: Duration, now: Timestamp) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.get(&business).is_some_and(|at| now < at.after(after)) {
            return false;
        }
        if asked.len() >= REMEMBERED {
            asked.retain(|_, at| now < at.after(FRESH));
        }
        let room = asked.len() < REMEMBERED;
        if room {
            asked.insert(business, now);
        }
        room
    }
}

/// Asks how far businesses are, and tells what is new.
#[derive(Debug)]
pub struct Approvals {
    ground: Arc<Ground>,
    businesses: Arc<Businesses>,
    numbers: Arc<Numbers>,
    running: Arc<Running>,
    webhooks: Arc<Webhooks>,
    asked: Asked,
}

impl Approvals {
    /// Over these numbers' devices.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        businesses: Arc<Businesses>,
        numbers: Arc<Numbers>,
        running: Arc<Running>,
        webhooks: Arc<Webhooks>,
    ) -> Arc<Self> {
        Arc::new(Self { ground, businesses, numbers, running, webhooks, asked: Asked::default() })
    }

    /// Asks of the businesses whose numbers this process runs, until the host goes down.
    pub fn start(self: &Arc<Self>) -> JoinHandle<()> {
        let approvals = self.clone();
        tokio::spawn(async move {
            let closing = approvals.ground.closing.clone();
            while closing.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                if closing.run_until_cancelled(approvals.ask_all()).await.is_none() {
                    return;
                }
            }
        })
    }

    async fn ask_all(&self) {
        let here = self.running.businesses();
        let asking = stream::iter(here).map(|business| async move {
            let business = self.businesses.get(business).await?;
            let after = match business.state {
                BusinessState::Approved | BusinessState::Suspended => SETTLED,
                _ => WAITING,
            };
            self.ask_after(&business, after).await
        });
        let asked: Vec<Result<(), HostError>> = asking.buffer_unordered(AT_ONCE).collect().await;
        for error in asked.into_iter().filter_map(Result::err) {
            tracing::debug!(error = &error as &dyn std::error::Error, "how far a business is was not asked");
        }
    }

    /// Has the relay say how far a business's approval is, unless it was asked just now. Where it does not answer, what is
    /// known stays.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ask(&self, business: &Business) -> Result<(), HostError> {
        self.ask_after(business, FRESH).await
    }

    async fn ask_after(&self, business: &Business, after: Duration) -> Result<(), HostError> {
        if !self.asked.take(business.id, after, self.ground.now()) {
            return Ok(());
        }
        let numbers = self.numbers.of_waba(business.waba).await?;
        let Some(number) = numbers.iter().find(|number| number.registered) else { return Ok(()) };
        let asking = async {
            let device = self.running.asking(number).await?;
            Ok::<_, HostError>(device.account_at_relay().await?.business_state)
        };
        match timeout(PATIENCE, asking).await {
            Ok(Ok(Some(state))) if state != business.state => {
                if let Err(error) = self.note_state(business, state).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "how far a business is was not noted"
                    );
                }
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the relay did not say how far a business is"
                );
            }
            Err(_) => tracing::debug!("the relay did not say in time how far a business is"),
        }
        Ok(())
    }

    /// Notes what the relay says of a business now: how far its approval is, and who hosts it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note(
        &self,
        business: &Business,
        state: BusinessState,
        mode: HostingMode,
        host_name: String,
    ) -> Result<(), HostError> {
        let id = business.id;
        self.note_state(business, state).await?;
        let written = self.ground.write(id.get(), move |transaction| {
            let host_name = host_name.clone();
            Box::pin(async move { Ok(store::note_hosting(transaction, id, mode, &host_name).await?) })
        });
        written.await?;
        self.businesses.forget(id);
        self.ground.changed(id).await;
        Ok(())
    }

    /// Notes how far a business's approval is, and tells its software, once, whoever heard it first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note_state(&self, business: &Business, state: BusinessState) -> Result<(), HostError> {
        let (id, before) = (business.id, business.state);
        if before == state {
            return Ok(());
        }
        let events = self.events(business, told(before, state, self.ground.now())).await?;
        let written = self.ground.write(id.get(), move |transaction| {
            let events = events.clone();
            Box::pin(async move {
                if store::note_state(transaction, id, before, state).await? {
                    webhooks::add(transaction, events).await?;
                }
                Ok(())
            })
        });
        written.await?;
        self.businesses.forget(id);
        self.ground.changed(id).await;
        self.webhooks.wake().await;
        Ok(())
    }

    /// Refuses a business's programs from now on, for this reason, or no longer; its software is told. What people write is
    /// received as before.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`; those of the database.
    pub async fn suspend(&self, business: &Business, reason: Option<String>) -> Result<(), HostError> {
        let fits = |reason: &String| (1..=1000).contains(&reason.trim().chars().count());
        if !reason.as_ref().is_none_or(fits) {
            return Err(HostError::invalid("reason", "from 1 to 1000 characters"));
        }
        let id = business.id;
        let changed = ban(reason.is_some(), self.ground.now());
        let events = self.events(business, vec![(Field::Account, changed)]).await?;
        let written = self.ground.write(id.get(), move |transaction| {
            let (reason, events) = (reason.clone(), events.clone());
            Box::pin(async move {
                let was = store::suspend(transaction, id, reason.as_deref()).await?;
                let was = was.ok_or(HostError::NotFound("business"))?;
                if was != reason.is_some() {
                    webhooks::add(transaction, events).await?;
                }
                Ok(())
            })
        });
        written.await?;
        self.businesses.forget(id);
        self.ground.changed(id).await;
        self.webhooks.wake().await;
        Ok(())
    }

    async fn events(
        &self,
        business: &Business,
        told: Vec<(Field, Value)>,
    ) -> Result<Vec<NewEvent>, HostError> {
        let mut events = Vec::with_capacity(told.len());
        for (field, value) in told {
            let name = self.ground.random_name();
            let about = About {
                business: business.id,
                waba: business.waba,
                number: None,
                person: None,
                field,
                unique: format!("account {name}"),
            };
            events.push(self.webhooks.seal(about, &value).await?);
        }
        Ok(events)
    }
}

/// What is told when a business's approval comes from here to there.
fn told(before: BusinessState, state: BusinessState, now: Timestamp) -> Vec<(Field, Value)> {
    use BusinessState::{Approved, Rejected, Suspended};
    let review = |decision: &str| (Field::AccountReview, render::account_review(decision));
    match (before, state) {
        (Suspended, Approved) => vec![(Field::Account, ban(false, now))],
        (_, Approved) => {
            vec![review("APPROVED"), (Field::Account, render::account("VERIFIED_ACCOUNT", json!({})))]
        }
        (_, Suspended) => vec![(Field::Account, ban(true, now))],
        (_, Rejected) => vec![review("REJECTED")],
        (BusinessState::Draft | Rejected, _) if state != BusinessState::Draft => vec![review("PENDING")],
        _ => Vec::new(),
    }
}

/// The account cannot be used any more, or again.
fn ban(stopped: bool, now: Timestamp) -> Value {
    let date = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    let state = if stopped { "DISABLE" } else { "REINSTATE" };
    let date = date.strftime("%B %-d, %Y").to_string();
    render::account("DISABLED_UPDATE", json!({"ban_info": {"waba_ban_state": state, "waba_ban_date": date}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_is_not_asked_again_at_once() {
        let asked = Asked::default();
        let business = BusinessId::from_name;
        let at = |ms: i64| Timestamp(1_800_000_000_000 + ms);
        assert!(asked.take(business(1), FRESH, at(0)) && asked.take(business(2), FRESH, at(0)));
        assert!(!asked.take(business(1), FRESH, at(4_999)));
        assert!(asked.take(business(1), FRESH, at(5_000)));
        for name in 0..REMEMBERED as u64 {
            asked.take(business(name), FRESH, at(20_000));
        }
        // With so many at once, nothing grows and nobody is asked about.
        assert!(!asked.take(business(u64::MAX), FRESH, at(20_001)));
        assert!(asked.take(business(u64::MAX), FRESH, at(25_001)));
    }

    #[test]
    fn each_step_of_an_approval_is_told_as_the_api_names_it() {
        use BusinessState::{Approved, Draft, InReview, Rejected, Submitted, Suspended};
        let words = |before, state| -> Vec<String> {
            let told = told(before, state, Timestamp(1_800_000_000_000));
            let word =
                |value: &Value| value["event"].as_str().or(value["decision"].as_str()).map(str::to_owned);
            told.iter().filter_map(|(_, value)| word(value)).collect()
        };
        assert_eq!(words(Draft, Submitted), ["PENDING"]);
        assert!(words(Submitted, InReview).is_empty());
        assert_eq!(words(InReview, Approved), ["APPROVED", "VERIFIED_ACCOUNT"]);
        assert_eq!(words(InReview, Rejected), ["REJECTED"]);
        assert_eq!(words(Approved, Suspended), ["DISABLED_UPDATE"]);
        assert_eq!(words(Suspended, Approved), ["DISABLED_UPDATE"]);
    }
}
