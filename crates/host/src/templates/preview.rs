//! A template as a person will see it, before it is made: filled in with what is given, or else with its own examples.

use serde_json::{Map, Value, json};

use super::{Definition, HeaderPart, ParameterFormat, fill, parts::text, variables};
use crate::{codes::Refusal, content, ids::TemplateId};

/// What stands for a file that is not chosen yet.
const FILE: &str = "https://example.invalid/file";

impl Definition {
    /// It, filled in; `components` as a request that sends it has them, none for its own examples.
    ///
    /// # Errors
    /// What does not fit.
    pub fn preview(&self, components: Option<&Value>) -> Result<content::Template, Refusal> {
        // It has no name yet, and is not sent.
        let nowhere = TemplateId::from_name(0);
        match components {
            Some(_) => fill::fill(nowhere, self, components),
            None => fill::fill(nowhere, self, Some(&self.examples())),
        }
    }

    /// What a request would have to fill it with its own examples.
    fn examples(&self) -> Value {
        let component = |kind: &str| {
            self.components
                .iter()
                .find(|part| text(part, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind)))
        };
        let mut given = Vec::new();
        match &self.parts.header {
            Some(HeaderPart::Text { text }) => {
                let example = component("HEADER").and_then(|part| part.get("example"));
                given.push(self.texts("header", text, example, "header_text"));
            }
            Some(HeaderPart::Image) => given.push(file("image")),
            Some(HeaderPart::Video) => given.push(file("video")),
            Some(HeaderPart::Document) => given.push(file("document")),
            Some(HeaderPart::Location) => {
                let place = json!({ "latitude": 0, "longitude": 0, "name": "…", "address": "…" });
                let parameter = json!({ "type": "location", "location": place });
                given.push(json!({ "type": "header", "parameters": [parameter] }));
            }
            None => {}
        }
        let body = self.parts.body.as_deref().unwrap_or_default();
        let example = component("BODY").and_then(|part| part.get("example"));
        given.push(self.texts("body", body, example, "body_text"));
        let buttons = component("BUTTONS").and_then(|part| part.get("buttons")).and_then(Value::as_array);
        for (index, button) in buttons.into_iter().flatten().enumerate() {
            let kind = text(button, "type").unwrap_or_default().to_ascii_lowercase();
            let words = match kind.as_str() {
                "url" if text(button, "url").is_some_and(|url| url.contains("{{")) => "example",
                "otp" => "123456",
                _ => continue,
            };
            given.push(json!({
                "type": "button", "sub_type": "url", "index": index,
                "parameters": [{ "type": "text", "text": words }],
            }));
        }
        Value::Array(given)
    }

    /// A parameter for each place in some words: its example, or its own name.
    fn texts(&self, kind: &str, words: &str, example: Option<&Value>, list: &str) -> Value {
        let named = self.parameter_format == ParameterFormat::Named;
        let given = example.and_then(|example| example.get(list)).and_then(Value::as_array);
        // `body_text` is a list of lists, `header_text` a list.
        let given = given.map(|given| given.first().and_then(Value::as_array).unwrap_or(given));
        let of_names = example.and_then(|example| example.get(format!("{list}_named_params")));
        let of_names = of_names.and_then(Value::as_array);
        let parameters = variables::places(words).into_iter().enumerate().map(|(at, place)| {
            let example = if named {
                let found = of_names.into_iter().flatten().find(|row| text(row, "param_name") == Some(place));
                found.and_then(|row| text(row, "example"))
            } else {
                given.and_then(|given| given.get(at)).and_then(Value::as_str)
            };
            let shown = example.map_or_else(|| format!("[{place}]"), str::to_owned);
            let mut parameter = Map::from_iter([
                ("type".to_owned(), Value::from("text")),
                ("text".to_owned(), Value::from(shown)),
            ]);
            if named {
                parameter.insert("parameter_name".to_owned(), place.into());
            }
            Value::Object(parameter)
        });
        json!({ "type": kind, "parameters": parameters.collect::<Vec<_>>() })
    }
}

fn file(kind: &str) -> Value {
    let mut parameter = Map::from_iter([("type".to_owned(), Value::from(kind))]);
    parameter.insert(kind.to_owned(), json!({ "link": FILE }));
    json!({ "type": "header", "parameters": [parameter] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_shows_its_own_examples() {
        let components = [
            json!({ "type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": { "header_text": ["7"] } }),
            json!({ "type": "BODY", "text": "Hello {{1}}, what you ordered from us comes {{2}} to your own door.",
                    "example": { "body_text": [["Ada", "today"]] } }),
            json!({ "type": "FOOTER", "text": "Bank" }),
        ];
        let definition = Definition::parse("order", "en_US", "UTILITY", None, &components, None).unwrap();
        let shown = serde_json::to_string(&definition.preview(None).unwrap()).unwrap();
        for words in ["Order 7", "Hello Ada, what you ordered from us comes today to your own door.", "Bank"]
        {
            assert!(shown.contains(words), "{words} in {shown}");
        }
        let given = json!([
            { "type": "header", "parameters": [{ "type": "text", "text": "8" }] },
            { "type": "body", "parameters": [{ "type": "text", "text": "Bob" }, { "type": "text", "text": "soon" }] },
        ]);
        let shown = serde_json::to_string(&definition.preview(Some(&given)).unwrap()).unwrap();
        assert!(
            shown.contains("Hello Bob, what you ordered from us comes soon to your own door."),
            "{shown}"
        );
        assert!(definition.preview(Some(&json!([]))).is_err());
    }

    #[test]
    fn places_without_examples_show_their_names() {
        let body = json!({ "type": "BODY", "text": "Hello {{name}}, good day." });
        let definition =
            Definition::parse("hello", "en_US", "UTILITY", Some("NAMED"), &[body], None).unwrap();
        let shown = serde_json::to_string(&definition.preview(None).unwrap()).unwrap();
        assert!(shown.contains("Hello [name], good day."), "{shown}");
    }
}
