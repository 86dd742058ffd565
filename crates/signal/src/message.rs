//! The two messages of a session between two devices (the Signal specification, sections 5.4 and 5.6).

use keys::{PublicKey, Secret, kem};
use subtle::ConstantTimeEq;

use crate::{
    KemPreKeyId, MAX_MESSAGE_LEN, Malformed, OneTimePreKeyId, ParseError, Part, RegistrationId,
    SignedPreKeyId,
    kdf::hmac,
    protobuf::{Writer, fields},
};

/// The version that sessions speak. Version 3 still parses, so that it can be refused by name.
pub(crate) const VERSION: u8 = 4;
const OLDEST_VERSION: u8 = 3;
/// High nibble: version of the message; low nibble: newest version that its sender speaks.
const VERSION_BYTE: u8 = VERSION << 4 | VERSION;
const MAC_LEN: usize = 8;
/// Bytes of a [`SignalMessage`] besides ciphertext and post-quantum part, rounded up.
const OVERHEAD: usize = 128;

/// What kind of message a ciphertext is: the number that travels beside it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum MessageKind {
    /// A [`SignalMessage`].
    Signal = 2,
    /// A [`PreKeySignalMessage`].
    PreKey = 3,
    /// A message to a group, under a sender key.
    SenderKey = 7,
    /// Not encrypted: a request to send something again.
    Plaintext = 8,
}

impl TryFrom<u8> for MessageKind {
    type Error = ParseError;

    fn try_from(kind: u8) -> Result<Self, ParseError> {
        match kind {
            2 => Ok(Self::Signal),
            3 => Ok(Self::PreKey),
            7 => Ok(Self::SenderKey),
            8 => Ok(Self::Plaintext),
            other => Err(ParseError::UnknownType(other.into())),
        }
    }
}

/// A ciphertext ready for an envelope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncryptedMessage {
    /// What the bytes are.
    pub kind: MessageKind,
    /// The serialized message.
    pub bytes: Vec<u8>,
}

/// A message of an established session, read in place.
#[derive(Clone, Copy, Debug)]
pub struct SignalMessage<'a> {
    /// All bytes but the MAC: what the MAC covers.
    body: &'a [u8],
    mac: &'a [u8; MAC_LEN],
    version: u8,
    ratchet_key: PublicKey,
    counter: u32,
    ciphertext: &'a [u8],
    pq_ratchet: &'a [u8],
    addresses: Option<&'a [u8; 36]>,
}

impl<'a> SignalMessage<'a> {
    /// Reads a serialized message. Nothing is decrypted or verified yet.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let too_short = ParseError::TooShort { actual: bytes.len() };
        let version = version(bytes)?;
        let (body, mac) = bytes.split_last_chunk::<MAC_LEN>().ok_or(too_short)?;
        let (_, protobuf) = body.split_first().ok_or(too_short)?;

        let (mut ratchet_key, mut counter, mut ciphertext) = (None, None, None);
        let (mut pq_ratchet, mut addresses) = (&[][..], None);
        for field in fields(protobuf) {
            match field? {
                (1, value) => ratchet_key = Some(value.public_key()?),
                (2, value) => counter = Some(value.u32()?),
                // The counter of the chain before: written for old peers, of no use to us.
                (3, value) => drop(value.u32()?),
                (4, value) => ciphertext = Some(value.bytes()?),
                (5, value) => pq_ratchet = value.bytes()?,
                (6, value) => addresses = Some(value.array()?),
                _ => {}
            }
        }
        Ok(Self {
            body,
            mac,
            version,
            ratchet_key: ratchet_key.ok_or(Malformed::Missing { field: 1 })?,
            counter: counter.ok_or(Malformed::Missing { field: 2 })?,
            ciphertext: ciphertext.ok_or(Malformed::Missing { field: 4 })?,
            pq_ratchet,
            addresses,
        })
    }

    /// 3 or 4. No session speaks 3 any more.
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The sender's ratchet key, which names the chain.
    pub const fn ratchet_key(&self) -> &PublicKey {
        &self.ratchet_key
    }

    /// Position in the chain, from 0.
    pub const fn counter(&self) -> u32 {
        self.counter
    }

    pub(crate) const fn ciphertext(&self) -> &'a [u8] {
        self.ciphertext
    }

    pub(crate) const fn pq_ratchet(&self) -> &'a [u8] {
        self.pq_ratchet
    }

    pub(crate) const fn addresses(&self) -> Option<&'a [u8; 36]> {
        self.addresses
    }

    /// Whether the MAC is right for these two identities.
    pub(crate) fn authentic(&self, key: &Secret<32>, sender: &PublicKey, receiver: &PublicKey) -> bool {
        mac(key, sender, receiver, self.body).ct_eq(self.mac).into()
    }
}

/// The parts of a [`SignalMessage`] to be written.
pub(crate) struct SignalParts<'a> {
    pub(crate) ratchet_key: &'a PublicKey,
    pub(crate) counter: u32,
    pub(crate) previous_counter: u32,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) pq_ratchet: &'a [u8],
    pub(crate) addresses: Option<[u8; 36]>,
}

impl SignalParts<'_> {
    /// Serializes the message and authenticates it for these two identities.
    pub(crate) fn serialize(
        &self,
        mac_key: &Secret<32>,
        sender: &PublicKey,
        receiver: &PublicKey,
    ) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(OVERHEAD + self.ciphertext.len() + self.pq_ratchet.len());
        buffer.push(VERSION_BYTE);
        let mut writer = Writer::after(buffer);
        writer.bytes(1, &self.ratchet_key.to_bytes());
        writer.uint(2, self.counter);
        writer.uint(3, self.previous_counter);
        writer.bytes(4, self.ciphertext);
        if !self.pq_ratchet.is_empty() {
            writer.bytes(5, self.pq_ratchet);
        }
        if let Some(addresses) = &self.addresses {
            writer.bytes(6, addresses);
        }
        let mut bytes = writer.finish();
        let mac = mac(mac_key, sender, receiver, &bytes);
        bytes.extend_from_slice(&mac);
        bytes
    }
}

fn mac(key: &Secret<32>, sender: &PublicKey, receiver: &PublicKey, body: &[u8]) -> [u8; MAC_LEN] {
    let full = hmac(key.expose(), &[&sender.to_bytes(), &receiver.to_bytes(), body]);
    let mut mac = [0; MAC_LEN];
    mac.iter_mut().zip(full.expose()).for_each(|(to, from)| *to = *from);
    mac
}

/// Which of the responder's prekeys an initiator used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PreKeyIds {
    /// The one-time key, if the bundle had one.
    pub one_time: Option<OneTimePreKeyId>,
    /// The signed key.
    pub signed: SignedPreKeyId,
    /// The KEM key.
    pub kem: KemPreKeyId,
}

/// A message of a session that its receiver has not answered yet: the handshake, and the message proper.
#[derive(Clone, Debug)]
pub struct PreKeySignalMessage<'a> {
    version: u8,
    one_time: Option<OneTimePreKeyId>,
    signed: SignedPreKeyId,
    kem: Option<(KemPreKeyId, kem::Ciphertext)>,
    base_key: PublicKey,
    identity: PublicKey,
    registration_id: RegistrationId,
    message: SignalMessage<'a>,
}

impl<'a> PreKeySignalMessage<'a> {
    /// Reads a serialized message and the one inside. Nothing is decrypted or verified yet.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let version = version(bytes)?;
        let (_, protobuf) = bytes.split_first().ok_or(ParseError::TooShort { actual: bytes.len() })?;
        let (mut one_time, mut base_key, mut identity, mut message) = (None, None, None, None);
        let (mut registration_id, mut signed, mut kem_id, mut kem_ciphertext) = (0, None, None, None);
        for field in fields(protobuf) {
            match field? {
                (1, value) => one_time = Some(OneTimePreKeyId(value.u32()?)),
                (2, value) => base_key = Some(value.public_key()?),
                (3, value) => identity = Some(value.public_key()?),
                (4, value) => message = Some(value.bytes()?),
                (5, value) => registration_id = value.u32()?,
                (6, value) => signed = Some(SignedPreKeyId(value.u32()?)),
                (7, value) => kem_id = Some(KemPreKeyId(value.u32()?)),
                (8, value) => kem_ciphertext = Some(value.bytes()?),
                _ => {}
            }
        }
        let kem = match (kem_id, kem_ciphertext) {
            (Some(id), Some(bytes)) => {
                let ciphertext = kem::Ciphertext::from_bytes(bytes);
                Some((id, ciphertext.map_err(|source| Malformed::Key { field: 8, source })?))
            }
            (None, None) if version < VERSION => None,
            (None, None) => return Err(Malformed::Missing { field: 7 }.into()),
            _ => return Err(ParseError::HalfAKem),
        };
        Ok(Self {
            version,
            one_time,
            signed: signed.ok_or(Malformed::Missing { field: 6 })?,
            kem,
            base_key: base_key.ok_or(Malformed::Missing { field: 2 })?,
            identity: identity.ok_or(Malformed::Missing { field: 3 })?,
            registration_id: RegistrationId(registration_id),
            message: SignalMessage::parse(message.ok_or(Malformed::Missing { field: 4 })?)
                .map_err(|error| error.inside(Part::Message))?,
        })
    }

    /// 3 or 4. No session speaks 3 any more.
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The sender's identity key. Nothing proves it until the message is decrypted.
    pub const fn identity(&self) -> &PublicKey {
        &self.identity
    }

    /// The initiator's key that names the session.
    pub const fn base_key(&self) -> &PublicKey {
        &self.base_key
    }

    /// The sender's registration id.
    pub const fn registration_id(&self) -> RegistrationId {
        self.registration_id
    }

    /// The message inside.
    pub const fn message(&self) -> &SignalMessage<'a> {
        &self.message
    }

    /// The prekeys that it names; `None` in version 3, which has no KEM.
    pub fn prekeys(&self) -> Option<PreKeyIds> {
        let (kem, _) = self.kem.as_ref()?;
        Some(PreKeyIds { one_time: self.one_time, signed: self.signed, kem: *kem })
    }

    pub(crate) fn kem_ciphertext(&self) -> Option<&kem::Ciphertext> {
        self.kem.as_ref().map(|(_, ciphertext)| ciphertext)
    }
}

/// Everything around the message proper of a [`PreKeySignalMessage`] to be written.
pub(crate) struct PreKeyParts<'a> {
    pub(crate) prekeys: PreKeyIds,
    pub(crate) kem_ciphertext: &'a kem::Ciphertext,
    pub(crate) base_key: &'a PublicKey,
    pub(crate) identity: &'a PublicKey,
    pub(crate) registration_id: RegistrationId,
}

impl PreKeyParts<'_> {
    pub(crate) fn wrap(&self, message: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(OVERHEAD + kem::Ciphertext::LEN + message.len());
        buffer.push(VERSION_BYTE);
        let mut writer = Writer::after(buffer);
        if let Some(id) = self.prekeys.one_time {
            writer.uint(1, id.0);
        }
        writer.bytes(2, &self.base_key.to_bytes());
        writer.bytes(3, &self.identity.to_bytes());
        writer.bytes(4, message);
        writer.uint(5, self.registration_id.0);
        writer.uint(6, self.prekeys.signed.0);
        writer.uint(7, self.prekeys.kem.0);
        writer.bytes(8, &self.kem_ciphertext.to_bytes());
        writer.finish()
    }
}

fn version(bytes: &[u8]) -> Result<u8, ParseError> {
    let actual = bytes.len();
    if actual > MAX_MESSAGE_LEN {
        return Err(ParseError::TooLong { actual });
    }
    match bytes.first().ok_or(ParseError::TooShort { actual })? >> 4 {
        version @ OLDEST_VERSION..=VERSION => Ok(version),
        version @ ..OLDEST_VERSION => Err(ParseError::LegacyVersion(version)),
        version => Err(ParseError::UnknownVersion(version)),
    }
}
