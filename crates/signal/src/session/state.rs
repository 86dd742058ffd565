//! How a session is stored: `proto/session.proto`.

use std::{collections::VecDeque, sync::Arc};

use keys::{KeyPair, PrivateKey, PublicKey, kem};
use zeroize::Zeroizing;

use super::{
    LocalDevice, MAX_ARCHIVED, Session,
    chain::{ReceivingChain, SendingChain},
    ratchet::{MAX_RECEIVING, Ratchet, Unanswered},
};
use crate::{
    Address, KemPreKeyId, Malformed, OneTimePreKeyId, PreKeyIds, RegistrationId, SignedPreKeyId, StateError,
    Timestamp,
    chain::{Chain, Skipped},
    protobuf::{Value, Writer, fields},
    spqr::Spqr,
};

const FORMAT: u32 = 1;
/// Room for a session besides its skipped seeds: a buffer that must grow leaves secrets behind.
const TYPICAL_LEN: usize = 8 << 10;

pub(super) fn write(session: &Session) -> Zeroizing<Vec<u8>> {
    let archived: usize = session.archived.iter().map(|ratchet| ratchet.len() + 8).sum();
    let current = session.current.as_ref().map_or(0, room);
    let mut writer = Writer::with_capacity(16 + current + archived);
    writer.uint(1, FORMAT);
    if let Some(ratchet) = &session.current {
        writer.message(2, |writer| put_ratchet(writer, ratchet));
    }
    for ratchet in &session.archived {
        writer.bytes(3, ratchet);
    }
    Zeroizing::new(writer.finish())
}

pub(super) fn write_ratchet(ratchet: &Ratchet) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::with_capacity(room(ratchet));
    put_ratchet(&mut writer, ratchet);
    // Kept for long, so copied to fit. The larger buffer is wiped; shrinking it would leave a copy behind.
    Zeroizing::new(Zeroizing::new(writer.finish()).to_vec())
}

fn room(ratchet: &Ratchet) -> usize {
    let skipped: usize = ratchet.receiving.iter().map(|chain| chain.skipped.stored_len()).sum();
    TYPICAL_LEN + skipped + ratchet.spqr.skipped_len()
}

fn put_ratchet(writer: &mut Writer, ratchet: &Ratchet) {
    writer.bytes(1, ratchet.remote_identity.u());
    writer.uint(2, ratchet.remote_registration_id.0);
    writer.bytes(3, ratchet.base_key.u());
    writer.bytes(4, ratchet.root.expose());
    writer.message(5, |writer| {
        writer.bytes(1, ratchet.sending.ratchet.public.u());
        writer.bytes(2, ratchet.sending.ratchet.private.expose());
        writer.bytes(3, ratchet.sending.chain.key.expose());
        writer.uint(4, ratchet.sending.chain.index);
    });
    for chain in &ratchet.receiving {
        writer.message(6, |writer| put_receiving(writer, chain));
    }
    writer.uint(7, ratchet.previous_counter);
    writer.message(8, |writer| ratchet.spqr.write(writer));
    if let Some(unanswered) = &ratchet.unanswered {
        writer.message(9, |writer| {
            if let Some(id) = unanswered.prekeys.one_time {
                writer.uint(1, id.0);
            }
            writer.uint(2, unanswered.prekeys.signed.0);
            writer.uint(3, unanswered.prekeys.kem.0);
            writer.bytes(4, &unanswered.kem_ciphertext.to_bytes());
            writer.uint(5, unanswered.created.0);
        });
    }
}

fn put_receiving(writer: &mut Writer, chain: &ReceivingChain) {
    writer.bytes(1, chain.ratchet.u());
    writer.bytes(2, chain.chain.key.expose());
    writer.uint(3, chain.chain.index);
    if chain.skipped.stored_len() > 0 {
        writer.bytes(4, &chain.skipped.to_bytes());
    }
}

pub(super) fn read(local: Arc<LocalDevice>, remote: Address, bytes: &[u8]) -> Result<Session, StateError> {
    let (mut version, mut current, mut archived) = (None, None, VecDeque::new());
    for field in fields(bytes) {
        match field? {
            (1, value) => version = Some(known(value.u32()?)?),
            (2, value) => current = Some(read_ratchet(value.bytes()?)?),
            (3, value) => archived.push_back(Arc::new(Zeroizing::new(value.bytes()?.to_vec()))),
            _ => {}
        }
    }
    version.ok_or(missing(1))?;
    if archived.len() > MAX_ARCHIVED {
        return Err(StateError::Inconsistent("too many archived sessions"));
    }
    Ok(Session { local, remote, current, archived })
}

const fn known(version: u32) -> Result<u32, StateError> {
    if version == FORMAT { Ok(version) } else { Err(StateError::Version(version)) }
}

pub(super) fn read_ratchet(bytes: &[u8]) -> Result<Ratchet, StateError> {
    let (mut remote_identity, mut remote_registration_id, mut base_key) = (None, 0, None);
    let (mut root, mut sending, mut receiving) = (None, None, Vec::with_capacity(MAX_RECEIVING));
    let (mut previous_counter, mut spqr, mut unanswered) = (0, None, None);
    for field in fields(bytes) {
        match field? {
            (1, value) => remote_identity = Some(public(value)?),
            (2, value) => remote_registration_id = value.u32()?,
            (3, value) => base_key = Some(public(value)?),
            (4, value) => root = Some(value.secret()?),
            (5, value) => sending = Some(read_sending(value.bytes()?)?),
            (6, _) if receiving.len() == MAX_RECEIVING => {
                return Err(StateError::Inconsistent("too many receiving chains"));
            }
            (6, value) => receiving.push(read_receiving(value.bytes()?)?),
            (7, value) => previous_counter = value.u32()?,
            (8, value) => spqr = Some(Spqr::read(value.bytes()?)?),
            (9, value) => unanswered = Some(read_unanswered(value.bytes()?)?),
            _ => {}
        }
    }
    Ok(Ratchet {
        remote_identity: remote_identity.ok_or(missing(1))?,
        remote_registration_id: RegistrationId(remote_registration_id),
        base_key: base_key.ok_or(missing(3))?,
        root: root.ok_or(missing(4))?,
        sending: sending.ok_or(missing(5))?,
        receiving,
        previous_counter,
        spqr: spqr.ok_or(missing(8))?,
        unanswered,
    })
}

fn read_sending(bytes: &[u8]) -> Result<SendingChain, StateError> {
    let (mut public_key, mut private, mut key, mut index) = (None, None, None, 0);
    for field in fields(bytes) {
        match field? {
            (1, value) => public_key = Some(public(value)?),
            (2, value) => private = Some(PrivateKey::from_secret(value.secret()?)),
            (3, value) => key = Some(value.secret()?),
            (4, value) => index = value.u32()?,
            _ => {}
        }
    }
    // That the halves belong together is not checked: it would cost more than everything else here.
    let ratchet = KeyPair { public: public_key.ok_or(missing(1))?, private: private.ok_or(missing(2))? };
    Ok(SendingChain { ratchet, chain: Chain { key: key.ok_or(missing(3))?, index } })
}

fn read_receiving(bytes: &[u8]) -> Result<ReceivingChain, StateError> {
    let (mut ratchet, mut key, mut index, mut skipped) = (None, None, 0, &[][..]);
    for field in fields(bytes) {
        match field? {
            (1, value) => ratchet = Some(public(value)?),
            (2, value) => key = Some(value.secret()?),
            (3, value) => index = value.u32()?,
            (4, value) => skipped = value.bytes()?,
            _ => {}
        }
    }
    Ok(ReceivingChain {
        ratchet: ratchet.ok_or(missing(1))?,
        chain: Chain { key: key.ok_or(missing(2))?, index },
        skipped: Skipped::from_bytes(skipped, 4, index)?,
    })
}

fn read_unanswered(bytes: &[u8]) -> Result<Unanswered, StateError> {
    let (mut one_time, mut signed, mut kem_id, mut kem_ciphertext, mut created) = (None, 0, 0, None, 0);
    for field in fields(bytes) {
        match field? {
            (1, value) => one_time = Some(OneTimePreKeyId(value.u32()?)),
            (2, value) => signed = value.u32()?,
            (3, value) => kem_id = value.u32()?,
            (4, value) => {
                let ciphertext = kem::Ciphertext::from_bytes(value.bytes()?);
                kem_ciphertext = Some(ciphertext.map_err(|source| Malformed::Key { field: 4, source })?);
            }
            (5, value) => created = value.u64()?,
            _ => {}
        }
    }
    Ok(Unanswered {
        prekeys: PreKeyIds { one_time, signed: SignedPreKeyId(signed), kem: KemPreKeyId(kem_id) },
        kem_ciphertext: kem_ciphertext.ok_or(missing(4))?,
        created: Timestamp(created),
    })
}

fn public(value: Value<'_>) -> Result<PublicKey, StateError> {
    let u = *value.array()?;
    PublicKey::from_u(u).map_err(|_| StateError::Inconsistent("a stored public key is not one"))
}

const fn missing(field: u32) -> StateError {
    StateError::Malformed(Malformed::Missing { field })
}
