//! Hides how long a message is: content is padded before it is encrypted.
//!
//! One byte `0x80`, then zeros up to a multiple of [`BLOCK`] less one, as Signal does, so that the relay sees steps of
//! 80 bytes.

/// Padded lengths are multiples of this, less one for the cipher's own padding.
pub const BLOCK: usize = 80;

/// Appends the padding.
pub fn pad(content: &mut Vec<u8>) {
    content.push(0x80);
    let padded = (content.len() + 1).next_multiple_of(BLOCK) - 1;
    content.resize(padded, 0);
}

/// The content without its padding; `None` if there is none.
#[must_use]
pub fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    padded.get(end).filter(|byte| **byte == 0x80)?;
    padded.get(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn comes_off_as_it_went_on(content: Vec<u8>) {
            let mut padded = content.clone();
            pad(&mut padded);
            prop_assert_eq!((padded.len() + 1) % BLOCK, 0);
            prop_assert!(padded.len() - content.len() <= BLOCK);
            prop_assert_eq!(unpad(&padded), Some(&content[..]));
        }
    }

    #[test]
    fn what_has_none_is_refused() {
        assert_eq!(unpad(&[]), None);
        assert_eq!(unpad(&[0, 0]), None);
        assert_eq!(unpad(&[0x80, 1, 0]), None);
    }
}
