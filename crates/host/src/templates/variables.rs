//! The places in a template's text: `{{1}}` or `{{name}}`.

use crate::codes::{Code, Refusal};

/// Bytes of a name at most.
const NAME: usize = 64;

/// How a template names its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ParameterFormat {
    /// `{{1}}`, `{{2}}`, … without gaps.
    Positional,
    /// `{{lower_case}}`.
    Named,
}

/// A text cut at its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// Cuts a text at its places. Braces that are none of a place are text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Place(name.trim()));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The names of its places, in order, each once.
pub(super) fn places(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for piece in pieces(text) {
        if let Piece::Place(name) = piece
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// Checks the places of a text (spec section 5): of the right form, none at either end if `inner`, not two in a row, not
/// too many for the words around them.
pub(super) fn check(text: &str, format: ParameterFormat, what: &str, inner: bool) -> Result<(), Refusal> {
    let refuse = |subcode, details: String| {
        Err(Refusal::new(Code::Parameter, format!("{what}: {details}")).with_subcode(subcode))
    };
    let pieces = pieces(text);
    let names = places(text);
    for (index, name) in names.iter().enumerate() {
        let good = match format {
            ParameterFormat::Positional => **name == (index + 1).to_string(),
            ParameterFormat::Named => {
                (1..=NAME).contains(&name.len())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                    && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            }
        };
        if !good {
            let wanted = match format {
                ParameterFormat::Positional => "{{1}}, {{2}}, … in order and without gaps",
                ParameterFormat::Named => "{{lower_case_names}}",
            };
            return refuse(2_388_073, format!("{{{{{name}}}}} is no place; places are {wanted}"));
        }
    }
    if !inner || names.is_empty() {
        return Ok(());
    }
    let at_an_end =
        matches!(pieces.first(), Some(Piece::Place(_))) || matches!(pieces.last(), Some(Piece::Place(_)));
    if at_an_end {
        return refuse(2_388_299, "a text cannot begin or end with a place".to_owned());
    }
    let mut words = 0;
    let mut after_place = false;
    for piece in &pieces {
        match piece {
            Piece::Place(_) if after_place => {
                return refuse(2_388_073, "two places cannot stand beside each other".to_owned());
            }
            Piece::Place(_) => after_place = true,
            Piece::Text(text) => {
                let here =
                    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
                words += here;
                after_place = after_place && text.trim().is_empty();
            }
        }
    }
    if words < names.len() * 2 + 1 {
        return refuse(2_388_293, "too many places for so few words".to_owned());
    }
    Ok(())
}

/// The text with its places filled in.
pub(super) fn fill<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Place(name) => filled.push_str(value(name)?),
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_and_filled() {
        let text = "Hi {{1}}, your {{ 2 }} is {{1}}.";
        assert_eq!(places(text), ["1", "2"]);
        let filled = fill(text, |name| Some(if name == "1" { "Ada" } else { "order" }));
        assert_eq!(filled.unwrap(), "Hi Ada, your order is Ada.");
        assert_eq!(fill("{{x}}", |_| None), None);
        assert_eq!(places("{{ open, }} and }}{{"), ["open,"]);
    }

    #[test]
    fn what_is_filled_in_is_not_cut_again() {
        assert_eq!(fill("a {{1}} b", |_| Some("{{2}}")).unwrap(), "a {{2}} b");
    }

    #[test]
    fn places_that_the_api_refuses() {
        use ParameterFormat::{Named, Positional};
        let refused =
            |text, format| check(text, format, "body", true).err().and_then(|refusal| refusal.subcode);
        assert_eq!(refused("Hello {{1}}, we have good news about {{2}} for you", Positional), None);
        assert_eq!(refused("Hello {{first_name}}, we have news for you", Named), None);
        assert_eq!(refused("Hello {{2}} good day to you", Positional), Some(2_388_073));
        assert_eq!(refused("Hello {{Name}} good day to you", Named), Some(2_388_073));
        assert_eq!(refused("{{1}} good day to you all", Positional), Some(2_388_299));
        assert_eq!(refused("good day to you {{1}}", Positional), Some(2_388_299));
        assert_eq!(refused("good day {{1}} {{2}} to you and yours", Positional), Some(2_388_073));
        assert_eq!(refused("a {{1}} b {{2}} c {{3}} d", Positional), Some(2_388_293));
    }
}
