/// Why the post-quantum half of the ratchet refuses a message. The ratchet is then still what it was, and other
/// messages can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpqrError {
    /// There is no post-quantum part: the peer does not speak this protocol.
    #[error("the message has no post-quantum part")]
    Empty,
    /// The first byte is a version that is not spoken.
    #[error("post-quantum part of unknown version {0}")]
    UnknownVersion(u8),
    /// The bytes end too early.
    #[error("the post-quantum part ends too early")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number in the post-quantum part has more than 64 bits")]
    VarintTooLong,
    /// Epochs are counted from one.
    #[error("the post-quantum part is of epoch zero")]
    EpochZero,
    /// Keys of a chain are counted from one and up to 2^32 - 1.
    #[error("the number {0} of the message key is out of range")]
    IndexOutOfRange(u64),
    /// Chunks of a stream are counted from zero and up to 65,535.
    #[error("the chunk number {0} is out of range")]
    ChunkIndexOutOfRange(u64),
    /// A type that does not exist.
    #[error("type {0} of the post-quantum part does not exist")]
    UnknownType(u8),
    /// The message is of an epoch that cannot have begun for its sender.
    #[error("epoch {epoch} is out of range in epoch {current}")]
    EpochOutOfRange {
        /// Epoch of the message.
        epoch: u64,
        /// Epoch of this side.
        current: u64,
    },
    /// The message is of an epoch whose keys were deleted.
    #[error("the keys of epoch {0} are gone")]
    EpochGone(u64),
    /// The key of this message was handed out before.
    #[error("the key with number {0} was already used")]
    KeyUsed(u32),
    /// The message is so far behind others that its key was deleted.
    #[error("the key with number {0} is too old")]
    KeyTooOld(u32),
    /// The message is so far ahead that the keys before it will not be worked out.
    #[error("a jump of {jump} keys is longer than {limit}")]
    JumpTooFar {
        /// Number of keys from the last one to that of the message.
        jump: u32,
        /// The largest number allowed.
        limit: u32,
    },
    /// The peer's header was not made by the peer.
    #[error("wrong authentication code of a key header")]
    HeaderMac,
    /// The peer's ciphertext was not made by the peer.
    #[error("wrong authentication code of a ciphertext")]
    CiphertextMac,
    /// The peer's encapsulation key is not the one its header announced, or not one at all.
    #[error("an encapsulation key does not fit its header")]
    EkMismatch,
}
