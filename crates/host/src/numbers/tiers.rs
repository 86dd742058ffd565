//! To how many people a day a number may write first: said by the operator of the host, and raised when the number uses
//! what it has.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use ::store::Timestamp;
use tokio::task::JoinHandle;
use wire::api::BusinessState;

use super::{Number, Numbers, store};
use crate::{
    HostError,
    businesses::{Business, Businesses},
    ids::NumberId,
    purposes::decisions::{Decided, write_down},
    webhooks::{self, About, Field, NewEvent, Webhooks, render},
};

/// Over which time it is looked how much of a limit is used.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(60 * 60);
/// Numbers that are looked at together.
const PAGE: u32 = 100;

/// A messaging limit: people in 24 hours, or none for as many as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier(pub Option<u32>);

/// Text that is no messaging limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one of TIER_50, TIER_250, TIER_1K, TIER_2K, TIER_10K, TIER_100K, TIER_UNLIMITED")]
pub struct InvalidTier;

impl Tier {
    /// Those that the API has a word for.
    pub const ALL: [Self; 7] = [
        Self(Some(50)),
        Self(Some(250)),
        Self(Some(1_000)),
        Self(Some(2_000)),
        Self(Some(10_000)),
        Self(Some(100_000)),
        Self(None),
    ];
    /// Those that a limit grows to.
    const STEPS: [u32; 4] = [250, 2_000, 10_000, 100_000];

    /// What it grows to.
    fn next(self) -> Self {
        Self(self.0.and_then(|most| Self::STEPS.into_iter().find(|step| *step > most)))
    }

    /// Whether it lets a number write to more people.
    fn is_above(self, other: Self) -> bool {
        self.0.unwrap_or(u32::MAX) > other.0.unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("TIER_UNLIMITED"),
            Some(most) if most % 1000 == 0 && most > 0 => write!(f, "TIER_{}K", most / 1000),
            Some(most) => write!(f, "TIER_{most}"),
        }
    }
}

impl FromStr for Tier {
    type Err = InvalidTier;

    fn from_str(text: &str) -> Result<Self, InvalidTier> {
        Self::ALL.into_iter().find(|tier| tier.to_string() == text).ok_or(InvalidTier)
    }
}

impl Numbers {
    /// Says to how many people a day a number may write first; `held`: and that it stays so. Its business's software is told,
    /// and it stands in the business's log with who said so.
    ///
    /// # Errors
    /// `Conflict` if it was changed at the same time; those of the database.
    pub async fn set_tier(
        &self,
        webhooks: &Webhooks,
        business: &Business,
        number: &Number,
        (tier, held): (Tier, bool),
        by: &str,
    ) -> Result<(), HostError> {
        let before = Tier(number.tier);
        if (before, number.tier_held) == (tier, held) {
            return Ok(());
        }
        let events = if tier == before {
            Vec::new()
        } else {
            self.tier_events(webhooks, business, number, tier).await?
        };
        let (id, of, now, was_held) = (number.id, number.business, self.ground.now(), number.tier_held);
        let by: Arc<str> = by.into();
        let written = self.ground.write(id.get(), move |transaction| {
            let (events, by) = (events.clone(), by.clone());
            Box::pin(async move {
                if !store::set_tier(transaction, id, (before.0, was_held), tier.0, (held, now)).await? {
                    return Err(HostError::Conflict("the messaging limit was changed at the same time"));
                }
                let stays = held.then(|| "held".to_owned());
                let names = [id.to_string(), before.to_string(), tier.to_string()];
                let names: Vec<String> = names.into_iter().chain(stays).collect();
                write_down(transaction, of, (Decided::MessagingLimit, &by), now, &names).await?;
                if events.is_empty() { Ok(()) } else { webhooks::add(transaction, events).await }
            })
        });
        written.await?;
        self.recent.forget(&id);
        self.ground.changed(of).await;
        webhooks.wake().await;
        Ok(())
    }

    /// What is told of another limit: of the number, and of what the business may do.
    async fn tier_events(
        &self,
        webhooks: &Webhooks,
        business: &Business,
        number: &Number,
        tier: Tier,
    ) -> Result<Vec<NewEvent>, HostError> {
        let (before, now) = (Tier(number.tier), tier.to_string());
        let event = if tier.is_above(before) { "UPGRADE" } else { "DOWNGRADE" };
        let approved = business.state == BusinessState::Approved;
        let quality = render::number_quality(number.digits(), event, Some(&before.to_string()), &now);
        let capability = render::capability((tier.0, &now), approved);
        let unique = self.ground.random_name();
        let mut events = Vec::with_capacity(2);
        for (field, value) in [(Field::NumberQuality, quality), (Field::Capability, capability)] {
            let about = About {
                business: number.business,
                waba: number.waba,
                number: Some(number.id),
                person: None,
                field,
                unique: format!("{} {unique}", field.as_str()),
            };
            events.push(webhooks.seal(about, &value).await?);
        }
        Ok(events)
    }

    /// Raises, from time to time, the limits of numbers that use them.
    pub fn start_growing(
        self: &Arc<Self>,
        webhooks: Arc<Webhooks>,
        businesses: Arc<Businesses>,
    ) -> JoinHandle<()> {
        let numbers = self.clone();
        tokio::spawn(async move {
            let closing = numbers.ground.closing.clone();
            loop {
                if let Err(error) = numbers.grow_tiers(&webhooks, &businesses).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "no messaging limit was raised");
                }
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        })
    }

    /// Raises the limits of those numbers of approved businesses that wrote first to half as many people as they may, in the
    /// last seven days and since the limit is what it is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn grow_tiers(&self, webhooks: &Webhooks, businesses: &Businesses) -> Result<(), HostError> {
        if !self.ground.config.messaging.tiers_grow {
            return Ok(());
        }
        let since = Timestamp(self.ground.now().0 - i64::try_from(WEEK.as_millis()).unwrap_or(i64::MAX));
        let mut after: Option<NumberId> = None;
        loop {
            let page = store::using_their_tier(&mut self.ground.reader().await?, since, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for number in page {
                let business = match businesses.get(number.business).await {
                    Ok(business) => business,
                    Err(HostError::NotFound(_) | HostError::Erased) => continue,
                    Err(error) => return Err(error),
                };
                if business.state != BusinessState::Approved || business.suspended.is_some() {
                    continue;
                }
                let next = (Tier(number.tier).next(), false);
                match self.set_tier(webhooks, &business, &number, next, "growth").await {
                    // Another process, or the operator, was faster.
                    Ok(()) | Err(HostError::Conflict(_)) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(number = %number.id, error, "a messaging limit was not raised");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_called_as_the_api_calls_them() {
        for (most, word) in [
            (None, "TIER_UNLIMITED"),
            (Some(250), "TIER_250"),
            (Some(2_000), "TIER_2K"),
            (Some(100_000), "TIER_100K"),
        ] {
            assert_eq!(Tier(most).to_string(), word);
            assert_eq!(word.parse(), Ok(Tier(most)));
        }
        for bad in ["", "TIER_", "TIER_7", "TIER_2000", "tier_2k", "2000"] {
            assert_eq!(bad.parse::<Tier>(), Err(InvalidTier), "{bad}");
        }
    }

    #[test]
    fn a_limit_grows_in_the_steps_of_the_api_and_ends_in_none() {
        let mut tier = Tier(Some(50));
        let mut words = Vec::new();
        while tier != Tier(None) {
            assert!(tier.next().is_above(tier));
            tier = tier.next();
            words.push(tier.to_string());
        }
        assert_eq!(words, ["TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"]);
        assert_eq!((tier.next(), Tier(Some(1_000)).next()), (tier, Tier(Some(2_000))));
    }
}
