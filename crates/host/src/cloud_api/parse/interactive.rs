//! Messages with something to choose.

use super::{
    Failure, Fields,
    plain::{self, LINK, unique},
};
use crate::{
    codes::Code,
    content::{Action, Content, Header, Interactive, ListRow, ReplyButton, Section},
};

/// Kinds that the API has and that come with shop, flows and calls.
const LATER: [&str; 9] = [
    "product",
    "product_list",
    "catalog_message",
    "flow",
    "address_message",
    "order_details",
    "order_status",
    "call_permission_request",
    "voice_call",
];
pub(in crate::cloud_api) const KINDS: [&str; 6] =
    ["button", "list", "cta_url", "location_request_message", "request_contact_info", "carousel"];

pub(super) fn interactive(fields: &Fields<'_>) -> Result<Content, Failure> {
    let written = fields.need_text("type", 64)?.to_ascii_lowercase();
    if LATER.contains(&written.as_str()) {
        let details = format!("{}: {written} is not supported", fields.path("type"));
        return Err(Failure::new(Code::UnsupportedType, details));
    }
    let kind = fields.word("type", &KINDS)?.ok_or_else(|| fields.missing("type"))?;
    let action = fields.need_object("action")?;
    let header = header(fields)?;
    if kind == "list" && !matches!(header, None | Some(Header::Text { .. })) {
        return Err(fields.invalid("header", "of a list must be a text"));
    }
    let body = match fields.object("body")? {
        Some(body) => body.text("text", if kind == "list" { 4096 } else { 1024 })?,
        None => None,
    };
    let footer = match fields.object("footer")? {
        Some(footer) => footer.text("text", 60)?,
        None => None,
    };
    let body = body.ok_or_else(|| fields.missing("body.text"))?;
    let action = match kind {
        "button" => Action::Button { buttons: buttons(&action, "reply", 3)? },
        "list" => list(&action)?,
        "cta_url" => cta_url(&action)?,
        "location_request_message" => {
            named(&action, "send_location")?;
            Action::LocationRequest
        }
        "request_contact_info" => {
            named(&action, "request_contact_info")?;
            Action::ContactRequest
        }
        _ => carousel(&action)?,
    };
    Ok(Content::Interactive(Box::new(Interactive { header, body: Some(body), footer, action })))
}

/// What stands above; a header with an empty text is none.
fn header(fields: &Fields<'_>) -> Result<Option<Header>, Failure> {
    let Some(header) = fields.object("header")? else { return Ok(None) };
    let kind = header.word("type", &["text", "image", "video", "document"])?;
    let file = |name: &str| plain::file(&header.need_object(name)?);
    Ok(match kind {
        Some("image") => Some(Header::Image(file("image")?)),
        Some("video") => Some(Header::Video(file("video")?)),
        Some("document") => Some(Header::Document(file("document")?)),
        _ => header.text("text", 60)?.map(|text| Header::Text { text }),
    })
}

/// `action.name` says what `type` says; left out, that is enough.
fn named(action: &Fields<'_>, name: &'static str) -> Result<(), Failure> {
    action.word("name", &[name]).map(drop)
}

fn buttons(action: &Fields<'_>, kind: &'static str, most: usize) -> Result<Vec<ReplyButton>, Failure> {
    let written = action.objects("buttons", most)?;
    if written.is_empty() {
        return Err(action.missing("buttons"));
    }
    let mut buttons = Vec::with_capacity(written.len());
    for button in &written {
        button.word("type", &[kind])?;
        let reply = button.need_object(kind)?;
        buttons.push(ReplyButton { id: reply.need_text("id", 256)?, title: reply.need_text("title", 20)? });
    }
    unique(action, "buttons", "ids", buttons.iter().map(|button| button.id.as_str()))?;
    unique(action, "buttons", "titles", buttons.iter().map(|button| button.title.as_str()))?;
    Ok(buttons)
}

fn list(action: &Fields<'_>) -> Result<Action, Failure> {
    let button = action.need_text("button", 20)?;
    let written = action.objects("sections", 10)?;
    if written.is_empty() {
        return Err(action.missing("sections"));
    }
    let mut sections = Vec::with_capacity(written.len());
    for section in &written {
        let title = section.text("title", 24)?;
        if title.is_none() && written.len() > 1 {
            return Err(section.missing("title"));
        }
        let rows = section.objects("rows", 10)?;
        if rows.is_empty() {
            return Err(section.missing("rows"));
        }
        let row = |row: &Fields<'_>| {
            Ok::<_, Failure>(ListRow {
                id: row.need_text("id", 200)?,
                title: row.need_text("title", 24)?,
                description: row.text("description", 72)?,
            })
        };
        let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        sections.push(Section { title: title.unwrap_or_default(), rows });
    }
    if sections.iter().map(|section| section.rows.len()).sum::<usize>() > 10 {
        return Err(action.invalid("sections", "at most 10 rows in all"));
    }
    let rows = sections.iter().flat_map(|section| &section.rows);
    unique(action, "sections", "ids of rows", rows.map(|row| row.id.as_str()))?;
    Ok(Action::List { button, sections })
}

fn cta_url(action: &Fields<'_>) -> Result<Action, Failure> {
    named(action, "cta_url")?;
    let parameters = action.need_object("parameters")?;
    let display_text = parameters.need_text("display_text", 20)?;
    let url = parameters.need_text("url", LINK)?;
    if !plain::is_link(&url) {
        return Err(parameters.invalid("url", "must be a URL that begins with https:// or http://"));
    }
    Ok(Action::CtaUrl { display_text, url })
}

/// Two to ten cards of the same make.
fn carousel(action: &Fields<'_>) -> Result<Action, Failure> {
    let written = action.objects("cards", 10)?;
    if written.is_empty() {
        return Err(action.missing("cards"));
    }
    if written.len() < 2 {
        return Err(action.invalid("cards", "at least 2"));
    }
    let mut cards = Vec::with_capacity(written.len());
    for card in &written {
        card.integer("card_index", 0..=9)?;
        let kind = card.word("type", &["cta_url", "button", "quick_reply", "product"])?;
        if kind == Some("product") {
            let details = format!("{}: product is not supported", card.path("type"));
            return Err(Failure::new(Code::UnsupportedType, details));
        }
        let header = header(card)?.filter(|header| matches!(header, Header::Image(_) | Header::Video(_)));
        let header = header.ok_or_else(|| card.invalid("header", "must be an image or a video"))?;
        let body = match card.object("body")? {
            Some(body) => body.text("text", 160)?,
            None => None,
        };
        let action = card.need_object("action")?;
        let action = match action.value("buttons") {
            Some(_) => Action::Button { buttons: buttons(&action, "quick_reply", 3)? },
            None => cta_url(&action)?,
        };
        cards.push(Interactive { header: Some(header), body, footer: None, action });
    }
    let make = |card: &Interactive| {
        let buttons = if let Action::Button { buttons } = &card.action { buttons.len() } else { 0 };
        (matches!(card.header, Some(Header::Image(_))), card.body.is_some(), buttons)
    };
    let mut makes = cards.iter().map(make);
    let first = makes.next();
    if !makes.all(|make| Some(make) == first) {
        return Err(action.invalid("cards", "must be of the same make"));
    }
    Ok(Action::Carousel { cards })
}
