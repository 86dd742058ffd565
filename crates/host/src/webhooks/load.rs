//! What is due at a callback, read and opened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use ::store::jobs::Schedule;
use zeroize::Zeroizing;

use super::{
    Webhooks, place, render,
    store::{self, Done, Due, Next},
};
use crate::{
    HostError,
    ids::BusinessId,
    purposes::{Access, Plain, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// For how long an event is tried.
pub(super) const TRIED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Events that are read from the table at a time, and bytes of them that are opened at a time.
const PAGE: i64 = 256;
const OPEN_BYTES: i64 = 4 << 20;
/// The least time between two tries where the business does not allow delivery.
const NOT_ALLOWED: Duration = Duration::from_secs(300);

/// Seconds after the first failure, the second, and so on; then the last one again and again.
const DELAYS: [u64; 10] = [0, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600];

/// An event that can be sent.
pub(super) struct Ready {
    pub(super) due: Due,
    pub(super) body: Plain<Vec<u8>>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Loaded {
    /// Whether there was anything.
    pub(super) found: bool,
    /// In the order in which it happened.
    pub(super) ready: Vec<Ready>,
    /// What cannot be sent.
    pub(super) done: Vec<Done>,
}

/// One look at what is due.
pub(super) struct Load {
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) callback: i64,
    /// Events that are due and in hand already.
    pub(super) taken: BTreeSet<i64>,
}

impl Load {
    pub(super) async fn run(self) -> Result<Loaded, HostError> {
        let ground = self.webhooks.ground.clone();
        let now = ground.now();
        let most = PAGE + i64::try_from(self.taken.len()).unwrap_or(0);
        let mut due = store::due(&mut ground.reader().await?, self.callback, now, most).await?;
        due.retain(|due| !self.taken.contains(&due.event));
        if due.is_empty() {
            return Ok(Loaded::default());
        }
        let mut bytes = 0;
        let fitting = due.iter().take_while(|due| {
            bytes += due.size;
            bytes <= OPEN_BYTES
        });
        due.truncate(fitting.count().max(1));
        let values = store::values(&mut ground.reader().await?, due.iter().map(|due| due.event)).await?;
        let mut values: BTreeMap<i64, Sealed> =
            values.into_iter().map(|row| (row.id, Sealed::from_stored(row.value))).collect();
        let mut by_business: BTreeMap<BusinessId, Vec<(Due, Sealed)>> = BTreeMap::new();
        let mut done = Vec::new();
        for due in due {
            match values.remove(&due.event) {
                Some(value) => by_business.entry(due.business).or_default().push((due, value)),
                None => done.push(self.webhooks.unsent(&due, Next::Dead, "erased")),
            }
        }
        let mut opened = Vec::new();
        for (business, due) in by_business {
            self.open(business, due, &mut opened, &mut done).await?;
        }
        opened.sort_by_key(|ready: &Ready| ready.due.event);
        Ok(Loaded { found: true, ready: opened, done })
    }

    /// Opens what is due of one business, through the gate and with one entry in its log.
    async fn open(
        &self,
        business: BusinessId,
        due: Vec<(Due, Sealed)>,
        opened: &mut Vec<Ready>,
        done: &mut Vec<Done>,
    ) -> Result<(), HostError> {
        let access = Access::by("webhook", business, Purpose::Deliver);
        let subject = |names: Vec<String>| Subject { kind: SubjectKind::Message, names };
        let named: Vec<Vec<u8>> = due.iter().map(|(due, _)| place(due.waba, &due.unique_key)).collect();
        let places: Vec<(Place<'_>, &Sealed)> = due
            .iter()
            .zip(&named)
            .map(|((_, sealed), name)| (Place { domain: Domain::Message, name }, sealed))
            .collect();
        let names = due.iter().map(|(due, _)| due.unique_key.clone()).collect();
        let plain = match self.webhooks.gate.open(&access, subject(names), &places).await {
            Ok(plain) => plain.into_iter().map(Some).collect(),
            // One of them is damaged: the others are not its fault.
            Err(HostError::Sealed(_)) if places.len() > 1 => {
                let mut plain = Vec::with_capacity(places.len());
                for ((due, _), place) in due.iter().zip(&places) {
                    let names = vec![due.unique_key.clone()];
                    match self.webhooks.gate.open(&access, subject(names), &[*place]).await {
                        Ok(one) => plain.extend(one.into_iter().map(Some)),
                        Err(HostError::Sealed(_)) => plain.push(None),
                        Err(error) => return Err(error),
                    }
                }
                plain
            }
            Err(HostError::Sealed(_)) => vec![None],
            Err(HostError::Erased) => {
                done.extend(due.iter().map(|(due, _)| self.webhooks.unsent(due, Next::Dead, "erased")));
                return Ok(());
            }
            Err(HostError::NotAllowed(_)) => {
                let put_off = |(due, _): &(Due, Sealed)| {
                    let delay = self.webhooks.delay(due.attempts + 1).max(NOT_ALLOWED);
                    self.webhooks.unsent(due, self.webhooks.again(due, delay), "delivery is not allowed")
                };
                done.extend(due.iter().map(put_off));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for ((due, _), plain) in due.into_iter().zip(plain) {
            let Some(plain) = plain else {
                done.push(self.webhooks.unsent(&due, Next::Dead, "damaged"));
                continue;
            };
            let (waba, field, created) = (due.waba, due.field, due.created);
            let body = plain.map(|value: Zeroizing<Vec<u8>>| render::body(waba, field, created, &value));
            opened.push(Ready { due, body });
        }
        Ok(())
    }
}

impl Webhooks {
    /// Another try after this, if there is time left.
    pub(super) fn again(&self, due: &Due, delay: Duration) -> Next {
        let now = self.ground.now();
        if now >= due.created.after(TRIED) { Next::Dead } else { Next::Again(now.after(delay)) }
    }

    pub(super) fn delay(&self, failures: i64) -> Duration {
        let schedule = Schedule { delays_s: DELAYS.to_vec(), jitter_percent: 20 };
        let failures = failures.clamp(1, i64::try_from(DELAYS.len()).unwrap_or(1));
        schedule.delay(failures, &*self.ground.entropy).unwrap_or_default()
    }

    fn unsent(&self, due: &Due, next: Next, outcome: &'static str) -> Done {
        let at = self.ground.now();
        let number = due.attempts + 1;
        Done { event: due.event, field: due.field, next, number, at, millis: 0, status: None, outcome }
    }
}
