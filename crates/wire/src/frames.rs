//! What travels on the socket: `proto/socket.proto`, field for field. `bytes` are slices of the frame they came in.

use bytes::{Buf as _, Bytes};
use prost::{
    DecodeError, Message as _,
    encoding::{WireType, decode_key, decode_varint},
};

use crate::limits;

/// From a device to the relay.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ClientFrame {
    /// In their order.
    #[prost(message, repeated, tag = "1")]
    pub sends: Vec<Send>,
    /// Every delivery up to this number is safe on this device. 0 says nothing.
    #[prost(uint64, tag = "2")]
    pub acknowledged: u64,
}

/// Bytes that are no frame, or hold more than a frame may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame")]
pub struct InvalidFrame;

impl From<DecodeError> for InvalidFrame {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

impl ClientFrame {
    /// Reads a frame from outside. Whatever the bytes are, it takes no more memory than a few times their length: more
    /// than [`limits::SENDS`] sends, or more parts than an account has devices, are refused before they are read.
    ///
    /// # Errors
    /// [`InvalidFrame`].
    pub fn read(bytes: Bytes) -> Result<Self, InvalidFrame> {
        let mut sends = 0;
        let mut fields = &*bytes;
        while let Some((field, value)) = next_field(&mut fields)? {
            if field != 1 {
                continue;
            }
            sends += 1;
            let (mut parts, mut fields) = (0, value);
            while let Some((field, _)) = next_field(&mut fields)? {
                parts += usize::from(field == 5);
            }
            if sends > limits::SENDS || parts > limits::DEVICES {
                return Err(InvalidFrame);
            }
        }
        Ok(Self::decode(bytes)?)
    }
}

/// The next field that has a length, with its bytes; those without are skipped.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Result<Option<(u32, &'a [u8])>, InvalidFrame> {
    while bytes.has_remaining() {
        let (field, kind) = decode_key(bytes)?;
        let length = match kind {
            WireType::Varint => {
                decode_varint(bytes)?;
                continue;
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => usize::try_from(decode_varint(bytes)?).map_err(|_| InvalidFrame)?,
            // Groups are in no frame.
            WireType::StartGroup | WireType::EndGroup => return Err(InvalidFrame),
        };
        let (value, rest) = bytes.split_at_checked(length).ok_or(InvalidFrame)?;
        *bytes = rest;
        if kind == WireType::LengthDelimited {
            return Ok(Some((field, value)));
        }
    }
    Ok(None)
}

/// From the relay to a device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ServerFrame {
    /// In their order.
    #[prost(message, repeated, tag = "1")]
    pub deliveries: Vec<Delivery>,
    /// Ids of sends that are safe.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub sent: Vec<Bytes>,
    /// Sends that were not accepted.
    #[prost(message, repeated, tag = "3")]
    pub refusals: Vec<Refusal>,
    /// All that waited has been delivered.
    #[prost(bool, tag = "4")]
    pub drained: bool,
    /// One-time prekeys are running out.
    #[prost(uint32, optional, tag = "5")]
    pub prekeys_left: Option<u32>,
}

/// One message for all devices of an account.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Send {
    /// 16 random bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub id: Bytes,
    /// 16 bytes: the account.
    #[prost(bytes = "bytes", tag = "2")]
    pub to: Bytes,
    /// Milliseconds since 1970, by the sender's clock.
    #[prost(uint64, tag = "3")]
    pub timestamp: u64,
    /// Only for devices that are connected now.
    #[prost(bool, tag = "4")]
    pub transient: bool,
    /// One for each device.
    #[prost(message, repeated, tag = "5")]
    pub parts: Vec<Part>,
}

/// The ciphertext for one device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Part {
    /// Its number.
    #[prost(uint32, tag = "1")]
    pub device: u32,
    /// What the sender believes its registration id to be.
    #[prost(uint32, tag = "2")]
    pub registration_id: u32,
    /// What the body is.
    #[prost(enumeration = "Kind", tag = "3")]
    pub kind: i32,
    /// The ciphertext.
    #[prost(bytes = "bytes", tag = "4")]
    pub body: Bytes,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Kind {
    /// None of those below.
    Unknown = 0,
    /// A `SignalMessage`.
    Signal = 2,
    /// A `PreKeySignalMessage`.
    PreKey = 3,
    /// In the clear: asks for a message again.
    Plaintext = 8,
    /// From the relay itself, in the clear: a [`Notice`].
    Notice = 15,
}

impl Kind {
    /// Whether a device may send it.
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        matches!(self, Self::Signal | Self::PreKey | Self::Plaintext)
    }
}

/// An envelope on its way to a device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Delivery {
    /// Counts up from 1 within a socket.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// What is delivered.
    #[prost(message, optional, tag = "2")]
    pub envelope: Option<Envelope>,
}

/// One ciphertext as the relay carries it. The relay encodes it once and keeps those bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Envelope {
    /// The id of the send.
    #[prost(bytes = "bytes", tag = "1")]
    pub id: Bytes,
    /// 16 bytes: the sender's account; zeros for the relay.
    #[prost(bytes = "bytes", tag = "2")]
    pub from: Bytes,
    /// The sender's device; 0 for the relay.
    #[prost(uint32, tag = "3")]
    pub from_device: u32,
    /// The sender's clock.
    #[prost(uint64, tag = "4")]
    pub timestamp: u64,
    /// The relay's clock when it was accepted.
    #[prost(uint64, tag = "5")]
    pub received: u64,
    /// What the body is.
    #[prost(enumeration = "Kind", tag = "6")]
    pub kind: i32,
    /// The ciphertext.
    #[prost(bytes = "bytes", tag = "7")]
    pub body: Bytes,
}

/// What the relay itself tells a device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Notice {
    /// One of these.
    #[prost(oneof = "notice::Notice", tags = "1")]
    pub notice: Option<notice::Notice>,
}

/// The notices.
pub mod notice {
    /// One of these.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Notice {
        /// A message of this account was not collected in time and is deleted.
        #[prost(message, tag = "1")]
        Expired(super::Expired),
    }
}

/// Which message was not collected, by whom.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Expired {
    /// The id of the send.
    #[prost(bytes = "bytes", tag = "1")]
    pub id: Bytes,
    /// 16 bytes: the account it was for.
    #[prost(bytes = "bytes", tag = "2")]
    pub to: Bytes,
    /// The device that did not collect it.
    #[prost(uint32, tag = "3")]
    pub device: u32,
    /// The sender's clock when it was sent.
    #[prost(uint64, tag = "4")]
    pub timestamp: u64,
}

/// A send that was not accepted. Nothing of it was delivered to anybody, except with [`Reason::QueueFull`] (the other
/// devices have it) and [`Reason::Unavailable`] (some may): the same id again is the same message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refusal {
    /// The id of the send.
    #[prost(bytes = "bytes", tag = "1")]
    pub id: Bytes,
    /// Why.
    #[prost(enumeration = "Reason", tag = "2")]
    pub reason: i32,
    /// These have no part and need one.
    #[prost(uint32, repeated, tag = "3")]
    pub missing: Vec<u32>,
    /// These do not exist (any more).
    #[prost(uint32, repeated, tag = "4")]
    pub extra: Vec<u32>,
    /// These were set up anew, or are full.
    #[prost(uint32, repeated, tag = "5")]
    pub devices: Vec<u32>,
    /// Milliseconds to wait before the same again.
    #[prost(uint64, tag = "6")]
    pub retry_after: u64,
}

/// Why a send was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Reason {
    /// One that a newer relay knows.
    ReasonUnknown = 0,
    /// Malformed or too large.
    Invalid = 1,
    /// Nobody has this account.
    NoSuchAccount = 2,
    /// Not one part for each device.
    MismatchedDevices = 3,
    /// Devices were set up anew since.
    StaleDevices = 4,
    /// Devices take no more.
    QueueFull = 5,
    /// Too often.
    RateLimited = 6,
    /// It could not be stored; it may or may not be delivered. Send it again with the same id.
    Unavailable = 7,
    /// A business may not write to this account: it is not approved and the account is no tester of it, or it (or its
    /// vendor) is suspended.
    Forbidden = 8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_would_grow_is_refused_before_it_does() {
        let read = |frame: &ClientFrame| ClientFrame::read(frame.encode_to_vec().into());
        let send = Send { parts: vec![Part::default(); limits::DEVICES], ..Send::default() };
        let most = ClientFrame { sends: vec![send.clone(); limits::SENDS], acknowledged: 9 };
        assert_eq!(read(&most).as_ref(), Ok(&most));
        let mut more = most.clone();
        more.sends.push(Send::default());
        assert_eq!(read(&more), Err(InvalidFrame));
        let parts = vec![Part::default(); limits::DEVICES + 1];
        let many = ClientFrame { sends: vec![Send { parts, ..send }], acknowledged: 0 };
        assert_eq!(read(&many), Err(InvalidFrame));
        for bytes in [&[0x0a, 5, 1][..], &[0x0b], &[0xff; 12], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 1]] {
            assert_eq!(ClientFrame::read(Bytes::copy_from_slice(bytes)), Err(InvalidFrame), "{bytes:?}");
        }
    }
}
