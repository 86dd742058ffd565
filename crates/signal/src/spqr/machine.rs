//! The exchange of epoch secrets as a state machine (SPQR, section 6).

use std::{cmp::Ordering, sync::Arc};

use keys::Secret;

use super::{
    Role, SpqrError,
    authenticator::Authenticator,
    erasure::{Block, Chunk, Decoder, Encoder},
    kem::{Ct1, Ct2, DecapsulationKey, Encapsulation, Header, epoch_secret},
    packet::{Packet, Payload},
};
use crate::entropy::Entropy;

/// Blocks of the header stream: the header, then its MAC.
pub(super) const HEADER: usize = 3;
/// Blocks of the ek stream.
pub(super) const EK: usize = 36;
/// Blocks of the ct1 stream.
pub(super) const CT1: usize = 30;
/// Blocks of the ct2 stream: ct2, then the MAC of the ciphertext.
pub(super) const CT2: usize = 5;

/// One side of the exchange.
#[derive(Clone)]
pub(super) struct Machine {
    /// The epoch that is worked on, from 1.
    pub(super) epoch: u64,
    pub(super) authenticator: Authenticator,
    pub(super) state: State,
}

/// What this side has to do next; the module's documentation explains each.
#[derive(Clone)]
pub(super) enum State {
    KeysUnsampled,
    KeysSampled(KeysSampled),
    HeaderSent(HeaderSent),
    Ct1Received(Ct1Received),
    EkSentCt1Received(EkSentCt1Received),
    NoHeaderReceived(NoHeaderReceived),
    HeaderReceived(HeaderReceived),
    Ct1Sampled(Ct1Sampled),
    EkReceivedCt1Sampled(EkReceivedCt1Sampled),
    Ct1Acknowledged(Ct1Acknowledged),
    Ct2Sampled(Ct2Sampled),
}

#[derive(Clone)]
pub(super) struct KeysSampled {
    pub(super) key: DecapsulationKey,
    pub(super) header: Encoder<HEADER>,
}

#[derive(Clone)]
pub(super) struct HeaderSent {
    pub(super) key: DecapsulationKey,
    pub(super) ek: Encoder<EK>,
    pub(super) ct1: Decoder<CT1>,
}

#[derive(Clone)]
pub(super) struct Ct1Received {
    pub(super) key: DecapsulationKey,
    pub(super) ek: Encoder<EK>,
    pub(super) ct1: Arc<Ct1>,
}

#[derive(Clone)]
pub(super) struct EkSentCt1Received {
    pub(super) key: DecapsulationKey,
    pub(super) ct1: Arc<Ct1>,
    pub(super) ct2: Decoder<CT2>,
}

#[derive(Clone)]
pub(super) struct NoHeaderReceived {
    pub(super) header: Decoder<HEADER>,
}

#[derive(Clone)]
pub(super) struct HeaderReceived {
    pub(super) header: Header,
}

#[derive(Clone)]
pub(super) struct Ct1Sampled {
    pub(super) encapsulation: Encapsulation,
    pub(super) ct1: Arc<Ct1>,
    pub(super) sent: Encoder<CT1>,
    pub(super) ek: Decoder<EK>,
}

/// With ek here ct2 is worked out at once and what it was made of forgotten.
#[derive(Clone)]
pub(super) struct EkReceivedCt1Sampled {
    pub(super) ct1: Arc<Ct1>,
    pub(super) sent: Encoder<CT1>,
    pub(super) ct2: [Block; CT2],
}

/// Without ct1, which comes out once more when the encapsulation is finished.
#[derive(Clone)]
pub(super) struct Ct1Acknowledged {
    pub(super) encapsulation: Encapsulation,
    pub(super) ek: Decoder<EK>,
}

#[derive(Clone)]
pub(super) struct Ct2Sampled {
    pub(super) ct2: [Block; CT2],
    pub(super) sent: Encoder<CT2>,
}

impl Machine {
    pub(super) fn new(role: Role, auth_key: &Secret<32>) -> Self {
        let state = match role {
            Role::Initiator => State::KeysUnsampled,
            Role::Responder => State::NoHeaderReceived(NoHeaderReceived { header: Decoder::default() }),
        };
        Self { epoch: 1, authenticator: Authenticator::new(auth_key), state }
    }

    /// What the next message says, and the secret of this epoch if it was made for it (SPQR, section 6.1).
    pub(super) fn send(&mut self, entropy: &mut impl Entropy) -> (Payload, Option<Secret<32>>) {
        match &mut self.state {
            State::KeysUnsampled => {
                let state = KeysSampled { key: entropy.kem_key(), header: Encoder::default() };
                self.state = State::KeysSampled(state);
                // Now in a state that sends its first chunk and stays.
                self.send(entropy)
            }
            State::HeaderReceived(HeaderReceived { header }) => {
                let encapsulation = Encapsulation { header: *header, draw: entropy.encapsulation() };
                let (ct1, shared) = encapsulation.begin();
                let secret = epoch_secret(self.epoch, &shared);
                self.authenticator.update(self.epoch, &secret);
                let mut sent = Encoder::default();
                let payload = Payload::Ct1(sent.chunk(&ct1));
                let state = Ct1Sampled { encapsulation, ct1: Arc::new(ct1), sent, ek: Decoder::default() };
                self.state = State::Ct1Sampled(state);
                (payload, Some(secret))
            }
            State::KeysSampled(KeysSampled { key, header }) => {
                let mac = self.authenticator.header_mac(self.epoch, key.header());
                let Header([rho, hash]) = *key.header();
                (Payload::Header(header.chunk(&[rho, hash, *mac.expose()])), None)
            }
            State::HeaderSent(HeaderSent { key, ek, .. }) => (Payload::Ek(ek.chunk(key.ek())), None),
            State::Ct1Received(Ct1Received { key, ek, .. }) => (Payload::EkCt1Ack(ek.chunk(key.ek())), None),
            State::EkSentCt1Received(_) => (Payload::Ct1Ack, None),
            State::NoHeaderReceived(_) | State::Ct1Acknowledged(_) => (Payload::None, None),
            State::Ct1Sampled(Ct1Sampled { ct1, sent, .. })
            | State::EkReceivedCt1Sampled(EkReceivedCt1Sampled { ct1, sent, .. }) => {
                (Payload::Ct1(sent.chunk(ct1)), None)
            }
            State::Ct2Sampled(Ct2Sampled { ct2, sent }) => (Payload::Ct2(sent.chunk(ct2)), None),
        }
    }

    /// The machine after a message, and the secret of its epoch if that is complete now (SPQR, section 6.2).
    pub(super) fn receive(mut self, packet: &Packet) -> Result<(Self, Option<Secret<32>>), SpqrError> {
        match packet.epoch.cmp(&self.epoch) {
            // Overtaken by others: nothing in it is needed any more.
            Ordering::Less => Ok((self, None)),
            Ordering::Equal => self.receive_payload(packet.payload),
            Ordering::Greater => {
                // The peer has the whole ciphertext and is in the next epoch, where the roles are swapped.
                if !matches!(self.state, State::Ct2Sampled(_)) || packet.epoch - self.epoch > 1 {
                    return Err(SpqrError::EpochOutOfRange { epoch: packet.epoch, current: self.epoch });
                }
                self.epoch = packet.epoch;
                self.state = State::KeysUnsampled;
                Ok((self, None))
            }
        }
    }

    fn receive_payload(mut self, payload: Payload) -> Result<(Self, Option<Secret<32>>), SpqrError> {
        self.state = match (self.state, payload) {
            (State::KeysSampled(state), Payload::Ct1(chunk)) => State::HeaderSent(HeaderSent {
                key: state.key,
                ek: Encoder::default(),
                ct1: Decoder::starting_with(chunk),
            }),
            (State::HeaderSent(state), Payload::Ct1(chunk)) => state.receive(chunk),
            (State::Ct1Received(state), Payload::Ct2(chunk)) => State::EkSentCt1Received(EkSentCt1Received {
                key: state.key,
                ct1: state.ct1,
                ct2: Decoder::starting_with(chunk),
            }),
            (State::EkSentCt1Received(mut state), Payload::Ct2(chunk)) => match state.ct2.add(chunk) {
                None => State::EkSentCt1Received(state),
                Some(ct2) => {
                    let secret = state.finish(ct2, self.epoch, &mut self.authenticator)?;
                    self.epoch += 1;
                    self.state = State::NoHeaderReceived(NoHeaderReceived { header: Decoder::default() });
                    return Ok((self, Some(secret)));
                }
            },
            (State::NoHeaderReceived(state), Payload::Header(chunk)) => {
                state.receive(chunk, self.epoch, &self.authenticator)?
            }
            (State::Ct1Sampled(state), Payload::Ek(chunk)) => {
                state.receive(chunk, false, self.epoch, &self.authenticator)?
            }
            (State::Ct1Sampled(state), Payload::EkCt1Ack(chunk)) => {
                state.receive(chunk, true, self.epoch, &self.authenticator)?
            }
            (State::EkReceivedCt1Sampled(state), Payload::EkCt1Ack(_) | Payload::Ct1Ack) => {
                State::Ct2Sampled(Ct2Sampled { ct2: state.ct2, sent: Encoder::default() })
            }
            (State::Ct1Acknowledged(state), Payload::Ek(chunk) | Payload::EkCt1Ack(chunk)) => {
                state.receive(chunk, self.epoch, &self.authenticator)?
            }
            (state, _) => state,
        };
        Ok((self, None))
    }
}

impl HeaderSent {
    fn receive(mut self, chunk: Chunk) -> State {
        match self.ct1.add(chunk) {
            None => State::HeaderSent(self),
            Some(ct1) => State::Ct1Received(Ct1Received { key: self.key, ek: self.ek, ct1: Arc::new(ct1) }),
        }
    }
}

impl EkSentCt1Received {
    /// The secret of the epoch, once it is certain that the ciphertext is the peer's.
    fn finish(
        self,
        [a, b, c, d, mac]: [Block; CT2],
        epoch: u64,
        authenticator: &mut Authenticator,
    ) -> Result<Secret<32>, SpqrError> {
        let ct2 = [a, b, c, d];
        let secret = epoch_secret(epoch, &self.key.decapsulate(&self.ct1, &ct2));
        authenticator.update(epoch, &secret);
        if authenticator.ciphertext_mac(epoch, &self.ct1, &ct2) != Secret::new(mac) {
            return Err(SpqrError::CiphertextMac);
        }
        Ok(secret)
    }
}

impl NoHeaderReceived {
    fn receive(
        mut self,
        chunk: Chunk,
        epoch: u64,
        authenticator: &Authenticator,
    ) -> Result<State, SpqrError> {
        let Some([rho, hash, mac]) = self.header.add(chunk) else {
            return Ok(State::NoHeaderReceived(self));
        };
        let header = Header([rho, hash]);
        if authenticator.header_mac(epoch, &header) != Secret::new(mac) {
            return Err(SpqrError::HeaderMac);
        }
        Ok(State::HeaderReceived(HeaderReceived { header }))
    }
}

impl Ct1Sampled {
    fn receive(
        mut self,
        chunk: Chunk,
        acknowledged: bool,
        epoch: u64,
        authenticator: &Authenticator,
    ) -> Result<State, SpqrError> {
        let Some(ek) = self.ek.add(chunk) else {
            return Ok(match acknowledged {
                true => {
                    State::Ct1Acknowledged(Ct1Acknowledged { encapsulation: self.encapsulation, ek: self.ek })
                }
                false => State::Ct1Sampled(self),
            });
        };
        let ct2 = authenticated(self.encapsulation.finish(&ek)?, epoch, authenticator);
        Ok(match acknowledged {
            true => State::Ct2Sampled(Ct2Sampled { ct2, sent: Encoder::default() }),
            false => {
                State::EkReceivedCt1Sampled(EkReceivedCt1Sampled { ct1: self.ct1, sent: self.sent, ct2 })
            }
        })
    }
}

impl Ct1Acknowledged {
    fn receive(
        mut self,
        chunk: Chunk,
        epoch: u64,
        authenticator: &Authenticator,
    ) -> Result<State, SpqrError> {
        let Some(ek) = self.ek.add(chunk) else {
            return Ok(State::Ct1Acknowledged(self));
        };
        let ct2 = authenticated(self.encapsulation.finish(&ek)?, epoch, authenticator);
        Ok(State::Ct2Sampled(Ct2Sampled { ct2, sent: Encoder::default() }))
    }
}

/// The ct2 stream of a ciphertext.
fn authenticated((ct1, ct2): (Ct1, Ct2), epoch: u64, authenticator: &Authenticator) -> [Block; CT2] {
    let mac = authenticator.ciphertext_mac(epoch, &ct1, &ct2);
    let [a, b, c, d] = ct2;
    [a, b, c, d, *mac.expose()]
}
