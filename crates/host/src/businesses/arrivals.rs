//! One process at a time brings a business in. Under a lease in the database: the relay is asked in between, and no
//! transaction waits for that.

use std::{pin::pin, time::Duration};

use ::store::{StoreError, Timestamp};

use super::{Businesses, store};
use crate::HostError;

/// How long a turn lasts if it is not renewed: its process is dead.
const TURN: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// How often one looks whether it is one's turn.
const LOOK: Duration = Duration::from_millis(100);
/// How long one waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

impl Businesses {
    /// Does `work` for the business of the relay while nobody else does, in this process or another one.
    ///
    /// # Errors
    /// `Unavailable` if others take too long, or the turn was lost; those of the database.
    pub(crate) async fn alone<T>(
        &self,
        business: wire::BusinessId,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, HostError> {
        let holder = self.ground.random::<16>();
        let waiting = async {
            while !self.take_turn(business, holder).await? {
                tokio::time::sleep(LOOK).await;
            }
            Ok::<_, HostError>(())
        };
        let turn = tokio::time::timeout(PATIENCE, waiting).await;
        turn.map_err(|_| StoreError::unavailable("somebody else brings this business in"))??;
        let mut work = pin!(work);
        let done = loop {
            tokio::select! {
                done = work.as_mut() => break Ok(done),
                () = tokio::time::sleep(RENEWAL) => match self.keep_turn(business, holder).await {
                    Ok(true) => {}
                    Ok(false) => break Err(StoreError::unavailable("the turn was lost").into()),
                    Err(error) => break Err(error),
                },
            }
        };
        if let Err(error) = self.end_turn(business, holder).await {
            tracing::info!(
                error = &error as &dyn std::error::Error,
                "a turn was not given back; it runs out"
            );
        }
        done
    }

    fn turn_ends(&self) -> Timestamp {
        self.ground.now().after(TURN)
    }

    async fn take_turn(&self, business: wire::BusinessId, holder: [u8; 16]) -> Result<bool, HostError> {
        let (now, until) = (self.ground.now(), self.turn_ends());
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::take_turn(transaction, business, holder, now, until).await?) })
        });
        written.await
    }

    async fn keep_turn(&self, business: wire::BusinessId, holder: [u8; 16]) -> Result<bool, HostError> {
        let until = self.turn_ends();
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::keep_turn(transaction, business, holder, until).await?) })
        });
        written.await
    }

    async fn end_turn(&self, business: wire::BusinessId, holder: [u8; 16]) -> Result<(), HostError> {
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::end_turn(transaction, business, holder).await?) })
        });
        written.await
    }
}
