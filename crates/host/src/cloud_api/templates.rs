//! Templates: what `templates` does, as the API asks for it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Call, Failure, Fields,
    api::{Api, Outcome},
    lists::page,
    objects::{Node, project},
    selection::Selected,
};
use crate::{
    HostError,
    apps::{Authorized, Owned},
    businesses::Business,
    codes::Code,
    ids::TemplateId,
    templates::{
        Changed, Definition, ParameterFormat, Status, Template, Templates,
        library::{LIBRARY, LibraryTemplate},
    },
};

/// Languages that are made at once at most: all that there are.
const LANGUAGES: usize = 100;
/// Components of a definition at most.
const COMPONENTS: usize = 32;

fn row(template: &Template, selected: &[Selected]) -> Result<Value, Failure> {
    let definition = &template.definition;
    let format = match definition.parameter_format {
        ParameterFormat::Positional => "POSITIONAL",
        ParameterFormat::Named => "NAMED",
    };
    let known = vec![
        ("id", json!(template.id)),
        ("name", json!(definition.name)),
        ("language", json!(definition.language)),
        ("status", json!(template.status.as_str())),
        ("category", json!(definition.category.as_str().to_ascii_uppercase())),
        ("parameter_format", json!(format)),
        ("components", json!(definition.components)),
        ("sub_category", Value::Null),
        ("previous_category", Value::Null),
        ("correct_category", Value::Null),
        ("rejected_reason", json!(template.reason)),
        ("quality_score", json!({ "score": "UNKNOWN", "date": template.edited.0 / 1000 })),
        ("message_send_ttl_seconds", json!(definition.message_send_ttl_seconds)),
        ("library_template_name", json!(definition.library_template_name)),
        ("cta_url_link_tracking_opted_out", Value::Null),
        ("degrees_of_freedom_spec", Value::Null),
        ("last_updated_time", json!(template.edited.0 / 1000)),
    ];
    let usual = [
        "id",
        "name",
        "language",
        "status",
        "category",
        "parameter_format",
        "components",
        "message_send_ttl_seconds",
    ];
    project(Node::TEMPLATE, selected, known, &usual)
}

/// A time in Unix seconds, also written as a day (in UTC) or as RFC 3339 has it.
fn moment(fields: &Fields<'_>, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = fields.text(name, 64)? else { return Ok(None) };
    let text = text.trim();
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text
        .parse::<i64>()
        .ok()
        .or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second))
        .or_else(|| day().map(|day| day.timestamp().as_second()));
    moment.map(Some).ok_or_else(|| fields.invalid(name, "must be a time in Unix seconds"))
}

/// Whether a template passes the filters of a list: one value or several.
fn passes(template: &Template, fields: &Fields<'_>) -> Result<bool, Failure> {
    let definition = &template.definition;
    let category = definition.category.as_str();
    for (filter, value) in [
        ("status", template.status.as_str()),
        ("category", category),
        ("language", definition.language.as_str()),
        ("quality_score", "UNKNOWN"),
    ] {
        let wanted = fields.texts(filter, 100)?;
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(value)) {
            return Ok(false);
        }
    }
    // By when they were last changed, as `last_updated_time` shows it.
    let edited = template.edited.0.div_euclid(1000);
    let (since, until) = (moment(fields, "since")?, moment(fields, "until")?);
    if since.is_some_and(|since| edited < since) || until.is_some_and(|until| edited > until) {
        return Ok(false);
    }
    let holds = |text: &str| definition.components.iter().any(|part| part.to_string().contains(text));
    if fields.text("name", 512)?.is_some_and(|name| definition.name != name) {
        return Ok(false);
    }
    if fields.text("content", 1024)?.is_some_and(|text| !holds(&text)) {
        return Ok(false);
    }
    let either = fields.text("name_or_content", 1024)?;
    Ok(either.is_none_or(|text| definition.name.contains(&text) || holds(&text)))
}

pub(super) async fn list(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let (selected, fields) = (call.selection()?, call.fields());
    let templates = api.templates.list(business.object.waba).await?;
    let whole = templates.len();
    let mut rows = Vec::new();
    for template in &templates {
        if passes(template, &fields)? {
            rows.push((template.id.to_string(), row(template, &selected)?));
        }
    }
    let found = rows.len();
    let mut answer = page(&call, rows)?;
    let wanted = fields.texts("summary", 20)?;
    if let (false, Some(answer)) = (wanted.is_empty(), answer.as_object_mut()) {
        let summary = json!({
            "total_count": found,
            "message_template_count": whole,
            "message_template_limit": Templates::most(business.object.state),
            "are_translations_complete": true,
        });
        answer.insert("summary".to_owned(), summary);
    }
    Ok(answer.into())
}

pub(super) async fn get(_: Arc<Api>, template: Owned<Template>, call: Call) -> Outcome {
    Ok(row(&template.object, &call.selection()?)?.into())
}

fn components(fields: &Fields<'_>) -> Result<Vec<Value>, Failure> {
    Ok(fields.objects("components", COMPONENTS)?.into_iter().map(Fields::into_value).collect())
}

fn ttl(fields: &Fields<'_>) -> Result<Option<u32>, Failure> {
    let seconds = fields.integer("message_send_ttl_seconds", 0..=2_592_000)?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()))
}

pub(super) async fn create(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let business = business.object;
    let may_change = fields.boolean("allow_category_change")?.unwrap_or(false);
    if let Some(of) = fields.text("library_template_name", 512)? {
        let definition = of_library(&fields, &of)?;
        return made(&api.templates.create(business.id, business.waba, definition, may_change).await?);
    }
    let definition = Definition::parse(
        &fields.need_text("name", 512)?,
        &fields.need_text("language", 16)?,
        &fields.need_text("category", 32)?,
        fields.text("parameter_format", 32)?.as_deref(),
        &components(&fields)?,
        ttl(&fields)?,
    )?;
    made(&api.templates.create(business.id, business.waba, definition, may_change).await?)
}

fn made(made: &Changed) -> Outcome {
    let category = made.category.as_str().to_ascii_uppercase();
    Ok(json!({ "id": made.id, "status": made.status.as_str(), "category": category }).into())
}

/// A template made of one of the library.
fn of_library(fields: &Fields<'_>, of: &str) -> Result<Definition, Failure> {
    let language = fields.need_text("language", 16)?;
    let found = LibraryTemplate::find(of, &language);
    let found = found.ok_or_else(|| {
        fields.invalid("library_template_name", "no template of the library in this language")
    })?;
    let buttons = fields.objects("library_template_button_inputs", 10)?;
    let buttons: Vec<Value> = buttons.into_iter().map(Fields::into_value).collect();
    let body = fields.object("library_template_body_inputs")?.map(Fields::into_value);
    let (name, category) = (fields.need_text("name", 512)?, fields.need_text("category", 32)?);
    Ok(found.definition(&name, &category, &buttons, body.as_ref())?)
}

pub(super) async fn library(_: Arc<Api>, _: Authorized, call: Call) -> Outcome {
    let fields = call.fields();
    let mut search = Vec::new();
    for name in ["search", "name", "name_or_content", "content"] {
        search.extend(fields.text(name, 512)?);
    }
    let (language, topic) = (fields.text("language", 16)?, fields.text("topic", 64)?);
    let (usecase, industry) = (fields.text("usecase", 64)?, fields.text("industry", 64)?);
    let is = |wanted: &Option<String>, word: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(word))
    };
    let rows = LIBRARY.iter().filter(|template| {
        search.iter().all(|words| template.holds(words))
            && is(&language, template.language)
            && is(&topic, template.topic)
            && is(&usecase, template.usecase)
            && (industry.is_none() || template.industry.iter().any(|word| is(&industry, word)))
    });
    let rows = rows.map(|template| (format!("{} {}", template.name, template.language), template.row()));
    Ok(page(&call, rows.collect())?.into())
}

/// Authentication in many languages at once: made where there is none, changed where there is one.
pub(super) async fn upsert(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let category = fields.need_text("category", 32)?;
    if !category.eq_ignore_ascii_case("AUTHENTICATION") {
        return Err(fields.invalid("category", "must be AUTHENTICATION"));
    }
    let name = fields.need_text("name", 512)?;
    let mut languages = fields.texts("languages", LANGUAGES)?;
    languages.sort_unstable();
    languages.dedup();
    if languages.is_empty() {
        return Err(fields.missing("languages"));
    }
    let (components, ttl) = (components(&fields)?, ttl(&fields)?);
    let mut definitions = Vec::with_capacity(languages.len());
    for language in &languages {
        definitions.push(Definition::parse(&name, language, &category, None, &components, ttl)?);
    }
    let business = business.object;
    let made = api.templates.upsert(business.id, business.waba, &definitions).await?;
    let rows = made.iter().map(|made| {
        let category = made.category.as_str().to_ascii_uppercase();
        json!({ "id": made.id, "status": made.status.as_str(), "language": made.language, "category": category })
    });
    Ok(json!({ "data": rows.collect::<Vec<_>>() }).into())
}

/// Nothing is paused here for its quality, but only by the operator: it is for the operator to let it be sent again.
pub(super) async fn unpause(_: Arc<Api>, template: Owned<Template>, _: Call) -> Outcome {
    let details = if template.object.status == Status::Paused {
        "the template was paused by the operator of this host, who alone lets it be sent again"
    } else {
        "the template is not paused"
    };
    Err(Failure::new(Code::Parameter, details))
}

/// A business has one account here: there is none from which templates could come.
pub(super) async fn migrate(_: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let source = fields.need_text("source_waba_id", 64)?;
    if source == business.object.waba.to_string() {
        return Err(fields.invalid("source_waba_id", "must be another account"));
    }
    Err(Failure::no_object(&http::Method::POST, &source))
}

/// One of an account, by its id behind the account's.
pub(super) async fn of_account(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let id = call.tail(1).unwrap_or_default();
    let none = || Failure::no_object(&http::Method::GET, id);
    let template = api.templates.get(business.object.waba, id.parse().map_err(|_| none())?).await?;
    Ok(row(&template, &call.selection()?)?.into())
}

pub(super) async fn edit(api: Arc<Api>, template: Owned<Template>, call: Call) -> Outcome {
    let (template, fields) = (template.object, call.fields());
    let before = template.definition;
    let format = match before.parameter_format {
        ParameterFormat::Positional => "POSITIONAL",
        ParameterFormat::Named => "NAMED",
    };
    let category = fields.text("category", 32)?.unwrap_or_else(|| before.category.as_str().to_owned());
    let components = match fields.value("components") {
        Some(_) => components(&fields)?,
        None => before.components,
    };
    let definition = Definition::parse(
        &before.name,
        &before.language,
        &category,
        fields.text("parameter_format", 32)?.as_deref().or(Some(format)),
        &components,
        ttl(&fields)?.or(before.message_send_ttl_seconds),
    )?;
    let may_change = fields.boolean("allow_category_change")?.unwrap_or(false);
    let definition = if may_change { definition.in_its_category() } else { definition };
    let made = api.templates.edit(template.waba, template.id, definition).await?;
    let category = made.category.as_str().to_ascii_uppercase();
    Ok(json!({ "success": true, "id": made.id, "name": made.name, "category": category }).into())
}

/// Ids of templates in a field; what is no id is no template.
fn ids(fields: &Fields<'_>, name: &str) -> Result<Vec<TemplateId>, Failure> {
    let texts = fields.texts(name, 100)?;
    let ids = texts.iter().map(|text| text.parse().map_err(|_| fields.invalid(name, "no id of a template")));
    ids.collect()
}

pub(super) async fn delete(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let name = fields.text("name", 512)?;
    let mut chosen = ids(&fields, "hsm_ids")?;
    chosen.extend(ids(&fields, "hsm_id")?);
    if name.is_none() && chosen.is_empty() {
        return Err(fields.missing("name"));
    }
    api.templates.delete(business.object.waba, name.as_deref(), &chosen).await?;
    Ok(json!({ "success": true }).into())
}

async fn put_away(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call, away: bool) -> Outcome {
    let fields = call.fields();
    let chosen = ids(&fields, "hsm_ids")?;
    if chosen.is_empty() {
        return Err(fields.missing("hsm_ids"));
    }
    // Each by itself: what cannot be moved is named, with why.
    let (mut moved, mut failed, mut first) = (Vec::new(), Map::new(), None);
    for id in chosen {
        match api.templates.archive(business.object.waba, id, away).await {
            Ok(_) => moved.push(json!(id)),
            Err(error @ (HostError::NotFound(_) | HostError::Conflict(_) | HostError::Refused(_))) => {
                failed.insert(id.to_string(), error.to_string().into());
                first = first.or(Some(error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let (true, Some(error)) = (moved.is_empty(), first) {
        return Err(error.into());
    }
    let done = if away { "archived_templates" } else { "unarchived_templates" };
    let mut answer = json!({ "success": true, "failed_templates": failed });
    if let Some(answer) = answer.as_object_mut() {
        answer.insert(done.to_owned(), moved.into());
    }
    Ok(answer.into())
}

pub(super) async fn archive(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    put_away(api, business, call, true).await
}

pub(super) async fn unarchive(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    put_away(api, business, call, false).await
}
