use keys::{KeyPair, PublicKey, Secret};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    DistributionId, DistributionMessage, SenderKeyError, SenderKeyMessage,
    cipher::{decrypt, encrypt},
    message::SenderKeyParts,
};
use crate::{
    EncryptedMessage, MAX_MESSAGE_LEN, MessageKind,
    chain::{Chain, MAX_JUMP, Skipped},
};

/// How many chains of one sender and distribution are kept; the one least recently told of is forgotten.
pub(super) const MAX_STATES: usize = 5;

/// What a device knows of the chains of one sender for one distribution: its own, or another's.
///
/// A call that fails changes nothing. What changed is to be stored before its result is used: a stored state that
/// lags behind would encrypt two messages under one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SenderKeyRecord {
    pub(super) distribution_id: DistributionId,
    /// No two of one chain id, the one to send with first.
    pub(super) states: Vec<State>,
}

/// One chain, and what signs its messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) chain_id: u32,
    pub(super) chain: Chain,
    pub(super) skipped: Skipped,
    pub(super) signing: SigningKey,
}

/// The key that signs the messages of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SigningKey {
    Own(KeyPair),
    Theirs(PublicKey),
}

impl SigningKey {
    pub(super) const fn public(&self) -> &PublicKey {
        match self {
            Self::Own(pair) => &pair.public,
            Self::Theirs(key) => key,
        }
    }
}

impl SenderKeyRecord {
    /// A record without chains, for what another device will send.
    pub const fn new(distribution_id: DistributionId) -> Self {
        Self { distribution_id, states: Vec::new() }
    }

    /// A record with a new chain of our own. A chain cannot be taken back from who was told of it: to remove a
    /// member from a group, create a new one and tell the others.
    pub fn create(distribution_id: DistributionId, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut chain_id = [0; 4];
        rng.fill_bytes(&mut chain_id);
        let chain = Chain::new(Secret::random(rng));
        let state = State {
            chain_id: u32::from_le_bytes(chain_id) & 0x7FFF_FFFF,
            chain,
            skipped: Skipped::default(),
            signing: SigningKey::Own(KeyPair::generate(rng)),
        };
        Self { distribution_id, states: vec![state] }
    }

    /// The distribution that the record is of.
    pub const fn distribution_id(&self) -> DistributionId {
        self.distribution_id
    }

    /// What to tell a member: it reads what is sent from now on.
    ///
    /// # Errors
    /// [`SenderKeyError::NoOwnChain`].
    pub fn distribution(&self) -> Result<DistributionMessage, SenderKeyError> {
        let (state, pair) = self.own()?;
        Ok(DistributionMessage {
            distribution_id: self.distribution_id,
            chain_id: state.chain_id,
            iteration: state.chain.index,
            chain_key: state.chain.key.clone(),
            signing_key: pair.public,
        })
    }

    /// Takes in what a sender told. A chain that is known already stays where it is, so that repeating the message
    /// brings no used key back.
    ///
    /// # Errors
    /// [`SenderKeyError::OtherDistribution`].
    pub fn process(&mut self, message: &DistributionMessage) -> Result<(), SenderKeyError> {
        if message.distribution_id != self.distribution_id {
            return Err(SenderKeyError::OtherDistribution);
        }
        let known = self.states.iter().find(|state| {
            state.chain_id == message.chain_id && *state.signing.public() == message.signing_key
        });
        let first = known.cloned().unwrap_or_else(|| State {
            chain_id: message.chain_id,
            chain: Chain { index: message.iteration, key: message.chain_key.clone() },
            skipped: Skipped::default(),
            signing: SigningKey::Theirs(message.signing_key),
        });
        // Copied, not moved: what is left behind must be wiped.
        let mut states = Vec::with_capacity(MAX_STATES);
        states.push(first);
        let others = self.states.iter().filter(|state| state.chain_id != message.chain_id);
        states.extend(others.take(MAX_STATES - 1).cloned());
        self.states = states;
        Ok(())
    }

    /// Encrypts and signs the next message of our own chain.
    ///
    /// # Errors
    /// [`SenderKeyError::NoOwnChain`], [`SenderKeyError::Exhausted`] or [`SenderKeyError::TooLong`].
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<EncryptedMessage, SenderKeyError> {
        let (state, pair) = self.own()?;
        let mut chain = state.chain.clone();
        let seed = chain.step().ok_or(SenderKeyError::Exhausted)?;
        let parts = SenderKeyParts {
            distribution_id: self.distribution_id,
            chain_id: state.chain_id,
            iteration: state.chain.index,
            ciphertext: &encrypt(&seed, plaintext),
        };
        let bytes = parts.serialize(&pair.private, rng);
        if bytes.len() > MAX_MESSAGE_LEN {
            return Err(SenderKeyError::TooLong { actual: bytes.len() });
        }
        if let Some(state) = self.states.first_mut() {
            state.chain = chain;
        }
        Ok(EncryptedMessage { kind: MessageKind::SenderKey, bytes })
    }

    /// Verifies and decrypts a message. Each is decrypted once.
    ///
    /// # Errors
    /// Every [`SenderKeyError`] but those of sending.
    pub fn decrypt(&mut self, message: &SenderKeyMessage<'_>) -> Result<Zeroizing<Vec<u8>>, SenderKeyError> {
        if message.distribution_id() != self.distribution_id {
            return Err(SenderKeyError::OtherDistribution);
        }
        let chain_id = message.chain_id();
        let state = self
            .states
            .iter_mut()
            .find(|state| state.chain_id == chain_id)
            .ok_or(SenderKeyError::NoState { chain_id })?;
        if !message.authentic(state.signing.public()) {
            return Err(SenderKeyError::BadSignature);
        }
        state.decrypt(message.iteration(), message.ciphertext())
    }

    fn own(&self) -> Result<(&State, &KeyPair), SenderKeyError> {
        match self.states.first() {
            Some(state @ State { signing: SigningKey::Own(pair), .. }) => Ok((state, pair)),
            _ => Err(SenderKeyError::NoOwnChain),
        }
    }
}

impl State {
    fn decrypt(&mut self, iteration: u32, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SenderKeyError> {
        let Some(ahead) = iteration.checked_sub(self.chain.index) else {
            let seed = self.skipped.get(iteration).ok_or(SenderKeyError::Duplicate { iteration })?;
            let plaintext = decrypt(seed, ciphertext).ok_or(SenderKeyError::BadCiphertext)?;
            self.skipped.remove(iteration);
            return Ok(plaintext);
        };
        if ahead > MAX_JUMP {
            return Err(SenderKeyError::TooFarAhead { ahead });
        }
        let mut chain = self.chain.clone();
        let (skipped, seed) = chain.advance(iteration).ok_or(SenderKeyError::Exhausted)?;
        let plaintext = decrypt(&seed, ciphertext).ok_or(SenderKeyError::BadCiphertext)?;
        self.chain = chain;
        self.skipped.append(&skipped);
        Ok(plaintext)
    }
}
