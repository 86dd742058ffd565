//! What a template's review says by itself; the rest is for a person to decide.

use super::{
    definition::Definition,
    parts::{ButtonPart, HeaderPart, Parts},
};
use crate::content::Category;

/// What came of the automatic rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing speaks against it.
    Fine,
    /// Refused, for the API's reason.
    Refused(&'static str),
    /// A person should look.
    Doubtful,
}

/// Words with which people are asked for what no business asks for in a chat.
const SECRETS: &[&str] =
    &["password", "passwort", "contraseña", "cvv", "card number", "kartennummer", "pin code", "seed phrase"];
/// Words of offers, in what says that it is none.
const OFFERS: &[&str] = &[
    "discount",
    "% off",
    "special offer",
    "sale ends",
    "promo code",
    "buy now",
    "rabatt",
    "oferta",
    "promoção",
];

impl Definition {
    /// The same, as advertising if it is that and says that it is none: where the business lets its category be changed.
    #[must_use]
    pub fn in_its_category(self) -> Self {
        let wrong = review(&self) == Verdict::Refused("INCORRECT_CATEGORY");
        Self { category: if wrong { Category::Marketing } else { self.category }, ..self }
    }
}

/// Looks at all words of a template.
pub(super) fn review(definition: &Definition) -> Verdict {
    let words = words(&definition.parts).to_lowercase();
    if SECRETS.iter().any(|secret| words.contains(secret)) && definition.category != Category::Authentication
    {
        return Verdict::Refused("SCAM");
    }
    if definition.category == Category::Utility && OFFERS.iter().any(|offer| words.contains(offer)) {
        return Verdict::Refused("INCORRECT_CATEGORY");
    }
    let shortened = ["bit.ly/", "tinyurl.com/", "t.co/", "goo.gl/"].iter().any(|link| words.contains(link));
    if shortened { Verdict::Doubtful } else { Verdict::Fine }
}

fn words(parts: &Parts) -> String {
    let mut all = String::new();
    let mut add = |text: &str| {
        all.push_str(text);
        all.push('\n');
    };
    if let Some(HeaderPart::Text { text }) = &parts.header {
        add(text);
    }
    parts.body.iter().chain(&parts.footer).for_each(|text| add(text));
    for button in &parts.buttons {
        if let ButtonPart::Url { text, url } = button {
            add(text);
            add(url);
        }
    }
    for card in &parts.cards {
        all.push_str(&words(card));
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(category: &str, body: &str) -> Verdict {
        let components = [json!({"type": "BODY", "text": body})];
        review(&Definition::parse("t", "en", category, None, &components, None).unwrap())
    }

    #[test]
    fn what_is_plain_is_decided_and_the_rest_is_left() {
        assert_eq!(verdict("UTILITY", "Your order is on its way"), Verdict::Fine);
        assert_eq!(verdict("UTILITY", "20% off today"), Verdict::Refused("INCORRECT_CATEGORY"));
        assert_eq!(verdict("MARKETING", "20% off today"), Verdict::Fine);
        assert_eq!(verdict("MARKETING", "Send us your Password"), Verdict::Refused("SCAM"));
        assert_eq!(verdict("UTILITY", "See https://bit.ly/x for more"), Verdict::Doubtful);
    }
}
