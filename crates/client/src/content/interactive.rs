//! What businesses send and people answer: its limits, and both forms of it.

use wire::content as w;

use super::{
    TEXT, WORDS, cut, fits, good_media, good_place, media_from_wire, media_to_wire, message_ref,
    place_from_wire, place_to_wire, wire_ref,
};
use crate::{
    Button, ButtonAction, ChoiceList, Header, Interactive, Marketing, Offer, Reply, ReplyKind, Row, Section,
    Slide, Template, TemplateCategory,
};

/// Bytes of an id, which is never cut: it would be another one.
const ID: usize = 1024;
/// Bytes of what stands on a button.
const TITLE: usize = 256;
/// Bytes of an address of a page.
const URL: usize = 2048;
/// Bytes of a number to call.
const NUMBER: usize = 64;
/// Bytes of JSON for those who know what it is about.
const PARAMETERS: usize = 32 << 10;
/// Buttons, sections, slides.
const PARTS: usize = 10;
/// Rows of all sections.
const ROWS: usize = 100;
/// Bytes of a proof of a number.
const PROOF: usize = 4 << 10;

/// An address that may be opened without asking what it would do.
pub(super) fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let steers = |character: char| character.is_control() || character.is_whitespace();
    url.len() <= URL && !url.contains(steers) && rest.is_some_and(|rest| !rest.is_empty())
}

fn is_number(number: &str) -> bool {
    let dialled = |character: char| character.is_ascii_digit() || " +-()./*#".contains(character);
    fits(number, NUMBER) && number.chars().all(dialled)
}

fn is_json(json: &str) -> bool {
    json.len() <= PARAMETERS
        && (json.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok())
}

fn good_header(header: Option<&mut w::Header>) -> bool {
    match header.and_then(|header| header.header.as_mut()) {
        Some(w::HeaderKind::Text(text)) => {
            cut(text, WORDS);
            true
        }
        Some(w::HeaderKind::Media(media)) => good_media(media),
        Some(w::HeaderKind::Location(place)) => good_place(place),
        None => true,
    }
}

fn good_buttons(buttons: &mut Vec<w::Button>) -> bool {
    use w::ButtonAction as Action;
    buttons.truncate(PARTS);
    buttons.iter_mut().all(|button| {
        cut(&mut button.title, TITLE);
        match &mut button.action {
            Some(Action::Reply(id)) => fits(id, ID),
            Some(Action::Url(url)) => is_url(url),
            Some(Action::Call(number)) => is_number(number),
            Some(Action::Copy(words)) => fits(words, WORDS),
            Some(Action::Other(other)) => fits(&other.name, TITLE) && is_json(&other.parameters),
            Some(Action::LocationRequest(_) | Action::ContactRequest(_)) | None => true,
        }
    })
}

fn good_list(list: &mut w::ChoiceList) -> bool {
    cut(&mut list.button, TITLE);
    list.sections.truncate(PARTS);
    let mut rows = 0;
    list.sections.iter_mut().all(|section| {
        cut(&mut section.title, TITLE);
        rows += section.rows.len();
        section.rows.iter_mut().all(|row| {
            cut(&mut row.title, TITLE);
            cut(&mut row.description, WORDS);
            fits(&row.id, ID)
        })
    }) && rows <= ROWS
}

/// Whether it can be shown; what is only too long is cut.
pub(super) fn good_interactive(content: &mut w::Interactive) -> bool {
    cut(&mut content.body, TEXT);
    cut(&mut content.footer, WORDS);
    content.slides.truncate(PARTS);
    good_header(content.header.as_mut())
        && good_buttons(&mut content.buttons)
        && content.list.as_mut().is_none_or(good_list)
        && content.slides.iter_mut().all(|slide| {
            cut(&mut slide.body, TEXT);
            good_header(slide.header.as_mut()) && good_buttons(&mut slide.buttons)
        })
}

pub(super) fn good_template(template: &mut w::Template) -> bool {
    if let Some(offer) = &mut template.offer {
        cut(&mut offer.text, WORDS);
    }
    let named = fits(&template.name, WORDS) && template.language.len() <= TITLE;
    named && template.content.as_mut().is_some_and(good_interactive)
}

pub(super) fn good_reply(reply: &mut w::Reply) -> bool {
    cut(&mut reply.title, TITLE);
    cut(&mut reply.description, WORDS);
    let named = reply.message.as_ref().and_then(message_ref).is_some();
    named && fits(&reply.id, ID) && is_json(&reply.response)
}

pub(super) fn good_proof(share: &w::NumberShare) -> bool {
    !share.proof.is_empty() && share.proof.len() <= PROOF
}

pub(super) fn good_done(done: &w::ErasureDone) -> bool {
    done.request.as_ref().and_then(message_ref).is_some()
}

fn header_from_wire(header: &w::Header) -> Option<Header> {
    Some(match header.header.as_ref()? {
        w::HeaderKind::Text(text) => Header::Text { text: text.clone() },
        w::HeaderKind::Media(media) => Header::Media(media_from_wire(media)?),
        w::HeaderKind::Location(place) => Header::Location(place_from_wire(place)),
    })
}

fn header_to_wire(header: Header) -> w::Header {
    let header = match header {
        Header::Text { text } => w::HeaderKind::Text(text),
        Header::Media(media) => w::HeaderKind::Media(media_to_wire(media)),
        Header::Location(place) => w::HeaderKind::Location(place_to_wire(place)),
    };
    w::Header { header: Some(header) }
}

fn button_from_wire(button: &w::Button) -> Button {
    use w::ButtonAction as Action;
    let action = match button.action.clone() {
        Some(Action::Reply(id)) => ButtonAction::Reply { id },
        Some(Action::Url(url)) => ButtonAction::Url { url },
        Some(Action::Call(number)) => ButtonAction::Call { number },
        Some(Action::Copy(text)) => ButtonAction::Copy { text },
        Some(Action::LocationRequest(_)) => ButtonAction::LocationRequest,
        Some(Action::ContactRequest(_)) => ButtonAction::ContactRequest,
        Some(Action::Other(other)) => ButtonAction::Other { name: other.name, parameters: other.parameters },
        None => ButtonAction::Unsupported,
    };
    Button { title: button.title.clone(), action }
}

fn button_to_wire(button: Button) -> w::Button {
    use w::ButtonAction as Action;
    let action = match button.action {
        ButtonAction::Reply { id } => Some(Action::Reply(id)),
        ButtonAction::Url { url } => Some(Action::Url(url)),
        ButtonAction::Call { number } => Some(Action::Call(number)),
        ButtonAction::Copy { text } => Some(Action::Copy(text)),
        ButtonAction::LocationRequest => Some(Action::LocationRequest(w::LocationRequest {})),
        ButtonAction::ContactRequest => Some(Action::ContactRequest(w::ContactRequest {})),
        ButtonAction::Other { name, parameters } => Some(Action::Other(w::OtherAction { name, parameters })),
        ButtonAction::Unsupported => None,
    };
    w::Button { title: button.title, action }
}

fn buttons_to_wire(buttons: Vec<Button>) -> Vec<w::Button> {
    buttons.into_iter().map(button_to_wire).collect()
}

pub(super) fn from_wire(content: &w::Interactive) -> Interactive {
    let row = |row: &w::Row| Row {
        id: row.id.clone(),
        title: row.title.clone(),
        description: row.description.clone(),
    };
    let section = |section: &w::Section| Section {
        title: section.title.clone(),
        rows: section.rows.iter().map(row).collect(),
    };
    let slide = |slide: &w::Slide| Slide {
        header: slide.header.as_ref().and_then(header_from_wire),
        body: slide.body.clone(),
        buttons: slide.buttons.iter().map(button_from_wire).collect(),
    };
    Interactive {
        header: content.header.as_ref().and_then(header_from_wire),
        body: content.body.clone(),
        footer: content.footer.clone(),
        buttons: content.buttons.iter().map(button_from_wire).collect(),
        list: content.list.as_ref().map(|list| ChoiceList {
            button: list.button.clone(),
            sections: list.sections.iter().map(section).collect(),
        }),
        slides: content.slides.iter().map(slide).collect(),
    }
}

pub(super) fn to_wire(content: Interactive) -> w::Interactive {
    let row = |row: Row| w::Row { id: row.id, title: row.title, description: row.description };
    let section = |section: Section| w::Section {
        title: section.title,
        rows: section.rows.into_iter().map(row).collect(),
    };
    let slide = |slide: Slide| w::Slide {
        header: slide.header.map(header_to_wire),
        body: slide.body,
        buttons: buttons_to_wire(slide.buttons),
    };
    w::Interactive {
        header: content.header.map(header_to_wire),
        body: content.body,
        footer: content.footer,
        buttons: buttons_to_wire(content.buttons),
        list: content.list.map(|list| w::ChoiceList {
            button: list.button,
            sections: list.sections.into_iter().map(section).collect(),
        }),
        slides: content.slides.into_iter().map(slide).collect(),
    }
}

pub(super) fn template_from_wire(template: &w::Template) -> Option<Template> {
    Some(Template {
        name: template.name.clone(),
        language: template.language.clone(),
        category: match template.category() {
            w::TemplateCategory::Unknown => TemplateCategory::Unknown,
            w::TemplateCategory::Utility => TemplateCategory::Utility,
            w::TemplateCategory::Marketing => TemplateCategory::Marketing,
            w::TemplateCategory::Authentication => TemplateCategory::Authentication,
        },
        content: from_wire(template.content.as_ref()?),
        offer: template.offer.as_ref().map(|offer| Offer { text: offer.text.clone(), ends: offer.ends }),
    })
}

pub(super) fn template_to_wire(template: Template) -> w::Template {
    let category = match template.category {
        TemplateCategory::Unknown => w::TemplateCategory::Unknown,
        TemplateCategory::Utility => w::TemplateCategory::Utility,
        TemplateCategory::Marketing => w::TemplateCategory::Marketing,
        TemplateCategory::Authentication => w::TemplateCategory::Authentication,
    };
    w::Template {
        name: template.name,
        language: template.language,
        category: category.into(),
        content: Some(to_wire(template.content)),
        offer: template.offer.map(|offer| w::Offer { text: offer.text, ends: offer.ends }),
    }
}

pub(super) fn reply_from_wire(reply: &w::Reply) -> Option<Reply> {
    Some(Reply {
        message: message_ref(reply.message.as_ref()?)?,
        kind: match reply.kind() {
            w::ReplyKind::Button => ReplyKind::Button,
            w::ReplyKind::Row => ReplyKind::Row,
            w::ReplyKind::Template => ReplyKind::Template,
            w::ReplyKind::Form => ReplyKind::Form,
        },
        id: reply.id.clone(),
        title: reply.title.clone(),
        description: reply.description.clone(),
        response: reply.response.clone(),
    })
}

pub(super) fn reply_to_wire(reply: Reply) -> w::Reply {
    let kind = match reply.kind {
        ReplyKind::Button => w::ReplyKind::Button,
        ReplyKind::Row => w::ReplyKind::Row,
        ReplyKind::Template => w::ReplyKind::Template,
        ReplyKind::Form => w::ReplyKind::Form,
    };
    w::Reply {
        message: Some(wire_ref(reply.message)),
        kind: kind.into(),
        id: reply.id,
        title: reply.title,
        description: reply.description,
        response: reply.response,
    }
}

pub(super) fn marketing_from_wire(preference: w::Preference) -> Marketing {
    match preference.marketing() {
        w::Marketing::Unchanged => Marketing::Unchanged,
        w::Marketing::Stop => Marketing::Stop,
        w::Marketing::Resume => Marketing::Resume,
    }
}

pub(super) fn marketing_to_wire(marketing: Marketing) -> w::Preference {
    let marketing = match marketing {
        Marketing::Unchanged => w::Marketing::Unchanged,
        Marketing::Stop => w::Marketing::Stop,
        Marketing::Resume => w::Marketing::Resume,
    };
    w::Preference { marketing: marketing.into() }
}
