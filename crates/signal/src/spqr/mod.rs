//! The post-quantum half of the Triple Ratchet: SPQR, the sparse post-quantum ratchet, version 1.
//!
//! Beside the Double Ratchet, which heals with elliptic curves, this one heals with ML-KEM-768. Its keys and
//! ciphertexts are too large for every message, so they travel in chunks of 32 bytes, one with each message, under
//! an erasure code: which chunks arrive does not matter, only how many. Each message gets a key from here that
//! becomes the salt of its message keys, so a reader must break both ratchets.
//!
//! **Epochs.** Exchanges of a secret are numbered from 1. In each, one side draws a key pair (the *ek side*) and the
//! other encapsulates (the *ct side*). The initiator of the session, A, is the ek side of odd epochs, the responder,
//! B, of even ones. The public key is cut into a *header* of 64 bytes and *ek*, the ciphertext into *ct1*, for which
//! the header suffices, and *ct2*, which takes ek; so ek and ct1 can travel at the same time. Header and ciphertext
//! carry MACs.
//!
//! **States** of the ek side, in their order:
//!
//! | state | knows | sends |
//! |---|---|---|
//! | `KeysUnsampled` | nothing | draws the key pair and goes on to the next |
//! | `KeysSampled` | its key pair | the header, until a chunk of ct1 shows that it arrived |
//! | `HeaderSent` | some of ct1 | ek |
//! | `Ct1Received` | ct1 | ek, and that ct1 has arrived |
//! | `EkSentCt1Received` | ct1, some of ct2 | that ct1 has arrived; ek has too, as ct2 is made of it |
//!
//! With ct2 complete it has the secret, and is the ct side of the next epoch:
//!
//! | state | knows | sends |
//! |---|---|---|
//! | `NoHeaderReceived` | some of the header | nothing |
//! | `HeaderReceived` | the header | begins to encapsulate, which gives the secret, and goes on to the next |
//! | `Ct1Sampled` | ct1, some of ek | ct1 |
//! | `EkReceivedCt1Sampled` | ct1, ek | ct1, until the other side has it |
//! | `Ct1Acknowledged` | some of ek | nothing |
//! | `Ct2Sampled` | ct2 | ct2, until a message of the next epoch shows that it arrived |
//!
//! and then it is the ek side again. Messages that do not fit the state, or come late, change nothing. Ping-pong
//! without loss takes some 45 round trips for an epoch.
//!
//! **Keys** come from hash chains, two for each epoch, which start from the secrets of all epochs so far. Whoever
//! copies a state can follow until the two sides have completed an exchange that was begun afterwards.
//!
//! This module knows nothing of messages, curves and storage. It has the words of the SPQR specification, which its
//! comments cite.

mod authenticator;
mod chain;
mod erasure;
mod error;
mod field;
#[cfg(test)]
mod inspect;
pub(crate) mod kem;
mod machine;
mod packet;
mod parts;
mod state;

#[cfg(test)]
mod tests;

pub use error::SpqrError;
use keys::Secret;

use self::{chain::Chains, machine::Machine, packet::Packet};
use crate::entropy::Entropy;

/// Which side of the session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sent the first message. Called A in the specification.
    Initiator,
    /// Received it. Called B.
    Responder,
}

/// One side of a session. Copies are cheap: they share keys, ciphertexts and skipped keys.
#[derive(Clone)]
pub(crate) struct Spqr {
    machine: Machine,
    chains: Chains,
}

impl Spqr {
    /// Starts with the third output of the handshake.
    pub(crate) fn new(role: Role, auth_key: &Secret<32>) -> Self {
        Self { machine: Machine::new(role, auth_key), chains: Chains::new(role, auth_key) }
    }

    /// The post-quantum part of the next outgoing message, and the salt of its keys. Store the state with the rest
    /// of the session before the message leaves.
    pub(crate) fn send(&mut self, entropy: &mut impl Entropy) -> (Vec<u8>, Secret<32>) {
        let epoch = self.machine.epoch;
        let (payload, secret) = self.machine.send(entropy);
        let (index, key) = self.chains.send(epoch - 1);
        // The message that first carries ct1 still has its key from the epoch before.
        if let Some(secret) = secret {
            self.chains.add_epoch(&secret);
        }
        (Packet { epoch, index, payload }.to_bytes(), key)
    }

    /// The salt of the keys of an incoming message. Store the state only if all of the message turns out to be
    /// genuine: what arrives here is not authenticated yet.
    ///
    /// `max_jump` limits how many keys may lie between the last one and that of the message.
    ///
    /// # Errors
    /// If the message has no key. Then nothing has changed.
    pub(crate) fn receive(&mut self, message: &[u8], max_jump: u32) -> Result<Secret<32>, SpqrError> {
        let packet = Packet::from_bytes(message)?;
        let (machine, secret) = self.machine.clone().receive(&packet)?;
        let mut chains = self.chains.clone();
        if let Some(secret) = secret {
            chains.add_epoch(&secret);
        }
        let key = chains.receive(packet.epoch - 1, packet.index, max_jump)?;
        *self = Self { machine, chains };
        Ok(key)
    }
}
