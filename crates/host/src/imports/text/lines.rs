//! Lines of a text, each of bounded length, from UTF-8 or UTF-16.

use std::io::{self, BufRead, BufReader, Read};

/// Bytes of a line that count; the rest is passed over.
pub(crate) const LINE: usize = 64 << 10;

/// Reads line by line, in one buffer.
pub(crate) struct Lines<R> {
    input: BufReader<Decoded<R>>,
    number: u64,
    line: Vec<u8>,
    text: String,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: u64,
    /// Without its end.
    pub(crate) text: &'a str,
    /// Whether it was longer.
    pub(crate) cut: bool,
    /// Whether bytes of it are no text.
    pub(crate) damaged: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        let input = BufReader::with_capacity(64 << 10, Decoded::new(input));
        Self { input, number: 0, line: Vec::new(), text: String::new() }
    }

    /// The next one.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut ended, mut read, mut cut) = (false, 0, false);
        while !ended {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            ended = end.is_some();
            let taken = end.map_or(buffer.len(), |end| end + 1);
            let line = buffer.get(..end.unwrap_or(taken)).unwrap_or_default();
            let room = LINE.saturating_sub(self.line.len()).min(line.len());
            cut |= room < line.len();
            self.line.extend_from_slice(line.get(..room).unwrap_or_default());
            read += taken;
            self.input.consume(taken);
        }
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if cut {
            // Not in the middle of a character.
            let whole = match std::str::from_utf8(&self.line) {
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                _ => self.line.len(),
            };
            self.line.truncate(whole);
        }
        let lossy = String::from_utf8_lossy(&self.line);
        let damaged = matches!(lossy, std::borrow::Cow::Owned(_));
        self.text.clear();
        // Nothing that is text has a zero in it, and PostgreSQL stores none.
        self.text.extend(lossy.chars().filter(|char| *char != '\0'));
        Ok(Some(Line { number: self.number, text: &self.text, cut, damaged }))
    }
}

/// UTF-8, from what its first bytes say it is.
struct Decoded<R> {
    input: R,
    form: Option<Form>,
    raw: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

#[derive(Clone, Copy)]
enum Form {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

impl<R: Read> Decoded<R> {
    fn new(input: R) -> Self {
        Self { input, form: None, raw: Vec::new(), ready: Vec::new(), at: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; 32 << 10];
        while self.at >= self.ready.len() && !self.ended {
            let count = self.input.read(&mut chunk)?;
            self.ended = count == 0;
            self.raw.extend_from_slice(chunk.get(..count).unwrap_or_default());
            let form = match self.form {
                Some(form) => form,
                None if self.raw.len() < 3 && !self.ended => continue,
                None => {
                    let (form, mark) = form_of(&self.raw);
                    self.raw.drain(..mark);
                    *self.form.insert(form)
                }
            };
            self.at = 0;
            self.ready.clear();
            match form {
                Form::Utf8 => self.ready.append(&mut self.raw),
                Form::Utf16(unit) => self.decode(unit),
            }
        }
        Ok(())
    }

    fn decode(&mut self, unit: fn([u8; 2]) -> u16) {
        let mut units: Vec<u16> =
            self.raw.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(unit)).collect();
        // The first half of a character waits for the second.
        if !self.ended && units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) {
            units.pop();
        }
        self.raw.drain(..(2 * units.len()).min(self.raw.len()));
        let mut bytes = [0; 4];
        for char in char::decode_utf16(units) {
            let char = char.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.ready.extend_from_slice(char.encode_utf8(&mut bytes).as_bytes());
        }
        if self.ended {
            self.raw.clear();
        }
    }
}

/// What bytes are, and how many of them only say so.
fn form_of(first: &[u8]) -> (Form, usize) {
    match first {
        [0xef, 0xbb, 0xbf, ..] => (Form::Utf8, 3),
        [0xff, 0xfe, ..] => (Form::Utf16(u16::from_le_bytes), 2),
        [0xfe, 0xff, ..] => (Form::Utf16(u16::from_be_bytes), 2),
        _ => (Form::Utf8, 0),
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let ready = self.ready.get(self.at..).unwrap_or_default();
        let count = ready.len().min(into.len());
        into.iter_mut().zip(ready).for_each(|(to, from)| *to = *from);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<(String, bool, bool)> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.line().unwrap() {
            all.push((line.text.to_owned(), line.cut, line.damaged));
        }
        all
    }

    #[test]
    fn ends_marks_and_encodings_are_all_the_same() {
        let text = "one 🙂\r\n\r\nzwei ü\nlast";
        let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
        };
        let expected: Vec<_> =
            ["one 🙂", "", "zwei ü", "last"].map(|line| (line.to_owned(), false, false)).into();
        for bytes in [
            text.as_bytes().to_vec(),
            ["\u{feff}", text].concat().into_bytes(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(all(&bytes), expected);
        }
        assert!(all(b"").is_empty());
        assert_eq!(all(b"\xff\xfeA"), [], "half a unit is nothing");
        assert_eq!(all(b"a\xffb"), [("a\u{fffd}b".to_owned(), false, true)]);
    }

    #[test]
    fn a_long_line_is_cut_at_a_character_and_the_next_one_is_whole() {
        let long = ["a".repeat(LINE - 1), "ü".repeat(1 << 20), "\nnext".to_owned()].concat();
        let lines = all(long.as_bytes());
        assert_eq!((lines[0].0.len(), lines[0].1, lines[0].2), (LINE - 1, true, false));
        assert_eq!(lines[1], ("next".to_owned(), false, false));
    }
}
