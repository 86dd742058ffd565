//! What a vault has in memory: what it read, and what it handed in, which is read from here until it is durable.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use ::store::StoreError;
use client::{
    VaultError,
    vault::{Order, Record, Saving, Space},
};
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{
    super::lists::{Effect, List, Lists},
    lane::{Chain, Saved},
    unavailable,
};

/// Bytes of records that are kept in memory for each number, and records that fit in about.
const KEPT: u64 = 24 << 20;
const RECORDS: usize = 20_000;
/// Which part of that is for what is looked at again and again (sessions, people); the rest is for what was written last
/// and is asked for once or twice more, in the next second (how far a message has come).
const STANDING: f64 = 0.5;

pub(super) type Name = (Space, Vec<u8>);
/// A record, or that there is none.
type Known = Option<(u64, Arc<Zeroizing<Vec<u8>>>)>;
type Waiting = oneshot::Sender<Result<(), VaultError>>;

#[derive(Clone)]
struct Size;

impl Weighter<Name, Known> for Size {
    fn weight(&self, key: &Name, known: &Known) -> u64 {
        let value = known.as_ref().map_or(0, |(_, value)| value.len());
        (key.1.len() + value + 64) as u64
    }
}

/// What a save does to what can be read.
#[derive(Default)]
pub(super) struct HandedIn {
    pub(super) records: Vec<(Name, Known)>,
    pub(super) lists: Vec<Effect>,
}

#[derive(Clone)]
pub(super) struct Memory(Arc<Inner>);

struct Inner {
    /// What is stored, as far as it was read or written lately.
    known: Cache<Name, Known, Size>,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    /// With all that was handed in.
    lists: Lists,
    /// What stands above what is known, with the number of the save that writes it.
    records: HashMap<Name, (u64, Known)>,
    /// In the order in which they were handed in, and are answered.
    saves: VecDeque<UnderWaySave>,
    last: u64,
    chain: Chain,
    /// Why one was not saved: then nothing here is to be believed, and nothing is taken any more. It may land yet, so
    /// that only whoever takes the number's lease anew knows what is stored.
    failed: Option<VaultError>,
}

struct UnderWaySave {
    number: u64,
    names: Vec<Name>,
    waiting: Vec<Waiting>,
}

/// Whether a record is of use in memory when it was written.
fn is_asked_for(space: Space, known: &Known) -> bool {
    match space {
        // Asked for if something came twice, or could not be read: rarely, and not soon.
        Space::Seen | Space::Reference | Space::Outgoing | Space::LastResort => false,
        // What is gone from a list is in it no more.
        _ if List::is(space) => known.is_some(),
        _ => true,
    }
}

fn cache() -> Cache<Name, Known, Size> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(RECORDS)
        .weight_capacity(KEPT)
        .hot_allocation(STANDING)
        .build();
    match options {
        Ok(options) => {
            Cache::with_options(options, Size, DefaultHashBuilder::default(), DefaultLifecycle::default())
        }
        Err(_) => Cache::with_weighter(RECORDS, KEPT, Size),
    }
}

impl Default for Memory {
    fn default() -> Self {
        let known = cache();
        Self(Arc::new(Inner { known, under_way: Mutex::default() }))
    }
}

impl Memory {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record as it was handed in or is stored; none if that is not known.
    pub(super) fn record(&self, name: &Name) -> Option<Option<Record>> {
        let record = |known: Known| {
            known.map(|(position, value)| Record {
                key: name.1.clone(),
                position,
                value: Zeroizing::clone(&value),
            })
        };
        let handed_in = self.under_way().records.get(name).map(|(_, known)| known.clone());
        handed_in.or_else(|| self.0.known.get(name)).map(record)
    }

    pub(super) fn has(&self, name: &Name) -> bool {
        self.under_way().records.contains_key(name) || self.0.known.peek(name).is_some()
    }

    /// Remembers what is stored.
    pub(super) fn keep(&self, name: Name, record: Option<&Record>) {
        let known = record.map(|record| (record.position, Arc::new(record.value.clone())));
        self.0.known.insert(name, known);
    }

    /// As [`List::scan`], of a list that was read.
    pub(super) fn listed(
        &self,
        space: Space,
        owner: Option<[u8; 32]>,
        order: Order,
        limit: usize,
    ) -> Option<Vec<Vec<u8>>> {
        self.under_way().lists.get(space).map(|list| list.scan(owner, order, limit))
    }

    /// Remembers a list that was read while nothing was under way.
    pub(super) fn keep_list(&self, space: Space, list: List) {
        self.under_way().lists.keep(space, list);
    }

    /// Shows what is handed in to who reads afterwards, if `hand_in` takes it.
    pub(super) fn hand_in(
        &self,
        handed: HandedIn,
        hand_in: impl FnOnce(Chain, Box<dyn FnOnce(Result<Saved, StoreError>) + Send>) -> Result<(), VaultError>,
    ) -> Result<Saving, VaultError> {
        // Locked until it stands here: the answer may come at once, and waits.
        let mut under_way = self.under_way();
        if let Some(error) = &under_way.failed {
            return Err(error.clone());
        }
        let all = self.clone();
        hand_in(under_way.chain.clone(), Box::new(move |outcome| all.answered(outcome)))?;
        under_way.last += 1;
        let number = under_way.last;
        under_way.lists.apply(handed.lists);
        let mut names = Vec::with_capacity(handed.records.len());
        for (name, known) in handed.records {
            names.push(name.clone());
            under_way.records.insert(name, (number, known));
        }
        let (waiting, saving) = Saving::under_way();
        under_way.saves.push_back(UnderWaySave { number, names, waiting: vec![waiting] });
        Ok(saving)
    }

    /// What comes of the last that was handed in.
    pub(super) fn last(&self) -> Result<Saving, VaultError> {
        let mut under_way = self.under_way();
        if let Some(error) = &under_way.failed {
            return Err(error.clone());
        }
        let Some(last) = under_way.saves.back_mut() else { return Ok(Saving::done()) };
        let (waiting, saving) = Saving::under_way();
        last.waiting.push(waiting);
        Ok(saving)
    }

    /// Returns when nothing is under way: then what is stored is all there is.
    pub(super) async fn idle(&self) -> Result<(), VaultError> {
        self.last()?.durable().await
    }

    /// The first of those under way was answered.
    fn answered(&self, outcome: Result<Saved, StoreError>) {
        let mut under_way = self.under_way();
        let Some(save) = under_way.saves.pop_front() else { return };
        let outcome = match outcome {
            Ok(Saved::Yes) => Ok(()),
            Ok(Saved::Lost) => Err(VaultError::InUse),
            Ok(Saved::After) => Err(under_way.failed.clone().unwrap_or_else(|| {
                VaultError::Unavailable("what was handed in before was not saved".to_owned())
            })),
            Err(error) => Err(unavailable(&error)),
        };
        if let Err(error) = &outcome {
            // Before the writer looks at those that follow.
            under_way.chain.store(true, Ordering::Release);
            under_way.failed.get_or_insert_with(|| error.clone());
        }
        for name in save.names {
            let Entry::Occupied(entry) = under_way.records.entry(name) else { continue };
            // Else one that was handed in later writes it.
            if entry.get().0 == save.number {
                let (name, (_, known)) = entry.remove_entry();
                if outcome.is_ok() && is_asked_for(name.0, &known) {
                    self.0.known.insert(name, known);
                } else {
                    self.0.known.remove(&name);
                }
            }
        }
        drop(under_way);
        for waiting in save.waiting {
            let _ = waiting.send(outcome.clone());
        }
    }
}
