//! The same conversation as phones in many languages export it.

use std::path::Path;

use host::imports::text::{Body, Chat, DateOrder, Item, Omitted, Problem, Said, Senders, Speaker, Survey};
use jiff::civil::{Date, DateTime, date};
use proptest::prelude::*;

pub(crate) const TODAY: Date = Date::constant(2026, 11, 28);
const ME: &str = "Example Bank: Service";
const ADA: &str = "Ada Lovelace";

/// All that is in a text; problems apart.
fn read(text: &[u8], senders: Senders) -> (Survey, Vec<(DateTime, Speaker, String)>, Vec<Problem>) {
    let survey = Survey::of(text, TODAY, |_| ()).unwrap();
    let mut chat = Chat::new(text, &survey, None, senders, TODAY);
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    while let Some(item) = chat.item().unwrap() {
        match item {
            Item::Entry(entry) => entries.push((entry.at, entry.speaker, entry.text)),
            Item::Problem(problem) => problems.push(problem),
        }
    }
    (survey, entries, problems)
}

fn two() -> Senders {
    Senders { me: ME.to_owned(), other: Some(ADA.to_owned()) }
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/imports/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_same_is_read_from_what_every_phone_writes() {
    let files = corpus();
    assert!(files.len() >= 50, "{}", files.len());
    for (name, bytes) in files {
        let seconds = if name.starts_with("ios") { [7, 8, 0, 9, 58, 1, 30, 0] } else { [0; 8] };
        let (year, next) = (date(2023, 12, 30), date(2024, 1, 1));
        let times: Vec<DateTime> = [
            year.at(9, 5, 0, 0),
            year.at(9, 6, 0, 0),
            year.at(12, 30, 0, 0),
            date(2023, 12, 31).at(0, 15, 0, 0),
            date(2023, 12, 31).at(23, 59, 0, 0),
            next.at(0, 0, 0, 0),
            date(2024, 1, 2).at(13, 7, 0, 0),
            date(2024, 2, 14).at(18, 45, 0, 0),
        ]
        .into_iter()
        .zip(seconds)
        .map(|(time, second)| time.with().second(second).build().unwrap())
        .collect();
        let (survey, entries, problems) = read(&bytes, two());
        assert_eq!(problems, [], "{name}");
        assert!(survey.order_certain, "{name}");
        let names: Vec<_> = survey.names.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [ADA, "Example Bank"], "{name}");
        assert_eq!(entries.iter().map(|(at, ..)| *at).collect::<Vec<_>>(), times, "{name}");
        let speakers: Vec<_> = entries.iter().map(|(_, speaker, _)| *speaker).collect();
        use Speaker::{App, Me, Other};
        assert_eq!(speakers, [App, Other, Me, Other, Other, Me, Me, Other], "{name}");

        let said: Vec<_> = entries.iter().map(|(_, _, text)| Said::read(text, |_| false)).collect();
        let Body::Text(hello) = &said[1].body else { panic!("{name}: {:?}", said[1]) };
        assert!(hello.chars().count() > 10 && !hello.contains(':'), "{name}: {hello}");
        let long = format!("1. {hello}\n\n2. see https://bank.example/a?b=c: 10:30 - 11:00\n- {hello}");
        assert_eq!(said[2].body, Body::Text(long), "{name}");
        let omitted = if name.starts_with("ios") { Omitted::Picture } else { Omitted::Any };
        assert_eq!(said[3].body, Body::Omitted(omitted), "{name}");
        let Body::Attached { name: file, caption } = &said[4].body else { panic!("{name}: {:?}", said[4]) };
        assert!(file.ends_with(".jpg") && caption == hello, "{name}: {file} {caption}");
        assert_eq!(said[5].body, Body::Deleted, "{name}: {:?}", entries[5].2);
        assert_eq!(said[6], Said { body: Body::Text(hello.clone()), edited: true }, "{name}");
        let place = Body::Location { latitude: 52.516275, longitude: 13.377704 };
        assert_eq!(said[7].body, place, "{name}");
    }
}

#[test]
fn every_line_that_is_not_understood_is_named() {
    let text = "a title\n\
        31/12/23, 10:00 - Ada Lovelace: one\n\
        31/13/23, 10:01 - Ada Lovelace: no such month\n\
        its second line\n\
        31/12/23, 25:01 - Ada Lovelace: no such hour\n\
        31/12/66, 10:02 - Ada Lovelace: another calendar\n\
        31/12/23, 10:03 whenever - Ada Lovelace: a word\n\
        31/12/23, 10:04 - Example Bank: Service: two\n\
        [31/12/23, 10:05:00] Ada: quoted\n";
    let (_, entries, problems) = read(text.as_bytes(), two());
    let texts: Vec<_> = entries.iter().map(|(_, _, text)| text.as_str()).collect();
    assert_eq!(texts, ["one", "two\n[31/12/23, 10:05:00] Ada: quoted"]);
    let named: Vec<_> = problems.iter().map(|problem| (problem.line, problem.reason, problem.lost)).collect();
    let expected = [
        (1, "no message begins before it", true),
        (3, "there is no such date", true),
        (4, "it belongs to a message that was left out", true),
        (5, "there is no such hour", true),
        (6, "its year is before 2009 or to come: another calendar is not read", true),
        (7, "a word in its time is not known", true),
    ];
    assert_eq!(named, expected);
}

#[test]
fn a_megabyte_in_one_line_or_message_is_bounded_and_said() {
    let line = format!("31.12.23, 10:00 - {ADA}: {}\n31.12.23, 10:01 - {ADA}: x\n", "ä".repeat(1 << 20));
    let (_, entries, problems) = read(line.as_bytes(), two());
    assert!(entries.len() == 2 && entries[0].2.len() <= 64 << 10);
    assert_eq!(problems.iter().map(|problem| (problem.line, problem.lost)).collect::<Vec<_>>(), [(1, false)]);

    let lines =
        format!("31.12.23, 10:00 - {ADA}: a\n{}31.12.23, 10:01 - {ADA}: x\n", "0123456789\n".repeat(100_000));
    let (_, entries, problems) = read(lines.as_bytes(), two());
    assert!(entries.len() == 2 && entries[0].2.len() <= 64 << 10);
    assert_eq!(entries[1].2, "x");
    assert!(problems.len() > 90_000 && problems.iter().all(|problem| problem.lost));
}

/// How a phone writes dates.
#[derive(Debug, Clone)]
struct Form {
    order: DateOrder,
    separator: char,
    long_year: bool,
    halves: Option<(&'static str, &'static str)>,
    seconds: bool,
    bracketed: bool,
    zero: u32,
}

impl Form {
    fn stamp(&self, at: DateTime) -> String {
        let year = if self.long_year { at.year() } else { at.year() % 100 };
        let year = format!("{year:02}");
        let (day, month) = (format!("{}", at.day()), format!("{:02}", at.month()));
        let parts = match self.order {
            DateOrder::Dmy => [day, month, year],
            DateOrder::Mdy => [month, day, year],
            DateOrder::Ymd => [year, month, day],
        };
        let hour = match self.halves {
            Some(_) => (at.hour() + 11) % 12 + 1,
            None => at.hour(),
        };
        let mut time = format!("{hour}:{:02}", at.minute());
        if self.seconds {
            time.push_str(&format!(":{:02}", at.second()));
        }
        if let Some((am, pm)) = self.halves {
            time.push_str(&format!("\u{202f}{}", if at.hour() < 12 { am } else { pm }));
        }
        let date = parts.join(&self.separator.to_string());
        let stamp = format!("{date}, {time}");
        let digits = |char: char| {
            char.to_digit(10).and_then(|digit| char::from_u32(self.zero + digit)).unwrap_or(char)
        };
        let stamp: String = stamp.chars().map(digits).collect();
        if self.bracketed { format!("[{stamp}] ") } else { format!("{stamp} - ") }
    }
}

fn forms() -> impl Strategy<Value = Form> {
    let orders = prop_oneof![Just(DateOrder::Dmy), Just(DateOrder::Mdy), Just(DateOrder::Ymd)];
    let halves = prop_oneof![
        Just(None),
        Just(Some(("AM", "PM"))),
        Just(Some(("ص", "م"))),
        Just(Some(("上午", "下午")))
    ];
    let separators = prop_oneof![Just('/'), Just('.'), Just('-')];
    let zeros = prop_oneof![Just(0x30_u32), Just(0x660), Just(0x6f0), Just(0x966)];
    (orders, separators, any::<bool>(), halves, any::<bool>(), any::<bool>(), zeros).prop_map(
        |(order, separator, long_year, halves, seconds, bracketed, zero)| Form {
            order,
            separator,
            long_year,
            halves,
            seconds,
            bracketed,
            zero,
        },
    )
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_as_the_same(
        form in forms(),
        said in proptest::collection::vec((0_i64..40 * 24 * 3600, any::<bool>(), "[a-zäя🙂א!?,.-][a-z0-9äя🙂א :!?,.\u{200f}-]{0,60}", proptest::collection::vec("[a-z🙂א :]{0,40}", 0..3)), 1..40),
    ) {
        // The last day of a year is read in one way only.
        let end = date(2023, 12, 31).at(23, 0, 0, 0);
        let mut seconds: Vec<i64> = said.iter().map(|(seconds, ..)| *seconds).collect();
        seconds.sort_unstable_by(|one, other| other.cmp(one));
        let mut expected: Vec<(DateTime, Speaker, String)> = Vec::new();
        for ((_, me, first, more), seconds) in said.iter().zip(seconds) {
            let at = end.saturating_sub(jiff::Span::new().seconds(seconds));
            let at = if form.seconds { at } else { at.with().second(0).build().unwrap() };
            let text = [&[first.clone()][..], more].concat().join("\n");
            expected.push((at, if *me { Speaker::Me } else { Speaker::Other }, text));
        }
        expected.push((end, Speaker::Other, "the end".to_owned()));
        let text: String = expected
            .iter()
            .map(|(at, speaker, text)| {
                let name = if *speaker == Speaker::Me { ME } else { ADA };
                format!("{}{name}: {text}\n", form.stamp(*at))
            })
            .collect();
        let (survey, entries, problems) = read(text.as_bytes(), two());
        prop_assert_eq!(survey.order, form.order);
        prop_assert_eq!(problems, []);
        prop_assert_eq!(entries, expected);
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let _ = read(&bytes, two());
    }

    #[test]
    fn any_text_of_the_right_letters_is_read_to_its_end(text in "([0-9٠-٩/.,: \\[\\]\n\u{200e}-]|AM|Ada: |<|>|omitted|file attached){0,200}") {
        let (survey, entries, problems) = read(text.as_bytes(), two());
        prop_assert!(entries.len() as u64 <= survey.lines && problems.len() as u64 <= 3 * survey.lines);
        for (_, _, text) in entries {
            let _ = Said::read(&text, |_| true);
        }
    }
}
