//! How a record is stored: `proto/sender_key_state.proto`.

use keys::{KeyPair, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::{
    DistributionId, SenderKeyRecord,
    record::{MAX_STATES, SigningKey, State},
};
use crate::{
    Malformed, StateError,
    chain::{Chain, Skipped},
    protobuf::{Writer, fields},
};

const VERSION: u32 = 1;
/// Bytes of a stored state besides its skipped seeds, rounded up.
const STATE_LEN: usize = 128;

impl SenderKeyRecord {
    /// The record as bytes for the store. They are secret.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let length = |state: &State| STATE_LEN + state.skipped.stored_len();
        let mut writer = Writer::with_capacity(32 + self.states.iter().map(length).sum::<usize>());
        writer.uint(1, VERSION);
        writer.bytes(2, &self.distribution_id.0);
        for state in &self.states {
            writer.message(3, |writer| state.write(writer));
        }
        Zeroizing::new(writer.finish())
    }

    /// Reads what [`SenderKeyRecord::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for all other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut fields = fields(bytes);
        // First, so that bytes of another version are not taken for damaged ones.
        let version = match fields.next().transpose()? {
            Some((1, value)) => value.u32()?,
            _ => return Err(Malformed::Missing { field: 1 }.into()),
        };
        if version != VERSION {
            return Err(StateError::Version(version));
        }
        let mut distribution_id = None;
        let mut states = Vec::with_capacity(MAX_STATES);
        for field in fields {
            match field? {
                (2, value) => distribution_id = Some(DistributionId(*value.array()?)),
                (3, _) if states.len() == MAX_STATES => {
                    return Err(StateError::Inconsistent("too many sender key chains"));
                }
                (3, value) => states.push(State::read(value.bytes()?)?),
                _ => {}
            }
        }
        let distribution_id = distribution_id.ok_or(Malformed::Missing { field: 2 })?;
        if states.iter().enumerate().any(|(at, state)| {
            states.iter().skip(at + 1).any(|other: &State| other.chain_id == state.chain_id)
        }) {
            return Err(StateError::Inconsistent("two sender key chains of one number"));
        }
        Ok(Self { distribution_id, states })
    }
}

impl State {
    fn write(&self, writer: &mut Writer) {
        writer.uint(1, self.chain_id);
        writer.uint(2, self.chain.index);
        writer.bytes(3, self.chain.key.expose());
        match &self.signing {
            SigningKey::Own(pair) => writer.bytes(4, pair.private.expose()),
            SigningKey::Theirs(key) => writer.bytes(5, key.u()),
        }
        if self.skipped.stored_len() > 0 {
            writer.bytes(6, &self.skipped.to_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, StateError> {
        let (mut chain_id, mut iteration, mut key, mut signing) = (None, None, None, None);
        let mut skipped = &[][..];
        for field in fields(bytes) {
            match field? {
                (1, value) => chain_id = Some(value.u32()?),
                (2, value) => iteration = Some(value.u32()?),
                (3, value) => key = Some(value.secret()?),
                (4, value) => {
                    signing = Some(SigningKey::Own(KeyPair::from(PrivateKey::from_secret(value.secret()?))))
                }
                (5, value) => signing = Some(SigningKey::Theirs(bare_key(5, *value.array()?)?)),
                (6, value) => skipped = value.bytes()?,
                _ => {}
            }
        }
        let iteration = iteration.ok_or(Malformed::Missing { field: 2 })?;
        Ok(Self {
            chain_id: chain_id.ok_or(Malformed::Missing { field: 1 })?,
            chain: Chain { index: iteration, key: key.ok_or(Malformed::Missing { field: 3 })? },
            skipped: Skipped::from_bytes(skipped, 6, iteration)?,
            signing: signing.ok_or(Malformed::Missing { field: 5 })?,
        })
    }
}

fn bare_key(field: u32, bytes: [u8; 32]) -> Result<PublicKey, Malformed> {
    PublicKey::from_u(bytes).map_err(|source| Malformed::Key { field, source })
}
