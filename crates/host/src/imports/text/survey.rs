//! What a first reading of an export finds out: how its stamps look, in which order dates are written, who speaks.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use jiff::civil::Date;

use super::{
    lines::Lines,
    stamp::{self, DateOrder, Field, Shape, Stamp},
};

/// Names that are kept; a chat of two has two.
const NAMES: usize = 64;
/// Shapes that are told apart.
const SHAPES: usize = 64;
/// Characters of a name.
pub(super) const NAME: usize = 100;
/// The year before which nobody had a chat to export.
const FIRST_YEAR: i16 = 2009;

/// What a first reading found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Lines of the text.
    pub lines: u64,
    /// Messages, and what the app wrote between them.
    pub entries: u64,
    /// In which order its dates are written.
    pub order: DateOrder,
    /// Whether the text itself decides that: else it was guessed from how dates are written.
    pub order_certain: bool,
    /// Who seems to speak, and how often; the most frequent first. Not only people: the app's own lines may have a colon.
    pub names: Vec<(String, u64)>,
    pub(super) shape: Option<Shape>,
}

/// How well an order fits.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    impossible: u64,
    backwards: u64,
    last: Option<Date>,
}

const ORDERS: [DateOrder; 3] = [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd];

#[derive(Default)]
struct Shaped {
    count: u64,
    american: bool,
    fits: [Fit; 3],
    names: BTreeMap<String, u64>,
}

impl Survey {
    /// Reads all of a text. `today`: nothing was said later.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(text: impl Read, today: Date, mut passed: impl FnMut(u64)) -> io::Result<Self> {
        let mut lines = Lines::new(text);
        let mut shapes: BTreeMap<Shape, Shaped> = BTreeMap::new();
        let mut count = 0;
        while let Some(line) = lines.line()? {
            count = line.number;
            passed(line.text.len() as u64 + 1);
            let Some((stamp, rest)) = stamp::split(line.text) else { continue };
            if shapes.len() >= SHAPES && !shapes.contains_key(&stamp.shape) {
                continue;
            }
            let shaped = shapes.entry(stamp.shape).or_default();
            shaped.count += 1;
            shaped.american |= stamp.american;
            for (fit, order) in shaped.fits.iter_mut().zip(ORDERS) {
                fit.take(date(&stamp, order, today).ok());
            }
            if let Some((name, _)) = split_name(rest)
                && (shaped.names.len() < NAMES || shaped.names.contains_key(&*name))
            {
                *shaped.names.entry(name).or_default() += 1;
            }
        }
        // What people write may look like a stamp; what the app writes is more.
        let best = shapes.into_iter().max_by_key(|(_, shaped)| shaped.count);
        let Some((shape, shaped)) = best else {
            let (order, names) = (DateOrder::Dmy, Vec::new());
            return Ok(Self { lines: count, entries: 0, order, order_certain: false, names, shape: None });
        };
        let (order, order_certain) = shaped.order(shape.is_dotted());
        let mut names: Vec<_> = shaped.names.into_iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(Self { lines: count, entries: shaped.count, order, order_certain, names, shape: Some(shape) })
    }
}

impl Fit {
    fn take(&mut self, date: Option<Date>) {
        let Some(date) = date else {
            self.impossible += 1;
            return;
        };
        // What was sent while a phone was offline stands a little too late.
        if self.last.is_some_and(|last| date.saturating_add(jiff::Span::new().days(1)) < last) {
            self.backwards += 1;
        }
        self.last = Some(date);
    }

    const fn wrong(&self) -> (u64, u64) {
        (self.impossible, self.backwards)
    }
}

impl Shaped {
    /// The order that fits best; of those that fit as well, the usual one. Where dots stand in a date, the day comes first
    /// wherever it can: nobody writes the month there, and a year that comes first has four digits.
    fn order(&self, dotted: bool) -> (DateOrder, bool) {
        let usual = if self.american {
            [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd]
        } else {
            [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd]
        };
        let fit = |order: &DateOrder| {
            let found = ORDERS.iter().zip(&self.fits).find(|(of, _)| *of == order);
            found.map_or((u64::MAX, u64::MAX), |(_, fit)| fit.wrong())
        };
        let best = usual.iter().map(fit).min().unwrap_or_default();
        let mut fitting = usual.iter().filter(|order| fit(order) == best);
        let order = fitting.next().copied().unwrap_or(DateOrder::Dmy);
        (order, fitting.next().is_none() || (dotted && order == DateOrder::Dmy))
    }
}

/// The date of a stamp.
pub(super) fn date(stamp: &Stamp, order: DateOrder, today: Date) -> Result<Date, &'static str> {
    let (year, month, day) = stamp.ordered(order);
    let short = |field: Field| field.digits <= 2;
    if !short(month) || !short(day) {
        return Err("its date has the year in another place");
    }
    let year = match year.digits {
        1 | 2 => 2000 + year.value,
        4 => year.value,
        _ => return Err("its year has neither two nor four digits"),
    };
    let year = i16::try_from(year).map_err(|_| "there is no such year")?;
    if !(FIRST_YEAR..=today.year() + 1).contains(&year) {
        return Err("its year is before 2009 or to come: another calendar is not read");
    }
    let part = |field: Field| i8::try_from(field.value).map_err(|_| "there is no such date");
    let date = Date::new(year, part(month)?, part(day)?).map_err(|_| "there is no such date")?;
    if date > today.saturating_add(jiff::Span::new().days(1)) {
        return Err("its date is to come");
    }
    Ok(date)
}

/// Who says what follows a stamp, if anybody does; without marks, spaces as one.
pub(super) fn split_name(rest: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut space = false;
    for (index, (at, char)) in rest.char_indices().enumerate() {
        if index > NAME {
            return None;
        }
        match char {
            ':' => {
                let after = rest.get(at + 1..)?;
                let next = after.chars().find(|char| !stamp::is_mark(*char));
                if !name.is_empty() && next.is_none_or(char::is_whitespace) {
                    return Some((name, said(after)));
                }
                name.push(':');
            }
            char if stamp::is_mark(char) => {}
            char if char.is_whitespace() => space = !name.is_empty(),
            // In front of names that nobody has in their contacts.
            '~' if name.is_empty() => {}
            char => {
                if std::mem::take(&mut space) {
                    name.push(' ');
                }
                name.push(char);
            }
        }
    }
    None
}

/// What follows this name, if it is who speaks.
pub(super) fn after_name<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let mut from = rest;
    loop {
        let colon = from.find(':')?;
        let end = rest.len() - from.len() + colon;
        if end > 4 * NAME {
            return None;
        }
        let after = rest.get(end + 1..)?;
        if tidy(rest.get(..end)?) == name {
            return after
                .chars()
                .find(|char| !stamp::is_mark(*char))
                .is_none_or(char::is_whitespace)
                .then(|| said(after));
        }
        from = after;
    }
}

/// A name without marks, with spaces as one.
pub(crate) fn tidy(name: &str) -> String {
    let bare: String = name.chars().filter(|char| !stamp::is_mark(*char)).collect();
    let bare = bare.trim_start().trim_start_matches('~');
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without the space behind the colon. A mark stays: phones put one in front of what is theirs.
fn said(after: &str) -> &str {
    let after = after.strip_prefix([' ', '\u{a0}', '\u{202f}']).unwrap_or(after);
    // Some phones write the mark first.
    let bare = after.trim_start_matches(stamp::is_mark);
    if bare.starts_with(' ') { bare.trim_start() } else { after }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = Date::constant(2026, 11, 28);

    fn survey(text: &str) -> Survey {
        Survey::of(text.as_bytes(), TODAY, |_| ()).unwrap()
    }

    #[test]
    fn the_whole_text_decides_the_order_of_dates() {
        for (text, order, certain) in [
            ("1/2/23, 10:00 - A: x\n13/2/23, 10:00 - A: y\n", DateOrder::Dmy, true),
            ("1/2/23, 10:00 - A: x\n2/13/23, 10:00 - A: y\n", DateOrder::Mdy, true),
            // Not by a large number, but because time does not run backwards.
            ("10/1/23, 10:00 - A: x\n11/1/23, 10:00 - A: y\n1/2/23, 10:00 - A: z\n", DateOrder::Dmy, true),
            ("1/10/23, 10:00 - A: x\n1/11/23, 10:00 - A: y\n2/1/23, 10:00 - A: z\n", DateOrder::Mdy, true),
            (
                "23/12/30, 10:00 - A: x\n23/12/31, 10:00 - A: y\n24/01/01, 10:00 - A: y\n",
                DateOrder::Ymd,
                true,
            ),
            ("2023-01-02, 10:00 - A: x\n", DateOrder::Ymd, true),
            ("1/2/23, 10:00 PM - A: x\n", DateOrder::Mdy, false),
            ("1/2/23, 10:00 - A: x\n", DateOrder::Dmy, false),
            ("13.01.25, 10:00 - A: x\n", DateOrder::Dmy, true),
            ("1.2.23, 10:00 - A: x\n", DateOrder::Dmy, true),
            ("2023. 1. 2. 10:00 - A: x\n", DateOrder::Ymd, true),
        ] {
            let found = survey(text);
            assert_eq!((found.order, found.order_certain), (order, certain), "{text}");
        }
    }

    #[test]
    fn names_are_bare_and_counted() {
        let found = survey(
            "[31.12.23, 23:59:58] \u{200e}Ada\u{a0}Lovelace: hello\n\
             [31.12.23, 23:59:58] ~\u{202f}Ben: 12:30: yes\n[31.12.23, 23:59:58] Ada Lovelace: x\n\
             [31.12.23, 23:59:58] nobody speaks\n31.12.23, 23:59 - Eve: quoted\n",
        );
        assert_eq!(found.names, [("Ada Lovelace".to_owned(), 2), ("Ben".to_owned(), 1)]);
        assert_eq!((found.lines, found.entries), (5, 4));
        assert_eq!(survey("").names, []);
    }

    #[test]
    fn a_name_may_have_a_colon() {
        assert_eq!(after_name("Dr: House: it is: lupus", "Dr: House"), Some("it is: lupus"));
        assert_eq!(after_name("Dr: House: it is: lupus", "Dr"), Some("House: it is: lupus"));
        assert_eq!(after_name("\u{202a}+49 151\u{202c}: hi", "+49 151"), Some("hi"));
        assert_eq!(after_name("Ada:", "Ada"), Some(""));
        assert_eq!(after_name("Ada:x", "Ada"), None);
        assert_eq!(after_name("Ben: x", "Ada"), None);
    }
}
