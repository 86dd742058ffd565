//! Prekeys: what a device publishes so that others can begin a session while it is away (section 3).

use keys::{KeyPair, PublicKey, Signature, kem};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    DeviceId, KeyError, Malformed, Timestamp,
    protobuf::{Writer, fields},
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// Number of a one-time prekey, unique within its device. Clients use 24 bits.
    OneTimePreKeyId,
    /// Number of a signed prekey, unique within its device. Clients use 24 bits.
    SignedPreKeyId,
    /// Number of a KEM prekey, unique within its device. Clients use 24 bits.
    KemPreKeyId,
    /// Drawn anew with each registration, so that peers notice one. Clients use 1..=16380.
    RegistrationId,
}

/// A curve key that serves one session and is then deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OneTimePreKey {
    /// Its number.
    pub id: OneTimePreKeyId,
    /// Its two halves.
    pub pair: KeyPair,
}

/// A curve key that serves every session of some weeks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedPreKey {
    /// Its number.
    pub id: SignedPreKeyId,
    /// Its two halves.
    pub pair: KeyPair,
    /// By the identity key, over the public half with its type byte.
    pub signature: Signature,
    /// When it was made, so that it can be replaced in time.
    pub created: Timestamp,
}

/// A KEM key. One-time and last-resort ones look the same; only their owner knows which is which.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KemPreKey {
    /// Its number.
    pub id: KemPreKeyId,
    /// Its two halves.
    pub pair: kem::KeyPair,
    /// By the identity key, over the public half with its type byte.
    pub signature: Signature,
    /// When it was made, so that it can be replaced in time.
    pub created: Timestamp,
}

/// What an initiator fetches: one signed key, one KEM key and, while they last, one one-time key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreKeyBundle {
    /// Identity key of the account.
    pub identity: PublicKey,
    /// Registration id of the device.
    pub registration_id: RegistrationId,
    /// The device.
    pub device: DeviceId,
    /// One-time key, if any was left.
    pub one_time: Option<(OneTimePreKeyId, PublicKey)>,
    /// Signed key.
    pub signed: (SignedPreKeyId, PublicKey, Signature),
    /// KEM key.
    pub kem: (KemPreKeyId, kem::PublicKey, Signature),
}

impl OneTimePreKey {
    /// Draws a new key.
    pub fn generate(id: OneTimePreKeyId, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self { id, pair: KeyPair::generate(rng) }
    }

    /// Serializes the key, its private half included (section 13).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(96);
        writer.uint(1, self.id.0);
        write_pair(&mut writer, &self.pair);
        Zeroizing::new(writer.finish())
    }

    /// Reads what [`OneTimePreKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let record = Record::read(bytes)?;
        Ok(Self { id: OneTimePreKeyId(record.id), pair: record.curve_pair()? })
    }
}

impl SignedPreKey {
    /// Draws a new key and signs it.
    pub fn generate(
        id: SignedPreKeyId,
        identity: &KeyPair,
        now: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Self {
        let pair = KeyPair::generate(rng);
        let signature = identity.private.sign(&pair.public.to_bytes(), rng);
        Self { id, pair, signature, created: now }
    }

    /// Serializes the key, its private half included (section 13).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(192);
        writer.uint(1, self.id.0);
        write_pair(&mut writer, &self.pair);
        writer.bytes(4, self.signature.as_bytes());
        writer.fixed64(5, self.created.0);
        Zeroizing::new(writer.finish())
    }

    /// Reads what [`SignedPreKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let record = Record::read(bytes)?;
        Ok(Self {
            id: SignedPreKeyId(record.id),
            pair: record.curve_pair()?,
            signature: record.signature()?,
            created: record.created,
        })
    }
}

impl KemPreKey {
    /// Draws a new key and signs it.
    pub fn generate(
        id: KemPreKeyId,
        identity: &KeyPair,
        now: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Self {
        let pair = kem::KeyPair::generate(rng);
        let signature = identity.private.sign(&pair.public().to_bytes(), rng);
        Self { id, pair, signature, created: now }
    }

    /// Serializes the key, its private half included (section 13).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(128 + kem::PublicKey::LEN + kem::KeyPair::LEN);
        writer.uint(1, self.id.0);
        writer.bytes(2, &self.pair.public().to_bytes());
        writer.bytes(3, &self.pair.to_bytes());
        writer.bytes(4, self.signature.as_bytes());
        writer.fixed64(5, self.created.0);
        Zeroizing::new(writer.finish())
    }

    /// Reads what [`KemPreKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let record = Record::read(bytes)?;
        let pair =
            kem::KeyPair::from_bytes(record.private).map_err(|source| Malformed::Key { field: 3, source })?;
        let public = kem::PublicKey::from_bytes(record.public)
            .map_err(|source| Malformed::Key { field: 2, source })?;
        if pair.public() != &public {
            return Err(Malformed::Key { field: 2, source: KeyError::Inconsistent });
        }
        Ok(Self { id: KemPreKeyId(record.id), pair, signature: record.signature()?, created: record.created })
    }
}

fn write_pair(writer: &mut Writer, pair: &KeyPair) {
    writer.bytes(2, &pair.public.to_bytes());
    writer.bytes(3, pair.private.expose());
}

/// The fields that the three kinds share.
struct Record<'a> {
    id: u32,
    public: &'a [u8],
    private: &'a [u8],
    signature: &'a [u8],
    created: Timestamp,
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (mut id, mut created) = (0, Timestamp(0));
        let (mut public, mut private, mut signature) = (None, None, None);
        for field in fields(bytes) {
            match field? {
                (1, value) => id = value.u32()?,
                (2, value) => public = Some(value.bytes()?),
                (3, value) => private = Some(value.bytes()?),
                (4, value) => signature = Some(value.bytes()?),
                (5, value) => created = Timestamp(value.fixed64()?),
                _ => {}
            }
        }
        Ok(Self {
            id,
            public: public.ok_or(Malformed::Missing { field: 2 })?,
            private: private.ok_or(Malformed::Missing { field: 3 })?,
            signature: signature.unwrap_or_default(),
            created,
        })
    }

    fn curve_pair(&self) -> Result<KeyPair, Malformed> {
        let public =
            PublicKey::from_bytes(self.public).map_err(|source| Malformed::Key { field: 2, source })?;
        let private = keys::PrivateKey::from_slice(self.private);
        // That the halves belong together is not checked: it would cost as much as an agreement.
        Ok(KeyPair { public, private: private.map_err(|source| Malformed::Key { field: 3, source })? })
    }

    fn signature(&self) -> Result<Signature, Malformed> {
        Signature::from_bytes(self.signature).map_err(|source| Malformed::Key { field: 4, source })
    }
}
