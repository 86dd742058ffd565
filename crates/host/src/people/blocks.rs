//! Whom a number takes nothing from. Here it holds with the commit; the relay is told by the desk of the number, in
//! whichever process that is.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};

use super::{Known, People, PersonId, store};
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::NumberId,
    messages::Recipient,
    numbers::{Number, running::Live},
};

/// People that a number may block.
pub const BLOCKS: u32 = 64_000;
/// People of whom the relay is told at once.
const TOLD: i64 = 100;
/// Of how many of them at the same time: a number's messages wait meanwhile.
const TELLING: usize = 16;
/// How long whoever unblocks somebody waits for the relay to know, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(20);

/// Somebody who was not blocked, or not unblocked.
#[derive(Debug)]
pub struct NotBlocked {
    /// Who, if that is known.
    pub known: Option<Arc<Known>>,
    /// Why.
    pub refusal: Refusal,
}

impl People {
    /// Whom a request to block or to unblock names: those of whom it can be done.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub async fn to_block(
        &self,
        number: &Number,
        recipient: &Recipient,
        blocked: bool,
    ) -> Result<Result<Arc<Known>, NotBlocked>, HostError> {
        // Whoever wrote is known: nobody is looked up at the relay to be blocked.
        let Some(known) = self.find(number, recipient).await? else {
            let refusal =
                Refusal::new(Code::Undeliverable, "Nobody with this number or id wrote to the business.");
            return Ok(Err(NotBlocked { known: None, refusal }));
        };
        let standing = self.standing(number.id, known.person.id).await?;
        let refusal = match (blocked, standing.blocked) {
            (true, false) if !standing.in_window(self.ground.now()) => Refusal::new(
                Code::WindowClosed,
                "Only people who wrote within the last 24 hours can be blocked.",
            ),
            (false, false) => Refusal::new(Code::ParameterInvalid, "The person is not blocked."),
            _ => return Ok(Ok(known)),
        };
        Ok(Err(NotBlocked { known: Some(known), refusal }))
    }

    /// Blocks people for a number, or no longer.
    ///
    /// # Errors
    /// `Refused` with 139103 if there were more than [`BLOCKS`]; those of the database.
    pub async fn set_blocked(
        &self,
        number: &Number,
        people: &[PersonId],
        blocked: bool,
    ) -> Result<(), HostError> {
        let (id, business, now) = (number.id, number.business, self.ground.now());
        let people: Arc<[PersonId]> = people.into();
        let change = i64::from_be_bytes(self.ground.random::<8>());
        let written = self.ground.write(id.get(), move |transaction| {
            let people = people.clone();
            Box::pin(async move {
                store::set_blocked(transaction, business, id, &people, blocked, (now, change)).await?;
                if blocked && store::count_blocked(transaction, id).await? > i64::from(BLOCKS) {
                    return Err(
                        Refusal::new(Code::BlockLimit, "A number blocks at most 64000 people.").into()
                    );
                }
                Ok(())
            })
        });
        written.await?;
        self.wake(id).await;
        if !blocked {
            // Until the relay knows, it gives nothing of theirs away. If that takes long, the desk goes on by itself.
            let told = async {
                while self.is_untold(id, change).await? {
                    tokio::time::sleep(LOOK).await;
                }
                Ok::<_, HostError>(())
            };
            if let Ok(told) = tokio::time::timeout(PATIENCE, told).await {
                told?;
            }
        }
        Ok(())
    }

    /// Whether the relay does not know of this change yet.
    async fn is_untold(&self, number: NumberId, change: i64) -> Result<bool, HostError> {
        Ok(store::is_untold(&mut self.ground.reader().await?, number, change).await?)
    }

    /// Those blocked for a number, in the order of their rows, behind this one; with `back` those in front of it.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub async fn blocked(
        &self,
        number: &Number,
        from: Option<PersonId>,
        back: bool,
        limit: u32,
    ) -> Result<Vec<Arc<Known>>, HostError> {
        let from = from.map_or(if back { i64::MAX } else { 0 }, |id| id.0);
        let mut reader = self.ground.reader().await?;
        let mut ids = store::blocked(&mut reader, number.id, from, back, limit).await?;
        drop(reader);
        if back {
            ids.reverse();
        }
        let people = self.of_ids(number.business, &ids).await?;
        Ok(ids.iter().filter_map(|id| people.get(id).cloned()).collect())
    }

    /// Tells the relay of blocks that it does not know yet. What it does not hear now it is told later.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub(crate) async fn tell_blocks(&self, live: &Live) -> Result<(), HostError> {
        let number = &live.number;
        let untold = store::untold(&mut self.ground.reader().await?, number.id, TOLD).await?;
        if untold.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = untold.iter().map(|row| row.person).collect();
        let people = self.of_ids(number.business, &ids).await?;
        let telling = untold.into_iter().map(|row| {
            let (known, device) = (people.get(&row.person).cloned(), &live.device);
            async move {
                let Some(known) = known else { return Some((row.person, row.change)) };
                let account = known.person.account;
                let done =
                    if row.blocked { device.block(account).await } else { device.unblock(account).await };
                match done {
                    Ok(()) => {}
                    Err(client::Error::Link(_) | client::Error::Wait { .. } | client::Error::Vault(_)) => {
                        return None;
                    }
                    // It holds here all the same.
                    Err(error) => tracing::warn!(%error, "the relay does not take a block"),
                }
                Some((row.person, row.change))
            }
        });
        // What could not be told now is told another time.
        let told: Vec<_> = stream::iter(telling)
            .buffer_unordered(TELLING)
            // Once the relay takes no more, no others are tried.
            .take_while(|told| std::future::ready(told.is_some()))
            .filter_map(std::future::ready)
            .collect()
            .await;
        let (id, told) = (number.id, Arc::new(told));
        let written = self.ground.write(id.get(), move |transaction| {
            let told = told.clone();
            Box::pin(async move { Ok(store::told(transaction, id, &told).await?) })
        });
        written.await
    }
}
