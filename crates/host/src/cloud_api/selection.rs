//! `fields=a,b{c,d},e.param(v).limit(5)`: what a client wants to know of an object.

use serde_json::{Map, Value};

use super::Failure;

/// Bytes of `fields` at most.
const MOST: usize = 8192;
/// How deep braces may be.
const DEPTH: usize = 8;

/// A field that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selected {
    /// Its name.
    pub name: String,
    /// `.name(value)`, in order.
    pub arguments: Vec<(String, String)>,
    /// What is wanted of the objects in it; everything if nothing is said.
    pub inner: Vec<Self>,
}

impl Selected {
    /// An argument, by name.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&str> {
        let found = self.arguments.iter().find(|(of, _)| of.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Only what is wanted of a value; lists and `{data: [...]}` stay lists.
    #[must_use]
    pub fn narrow(&self, value: Value) -> Value {
        if self.inner.is_empty() { value } else { narrow(&self.inner, value) }
    }
}

fn narrow(inner: &[Selected], value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| narrow(inner, item)).collect()),
        Value::Object(mut map) if map.contains_key("data") => {
            if let Some(data) = map.remove("data") {
                map.insert("data".to_owned(), narrow(inner, data));
            }
            Value::Object(map)
        }
        Value::Object(mut map) => {
            let mut narrowed = Map::new();
            for field in inner {
                if let Some(value) = map.remove(&field.name) {
                    narrowed.insert(field.name.clone(), field.narrow(value));
                }
            }
            if let Some(id) = map.remove("id") {
                narrowed.insert("id".to_owned(), id);
            }
            Value::Object(narrowed)
        }
        other => other,
    }
}

/// Reads `fields`.
///
/// # Errors
/// 100 where it cannot be read.
pub fn selection(text: &str) -> Result<Vec<Selected>, Failure> {
    if text.len() > MOST {
        return Err(Failure::parameter("fields", "at most 8192 bytes"));
    }
    let mut rest = Reader { text, at: 0 };
    let fields = rest.fields(0)?;
    if rest.peek().is_some() { Err(syntax()) } else { Ok(fields) }
}

fn syntax() -> Failure {
    Failure::parameter("fields", "Syntax error: names, {…} and .name(value) with commas between them")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<char> {
        let trimmed = self.rest().trim_start();
        self.at = self.text.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn word(&mut self) -> &'a str {
        self.peek();
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<Selected>, Failure> {
        if depth > DEPTH {
            return Err(syntax());
        }
        let mut fields = Vec::new();
        loop {
            // A comma at the end is forgiven.
            if matches!(self.peek(), None | Some('}')) {
                return Ok(fields);
            }
            let name = self.word();
            if name.is_empty() {
                return Err(syntax());
            }
            let mut field = Selected { name: name.to_owned(), ..Selected::default() };
            while self.take('.') {
                let name = self.word().to_owned();
                field.arguments.push((name, self.argument()?));
            }
            if self.take('{') {
                field.inner = self.fields(depth + 1)?;
                if !self.take('}') {
                    return Err(syntax());
                }
            }
            // Who asks twice is answered once.
            if !fields.iter().any(|known: &Selected| known.name == field.name) {
                fields.push(field);
            }
            if !self.take(',') {
                return Ok(fields);
            }
        }
    }

    /// What stands between parentheses, which may have such in it.
    fn argument(&mut self) -> Result<String, Failure> {
        if !self.take('(') {
            return Err(syntax());
        }
        let mut open = 1usize;
        for (at, c) in self.rest().char_indices() {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                let inside = self.rest().get(..at).unwrap_or_default();
                self.at += at + 1;
                return Ok(inside.trim().trim_matches('"').to_owned());
            }
        }
        Err(syntax())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_and_parameterised_fields_are_read() {
        let fields =
            selection("id, a{b,c{d}},analytics.start(1).end(2).country_codes([\"US\"]){data_points},")
                .unwrap();
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "a", "analytics"]);
        assert_eq!(fields[1].inner[1].inner[0].name, "d");
        assert_eq!((fields[2].argument("start"), fields[2].argument("END")), (Some("1"), Some("2")));
        assert_eq!(fields[2].argument("country_codes"), Some("[\"US\"]"));
        let whole = json!({"b": 1, "x": 2, "c": [{"d": 3, "e": 4, "id": "7"}]});
        assert_eq!(fields[1].narrow(whole), json!({"b": 1, "c": [{"d": 3, "id": "7"}]}));
    }

    #[test]
    fn what_is_no_selection_is_refused() {
        for bad in ["a{", "a}", "a.b", "a.b(", "!", ",", "a b", &"a{".repeat(20), "ä"] {
            assert!(selection(bad).is_err(), "{bad}");
        }
        assert!(selection("").unwrap().is_empty());
    }
}
