//! What a device stores, by kind, and the [`Work`] in which it is read and changed.

mod feed;
mod history;
mod label;
mod names;
mod outbox;
mod own;
mod peer;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use tokio::sync::MutexGuard;
use wire::{AccountId, DeviceId};
use zeroize::Zeroizing;

pub(crate) use self::{
    feed::{Fed, FedIdentity, FedState, FedUnreadable, FeedRecord, SentRecord},
    history::{ChatRecord, Entry, EntryReaction, EntryState},
    label::{LabelKeyRecord, LabelNote, LabelRecord, Standing},
    names::{early_receipt, message_name, message_of, name, seen_envelope, seen_message},
    outbox::{Outgoing, Purpose, QueuedSend, Referred, SealedPart},
    own::{OwnRecord, address},
    peer::PeerRecord,
    upkeep::{PreKeyKind, Upkeep},
};
use crate::{
    Error, Event, Randomness,
    error::damaged,
    vault::{Change, Order, Record, Saving, Space, Vault, VaultError},
};

/// What is written and not yet saved.
struct Written {
    owner: Vec<u8>,
    position: u64,
    value: Zeroizing<Vec<u8>>,
}

/// A name, and what was written under it before; nothing if nothing was.
type Replaced = ((Space, Vec<u8>), Option<Option<Written>>);

/// One change of a device's state: reads see what it has written, and nothing is stored before [`Work::commit`].
///
/// There is one at a time, for it holds the lock. Dropped without a commit it leaves no trace. What it reads may not be
/// durable yet; what it leads to must wait for [`Handed::saving`], also if it changed nothing.
pub(crate) struct Work<'a> {
    vault: &'a dyn Vault,
    rng: MutexGuard<'a, Randomness>,
    written: BTreeMap<(Space, Vec<u8>), Option<Written>>,
    /// What the writes since the last [`Work::mark`] replaced, the first first.
    replaced: Option<Vec<Replaced>>,
    upkeep: Upkeep,
    stored_upkeep: Upkeep,
    /// The time at which it began.
    pub(crate) now: u64,
    /// To be told when it is saved.
    pub(crate) events: Vec<Event>,
    /// The position of the last that it put into the feed.
    pub(crate) fed: Option<u64>,
    /// For whom there is something to send when it is saved.
    pub(crate) lanes: BTreeSet<AccountId>,
}

/// A point that a [`Work`] can be taken back to.
pub(crate) struct Mark {
    upkeep: Upkeep,
    events: usize,
    fed: Option<u64>,
    lanes: BTreeSet<AccountId>,
}

/// What a saved [`Work`] wants done.
pub(crate) struct Done {
    pub(crate) events: Vec<Event>,
    /// The position of the last that came into the feed.
    pub(crate) fed: Option<u64>,
    /// How many are in the feed.
    pub(crate) in_feed: u64,
    pub(crate) lanes: BTreeSet<AccountId>,
}

/// A [`Work`] that was handed in.
pub(crate) struct Handed<'a> {
    pub(crate) done: Done,
    /// What comes of it.
    pub(crate) saving: Saving,
    /// Nobody changes the state while this is held.
    pub(crate) lock: MutexGuard<'a, Randomness>,
}

impl<'a> Work<'a> {
    pub(crate) async fn begin(
        vault: &'a dyn Vault,
        rng: MutexGuard<'a, Randomness>,
        now: u64,
    ) -> Result<Self, Error> {
        let mut work = Self {
            vault,
            rng,
            written: BTreeMap::new(),
            replaced: None,
            upkeep: Upkeep::default(),
            stored_upkeep: Upkeep::default(),
            now,
            events: Vec::new(),
            fed: None,
            lanes: BTreeSet::new(),
        };
        work.upkeep = work.load(Space::Upkeep, &[]).await?.unwrap_or_default();
        work.stored_upkeep = work.upkeep.clone();
        Ok(work)
    }

    pub(crate) fn rng(&mut self) -> &mut Randomness {
        &mut self.rng
    }

    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn upkeep(&mut self) -> &mut Upkeep {
        &mut self.upkeep
    }

    pub(crate) const fn keeps_history(&self) -> bool {
        !self.upkeep.no_history
    }

    /// A place after all that were given out before.
    pub(crate) fn next_position(&mut self) -> u64 {
        self.upkeep.last_position += 1;
        self.upkeep.last_position
    }

    /// The time, but later than every time that this device put on something before: the name of what it sends.
    pub(crate) fn next_timestamp(&mut self) -> u64 {
        self.upkeep.last_timestamp = self.now.max(self.upkeep.last_timestamp + 1);
        self.upkeep.last_timestamp
    }

    pub(crate) async fn bytes(
        &self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match self.written.get(&(space, key.to_vec())) {
            Some(written) => Ok(written.as_ref().map(|written| written.value.clone())),
            None => Ok(self.vault.load(space, key).await?.map(|record| record.value)),
        }
    }

    /// Says what will be loaded next.
    pub(crate) async fn prefetch(&self, mut names: Vec<(Space, Vec<u8>)>) -> Result<(), VaultError> {
        names.retain(|name| !self.written.contains_key(name));
        if names.is_empty() { Ok(()) } else { self.vault.prefetch(&names).await }
    }

    pub(crate) async fn load<T: prost::Message + Default>(
        &self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<T>, Error> {
        let Some(bytes) = self.bytes(space, key).await? else { return Ok(None) };
        T::decode(bytes.as_slice()).map(Some).map_err(|_| damaged("a record"))
    }

    pub(crate) fn put(
        &mut self,
        space: Space,
        key: Vec<u8>,
        owner: &[u8],
        position: u64,
        value: Zeroizing<Vec<u8>>,
    ) {
        self.write((space, key), Some(Written { owner: owner.to_vec(), position, value }));
    }

    pub(crate) fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.write((space, key), None);
    }

    fn write(&mut self, name: (Space, Vec<u8>), written: Option<Written>) {
        match &mut self.replaced {
            Some(replaced) => {
                let before = self.written.insert(name.clone(), written);
                replaced.push((name, before));
            }
            None => drop(self.written.insert(name, written)),
        }
    }

    /// Remembers this point, until [`Work::keep`] or [`Work::take_back`].
    pub(crate) fn mark(&mut self) -> Mark {
        self.replaced = Some(Vec::new());
        Mark {
            upkeep: self.upkeep.clone(),
            events: self.events.len(),
            fed: self.fed,
            lanes: std::mem::take(&mut self.lanes),
        }
    }

    /// Keeps what was done since a mark.
    pub(crate) fn keep(&mut self, mut mark: Mark) {
        self.replaced = None;
        mark.lanes.append(&mut self.lanes);
        self.lanes = mark.lanes;
    }

    /// Takes back all that was done since a mark.
    pub(crate) fn take_back(&mut self, mark: Mark) {
        for (name, before) in self.replaced.take().unwrap_or_default().into_iter().rev() {
            match before {
                Some(before) => self.written.insert(name, before),
                None => self.written.remove(&name),
            };
        }
        self.upkeep = mark.upkeep;
        self.events.truncate(mark.events);
        self.fed = mark.fed;
        self.lanes = mark.lanes;
    }

    /// Whether an owner has any record.
    pub(crate) async fn any(&self, space: Space, owner: &[u8]) -> Result<bool, VaultError> {
        let written = self.written.range((space, Vec::new())..).take_while(|((of, _), _)| *of == space);
        let mut gone = 0;
        for (_, written) in written {
            match written {
                Some(written) if written.owner == owner => return Ok(true),
                Some(_) => {}
                None => gone += 1,
            }
        }
        let stored = self.vault.scan(space, Some(owner), Order::After(0), gone + 1).await?;
        Ok(stored.iter().any(|record| !self.written.contains_key(&(space, record.key.clone()))))
    }

    /// Records as [`Vault::scan`] gives them, with what this work has written.
    pub(crate) async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        let touched =
            self.written.range((space, Vec::new())..).take_while(|((of, _), _)| *of == space).count();
        let mut found = self.vault.scan(space, owner, order, limit.saturating_add(touched)).await?;
        found.retain(|record| !self.written.contains_key(&(space, record.key.clone())));
        let written = self.written.range((space, Vec::new())..).take_while(|((of, _), _)| *of == space);
        for ((_, key), written) in written {
            let Some(written) = written else { continue };
            let within = match order {
                Order::After(position) => written.position > position,
                Order::Before(position) => written.position < position,
            };
            if within && owner.is_none_or(|owner| written.owner == owner) {
                let value = written.value.clone();
                found.push(Record { key: key.clone(), position: written.position, value });
            }
        }
        match order {
            Order::After(_) => found.sort_by_key(|record| record.position),
            Order::Before(_) => found.sort_by_key(|record| std::cmp::Reverse(record.position)),
        }
        found.truncate(limit);
        Ok(found)
    }

    pub(crate) async fn peer(&self, account: AccountId) -> Result<PeerRecord, Error> {
        let found = self.load::<PeerRecord>(Space::Peer, account.as_bytes()).await?;
        Ok(found.unwrap_or_else(|| PeerRecord::new(account)))
    }

    pub(crate) fn put_peer(&mut self, peer: &mut PeerRecord) {
        if peer.position == 0 {
            peer.position = self.next_position();
        }
        let (key, value) = (peer.account.clone(), Zeroizing::new(peer.encode_to_vec()));
        self.put(Space::Peer, key, &[], peer.position, value);
    }

    pub(crate) fn delete_session(&mut self, account: AccountId, device: DeviceId) {
        self.delete(Space::Session, name(account, device));
    }

    /// Hands everything in; whoever comes next reads it.
    pub(crate) async fn commit(mut self) -> Result<Handed<'a>, Error> {
        if self.upkeep != self.stored_upkeep {
            let value = Zeroizing::new(self.upkeep.encode_to_vec());
            self.put(Space::Upkeep, Vec::new(), &[], 0, value);
        }
        let changes = self.written.into_iter().map(|((space, key), written)| match written {
            Some(Written { owner, position, value }) => Change::Put { space, key, owner, position, value },
            None => Change::Delete { space, key },
        });
        let saving = self.vault.hand_in(changes.collect()).await?;
        let done = Done { events: self.events, fed: self.fed, in_feed: self.upkeep.fed, lanes: self.lanes };
        Ok(Handed { done, saving, lock: self.rng })
    }
}

/// Reads a record that a scan gave.
pub(crate) fn decode<T: prost::Message + Default>(record: &Record) -> Result<T, Error> {
    T::decode(record.value.as_slice()).map_err(|_| damaged("a record"))
}
