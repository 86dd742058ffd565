//! What people read, and what scripts read: nothing that others wrote reaches a terminal as it came.

pub(crate) mod interactive;

use std::{collections::HashMap, fmt::Write as _, io::Write as _};

use client::{
    AccountId, Body, Card, Chat, Contact, Failure, Label, LabelChange, Location, Media, MediaKind, Menu,
    Message, State, Trust,
};
use serde::Serialize;
use serde_json::Value;

use super::problem::{Answer, Problem};

/// How a command says what it found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// One result: a JSON value in one line, or words.
    pub(crate) fn show(self, value: &impl Serialize, words: impl FnOnce() -> String) -> Answer {
        let text = if self.json {
            let mut value =
                serde_json::to_value(value).map_err(|error| Problem::failed(error.to_string()))?;
            hide_keys(&mut value);
            value.to_string()
        } else {
            words()
        };
        if text.is_empty() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // Whoever read has enough: `| head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(Problem::failed(format!("standard output: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Words that are no result: not with `--json`, and not where the results go.
    pub(crate) fn note(self, words: &str) {
        if !self.json {
            eprintln!("{words}");
        }
    }
}

/// Takes the keys of media out: whoever has one reads the medium.
pub(crate) fn hide_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.contains_key("digest") {
                object.remove("key");
            }
            object.values_mut().for_each(hide_keys);
        }
        Value::Array(values) => values.iter_mut().for_each(hide_keys),
        _ => {}
    }
}

/// Without what steers a terminal or turns the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    let steers = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|character| if steers(character) { '\u{fffd}' } else { character }).collect()
}

/// On one line, and not longer than this many characters.
pub(crate) fn line(text: &str, longest: usize) -> String {
    let text = clean(text).replace('\n', " ");
    if text.chars().count() <= longest {
        return text;
    }
    let cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// What accounts are called here.
#[derive(Debug, Default)]
pub(crate) struct Names {
    own: Option<AccountId>,
    names: HashMap<AccountId, String>,
}

impl Names {
    pub(crate) fn new(own: AccountId, contacts: &[Contact]) -> Self {
        let named = contacts.iter().filter_map(|contact| Some((contact.account, contact.title()?)));
        Self { own: Some(own), names: named.collect() }
    }

    pub(crate) fn of(&self, account: AccountId) -> String {
        match self.names.get(&account) {
            _ if self.own == Some(account) => "you".to_owned(),
            Some(name) => line(name, 40),
            None => account.to_string(),
        }
    }
}

pub(crate) fn message(message: &Message, names: &Names) -> String {
    if let Body::Label { label: seen, change } = &message.body {
        let (position, time) = (message.position, time(message.id.timestamp));
        return format!("#{position} {time} {}: {}", names.of(message.chat), label(seen.as_ref(), *change));
    }
    let author = match (message.id.author == message.chat, names.own == Some(message.id.author)) {
        (false, true) => format!("you → {}", names.of(message.chat)),
        (true, true) => "note to yourself".to_owned(),
        _ => names.of(message.id.author),
    };
    let mut text = format!("#{} {} {author}: ", message.position, time(message.id.timestamp));
    // Who quotes need not say what, and who has no history does not.
    if let Some(quote) = message.quote.as_ref().filter(|quote| !quote.excerpt.is_empty()) {
        let _infallible = write!(text, "[> {}] ", line(&quote.excerpt, 40));
    }
    text.push_str(&body(&message.body, message.expires_after));
    if let Some(preview) = &message.preview {
        let _infallible = write!(text, "\n    [{}] {}", line(&preview.url, 200), line(&preview.title, 200));
    }
    let mut marks: Vec<String> = Vec::new();
    if message.forwarded > 0 {
        marks.push("forwarded".into());
    }
    if message.edited.is_some() {
        marks.push("edited".into());
    }
    if message.expires_after > 0 {
        marks.push(format!("disappears {} after reading", span(message.expires_after)));
    }
    if names.own == Some(message.id.author) {
        marks.push(state(&message.state).into());
    }
    for reaction in &message.reactions {
        marks.push(format!("{} {}", line(&reaction.emoji, 16), names.of(reaction.author)));
    }
    if !marks.is_empty() {
        let _infallible = write!(text, "  ({})", marks.join(", "));
    }
    text
}

fn body(body: &Body, expires_after: u32) -> String {
    match body {
        Body::Text { text } => clean(text).replace('\n', "\n    "),
        Body::Media(media) => medium(media),
        Body::Location(location) => place(location),
        Body::Contacts { contacts } => contacts.iter().map(card).collect::<Vec<_>>().join("; "),
        Body::Timer if expires_after == 0 => "messages no longer disappear".into(),
        Body::Timer => format!("messages now disappear {} after reading", span(expires_after)),
        Body::Interactive(content) => interactive::interactive(content, body),
        Body::Template(template) => interactive::template(template, body),
        Body::Reply(reply) => interactive::reply(reply),
        Body::NumberShare { .. } => "(shares their number with this business)".into(),
        Body::Preference { marketing } => interactive::marketing(*marketing).into(),
        Body::ErasureRequest => "(asks to erase everything of this chat)".into(),
        Body::ErasureDone { messages, media, .. } => {
            format!("(erased: {messages} messages, {media} files)")
        }
        Body::ChatOpened => "(opened the chat)".into(),
        Body::Label { label: seen, change } => label(seen.as_ref(), *change),
        Body::Deleted => "(taken back)".into(),
        Body::Unsupported => "(not supported by this version)".into(),
    }
}

/// What a business offers in front of a chat: each prompt with the number that chooses it.
pub(crate) fn menu(menu: &Menu, who: &str) -> String {
    if menu.is_empty() {
        return format!("{who} offers nothing to choose from.");
    }
    let prompts = menu.prompts.iter().enumerate();
    let prompts = prompts.map(|(place, prompt)| format!("  /ask {}  {}", place + 1, line(prompt, 80)));
    let commands = menu.commands.iter();
    let commands =
        commands.map(|known| format!("  /{}  {}", line(&known.name, 32), line(&known.description, 256)));
    let lines: Vec<String> = prompts.chain(commands).collect();
    format!("{who} offers:\n{}", lines.join("\n"))
}

/// Who can read a chat.
pub(crate) fn label(label: Option<&Label>, change: LabelChange) -> String {
    let words = label.map(|label| {
        let verified = if label.verified { "verified" } else { "NOT VERIFIED" };
        format!("{} ({}, {verified})", line(&label.words(), 120), line(&label.legal_name, 120))
    });
    let words = words.unwrap_or_else(|| "nothing".to_owned());
    match change {
        LabelChange::First => words,
        LabelChange::Changed => format!("! Who can read this chat changed. Now: {words}"),
        LabelChange::Missing => {
            format!("! The relay does not say any more who can read this chat. It said: {words}")
        }
        LabelChange::Unsigned => {
            format!("! What says who can read this chat is not signed by the relay. Before: {words}")
        }
        LabelChange::Foreign => {
            format!(
                "! What says who can read this chat is about somebody else, or another key. Before: {words}"
            )
        }
        LabelChange::Stale => format!("! What says who can read this chat is out of date. It said: {words}"),
    }
}

/// The same with what it means, for who asks.
pub(crate) fn label_at_length(seen: Option<&Label>, change: LabelChange) -> String {
    let holds = matches!(change, LabelChange::First | LabelChange::Changed);
    match seen.filter(|_| holds) {
        Some(seen) => format!("{}\n    {}", label(Some(seen), change), line(&seen.readers(), 600)),
        None => label(seen, change),
    }
}

fn medium(media: &Media) -> String {
    let kind = match media.kind {
        MediaKind::File => "file",
        MediaKind::Image => "picture",
        MediaKind::Audio => "sound",
        MediaKind::Voice => "voice message",
        MediaKind::Video => "video",
        MediaKind::Document => "document",
        MediaKind::Sticker => "sticker",
    };
    let mut text = format!("[{kind}");
    if !media.file_name.is_empty() {
        let _infallible = write!(text, " {}", line(&media.file_name, 80));
    }
    let _infallible = write!(text, ", {}]", size(media.blob.size));
    if !media.caption.is_empty() {
        let _infallible = write!(text, " {}", clean(&media.caption).replace('\n', "\n    "));
    }
    text
}

fn place(location: &Location) -> String {
    let mut text = format!("[place {:.5},{:.5}]", location.latitude, location.longitude);
    for words in [&location.name, &location.address] {
        if !words.is_empty() {
            let _infallible = write!(text, " {}", line(words, 200));
        }
    }
    text
}

fn card(card: &Card) -> String {
    let websites = card.websites.iter().map(|site| &site.url);
    let lines = card.phone_numbers.iter().chain(&card.email_addresses).chain(websites);
    let work = [&card.title, &card.department, &card.organization, &card.birthday];
    let lines = lines.chain(work.into_iter().filter(|words| !words.is_empty()));
    let mut lines: Vec<String> = lines.map(|text| line(text, 80)).collect();
    for address in &card.addresses {
        let parts = [&address.street, &address.postal_code, &address.city, &address.state, &address.country];
        let parts: Vec<String> =
            parts.into_iter().filter(|part| !part.is_empty()).map(|part| line(part, 80)).collect();
        lines.push(parts.join(" "));
    }
    format!("[contact {}] {}", line(&card.name, 80), lines.join(", "))
}

pub(crate) fn state(state: &State) -> &'static str {
    match state {
        State::Queued => "waits here",
        State::Sent => "sent",
        State::Delivered => "delivered",
        State::Read => "read",
        State::Played => "played",
        State::Failed { reason: Failure::NoSuchAccount } => "not sent: there is no such account",
        State::Failed { reason: Failure::QueueFull } => "not sent: too much waits for them already",
        State::Failed { reason: Failure::Refused } => "not sent: the relay does not take it",
        State::Failed { reason: Failure::Devices } => "not sent: their devices are in disorder",
        State::Failed { reason: Failure::Forbidden } => "not sent: this business may not write to them",
        State::Expired => "deleted: nobody collected it for 30 days",
    }
}

pub(crate) fn chat(chat: &Chat, names: &Names) -> String {
    let title = match &chat.title {
        Some(title) if names.own != Some(chat.account) => line(title, 40),
        _ => names.of(chat.account),
    };
    let unread = if chat.unread > 0 { format!(" ({} unread)", chat.unread) } else { String::new() };
    let held = if chat.held { " [identity changed: chat verify]" } else { "" };
    let label = match &chat.label {
        Some(state) if !state.shown && state.change != LabelChange::First => " [label changed: chat label]",
        _ => "",
    };
    let latest = chat.latest.as_ref().map(|latest| line(&message(latest, names), 90)).unwrap_or_default();
    format!("{title}{unread}{held}{label}\n    {latest}")
}

pub(crate) fn contact(contact: &Contact) -> String {
    let name = contact.title().map_or_else(|| "(no name)".to_owned(), |name| line(&name, 40));
    let number = contact.number.as_ref().map(|number| format!("  {number}")).unwrap_or_default();
    let trust = match contact.trust {
        Trust::Unknown => "",
        Trust::FirstUse => "  not verified",
        Trust::Verified => "  verified",
        Trust::Changed => "  IDENTITY CHANGED",
    };
    let blocked = if contact.blocked { "  blocked" } else { "" };
    format!("{name}{number}  {}{trust}{blocked}", contact.account)
}

/// In groups of five, four in a line.
pub(crate) fn digits(digits: &str) -> String {
    let groups: Vec<String> =
        digits.as_bytes().chunks(5).map(|g| String::from_utf8_lossy(g).into()).collect();
    groups.chunks(4).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n")
}

/// As a QR code made of half blocks, dark on light whatever the terminal's colours are.
pub(crate) fn qr(bytes: &[u8]) -> Answer<String> {
    use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
    let code = QrCode::with_error_correction_level(bytes, EcLevel::L);
    let code = code.map_err(|_| Problem::failed("too much for a QR code"))?;
    // Where dark cells are left out, the light ones are drawn: most terminals are dark.
    let mut drawn = code.render::<Dense1x2>();
    Ok(drawn.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// The time in this place; the day too if it is another one than today would be read as.
pub(crate) fn time(milliseconds: u64) -> String {
    let stamp = i64::try_from(milliseconds).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let Some(stamp) = stamp else { return "?".to_owned() };
    stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

pub(crate) fn span(seconds: u32) -> String {
    let units = [(604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let unit = units.iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    let (length, name) = unit.copied().unwrap_or((1, "second"));
    let count = seconds / length;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_does_not_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\nd\r"), "a\u{fffd}[2Jb\u{fffd}c\nd\u{fffd}");
        assert_eq!(line("one\ntwo three", 8), "one two…");
    }

    #[test]
    fn keys_of_media_are_not_shown() {
        let mut value = serde_json::json!({"a": [{"id": "b", "key": "secret", "digest": "d"}], "key": 1});
        hide_keys(&mut value);
        assert_eq!(value, serde_json::json!({"a": [{"id": "b", "digest": "d"}], "key": 1}));
    }

    #[test]
    fn spans_and_digits_read_well() {
        assert_eq!(
            (span(3600), span(90), span(172_800)),
            ("1 hour".into(), "90 seconds".into(), "2 days".into())
        );
        assert_eq!(digits(&"12345".repeat(12)).lines().count(), 3);
    }
}
