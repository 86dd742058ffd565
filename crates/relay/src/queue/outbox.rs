//! What waits to be written to a socket: fields of `ServerFrame`s, one after the other.
//!
//! A protobuf message is its fields in a row, and repeated fields add up. So each thing is appended as an encoded field,
//! and whatever has come together when the socket can be written to is one frame.

use std::collections::VecDeque;

use wire::{
    frames::{Refusal, ServerFrame},
    limits,
    prost::{
        Message as _,
        encoding::{WireType, encode_key, encode_varint, encoded_len_varint},
    },
};

/// Bytes left free in front of each frame for the header of the WebSocket message.
pub(crate) const HEADER: usize = 10;

/// More capacity than this is not kept.
const KEPT: usize = 64 << 10;

/// Frames that wait, the last one still growing. Holds no memory when it is empty.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Vec<u8>>,
    growing: Vec<u8>,
    bytes: usize,
}

impl Outbox {
    /// How many bytes wait.
    pub(crate) const fn len(&self) -> usize {
        self.bytes
    }

    /// Takes the next frame, with [`HEADER`] free bytes in front.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        let frame = self.frames.pop_front().unwrap_or_else(|| std::mem::take(&mut self.growing));
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        self.bytes -= frame.len();
        (!frame.is_empty()).then_some(frame)
    }

    /// An envelope, encoded already, under this number.
    pub(crate) fn delivery(&mut self, number: u64, envelope: &[u8]) {
        // Delivery { 1: number, 2: envelope }, as field 1 of the frame.
        let length =
            1 + encoded_len_varint(number) + 1 + encoded_len_varint(as_u64(envelope.len())) + envelope.len();
        let frame = self.room(length + 6);
        encode_key(1, WireType::LengthDelimited, frame);
        encode_varint(as_u64(length), frame);
        encode_key(1, WireType::Varint, frame);
        encode_varint(number, frame);
        encode_key(2, WireType::LengthDelimited, frame);
        encode_varint(as_u64(envelope.len()), frame);
        frame.extend_from_slice(envelope);
        self.bytes += length + 1 + encoded_len_varint(as_u64(length));
    }

    /// A send is safe.
    pub(crate) fn sent(&mut self, id: &[u8]) {
        let frame = self.room(id.len() + 2);
        encode_key(2, WireType::LengthDelimited, frame);
        encode_varint(as_u64(id.len()), frame);
        frame.extend_from_slice(id);
        self.bytes += id.len() + 2;
    }

    /// A send was not accepted.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        self.fields(&ServerFrame { refusals: vec![refusal], ..ServerFrame::default() });
    }

    /// All that waited is delivered.
    pub(crate) fn drained(&mut self) {
        self.fields(&ServerFrame { drained: true, ..ServerFrame::default() });
    }

    /// One-time prekeys run out.
    pub(crate) fn prekeys_left(&mut self, left: u32) {
        self.fields(&ServerFrame { prekeys_left: Some(left), ..ServerFrame::default() });
    }

    fn fields(&mut self, fields: &ServerFrame) {
        let length = fields.encoded_len();
        let frame = self.room(length);
        frame.extend_from_slice(&fields.encode_to_vec());
        self.bytes += length;
    }

    /// The growing frame, or a new one if `more` bytes would make it too large.
    fn room(&mut self, more: usize) -> &mut Vec<u8> {
        // What is complete stands in `frames`, what grows in `growing`.
        if self.growing.len() + more > limits::FRAME && !self.growing.is_empty() {
            self.frames.push_back(std::mem::take(&mut self.growing));
        }
        if self.growing.is_empty() {
            self.growing = take_buffer();
            self.bytes += HEADER;
        }
        &mut self.growing
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

thread_local! {
    /// Empty buffers that were used before: a busy thread needs no new ones.
    static BUFFERS: std::cell::RefCell<Vec<Vec<u8>>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn take_buffer() -> Vec<u8> {
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.resize(HEADER, 0);
    buffer
}

/// Gives back a buffer that was written.
pub(crate) fn give_buffer(mut buffer: Vec<u8>) {
    if buffer.capacity() <= KEPT {
        buffer.clear();
        BUFFERS.with_borrow_mut(|buffers| {
            if buffers.len() < 32 {
                buffers.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wire::frames::{Delivery, Envelope, Reason};

    use super::*;

    #[test]
    fn what_came_together_is_one_frame() {
        let envelope = Envelope { id: Bytes::from_static(&[7; 16]), timestamp: 5, ..Envelope::default() };
        let refusal = Refusal {
            id: Bytes::from_static(&[9; 16]),
            reason: Reason::QueueFull.into(),
            ..Refusal::default()
        };
        let mut outbox = Outbox::default();
        outbox.delivery(300, &envelope.encode_to_vec());
        outbox.sent(&[8; 16]);
        outbox.refused(refusal.clone());
        outbox.delivery(301, &envelope.encode_to_vec());
        outbox.drained();
        outbox.prekeys_left(3);
        let frame = outbox.take().unwrap();
        assert_eq!((outbox.len(), outbox.take()), (0, None));
        let expected = ServerFrame {
            deliveries: [300, 301]
                .map(|number| Delivery { number, envelope: Some(envelope.clone()) })
                .to_vec(),
            sent: vec![Bytes::from_static(&[8; 16])],
            refusals: vec![refusal],
            drained: true,
            prekeys_left: Some(3),
        };
        assert_eq!(ServerFrame::decode(&frame[HEADER..]).unwrap(), expected);
    }

    #[test]
    fn no_frame_is_larger_than_allowed() {
        let mut outbox = Outbox::default();
        let envelope = Envelope { body: vec![1; 250 << 10].into(), ..Envelope::default() }.encode_to_vec();
        (0..9).for_each(|number| outbox.delivery(number, &envelope));
        let mut deliveries = 0;
        while let Some(frame) = outbox.take() {
            assert!(frame.len() <= limits::FRAME);
            deliveries += ServerFrame::decode(&frame[HEADER..]).unwrap().deliveries.len();
        }
        assert_eq!((deliveries, outbox.len()), (9, 0));
    }
}
