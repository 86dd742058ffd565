//! The bytes that travel in each message (SPQR, section 3).

use super::{SpqrError, erasure::Chunk};
use crate::{
    Malformed,
    protobuf::{put_varint, take_varint},
};

/// The only version in use.
const VERSION: u8 = 1;
/// Bytes of the longest packet: version, epoch, index, type, chunk index, chunk.
const LONGEST: usize = 1 + 10 + 5 + 1 + 3 + 32;

/// The post-quantum part of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// The sender's epoch, from 1.
    pub(super) epoch: u64,
    /// Number of the message's key in its chain, from 1.
    pub(super) index: u32,
    pub(super) payload: Payload,
}

/// What a packet says about the exchange of its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// Nothing at the moment.
    None,
    /// A chunk of the header and its MAC.
    Header(Chunk),
    /// A chunk of ek.
    Ek(Chunk),
    /// A chunk of ek, and that ct1 is complete.
    EkCt1Ack(Chunk),
    /// That ct1 is complete, and ek needs no more sending.
    Ct1Ack,
    /// A chunk of ct1.
    Ct1(Chunk),
    /// A chunk of ct2 and its MAC.
    Ct2(Chunk),
}

impl Packet {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LONGEST);
        bytes.push(VERSION);
        put_varint(&mut bytes, self.epoch);
        put_varint(&mut bytes, self.index.into());
        let (kind, chunk) = match self.payload {
            Payload::None => (0, None),
            Payload::Header(chunk) => (1, Some(chunk)),
            Payload::Ek(chunk) => (2, Some(chunk)),
            Payload::EkCt1Ack(chunk) => (3, Some(chunk)),
            Payload::Ct1Ack => (4, None),
            Payload::Ct1(chunk) => (5, Some(chunk)),
            Payload::Ct2(chunk) => (6, Some(chunk)),
        };
        bytes.push(kind);
        if let Some(chunk) = chunk {
            put_varint(&mut bytes, chunk.index.into());
            bytes.extend_from_slice(&chunk.data);
        }
        bytes
    }

    /// Reads a packet. What follows it is ignored, as the specification asks.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, SpqrError> {
        let (version, mut rest) = bytes.split_first().ok_or(SpqrError::Empty)?;
        if *version != VERSION {
            return Err(SpqrError::UnknownVersion(*version));
        }
        let epoch = number(&mut rest)?;
        if epoch == 0 {
            return Err(SpqrError::EpochZero);
        }
        let index = number(&mut rest)?;
        // Zero came from peers that did without keys at first; the minimum version that all have now ended that.
        let index = match u32::try_from(index) {
            Ok(index @ 1..) => index,
            _ => return Err(SpqrError::IndexOutOfRange(index)),
        };
        let (kind, rest) = rest.split_first().ok_or(SpqrError::Truncated)?;
        let payload = match kind {
            0 => Payload::None,
            1 => Payload::Header(chunk(rest)?),
            2 => Payload::Ek(chunk(rest)?),
            3 => Payload::EkCt1Ack(chunk(rest)?),
            4 => Payload::Ct1Ack,
            5 => Payload::Ct1(chunk(rest)?),
            6 => Payload::Ct2(chunk(rest)?),
            _ => return Err(SpqrError::UnknownType(*kind)),
        };
        Ok(Self { epoch, index, payload })
    }
}

fn chunk(mut bytes: &[u8]) -> Result<Chunk, SpqrError> {
    let index = number(&mut bytes)?;
    let index = index.try_into().map_err(|_| SpqrError::ChunkIndexOutOfRange(index))?;
    let data = *bytes.first_chunk().ok_or(SpqrError::Truncated)?;
    Ok(Chunk { index, data })
}

fn number(bytes: &mut &[u8]) -> Result<u64, SpqrError> {
    take_varint(bytes).map_err(|error| match error {
        Malformed::VarintTooLong => SpqrError::VarintTooLong,
        _ => SpqrError::Truncated,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload() -> impl Strategy<Value = Payload> {
        let chunk = (any::<u16>(), any::<[u8; 32]>()).prop_map(|(index, data)| Chunk { index, data });
        (0..7, chunk).prop_map(|(kind, chunk)| match kind {
            0 => Payload::None,
            1 => Payload::Header(chunk),
            2 => Payload::Ek(chunk),
            3 => Payload::EkCt1Ack(chunk),
            4 => Payload::Ct1Ack,
            5 => Payload::Ct1(chunk),
            _ => Payload::Ct2(chunk),
        })
    }

    #[test]
    fn packets_have_the_sizes_of_the_specification() {
        let packet = Packet { epoch: 1, index: 1, payload: Payload::None };
        assert_eq!(packet.to_bytes(), [1, 1, 1, 0]);
        let chunk = Chunk { index: 300, data: [7; 32] };
        let packet = Packet { epoch: 1, index: 128, payload: Payload::Ct2(chunk) };
        let bytes = packet.to_bytes();
        assert_eq!(bytes[..7], [1, 1, 0x80, 1, 6, 0xAC, 2]);
        assert_eq!(bytes[7..], [7; 32]);
    }

    #[test]
    fn each_way_of_being_wrong_has_its_error() {
        let error = |bytes: &[u8]| Packet::from_bytes(bytes).unwrap_err();
        let chunked = |start: &[u8]| [start, &[0; 31]].concat();
        assert_eq!(error(&[]), SpqrError::Empty);
        assert_eq!(error(&[0, 1, 1, 0]), SpqrError::UnknownVersion(0));
        assert_eq!(error(&[2, 1, 1, 0]), SpqrError::UnknownVersion(2));
        assert_eq!(error(&[1, 0x81]), SpqrError::Truncated);
        assert_eq!(error(&[1, 1, 1]), SpqrError::Truncated);
        assert_eq!(error(&chunked(&[1, 1, 1, 5, 0])), SpqrError::Truncated);
        assert_eq!(error(&[[1].as_slice(), &[0x80; 10], &[0, 1, 0]].concat()), SpqrError::VarintTooLong);
        assert_eq!(error(&[1, 0, 1, 0]), SpqrError::EpochZero);
        assert_eq!(error(&[1, 1, 0, 0]), SpqrError::IndexOutOfRange(0));
        assert_eq!(error(&[1, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0]), SpqrError::IndexOutOfRange(1 << 32));
        assert_eq!(error(&chunked(&[1, 1, 1, 1, 0x80, 0x80, 4])), SpqrError::ChunkIndexOutOfRange(1 << 16));
        assert_eq!(error(&chunked(&[1, 1, 1, 7, 0, 0])), SpqrError::UnknownType(7));
    }

    #[test]
    fn numbers_may_be_written_longer_than_needed() {
        let packet = Packet::from_bytes(&[1, 0x81, 0, 0x82, 0x80, 0, 4]);
        assert_eq!(packet, Ok(Packet { epoch: 1, index: 2, payload: Payload::Ct1Ack }));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_what_follows_is_ignored(
            epoch in 1u64..,
            index in 1u32..,
            payload in payload(),
            more in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let packet = Packet { epoch, index, payload };
            let mut bytes = packet.to_bytes();
            prop_assert!(bytes.len() <= LONGEST);
            bytes.extend(more);
            prop_assert_eq!(Packet::from_bytes(&bytes), Ok(packet));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Packet::from_bytes(&bytes);
        }
    }
}
