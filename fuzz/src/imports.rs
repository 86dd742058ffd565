//! The target for texts of chat exports: any bytes, taken apart as the host does before it writes anything.

use jiff::civil::Date;

use super::text::{Chat, Item, Said, Senders, Survey};

pub(crate) type Target = fn(&[u8]);

pub(crate) const TARGETS: &[(&str, Target)] = &[("import_text", import_text)];

/// Bytes of a message, and of the line that made it too long.
const LONGEST: usize = 128 << 10;

/// Every text is read to its end, in bounds; the two readings of it agree.
pub(crate) fn import_text(bytes: &[u8]) {
    let today = Date::constant(2026, 11, 28);
    let mut passed = 0;
    let survey = Survey::of(bytes, today, |bytes| passed += bytes).expect("bytes in memory are read");
    assert!(passed >= survey.lines && survey.entries <= survey.lines);
    let mut names = survey.names.iter().map(|(name, _)| name.clone());
    let senders = Senders { me: names.next().unwrap_or_default(), other: names.next() };
    let mut chat = Chat::new(bytes, &survey, None, senders, today);
    let (mut entries, mut last) = (0, 0);
    while let Some(item) = chat.item().expect("bytes in memory are read") {
        match item {
            Item::Problem(problem) => assert!((1..=survey.lines).contains(&problem.line)),
            Item::Entry(entry) => {
                assert!(entry.line > last && entry.line <= survey.lines && entry.text.len() <= LONGEST);
                (last, entries) = (entry.line, entries + 1);
                let beside = entry.line % 2 == 0;
                assert_eq!(Said::read(&entry.text, |_| beside), Said::read(&entry.text, |_| beside));
            }
        }
    }
    assert!(entries <= survey.entries);
}
