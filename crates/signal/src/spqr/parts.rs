//! The stored form of the state of the exchange: `SpqrState.Parts` of `proto/spqr_state.proto`.

use std::sync::Arc;

use super::{
    erasure::{Block, Chunk, Decoder, Encoder, blocks},
    kem::{Ct1, DecapsulationKey, Encapsulation, Header},
    machine::{
        Ct1Acknowledged, Ct1Received, Ct1Sampled, Ct2Sampled, EkReceivedCt1Sampled, EkSentCt1Received,
        HeaderReceived, HeaderSent, KeysSampled, NoHeaderReceived, State,
    },
    state::required,
};
use crate::{
    Malformed, StateError,
    protobuf::{Value, Writer, fields},
};

const KEY: u32 = 1;
const HEADER: u32 = 2;
const DRAW: u32 = 3;
const CT1: u32 = 4;
const CT2: u32 = 5;
const SENT: u32 = 6;
const CHUNKS: u32 = 7;

/// Bytes of a stored chunk: its index and the chunk.
const CHUNK_LEN: usize = 2 + 32;

/// The field of a state.
pub(super) const fn number(state: &State) -> u32 {
    match state {
        State::KeysUnsampled => 8,
        State::KeysSampled(_) => 9,
        State::HeaderSent(_) => 10,
        State::Ct1Received(_) => 11,
        State::EkSentCt1Received(_) => 12,
        State::NoHeaderReceived(_) => 13,
        State::HeaderReceived(_) => 14,
        State::Ct1Sampled(_) => 15,
        State::EkReceivedCt1Sampled(_) => 16,
        State::Ct1Acknowledged(_) => 17,
        State::Ct2Sampled(_) => 18,
    }
}

pub(super) fn write_parts(state: &State, writer: &mut Writer) {
    match state {
        State::KeysUnsampled => {}
        State::KeysSampled(KeysSampled { key, header }) => {
            writer.bytes(KEY, key.to_secret().expose());
            writer.uint(SENT, header.next);
        }
        State::HeaderSent(HeaderSent { key, ek, ct1 }) => {
            writer.bytes(KEY, key.to_secret().expose());
            writer.uint(SENT, ek.next);
            write_chunks(ct1, writer);
        }
        State::Ct1Received(Ct1Received { key, ek, ct1 }) => {
            writer.bytes(KEY, key.to_secret().expose());
            writer.bytes(CT1, ct1.as_flattened());
            writer.uint(SENT, ek.next);
        }
        State::EkSentCt1Received(EkSentCt1Received { key, ct1, ct2 }) => {
            writer.bytes(KEY, key.to_secret().expose());
            writer.bytes(CT1, ct1.as_flattened());
            write_chunks(ct2, writer);
        }
        State::NoHeaderReceived(NoHeaderReceived { header }) => write_chunks(header, writer),
        State::HeaderReceived(HeaderReceived { header }) => writer.bytes(HEADER, header.0.as_flattened()),
        State::Ct1Sampled(Ct1Sampled { encapsulation, ct1, sent, ek }) => {
            write_encapsulation(encapsulation, writer);
            writer.bytes(CT1, ct1.as_flattened());
            writer.uint(SENT, sent.next);
            write_chunks(ek, writer);
        }
        State::EkReceivedCt1Sampled(EkReceivedCt1Sampled { ct1, sent, ct2 }) => {
            writer.bytes(CT1, ct1.as_flattened());
            writer.bytes(CT2, ct2.as_flattened());
            writer.uint(SENT, sent.next);
        }
        State::Ct1Acknowledged(Ct1Acknowledged { encapsulation, ek }) => {
            write_encapsulation(encapsulation, writer);
            write_chunks(ek, writer);
        }
        State::Ct2Sampled(Ct2Sampled { ct2, sent }) => {
            writer.bytes(CT2, ct2.as_flattened());
            writer.uint(SENT, sent.next);
        }
    }
}

fn write_encapsulation(encapsulation: &Encapsulation, writer: &mut Writer) {
    writer.bytes(HEADER, encapsulation.header.0.as_flattened());
    writer.bytes(DRAW, encapsulation.draw.expose());
}

fn write_chunks<const N: usize>(decoder: &Decoder<N>, writer: &mut Writer) {
    let mut bytes = Vec::with_capacity(CHUNK_LEN * decoder.chunks().len());
    for Chunk { index, data } in decoder.chunks() {
        bytes.extend_from_slice(&index.to_be_bytes());
        bytes.extend_from_slice(data);
    }
    writer.bytes(CHUNKS, &bytes);
}

pub(super) fn read_state(number: u32, message: Value<'_>) -> Result<State, StateError> {
    let parts = Parts::read(message)?;
    Ok(match number {
        8 => State::KeysUnsampled,
        9 => State::KeysSampled(KeysSampled { key: parts.key()?, header: parts.sent()? }),
        10 => State::HeaderSent(HeaderSent { key: parts.key()?, ek: parts.sent()?, ct1: parts.chunks()? }),
        11 => State::Ct1Received(Ct1Received { key: parts.key()?, ek: parts.sent()?, ct1: parts.ct1()? }),
        12 => State::EkSentCt1Received(EkSentCt1Received {
            key: parts.key()?,
            ct1: parts.ct1()?,
            ct2: parts.chunks()?,
        }),
        13 => State::NoHeaderReceived(NoHeaderReceived { header: parts.chunks()? }),
        14 => State::HeaderReceived(HeaderReceived { header: parts.header()? }),
        15 => State::Ct1Sampled(Ct1Sampled {
            encapsulation: parts.encapsulation()?,
            ct1: parts.ct1()?,
            sent: parts.sent()?,
            ek: parts.chunks()?,
        }),
        16 => State::EkReceivedCt1Sampled(EkReceivedCt1Sampled {
            ct1: parts.ct1()?,
            sent: parts.sent()?,
            ct2: parts.ct2()?,
        }),
        17 => State::Ct1Acknowledged(Ct1Acknowledged {
            encapsulation: parts.encapsulation()?,
            ek: parts.chunks()?,
        }),
        18 => State::Ct2Sampled(Ct2Sampled { ct2: parts.ct2()?, sent: parts.sent()? }),
        _ => return Err(StateError::Inconsistent("the state of the exchange is none that exists")),
    })
}

/// The parts that states are made of, by their fields.
struct Parts<'a>([Option<Value<'a>>; 8]);

impl<'a> Parts<'a> {
    fn read(message: Value<'a>) -> Result<Self, Malformed> {
        let mut parts = Self([None; 8]);
        for field in fields(message.bytes()?) {
            let (number, value) = field?;
            if let Some(part) = usize::try_from(number).ok().and_then(|at| parts.0.get_mut(at)) {
                *part = Some(value);
            }
        }
        Ok(parts)
    }

    fn part(&self, field: u32) -> Result<Value<'a>, Malformed> {
        let part = usize::try_from(field).ok().and_then(|at| *self.0.get(at)?);
        required(part, field)
    }

    fn key(&self) -> Result<DecapsulationKey, Malformed> {
        Ok(DecapsulationKey::from_secret(&self.part(KEY)?.secret()?))
    }

    fn header(&self) -> Result<Header, Malformed> {
        Ok(Header(blocks(self.part(HEADER)?.array::<64>()?)))
    }

    fn encapsulation(&self) -> Result<Encapsulation, Malformed> {
        Ok(Encapsulation { header: self.header()?, draw: self.part(DRAW)?.secret()? })
    }

    fn ct1(&self) -> Result<Arc<Ct1>, Malformed> {
        Ok(Arc::new(blocks(self.part(CT1)?.array::<960>()?)))
    }

    fn ct2(&self) -> Result<[Block; 5], Malformed> {
        Ok(blocks(self.part(CT2)?.array::<160>()?))
    }

    fn sent<const N: usize>(&self) -> Result<Encoder<N>, Malformed> {
        let next = self.part(SENT)?.u64()?;
        Ok(Encoder { next: next.try_into().map_err(|_| Malformed::OutOfRange { field: SENT })? })
    }

    fn chunks<const N: usize>(&self) -> Result<Decoder<N>, StateError> {
        let (chunks, []) = self.part(CHUNKS)?.bytes()?.as_chunks::<CHUNK_LEN>() else {
            return Err(Malformed::Length { field: CHUNKS }.into());
        };
        let read = |[high, low, data @ ..]: &[u8; CHUNK_LEN]| Chunk {
            index: u16::from_be_bytes([*high, *low]),
            data: *data,
        };
        Decoder::from_chunks(chunks.iter().map(read).collect())
            .ok_or(StateError::Inconsistent("the chunks are not those of an incomplete stream"))
    }
}
