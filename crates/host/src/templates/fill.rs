//! Filling in: from a template and the `template` object of a request to what is sent (spec section 3, "Template").

use std::borrow::Cow;

use serde_json::Value;

use super::{
    definition::Definition,
    parts::{ButtonPart, HeaderPart, Parts},
    values::{text, words},
    variables::{self, ParameterFormat},
};
use crate::{
    codes::{Code, Refusal},
    content::{self, Category, File, Header, TemplateButton, TemplateCard},
    ids::TemplateId,
};

/// Characters of a body when it is filled in.
const BODY: usize = 1024;
/// Of a header, of a card's body, of an address.
const HEADER: usize = 60;
const CARD: usize = 160;
const URL: usize = 2000;
/// Characters of one value.
const VALUE: usize = 1024;
/// Parameters, components and cards in a request.
const MANY: usize = 64;

fn count(details: String) -> Refusal {
    Refusal::new(Code::TemplateParameterCount, details)
}

fn form(details: String) -> Refusal {
    Refusal::new(Code::TemplateParameterFormat, details)
}

/// The parameters of one component.
struct Given<'r> {
    /// Where they stand, for refusals.
    at: &'static str,
    values: Vec<&'r Value>,
}

impl<'r> Given<'r> {
    fn of(component: Option<&'r Value>, at: &'static str) -> Result<Self, Refusal> {
        let values = component.and_then(|component| component.get("parameters"));
        let values: Vec<&Value> = match values {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(values)) if values.len() <= MANY => values.iter().collect(),
            Some(_) => return Err(form(format!("{at}: parameters is no list, or a very long one"))),
        };
        Ok(Self { at, values })
    }

    /// What stands for each place of a text.
    fn fill(&self, shown: &str, format: ParameterFormat) -> Result<String, Refusal> {
        let places = variables::places(shown);
        if places.len() != self.values.len() {
            let (at, found, wanted) = (self.at, self.values.len(), places.len());
            return Err(count(format!(
                "{at}: number of localizable_params ({found}) does not match the expected number of params ({wanted})"
            )));
        }
        let mut texts = Vec::with_capacity(places.len());
        for (index, value) in self.values.iter().enumerate() {
            let name = match format {
                ParameterFormat::Positional => places.get(index).copied(),
                ParameterFormat::Named => text(value, "parameter_name").filter(|name| places.contains(name)),
            };
            let Some(name) = name else {
                let at = self.at;
                return Err(Refusal::new(
                    Code::Parameter,
                    format!("{at}: Parameter name is missing or empty"),
                ));
            };
            texts.push((name, self.text(value)?));
        }
        let find = |name: &str| texts.iter().find(|(known, _)| *known == name).map(|(_, text)| &**text);
        variables::fill(shown, find).ok_or_else(|| count(format!("{}: a place has no parameter", self.at)))
    }

    /// The words that a parameter shows.
    fn text(&self, value: &'r Value) -> Result<Cow<'r, str>, Refusal> {
        let at = self.at;
        let shown = match text(value, "type").unwrap_or("text").to_ascii_lowercase().as_str() {
            "text" => words(value, "text"),
            "currency" => value.get("currency").and_then(|value| words(value, "fallback_value")),
            "date_time" => value.get("date_time").and_then(|value| words(value, "fallback_value")),
            other => return Err(form(format!("{at}: a parameter of type {other} is no text"))),
        };
        let shown = shown.filter(|shown| !shown.is_empty());
        let shown = shown.ok_or_else(|| {
            Refusal::new(
                Code::ParameterMissing,
                format!("{at}: Parameter of type text is missing text value"),
            )
        })?;
        if shown.chars().count() > VALUE {
            return Err(Refusal::new(Code::TemplateTooLong, format!("{at}: a value is too long")));
        }
        if shown.contains(['\n', '\r', '\t']) || shown.contains("     ") {
            return Err(form(format!(
                "{at}: Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
            )));
        }
        Ok(shown)
    }

    fn nothing(&self) -> Result<(), Refusal> {
        if self.values.is_empty() { Ok(()) } else { Err(count(format!("{}: takes no parameters", self.at))) }
    }

    /// The only parameter.
    fn one(&self) -> Result<&'r Value, Refusal> {
        match self.values.as_slice() {
            [value] => Ok(value),
            values => {
                Err(count(format!("{}: one parameter is wanted and {} are there", self.at, values.len())))
            }
        }
    }
}

/// Fills a template in.
///
/// # Errors
/// 132000, 132005, 132012, 131008, 100: what does not fit, and where.
pub(super) fn fill(
    id: TemplateId,
    definition: &Definition,
    components: Option<&Value>,
) -> Result<content::Template, Refusal> {
    let components: &[Value] = match components {
        None | Some(Value::Null) => &[],
        Some(Value::Array(components)) if components.len() <= MANY => components,
        Some(_) => return Err(form("components is no list, or a very long one".to_owned())),
    };
    let card_parts = component(components, "carousel");
    let parts = &definition.parts;
    let filled = part(parts, components, definition.parameter_format, definition.category)?;
    let body = filled.body.unwrap_or_default();
    bounded(&body, BODY, "the body")?;
    let mut cards = Vec::new();
    if !parts.cards.is_empty() {
        let given = card_parts.and_then(|carousel| carousel.get("cards")).and_then(Value::as_array);
        let given = given.filter(|given| given.len() == parts.cards.len());
        let given =
            given.ok_or_else(|| count(format!("carousel: {} cards are wanted", parts.cards.len())))?;
        for (index, card) in parts.cards.iter().enumerate() {
            let found = given.iter().enumerate().find(|(place, value)| {
                number(value.get("card_index")).map_or(*place == index, |number| number == index)
            });
            let components = found.and_then(|(_, value)| value.get("components")).and_then(Value::as_array);
            let components = components.map(Vec::as_slice).unwrap_or_default();
            let filled = part(card, components, definition.parameter_format, definition.category)?;
            bounded(filled.body.as_deref().unwrap_or_default(), CARD, "the body of a card")?;
            cards.push(filled);
        }
    }
    Ok(content::Template {
        id,
        name: definition.name.clone(),
        language: definition.language.clone(),
        category: definition.category,
        header: filled.header,
        body,
        footer: parts.footer.clone(),
        buttons: filled.buttons,
        cards,
        offer: offer(parts, component(components, "limited_time_offer"))?,
        ttl_seconds: definition.message_send_ttl_seconds.or(usual_ttl(definition.category)),
    })
}

/// The offer, and until when.
fn offer(parts: &Parts, given: Option<&Value>) -> Result<Option<content::Offer>, Refusal> {
    let given = Given::of(given, "limited_time_offer")?;
    let Some(part) = &parts.offer else {
        given.nothing()?;
        return Ok(None);
    };
    let ends = if part.has_expiration {
        let said = given.one()?.get("limited_time_offer").and_then(|said| said.get("expiration_time_ms"));
        let millis = number(said).and_then(|millis| u64::try_from(millis).ok());
        let missing = || {
            let details = "limited_time_offer: expiration_time_ms is needed, in milliseconds since 1970";
            Refusal::new(Code::ParameterMissing, details)
        };
        Some(millis.ok_or_else(missing)?)
    } else {
        given.nothing()?;
        None
    };
    Ok(Some(content::Offer { text: part.text.clone(), ends }))
}

/// How long a message waits for its person if its template does not say: a code is worth nothing later.
const fn usual_ttl(category: Category) -> Option<u32> {
    match category {
        Category::Authentication => Some(600),
        Category::Service | Category::Utility | Category::Marketing => None,
    }
}

fn component<'r>(components: &'r [Value], kind: &str) -> Option<&'r Value> {
    components
        .iter()
        .find(|component| text(component, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind)))
}

/// A number, also as a string.
fn number(value: Option<&Value>) -> Option<usize> {
    match value? {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn part(
    parts: &Parts,
    components: &[Value],
    format: ParameterFormat,
    category: Category,
) -> Result<TemplateCard, Refusal> {
    let given = Given::of(component(components, "header"), "header")?;
    let header = match &parts.header {
        None => {
            given.nothing()?;
            None
        }
        Some(part) => Some(bounded_header(header(part, &given, format)?)?),
    };
    let given = Given::of(component(components, "body"), "body")?;
    let body = match &parts.body {
        None => {
            given.nothing()?;
            None
        }
        Some(words) => Some(given.fill(words, format)?),
    };
    let mut buttons = Vec::with_capacity(parts.buttons.len());
    for (index, part) in parts.buttons.iter().enumerate() {
        let found = components.iter().find(|component| {
            text(component, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("button"))
                && number(component.get("index")) == Some(index)
        });
        buttons.push(button(part, &Given::of(found, "button")?, category)?);
    }
    let strange = components.iter().find(|component| {
        text(component, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("button"))
            && number(component.get("index")).is_none_or(|index| index >= parts.buttons.len())
    });
    if strange.is_some() {
        return Err(count("button: there is no button of that index in the template".to_owned()));
    }
    Ok(TemplateCard { header, body, buttons })
}

/// Whether something is too long when it is filled in.
fn bounded(text: &str, most: usize, what: &str) -> Result<(), Refusal> {
    if text.chars().count() <= most {
        return Ok(());
    }
    let details = format!("{what} is longer than {most} characters when it is filled in");
    Err(Refusal::new(Code::TemplateTooLong, details))
}

fn bounded_header(header: Header) -> Result<Header, Refusal> {
    if let Header::Text { text } = &header {
        bounded(text, HEADER, "the header")?;
    }
    Ok(header)
}

fn header(part: &HeaderPart, given: &Given<'_>, format: ParameterFormat) -> Result<Header, Refusal> {
    let file = |kind: &str| -> Result<File, Refusal> {
        let value = given.one()?;
        let told = text(value, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind));
        let file = value.get(kind).filter(|_| told);
        let file = file.ok_or_else(|| {
            form(format!("header: Format mismatch, expected {}", kind.to_ascii_uppercase()))
        })?;
        file_of(file, "header")
    };
    Ok(match part {
        HeaderPart::Text { text } => Header::Text { text: given.fill(text, format)? },
        HeaderPart::Image => Header::Image(file("image")?),
        HeaderPart::Video => Header::Video(file("video")?),
        HeaderPart::Document => Header::Document(file("document")?),
        HeaderPart::Location => {
            let value = given.one()?;
            let place = value
                .get("location")
                .ok_or_else(|| form("header: Format mismatch, expected LOCATION".to_owned()))?;
            let degrees = |field: &str, most: f64| {
                let shown = match place.get(field) {
                    Some(Value::Number(number)) => Some(number.to_string()),
                    Some(Value::String(text)) => Some(text.trim().to_owned()),
                    _ => None,
                };
                let good = |text: &String| text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
                shown.filter(good).ok_or_else(|| form(format!("header: location.{field} is in degrees")))
            };
            let line = |field: &str| text(place, field).map(|text| text.chars().take(1000).collect());
            Header::Location {
                latitude: degrees("latitude", 90.0)?,
                longitude: degrees("longitude", 180.0)?,
                name: line("name"),
                address: line("address"),
            }
        }
    })
}

/// A file by id or by address.
fn file_of(value: &Value, at: &str) -> Result<File, Refusal> {
    let id = match value.get("id") {
        Some(Value::String(id)) => Some(id.parse()),
        Some(Value::Number(id)) => Some(id.to_string().parse()),
        _ => None,
    };
    let id = id.transpose().map_err(|_| form(format!("{at}: id is no id of a file")))?;
    let link = text(value, "link").filter(|link| !link.is_empty());
    if link.is_some_and(|link| {
        link.len() > 2048 || !(link.starts_with("https://") || link.starts_with("http://"))
    }) {
        return Err(form(format!("{at}: link is no address")));
    }
    if id.is_some() == link.is_some() {
        return Err(Refusal::new(Code::ParameterMissing, format!("{at}: either id or link is needed")));
    }
    let filename = text(value, "filename").map(|name| name.chars().take(240).collect());
    Ok(File { id, link: link.map(str::to_owned), filename, ..File::default() })
}

fn button(part: &ButtonPart, given: &Given<'_>, category: Category) -> Result<TemplateButton, Refusal> {
    let one = |field: &str, most: usize| -> Result<String, Refusal> {
        let found = words(given.one()?, field).filter(|found| !found.is_empty());
        let found = found
            .ok_or_else(|| Refusal::new(Code::ParameterMissing, format!("button: {field} is missing")))?;
        if found.chars().count() > most {
            return Err(form(format!("button: {field} has at most {most} characters")));
        }
        Ok(found.into_owned())
    };
    Ok(match part {
        ButtonPart::QuickReply { text } => {
            let payload = if given.values.is_empty() { text.clone() } else { one("payload", 128)? };
            TemplateButton::QuickReply { text: text.clone(), payload }
        }
        ButtonPart::Url { text, url } => {
            let url = match url.strip_suffix("{{1}}") {
                Some(fixed) => {
                    let suffix = one("text", 2000)?;
                    if suffix.contains(char::is_whitespace) {
                        return Err(form("button: a part of an address has no spaces".to_owned()));
                    }
                    let whole = format!("{fixed}{suffix}");
                    bounded(&whole, URL, "an address")?;
                    whole
                }
                None => {
                    given.nothing()?;
                    url.clone()
                }
            };
            TemplateButton::Url { text: text.clone(), url }
        }
        ButtonPart::PhoneNumber { text, phone_number } => {
            given.nothing()?;
            TemplateButton::PhoneNumber { text: text.clone(), phone_number: phone_number.clone() }
        }
        ButtonPart::CopyCode => {
            TemplateButton::CopyCode { text: "Copy offer code".to_owned(), code: one("coupon_code", 15)? }
        }
        ButtonPart::Otp { text } => {
            debug_assert_eq!(category, Category::Authentication);
            TemplateButton::CopyCode { text: text.clone(), code: one("text", 15)? }
        }
        ButtonPart::RequestContactInfo { text } => {
            given.nothing()?;
            TemplateButton::RequestContactInfo { text: text.clone() }
        }
    })
}

#[cfg(test)]
mod tests;
