//! The chains that the message keys come from (SPQR, section 7): one for each direction in each epoch.

use std::{cmp::Ordering, sync::Arc};

use keys::Secret;

use super::{Role, SpqrError};
use crate::kdf;

/// How far behind the last one a message may be and still have its key.
pub(super) const MAX_BEHIND: u32 = 2000;
/// Receiving chains that there are at most, at one time.
pub(super) const MAX_RECEIVING: usize = 3;

/// Chains of the current epoch and of those before it that may still be needed.
///
/// A message whose header says epoch e takes its key from the chains of epoch e - 1. Sending starts to use the newest
/// epoch only with the message after the one that brought it, so up to two sending chains are there; receiving
/// chains stay until sending is one epoch past them.
#[derive(Clone)]
pub(super) struct Chains {
    pub(super) role: Role,
    pub(super) root: Secret<32>,
    /// The newest epoch, which `upcoming` or else `sending` and the last of `receiving` belong to.
    pub(super) current: u64,
    pub(super) sending: Chain,
    /// Where the sending chain of the current epoch starts, until a message is sent with it.
    pub(super) upcoming: Option<Secret<32>>,
    /// Receiving chains of consecutive epochs: one, two or three.
    pub(super) receiving: Vec<ReceivingChain>,
}

impl Chains {
    pub(super) fn new(role: Role, auth_key: &Secret<32>) -> Self {
        let output = kdf::hkdf(None, auth_key.expose(), &[b"Signal PQ Ratchet V1 Chain  Start"]);
        let (root, sending, receiving) = start(role, &output);
        let (sending, receiving) = (Chain::new(sending), vec![ReceivingChain::new(receiving)]);
        Self { role, root, current: 0, sending, upcoming: None, receiving }
    }

    /// How many receiving chains there are: those of all epochs since the one before that of `sending`.
    pub(super) fn retained(current: u64, upcoming: bool) -> u64 {
        let behind_sending = if upcoming { 3 } else { 2 };
        current.saturating_add(1).min(behind_sending)
    }

    /// Begins the next epoch with the secret that both sides agreed on.
    pub(super) fn add_epoch(&mut self, secret: &Secret<32>) {
        let label = b"Signal PQ Ratchet V1 Chain Add Epoch";
        let output = kdf::hkdf(Some(self.root.expose()), secret.expose(), &[label]);
        let (root, upcoming, receiving) = start(self.role, &output);
        self.root = root;
        self.upcoming = Some(upcoming);
        self.receiving = self.kept(0, Some(ReceivingChain::new(receiving)));
        self.current += 1;
    }

    /// Number and key of the next message that is sent in `epoch`, which is the current one or the one before.
    ///
    /// The first message in an epoch deletes the sending chain of the epoch before, and the receiving chain of the
    /// one before that.
    pub(super) fn send(&mut self, epoch: u64) -> (u32, Secret<32>) {
        if epoch == self.current
            && let Some(upcoming) = self.upcoming.take()
        {
            self.sending = Chain::new(upcoming);
            self.receiving = self.kept(self.receiving.len().saturating_sub(2), None);
        }
        let key = self.sending.step();
        (self.sending.counter, key)
    }

    /// The receiving chains from the one at `first` on, and one more. They are copied because a list that grows, or
    /// closes a gap, leaves copies of keys behind.
    fn kept(&self, first: usize, next: Option<ReceivingChain>) -> Vec<ReceivingChain> {
        let mut kept = Vec::with_capacity(MAX_RECEIVING);
        kept.extend(self.receiving.iter().skip(first).cloned().chain(next));
        kept
    }

    /// The key of a message that was received in `epoch`. Each is handed out once.
    pub(super) fn receive(&mut self, epoch: u64, index: u32, max_jump: u32) -> Result<Secret<32>, SpqrError> {
        let age = self.current.checked_sub(epoch);
        let age = age.ok_or(SpqrError::EpochOutOfRange { epoch: epoch + 1, current: self.current + 1 })?;
        let chain = usize::try_from(age).ok().and_then(|age| self.receiving.iter_mut().nth_back(age));
        chain.ok_or(SpqrError::EpochGone(epoch + 1))?.take(index, max_jump)
    }
}

/// Root and starts of the sending and the receiving chain of an epoch.
fn start(role: Role, output: &Secret<96>) -> (Secret<32>, Secret<32>, Secret<32>) {
    let (root, a_to_b, b_to_a) = (kdf::part(output, 0), kdf::part(output, 32), kdf::part(output, 64));
    match role {
        Role::Initiator => (root, a_to_b, b_to_a),
        Role::Responder => (root, b_to_a, a_to_b),
    }
}

/// A chain of keys, each of which tells nothing of those before it.
#[derive(Clone)]
pub(super) struct Chain {
    /// Number of the last key, from 1; 0 before the first.
    pub(super) counter: u32,
    pub(super) next: Secret<32>,
}

impl Chain {
    const fn new(start: Secret<32>) -> Self {
        Self { counter: 0, next: start }
    }

    fn step(&mut self) -> Secret<32> {
        // 2^32 messages without an answer are out of reach; if they were not, keys would still never repeat.
        self.counter = self.counter.saturating_add(1);
        let label = b"Signal PQ Ratchet V1 Chain Next";
        let output = kdf::hkdf::<64>(None, self.next.expose(), &[&self.counter.to_be_bytes(), label]);
        self.next = kdf::part(&output, 0);
        kdf::part(&output, 32)
    }
}

/// A receiving chain with the keys of messages that others overtook.
#[derive(Clone)]
pub(super) struct ReceivingChain {
    pub(super) chain: Chain,
    /// In the order of their numbers, the last [`MAX_BEHIND`] at most. Copies of a session share them: most messages
    /// leave them as they are.
    pub(super) skipped: Arc<Vec<SkippedKey>>,
}

/// The key of a message that did not arrive yet.
#[derive(Clone)]
pub(super) struct SkippedKey {
    pub(super) index: u32,
    pub(super) key: Secret<32>,
}

impl ReceivingChain {
    fn new(start: Secret<32>) -> Self {
        Self { chain: Chain::new(start), skipped: Arc::default() }
    }

    fn take(&mut self, at: u32, max_jump: u32) -> Result<Secret<32>, SpqrError> {
        match at.cmp(&self.chain.counter) {
            Ordering::Equal => Err(SpqrError::KeyUsed(at)),
            Ordering::Less => self.take_skipped(at),
            Ordering::Greater => self.advance(at, max_jump),
        }
    }

    fn take_skipped(&mut self, at: u32) -> Result<Secret<32>, SpqrError> {
        if self.chain.counter - at > MAX_BEHIND {
            return Err(SpqrError::KeyTooOld(at));
        }
        let place = self.skipped.binary_search_by_key(&at, |skipped| skipped.index);
        let skipped = place.ok().and_then(|place| self.skipped.get(place)).ok_or(SpqrError::KeyUsed(at))?;
        let key = skipped.key.clone();
        self.skipped = Arc::new(self.copy_skipped(|index| index != at, 0));
        Ok(key)
    }

    /// Moves on to the key with the number `at`, and keeps those on the way that are not too old already.
    fn advance(&mut self, at: u32, max_jump: u32) -> Result<Secret<32>, SpqrError> {
        let jump = at - self.chain.counter;
        if jump > max_jump {
            return Err(SpqrError::JumpTooFar { jump, limit: max_jump });
        }
        let oldest = at.saturating_sub(MAX_BEHIND);
        if jump > 1 || self.skipped.first().is_some_and(|first| first.index < oldest) {
            let mut skipped = self.copy_skipped(|index| index >= oldest, (jump - 1).min(MAX_BEHIND));
            while self.chain.counter < at - 1 {
                let key = self.chain.step();
                let index = self.chain.counter;
                if index >= oldest {
                    skipped.push(SkippedKey { index, key });
                }
            }
            self.skipped = Arc::new(skipped);
        }
        Ok(self.chain.step())
    }

    /// The skipped keys that are to stay, with room for more. They are written anew because a list that grows, or
    /// closes a gap, leaves copies of keys behind.
    fn copy_skipped(&self, stays: impl Fn(u32) -> bool, room: u32) -> Vec<SkippedKey> {
        let staying = || self.skipped.iter().filter(|skipped| stays(skipped.index));
        let mut copy = Vec::with_capacity(staying().count() + usize::try_from(room).unwrap_or_default());
        copy.extend(staying().cloned());
        copy
    }
}
