//! Messages out of lines.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use jiff::civil::{Date, DateTime};

use super::{
    lines::Lines,
    stamp::{self, DateOrder, Shape},
    survey::{self, Survey},
};

/// Bytes that a message's text has at most, as in live ones.
pub(super) const TEXT: usize = 64 << 10;

/// The two who speak, by their names in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Senders {
    /// The business.
    pub me: String,
    /// The customer; none if only the business speaks.
    pub other: Option<String>,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The business.
    Me,
    /// The customer.
    Other,
    /// The app: calls, numbers that changed, how it encrypts.
    App,
}

/// A message, as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line it begins in.
    pub line: u64,
    /// When, by the clock of the phone that exported it.
    pub at: DateTime,
    /// Who.
    pub speaker: Speaker,
    /// What, in as many lines as it had.
    pub text: String,
}

/// A line that could not be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Which, counted from 1.
    pub line: u64,
    /// Why.
    pub reason: &'static str,
    /// Whether what it says is missing: else something of it is there.
    pub lost: bool,
}

/// What comes next in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A message.
    Entry(Entry),
    /// A line that is not understood, or not whole.
    Problem(Problem),
}

/// Takes a text apart.
pub struct Chat<R> {
    lines: Lines<R>,
    shape: Option<Shape>,
    order: DateOrder,
    senders: Senders,
    today: Date,
    open: Open,
    ready: VecDeque<Item>,
    ended: bool,
}

impl<R> std::fmt::Debug for Chat<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

/// What a line without a stamp belongs to.
enum Open {
    Nothing,
    Entry(Entry),
    /// A message that could not be taken: its other lines are lost with it.
    Lost,
}

impl<R: Read> Chat<R> {
    /// Of a text that was surveyed. `order`: what to read dates as, if not as the survey found.
    pub fn new(text: R, survey: &Survey, order: Option<DateOrder>, senders: Senders, today: Date) -> Self {
        Self {
            lines: Lines::new(text),
            shape: survey.shape,
            order: order.unwrap_or(survey.order),
            senders: Senders {
                me: survey::tidy(&senders.me),
                other: senders.other.as_deref().map(survey::tidy),
            },
            today,
            open: Open::Nothing,
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// The next message or problem.
    ///
    /// # Errors
    /// Those of reading.
    pub fn item(&mut self) -> io::Result<Option<Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            self.step()?;
        }
    }

    /// Takes one line.
    fn step(&mut self) -> io::Result<()> {
        let Some(line) = self.lines.line()? else {
            self.ended = true;
            if let Open::Entry(entry) = std::mem::replace(&mut self.open, Open::Nothing) {
                self.ready.push_back(Item::Entry(entry));
            }
            return Ok(());
        };
        let number = line.number;
        let mut problem =
            |reason, lost| self.ready.push_back(Item::Problem(Problem { line: number, reason, lost }));
        if line.cut {
            problem("it is longer than 65,536 bytes: the rest was cut", false);
        }
        if line.damaged {
            problem("bytes of it are no text", false);
        }
        let found = stamp::split(line.text).filter(|(stamp, _)| Some(stamp.shape) == self.shape);
        let Some((stamp, rest)) = found else {
            match &mut self.open {
                Open::Entry(entry) if entry.text.len() + line.text.len() < TEXT => {
                    entry.text.push('\n');
                    entry.text.push_str(line.text);
                }
                Open::Entry(entry) => {
                    let entry = entry.clone();
                    problem("its message is longer than 65,536 bytes: the rest was left out", true);
                    self.ready.push_back(Item::Entry(entry));
                    self.open = Open::Lost;
                }
                Open::Lost if line.text.trim().is_empty() => {}
                Open::Lost => problem("it belongs to a message that was left out", true),
                Open::Nothing if line.text.trim_matches(stamp::is_mark).trim().is_empty() => {}
                Open::Nothing => problem("no message begins before it", true),
            }
            return Ok(());
        };
        let at = stamp.time.and_then(|(hour, minute, second)| {
            let date = survey::date(&stamp, self.order, self.today)?;
            Ok(date.at(hour, minute, second, 0))
        });
        let open = match at {
            Ok(at) => {
                let (speaker, text) = speaker(&self.senders, rest);
                Open::Entry(Entry { line: number, at, speaker, text: text.to_owned() })
            }
            Err(reason) => {
                problem(reason, true);
                Open::Lost
            }
        };
        if let Open::Entry(before) = std::mem::replace(&mut self.open, open) {
            // What is wrong with a line stands behind the message before it.
            let at = self.ready.len();
            self.ready.push_back(Item::Entry(before));
            self.ready.rotate_right(usize::from(at > 0));
        }
        Ok(())
    }
}

fn speaker<'a>(senders: &Senders, rest: &'a str) -> (Speaker, &'a str) {
    if let Some(text) = survey::after_name(rest, &senders.me) {
        return (Speaker::Me, text);
    }
    let other = senders.other.as_deref().and_then(|other| survey::after_name(rest, other));
    other.map_or((Speaker::App, rest), |text| (Speaker::Other, text))
}
