//! One session as both ratchets see it: the Double Ratchet with the post-quantum one beside it (section 5).

use keys::{KeyError, KeyPair, PrivateKey, PublicKey, Secret, kem};
use zeroize::Zeroizing;

use super::{
    LocalDevice,
    chain::{MessageKeys, ReceivingChain, SendingChain, root_step},
    handshake::Agreed,
};
use crate::{
    Address, DecryptError, EncryptError, EncryptedMessage, MessageKind, PreKeyIds, RegistrationId,
    SignalMessage, Timestamp,
    chain::{Chain, MAX_JUMP},
    cipher::{cbc_decrypt, cbc_encrypt},
    entropy::Entropy,
    message::{PreKeyParts, SignalParts, VERSION},
    spqr::{Role, Spqr},
};

/// Receiving chains that are kept; a sixth drops the oldest.
pub(super) const MAX_RECEIVING: usize = 5;
/// The specification sets no limit here. But the counters of a message are believed before its MAC can be checked, and
/// without a limit one forged message would keep a device busy for the better part of an hour.
const MAX_OWN_JUMP: u32 = 100_000;
/// A forged message is tried in up to 40 archived sessions besides. With this limit they cost, all together, about three
/// times as much as the current one may; and what comes late in them skips no more than can be stored. It does not hold
/// for a chain that is there already: a message can name that of one session only.
const MAX_ARCHIVED_JUMP: u32 = 2_000;
/// How long an initiator may go on sending without an answer.
const UNANSWERED_LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Both ratchets of one session, of version 4.
#[derive(Clone)]
pub(super) struct Ratchet {
    pub(super) remote_identity: PublicKey,
    pub(super) remote_registration_id: RegistrationId,
    /// The initiator's base key: the name of the session.
    pub(super) base_key: PublicKey,
    pub(super) root: Secret<32>,
    pub(super) sending: SendingChain,
    /// Oldest first.
    pub(super) receiving: Vec<ReceivingChain>,
    pub(super) previous_counter: u32,
    pub(super) spqr: Spqr,
    pub(super) unanswered: Option<Unanswered>,
}

/// What an initiator repeats until it is answered.
#[derive(Clone)]
pub(super) struct Unanswered {
    pub(super) prekeys: PreKeyIds,
    pub(super) kem_ciphertext: kem::Ciphertext,
    pub(super) created: Timestamp,
}

/// The two ends of a session.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) local: &'a LocalDevice,
    pub(super) remote: &'a Address,
}

/// Whether messages are expected in a session, or only stragglers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    Archived,
}

/// What an initiator knows of its peer after a handshake.
pub(super) struct Peer {
    pub(super) identity: PublicKey,
    pub(super) registration_id: RegistrationId,
    pub(super) signed_prekey: PublicKey,
}

impl Ratchet {
    /// The initiator's side (section 4.2).
    pub(super) fn initiate(
        agreed: Agreed,
        base_key: PublicKey,
        first: PrivateKey,
        peer: Peer,
        unanswered: Unanswered,
    ) -> Result<Self, KeyError> {
        let (root, chain) = root_step(&agreed.root, &first.agree(&peer.signed_prekey)?);
        Ok(Self {
            remote_identity: peer.identity,
            remote_registration_id: peer.registration_id,
            base_key,
            root,
            sending: SendingChain { ratchet: KeyPair::from(first), chain: Chain::new(chain) },
            receiving: vec![ReceivingChain::new(peer.signed_prekey, agreed.chain)],
            previous_counter: 0,
            spqr: Spqr::new(Role::Initiator, &agreed.pq),
            unanswered: Some(unanswered),
        })
    }

    /// The responder's side (section 4.3).
    pub(super) fn respond(
        agreed: Agreed,
        base_key: PublicKey,
        signed_prekey: KeyPair,
        remote_identity: PublicKey,
        remote_registration_id: RegistrationId,
    ) -> Self {
        Self {
            remote_identity,
            remote_registration_id,
            base_key,
            root: agreed.root,
            sending: SendingChain { ratchet: signed_prekey, chain: Chain::new(agreed.chain) },
            receiving: Vec::new(),
            previous_counter: 0,
            spqr: Spqr::new(Role::Responder, &agreed.pq),
            unanswered: None,
        }
    }

    /// Whether this session may still be sent in.
    pub(super) fn usable(&self, now: Timestamp) -> bool {
        let limit = |unanswered: &Unanswered| unanswered.created.0.saturating_add(UNANSWERED_LIFETIME_MS);
        self.unanswered.as_ref().is_none_or(|unanswered| now.0 <= limit(unanswered))
    }

    /// Encrypts in the sending chain (section 5.7).
    pub(super) fn encrypt(
        &mut self,
        ends: Ends<'_>,
        plaintext: &[u8],
        entropy: &mut impl Entropy,
    ) -> Result<EncryptedMessage, EncryptError> {
        let counter = self.sending.chain.index;
        let seed = self.sending.chain.step().ok_or(EncryptError::ChainExhausted)?;
        let (pq_ratchet, pq_key) = self.spqr.send(entropy);
        let keys = MessageKeys::derive(&seed, &pq_key);
        let ciphertext = cbc_encrypt(keys.cipher.expose(), &keys.iv, plaintext);
        let identity = &ends.local.identity.public;
        let message = SignalParts {
            ratchet_key: &self.sending.ratchet.public,
            counter,
            previous_counter: self.previous_counter,
            ciphertext: &ciphertext,
            pq_ratchet: &pq_ratchet,
            addresses: self.unanswered.as_ref().and_then(|_| ends.local.address.pair(ends.remote)),
        }
        .serialize(&keys.mac, identity, &self.remote_identity);
        Ok(match &self.unanswered {
            None => EncryptedMessage { kind: MessageKind::Signal, bytes: message },
            Some(unanswered) => {
                let parts = PreKeyParts {
                    prekeys: unanswered.prekeys,
                    kem_ciphertext: &unanswered.kem_ciphertext,
                    base_key: &self.base_key,
                    identity,
                    registration_id: ends.local.registration_id,
                };
                EncryptedMessage { kind: MessageKind::PreKey, bytes: parts.wrap(&message) }
            }
        })
    }

    /// Decrypts on a copy, which is the new state if everything about the message is right (section 5.8).
    pub(super) fn decrypt(
        &self,
        ends: Ends<'_>,
        message: &SignalMessage<'_>,
        standing: Standing,
        entropy: &mut impl Entropy,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), DecryptError> {
        if message.version() != VERSION {
            return Err(DecryptError::Version(message.version()));
        }
        let mut next = self.clone();
        let known = next.receiving.iter().find(|chain| chain.ratchet == *message.ratchet_key());
        let max_jump = next.max_jump(ends, standing, known.is_some());
        // Nothing is derived before what can be refused without.
        known.map_or_else(
            || ReceivingChain::admit_first(message.counter(), max_jump),
            |chain| chain.admit(message.counter(), max_jump),
        )?;
        let pq_key = next.spqr.receive(message.pq_ratchet(), max_jump)?;
        let seed = next.chain_for(message.ratchet_key(), entropy)?.take(message.counter())?;
        let keys = MessageKeys::derive(&seed, &pq_key);
        if !message.authentic(&keys.mac, &next.remote_identity, &ends.local.identity.public) {
            return Err(DecryptError::BadMac);
        }
        if let Some(addresses) = message.addresses()
            && ends.remote.pair(&ends.local.address).as_ref() != Some(addresses)
        {
            return Err(DecryptError::WrongAddresses);
        }
        let plaintext = cbc_decrypt(keys.cipher.expose(), &keys.iv, message.ciphertext());
        let plaintext = plaintext.ok_or(DecryptError::BadCiphertext)?;
        next.unanswered = None;
        Ok((next, plaintext))
    }

    /// A session with another device of one's own account may jump further (section 6.7): what it sends there is what
    /// it sends anywhere.
    fn max_jump(&self, ends: Ends<'_>, standing: Standing, known: bool) -> u32 {
        if standing == Standing::Archived && !known {
            return MAX_ARCHIVED_JUMP;
        }
        let ids = (ends.local.address.service_id(), ends.remote.service_id());
        let own = ids.0.is_some() && ids.0 == ids.1 && self.remote_identity == ends.local.identity.public;
        if own { MAX_OWN_JUMP } else { MAX_JUMP }
    }

    /// The receiving chain of a ratchet key. One that is new turns the ratchet.
    fn chain_for(
        &mut self,
        theirs: &PublicKey,
        entropy: &mut impl Entropy,
    ) -> Result<&mut ReceivingChain, DecryptError> {
        let position = match self.receiving.iter().position(|chain| chain.ratchet == *theirs) {
            Some(position) => position,
            None => {
                self.turn(theirs, entropy)?;
                self.receiving.len() - 1
            }
        };
        self.receiving.get_mut(position).ok_or(DecryptError::NoSession)
    }

    fn turn(&mut self, theirs: &PublicKey, entropy: &mut impl Entropy) -> Result<(), KeyError> {
        let ratchet = KeyPair::from(entropy.ratchet_key());
        let (for_receiving, for_sending) =
            PrivateKey::agree_two(&self.sending.ratchet.private, &ratchet.private, theirs)?;
        let (root, receiving) = root_step(&self.root, &for_receiving);
        let (root, sending) = root_step(&root, &for_sending);
        self.root = root;
        // One less than were sent, by long custom; it is under the MAC and of no other use.
        self.previous_counter = self.sending.chain.index.saturating_sub(1);
        self.sending = SendingChain { ratchet, chain: Chain::new(sending) };
        // Copied, not moved: what is left behind must be wiped.
        let surplus = (self.receiving.len() + 1).saturating_sub(MAX_RECEIVING);
        let mut chains = Vec::with_capacity(MAX_RECEIVING);
        chains.extend(self.receiving.iter().skip(surplus).cloned());
        chains.push(ReceivingChain::new(*theirs, receiving));
        self.receiving = chains;
        Ok(())
    }
}
