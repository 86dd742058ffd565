//! How far messages have come: each step once, in order, committed together with what is told of it.

use std::collections::{BTreeMap, HashMap};

use ::store::{StoreError, Timestamp, sql::Transaction};
use client::{Failure, State};

use super::{
    Happened, Messages, Prepared, log_name,
    store::{self, DELIVERED, FAILED, HANDED, PLAYED, READ, SENT, Stored},
};
use crate::{
    HostError,
    businesses::BusinessState,
    codes::{Code, Refusal},
    content::{Status, StatusUpdate},
    ids::{MessageId, NumberId},
    numbers::Number,
    purposes::{Access, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// What a device says of a message.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) reference: [u8; 16],
    pub(super) stamp: u64,
    pub(super) state: i64,
    pub(super) refusal: Option<Refusal>,
}

/// The steps that a message may take now, each with what is told of it.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    name: [u8; 22],
    stamp: Option<u64>,
    /// By state.
    told: BTreeMap<i64, Prepared>,
}

/// What a state of the device means here; `locked` if the relay lets the business write to nobody.
pub(super) fn step(reference: [u8; 16], stamp: u64, state: &State, locked: bool) -> Option<Step> {
    let undeliverable = |why: &'static str| Some(Refusal::new(Code::Undeliverable, why));
    let (state, refusal) = match state {
        State::Queued => return None,
        State::Sent => (SENT, None),
        State::Delivered => (DELIVERED, None),
        State::Read => (READ, None),
        State::Played => (PLAYED, None),
        State::Expired => (FAILED, undeliverable("It was not collected within 30 days.")),
        State::Failed { reason } => {
            let refusal = match reason {
                Failure::NoSuchAccount => undeliverable("There is nobody with this number any more."),
                Failure::QueueFull => undeliverable("Too much waits for this person's device already."),
                Failure::Devices => undeliverable("This person's devices cannot be written to."),
                Failure::Refused => undeliverable("The relay takes it for malformed or too large."),
                Failure::Forbidden if locked => Some(Refusal::new(
                    Code::AccountLocked,
                    "The business, or who hosts it, is suspended by the relay's operator.",
                )),
                Failure::Forbidden => Some(Refusal::new(
                    Code::NotAllowedRecipient,
                    "Before its approval the business may write to its testers only.",
                )),
            };
            (FAILED, refusal)
        }
    };
    Some(Step { reference, stamp, state, refusal })
}

/// Which steps lead from one state to another: none is left out, none is taken twice, and nothing follows the last.
fn between(from: i64, to: i64) -> Vec<i64> {
    match (from, to) {
        (FAILED, _) => Vec::new(),
        // What is on a device of the person has not failed.
        (DELIVERED | READ | PLAYED, FAILED) => Vec::new(),
        (_, FAILED) => vec![FAILED],
        (from, to) => {
            [SENT, DELIVERED, READ, PLAYED].into_iter().filter(|step| *step > from && *step <= to).collect()
        }
    }
}

const fn word(state: i64) -> Status {
    match state {
        SENT => Status::Sent,
        DELIVERED => Status::Delivered,
        READ => Status::Read,
        PLAYED => Status::Played,
        _ => Status::Failed,
    }
}

/// Where a message's `biz_opaque_callback_data` is sealed.
pub(super) fn tracker_place(number: NumberId, name: &[u8; 22]) -> Vec<u8> {
    [&number.get().to_be_bytes()[..], name, b"tracker"].concat()
}

impl Messages {
    /// Whether it is a suspension if the relay takes nothing from a business. One that was approved may write to everybody
    /// else; what is known of its approval may be older than what the relay says by refusing.
    pub(super) async fn is_locked(&self, number: &Number) -> Result<bool, HostError> {
        let state = store::business_state(&mut self.ground.reader().await?, number.business).await?;
        Ok(matches!(state, Some(BusinessState::Approved | BusinessState::Suspended)))
    }

    /// Prepares what devices say of messages.
    pub(super) async fn prepare_steps(
        &self,
        number: &Number,
        steps: Vec<Step>,
    ) -> Result<Vec<Steps>, HostError> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let mut references: Vec<_> = steps.iter().map(|step| step.reference).collect();
        references.sort_unstable();
        references.dedup();
        let rows = store::by_references(&mut self.ground.reader().await?, number.id, &references).await?;
        self.steps_of(number, rows, steps).await
    }

    /// The same for messages that are at hand.
    pub(super) async fn steps_of(
        &self,
        number: &Number,
        rows: Vec<Stored>,
        steps: Vec<Step>,
    ) -> Result<Vec<Steps>, HostError> {
        let mut wanted: HashMap<[u8; 16], Vec<Step>> = HashMap::new();
        for step in steps {
            wanted.entry(step.reference).or_default().push(step);
        }
        let people: Vec<_> = rows.iter().map(|row| row.person).collect();
        let people = self.people.of_ids(number.business, &people).await?;
        let trackers = self.trackers(number, &rows).await?;
        let pairs: Vec<_> = rows.iter().map(|row| (number.id, row.person)).collect();
        let chats = store::chats(&mut self.ground.reader().await?, &pairs).await?;
        let now = self.ground.now();
        let mut prepared = Vec::with_capacity(rows.len());
        for row in rows {
            let id = MessageId::from_parts(number.id, row.name);
            let Some(of) = wanted.get(&id.reference()) else { continue };
            let Some(known) = people.get(&row.person) else {
                // The person was erased meanwhile: it comes to an end, and there is nobody to tell of.
                let failed = of.iter().any(|step| step.state == FAILED);
                let nothing = Prepared { unique: format!("{id} failed"), event: None };
                let told = failed.then_some((FAILED, nothing)).into_iter().collect();
                prepared.push(Steps { name: row.name, stamp: None, told });
                continue;
            };
            let mut told = BTreeMap::new();
            let mut state = row.state.max(HANDED);
            let wrote = chats.get(&(number.id, row.person)).and_then(|chat| chat.wrote).map(Timestamp);
            let in_window = wrote.is_some_and(|wrote| row.at < wrote.after(crate::people::Standing::WINDOW));
            for step in of {
                for next in between(state, step.state) {
                    let update = StatusUpdate {
                        waba: number.waba,
                        number: number.id,
                        display_number: number.digits().to_owned(),
                        to: known.profile(),
                        id,
                        status: word(next),
                        at: now,
                        tracker: trackers.get(&row.name).cloned(),
                        refusal: if next == FAILED { step.refusal.clone() } else { None },
                        category: row.category,
                        in_window,
                    };
                    let unique = format!("{id} {}", word(next).as_str());
                    let happened = Happened::Status(Box::new(update));
                    told.insert(next, self.outlet.seal(number.business, unique, &happened).await?);
                    state = next;
                }
            }
            let stamp = of.first().map(|step| step.stamp);
            prepared.push(Steps { name: row.name, stamp, told });
        }
        Ok(prepared)
    }

    async fn trackers(
        &self,
        number: &Number,
        rows: &[Stored],
    ) -> Result<HashMap<[u8; 22], String>, HostError> {
        let with: Vec<_> = rows.iter().filter_map(|row| Some((row.name, row.tracker.clone()?))).collect();
        if with.is_empty() {
            return Ok(HashMap::new());
        }
        let names = with.iter().map(|(name, _)| log_name(name)).collect();
        let subject = Subject { kind: SubjectKind::Message, names };
        let places: Vec<_> = with.iter().map(|(name, _)| tracker_place(number.id, name)).collect();
        let sealed: Vec<_> = with.iter().map(|(_, sealed)| Sealed::from_stored(sealed.clone())).collect();
        let placed = places.iter().map(|name| Place { domain: Domain::Message, name });
        let placed: Vec<_> = placed.zip(&sealed).collect();
        let access = Access::by("statuses", number.business, Purpose::Deliver);
        let opened = self.gate.open(&access, subject, &placed).await?;
        let text = |plain: crate::purposes::Plain<zeroize::Zeroizing<Vec<u8>>>| {
            String::from_utf8(plain.to_vec()).map_err(HostError::internal)
        };
        with.iter().zip(opened).map(|((name, _), plain)| Ok((*name, text(plain)?))).collect()
    }
}

/// Takes the steps that are still to be taken; what is to be told of them.
pub(super) async fn take(
    transaction: &mut Transaction,
    number: NumberId,
    steps: &[Steps],
) -> Result<Vec<Prepared>, StoreError> {
    let names: Vec<_> = steps.iter().map(|steps| steps.name).collect();
    let states = store::states(transaction, number, &names).await?;
    let states: HashMap<_, _> = states.into_iter().map(|row| (row.name, (row.seq, row.state))).collect();
    let (mut moved, mut told) = (Vec::new(), Vec::new());
    for steps in steps {
        let Some((seq, state)) = states.get(&steps.name).copied() else { continue };
        let last = steps.told.last_key_value().map(|(last, _)| *last);
        let taken: Vec<_> = match last {
            Some(last) => between(state.max(HANDED), last),
            None => Vec::new(),
        };
        told.extend(taken.iter().filter_map(|step| steps.told.get(step).cloned()));
        if let Some(last) = taken.last() {
            moved.push((seq, *last, steps.stamp));
        }
    }
    store::move_on(transaction, number, &moved).await?;
    Ok(told)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_device_says_each_step_comes_once_and_in_order(said in prop::collection::vec(
            prop::sample::select(vec![SENT, DELIVERED, READ, PLAYED, FAILED]), 0..12,
        )) {
            let (mut state, mut taken) = (HANDED, Vec::new());
            for to in said {
                for step in between(state, to) {
                    taken.push(step);
                    state = step;
                }
            }
            let mut sorted = taken.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(&sorted, &taken);
            if taken.contains(&FAILED) {
                prop_assert!(!taken.contains(&DELIVERED));
            } else if let Some(last) = taken.last() {
                let all: Vec<_> = [SENT, DELIVERED, READ, PLAYED].into_iter().filter(|step| step <= last).collect();
                prop_assert_eq!(all, taken);
            }
        }
    }
}
