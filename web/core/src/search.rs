//! Looking for words in what this device has.

use client::{AccountId, Body, Device, Interactive, Message};

use crate::problem::Problem;

/// Bytes of what is looked for.
const TEXT: usize = 256;
/// Messages that are looked through at once, and read together.
const LOOKED_THROUGH: usize = 5000;
const PAGE: usize = 250;

/// Messages that have these words, the latest first, and where to go on.
pub(crate) async fn search(
    device: &Device,
    text: &str,
    chat: Option<AccountId>,
    mut before: Option<u64>,
    limit: usize,
) -> Result<(Vec<Message>, Option<u64>), Problem> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() || text.len() > TEXT {
        return Err(Problem::invalid("1 to 256 bytes can be looked for"));
    }
    let (mut found, mut seen) = (Vec::new(), 0);
    while seen < LOOKED_THROUGH {
        let page = match chat {
            Some(chat) => device.history(chat, before, PAGE).await?,
            None => device.latest_messages(before, PAGE).await?,
        };
        if page.is_empty() {
            return Ok((found, None));
        }
        seen += page.len();
        for message in page {
            before = Some(message.position);
            if has(&message.body, &wanted) {
                found.push(message);
                if found.len() >= limit {
                    return Ok((found, before));
                }
            }
        }
    }
    Ok((found, before))
}

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
