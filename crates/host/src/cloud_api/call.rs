//! A request whose path was understood.

use serde_json::{Map, Value};

use super::{
    Failure, Fields, Version, Voice,
    edge::Rest,
    selection::{Selected, selection},
};

/// A request whose path was understood.
#[derive(Debug)]
pub struct Call {
    /// The version that it asked.
    pub version: Version,
    /// Its path, without the version.
    pub path: Vec<String>,
    /// All its parameters.
    pub values: Map<String, Value>,
    /// Its headers.
    pub headers: http::HeaderMap,
    /// What is not among the parameters.
    pub rest: Rest,
    /// The token with which it came.
    pub token: String,
    /// How clients reach this server.
    pub base: String,
    /// What names it in answers: `fbtrace_id`.
    pub trace: String,
}

impl Call {
    /// Its parameters.
    #[must_use]
    pub const fn fields(&self) -> Fields<'_> {
        Fields::of(&self.values, Voice::Object)
    }

    /// Its parameters, for messages.
    #[must_use]
    pub const fn message(&self) -> Fields<'_> {
        Fields::of(&self.values, Voice::Message)
    }

    /// What `fields` asks for.
    ///
    /// # Errors
    /// 100 where it cannot be read.
    pub fn selection(&self) -> Result<Vec<Selected>, Failure> {
        match self.fields().value("fields") {
            Some(Value::Array(_)) => selection(&self.fields().texts("fields", 200)?.join(",")),
            Some(_) => selection(&self.fields().written("fields")?.unwrap_or_default()),
            None => Ok(Vec::new()),
        }
    }

    /// A part of the path after the object.
    #[must_use]
    pub fn tail(&self, at: usize) -> Option<&str> {
        self.path.get(at + 1).map(String::as_str)
    }

    /// The address of the same call with other parameters, usable as it stands: it carries the token.
    #[must_use]
    pub fn again(&self, changed: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("access_token", &self.token);
        for (name, value) in &self.values {
            let kept = name != "access_token" && name != "after" && name != "before";
            if kept && changed.iter().all(|(other, _)| other != name) {
                match value {
                    Value::Null => continue,
                    Value::String(text) => query.append_pair(name, text),
                    other => query.append_pair(name, &other.to_string()),
                };
            }
        }
        query.extend_pairs(changed);
        format!("{}/{}/{}?{}", self.base, self.version, self.path.join("/"), query.finish())
    }
}
