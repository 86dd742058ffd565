//! Keys of the Signal protocol: curve key pairs and agreements, XEdDSA signatures, KEM prekeys, fingerprints.
//!
//! Both sides of the trust boundary use this crate: a relay verifies the signatures of the prekeys that
//! devices upload, a device agrees on secrets with them. It knows nothing of sessions, messages, storage,
//! clocks or networks, and takes its randomness as an argument.
//!
//! ```
//! use keys::{KeyPair, PublicKey};
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! # let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! let alice = KeyPair::generate(&mut rng);
//! let bob = KeyPair::generate(&mut rng);
//! assert_eq!(alice.private.agree(&bob.public)?, bob.private.agree(&alice.public)?);
//!
//! let signature = alice.private.sign(b"a prekey", &mut rng);
//! let published = PublicKey::from_bytes(&alice.public.to_bytes())?;
//! published.verify(b"a prekey", &signature)?;
//! # Ok::<(), keys::KeyError>(())
//! ```
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod alternate;
mod curve;
mod error;
mod fingerprint;
pub mod kem;
mod secret;
mod xeddsa;

pub use curve::{KeyPair, PrivateKey, PublicKey};
pub use error::KeyError;
pub use fingerprint::{Fingerprint, ITERATIONS};
pub use secret::{Secret, SharedSecret};
pub use xeddsa::Signature;
