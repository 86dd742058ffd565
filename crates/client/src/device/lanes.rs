//! Who is sent to, and how that goes.
//!
//! All that waits for one account is a lane. In each, one send at a time is with the relay: were there two, and the
//! first refused, the second would overtake it. Lanes do not wait for each other. What they carry is in the vault; this
//! only remembers what to do next.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use wire::{AccountId, DeviceId};

/// What a lane waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    /// Nothing: its first send can be looked at.
    Ready,
    /// Keys of these devices, or of all.
    WantsKeys(Option<Vec<DeviceId>>),
    /// Who hosts the account.
    WantsLabel,
    /// What it wants is being fetched.
    Fetching,
    /// The relay's answer.
    Sent { id: [u8; 16], since: u64 },
    /// This time.
    Until(u64),
    /// That a changed identity key is accepted, or a label was shown.
    Held,
}

/// What is to be fetched for a lane.
pub(super) enum Wanted {
    /// Keys of these devices, or of all.
    Keys(Option<Vec<DeviceId>>),
    Label,
}

#[derive(Default)]
pub(super) struct Lanes {
    lanes: Mutex<Everybody>,
    /// Something is to be written, or to be fetched.
    pub(super) wake: Notify,
    pub(super) fetch: Notify,
    /// A lane came to its end.
    pub(super) emptied: Notify,
}

#[derive(Default)]
struct Everybody {
    by_account: BTreeMap<AccountId, Lane>,
    /// Whose send is with the relay under which id.
    sent: BTreeMap<[u8; 16], AccountId>,
}

impl Everybody {
    fn put(&mut self, account: AccountId, lane: Option<Lane>) {
        if let Some(Lane::Sent { id, .. }) = self.by_account.remove(&account) {
            self.sent.remove(&id);
        }
        let Some(lane) = lane else { return };
        if let Lane::Sent { id, .. } = &lane {
            self.sent.insert(*id, account);
        }
        self.by_account.insert(account, lane);
    }
}

impl Lanes {
    fn lanes(&self) -> MutexGuard<'_, Everybody> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything but these, which are ready: a new connection.
    pub(super) fn reset(&self, accounts: BTreeSet<AccountId>) {
        let by_account = accounts.into_iter().map(|account| (account, Lane::Ready)).collect();
        *self.lanes() = Everybody { by_account, sent: BTreeMap::new() };
        self.wake.notify_one();
    }

    /// There is something for these accounts.
    pub(super) fn nudge(&self, accounts: BTreeSet<AccountId>) {
        if accounts.is_empty() {
            return;
        }
        let mut lanes = self.lanes();
        for account in accounts {
            lanes.by_account.entry(account).or_insert(Lane::Ready);
        }
        drop(lanes);
        self.wake.notify_one();
    }

    pub(super) fn set(&self, account: AccountId, lane: Lane) {
        let wants_keys = matches!(lane, Lane::WantsKeys(_) | Lane::WantsLabel);
        self.lanes().put(account, Some(lane));
        if wants_keys {
            self.fetch.notify_one();
        }
        self.wake.notify_one();
    }

    pub(super) fn end(&self, account: AccountId) {
        self.lanes().put(account, None);
        self.emptied.notify_waiters();
    }

    /// Lets a held lane go on.
    pub(super) fn release(&self, account: AccountId) {
        if let Some(lane) = self.lanes().by_account.get_mut(&account).filter(|lane| **lane == Lane::Held) {
            *lane = Lane::Ready;
        }
        self.wake.notify_one();
    }

    /// Those whose first send can be looked at now.
    pub(super) fn ready(&self, now: u64, limit: usize) -> Vec<AccountId> {
        let lanes = self.lanes();
        let ready = lanes.by_account.iter().filter(|(_, lane)| match lane {
            Lane::Ready => true,
            Lane::Until(time) => *time <= now,
            _ => false,
        });
        ready.map(|(account, _)| *account).take(limit).collect()
    }

    /// When the next lane is ready again, and since when the oldest unanswered send is with the relay.
    pub(super) fn times(&self) -> (Option<u64>, Option<u64>) {
        let lanes = self.lanes();
        let until = lanes.by_account.values().filter_map(|lane| match lane {
            Lane::Until(time) => Some(*time),
            _ => None,
        });
        let since = lanes.by_account.values().filter_map(|lane| match lane {
            Lane::Sent { since, .. } => Some(*since),
            _ => None,
        });
        (until.min(), since.min())
    }

    /// To whom the send with this id goes, if it is with the relay.
    pub(super) fn recipient(&self, id: &[u8]) -> Option<AccountId> {
        self.lanes().sent.get(id).copied()
    }

    /// Takes an account of which something is to be fetched.
    pub(super) fn next_fetch(&self) -> Option<(AccountId, Wanted)> {
        let mut lanes = self.lanes();
        lanes.by_account.iter_mut().find_map(|(account, lane)| {
            let wanted = match lane {
                Lane::WantsKeys(devices) => Wanted::Keys(devices.take()),
                Lane::WantsLabel => Wanted::Label,
                _ => return None,
            };
            *lane = Lane::Fetching;
            Some((*account, wanted))
        })
    }
}
