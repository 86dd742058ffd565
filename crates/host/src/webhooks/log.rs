//! What the business reads about its webhooks: attempts and dead letters, without any content.

use ::store::Timestamp;

use super::{Field, Target, Webhooks, store};
use crate::{
    HostError,
    ids::{AppId, WabaId},
};

/// How long events and attempts are kept: as long as the API says.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Rows of each kind that one transaction purges.
const PURGED: i64 = 4096;
/// Rows of one page.
const PAGE: u32 = 1000;

::store::row! {
    /// A request that was made, or that could not be.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Attempt from "webhook_attempts" {
        /// Its number: the cursor of pages.
        pub id: i64,
        /// The callback, as a number that it keeps.
        pub callback: i64,
        /// Of which event.
        pub event: i64,
        /// Of which field.
        pub field: Field,
        /// Which attempt of this event it was, from 1.
        pub number: i64,
        /// When it ended.
        pub at: Timestamp,
        /// How long it took, in milliseconds.
        pub millis: i64,
        /// The HTTP status, if there was an answer.
        pub status: Option<i64>,
        /// `delivered`, or what was wrong, in a few words.
        pub outcome: String,
    }
}

::store::row! {
    /// An event that was given up at a callback.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeadLetter from "webhook_deliveries" {
        /// Which: the cursor of pages, and what [`Webhooks::replay`] takes.
        pub event: i64,
        /// The callback, as a number that it keeps.
        pub callback: i64,
        /// For what the callback is.
        pub target: Target,
        /// Of which field.
        pub field: Field,
        /// When it happened, or was last replayed.
        pub created: Timestamp,
        /// When it was given up.
        pub died: Timestamp,
        /// How often it was tried.
        pub attempts: i64,
        /// What was wrong last.
        pub failure: Option<String>,
    }
}

/// How far the delivery of an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Not tried yet.
    Pending,
    /// Tried, and to be tried again.
    Retrying,
    /// Delivered.
    Delivered,
    /// Given up.
    Failed,
}

/// An event that was told, or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub id: i64,
    /// Its name within the account.
    pub unique: String,
    /// When it happened.
    pub at: Timestamp,
    /// How far its delivery to the app is.
    pub delivery: Delivery,
}

impl Webhooks {
    /// Events of these names, as far as they were kept, with what became of them for an app.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn told(&self, waba: WabaId, app: AppId, names: &[String]) -> Result<Vec<Told>, HostError> {
        let found = store::told(&mut self.ground.reader().await?, (waba, app), names).await?;
        let told = found.into_iter().map(|row| Told {
            id: row.id,
            unique: row.unique_key,
            at: row.created,
            delivery: match (row.attempts, row.died) {
                (None, _) => Delivery::Delivered,
                (_, Some(_)) => Delivery::Failed,
                (Some(0), None) => Delivery::Pending,
                (Some(_), None) => Delivery::Retrying,
            },
        });
        Ok(told.collect())
    }

    /// Attempts for an app before this one (`None`: the newest), newest first; at most 1000.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn attempts(
        &self,
        app: AppId,
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<Attempt>, HostError> {
        let before = before.unwrap_or(i64::MAX);
        Ok(store::attempts(&mut self.ground.reader().await?, app, before, most.min(PAGE).into()).await?)
    }

    /// Dead letters of an app after this event, oldest first; at most 1000.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn dead_letters(
        &self,
        app: AppId,
        after: i64,
        most: u32,
    ) -> Result<Vec<DeadLetter>, HostError> {
        Ok(store::dead(&mut self.ground.reader().await?, app, after, most.min(PAGE).into()).await?)
    }

    /// How many deliveries wait on this host, and how many are dead letters.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn counts(&self) -> Result<(i64, i64), HostError> {
        Ok(store::counts(&mut self.ground.reader().await?).await?)
    }

    /// Lets a dead letter of an app begin anew, or all of them (`None`); how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn replay(&self, app: AppId, event: Option<i64>) -> Result<u64, HostError> {
        let now = self.ground.now();
        let written = self.ground.write(app.get(), move |transaction| {
            Box::pin(async move { Ok(store::revive(transaction, app, event, now).await?) })
        });
        let revived = written.await?;
        self.wake().await;
        Ok(revived)
    }

    /// Deletes events and attempts of more than thirty days ago, delivered or not; how many. From time to time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn purge(&self) -> Result<u64, HostError> {
        let before = Timestamp(self.ground.now().0.saturating_sub(KEPT_MS));
        let mut purged = 0;
        loop {
            let written = self.ground.write(0, move |transaction| {
                Box::pin(async move { Ok(store::purge(transaction, before, PURGED).await?) })
            });
            let rows: Result<u64, HostError> = written.await;
            match rows? {
                0 => return Ok(purged),
                rows => purged += rows,
            }
        }
    }
}
