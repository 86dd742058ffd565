//! Protobuf, as much of it as the protocol uses: varints, fixed64 and length-delimited fields.
//!
//! Written here and not taken from a library for three reasons: secrets are read from and written to one buffer
//! that can be wiped, without copies in generated structs; messages are read in place; and each way in which bytes
//! can be wrong has its own error. `tests/schema.rs` holds it against a protobuf library and the `.proto` files.

use crate::Malformed;

/// Writes fields in the order of the calls. Nothing is left out because it is zero or empty.
pub(crate) struct Writer {
    buffer: Vec<u8>,
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

impl Writer {
    /// Continues `buffer`. Give it room for all that comes where secrets are written: a buffer that grows leaves
    /// copies behind.
    pub(crate) const fn after(buffer: Vec<u8>) -> Self {
        Self { buffer }
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self::after(Vec::with_capacity(capacity))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.buffer
    }

    pub(crate) fn uint(&mut self, field: u32, value: impl Into<u64>) {
        self.key(field, VARINT);
        put_varint(&mut self.buffer, value.into());
    }

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, FIXED64);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, BYTES);
        put_varint(&mut self.buffer, value.len() as u64);
        self.buffer.extend_from_slice(value);
    }

    /// A nested message, written by `body`. Its length is put in front of it afterwards.
    pub(crate) fn message(&mut self, field: u32, body: impl FnOnce(&mut Self)) {
        self.key(field, BYTES);
        let start = self.buffer.len();
        body(self);
        let length = (self.buffer.len() - start) as u64;
        let mut prefix = Vec::with_capacity(10);
        put_varint(&mut prefix, length);
        self.buffer.splice(start..start, prefix);
    }

    fn key(&mut self, field: u32, wire_type: u64) {
        put_varint(&mut self.buffer, u64::from(field) << 3 | wire_type);
    }
}

/// Unsigned LEB128, in as few bytes as possible.
pub(crate) fn put_varint(buffer: &mut Vec<u8>, mut value: u64) {
    loop {
        // The mask leaves seven bits.
        let low = (value & 0x7F) as u8;
        value >>= 7;
        if value == 0 {
            buffer.push(low);
            return;
        }
        buffer.push(low | 0x80);
    }
}

/// Takes a varint of at most ten bytes from the front of `bytes`; it need not be in as few bytes as possible.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for position in 0..10 {
        let (byte, rest) = bytes.split_first().ok_or(Malformed::Truncated)?;
        *bytes = rest;
        let low = u64::from(byte & 0x7F);
        // The tenth byte has room for one bit.
        if position == 9 && low > 1 {
            return Err(Malformed::VarintTooLong);
        }
        value |= low << (7 * position);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed::VarintTooLong)
}

/// The value of one field, lengths checked, types not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    field: u32,
    raw: Raw<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) const fn u64(self) -> Result<u64, Malformed> {
        match self.raw {
            Raw::Varint(value) => Ok(value),
            _ => Err(Malformed::WireType { field: self.field }),
        }
    }

    pub(crate) fn u32(self) -> Result<u32, Malformed> {
        self.u64()?.try_into().map_err(|_| Malformed::OutOfRange { field: self.field })
    }

    pub(crate) const fn fixed64(self) -> Result<u64, Malformed> {
        match self.raw {
            Raw::Fixed64(value) => Ok(value),
            _ => Err(Malformed::WireType { field: self.field }),
        }
    }

    pub(crate) const fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self.raw {
            Raw::Bytes(value) => Ok(value),
            _ => Err(Malformed::WireType { field: self.field }),
        }
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(self) -> Result<&'a [u8; N], Malformed> {
        self.bytes()?.try_into().map_err(|_| Malformed::Length { field: self.field })
    }

    /// A serialized public key.
    pub(crate) fn public_key(self) -> Result<keys::PublicKey, Malformed> {
        keys::PublicKey::from_bytes(self.bytes()?)
            .map_err(|source| Malformed::Key { field: self.field, source })
    }

    /// Exactly `N` secret bytes.
    pub(crate) fn secret<const N: usize>(self) -> Result<keys::Secret<N>, Malformed> {
        self.array().map(|bytes| keys::Secret::new(*bytes))
    }
}

/// The fields of a message, in the order in which they stand there.
pub(crate) const fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

#[derive(Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let key = take_varint(&mut self.rest)?;
        let field = u32::try_from(key >> 3).map_err(|_| Malformed::FieldNumber)?;
        if field == 0 || field > 0x1FFF_FFFF {
            return Err(Malformed::FieldNumber);
        }
        let raw = match key & 7 {
            VARINT => Raw::Varint(take_varint(&mut self.rest)?),
            FIXED64 => {
                let bytes = self.take(8)?.try_into().map_err(|_| Malformed::Truncated)?;
                Raw::Fixed64(u64::from_le_bytes(bytes))
            }
            BYTES => {
                let length = take_varint(&mut self.rest)?;
                Raw::Bytes(self.take(length)?)
            }
            FIXED32 => {
                self.take(4)?;
                Raw::Fixed32
            }
            _ => return Err(Malformed::WireType { field }),
        };
        Ok((field, Value { field, raw }))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // An error ends the message: what follows cannot be told apart any more.
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_that_are_no_message_are_told_apart() {
        let error = |bytes: &[u8]| fields(bytes).find_map(Result::err);
        assert_eq!(error(&[0x80]), Some(Malformed::Truncated));
        assert_eq!(error(&[0x0A, 0x05, 1, 2]), Some(Malformed::Truncated));
        assert_eq!(error(&[0x09, 1, 2, 3]), Some(Malformed::Truncated));
        assert_eq!(
            error(&[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]),
            Some(Malformed::VarintTooLong)
        );
        assert_eq!(error(&[0x00, 0x00]), Some(Malformed::FieldNumber));
        assert_eq!(error(&[0x0B]), Some(Malformed::WireType { field: 1 }));
        // A length of 2^63 is only claimed: nothing is allocated for it.
        assert_eq!(
            error(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
            Some(Malformed::Truncated)
        );
    }

    #[test]
    fn values_of_another_type_or_size_are_refused() {
        let (_, value) = fields(&[0x18, 0x80, 0x80, 0x80, 0x80, 0x10]).next().unwrap().unwrap();
        assert_eq!(value.u64(), Ok(1 << 32));
        assert_eq!(value.u32(), Err(Malformed::OutOfRange { field: 3 }));
        assert_eq!(value.bytes(), Err(Malformed::WireType { field: 3 }));
        assert_eq!(value.fixed64(), Err(Malformed::WireType { field: 3 }));
        let (_, value) = fields(&[0x12, 1, 7]).next().unwrap().unwrap();
        assert_eq!(value.array::<2>(), Err(Malformed::Length { field: 2 }));
        assert_eq!(value.array::<1>(), Ok(&[7]));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(number: u64, fixed: u64, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut writer = Writer::with_capacity(0);
            writer.uint(1, number);
            writer.message(2, |inner| inner.bytes(16, &body));
            writer.fixed64(536_870_911, fixed);
            let bytes = writer.finish();
            let read: Vec<_> = fields(&bytes).map(Result::unwrap).collect();
            prop_assert_eq!(read[0].1.u64(), Ok(number));
            let (field, inner) = fields(read[1].1.bytes().unwrap()).next().unwrap().unwrap();
            prop_assert_eq!((field, inner.bytes()), (16, Ok(body.as_slice())));
            prop_assert_eq!((read[2].0, read[2].1.fixed64()), (536_870_911, Ok(fixed)));
            prop_assert_eq!(read.len(), 3);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = fields(&bytes).count();
        }
    }
}
