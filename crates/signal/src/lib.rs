//! The Signal protocol as pure state machines: bytes, state and randomness in; bytes and new state out.
//!
//! A [`Session`] is everything that this device shares with one other device. It begins with a handshake that also holds
//! against quantum computers (PQXDH), turns two ratchets with every exchange (the Double Ratchet and the post-quantum
//! one, together the Triple Ratchet), takes messages in any order, and refuses every other message without a trace.
//! [`SenderKeyRecord`] encrypts once for a group, [`sealed`] hides the sender from the relay, [`SafetyNumber`] lets two
//! people compare their keys, [`PlaintextContent`] asks for a message again.
//!
//! It refuses to know what the time is, where randomness comes from, where anything is stored and how bytes travel: the
//! caller says, and acts on what comes out. After every call that succeeds, save the state before anything else.
//!
//! The package is `tradepost-signal`, the library `signal` (`signal = { package = "tradepost-signal", … }`). Randomness is
//! any `CryptoRng` of `rand_core` 0.10; in a client that is the operating system's, `UnwrapErr(getrandom::SysRng)`. Below,
//! `rng` is a `ChaCha20Rng` with a fixed seed, so that every run is the same.
//!
//! ```
//! use std::sync::Arc;
//! use signal::*;
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! # let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! # let now = Timestamp(1_700_000_000_000);
//! # let mut device = |name: &str| Arc::new(LocalDevice {
//! #     address: Address::new(name, DeviceId::PRIMARY),
//! #     identity: keys::KeyPair::generate(&mut rng),
//! #     registration_id: RegistrationId(1),
//! # });
//! # let (anna, bank) = (device("anna"), device("bank"));
//! // The bank publishes prekeys; Anna fetches them as a bundle and begins a session.
//! let signed = SignedPreKey::generate(SignedPreKeyId(1), &bank.identity, now, &mut rng);
//! let kem = KemPreKey::generate(KemPreKeyId(1), &bank.identity, now, &mut rng);
//! let bundle = PreKeyBundle {
//!     identity: bank.identity.public,
//!     registration_id: bank.registration_id,
//!     device: bank.address.device(),
//!     one_time: None,
//!     signed: (signed.id, signed.pair.public, signed.signature),
//!     kem: (kem.id, kem.pair.public().clone(), kem.signature),
//! };
//! let mut to_bank = Session::new(anna.clone(), bank.address.clone());
//! to_bank.start(&bundle, Trust::FirstUse, now, &mut rng)?;
//! // From here on she knows the bank's key, and accepts no other.
//! let bank_only = Trust::Only(&bundle.identity);
//! let message = to_bank.encrypt(b"I would like to open an account.", bank_only, now, &mut rng)?;
//!
//! // The bank loads the prekeys that the message names, and has a session with her from then on.
//! let mut to_anna = Session::new(bank.clone(), anna.address.clone());
//! let first = PreKeySignalMessage::parse(&message.bytes)?;
//! assert_eq!(to_anna.wanted_prekeys(&first).map(|ids| ids.signed), Some(signed.id));
//! let keys = ResponderKeys { one_time: None, signed: &signed, kem: &kem };
//! let opened = to_anna.decrypt_first(&first, Some(keys), Trust::FirstUse, &mut rng)?;
//! assert_eq!(*opened.plaintext, b"I would like to open an account.");
//! // Those that it used up are deleted together with saving the session.
//! assert_eq!(opened.used.map(|used| used.ids.kem), Some(kem.id));
//!
//! // What is saved is bytes; what was learned is whose key this is.
//! let saved = to_anna.to_bytes();
//! let mut to_anna = Session::from_bytes(bank, anna.address.clone(), &saved)?;
//! let answer = to_anna.encrypt(b"Gladly.", Trust::Only(&opened.identity), now, &mut rng)?;
//! let opened = to_bank.decrypt(&SignalMessage::parse(&answer.bytes)?, bank_only, &mut rng)?;
//! assert_eq!(*opened.plaintext, b"Gladly.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The package `conversation` (`examples/conversation`) is the same with all keys, both ways, in the terminal.
//!
//! Comments cite what this was written from. "The Signal specification", and a section without a name, is
//! `docs/protocol/signal.md`; "SPQR" is `docs/protocol/spqr.md`. Stored forms are documented in `proto/`.
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod address;
mod chain;
mod cipher;
mod entropy;
mod error;
mod kdf;
#[cfg(test)]
mod known_answers;
mod message;
mod prekey;
mod protobuf;
mod retry;
mod safety_number;
pub mod sealed;
mod sender_key;
mod session;
mod spqr;
#[cfg(test)]
mod test_vectors;
mod time;

pub use address::{Address, DeviceId, ServiceId};
pub use error::{Malformed, ParseError, Part, StateError};
pub use keys::{self, KeyError};
pub use message::{EncryptedMessage, MessageKind, PreKeyIds, PreKeySignalMessage, SignalMessage};
pub use prekey::{
    KemPreKey, KemPreKeyId, OneTimePreKey, OneTimePreKeyId, PreKeyBundle, RegistrationId, SignedPreKey,
    SignedPreKeyId,
};
pub use retry::{DecryptionErrorMessage, PlaintextContent, RetryError};
pub use safety_number::{SafetyNumber, SafetyNumberVersion, ScanError};
pub use sender_key::{
    DistributionId, DistributionMessage, SenderKeyError, SenderKeyMessage, SenderKeyRecord,
};
pub use session::{
    DecryptError, Decrypted, EncryptError, LocalDevice, MAX_PLAINTEXT_LEN, ResponderKeys, Session,
    StartError, Trust, UsedPreKeys,
};
pub use spqr::SpqrError;
pub use time::Timestamp;

/// Bytes of the longest message that is read or written: 1 MiB. Larger things travel as blobs.
pub const MAX_MESSAGE_LEN: usize = 1 << 20;
