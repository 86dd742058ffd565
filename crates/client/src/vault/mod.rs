//! Where a device keeps its state: a [`Vault`] of small records, saved in batches that happen as a whole or not at all.

mod memory;
#[cfg(feature = "native")]
mod seal;
#[cfg(feature = "native")]
mod sqlite;
#[cfg(feature = "native")]
mod vault_key;

use std::fmt;

use async_trait::async_trait;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub use self::memory::MemoryVault;
#[cfg(feature = "native")]
pub use self::{sqlite::SqliteVault, vault_key::VaultKey};
use crate::Shared;

macro_rules! spaces {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What kind of record. The numbers are stored.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Space { $($(#[$doc])* $name = $number,)* }

        impl Space {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

spaces! {
    /// Who this device is: one record.
    Own = 1,
    /// Counters, and what is due: one record.
    Upkeep = 2,
    /// What is known of another account, or of the own one.
    Peer = 3,
    /// A session with a device.
    Session = 4,
    /// A prekey, with its private half.
    PreKey = 5,
    /// An envelope or message that was processed.
    Seen = 6,
    /// A message of a chat.
    Message = 7,
    /// A chat.
    Chat = 8,
    /// What is to be sent.
    Outbox = 9,
    /// What was sent, for whoever could not read it.
    Outgoing = 10,
    /// What was asked for again.
    Asked = 11,
    /// A message that nobody here has read.
    Unread = 12,
    /// When a message disappears.
    Expiry = 13,
    /// A change of a message that is not there yet, or a receipt for one.
    Early = 14,
    /// First messages under a last-resort key, each of which is taken once.
    LastResort = 15,
    /// What a program has not taken yet, where no history is kept.
    Feed = 16,
    /// How far a sent message has come, where no history is kept.
    Sent = 17,
    /// What was sent under a reference.
    Reference = 18,
    /// Who hosts an account, if it is a business.
    Label = 19,
    /// The key that signs labels: one record.
    LabelKey = 20,
}

/// A record as it is read.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name within its space.
    pub key: Vec<u8>,
    /// Where it stands in the order of its space.
    pub position: u64,
    /// What it holds: a secret.
    pub value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("position", &self.position).finish_non_exhaustive()
    }
}

/// From where on, and in which direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Positions above this one, the lowest first.
    After(u64),
    /// Positions below this one, the highest first.
    Before(u64),
}

/// One change of one record.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes it, whether or not it is there.
    Put {
        /// Its kind.
        space: Space,
        /// Its name.
        key: Vec<u8>,
        /// To which list it belongs.
        owner: Vec<u8>,
        /// Its place there, at most [`MAX_POSITION`].
        position: u64,
        /// What it holds.
        value: Zeroizing<Vec<u8>>,
    },
    /// Takes it away, whether or not it is there.
    Delete {
        /// Its kind.
        space: Space,
        /// Its name.
        key: Vec<u8>,
    },
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { space, .. } => write!(f, "Put({space:?})"),
            Self::Delete { space, .. } => write!(f, "Delete({space:?})"),
        }
    }
}

/// The highest position: what SQL can count to.
pub const MAX_POSITION: u64 = i64::MAX.cast_unsigned();

/// Why a vault did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    /// Another process has it open.
    #[error("another process uses this vault")]
    InUse,
    /// The passphrase or the key file is another one.
    #[error("the vault does not open with this key")]
    WrongKey,
    /// What is stored is not what was written.
    #[error("the vault is damaged")]
    Damaged,
    /// It could not be reached; after a save it is unknown whether it happened.
    #[error("the vault cannot be used: {0}")]
    Unavailable(String),
}

/// A save that was handed in: what comes of it.
///
/// Dropped, it stops nothing.
#[derive(Debug)]
#[must_use = "what was handed in is not durable before this says so"]
pub struct Saving(Option<oneshot::Receiver<Result<(), VaultError>>>);

impl Saving {
    /// One that is durable already.
    pub const fn done() -> Self {
        Self(None)
    }

    /// One under way, and where it is told what came of it. Never told, it failed.
    pub fn under_way() -> (oneshot::Sender<Result<(), VaultError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(Some(receiver)))
    }

    /// Returns when it is durable, with all that was handed in before it.
    ///
    /// # Errors
    /// Why it is not; it may have happened for all that, unless [`VaultError`] says otherwise.
    pub async fn durable(self) -> Result<(), VaultError> {
        let Some(receiver) = self.0 else { return Ok(()) };
        receiver.await.unwrap_or_else(|_| Err(VaultError::Unavailable("it was given up".to_owned())))
    }
}

/// A store of small records. One device uses one vault, and nobody else does at the same time.
///
/// What a method returned is durable, but for what was handed in and is under way. A save that failed may or may not
/// have happened; nothing in between.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Vault: Shared {
    /// The record of this name.
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError>;

    /// Records in the order of their positions, of one owner or of all; at most `limit`.
    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError>;

    /// Says which records will be loaded next, so that a vault for which a question costs more than an answer asks once.
    /// Whether it does anything changes nothing else.
    async fn prefetch(&self, _names: &[(Space, Vec<u8>)]) -> Result<(), VaultError> {
        Ok(())
    }

    /// Makes all changes, in their order, or none.
    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError>;

    /// The same, but returns before they are durable if the vault can do so: what is read afterwards has them, and what
    /// is handed in afterwards happens only if they do. Without changes: what comes of all that was handed in before.
    ///
    /// After one that failed all others fail: what may yet become of it is not known, so the vault is opened anew.
    async fn hand_in(&self, changes: Vec<Change>) -> Result<Saving, VaultError> {
        if !changes.is_empty() {
            self.save(changes).await?;
        }
        Ok(Saving::done())
    }
}
