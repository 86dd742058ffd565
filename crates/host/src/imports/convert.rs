//! Contents as they are stored, out of what an export says; and the names by which the same message is the same again.

use std::collections::HashMap;

use ::store::Timestamp;
use jiff::civil::DateTime;
use sha2::{Digest as _, Sha256};

use super::text::{Body, Entry, Omitted, Speaker};
use crate::{
    content::{Card, CardName, CardPhone, Content, File, Location, Text},
    ids::MessageId,
    media::sniff,
    numbers::Number,
    sealing::BusinessKey,
};

/// Names that are remembered to tell repetitions apart; twice as many at most. The same words in the same minute are
/// nearer to each other.
const REMEMBERED: usize = 50_000;

/// What came before, to tell the same said twice from the same message read twice.
#[derive(Debug, Default)]
pub(super) struct Repetitions {
    recent: HashMap<[u8; 16], u32>,
    older: HashMap<[u8; 16], u32>,
}

impl Repetitions {
    fn count(&mut self, digest: [u8; 16]) -> u32 {
        let before = self.recent.get(&digest).or_else(|| self.older.get(&digest)).copied();
        let count = before.map_or(0, |before| before + 1);
        if self.recent.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(digest, count);
        count
    }
}

/// The name of a message: the same whenever and from whichever phone the chat is exported. Minutes are all that some
/// phones write; and a file may be in one export and left out of the next.
pub(super) fn name_of(
    key: &BusinessKey,
    number: &Number,
    customer: &str,
    entry: &Entry,
    body: &Body,
    before: &mut Repetitions,
) -> MessageId {
    let (class, text) = match body {
        Body::Text(text) | Body::Poll(text) => ("text", text.as_str()),
        Body::Attached { .. } | Body::Omitted(_) => ("file", ""),
        Body::Location { .. } => ("place", entry.text.as_str()),
        Body::LiveLocation => ("live place", ""),
        Body::Deleted => ("deleted", ""),
        Body::Nothing => ("nothing", ""),
    };
    let speaker: &[u8] = if entry.speaker == Speaker::Me { b"me" } else { b"other" };
    let minute = minute(entry.at);
    let number_bytes = number.id.get().to_be_bytes();
    let mut hasher = Sha256::new();
    for part in [&number_bytes[..], customer.as_bytes(), speaker, &minute, class.as_bytes()] {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    let bare = text.split_whitespace().map(|word| word.trim_matches(super::text::is_mark));
    bare.filter(|word| !word.is_empty()).for_each(|word| {
        hasher.update(word);
        hasher.update(b" ");
    });
    let said: [u8; 32] = hasher.finalize().into();
    let mut short = [0; 16];
    short.iter_mut().zip(said).for_each(|(to, from)| *to = from);
    let count = before.count(short);
    let digest = key.name("import", &[&said[..], &count.to_be_bytes()].concat());
    // The minute as it was written: in whatever zone it is read, it is the same message.
    let [a, b, c, d, e, f] = minute;
    MessageId::from_digest(number.id, Timestamp(i64::from_be_bytes([0, 0, a, b, c, d, e, f])), &digest)
}

fn minute(at: DateTime) -> [u8; 6] {
    let [high, low] = at.year().to_be_bytes();
    let small = |part: i8| part.to_be_bytes()[0];
    [high, low, small(at.month()), small(at.day()), small(at.hour()), small(at.minute())]
}

/// What a message says. Its file, if it has one, follows with [`with_file`].
pub(super) fn content(body: Body) -> Content {
    let unsupported = |what: &str| Content::Unsupported { what: Some(what.to_owned()) };
    match body {
        Body::Text(body) | Body::Poll(body) => Content::Text(Text { body, preview_url: false }),
        Body::Attached { name, caption } => with_file(&name, &caption, None),
        Body::Omitted(kind) => match kind {
            Omitted::Picture => Content::Image(File::default()),
            Omitted::Film | Omitted::Moving => Content::Video(File::default()),
            Omitted::Sound => Content::Audio(File::default()),
            Omitted::Sticker => Content::Sticker(File::default()),
            Omitted::Document => Content::Document(File::default()),
            Omitted::Card => Content::Contacts { cards: Vec::new() },
            Omitted::Any => unsupported("media"),
        },
        Body::Location { latitude, longitude } => {
            Content::Location(Location { latitude, longitude, ..Location::default() })
        }
        Body::LiveLocation => unsupported("live_location"),
        Body::Deleted => unsupported("deleted"),
        Body::Nothing => Content::Unsupported { what: None },
    }
}

const TYPES: &[(&str, &str)] = &[
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("3gp", "video/3gpp"),
    ("opus", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("amr", "audio/amr"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("vcf", "text/vcard"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("zip", "application/zip"),
];
/// Of what is none of these.
const BYTES: &str = "application/octet-stream";

/// What a file is: by its name, unless its first bytes say otherwise.
pub(super) fn type_of(name: &str, head: &[u8]) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let named = TYPES.iter().find(|(of, _)| *of == ending).map_or(BYTES, |(_, mime)| mime);
    let shown = ["image/", "audio/", "video/"].iter().any(|kind| named.starts_with(kind));
    match sniff(head) {
        Some(found) if shown && found.split('/').next() != named.split('/').next() => found,
        None if matches!(named, "image/jpeg" | "image/png" | "image/webp") && !head.is_empty() => BYTES,
        _ => named,
    }
}

/// A file in a message.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: crate::ids::MediaId,
    pub(super) mime_type: &'static str,
    pub(super) sha256: String,
}

/// A message with a file, by what the file is called and is.
pub(super) fn with_file(name: &str, caption: &str, stored: Option<Stored>) -> Content {
    let mime = stored.as_ref().map_or_else(|| type_of(name, &[]), |stored| stored.mime_type);
    let capitals = name.to_ascii_uppercase();
    let sticker = mime == "image/webp" && (capitals.contains("STK") || capitals.contains("STICKER"));
    let voice = capitals.starts_with("PTT") || mime == "audio/ogg";
    let mut file = File {
        caption: Some(caption.to_owned()).filter(|caption| !caption.is_empty()),
        mime_type: Some(mime.to_owned()),
        ..File::default()
    };
    if let Some(Stored { id, sha256, .. }) = stored {
        file.id = Some(id);
        file.sha256 = Some(sha256);
    }
    match mime.split('/').next() {
        _ if mime == "text/vcard" => Content::Contacts { cards: vec![named_card(name)] },
        Some("image") if sticker => Content::Sticker(file),
        Some("image") => Content::Image(file),
        Some("video") => Content::Video(file),
        Some("audio") => Content::Audio(File { voice, ..file }),
        _ => Content::Document(File { filename: Some(name.to_owned()), ..file }),
    }
}

fn named_card(file: &str) -> Card {
    let name = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    Card {
        name: CardName { formatted_name: Some(name.to_owned()), ..CardName::default() },
        ..Card::default()
    }
}

/// Cards in one file at most, and numbers on one card.
const CARDS: usize = 257;
const PHONES: usize = 20;

/// The cards in a file: names and numbers.
pub(super) fn cards(name: &str, bytes: &[u8]) -> Content {
    let text = String::from_utf8_lossy(bytes);
    let mut cards: Vec<Card> = Vec::new();
    let mut open: Option<Card> = None;
    for line in text.lines() {
        let Some((field, value)) = line.trim_end().split_once(':') else { continue };
        let field = field.split(';').next().unwrap_or_default();
        let field = field.rsplit_once('.').map_or(field, |(_, field)| field).to_ascii_uppercase();
        match (&*field, &mut open) {
            ("BEGIN", open) => *open = Some(Card::default()),
            ("END", open) if cards.len() < CARDS => cards.extend(open.take()),
            ("FN", Some(card)) => card.name.formatted_name = Some(value.to_owned()),
            ("TEL", Some(card)) if card.phones.len() < PHONES => {
                card.phones.push(CardPhone { phone: Some(value.to_owned()), ..CardPhone::default() });
            }
            _ => {}
        }
    }
    if cards.is_empty() {
        cards.push(named_card(name));
    }
    Content::Contacts { cards }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_counts_on() {
        let mut before = Repetitions::default();
        assert_eq!([before.count([1; 16]), before.count([2; 16]), before.count([1; 16])], [0, 0, 1]);
        for index in 0..REMEMBERED as u64 {
            let mut digest = [3; 16];
            digest[..8].copy_from_slice(&index.to_be_bytes());
            before.count(digest);
        }
        assert_eq!(before.count([1; 16]), 2, "it is still remembered");
    }

    #[test]
    fn files_are_what_their_bytes_say() {
        assert_eq!(type_of("a.jpg", b"\xff\xd8\xff"), "image/jpeg");
        assert_eq!(type_of("a.jpg", b"OggS"), "audio/ogg");
        assert_eq!(type_of("a.jpg", b"<html>"), BYTES);
        assert_eq!(type_of("a.exe", b"MZ"), BYTES);
        assert!(matches!(with_file("STK-20231231-WA0001.webp", "", None), Content::Sticker(_)));
        assert!(matches!(with_file("PTT-1.opus", "", None), Content::Audio(File { voice: true, .. })));
        assert!(matches!(with_file("offer.pdf", "x", None), Content::Document(_)));
    }

    #[test]
    fn cards_are_read() {
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Lovelace\r\nitem1.TEL;waid=4915112345678:+49 1511 2345678\r\nEND:VCARD\r\n";
        let Content::Contacts { cards: found } = cards("x.vcf", card.as_bytes()) else { panic!() };
        assert_eq!(found[0].name.formatted_name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(found[0].phones[0].phone.as_deref(), Some("+49 1511 2345678"));
        let Content::Contacts { cards: found } = cards("Ben.vcf", b"\xff\xff") else { panic!() };
        assert_eq!(found[0].name.formatted_name.as_deref(), Some("Ben"));
    }
}
