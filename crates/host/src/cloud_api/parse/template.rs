//! Templates as they are asked for. What goes into their places is for the template to judge: `templates` fills it in.

use serde_json::Value;

use super::{Failure, Fields};
use crate::templates::language_of;

/// Components of one request at most.
const COMPONENTS: usize = 32;

/// Which template, in which language, with what in its places.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRequest {
    /// What the business calls it.
    pub name: String,
    /// `en_US`, ….
    pub language: String,
    /// The `components`, as they came.
    pub components: Option<Value>,
}

pub(super) fn template(fields: &Fields<'_>) -> Result<TemplateRequest, Failure> {
    let name = fields.need_text("name", 512)?;
    let language = fields.need_object("language")?;
    language.word("policy", &["deterministic", "fallback"])?;
    let components = fields.objects("components", COMPONENTS)?;
    for component in &components {
        component.need_text("type", 64)?;
    }
    let components: Vec<Value> = components.into_iter().map(Fields::into_value).collect();
    Ok(TemplateRequest {
        name,
        language: {
            let code = language.need_text("code", 16)?;
            language_of(&code).map_or(code, str::to_owned)
        },
        components: Some(components).filter(|components| !components.is_empty()).map(Value::Array),
    })
}
