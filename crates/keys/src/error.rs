/// Why bytes from outside are not a key, or a key is not fit for what was asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are shorter or longer than this kind of key is.
    #[error("a key of {expected} bytes was expected, {actual} were given")]
    WrongLength {
        /// Bytes that such a key has, its type byte included.
        expected: usize,
        /// Bytes that were given.
        actual: usize,
    },
    /// The type byte names another kind of key.
    #[error("key type 0x{expected:02x} was expected, 0x{actual:02x} was given")]
    WrongType {
        /// The type byte of the expected kind.
        expected: u8,
        /// The type byte that was given.
        actual: u8,
    },
    /// The point has a small order: every agreement with it would give the same, known secret.
    #[error("the public key is a point of low order")]
    LowOrder,
    /// The KEM key has a coefficient that is not below the modulus.
    #[error("the KEM key has a coefficient out of range")]
    NotReduced,
    /// The parts of a secret KEM key contradict each other.
    #[error("the parts of the secret KEM key do not belong together")]
    Inconsistent,
    /// The signature was not made by this key over this message.
    #[error("the signature does not verify")]
    BadSignature,
    /// A fingerprint was asked for with a number of iterations outside 2..=1,000,000.
    #[error("fingerprints take 2 to 1,000,000 iterations, {0} were asked for")]
    Iterations(u32),
}
