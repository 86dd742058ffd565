//! The stored form: `SpqrState` of `proto/spqr_state.proto`.
//!
//! What follows from the rest is not stored, so that it cannot contradict it: the role follows from side and parity
//! of the epoch, the epochs of the chains from the epoch of the machine. All of it takes less than four kilobytes, and
//! 36 bytes more for each skipped key.

use std::sync::Arc;

use keys::Secret;
use zeroize::Zeroizing;

use super::{
    Role, Spqr,
    authenticator::Authenticator,
    chain::{Chain, Chains, MAX_BEHIND, MAX_RECEIVING, ReceivingChain, SkippedKey},
    machine::{Machine, State},
    parts::{number, read_state, write_parts},
};
use crate::{
    Malformed, StateError,
    protobuf::{Value, Writer, fields},
};

// Fields of SpqrState. The states follow, from 8 to 18 in the order of the specification.
const EPOCH: u32 = 1;
const AUTHENTICATOR_ROOT: u32 = 2;
const AUTHENTICATOR_MAC: u32 = 3;
const CHAIN_ROOT: u32 = 4;
const SENDING: u32 = 5;
const UPCOMING: u32 = 6;
const RECEIVING: u32 = 7;

// Fields of Chain.
const COUNTER: u32 = 1;
const NEXT: u32 = 2;
const SKIPPED: u32 = 3;

/// Bytes of a stored skipped key: its number and the key.
const SKIPPED_LEN: usize = 4 + 32;

impl Spqr {
    /// Bytes of the skipped keys in the stored form. All the rest of it takes less than 4096.
    pub(crate) fn skipped_len(&self) -> usize {
        self.chains.receiving.iter().map(|chain| SKIPPED_LEN * chain.skipped.len()).sum()
    }

    /// Writes the fields of an `SpqrState`.
    pub(crate) fn write(&self, writer: &mut Writer) {
        let Self { machine, chains } = self;
        writer.uint(EPOCH, machine.epoch);
        writer.bytes(AUTHENTICATOR_ROOT, machine.authenticator.root.expose());
        writer.bytes(AUTHENTICATOR_MAC, machine.authenticator.mac.expose());
        writer.bytes(CHAIN_ROOT, chains.root.expose());
        writer.message(SENDING, |writer| write_chain(&chains.sending, writer));
        if let Some(upcoming) = &chains.upcoming {
            writer.bytes(UPCOMING, upcoming.expose());
        }
        for ReceivingChain { chain, skipped } in &chains.receiving {
            writer.message(RECEIVING, |writer| {
                write_chain(chain, writer);
                if !skipped.is_empty() {
                    writer.bytes(SKIPPED, &flat_skipped(skipped));
                }
            });
        }
        writer.message(number(&machine.state), |writer| write_parts(&machine.state, writer));
    }

    /// Reads an `SpqrState`, and examines all that later steps rely on.
    pub(crate) fn read(message: &[u8]) -> Result<Self, StateError> {
        let [mut epoch, mut auth_root, mut auth_mac, mut root, mut sending, mut upcoming] = [None; 6];
        let (mut receiving, mut state) = (Vec::with_capacity(MAX_RECEIVING), None);
        for field in fields(message) {
            match field? {
                (EPOCH, value) => epoch = Some(value),
                (AUTHENTICATOR_ROOT, value) => auth_root = Some(value),
                (AUTHENTICATOR_MAC, value) => auth_mac = Some(value),
                (CHAIN_ROOT, value) => root = Some(value),
                (SENDING, value) => sending = Some(value),
                (UPCOMING, value) => upcoming = Some(value),
                (RECEIVING, _) if receiving.len() == MAX_RECEIVING => {
                    return Err(StateError::Inconsistent("the receiving chains are not those of the epoch"));
                }
                (RECEIVING, value) => receiving.push(read_chain(value)?),
                (number @ 8..=18, value) => state = Some((number, value)),
                _ => {}
            }
        }
        let (number, parts) = required(state, 8)?;
        let machine = Machine {
            epoch: required(epoch, EPOCH)?.u64()?,
            authenticator: Authenticator {
                root: required(auth_root, AUTHENTICATOR_ROOT)?.secret()?,
                mac: required(auth_mac, AUTHENTICATOR_MAC)?.secret()?,
            },
            state: read_state(number, parts)?,
        };
        let (role, current) = derived(&machine)?;
        let chains = Chains {
            role,
            root: required(root, CHAIN_ROOT)?.secret()?,
            current,
            sending: read_chain(required(sending, SENDING)?)?.chain,
            upcoming: upcoming.map(Value::secret).transpose()?,
            receiving,
        };
        check_chains(&machine, &chains)?;
        Ok(Self { machine, chains })
    }
}

/// The role of this side and the newest epoch that its chains have.
fn derived(machine: &Machine) -> Result<(Role, u64), StateError> {
    // Epochs only ever grow by one; from here they cannot overflow.
    if machine.epoch == 0 || machine.epoch > u64::MAX / 2 {
        return Err(StateError::Inconsistent("the epoch is out of range"));
    }
    let (ek_side, has_secret) = match machine.state {
        State::KeysUnsampled
        | State::KeysSampled(_)
        | State::HeaderSent(_)
        | State::Ct1Received(_)
        | State::EkSentCt1Received(_) => (true, false),
        State::NoHeaderReceived(_) | State::HeaderReceived(_) => (false, false),
        State::Ct1Sampled(_)
        | State::EkReceivedCt1Sampled(_)
        | State::Ct1Acknowledged(_)
        | State::Ct2Sampled(_) => (false, true),
    };
    let role = if ek_side == (machine.epoch % 2 == 1) { Role::Initiator } else { Role::Responder };
    Ok((role, if has_secret { machine.epoch } else { machine.epoch - 1 }))
}

/// Whether the chains are those that the machine has in its state.
fn check_chains(machine: &Machine, chains: &Chains) -> Result<(), StateError> {
    let upcoming = chains.upcoming.is_some();
    let expected = match machine.state {
        // Nothing was sent in this epoch yet.
        State::KeysUnsampled => machine.epoch > 1,
        // Something was, as that is how these are reached.
        State::KeysSampled(_)
        | State::HeaderSent(_)
        | State::Ct1Received(_)
        | State::EkSentCt1Received(_) => false,
        // Something may have been.
        State::NoHeaderReceived(_) | State::HeaderReceived(_) => upcoming && machine.epoch > 1,
        // The chains are one epoch ahead of what is sent.
        State::Ct1Sampled(_)
        | State::EkReceivedCt1Sampled(_)
        | State::Ct1Acknowledged(_)
        | State::Ct2Sampled(_) => true,
    };
    if upcoming != expected {
        return Err(StateError::Inconsistent("the sending chains are not those of the epoch"));
    }
    if chains.receiving.len() as u64 != Chains::retained(chains.current, upcoming) {
        return Err(StateError::Inconsistent("the receiving chains are not those of the epoch"));
    }
    Ok(())
}

fn write_chain(chain: &Chain, writer: &mut Writer) {
    writer.uint(COUNTER, chain.counter);
    writer.bytes(NEXT, chain.next.expose());
}

fn read_chain(message: Value<'_>) -> Result<ReceivingChain, StateError> {
    let (mut counter, mut next, mut skipped) = (0, None, Vec::new());
    for field in fields(message.bytes()?) {
        match field? {
            (COUNTER, value) => counter = value.u32()?,
            (NEXT, value) => next = Some(value.secret()?),
            (SKIPPED, value) => skipped = read_skipped(value)?,
            _ => {}
        }
    }
    let chain = Chain { counter, next: required(next, NEXT)? };
    let in_order = skipped.is_sorted_by(|one, next| one.index < next.index);
    let (first, last) = (skipped.first(), skipped.last());
    let in_range = first
        .is_none_or(|first| first.index > 0 && first.index >= chain.counter.saturating_sub(MAX_BEHIND))
        && last.is_none_or(|last| last.index < chain.counter);
    if !in_order || !in_range {
        return Err(StateError::Inconsistent("the skipped keys are not those of their chain"));
    }
    Ok(ReceivingChain { chain, skipped: Arc::new(skipped) })
}

fn flat_skipped(skipped: &[SkippedKey]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SKIPPED_LEN * skipped.len()));
    for SkippedKey { index, key } in skipped {
        bytes.extend_from_slice(&index.to_be_bytes());
        bytes.extend_from_slice(key.expose());
    }
    bytes
}

fn read_skipped(value: Value<'_>) -> Result<Vec<SkippedKey>, Malformed> {
    let (entries, []) = value.bytes()?.as_chunks::<SKIPPED_LEN>() else {
        return Err(Malformed::Length { field: SKIPPED });
    };
    let read = |[a, b, c, d, key @ ..]: &[u8; SKIPPED_LEN]| SkippedKey {
        index: u32::from_be_bytes([*a, *b, *c, *d]),
        key: Secret::new(*key),
    };
    Ok(entries.iter().map(read).collect())
}

pub(super) fn required<T>(value: Option<T>, field: u32) -> Result<T, Malformed> {
    value.ok_or(Malformed::Missing { field })
}
