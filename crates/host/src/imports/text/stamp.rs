//! The date and time in front of a message: `12/31/23, 11:59 PM - `, `[31.12.23, 23:59:58] `, and what other phones and
//! languages make of it.

use super::periods::{self, Period};

/// Characters that a stamp has at most.
const LONGEST: usize = 64;

/// In which order a date has its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

/// What all stamps of one export have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shape {
    /// In brackets, as on iOS; else before a dash.
    bracketed: bool,
    /// The time stands before the date.
    time_first: bool,
    seconds: bool,
    separator: char,
}

impl Shape {
    /// Whether dots stand in its dates.
    pub(super) const fn is_dotted(&self) -> bool {
        self.separator == '.'
    }
}

/// A number of a date, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) value: u16,
    pub(crate) digits: u8,
}

/// A stamp of which it is not known yet which number is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) shape: Shape,
    pub(crate) date: [Field; 3],
    pub(crate) time: Result<(i8, i8, i8), &'static str>,
    /// As it is usual in the United States: capitals, numbers without zeros.
    pub(crate) american: bool,
}

/// What a line begins with, and what follows it.
pub(crate) fn split(line: &str) -> Option<(Stamp, &str)> {
    let mut head = Head::default();
    let bracketed = line.chars().find(|char| !is_mark(*char) && !char.is_whitespace())? == '[';
    let mut chars = line.char_indices().filter(|(_, char)| !is_mark(*char)).peekable();
    if bracketed {
        while chars.next_if(|(_, char)| *char != '[').is_some() {}
        chars.next();
    }
    let mut rest = None;
    for _ in 0..LONGEST {
        let (at, char) = chars.next()?;
        if bracketed && char == ']' {
            rest = line.get(at + 1..);
            break;
        }
        let dash = matches!(char, '-' | '–' | '—');
        if !bracketed
            && dash
            && head.ends_with_space()
            && chars.peek().is_none_or(|(_, next)| is_space(*next))
        {
            rest = line.get(at + char.len_utf8()..);
            break;
        }
        head.add(char)?;
    }
    let rest = rest?.trim_start_matches(|char| is_mark(char) || is_space(char));
    Some((head.stamp(bracketed)?, rest))
}

/// Characters that say in which direction text runs, and nothing else.
pub(crate) const fn is_mark(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}' | '\u{200b}')
}

fn is_space(char: char) -> bool {
    char.is_whitespace()
}

/// Zeros of the scripts that have digits of their own.
const ZEROS: [u32; 18] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0,
    0x1040, 0x17e0, 0xff10,
];

fn digit(char: char) -> Option<u16> {
    let code = u32::from(char);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    u16::try_from(code - zero).ok()
}

/// A stamp in pieces: numbers, and what stands between them.
#[derive(Default)]
struct Head {
    numbers: Vec<Field>,
    /// One more than numbers: before, between and after.
    between: Vec<String>,
    in_number: bool,
}

impl Head {
    fn ends_with_space(&self) -> bool {
        !self.in_number && self.between.last().is_some_and(|text| text.ends_with(is_space))
    }

    /// Nothing if this can be no stamp any more.
    fn add(&mut self, char: char) -> Option<()> {
        if self.between.is_empty() {
            self.between.push(String::new());
        }
        match digit(char) {
            Some(digit) if self.in_number => {
                let field = self.numbers.last_mut()?;
                field.digits += 1;
                field.value = field.value.checked_mul(10)?.checked_add(digit)?;
                (field.digits <= 4).then_some(())
            }
            Some(digit) => {
                self.in_number = true;
                self.numbers.push(Field { value: digit, digits: 1 });
                (self.numbers.len() <= 6).then_some(())
            }
            None => {
                if self.in_number {
                    self.between.push(String::new());
                    self.in_number = false;
                }
                self.between.last_mut()?.push(char);
                Some(())
            }
        }
    }

    fn stamp(mut self, bracketed: bool) -> Option<Stamp> {
        if self.in_number {
            self.between.push(String::new());
        }
        let seconds = match self.numbers.len() {
            5 => false,
            6 => true,
            _ => return None,
        };
        let between = |index: usize| self.between.get(index).map(String::as_str);
        let time_first = between(1)?.trim() == ":";
        let times = if seconds { 3 } else { 2 };
        let (date_at, time_at) = if time_first { (times, 0) } else { (0, 3) };
        let separator = date_separator(between(date_at + 1)?)?;
        if date_separator(between(date_at + 2)?)? != separator && separator.is_ascii() {
            return None;
        }
        for index in 1..times {
            time_separator(between(time_at + index)?)?;
        }
        let gaps: Vec<&str> =
            [0, date_at.max(time_at), self.numbers.len()].into_iter().filter_map(between).collect();
        let date = self.numbers.get(date_at..date_at + 3)?;
        let [first, second, third] = *date else { return None };
        let mut time = self.numbers.get(time_at..time_at + times)?.iter().map(|field| field.value);
        let time = [time.next()?, time.next()?, time.next().unwrap_or(0)];
        let time = match periods::of(&gaps) {
            Ok(period) => clock(time, period),
            Err(unknown) => Err(unknown),
        };
        let capital = gaps.iter().any(|gap| gap.contains("AM") || gap.contains("PM"));
        let american = capital && separator == '/' && (first.digits == 1 || second.digits == 1);
        let shape = Shape { bracketed, time_first, seconds, separator };
        Some(Stamp { shape, date: [first, second, third], time, american })
    }
}

/// The character that parts the numbers of a date. Where it is written with words for year and month, they stand for it.
fn date_separator(between: &str) -> Option<char> {
    let mut chars = between.chars().filter(|char| !is_space(*char));
    let first = chars.next()?;
    let fits = matches!(first, '/' | '.' | '-' | '‐' | '‑' | '．' | '／' | '؍' | '年' | '月' | '년' | '월');
    let rest = chars.next().is_none();
    (fits && rest).then_some(match first {
        '月' => '年',
        '월' => '년',
        other => other,
    })
}

fn time_separator(between: &str) -> Option<()> {
    matches!(between.trim(), ":" | "." | "：" | "h" | "H" | "時" | "时" | "点").then_some(())
}

fn clock([hour, minute, second]: [u16; 3], period: Option<Period>) -> Result<(i8, i8, i8), &'static str> {
    let hour = match (period, hour) {
        (Some(Period::Am), 12) => 0,
        (Some(Period::Pm), 0..=11) | (Some(Period::Noon), 0..=5) => hour + 12,
        _ => hour,
    };
    let part = |value: u16, below: u16, wrong: &'static str| {
        if value < below { i8::try_from(value).map_err(|_| wrong) } else { Err(wrong) }
    };
    Ok((
        part(hour, 24, "there is no such hour")?,
        part(minute, 60, "there is no such minute")?,
        part(second, 60, "there is no such second")?,
    ))
}

impl Stamp {
    /// Year, month and day in this order.
    pub(crate) fn ordered(&self, order: DateOrder) -> (Field, Field, Field) {
        let [first, second, third] = self.date;
        match order {
            DateOrder::Dmy => (third, second, first),
            DateOrder::Mdy => (third, first, second),
            DateOrder::Ymd => (first, second, third),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> ([u16; 3], (i8, i8, i8), &str) {
        let (stamp, rest) = split(line).unwrap_or_else(|| panic!("{line}"));
        (stamp.date.map(|field| field.value), stamp.time.unwrap(), rest)
    }

    #[test]
    fn stamps_of_many_phones_are_read() {
        let (us, eu, iso) = ([12, 31, 23], [31, 12, 23], [2023, 12, 31]);
        for (line, date, time) in [
            ("12/31/23, 11:59 PM - x", us, (23, 59, 0)),
            ("12/31/23, 11:59\u{202f}PM - x", us, (23, 59, 0)),
            ("12/31/23, 12:05 AM - x", us, (0, 5, 0)),
            ("31.12.23, 23:59 - x", eu, (23, 59, 0)),
            ("[31.12.23, 23:59:58] x", eu, (23, 59, 58)),
            ("\u{200e}[31.12.23, 23:59:58] \u{200e}x", eu, (23, 59, 58)),
            ("31/12/23, 11:59 p.\u{a0}m. - x", eu, (23, 59, 0)),
            ("31/12/23 11:59 μ.μ. - x", eu, (23, 59, 0)),
            ("2023-12-31, 23:59 - x", iso, (23, 59, 0)),
            ("2023/12/31 下午11:59 - x", iso, (23, 59, 0)),
            ("2023/12/31 凌晨12:05 - x", iso, (0, 5, 0)),
            ("[2023/12/31 下午 11:59:58] x", iso, (23, 59, 58)),
            ("2023年12月31日 23:59 - x", iso, (23, 59, 0)),
            ("2023. 12. 31. 오후 11:59 - x", iso, (23, 59, 0)),
            ("2023. 12. 31. 23:59 - x", iso, (23, 59, 0)),
            ("31.12.23 г., 23:59 - x", eu, (23, 59, 0)),
            ("31.12.2023 klo 23.59 - x", [31, 12, 2023], (23, 59, 0)),
            ("23:59, 31/12/2023 - x", [31, 12, 2023], (23, 59, 0)),
            ("٣١\u{200f}/١٢\u{200f}/٢٠٢٣، ١١:٥٩ م - x", [31, 12, 2023], (23, 59, 0)),
            ("۲۰۲۳/۱۲/۳۱،\u{200f} ۲۳:۵۹ - x", iso, (23, 59, 0)),
            ("३१/१२/२३, ११:५९ अपराह्न - x", eu, (23, 59, 0)),
        ] {
            assert_eq!(read(line), (date, time, "x"), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for line in [
            "",
            "x",
            "12/31/23 - x",
            "call me at 12:30 - or 1",
            "1/2/3 4:5:6:7 - x",
            "[1, 2, 3] x",
            "[31.12.23, 23:59:58",
            "+49 1511 2345678 - x",
            "10.5.20 3 4 - x",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
        let (odd, _) = split("31.12.23, 11:59 whenever - x").unwrap();
        assert!(odd.time.is_err());
        assert!(split("31.12.23, 25:59 - x").unwrap().0.time.is_err());
    }
}
