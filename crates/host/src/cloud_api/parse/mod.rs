//! What comes in by `POST /{phone}/messages`, made into what `messages` takes (spec section 3).

mod interactive;
mod plain;
mod template;

use wire::PhoneNumber;

pub use self::template::TemplateRequest;
pub(super) use self::{interactive::KINDS as INTERACTIVE, plain::is_link};
use super::{Failure, Fields};
use crate::{
    codes::Code,
    content::Content,
    ids::{MessageId, NumberId, UserId},
    messages::{Outgoing, Recipient},
};

/// Types of messages that are sent here.
pub(super) const KINDS: [&str; 11] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
];
/// Types of messages that other servers of this API may know and this one does not yet.
const LATER: [&str; 8] =
    ["pin", "order", "flow", "product", "group_invite", "list", "ephemeral", "call_permission_request"];

/// The number that sends, as far as its requests are read by it.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// Its id.
    pub id: NumberId,
    /// The country whose code is assumed where a number has none: two capital letters.
    pub country: Option<&'a str>,
}

/// What a request to `/messages` wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Something is sent.
    Send(Box<Draft>),
    /// A message was read, and perhaps somebody types an answer.
    Read {
        /// Which.
        message: MessageId,
        /// Whether somebody types.
        typing: bool,
    },
}

/// A message to be sent, of which only the template is not filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The recipient as it was written.
    pub input: String,
    /// What is sent.
    pub outgoing: Outgoing,
    /// Instead of the content, the template that makes it.
    pub template: Option<TemplateRequest>,
}

/// Reads a request.
///
/// # Errors
/// The first thing that is wrong, with the path to the field.
pub fn request(sender: Sender<'_>, fields: &Fields<'_>) -> Result<Request, Failure> {
    product(fields)?;
    if let Some(status) = fields.text("status", 20)? {
        return match status.to_ascii_lowercase().as_str() {
            "read" => read(sender, fields),
            _ => Err(fields.invalid("status", "must be read")),
        };
    }
    draft(sender, fields).map(|draft| Request::Send(Box::new(draft)))
}

/// `messaging_product`, without which nothing is taken.
///
/// # Errors
/// It is missing or another.
pub fn product(fields: &Fields<'_>) -> Result<(), Failure> {
    match fields.text("messaging_product", 64)? {
        Some(product) if product.eq_ignore_ascii_case("whatsapp") => Ok(()),
        Some(_) => Err(Failure::parameter("messaging_product", "must be whatsapp")),
        None => Err(Failure::new(Code::Parameter, "The parameter messaging_product is required.")),
    }
}

fn read(sender: Sender<'_>, fields: &Fields<'_>) -> Result<Request, Failure> {
    let message = message_id(sender, fields)?;
    let plain = fields.value("typing_indicator").and_then(serde_json::Value::as_bool);
    let typing = match plain.map_or_else(|| fields.object("typing_indicator"), |_| Ok(None))? {
        None if plain == Some(true) => true,
        Some(indicator) => {
            indicator.word("type", &["text"])?.ok_or_else(|| indicator.missing("type"))?;
            true
        }
        None => false,
    };
    Ok(Request::Read { message, typing })
}

/// A message of this number that has to be named.
fn message_id(sender: Sender<'_>, fields: &Fields<'_>) -> Result<MessageId, Failure> {
    let id = fields.need_text("message_id", 512)?.parse::<MessageId>();
    let id = id.ok().filter(|id| id.number() == sender.id);
    id.ok_or_else(|| fields.invalid("message_id", "no message of this number"))
}

fn draft(sender: Sender<'_>, fields: &Fields<'_>) -> Result<Draft, Failure> {
    if fields.word("recipient_type", &["individual", "group"])? == Some("group") {
        return Err(Failure::new(Code::UnsupportedType, "recipient_type: groups are not supported"));
    }
    let (input, to) = recipient(sender, fields)?;
    let kind = fields.text("type", 64)?.map_or_else(|| "text".to_owned(), |kind| kind.to_ascii_lowercase());
    let mut template = None;
    let content = match kind.as_str() {
        "template" => {
            template = Some(template::template(&fields.need_object("template")?)?);
            // Takes its place until it is filled in.
            Content::Unsupported { what: None }
        }
        "interactive" => interactive::interactive(&fields.need_object("interactive")?)?,
        "contacts" => plain::contacts(fields)?,
        "reaction" => plain::reaction(sender, &fields.need_object("reaction")?)?,
        "text" => plain::text(&fields.need_object("text")?)?,
        "location" => plain::location(&fields.need_object("location")?)?,
        "image" | "video" | "audio" | "document" | "sticker" => {
            plain::media(&kind, &fields.need_object(&kind)?)?
        }
        later if LATER.contains(&later) => {
            return Err(Failure::new(Code::UnsupportedType, format!("type: {later} is not supported")));
        }
        _ => return Err(Failure::new(Code::UnsupportedType, "type: no type of messages")),
    };
    let outgoing = Outgoing {
        number: sender.id,
        to,
        content,
        context: context(sender, fields)?,
        tracker: fields.text("biz_opaque_callback_data", 512)?,
        identity_key_hash: fields.text("recipient_identity_key_hash", 256)?,
        once: None,
    };
    Ok(Draft { input, outgoing, template })
}

/// What is answered. A message that is not known, or is another number's, is not quoted.
fn context(sender: Sender<'_>, fields: &Fields<'_>) -> Result<Option<MessageId>, Failure> {
    let Some(context) = fields.object("context")? else { return Ok(None) };
    let id = context.text("message_id", 512)?.and_then(|id| id.parse::<MessageId>().ok());
    Ok(id.filter(|id| id.number() == sender.id))
}

/// `to`, or else `recipient`; and what was written.
fn recipient(sender: Sender<'_>, fields: &Fields<'_>) -> Result<(String, Recipient), Failure> {
    if let Some(to) = fields.text("to", 256)? {
        let recipient =
            self::to(sender, &to).ok_or_else(|| fields.invalid("to", "not a valid phone number"))?;
        return Ok((to, recipient));
    }
    if let Some(written) = fields.text("recipient", 256)? {
        let recipient = self::to(sender, &written);
        let recipient = recipient.ok_or_else(|| fields.invalid("recipient", "not a valid user id"))?;
        return Ok((written, recipient));
    }
    Err(Failure::new(Code::Parameter, "The parameter to is required."))
}

/// A phone number or a user id, as somebody wrote it.
#[must_use]
pub fn to(sender: Sender<'_>, written: &str) -> Option<Recipient> {
    let written = written.trim();
    if let Ok(user) = written.parse::<UserId>() {
        return Some(Recipient::User(user));
    }
    // What a keyboard or a contact list puts between digits; a word is no number.
    if !written.bytes().all(|byte| byte.is_ascii_digit() || b"+-() ./".contains(&byte)) {
        return None;
    }
    let international = match written.strip_prefix('+') {
        Some(_) => written.to_owned(),
        None => format!("+{}", written.strip_prefix("00").unwrap_or(written)),
    };
    let number = PhoneNumber::from_typed(&international, None);
    let national = || PhoneNumber::from_typed(written, sender.country);
    number
        .or_else(|error| if sender.country.is_some() { national() } else { Err(error) })
        .ok()
        .map(Recipient::Number)
}
