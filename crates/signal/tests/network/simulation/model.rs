//! What the documentation promises, without any cryptography: which messages a device must be able to read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use signal::{Timestamp, keys::PublicKey};

const MAX_ARCHIVED: usize = 40;
const MAX_CHAINS: usize = 5;
const MAX_SEEDS: usize = 2000;
const MAX_BEHIND: u32 = 2000;
/// Bytes that archived sessions may take together.
const MAX_ARCHIVED_LEN: usize = 1 << 20;
/// More than one session takes: all it can skip, and the rest.
const LARGEST: usize = 36 * MAX_SEEDS * (MAX_CHAINS + 3) + (16 << 10);
const MAX_JUMP: u32 = 25_000;
/// In a chain that is new, of a session that is neither current nor named by the message.
const MAX_ARCHIVED_JUMP: u32 = 2000;
const UNANSWERED_LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Names a session: both ends have the same number for it.
pub(crate) type SessionNumber = usize;

/// Why a genuine message is not read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Why {
    /// It was read before.
    Duplicate,
    /// More than 2,000 messages of its chain are missing, and it is among the oldest.
    SeedForgotten,
    /// It is more than 2,000 messages behind in its epoch.
    KeyForgotten,
    /// Its chain is none of the last five.
    ChainForgotten,
    /// Its post-quantum epoch is over.
    EpochGone,
    /// Its chain would have to jump too far.
    TooFarAhead,
    /// Its session is none of the last 41, or was lost.
    SessionForgotten,
    /// Its session is gone and so are the prekeys that it began with.
    PreKeysGone,
}

/// What of a message decides whether it can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) session: SessionNumber,
    /// It carries the handshake.
    pub(crate) names_session: bool,
    pub(crate) ratchet_key: PublicKey,
    pub(crate) counter: u32,
    pub(crate) epoch: u64,
    pub(crate) index: u32,
}

/// What one device shares with another.
#[derive(Clone, Default)]
pub(super) struct Record {
    pub(super) current: Option<SessionNumber>,
    /// Newest first.
    archived: VecDeque<SessionNumber>,
    sessions: HashMap<SessionNumber, End>,
}

/// One end of one session.
#[derive(Clone, Default)]
pub(super) struct End {
    /// Oldest first. At an initiator there is one of the peer's signed prekey, under which nothing is ever sent.
    receiving: VecDeque<Chain>,
    known: HashSet<PublicKey>,
    epochs: BTreeMap<u64, Epoch>,
    sent_epoch: u64,
    /// When it began, while it is not answered.
    unanswered: Option<Timestamp>,
}

#[derive(Clone, Default)]
struct Chain {
    key: Option<PublicKey>,
    next: u32,
    skipped: BTreeSet<u32>,
}

#[derive(Clone, Default)]
struct Epoch {
    last: u32,
    skipped: BTreeSet<u32>,
}

impl Record {
    /// This device begins a session.
    pub(super) fn start(&mut self, session: SessionNumber, now: Timestamp) {
        let receiving = VecDeque::from([Chain::default()]);
        self.sessions.insert(session, End { receiving, unanswered: Some(now), ..End::default() });
        self.promote(session);
    }

    pub(super) fn archive(&mut self) {
        if let Some(session) = self.current.take() {
            self.archived.push_front(session);
            if let Some(end) = self.sessions.get_mut(&session) {
                end.unanswered = None;
            }
        }
        for session in self.archived.drain(MAX_ARCHIVED.min(self.archived.len())..) {
            self.sessions.remove(&session);
        }
    }

    /// Looks at what is really archived: it may be less, if it would take too many bytes.
    pub(super) fn compare(&mut self, lengths: &[usize]) {
        let kept = lengths.len();
        assert!(kept <= self.archived.len(), "sessions are kept that should be dropped");
        if kept < self.archived.len() {
            let total: usize = lengths.iter().sum();
            assert!(
                total + LARGEST > MAX_ARCHIVED_LEN,
                "{kept} sessions, {total} bytes: one was dropped too many"
            );
            for session in self.archived.drain(kept..) {
                self.sessions.remove(&session);
            }
        }
    }

    fn promote(&mut self, session: SessionNumber) {
        if self.current != Some(session) {
            self.archived.retain(|archived| *archived != session);
            self.archive();
            self.current = Some(session);
        }
    }

    pub(super) fn knows(&self, session: SessionNumber) -> bool {
        self.sessions.contains_key(&session)
    }

    /// The current session, if it may be sent in; and whether it is answered.
    pub(super) fn sends_in(&self, now: Timestamp) -> Option<(SessionNumber, bool)> {
        let session = self.current?;
        let unanswered = self.sessions.get(&session)?.unanswered;
        let good = unanswered.is_none_or(|since| now.0 <= since.0 + UNANSWERED_LIFETIME_MS);
        good.then_some((session, unanswered.is_none()))
    }

    pub(super) fn sent(&mut self, epoch: u64) {
        let end = self.current.and_then(|session| self.sessions.get_mut(&session));
        let end = end.expect("a message was sent in a session");
        end.sent_epoch = end.sent_epoch.max(epoch);
    }

    /// The record after a message, if it must be read. `prekeys` says whether the message could begin its session.
    pub(super) fn receive(&self, stamp: &Stamp, prekeys: Option<bool>) -> Result<Self, Why> {
        let mut end = match (self.sessions.get(&stamp.session), prekeys) {
            (Some(end), _) => end.clone(),
            (None, Some(true)) => End::default(),
            (None, Some(false)) => return Err(Why::PreKeysGone),
            (None, None) => return Err(Why::SessionForgotten),
        };
        end.receive(stamp, stamp.names_session || self.current == Some(stamp.session))?;
        let mut next = self.clone();
        next.sessions.insert(stamp.session, end);
        next.promote(stamp.session);
        Ok(next)
    }
}

impl End {
    fn receive(&mut self, stamp: &Stamp, expected: bool) -> Result<(), Why> {
        let position = self.receiving.iter().position(|chain| chain.key == Some(stamp.ratchet_key));
        let max_jump = if expected || position.is_some() { MAX_JUMP } else { MAX_ARCHIVED_JUMP };
        let chain = match position {
            Some(position) => &mut self.receiving[position],
            None if self.known.contains(&stamp.ratchet_key) => return Err(Why::ChainForgotten),
            None => {
                if self.receiving.len() == MAX_CHAINS {
                    self.receiving.pop_front();
                }
                self.known.insert(stamp.ratchet_key);
                self.receiving.push_back(Chain { key: Some(stamp.ratchet_key), ..Chain::default() });
                self.receiving.back_mut().expect("it was just put there")
            }
        };
        chain.take(stamp.counter, max_jump)?;
        // Chains of the epoch before the one that was last sent in are kept, older ones are not.
        if stamp.epoch + 1 < self.sent_epoch {
            return Err(Why::EpochGone);
        }
        self.epochs.entry(stamp.epoch).or_default().take(stamp.index, max_jump)?;
        self.unanswered = None;
        Ok(())
    }
}

impl Chain {
    fn take(&mut self, counter: u32, max_jump: u32) -> Result<(), Why> {
        if counter < self.next {
            return if self.skipped.remove(&counter) { Ok(()) } else { Err(Why::Duplicate) };
        }
        if counter - self.next > max_jump {
            return Err(Why::TooFarAhead);
        }
        self.skipped.extend(self.next..counter);
        while self.skipped.len() > MAX_SEEDS {
            self.skipped.pop_first();
        }
        self.next = counter + 1;
        Ok(())
    }
}

impl Epoch {
    fn take(&mut self, index: u32, max_jump: u32) -> Result<(), Why> {
        if index <= self.last {
            return if self.skipped.remove(&index) { Ok(()) } else { Err(Why::KeyForgotten) };
        }
        if index - self.last > max_jump {
            return Err(Why::TooFarAhead);
        }
        let oldest = index.saturating_sub(MAX_BEHIND);
        self.skipped.extend((self.last + 1)..index);
        self.skipped = self.skipped.split_off(&oldest);
        self.last = index;
        Ok(())
    }
}
