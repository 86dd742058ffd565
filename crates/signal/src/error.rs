use keys::KeyError;

/// Why bytes are not the protobuf message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end inside a field.
    #[error("the bytes end inside a field")]
    Truncated,
    /// A varint has more than 64 bits.
    #[error("a number has more than 64 bits")]
    VarintTooLong,
    /// A field has the number 0 or one above 2^29 - 1.
    #[error("a field number is out of range")]
    FieldNumber,
    /// A field is of another wire type than its number says, or of one that is not in use.
    #[error("field {field} has the wrong wire type")]
    WireType {
        /// Number of the field.
        field: u32,
    },
    /// A number is larger than its field may hold.
    #[error("the number in field {field} is out of range")]
    OutOfRange {
        /// Number of the field.
        field: u32,
    },
    /// A field of fixed length has another length.
    #[error("field {field} has the wrong length")]
    Length {
        /// Number of the field.
        field: u32,
    },
    /// A required field is absent.
    #[error("field {field} is missing")]
    Missing {
        /// Number of the field.
        field: u32,
    },
    /// Text is not UTF-8.
    #[error("the text in field {field} is not UTF-8")]
    Text {
        /// Number of the field.
        field: u32,
    },
    /// A key or signature is not one.
    #[error("field {field} holds no key")]
    Key {
        /// Number of the field.
        field: u32,
        /// What is wrong with it.
        source: KeyError,
    },
}

/// A part of a message that is itself a message or a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The message proper of a first message.
    Message,
    /// The sender's certificate in a sealed message.
    SenderCertificate,
    /// The server's certificate in that of a sender.
    ServerCertificate,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Message => "the message inside",
            Self::SenderCertificate => "the sender certificate",
            Self::ServerCertificate => "the server certificate",
        })
    }
}

/// Why bytes are not a message of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Fewer bytes than the shortest such message has.
    #[error("a message of {actual} bytes is too short")]
    TooShort {
        /// Bytes that were given.
        actual: usize,
    },
    /// More than [`MAX_MESSAGE_LEN`](crate::MAX_MESSAGE_LEN) bytes.
    #[error("a message of {actual} bytes is too long")]
    TooLong {
        /// Bytes that were given.
        actual: usize,
    },
    /// A version that is no longer spoken.
    #[error("message version {0} is no longer spoken")]
    LegacyVersion(u8),
    /// A version that is not spoken yet.
    #[error("message version {0} is not known")]
    UnknownVersion(u8),
    /// The protobuf part is wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The protobuf of a part is wrong.
    #[error("{part}: {source}")]
    Inside {
        /// Which part.
        part: Part,
        /// What is wrong with it.
        source: Malformed,
    },
    /// Only one of the two parts of the KEM handshake is there.
    #[error("the KEM handshake is incomplete")]
    HalfAKem,
    /// The type of the message is none that exists.
    #[error("message type {0} does not exist")]
    UnknownType(u32),
}

impl ParseError {
    /// Tells fields of a part from those of the whole, which have the same numbers.
    pub(crate) const fn inside(self, part: Part) -> Self {
        match self {
            Self::Malformed(source) => Self::Inside { part, source },
            other => other,
        }
    }
}

/// Why stored bytes are not the state they should be: they were damaged or written by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The state is of a version that this program does not know.
    #[error("stored state has version {0}, which this program does not know")]
    Version(u32),
    /// The protobuf part is wrong.
    #[error("stored state is damaged: {0}")]
    Malformed(#[from] Malformed),
    /// The parts contradict each other.
    #[error("stored state contradicts itself: {0}")]
    Inconsistent(&'static str),
}
