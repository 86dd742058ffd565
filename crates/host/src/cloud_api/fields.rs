//! Parameters as clients write them, read tolerantly: `null` is absent, booleans and numbers may be text, objects and
//! lists may be JSON inside a text, words of a set come in any case, and what is not known is not looked at.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Failure;
use crate::codes::Code;

/// How deep texts that hold JSON are read, and how deep JSON is: as deep as `serde_json` goes.
pub(super) fn json(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if has_nul(&value) { Err("a text has the character U+0000 in it".to_owned()) } else { Ok(value) }
}

/// No text of people has it, and no database takes it.
pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// In which of the API's voices mistakes are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Messages: 131008 what is missing, 131009 what is wrong.
    Message,
    /// Everything else: 100.
    Object,
}

/// The fields of an object, and where it stands in the request.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    values: Cow<'a, Map<String, Value>>,
    path: String,
    voice: Voice,
}

impl<'a> Fields<'a> {
    /// Those of a whole request.
    #[must_use]
    pub const fn of(values: &'a Map<String, Value>, voice: Voice) -> Self {
        Self { values: Cow::Borrowed(values), path: String::new(), voice }
    }

    /// The path to a field, as errors name it: `interactive.action.buttons[1].reply.id`.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The value of a field; `null` is none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// The object itself.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.values.into_owned())
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.values().all(Value::is_null)
    }

    /// A field that has to be there is not.
    #[must_use]
    pub fn missing(&self, name: &str) -> Failure {
        let field = self.path(name);
        match self.voice {
            Voice::Message => {
                Failure::new(Code::ParameterMissing, format!("The parameter {field} is required."))
            }
            Voice::Object => Failure::new(Code::Parameter, format!("The parameter {field} is required.")),
        }
    }

    /// A field has a value that it may not have.
    #[must_use]
    pub fn invalid(&self, name: &str, reason: &str) -> Failure {
        let field = self.path(name);
        match self.voice {
            Voice::Message => Failure::new(Code::ParameterInvalid, format!("{field}: {reason}")),
            Voice::Object => Failure::parameter(&field, reason),
        }
    }

    fn too_long(&self, name: &str, most: usize) -> Failure {
        let field = self.path(name);
        Failure::new(Code::Parameter, format!("Param {field} must be at most {most} characters long."))
    }

    /// What is written in a field, even if that is nothing.
    ///
    /// # Errors
    /// It is no text, number or boolean.
    pub fn written(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(_) => Err(self.invalid(name, "must be a text")),
        }
    }

    /// A text of at most so many characters; an empty one is none.
    ///
    /// # Errors
    /// It is no text, or too long.
    pub fn text(&self, name: &str, most: usize) -> Result<Option<String>, Failure> {
        let Some(text) = self.written(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        if text.chars().take(most + 1).count() > most {
            return Err(self.too_long(name, most));
        }
        Ok(Some(text))
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// As [`text`](Self::text), or it is missing.
    pub fn need_text(&self, name: &str, most: usize) -> Result<String, Failure> {
        self.text(name, most)?.ok_or_else(|| self.missing(name))
    }

    /// Yes or no: `true`, `"True"`, `1`, `"0"`, ….
    ///
    /// # Errors
    /// It is something else.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(text) = self.written(name)? else { return Ok(None) };
        match text.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(self.invalid(name, "must be true or false")),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// It is something else, or none that there is.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Failure> {
        let Some(text) = self.written(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| self.invalid(name, "must be a number"))
    }

    /// A whole number in this range.
    ///
    /// # Errors
    /// It is something else.
    pub fn integer(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Failure> {
        let Some(text) = self.written(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.trim().parse::<i64>().ok().filter(|number| range.contains(number));
        let reason = || format!("must be a whole number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| self.invalid(name, &reason()))
    }

    /// One word of a set, in any case: as the set writes it.
    ///
    /// # Errors
    /// It is none of them.
    pub fn word(&self, name: &str, set: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let Some(text) = self.written(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let found = set.iter().copied().find(|word| word.eq_ignore_ascii_case(text.trim()));
        found.map(Some).ok_or_else(|| self.invalid(name, &format!("must be one of {}", set.join(", "))))
    }

    /// An object; one without fields is none.
    ///
    /// # Errors
    /// It is something else.
    pub fn object<'b>(&'b self, name: &str) -> Result<Option<Fields<'b>>, Failure> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let object =
            self.as_object(value, self.path(name)).ok_or_else(|| self.invalid(name, "must be an object"));
        object.map(|object| object.filter(|fields| !fields.is_empty()))
    }

    /// An object that has to be there.
    ///
    /// # Errors
    /// It is missing, or something else.
    pub fn need_object<'b>(&'b self, name: &str) -> Result<Fields<'b>, Failure> {
        self.object(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of at most so many objects; an empty one is none.
    ///
    /// # Errors
    /// It is something else, or too long.
    pub fn objects<'b>(&'b self, name: &str, most: usize) -> Result<Vec<Fields<'b>>, Failure> {
        let field = self.path(name);
        let objects: Vec<Option<Fields<'b>>> = match self.items(name, most)? {
            Cow::Borrowed(items) => {
                let each = items.iter().enumerate();
                each.map(|(at, item)| self.as_object(item, format!("{field}[{at}]")).flatten()).collect()
            }
            Cow::Owned(items) => {
                let each = items.into_iter().enumerate();
                each.map(|(at, item)| self.owned_object(item, format!("{field}[{at}]"))).collect()
            }
        };
        let whole: Option<Vec<Fields<'b>>> = objects.into_iter().collect();
        whole.ok_or_else(|| self.invalid(name, "must be a list of objects"))
    }

    /// A list of at most so many texts; one text is a list of one, and one with commas of several.
    ///
    /// # Errors
    /// It is something else, or too long.
    pub fn texts(&self, name: &str, most: usize) -> Result<Vec<String>, Failure> {
        if let Some(Value::String(text)) = self.value(name)
            && !text.trim_start().starts_with('[')
        {
            let texts: Vec<String> =
                text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
            return if texts.len() > most { Err(self.too_many(name, most)) } else { Ok(texts) };
        }
        if let Some(Value::Number(number)) = self.value(name) {
            return Ok(vec![number.to_string()]);
        }
        let text = |item: &Value| match item {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        };
        let texts: Option<Vec<String>> = self.items(name, most)?.iter().map(text).collect();
        texts.ok_or_else(|| self.invalid(name, "must be a list of texts"))
    }

    fn items<'b>(&'b self, name: &str, most: usize) -> Result<Cow<'b, [Value]>, Failure> {
        let items = match self.value(name) {
            None => Cow::Owned(Vec::new()),
            Some(Value::Array(items)) => Cow::Borrowed(items.as_slice()),
            Some(Value::String(text)) if text.is_empty() => Cow::Owned(Vec::new()),
            // Some clients write nothing as `{}`, whatever it is none of.
            Some(Value::Object(map)) if map.is_empty() => Cow::Owned(Vec::new()),
            Some(Value::String(text)) => match json(text) {
                Ok(Value::Array(items)) => Cow::Owned(items),
                _ => return Err(self.invalid(name, "must be a list")),
            },
            Some(_) => return Err(self.invalid(name, "must be a list")),
        };
        if items.len() > most { Err(self.too_many(name, most)) } else { Ok(items) }
    }

    fn too_many(&self, name: &str, most: usize) -> Failure {
        self.invalid(name, &format!("at most {most}"))
    }

    /// Some for an object, `Some(None)` for an empty text.
    fn as_object<'b>(&self, value: &'b Value, path: String) -> Option<Option<Fields<'b>>> {
        match value {
            Value::Object(map) => Some(Some(Fields { values: Cow::Borrowed(map), path, voice: self.voice })),
            Value::String(text) if text.is_empty() => Some(None),
            Value::String(text) => json(text).ok().and_then(|value| self.owned_object(value, path)).map(Some),
            _ => None,
        }
    }

    fn owned_object<'b>(&self, value: Value, path: String) -> Option<Fields<'b>> {
        match value {
            Value::Object(map) => Some(Fields { values: Cow::Owned(map), path, voice: self.voice }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(value: Value, test: impl FnOnce(Fields<'_>) -> T) -> T {
        let Value::Object(map) = value else { panic!("an object") };
        test(Fields::of(&map, Voice::Message))
    }

    #[test]
    fn null_absent_and_empty_are_alike() {
        with(json!({"a": null, "b": "", "c": {}, "d": {"x": null}, "e": [], "f": "", "g": {}}), |fields| {
            for name in ["a", "b", "z"] {
                assert_eq!(fields.text(name, 5).unwrap(), None, "{name}");
            }
            for name in ["a", "c", "d", "f", "z"] {
                assert!(fields.object(name).unwrap().is_none(), "{name}");
            }
            for name in ["a", "e", "f", "g", "z"] {
                assert!(fields.objects(name, 5).unwrap().is_empty(), "{name}");
            }
        });
    }

    #[test]
    fn numbers_and_booleans_may_be_text() {
        with(json!({"a": "True", "b": 1, "c": "0", "d": true, "e": "12", "f": 12, "g": "NaN"}), |fields| {
            let yes = ["a", "b", "d"].map(|name| fields.boolean(name).unwrap());
            assert_eq!(yes, [Some(true); 3]);
            assert_eq!(fields.boolean("c").unwrap(), Some(false));
            assert_eq!(fields.integer("e", 0..=20).unwrap(), fields.integer("f", 0..=20).unwrap());
            assert_eq!(fields.text("f", 5).unwrap().unwrap(), "12");
            assert!(fields.number("g").is_err());
            assert!(fields.integer("f", 0..=5).is_err());
        });
    }

    #[test]
    fn objects_and_lists_may_be_json_in_a_text() {
        with(
            json!({"a": "{\"x\": 1}", "b": "[{\"x\": 1}]", "c": "a, b", "d": "[\"a\", 1]", "e": "{"}),
            |fields| {
                assert_eq!(fields.object("a").unwrap().unwrap().text("x", 5).unwrap().unwrap(), "1");
                assert_eq!(fields.objects("b", 5).unwrap()[0].path("x"), "b[0].x");
                assert_eq!(fields.texts("c", 5).unwrap(), ["a", "b"]);
                assert_eq!(fields.texts("d", 5).unwrap(), ["a", "1"]);
                assert!(fields.object("e").is_err());
                assert!(fields.texts("c", 1).is_err());
            },
        );
    }

    #[test]
    fn words_come_in_any_case_and_limits_count_characters() {
        with(json!({"a": "bUTTON", "b": "ääää"}), |fields| {
            assert_eq!(fields.word("a", &["button", "list"]).unwrap(), Some("button"));
            assert!(fields.word("a", &["list"]).is_err());
            assert!(fields.text("b", 4).is_ok());
            assert_eq!(fields.text("b", 3).unwrap_err().code(), Code::Parameter);
            assert_eq!(fields.need_text("z", 3).unwrap_err().code(), Code::ParameterMissing);
        });
    }
}
