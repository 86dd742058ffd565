//! WebSocket frames, the server's side of RFC 6455, without extensions.
//!
//! The well-kept libraries keep a buffer of 4 to 128 KiB per connection. Most connections of a relay are idle: here
//! one owns no buffer until half a message has arrived.

use bytes::{Buf as _, Bytes, BytesMut};
use wire::{close, limits};

/// Bytes of a control frame's payload at most (section 5.5).
const CONTROL: usize = 125;

/// Something whole from the other side.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// It says goodbye, perhaps with a code.
    Close(Option<u16>),
}

/// Why the connection is to be closed, with this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation(pub(super) u16);

/// Puts messages together.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The beginning of a frame. Empty, and without memory, between frames.
    partial: BytesMut,
    /// The fragments of a message so far; a message of one frame does not come by here.
    fragments: Option<BytesMut>,
}

struct Header {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    length: usize,
    payload: usize,
}

impl Decoder {
    /// Takes bytes that arrived after what is half there already, and gives `take` every message that is complete.
    /// `input` is empty afterwards, also after a violation: the next connection of this thread reads into it, and must
    /// never be taken to have said what this one did. It keeps its capacity as far as nobody holds a part of it.
    pub(super) fn feed(&mut self, input: &mut BytesMut, take: impl FnMut(Message)) -> Result<(), Violation> {
        let result = self.feed_all(input, take);
        input.clear();
        result
    }

    fn feed_all(&mut self, input: &mut BytesMut, mut take: impl FnMut(Message)) -> Result<(), Violation> {
        if self.partial.is_empty() {
            while let Some(message) = self.message(input)? {
                message.map(&mut take).unwrap_or_default();
            }
            if !input.is_empty() {
                // Only as much as there is: the rest makes it grow.
                self.partial = BytesMut::from(&input[..]);
            }
        } else {
            let mut partial = std::mem::take(&mut self.partial);
            partial.extend_from_slice(input);
            while let Some(message) = self.message(&mut partial)? {
                message.map(&mut take).unwrap_or_default();
            }
            if !partial.is_empty() {
                self.partial = partial;
            }
        }
        Ok(())
    }

    /// The next frame: `None` if it is not all there, `Some(None)` if it is a fragment of something longer.
    fn message(&mut self, buffer: &mut BytesMut) -> Result<Option<Option<Message>>, Violation> {
        let Some(header) = header(buffer)? else { return Ok(None) };
        let total = header.payload + header.length;
        let fragments = self.fragments.as_ref().map_or(0, BytesMut::len);
        if header.opcode < 8 && header.length + fragments > limits::FRAME {
            return Err(Violation(close::TOO_LARGE));
        }
        if buffer.len() < total {
            // Room for all of it at once.
            buffer.reserve(total - buffer.len());
            return Ok(None);
        }
        buffer.advance(header.payload);
        let mut payload = buffer.split_to(header.length);
        unmask(&mut payload, header.mask);
        self.whole(&header, payload).map(Some)
    }

    fn whole(&mut self, header: &Header, payload: BytesMut) -> Result<Option<Message>, Violation> {
        match (header.opcode, header.last) {
            (2, true) if self.fragments.is_none() => Ok(Some(Message::Binary(payload.freeze()))),
            (2, false) if self.fragments.is_none() => {
                self.fragments = Some(BytesMut::from(&payload[..]));
                Ok(None)
            }
            (0, last) => {
                let mut fragments = self.fragments.take().ok_or(Violation(close::PROTOCOL))?;
                fragments.extend_from_slice(&payload);
                if last {
                    return Ok(Some(Message::Binary(fragments.freeze())));
                }
                self.fragments = Some(fragments);
                Ok(None)
            }
            // Text is not spoken here.
            (1, _) => Err(Violation(close::POLICY)),
            (8, true) => {
                let code = payload.get(..2).and_then(|code| code.try_into().ok()).map(u16::from_be_bytes);
                Ok(Some(Message::Close(code)))
            }
            (9, true) => Ok(Some(Message::Ping(payload.freeze()))),
            (10, true) => Ok(Some(Message::Pong)),
            _ => Err(Violation(close::PROTOCOL)),
        }
    }
}

/// Section 5.2. `None` if it is not all there.
fn header(buffer: &[u8]) -> Result<Option<Header>, Violation> {
    let [first, second, rest @ ..] = buffer else { return Ok(None) };
    let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
    // No extension was agreed on, and clients mask.
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(Violation(close::PROTOCOL));
    }
    let (length, rest, size) = match second & 0x7f {
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest, 4),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest, 10),
            None => return Ok(None),
        },
        length => (u64::from(length), rest, 2),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= limits::FRAME);
    let length = length.ok_or(Violation(close::TOO_LARGE))?;
    if opcode >= 8 && (length > CONTROL || !last) {
        return Err(Violation(close::PROTOCOL));
    }
    let Some((mask, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    Ok(Some(Header { last, opcode, mask: *mask, length, payload: size + 4 }))
}

/// Section 5.3.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Writes the header of a binary message into the free bytes in front of its payload; where it begins.
pub(super) fn put_header(frame: &mut [u8], free: usize) -> usize {
    let length = frame.len().saturating_sub(free);
    let mut header = [0; 10];
    let size = write_header(2, length, &mut header);
    let start = free.saturating_sub(size);
    if let (Some(to), Some(from)) = (frame.get_mut(start..free), header.get(..size)) {
        to.copy_from_slice(from);
    }
    start
}

fn write_header(opcode: u8, length: usize, header: &mut [u8; 10]) -> usize {
    header[0] = 0x80 | opcode;
    if let Some(short) = u8::try_from(length).ok().filter(|length| *length < 126) {
        header[1] = short;
        2
    } else if let Ok(length) = u16::try_from(length) {
        header[1] = 126;
        header[2..4].copy_from_slice(&length.to_be_bytes());
        4
    } else {
        header[1] = 127;
        header[2..10].copy_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
        10
    }
}

fn control(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; 10];
    let size = write_header(opcode, payload.len(), &mut header);
    [header.get(..size).unwrap_or_default(), payload].concat()
}

/// A question whether the other side is still there.
pub(super) fn ping() -> Vec<u8> {
    control(9, &[])
}

/// The answer to one.
pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
    control(10, payload)
}

/// Goodbye.
pub(super) fn goodbye(code: u16) -> Vec<u8> {
    control(8, &code.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = [0; 10];
        let size = write_header(0, payload.len(), &mut header);
        let mask = [1, 2, 3, 4];
        let mut masked = payload.to_vec();
        unmask(&mut masked, mask);
        let mut frame = header[..size].to_vec();
        (frame[0], frame[1]) = (first, frame[1] | 0x80);
        [frame, mask.to_vec(), masked].concat()
    }

    fn feed_in(bytes: &[u8], piece: usize) -> Result<Vec<Message>, Violation> {
        let (mut decoder, mut messages) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            decoder.feed(&mut BytesMut::from(piece), |message| messages.push(message))?;
        }
        Ok(messages)
    }

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let long = vec![7; 70_000];
        let bytes = [
            frame(0x82, b"short"),
            frame(0x89, b"?"),
            frame(0x02, b"in "),
            frame(0x8a, b""),
            frame(0x00, b"three "),
            frame(0x80, b"parts"),
            frame(0x82, &long),
            frame(0x82, &[9; 300]),
            frame(0x88, &[0x03, 0xe8, b'x']),
        ]
        .concat();
        let expected = || {
            vec![
                Message::Binary(Bytes::from_static(b"short")),
                Message::Ping(Bytes::from_static(b"?")),
                Message::Pong,
                Message::Binary(Bytes::from_static(b"in three parts")),
                Message::Binary(Bytes::from(long.clone())),
                Message::Binary(Bytes::from(vec![9; 300])),
                Message::Close(Some(1000)),
            ]
        };
        for piece in [1, 2, 3, 7, 100, 4096, bytes.len()] {
            assert_eq!(feed_in(&bytes, piece).unwrap(), expected(), "{piece}");
        }
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        let mut unmasked = frame(0x82, b"x");
        unmasked[1] &= 0x7f;
        let huge = [vec![0x82, 0xff], (1u64 << 62).to_be_bytes().to_vec()].concat();
        for (bytes, code) in [
            (unmasked, close::PROTOCOL),
            (frame(0xc2, b"x"), close::PROTOCOL),
            (frame(0x81, b"text"), close::POLICY),
            (frame(0x83, b"x"), close::PROTOCOL),
            (frame(0x80, b"no beginning"), close::PROTOCOL),
            ([frame(0x02, b"a"), frame(0x82, b"b")].concat(), close::PROTOCOL),
            (frame(0x09, b"fragment of a ping"), close::PROTOCOL),
            (frame(0x89, &[0; 126]), close::PROTOCOL),
            (huge, close::TOO_LARGE),
            ([frame(0x02, &vec![0; limits::FRAME]), frame(0x80, b"one more")].concat(), close::TOO_LARGE),
        ] {
            assert_eq!(feed_in(&bytes, usize::MAX / 2), Err(Violation(code)), "{:?}", &bytes[..2]);
        }
    }

    #[test]
    fn nothing_of_a_violation_is_left_for_who_reads_next() {
        let violation =
            || BytesMut::from(&[frame(0x81, b"text"), frame(0x82, b"for the next one")].concat()[..]);
        let mut input = violation();
        assert!(Decoder::default().feed(&mut input, drop).is_err());
        assert!(input.is_empty());
        // Also behind half a frame.
        let (mut decoder, mut input) = (Decoder::default(), BytesMut::from(&frame(0x82, b"half")[..7]));
        decoder.feed(&mut input, drop).unwrap();
        input.extend_from_slice(&frame(0x82, b"half")[7..]);
        input.unsplit(violation());
        assert!(decoder.feed(&mut input, drop).is_err());
        assert!(input.is_empty());
    }

    #[test]
    fn an_idle_decoder_holds_no_memory() {
        let mut decoder = Decoder::default();
        for piece in frame(0x82, &[1; 5000]).chunks(100) {
            decoder.feed(&mut BytesMut::from(piece), drop).unwrap();
        }
        assert_eq!((decoder.partial.capacity(), decoder.fragments.is_none()), (0, true));
    }

    #[test]
    fn what_is_written_is_what_others_read() {
        for length in [0usize, 125, 126, 65_535, 65_536] {
            let mut written = vec![0; 10];
            written.extend(vec![5; length]);
            let start = put_header(&mut written, 10);
            // As a client's frame it would be masked: with zeros.
            let size = 10 - start;
            let mut masked = written[start..].to_vec();
            masked[1] |= 0x80;
            masked.splice(size..size, [0; 4]);
            assert_eq!(feed_in(&masked, 1 << 20).unwrap(), [Message::Binary(vec![5; length].into())]);
        }
    }
}
