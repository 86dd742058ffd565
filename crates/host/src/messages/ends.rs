//! How messages end that do not arrive: those that were taken and go nowhere, and those whose time is over.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use ::store::Timestamp;
use client::Event;

use super::{
    Messages,
    desk::BATCH,
    statuses::{self, Step},
    store::{self, Stored},
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::MessageId,
    numbers::{Number, running::Live},
};

/// How long after its time a message may still say that it was delivered: a device shows it for a minute longer, since clocks
/// differ, and its receipt is on its way for a while.
const LATE: Duration = Duration::from_secs(2 * 60);

/// How much of what waits at the relay is here.
#[derive(Clone, Copy, Default)]
pub(super) enum Hearing {
    /// There may be more of it.
    #[default]
    Away,
    /// The device has all of it.
    Drained,
    /// All of it is taken, since then.
    All(Timestamp),
}

#[derive(Default)]
pub(super) struct Heard(std::sync::Mutex<Hearing>);

impl Heard {
    pub(super) fn note(&self, event: &Event) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = match (event, *heard) {
            (Event::Connection { .. }, _) => Hearing::Away,
            (Event::Drained, Hearing::Away) => Hearing::Drained,
            (_, heard) => heard,
        };
    }

    /// Whether the device has all of it.
    pub(super) fn is_drained(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Hearing::Drained)
    }

    /// What the device had when it had all of it is taken.
    pub(super) fn taken(&self, now: Timestamp) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*heard, Hearing::Drained) {
            *heard = Hearing::All(now);
        }
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Hearing::All(since) => Some(since),
            Hearing::Away | Hearing::Drained => None,
        }
    }
}

impl Messages {
    /// Says of what was taken and goes nowhere that it failed; whether there may be more.
    pub(super) async fn tell_withheld(&self, live: &Live) -> Result<bool, HostError> {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let rows = store::withheld(&mut self.ground.reader().await?, live.number.id, limit).await?;
        let more = rows.len() >= BATCH;
        let failed = rows.into_iter().map(|row| {
            let (code, why) = match row.state {
                store::UNWANTED => (Code::MarketingStopped, "The person does not want marketing messages."),
                _ => (Code::Undeliverable, "There is nobody with this number, or the person is blocked."),
            };
            (row, Refusal::new(code, why))
        });
        self.fail(&live.number, failed.collect()).await?;
        Ok(more)
    }

    /// Gives up what was to be delivered by now: it is not shown any more, wherever it is.
    pub(super) async fn fail_overdue(&self, live: &Live, heard: &Heard) -> Result<(), HostError> {
        // What was delivered says so with what waits at the relay: nothing is given up before that is here.
        if heard.since().is_none_or(|since| self.ground.now() < since.after(LATE)) {
            return Ok(());
        }
        let late = i64::try_from(LATE.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp(self.ground.now().0 - late);
        let most = u32::try_from(BATCH).unwrap_or(u32::MAX);
        loop {
            let mut reader = self.ground.reader().await?;
            let rows = store::overdue(&mut reader, live.number.id, before, most).await?;
            drop(reader);
            let full = rows.len() == BATCH;
            self.fail(&live.number, rows.into_iter().map(|row| (row, too_late())).collect()).await?;
            if !full {
                return Ok(());
            }
        }
    }

    /// These will not arrive.
    pub(super) async fn fail(
        &self,
        number: &Number,
        failed: Vec<(Stored, Refusal)>,
    ) -> Result<(), HostError> {
        if failed.is_empty() {
            return Ok(());
        }
        let (mut rows, mut steps) = (Vec::new(), Vec::new());
        for (row, refusal) in failed {
            let reference = MessageId::from_parts(number.id, row.name).reference();
            steps.push(Step { reference, stamp: 0, state: store::FAILED, refusal: Some(refusal) });
            rows.push(row);
        }
        let steps = Arc::new(self.steps_of(number, rows, steps).await?);
        let (id, outlet) = (number.id, self.outlet.clone());
        let written = self.ground.write(id.get(), move |transaction| {
            let (steps, outlet) = (steps.clone(), outlet.clone());
            Box::pin(async move {
                let told = statuses::take(transaction, id, &steps).await?;
                outlet.add(transaction, told).await
            })
        });
        written.await?;
        self.outlet.wake().await;
        Ok(())
    }
}

/// Why what waited for longer than its template says is given up.
pub(super) fn too_late() -> Refusal {
    Refusal::new(Code::Undeliverable, "It was not delivered within its message_send_ttl_seconds.")
}
