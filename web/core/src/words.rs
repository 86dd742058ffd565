//! The words of a message.

use client::{Body, Interactive};

/// Whether a message says these words, in lower case.
pub(crate) fn has(body: &Body, wanted: &str) -> bool {
    let says = |text: &str| text.to_lowercase().contains(wanted);
    let interactive = |content: &Interactive| {
        says(&content.body)
            || says(&content.footer)
            || content.buttons.iter().any(|button| says(&button.title))
            || content.slides.iter().any(|slide| says(&slide.body))
            || matches!(&content.header, Some(client::Header::Text { text }) if says(text))
    };
    match body {
        Body::Text { text } => says(text),
        Body::Media(media) => says(&media.caption) || says(&media.file_name),
        Body::Location(location) => says(&location.name) || says(&location.address),
        Body::Contacts { contacts } => contacts.iter().any(|card| says(&card.name)),
        Body::Interactive(content) => interactive(content),
        Body::Template(template) => interactive(&template.content),
        Body::Reply(reply) => says(&reply.title),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_their_case() {
        let text = Body::Text { text: "Grüße aus München".into() };
        assert!(has(&text, "grüße aus"));
        assert!(!has(&text, "bank"));
        assert!(!has(&Body::Deleted, "bank"));
    }
}
