use std::fmt;

use keys::{PrivateKey, PublicKey, Secret, Signature};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    MAX_MESSAGE_LEN, Malformed, ParseError, ServiceId,
    protobuf::{Writer, fields},
};

const VERSION: u8 = 3;
const VERSION_BYTE: u8 = VERSION << 4 | VERSION;
/// A version byte and 64 more: what even the shortest message of either kind exceeds.
const SHORTEST: usize = 1 + Signature::LEN;
/// Bytes of either message besides the ciphertext, rounded up.
const OVERHEAD: usize = 128;

/// Which of a sender's chains: a random UUID that the sender gives to each of its groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistributionId(pub [u8; 16]);

impl fmt::Display for DistributionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text of an account is a bare UUID too.
        fmt::Display::fmt(&ServiceId::Aci(self.0), f)
    }
}

impl fmt::Debug for DistributionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a sender tells the members of a group, through a session with each: where its chain stands and which key
/// signs. Whoever has it reads all later messages of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DistributionMessage {
    pub(super) distribution_id: DistributionId,
    pub(super) chain_id: u32,
    pub(super) iteration: u32,
    pub(super) chain_key: Secret<32>,
    pub(super) signing_key: PublicKey,
}

impl DistributionMessage {
    /// Reads a serialized message.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let protobuf = after_checks(bytes)?;
        let (mut distribution_id, mut chain_id, mut iteration) = (None, None, None);
        let (mut chain_key, mut signing_key) = (None, None);
        for field in fields(protobuf) {
            match field? {
                (1, value) => distribution_id = Some(DistributionId(*value.array()?)),
                (2, value) => chain_id = Some(value.u32()?),
                (3, value) => iteration = Some(value.u32()?),
                (4, value) => chain_key = Some(value.secret()?),
                (5, value) => signing_key = Some(value.public_key()?),
                _ => {}
            }
        }
        Ok(Self {
            distribution_id: distribution_id.ok_or(Malformed::Missing { field: 1 })?,
            chain_id: chain_id.ok_or(Malformed::Missing { field: 2 })?,
            iteration: iteration.ok_or(Malformed::Missing { field: 3 })?,
            chain_key: chain_key.ok_or(Malformed::Missing { field: 4 })?,
            signing_key: signing_key.ok_or(Malformed::Missing { field: 5 })?,
        })
    }

    /// The bytes to send to each member, encrypted.
    pub fn serialize(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = after_version(0);
        writer.bytes(1, &self.distribution_id.0);
        writer.uint(2, self.chain_id);
        writer.uint(3, self.iteration);
        writer.bytes(4, self.chain_key.expose());
        writer.bytes(5, &self.signing_key.to_bytes());
        Zeroizing::new(writer.finish())
    }

    /// The distribution that the chain serves.
    pub const fn distribution_id(&self) -> DistributionId {
        self.distribution_id
    }

    /// Number of the chain.
    pub const fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// Position of the first message that can be read.
    pub const fn iteration(&self) -> u32 {
        self.iteration
    }
}

/// A message to a group, read in place.
#[derive(Clone, Copy, Debug)]
pub struct SenderKeyMessage<'a> {
    distribution_id: DistributionId,
    chain_id: u32,
    iteration: u32,
    ciphertext: &'a [u8],
    /// All bytes but the signature: what it covers.
    signed: &'a [u8],
    signature: Signature,
}

impl<'a> SenderKeyMessage<'a> {
    /// Reads a serialized message. Nothing is decrypted or verified yet.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let too_short = ParseError::TooShort { actual: bytes.len() };
        after_checks(bytes)?;
        let (signed, signature) = bytes.split_last_chunk::<{ Signature::LEN }>().ok_or(too_short)?;
        let signature = Signature::from_bytes(signature).map_err(|_| too_short)?;
        let (_, protobuf) = signed.split_first().ok_or(too_short)?;
        let (mut distribution_id, mut chain_id, mut iteration, mut ciphertext) = (None, None, None, None);
        for field in fields(protobuf) {
            match field? {
                (1, value) => distribution_id = Some(DistributionId(*value.array()?)),
                (2, value) => chain_id = Some(value.u32()?),
                (3, value) => iteration = Some(value.u32()?),
                (4, value) => ciphertext = Some(value.bytes()?),
                _ => {}
            }
        }
        Ok(Self {
            distribution_id: distribution_id.ok_or(Malformed::Missing { field: 1 })?,
            chain_id: chain_id.ok_or(Malformed::Missing { field: 2 })?,
            iteration: iteration.ok_or(Malformed::Missing { field: 3 })?,
            ciphertext: ciphertext.ok_or(Malformed::Missing { field: 4 })?,
            signed,
            signature,
        })
    }

    /// The distribution that the message is for: with the sender's address it names the [`SenderKeyRecord`].
    ///
    /// [`SenderKeyRecord`]: crate::SenderKeyRecord
    pub const fn distribution_id(&self) -> DistributionId {
        self.distribution_id
    }

    /// Number of the chain.
    pub const fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// Position in the chain, from 0.
    pub const fn iteration(&self) -> u32 {
        self.iteration
    }

    pub(super) const fn ciphertext(&self) -> &'a [u8] {
        self.ciphertext
    }

    /// Whether the holder of `key` signed the message.
    pub(super) fn authentic(&self, key: &PublicKey) -> bool {
        key.verify(self.signed, &self.signature).is_ok()
    }
}

/// The parts of a [`SenderKeyMessage`] to be written.
pub(super) struct SenderKeyParts<'a> {
    pub(super) distribution_id: DistributionId,
    pub(super) chain_id: u32,
    pub(super) iteration: u32,
    pub(super) ciphertext: &'a [u8],
}

impl SenderKeyParts<'_> {
    /// Serializes and signs the message.
    pub(super) fn serialize(&self, key: &PrivateKey, rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
        let mut writer = after_version(self.ciphertext.len());
        writer.bytes(1, &self.distribution_id.0);
        writer.uint(2, self.chain_id);
        writer.uint(3, self.iteration);
        writer.bytes(4, self.ciphertext);
        let mut bytes = writer.finish();
        let signature = key.sign(&bytes, rng);
        bytes.extend_from_slice(signature.as_bytes());
        bytes
    }
}

fn after_version(length: usize) -> Writer {
    let mut buffer = Vec::with_capacity(OVERHEAD + length);
    buffer.push(VERSION_BYTE);
    Writer::after(buffer)
}

/// What follows the version byte, length and version checked.
fn after_checks(bytes: &[u8]) -> Result<&[u8], ParseError> {
    let actual = bytes.len();
    if actual > MAX_MESSAGE_LEN {
        return Err(ParseError::TooLong { actual });
    }
    if actual < SHORTEST {
        return Err(ParseError::TooShort { actual });
    }
    let (byte, rest) = bytes.split_first().ok_or(ParseError::TooShort { actual })?;
    match byte >> 4 {
        VERSION => Ok(rest),
        version @ ..VERSION => Err(ParseError::LegacyVersion(version)),
        version => Err(ParseError::UnknownVersion(version)),
    }
}
