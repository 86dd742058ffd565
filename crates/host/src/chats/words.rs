//! The words of messages, as what stands for them in the index: nobody who has not the business's key can tell which word
//! one stands for.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::{
    content::{Action, Content, Header, InteractiveReply},
    sealing::BusinessKey,
};

/// Words of one message in the index at most.
const MOST: usize = 500;
/// Characters of a word that count.
const LONGEST: usize = 64;

/// The distinct words of a text, in lower case.
pub(crate) fn of(text: &str) -> BTreeSet<String> {
    let words = text.unicode_words().map(|word| word.to_lowercase().chars().take(LONGEST).collect());
    words.take(4 * MOST).collect::<BTreeSet<String>>().into_iter().take(MOST).collect()
}

/// What stands for the words of a text.
pub(crate) fn hidden(key: &BusinessKey, text: &str) -> Vec<[u8; 16]> {
    let short = |word: String| {
        let mut short = [0; 16];
        short.iter_mut().zip(key.word(&word)).for_each(|(to, from)| *to = from);
        short
    };
    of(text).into_iter().map(short).collect()
}

/// Everything in a content that people would look for.
pub(crate) fn text_of(content: &Content) -> String {
    let mut parts: Vec<&str> = Vec::new();
    match content {
        Content::Text(text) => parts.push(&text.body),
        Content::Edit { body, .. } => parts.push(body),
        Content::Location(place) => {
            parts.extend(place.name.as_deref());
            parts.extend(place.address.as_deref());
        }
        Content::Contacts { cards } => {
            parts.extend(cards.iter().filter_map(|card| card.name.formatted_name.as_deref()));
        }
        Content::Button(reply) => parts.push(&reply.text),
        Content::InteractiveReply(
            InteractiveReply::ButtonReply { title, .. } | InteractiveReply::ListReply { title, .. },
        ) => parts.push(title),
        Content::Interactive(interactive) => {
            if let Some(Header::Text { text }) = &interactive.header {
                parts.push(text);
            }
            parts.extend(interactive.body.as_deref());
            parts.extend(interactive.footer.as_deref());
            if let Action::Button { buttons } = &interactive.action {
                parts.extend(buttons.iter().map(|button| &*button.title));
            }
        }
        Content::Template(template) => {
            if let Some(Header::Text { text }) = &template.header {
                parts.push(text);
            }
            parts.push(&template.body);
            parts.extend(template.footer.as_deref());
        }
        other => {
            if let Some(file) = other.file() {
                parts.extend(file.caption.as_deref());
                parts.extend(file.filename.as_deref());
            }
        }
    }
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_their_case_and_script() {
        let words = of("Grüße, Straße! naïve 你好 ΟΔΥΣΣΕΎΣ can't 42");
        for word in ["grüße", "straße", "naïve", "can't", "42"] {
            assert!(words.contains(word), "{word}: {words:?}");
        }
        assert!(words.iter().any(|word| word.contains('你')), "{words:?}");
    }

    #[test]
    fn a_long_text_has_a_bounded_number_of_words() {
        let text: String = (0..10_000).map(|number| format!("w{number} ")).collect();
        assert_eq!(of(&text).len(), MOST);
    }
}
