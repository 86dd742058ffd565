//! Templates: made, reviewed, shown as a person will see them. The rules are in `templates`.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json as value};

use super::{Console, InChats, Manage, May, Outcome, Refused, answer, json, nothing};
use crate::{
    HostError,
    ids::TemplateId,
    management::Call,
    purposes::decisions::Decided,
    templates::{Definition, ParameterFormat, Template},
};

const fn format(format: ParameterFormat) -> &'static str {
    match format {
        ParameterFormat::Positional => "POSITIONAL",
        ParameterFormat::Named => "NAMED",
    }
}

fn shown(template: Template) -> Value {
    let definition = template.definition;
    value!({
        "template_id": template.id,
        "name": definition.name,
        "language": definition.language,
        "category": definition.category.as_str().to_ascii_uppercase(),
        "status": template.status.as_str(),
        "reason": template.reason,
        "parameter_format": format(definition.parameter_format),
        "components": definition.components,
        "message_send_ttl_seconds": definition.message_send_ttl_seconds,
        "edited": template.edited.0,
    })
}

pub(super) async fn list(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let found = console.api.templates.list(may.business().waba).await?;
    json(&value!({ "templates": found.into_iter().map(shown).collect::<Vec<_>>() }))
}

pub(super) async fn show(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&shown(console.api.templates.get(may.business().waba, call.id(0)?).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    language: String,
    category: String,
    #[serde(default)]
    parameter_format: Option<String>,
    components: Vec<Value>,
    #[serde(default)]
    message_send_ttl_seconds: Option<u32>,
    #[serde(default)]
    allow_category_change: bool,
    #[serde(default)]
    parameters: Option<Value>,
}

impl Wanted {
    fn definition(&self) -> Result<Definition, Refused> {
        let parsed = Definition::parse(
            &self.name,
            &self.language,
            &self.category,
            self.parameter_format.as_deref(),
            &self.components,
            self.message_send_ttl_seconds,
        );
        Ok(parsed.map_err(HostError::from)?)
    }
}

pub(super) async fn create(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let wanted: Wanted = call.body()?;
    if wanted.parameters.is_some() {
        return Err(Refused::field("parameters", "only for a preview"));
    }
    let (business, definition) = (may.business(), wanted.definition()?);
    let templates = &console.api.templates;
    let made = templates.create(business.id, business.waba, definition, wanted.allow_category_change).await?;
    console.noted(&may, Decided::Template, vec![made.id.to_string(), "made".to_owned()]).await?;
    answer(StatusCode::CREATED, &shown(templates.get(business.waba, made.id).await?))
}

pub(super) async fn preview(_: Arc<Console>, _: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let wanted: Wanted = call.body()?;
    let filled = wanted.definition()?.preview(wanted.parameters.as_ref()).map_err(HostError::from)?;
    json(&value!({ "content": filled }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    parameter_format: Option<String>,
    #[serde(default)]
    components: Option<Vec<Value>>,
    #[serde(default)]
    message_send_ttl_seconds: Option<u32>,
}

pub(super) async fn edit(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let (waba, id) = (may.business().waba, call.id::<TemplateId>(0)?);
    let before = console.api.templates.get(waba, id).await?.definition;
    let asked: Edited = call.body()?;
    let wanted = Wanted {
        name: before.name,
        language: before.language,
        category: asked.category.unwrap_or_else(|| before.category.as_str().to_owned()),
        parameter_format: asked.parameter_format.or_else(|| Some(format(before.parameter_format).to_owned())),
        components: asked.components.unwrap_or(before.components),
        message_send_ttl_seconds: asked.message_send_ttl_seconds.or(before.message_send_ttl_seconds),
        allow_category_change: false,
        parameters: None,
    };
    console.api.templates.edit(waba, id, wanted.definition()?).await?;
    console.noted(&may, Decided::Template, vec![id.to_string(), "changed".to_owned()]).await?;
    json(&shown(console.api.templates.get(waba, id).await?))
}

pub(super) async fn delete(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let (waba, id) = (may.business().waba, call.id::<TemplateId>(0)?);
    console.api.templates.delete(waba, None, &[id]).await?;
    console.noted(&may, Decided::Template, vec![id.to_string(), "deleted".to_owned()]).await?;
    nothing()
}
