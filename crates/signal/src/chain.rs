//! The symmetric chains that sessions and sender keys share, and the seeds of messages that were overtaken in them.

use keys::Secret;
use zeroize::Zeroizing;

use crate::{Malformed, StateError, kdf::hmac_two};

/// How far a chain may be advanced for one message.
pub(crate) const MAX_JUMP: u32 = 25_000;
/// How many seeds of messages that have not arrived a chain keeps; beyond that the oldest are forgotten.
pub(crate) const MAX_SKIPPED: usize = 2_000;
/// Bytes of a stored seed: four of its index, then its own.
pub(crate) const SKIPPED_LEN: usize = 4 + 32;

/// What the keys of one message are derived from.
pub(crate) type Seed = Secret<32>;

/// A chain key at its position. Each message takes one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Chain {
    pub(crate) index: u32,
    pub(crate) key: Secret<32>,
}

impl Chain {
    /// A chain at its first position.
    pub(crate) const fn new(key: Secret<32>) -> Self {
        Self { index: 0, key }
    }

    /// Takes the seed of the message at the chain's position and steps over it; `None` at the last position there
    /// is.
    pub(crate) fn step(&mut self) -> Option<Seed> {
        let next = self.index.checked_add(1)?;
        let (seed, key) = hmac_two(self.key.expose(), 1, 2);
        *self = Self { index: next, key };
        Some(seed)
    }

    /// Steps over all messages up to and including `index`. Gives the seeds that were skipped and are worth storing,
    /// and the message's own; `None` if there is no such step, with the chain anywhere before it.
    pub(crate) fn advance(&mut self, index: u32) -> Option<(Vec<(u32, Seed)>, Seed)> {
        let stored = usize::try_from(index.checked_sub(self.index)?).ok()?.min(MAX_SKIPPED);
        let mut skipped = Vec::with_capacity(stored);
        loop {
            let position = self.index;
            let seed = self.step()?;
            let missing = index.checked_sub(position)?;
            if missing == 0 {
                return Some((skipped, seed));
            }
            if usize::try_from(missing).ok()? <= MAX_SKIPPED {
                skipped.push((position, seed));
            }
        }
    }
}

/// Seeds of messages that have not arrived while later ones have, in ascending order, at most [`MAX_SKIPPED`].
///
/// A vector that grows or closes a gap leaves copies of what it moved in memory that nobody wipes. So seeds are
/// copied, never moved, and each place that held one is wiped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Skipped(Vec<(u32, Seed)>);

impl Skipped {
    pub(crate) fn get(&self, index: u32) -> Option<&Seed> {
        let (_, seed) = self.0.get(self.position(index)?)?;
        Some(seed)
    }

    pub(crate) fn remove(&mut self, index: u32) {
        if let Some(position) = self.position(index)
            && let Some(tail) = self.0.get_mut(position..)
        {
            tail.rotate_left(1);
            self.0.truncate(self.0.len() - 1);
        }
    }

    /// Adds seeds of later messages than all that are stored; the oldest make room for them.
    pub(crate) fn append(&mut self, newer: &[(u32, Seed)]) {
        if newer.is_empty() {
            return;
        }
        let surplus = (self.0.len() + newer.len()).saturating_sub(MAX_SKIPPED);
        if surplus == 0 && self.0.capacity() - self.0.len() >= newer.len() {
            self.0.extend_from_slice(newer);
            return;
        }
        let kept = self.0.iter().chain(newer).skip(surplus).cloned();
        let mut seeds = Vec::with_capacity((2 * (self.0.len() + newer.len())).min(MAX_SKIPPED));
        seeds.extend(kept);
        self.0 = seeds;
    }

    /// Reads what [`Skipped::to_bytes`] wrote, of a chain that stands at `end`.
    pub(crate) fn from_bytes(stored: &[u8], field: u32, end: u32) -> Result<Self, StateError> {
        let (stored, []) = stored.as_chunks::<SKIPPED_LEN>() else {
            return Err(Malformed::Length { field }.into());
        };
        if stored.len() > MAX_SKIPPED {
            return Err(StateError::Inconsistent("too many skipped seeds"));
        }
        let mut seeds = Vec::with_capacity(stored.len());
        let mut next = 0;
        for [a, b, c, d, seed @ ..] in stored {
            let index = u32::from_be_bytes([*a, *b, *c, *d]);
            if !(next..end).contains(&index) {
                return Err(StateError::Inconsistent("a skipped seed out of order"));
            }
            seeds.push((index, Secret::new(*seed)));
            next = index + 1;
        }
        Ok(Self(seeds))
    }

    /// Each seed behind its index, in ascending order.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.stored_len()));
        for (index, seed) in &self.0 {
            bytes.extend_from_slice(&index.to_be_bytes());
            bytes.extend_from_slice(seed.expose());
        }
        bytes
    }

    /// Bytes of [`Skipped::to_bytes`].
    pub(crate) const fn stored_len(&self) -> usize {
        self.0.len() * SKIPPED_LEN
    }

    fn position(&self, index: u32) -> Option<usize> {
        self.0.binary_search_by_key(&index, |(stored, _)| *stored).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(index: u32) -> (u32, Seed) {
        (index, Secret::new([index.to_le_bytes()[0]; 32]))
    }

    #[test]
    fn the_oldest_seeds_make_room_for_newer_ones() {
        let mut skipped = Skipped::default();
        skipped.append(&(0..1500).map(seed).collect::<Vec<_>>());
        skipped.append(&(1600..2100).map(seed).collect::<Vec<_>>());
        assert_eq!((skipped.0.len(), skipped.get(0)), (2000, Some(&seed(0).1)));
        skipped.append(&[seed(3000), seed(3001)]);
        assert_eq!(skipped.0.len(), 2000);
        assert_eq!((skipped.get(1), skipped.get(2)), (None, Some(&seed(2).1)));
        assert_eq!(skipped.get(3001), Some(&seed(3001).1));
    }

    #[test]
    fn a_removed_seed_is_gone_and_its_neighbours_stay() {
        let mut skipped = Skipped::default();
        skipped.append(&[seed(3), seed(5), seed(9)]);
        skipped.remove(5);
        skipped.remove(4);
        assert_eq!(skipped.0, [seed(3), seed(9)]);
    }

    #[test]
    fn the_last_position_of_a_chain_cannot_be_stepped_over() {
        let mut chain = Chain { index: u32::MAX, key: Secret::new([7; 32]) };
        let before = chain.clone();
        assert_eq!(chain.step(), None);
        assert_eq!(chain, before);
    }
}
