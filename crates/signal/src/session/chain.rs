//! The chains of the Double Ratchet (sections 5.1 to 5.3) and the keys of one message.

use keys::{KeyPair, PublicKey, Secret};

use crate::{
    DecryptError,
    chain::{Chain, Seed, Skipped},
    kdf::{hkdf, part},
};

/// What this device sends with, until the peer answers with a new ratchet key.
#[derive(Clone)]
pub(super) struct SendingChain {
    pub(super) ratchet: KeyPair,
    pub(super) chain: Chain,
}

/// What one of the peer's ratchet keys receives with.
#[derive(Clone)]
pub(super) struct ReceivingChain {
    pub(super) ratchet: PublicKey,
    pub(super) chain: Chain,
    pub(super) skipped: Skipped,
}

impl ReceivingChain {
    pub(super) fn new(ratchet: PublicKey, key: Secret<32>) -> Self {
        Self { ratchet, chain: Chain::new(key), skipped: Skipped::default() }
    }

    /// Whether message `counter` can be taken from a chain that is new.
    pub(super) const fn admit_first(counter: u32, max_jump: u32) -> Result<(), DecryptError> {
        if counter > max_jump { Err(DecryptError::TooFarAhead { ahead: counter }) } else { Ok(()) }
    }

    /// Whether [`ReceivingChain::take`] can succeed, without deriving anything.
    pub(super) fn admit(&self, counter: u32, max_jump: u32) -> Result<(), DecryptError> {
        match counter.checked_sub(self.chain.index) {
            None if self.skipped.get(counter).is_none() => Err(DecryptError::Duplicate),
            Some(ahead) if ahead > max_jump => Err(DecryptError::TooFarAhead { ahead }),
            _ => Ok(()),
        }
    }

    /// The seed of message `counter`, which is gone from the chain afterwards.
    pub(super) fn take(&mut self, counter: u32) -> Result<Seed, DecryptError> {
        if counter < self.chain.index {
            let seed = self.skipped.get(counter).cloned().ok_or(DecryptError::Duplicate)?;
            self.skipped.remove(counter);
            return Ok(seed);
        }
        let exhausted = DecryptError::TooFarAhead { ahead: counter - self.chain.index };
        let (skipped, seed) = self.chain.advance(counter).ok_or(exhausted)?;
        self.skipped.append(&skipped);
        Ok(seed)
    }
}

/// A root step: the root moves on, and a chain begins (section 5.2).
pub(super) fn root_step(root: &Secret<32>, agreed: &Secret<32>) -> (Secret<32>, Secret<32>) {
    let output = hkdf::<64>(Some(root.expose()), agreed.expose(), &[b"WhisperRatchet"]);
    (part(&output, 0), part(&output, 32))
}

/// The keys of one message (section 5.5).
pub(super) struct MessageKeys {
    pub(super) cipher: Secret<32>,
    pub(super) mac: Secret<32>,
    pub(super) iv: [u8; 16],
}

impl MessageKeys {
    pub(super) fn derive(seed: &Seed, pq_key: &Secret<32>) -> Self {
        let output = hkdf::<80>(Some(pq_key.expose()), seed.expose(), &[b"WhisperMessageKeys"]);
        let mut iv = [0; 16];
        iv.iter_mut().zip(output.expose().iter().skip(64)).for_each(|(to, from)| *to = *from);
        Self { cipher: part(&output, 0), mac: part(&output, 32), iv }
    }
}
