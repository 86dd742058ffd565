//! As much protobuf as it takes to look into a message.

use std::ops::Range;

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Where field `number`, which is of varying length, stands with its key in the bytes from `start` on, and where its
/// content does.
pub(crate) fn find(bytes: &[u8], start: usize, number: u64) -> Option<(Range<usize>, Range<usize>)> {
    let mut at = start;
    while at < bytes.len() {
        let begins = at;
        let key = varint(bytes, &mut at)?;
        match key & 7 {
            0 => drop(varint(bytes, &mut at)?),
            2 => {
                let length = usize::try_from(varint(bytes, &mut at)?).ok()?;
                let content = at..at.checked_add(length)?;
                at = content.end;
                if key >> 3 == number {
                    return Some((begins..at, content));
                }
            }
            _ => return None,
        }
    }
    None
}

/// The content of field `number` of a message with a version byte in front.
pub(crate) fn bytes_field(message: &[u8], number: u64) -> Option<&[u8]> {
    let (_, content) = find(message, 1, number)?;
    message.get(content)
}

/// Epoch and number that stand in the post-quantum part of a message.
pub(super) fn post_quantum(message: &[u8]) -> (u64, u32) {
    let packet = bytes_field(message, 5).expect("every message has a post-quantum part");
    let mut at = 1;
    let epoch = varint(packet, &mut at).expect("an epoch");
    let index = varint(packet, &mut at).expect("a number");
    (epoch, index.try_into().expect("a number of 32 bits"))
}

/// How long each of the archived sessions in a stored one is (`proto/session.proto`).
pub(super) fn archived_lengths(mut stored: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some((whole, content)) = find(stored, 0, 3) {
        lengths.push(content.len());
        stored = &stored[whole.end..];
    }
    lengths
}
