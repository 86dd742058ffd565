//! Templates as they are asked for.

use super::{
    Failure, Fields,
    plain::{self},
};
use crate::{
    codes::Code,
    content::{File, Header},
};

/// Parameters of one component at most: more places no template has.
const PARAMETERS: usize = 100;
const COMPONENTS: [&str; 7] =
    ["header", "body", "footer", "button", "carousel", "limited_time_offer", "tap_target_configuration"];
const BUTTONS: [&str; 9] = [
    "quick_reply",
    "url",
    "copy_code",
    "flow",
    "catalog",
    "mpm",
    "order_details",
    "voice_call",
    "request_contact_info",
];

/// Which template, in which language, with what in its places.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRequest {
    /// What the business calls it.
    pub name: String,
    /// `en_US`, ….
    pub language: String,
    /// What goes into its places.
    pub components: Vec<ComponentRequest>,
}

/// What goes into the places of one component.
#[derive(Debug, Clone, PartialEq)]
pub enum ComponentRequest {
    /// The header.
    Header(Vec<ParameterRequest>),
    /// The body.
    Body(Vec<ParameterRequest>),
    /// One button.
    Button {
        /// `quick_reply`, `url`, `copy_code`, …, in small letters.
        sub_type: &'static str,
        /// Which, from 0.
        index: usize,
        /// What goes into it.
        parameters: Vec<ParameterRequest>,
    },
    /// Cards, each with components of its own.
    Carousel(Vec<(usize, Vec<ComponentRequest>)>),
    /// Until when an offer stands, in milliseconds of Unix time.
    LimitedTimeOffer(i64),
}

/// What goes into one place.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterRequest {
    /// `parameter_name`: of templates whose places have names.
    pub name: Option<String>,
    /// What.
    pub value: ValueRequest,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueRequest {
    /// Words; of money and dates, their `fallback_value`.
    Text(String),
    /// A picture, a film, a document or a place.
    Header(Box<Header>),
    /// What a quick reply answers with.
    Payload(String),
    /// What is copied.
    Code(String),
}

pub(super) fn template(fields: &Fields<'_>) -> Result<TemplateRequest, Failure> {
    let name = fields.need_text("name", 512)?;
    let language = fields.need_object("language")?;
    language.word("policy", &["deterministic", "fallback"])?;
    Ok(TemplateRequest {
        name,
        language: language.need_text("code", 16)?,
        components: components(fields, 0)?,
    })
}

fn components(fields: &Fields<'_>, depth: u8) -> Result<Vec<ComponentRequest>, Failure> {
    let mut components = Vec::new();
    for component in fields.objects("components", 32)? {
        let kind = component.word("type", &COMPONENTS)?.ok_or_else(|| component.missing("type"))?;
        match kind {
            "header" => components.push(ComponentRequest::Header(parameters(&component)?)),
            "body" => components.push(ComponentRequest::Body(parameters(&component)?)),
            "button" => {
                let sub_type = component.word("sub_type", &BUTTONS)?;
                let sub_type = sub_type.ok_or_else(|| component.missing("sub_type"))?;
                let index = component.integer("index", 0..=9)?.ok_or_else(|| component.missing("index"))?;
                components.push(ComponentRequest::Button {
                    sub_type,
                    index: usize::try_from(index).unwrap_or_default(),
                    parameters: parameters(&component)?,
                });
            }
            "carousel" if depth == 0 => {
                let mut cards = Vec::new();
                for card in component.objects("cards", 10)? {
                    let index =
                        card.integer("card_index", 0..=9)?.ok_or_else(|| card.missing("card_index"))?;
                    cards.push((usize::try_from(index).unwrap_or_default(), self::components(&card, 1)?));
                }
                components.push(ComponentRequest::Carousel(cards));
            }
            "limited_time_offer" => components.push(offer(&component)?),
            // Footers have no places, and there is no other place where a link of this chat could lead.
            _ => {}
        }
    }
    Ok(components)
}

fn offer(component: &Fields<'_>) -> Result<ComponentRequest, Failure> {
    let parameters = component.objects("parameters", 1)?;
    let parameter = parameters.first().ok_or_else(|| component.missing("parameters"))?;
    let offer = parameter.need_object("limited_time_offer")?;
    let expires = offer.integer("expiration_time_ms", 0..=i64::MAX)?;
    expires.map(ComponentRequest::LimitedTimeOffer).ok_or_else(|| offer.missing("expiration_time_ms"))
}

fn parameters(component: &Fields<'_>) -> Result<Vec<ParameterRequest>, Failure> {
    component.objects("parameters", PARAMETERS)?.iter().map(parameter).collect()
}

fn parameter(fields: &Fields<'_>) -> Result<ParameterRequest, Failure> {
    const KINDS: [&str; 12] = [
        "text",
        "currency",
        "date_time",
        "image",
        "video",
        "document",
        "location",
        "payload",
        "coupon_code",
        "action",
        "product",
        "ttl_minutes",
    ];
    let file = |name: &str| -> Result<File, Failure> { plain::file(&fields.need_object(name)?) };
    let header = |header| ValueRequest::Header(Box::new(header));
    let kind = fields.word("type", &KINDS)?.ok_or_else(|| fields.missing("type"))?;
    let value = match kind {
        "text" => ValueRequest::Text(filling(fields, "text")?),
        "currency" | "date_time" => {
            ValueRequest::Text(filling(&fields.need_object(kind)?, "fallback_value")?)
        }
        "image" => header(Header::Image(file("image")?)),
        "video" => header(Header::Video(file("video")?)),
        "document" => header(Header::Document(file("document")?)),
        "location" => {
            let place = fields.need_object("location")?;
            plain::location(&place)?;
            header(Header::Location {
                latitude: place.need_text("latitude", 32)?,
                longitude: place.need_text("longitude", 32)?,
                name: place.text("name", 1024)?,
                address: place.text("address", 1024)?,
            })
        }
        "payload" => ValueRequest::Payload(fields.need_text("payload", 128)?),
        "coupon_code" => ValueRequest::Code(fields.need_text("coupon_code", 15)?),
        later => {
            let details = format!("{}: {later} is not supported", fields.path("type"));
            return Err(Failure::new(Code::UnsupportedType, details));
        }
    };
    Ok(ParameterRequest { name: fields.text("parameter_name", 64)?, value })
}

/// Words for a place: no line breaks, no tabs, no more than four spaces in a row.
fn filling(fields: &Fields<'_>, name: &str) -> Result<String, Failure> {
    // No filled-in template is longer; whether this one is, is for the template to say.
    let text = fields.need_text(name, 4096)?;
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        let field = fields.path(name);
        let details = format!("{field}: no new-line or tab characters, and no more than 4 spaces in a row");
        return Err(Failure::new(Code::TemplateParameterFormat, details));
    }
    Ok(text)
}
