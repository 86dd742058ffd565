//! What businesses send, as words and a numbered list of what can be chosen.

use std::fmt::Write as _;

use client::{Body, ButtonAction, Choice, Header, Interactive, Marketing, Reply, Template};

use super::{clean, line, medium, place, time};

/// Between the lines of a message.
const INDENT: &str = "\n    ";

fn words(text: &str) -> String {
    clean(text).replace('\n', INDENT)
}

fn header(header: &Header) -> String {
    match header {
        Header::Text { text } => words(text),
        Header::Media(media) => medium(media),
        Header::Location(location) => place(location),
    }
}

/// What stands above and in the words, without what can be chosen.
fn parts(content: &Interactive) -> Vec<String> {
    let mut parts: Vec<String> = content.header.iter().map(header).collect();
    if !content.body.is_empty() {
        parts.push(words(&content.body));
    }
    if !content.footer.is_empty() {
        parts.push(format!("({})", words(&content.footer)));
    }
    for (index, slide) in content.slides.iter().enumerate() {
        let mut text = format!("[{} of {}]", index + 1, content.slides.len());
        for part in
            slide.header.iter().map(header).chain([words(&slide.body)]).filter(|part| !part.is_empty())
        {
            let _infallible = write!(text, " {part}");
        }
        parts.push(text);
    }
    if let Some(list) = content.list.as_ref().filter(|list| !list.button.is_empty()) {
        parts.push(format!("{}:", line(&list.button, 80)));
    }
    parts
}

/// One thing that can be chosen, with its number.
pub(crate) fn choice(number: usize, choice: &Choice) -> String {
    let mut text = format!("{number}) {}", line(&choice.title, 80));
    if !choice.description.is_empty() {
        let _infallible = write!(text, " – {}", line(&choice.description, 200));
    }
    let does = match &choice.action {
        ButtonAction::Reply { .. } => return text,
        ButtonAction::Url { url } => format!("opens {}", line(url, 400)),
        ButtonAction::Call { number } => format!("calls {}", line(number, 64)),
        ButtonAction::Copy { text } => format!("copies {}", line(text, 200)),
        ButtonAction::LocationRequest => "asks where you are".to_owned(),
        ButtonAction::ContactRequest => "asks for your number".to_owned(),
        ButtonAction::Other { name, .. } => format!("{}: not supported by this version", line(name, 40)),
        ButtonAction::Unsupported => "not supported by this version".to_owned(),
    };
    let _infallible = write!(text, " [{does}]");
    text
}

fn shown(mut parts: Vec<String>, body: &Body) -> String {
    parts.extend(body.choices().iter().enumerate().map(|(index, offered)| choice(index + 1, offered)));
    parts.join(INDENT)
}

pub(super) fn interactive(content: &Interactive, body: &Body) -> String {
    shown(parts(content), body)
}

pub(super) fn template(template: &Template, body: &Body) -> String {
    let mut parts = parts(&template.content);
    if let Some(offer) = &template.offer {
        let until = if offer.ends > 0 { format!(", until {}", time(offer.ends)) } else { String::new() };
        parts.push(format!("[offer] {}{until}", words(&offer.text)));
    }
    shown(parts, body)
}

pub(super) fn reply(reply: &Reply) -> String {
    let title = if reply.title.is_empty() { &reply.id } else { &reply.title };
    let mut text = format!("[chosen] {}", line(title, 200));
    if !reply.description.is_empty() {
        let _infallible = write!(text, " – {}", line(&reply.description, 200));
    }
    if !reply.response.is_empty() {
        let _infallible = write!(text, " {}", line(&reply.response, 200));
    }
    text
}

pub(super) const fn marketing(marketing: Marketing) -> &'static str {
    match marketing {
        Marketing::Unchanged => "(no wish about marketing)",
        Marketing::Stop => "(no marketing messages, please)",
        Marketing::Resume => "(marketing messages are welcome again)",
    }
}

#[cfg(test)]
mod tests {
    use client::{Button, ChoiceList, Row, Section};

    use super::*;

    #[test]
    fn choices_have_numbers_and_steer_nothing() {
        let button = |title: &str, action| Button { title: title.into(), action };
        let content = Interactive {
            header: Some(Header::Text { text: "Card 4711".into() }),
            body: "Did you pay\n950 EUR?\u{1b}[2J".into(),
            footer: "Your bank".into(),
            buttons: vec![
                button("Yes\nNo", ButtonAction::Reply { id: "y".into() }),
                button("Terms", ButtonAction::Url { url: "https://bank.example".into() }),
            ],
            list: Some(ChoiceList {
                button: "Times".into(),
                sections: vec![Section {
                    title: String::new(),
                    rows: vec![Row { id: "9".into(), title: "9:00".into(), description: "free".into() }],
                }],
            }),
            ..Interactive::default()
        };
        let body = Body::Interactive(content.clone());
        assert_eq!(
            interactive(&content, &body).lines().map(str::trim).collect::<Vec<_>>(),
            [
                "Card 4711",
                "Did you pay",
                "950 EUR?\u{fffd}[2J",
                "(Your bank)",
                "Times:",
                "1) Yes No",
                "2) Terms [opens https://bank.example]",
                "3) 9:00 – free",
            ]
        );
    }
}
