/// Why a sender key cannot be used as asked. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SenderKeyError {
    /// The chain of the message is not known: its distribution message has not arrived, or is forgotten.
    #[error("no sender key with chain id {chain_id}")]
    NoState {
        /// The chain that was asked for.
        chain_id: u32,
    },
    /// The record holds no chain of which the signing key is ours.
    #[error("there is no chain to send with")]
    NoOwnChain,
    /// The message is for another distribution than the record.
    #[error("the message belongs to another distribution")]
    OtherDistribution,
    /// The sender did not sign the message.
    #[error("the signature of the message does not verify")]
    BadSignature,
    /// The message was decrypted before, or is so old that its key is forgotten.
    #[error("the key of message {iteration} is used up")]
    Duplicate {
        /// Position of the message in its chain.
        iteration: u32,
    },
    /// More messages are missing before this one than will be derived.
    #[error("{ahead} messages are missing before this one")]
    TooFarAhead {
        /// How many are missing.
        ahead: u32,
    },
    /// The chain has come to its last position. Begin a new one.
    #[error("the chain is used up")]
    Exhausted,
    /// The sender signed what does not decrypt.
    #[error("the message does not decrypt")]
    BadCiphertext,
    /// The encrypted message would have more than [`MAX_MESSAGE_LEN`](crate::MAX_MESSAGE_LEN) bytes.
    #[error("an encrypted message of {actual} bytes is too long")]
    TooLong {
        /// Bytes that it would have.
        actual: usize,
    },
}
