//! The header `Range` (RFC 9110, section 14), as far as one range goes.

use std::ops::Range;

/// Which bytes of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    Whole(u64),
    /// These.
    Some(Range<u64>),
}

impl Part {
    /// What the header asks for of a blob of this size; `None` if that is outside of it. What is not understood, and
    /// more than one range, is as if it were not there.
    #[must_use]
    pub fn read(header: Option<&str>, size: u64) -> Option<Self> {
        let whole = Some(Self::Whole(size));
        let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return whole };
        let Some((first, last)) = spec.split_once('-') else { return whole };
        let (first, last) = (first.trim(), last.trim());
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(first) || !digits(last) {
            return whole;
        }
        // Larger than any number is larger than any blob.
        let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        let range = match (first.is_empty(), last.is_empty()) {
            (true, true) => return whole,
            (true, false) => size.saturating_sub(number(last))..size,
            (false, true) => number(first)..size,
            (false, false) if number(last) < number(first) => return whole,
            (false, false) => number(first)..number(last).saturating_add(1).min(size),
        };
        (range.start < range.end).then_some(Self::Some(range))
    }

    /// As a range.
    #[must_use]
    pub fn bytes(&self) -> Range<u64> {
        match self {
            Self::Whole(size) => 0..*size,
            Self::Some(range) => range.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_as_the_rfc_says() {
        let read = |header| Part::read(Some(header), 100);
        assert_eq!(read("bytes=0-9"), Some(Part::Some(0..10)));
        assert_eq!(read("bytes=90-"), Some(Part::Some(90..100)));
        assert_eq!(read("bytes=-10"), Some(Part::Some(90..100)));
        assert_eq!(read("bytes=-1000"), Some(Part::Some(0..100)));
        assert_eq!(read("bytes=50-1000"), Some(Part::Some(50..100)));
        assert_eq!(read("bytes=99-18446744073709551616"), Some(Part::Some(99..100)));
        for outside in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(read(outside), None, "{outside}");
        }
        for ignored in ["", "bytes=", "bytes=-", "bytes=9-0", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"] {
            assert_eq!(read(ignored), Some(Part::Whole(100)), "{ignored}");
        }
        assert_eq!(Part::read(None, 100), Some(Part::Whole(100)));
    }
}
