//! What a message is, by what the app writes in its place.

use super::{phrases as words, stamp::is_mark};

/// Characters of what the app writes at most.
const NOTICE: usize = 120;

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// What.
    pub body: Body,
    /// Whether it was changed after it had been sent.
    pub edited: bool,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Words.
    Text(String),
    /// A poll, with its options, as words.
    Poll(String),
    /// A file beside the text.
    Attached {
        /// Its name.
        name: String,
        /// Words under it; may be empty.
        caption: String,
    },
    /// A file that was left out.
    Omitted(Omitted),
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
    },
    /// Somebody showed where they were going.
    LiveLocation,
    /// It was taken back.
    Deleted,
    /// Nothing that an export has words for.
    Nothing,
}

/// What kind of file was left out, as far as the text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "kinds of files")]
pub enum Omitted {
    Picture,
    Film,
    Sound,
    Sticker,
    Moving,
    Document,
    Card,
    Any,
}

impl Said {
    /// What a text says. `beside`: whether there is a file of this name.
    pub fn read(text: &str, beside: impl Fn(&str) -> bool) -> Self {
        // The app puts a mark in front of what it writes itself.
        let marked = text.starts_with(is_mark);
        let text = text.trim_start_matches(is_mark).trim_end();
        let (text, edited) = without_edit(text);
        let body = attached(text, &beside)
            .or_else(|| deleted(text).then_some(Body::Deleted))
            .or_else(|| omitted(text, marked).map(Body::Omitted))
            .or_else(|| location(text))
            .unwrap_or_else(|| words(text));
        Self { body, edited }
    }
}

fn words(text: &str) -> Body {
    let lower = |text: &str| text.chars().take(NOTICE).collect::<String>().to_lowercase();
    let first = lower(text.lines().next().unwrap_or_default());
    let bare = first.trim_end_matches('.');
    if text.is_empty() || text == "null" {
        Body::Nothing
    } else if words::POLL.iter().any(|poll| first.starts_with(poll)) && text.contains('\n') {
        Body::Poll(text.to_owned())
    } else if words::LIVE_LOCATION.contains(&bare) {
        Body::LiveLocation
    } else {
        Body::Text(text.to_owned())
    }
}

fn has(text: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| text.contains(part))
}

/// Without "<This message was edited>" at its end.
fn without_edit(text: &str) -> (&str, bool) {
    let Some((before, notice)) = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) else {
        return (text, false);
    };
    if notice.len() <= NOTICE && !notice.contains('\n') && has(&notice.to_lowercase(), words::EDITED) {
        (before.trim_end_matches(|char: char| is_mark(char) || char.is_whitespace()), true)
    } else {
        (text, false)
    }
}

fn deleted(text: &str) -> bool {
    let bare = text.trim_end_matches(['.', '。']).trim();
    bare.len() <= NOTICE && words::DELETED.contains(&&*bare.to_lowercase())
}

/// `<Media omitted>`, or `image omitted` behind a mark.
fn omitted(text: &str, marked: bool) -> Option<Omitted> {
    if text.len() > NOTICE || text.contains('\n') {
        return None;
    }
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let notice = inner.unwrap_or(text).to_lowercase();
    let few = notice.split_whitespace().count() <= 5;
    if !(has(&notice, words::OMITTED) && (inner.is_some() || (marked && few))) {
        return None;
    }
    let kinds = [
        (words::STICKER, Omitted::Sticker),
        (words::MOVING, Omitted::Moving),
        (words::FILM, Omitted::Film),
        (words::SOUND, Omitted::Sound),
        (words::PICTURE, Omitted::Picture),
        (words::CARD, Omitted::Card),
        (words::DOCUMENT, Omitted::Document),
    ];
    // "Multimedia", "media file": of no kind that is known.
    if inner.is_some() && has(&notice, words::MEDIA) {
        return Some(Omitted::Any);
    }
    let kind = kinds.iter().find(|(names, _)| has(&notice, names)).map(|(_, kind)| *kind);
    kind.or_else(|| (inner.is_some() || has(&notice, words::MEDIA)).then_some(Omitted::Any))
}

/// `IMG-20231231-WA0001.jpg (file attached)` with its caption below, or `caption <attached: 00000001-PHOTO.jpg>`.
fn attached(text: &str, beside: &impl Fn(&str) -> bool) -> Option<Body> {
    let (first, below) = text.split_once('\n').unwrap_or((text, ""));
    let first: String = first.chars().filter(|char| !is_mark(*char)).collect();
    if let Some((name, notice)) = first.trim_end().strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        let sure = beside(name) || of_the_app(name) || has(&notice.to_lowercase(), words::ATTACHED);
        if is_file_name(name) && sure && notice.len() <= NOTICE {
            return Some(Body::Attached { name: name.to_owned(), caption: below.trim().to_owned() });
        }
    }
    let inner = text.strip_suffix('>')?;
    let (before, inner) = inner.rsplit_once('<')?;
    let inner: String = inner.chars().filter(|char| !is_mark(*char)).collect();
    let (notice, name) = inner.split_once([':', '：'])?;
    let name = name.trim();
    let sure = beside(name) || of_the_app(name) || has(&notice.to_lowercase(), words::ATTACHED);
    if !(is_file_name(name) && sure && notice.len() <= NOTICE) {
        return None;
    }
    let caption = before.trim_matches(|char: char| is_mark(char) || char.is_whitespace());
    // Of documents the app repeats the name, and how many pages it has.
    let said = caption.split(" • ").next().unwrap_or_default().trim();
    let caption = if name.ends_with(said) { "" } else { caption };
    Some(Body::Attached { name: name.to_owned(), caption: caption.to_owned() })
}

fn is_file_name(name: &str) -> bool {
    let short = !name.is_empty() && name.len() <= 255;
    let ending = name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty()
            && (1..=8).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    short && ending && !name.contains(['/', '\\', '\0', '\n'])
}

/// `IMG-20231231-WA0001.jpg` and `00000001-PHOTO-2023-12-31-23-59-58.jpg`: whatever the language.
fn of_the_app(name: &str) -> bool {
    let mut parts = name.split(['-', '.']);
    let (Some(first), Some(second)) = (parts.next(), parts.next()) else { return false };
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let capitals = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    (capitals(first) && digits(second) && parts.next().is_some_and(|third| third.starts_with("WA")))
        || (digits(first) && capitals(second))
}

/// A map's address with two numbers, with at most a word in front.
fn location(text: &str) -> Option<Body> {
    let (before, after) = text.split_once("https://maps.google.com/?q=")?;
    let word = before.trim();
    if !(word.is_empty() || (word.ends_with([':', '：']) && word.len() <= 40)) {
        return None;
    }
    let (latitude, longitude) = after.trim().split_once(',')?;
    let number = |text: &str, most: f64| {
        let plain =
            text.len() <= 24 && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
        text.parse::<f64>().ok().filter(|number| plain && number.abs() <= most)
    };
    Some(Body::Location { latitude: number(latitude, 90.0)?, longitude: number(longitude, 180.0)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        Said::read(text, |name| name == "Offer (2).pdf").body
    }

    #[test]
    fn files_are_told_whatever_the_language() {
        let file =
            |name: &str, caption: &str| Body::Attached { name: name.to_owned(), caption: caption.to_owned() };
        for (text, expected) in [
            ("IMG-20231231-WA0001.jpg (file attached)", file("IMG-20231231-WA0001.jpg", "")),
            (
                "\u{200e}IMG-20231231-WA0001.jpg (Datei angehängt)\nlook!\nhere",
                file("IMG-20231231-WA0001.jpg", "look!\nhere"),
            ),
            ("PTT-20231231-WA0001.opus (något helt annat)", file("PTT-20231231-WA0001.opus", "")),
            ("Offer (2).pdf (whatever)", file("Offer (2).pdf", "")),
            ("Ada Lovelace.vcf (file attached)", file("Ada Lovelace.vcf", "")),
            (
                "\u{200e}<attached: 00000001-PHOTO-2023-12-31-23-59-58.jpg>",
                file("00000001-PHOTO-2023-12-31-23-59-58.jpg", ""),
            ),
            ("look \u{200e}<Anhang: 00000002-VIDEO.mp4>", file("00000002-VIDEO.mp4", "look")),
            (
                "Offer.pdf • \u{200e}3 pages \u{200e}<adjunto: 00000003-Offer.pdf>",
                file("00000003-Offer.pdf", ""),
            ),
        ] {
            assert_eq!(body(text), expected, "{text}");
        }
        for text in ["see file.txt (it is old)", "<b>: x>", "../../x.jpg (file attached)", "a < b: c.d>"] {
            assert_eq!(body(text), Body::Text(text.to_owned()));
        }
    }

    #[test]
    fn what_was_left_out_taken_back_or_changed_is_told() {
        for (text, kind) in [
            ("<Media omitted>", Omitted::Any),
            ("<Medien ausgeschlossen>", Omitted::Any),
            ("<Multimedia omitido>", Omitted::Any),
            ("<Médias omis>", Omitted::Any),
            ("<Mídia oculta>", Omitted::Any),
            ("<Без медиафайлов>", Omitted::Any),
            ("<تم استبعاد الوسائط>", Omitted::Any),
            ("<媒体文件已省略>", Omitted::Any),
            ("\u{200e}image omitted", Omitted::Picture),
            ("\u{200e}Bild weggelassen", Omitted::Picture),
            ("\u{200e}Video weggelassen", Omitted::Film),
            ("\u{200e}audio omis", Omitted::Sound),
            ("\u{200e}sticker omitted", Omitted::Sticker),
            ("\u{200e}GIF omitted", Omitted::Moving),
            ("\u{200e}Contact card omitted", Omitted::Card),
            ("\u{200e}document omitted", Omitted::Document),
        ] {
            assert_eq!(body(text), Body::Omitted(kind), "{text}");
        }
        assert_eq!(body("image omitted"), Body::Text("image omitted".to_owned()), "somebody wrote it");
        assert_eq!(body("This message was deleted"), Body::Deleted);
        assert_eq!(body("\u{200e}Du hast diese Nachricht gelöscht."), Body::Deleted);
        let said = Said::read("two \u{200e}<This message was edited>", |_| false);
        assert_eq!(said, Said { body: Body::Text("two".to_owned()), edited: true });
    }

    #[test]
    fn places_and_polls_are_told() {
        let place = Body::Location { latitude: 52.5, longitude: -13.25 };
        assert_eq!(body("location: https://maps.google.com/?q=52.5,-13.25"), place);
        assert_eq!(body("\u{200e}Standort: https://maps.google.com/?q=52.5,-13.25"), place);
        for text in [
            "https://maps.google.com/?q=952.5,1",
            "see https://maps.google.com/?q=1,1",
            "https://maps.google.com/?q=inf,1",
        ] {
            assert_eq!(body(text), Body::Text(text.to_owned()));
        }
        assert!(matches!(body("POLL:\nTea?\nOPTION: yes (1 vote)"), Body::Poll(_)));
        assert_eq!(body("live location shared"), Body::LiveLocation);
        assert_eq!(body("null"), Body::Nothing);
    }
}
