//! What is to be sent, and what was.

use std::fmt;

use wire::AccountId;

use crate::{Error, error::damaged};

/// Something to be sent. Its name and its place in the outbox are its timestamp, which no other has.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct QueuedSend {
    /// 16 bytes: the send's name at the relay.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) to: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) timestamp: u64,
    /// The content before padding, or the serialized `PlaintextContent`.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) content: Vec<u8>,
    #[prost(enumeration = "Purpose", tag = "5")]
    pub(crate) purpose: i32,
    /// The ciphertexts, once it is sealed: the same ones until the relay takes or refuses them.
    #[prost(message, repeated, tag = "6")]
    pub(crate) parts: Vec<SealedPart>,
    #[prost(bool, tag = "7")]
    pub(crate) sealed: bool,
    /// How often it was refused.
    #[prost(uint32, tag = "8")]
    pub(crate) refused: u32,
    /// The author's timestamp of the message whose state it moves, if it is not its own: of copies to own devices.
    #[prost(uint64, tag = "9")]
    pub(crate) message: u64,
    /// When it was put there.
    #[prost(uint64, tag = "10")]
    pub(crate) queued: u64,
}

/// What a send is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Purpose {
    /// Receipts, copies to own devices, edits, most reactions: nobody watches how far it comes.
    Other = 0,
    /// A message, or a reaction that is watched, whose state it moves.
    Message = 1,
    /// Asks for a message again, in the clear.
    AskAgain = 2,
    /// Says that messages have come: it says nothing that the relay does not know, and waits for no label.
    Receipt = 3,
}

/// A ciphertext for one device.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SealedPart {
    #[prost(uint32, tag = "1")]
    pub(crate) device: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) registration_id: u32,
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) body: bytes::Bytes,
}

impl fmt::Debug for QueuedSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedSend").field("timestamp", &self.timestamp).finish_non_exhaustive()
    }
}

impl QueuedSend {
    pub(crate) fn to(&self) -> Result<AccountId, Error> {
        AccountId::try_from(&self.to[..]).map_err(|_| damaged("a recipient"))
    }

    /// Takes the ciphertexts off: they are of no use any more.
    pub(crate) fn unseal(&mut self) {
        self.sealed = false;
        self.parts.clear();
    }
}

/// What was sent, kept for devices that cannot read it. Named by its timestamp.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct Outgoing {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) to: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) content: Vec<u8>,
    /// Devices that asked and got it again; a second time they do not.
    #[prost(uint32, repeated, tag = "3")]
    pub(crate) sent_again: Vec<u32>,
    #[prost(uint64, tag = "4")]
    pub(crate) queued: u64,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

/// What was sent under a reference, which is its name.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Referred {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) to: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) timestamp: u64,
}
