//! How far a business's approval is, asked of the relay when somebody wants to see it. No credential of who hosts it is
//! kept; its devices have their own, and the relay tells them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use store::Timestamp;
use tokio::time::timeout;

use super::{Management, Refused};
use crate::{businesses::Business, ids::BusinessId};

/// How long what the relay said counts: whoever looks often does not have it asked often.
const FRESH: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Businesses that are remembered at most; over it, none is asked about before others are forgotten.
const REMEMBERED: usize = 10_000;

/// When the relay was asked last, of each business.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<HashMap<BusinessId, Timestamp>>);

impl Asked {
    /// Whether it is time to ask. Then it was.
    fn take(&self, business: BusinessId, now: Timestamp) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.get(&business).is_some_and(|at| now < at.after(FRESH)) {
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

impl Management {
    /// Has the relay say how far a business's approval is, unless it was asked just now. Where it does not answer, what is
    /// known stays.
    pub(super) async fn ask_state(&self, business: &Business) -> Result<(), Refused> {
        if !self.asked.take(business.id, self.ground.now()) {
            return Ok(());
        }
        let numbers = self.api.numbers.of_waba(business.waba).await?;
        let Some(number) = numbers.iter().find(|number| number.registered) else { return Ok(()) };
        let asking = async {
            let device = self.running.asking(number).await?;
            Ok::<_, crate::HostError>(device.account_at_relay().await?.business_state)
        };
        match timeout(PATIENCE, asking).await {
            Ok(Ok(Some(state))) if state != business.state => {
                if let Err(error) = self.api.businesses.note_state(business.id, state).await {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_is_not_asked_again_at_once() {
        let asked = Asked::default();
        let business = BusinessId::from_name;
        let at = |ms: i64| Timestamp(1_800_000_000_000 + ms);
        assert!(asked.take(business(1), at(0)) && asked.take(business(2), at(0)));
        assert!(!asked.take(business(1), at(4_999)));
        assert!(asked.take(business(1), at(5_000)));
        for name in 0..REMEMBERED as u64 {
            asked.take(business(name), at(20_000));
        }
        // With so many at once, nothing grows and nobody is asked about.
        assert!(!asked.take(business(u64::MAX), at(20_001)));
        assert!(asked.take(business(u64::MAX), at(25_001)));
    }
}
